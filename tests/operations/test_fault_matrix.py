"""Each fault in each mode: nothing becomes NaN, no balance breaks, nothing goes unreported, over ten years too."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.operations.faultmatrix import MODES, fault_matrix, mode_instants
from moonpost.operations.faultrates import FaultRate, assumed_rates, drawn_faults
from moonpost.operations.faults import FAULT_KINDS, MachineFault
from moonpost.operations.recovery import changes_of, courses_of, unreported
from moonpost.operations.simulation import simulate

_SPEC = importlib.util.spec_from_file_location("faultcases", Path(__file__).with_name("faultcases.py"))
cases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cases)
YEARS = 365.25


@pytest.fixture(scope="module")
def matrix():
    return fault_matrix(cases.case_of(150.0), cases.SUBJECT)


def run(case, changes=()):
    return simulate(
        case.plan, case.sun, case.light_by_mast, site=case.site, contacts=case.contacts, changes=changes
    )


def assert_sound(found, courses, stop):
    """Finite, balanced, and every step of every fault told."""
    for name in found.series:
        assert np.isfinite(found.series[name].values).all(), name
    assert found.energy_residual_relative < 1e-6
    assert found.heat_residual_relative < 1e-6
    assert found.data_residual_relative < 1e-6
    assert found.mass_residual_relative < 1e-6
    assert unreported(courses, found.events, stop) == []


def test_every_fault_is_met_in_every_mode(matrix):
    met = {(cell.fault.kind, cell.mode) for cell in matrix}
    assert met == {(kind, mode) for kind in FAULT_KINDS for mode in MODES}


def test_nothing_breaks_and_nothing_is_kept_quiet(matrix):
    for cell in matrix:
        assert cell.finite, cell.fault
        assert cell.residual_relative < 1e-6, cell.fault
        assert cell.missing == (), cell.fault
        assert cell.outcome
        assert cell.recovery


def test_the_modes_are_what_they_are_called():
    case = cases.case_of(150.0)
    series = run(case).series
    for mode, time in mode_instants(case, cases.SUBJECT).items():
        at = series.sel(time=time, method="ffill")
        lit = float(at["light_fraction"].isel(mast_m=0)) > 0.0
        assert lit == (mode.endswith("by day"))
        assert (float(at["element_working"].sel(element=cases.SUBJECT)) > 0.0) == mode.startswith("awake")


def cell_of(matrix, kind, mode):
    return next(cell for cell in matrix if (cell.fault.kind, cell.mode) == (kind, mode))


def test_outcomes_are_what_an_engineer_expects(matrix):
    assert cell_of(matrix, "dead-heater", "awake by day").outcome == "no harm"
    assert cell_of(matrix, "no-wake", "awake by day").awake == 1.0
    assert cell_of(matrix, "no-wake", "asleep at night").awake < 1.0
    assert cell_of(matrix, "failed-recorder", "awake by day").lost_bit > 0.0
    assert cell_of(matrix, "stuck-heater", "asleep at night").served > 1.0
    assert cell_of(matrix, "lost-relay", "awake by day").sent < 1.0
    # a sleeping machine is heard only once it is awake again
    assert cell_of(matrix, "dust", "asleep at night").course.time_of("fault-detected") > cell_of(
        matrix, "dust", "asleep at night"
    ).fault.time + np.timedelta64(24, "h")


@pytest.fixture(scope="module")
def helpless():
    return fault_matrix(cases.case_of(150.0), cases.SUBJECT, recovery="none")


def test_without_its_heater_and_without_help_a_machine_is_lost(helpless):
    for mode in MODES:
        cell = cell_of(helpless, "dead-heater", mode)
        assert cell.course.procedure == "none"
        assert cell.outcome.startswith("lost after")
        assert cell.recovery.endswith("lost")


def test_a_heater_that_dies_at_night_is_seen_too_late(matrix):
    # heard only when it wakes, which it never does; by day the spare circuit is on before the next night
    assert cell_of(matrix, "dead-heater", "asleep at night").recovery == "too late"
    assert cell_of(matrix, "dead-heater", "awake by day").recovery == "seen 0 h, answered 24 h, over 24 h"


def test_a_recovery_does_not_leave_a_machine_asleep(helpless, matrix):
    for mode in MODES:
        assert cell_of(matrix, "no-wake", mode).awake > cell_of(helpless, "no-wake", mode).awake


def test_nothing_is_kept_quiet_where_nothing_is_done(helpless):
    for cell in helpless:
        assert cell.finite, cell.fault
        assert cell.residual_relative < 1e-6, cell.fault
        assert cell.missing == (), cell.fault


def test_a_fault_on_a_lost_machine_is_still_told():
    case = cases.case_of(120.0)
    dead = MachineFault("dead-heater", cases.SUBJECT, cases.START + 2 * cases.DAY, recovery="none")
    late = MachineFault("dust", cases.SUBJECT, cases.START + 60 * cases.DAY, 0.5)
    courses = courses_of(case.plan, [dead, late])
    found = run(case, changes_of(case.plan, courses))
    assert found.event_counts["machine-lost"] == 1
    assert_sound(found, courses, case.period[1])
    lost = next(event.time for event in found.events if event.kind == "machine-lost")
    assert float(found.series["element_served_w"].sel(time=slice(lost + cases.DAY, None)).sum()) == 0.0


def test_wrong_names_are_refused():
    case = cases.case_of(60.0)
    with pytest.raises(UnknownNameError, match="dst"):
        fault_matrix(case, cases.SUBJECT, ["dst"])
    with pytest.raises(ModelError, match="yutu-2"):
        fault_matrix(case, "yutu-2")
    bare = cases.case_of(60.0, cases.everything(recorder=None))
    with pytest.raises(InputError, match="has not a recorder"):
        fault_matrix(bare, cases.SUBJECT, ["failed-recorder"])


def many_faults(case, seed, per_year=1.0):
    rates = [
        FaultRate(rate.kind, rate.subject, per_year, size=rate.size)
        for rate in assumed_rates(case.plan, [case.plan.element(cases.SUBJECT)])
    ]
    return courses_of(case.plan, drawn_faults(case.plan, rates, *case.period, seed), case.contacts)


@pytest.mark.parametrize("seed", range(3))
def test_many_faults_at_once_break_nothing(seed):
    case = cases.case_of(YEARS)
    courses = many_faults(case, seed, 3.0)
    assert {course.fault.kind for course in courses} > {"dust", "no-wake"}
    assert_sound(run(case, changes_of(case.plan, courses)), courses, case.period[1])


@pytest.mark.parametrize("kind", ["dead-heater", "failed-string"])
def test_a_fault_that_stays_for_two_years_breaks_nothing(kind):
    case = cases.case_of(2 * YEARS)
    fault = MachineFault(kind, cases.SUBJECT, cases.START + 100 * cases.DAY, recovery="none")
    courses = courses_of(case.plan, [fault], case.contacts)
    assert_sound(run(case, changes_of(case.plan, courses)), courses, case.period[1])


@pytest.mark.soak
@pytest.mark.parametrize("recovery", [None, "none"])
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_over_ten_years_every_fault_in_every_mode_breaks_nothing(kind, recovery):
    case = cases.case_of(10 * YEARS)
    cells = fault_matrix(case, cases.SUBJECT, [kind], recovery=recovery)
    assert {cell.mode for cell in cells} == set(MODES)
    for cell in cells:
        assert cell.finite, cell.fault
        assert cell.residual_relative < 1e-6, cell.fault
        assert cell.missing == (), cell.fault


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_ten_years_of_many_faults_break_nothing(seed):
    case = cases.case_of(10 * YEARS)
    courses = many_faults(case, seed)
    assert len(courses) > 50
    assert_sound(run(case, changes_of(case.plan, courses)), courses, case.period[1])

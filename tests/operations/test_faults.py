"""Faults: their course, what they set, files of them, and those drawn by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, DateError, InputError, MoonpostError, UnknownNameError
from moonpost.operations.changes import QUANTITIES
from moonpost.operations.faultfile import fault_of_text, faults_of, faults_within, read_faults
from moonpost.operations.faultrates import FaultRate, arrived, assumed_rates, drawn_faults, expected_faults
from moonpost.operations.faults import FAULT_KINDS, PROCEDURES, MachineFault, affected, possible
from moonpost.operations.recovery import changes_of, courses_of, fault_changes, unreported, windows_ms
from moonpost.plan import load_plan
from moonpost.plan.elements import Dormancy, Recorder, Storage, ThermalBox

DAY = np.timedelta64(1, "D")
START = np.datetime64("2040-01-01", "ms")
SPAN = (START, np.datetime64("2050-01-01", "ms"))


@pytest.fixture(scope="module")
def plan():
    """The bundled plan with a lander that has everything that can fail."""
    found = load_plan("ilrs")
    lander = found.element("ce7-lander").model_copy(
        update={
            "thermal": ThermalBox(capacity_j_k=5e4, radiator_m2=0.3, heater_w=40.0),
            "dormancy": Dormancy(wake_sun_deg=1.0),
            "recorder": Recorder(capacity_bit=1e9, downlink_bit_s=1e6),
            "storage": Storage(capacity_wh=10_000.0, modules=4),
        }
    )
    elements = tuple(lander if element.id == lander.id else element for element in found.elements)
    return found.model_copy(update={"elements": elements})


def fault(kind="dust", subject="ce7-lander", after_days=31.0, **rest):
    return MachineFault(kind, subject, START + np.timedelta64(round(after_days * 86_400e3), "ms"), **rest)


def windows(*pairs):
    return np.array([[START + a * DAY, START + b * DAY] for a, b in pairs], dtype="datetime64[ms]")


def test_every_kind_names_known_quantities_and_procedures():
    for kind in FAULT_KINDS.values():
        assert kind.quantity in QUANTITIES
        assert kind.procedures
        assert set(kind.procedures) <= set(PROCEDURES)


def test_a_machine_with_everything_can_have_every_kind(plan):
    assert set(possible(plan.element("ce7-lander"))) == set(FAULT_KINDS)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_fault_is_told_from_begin_to_end(plan, kind):
    course = courses_of(plan, [fault(kind)], windows((40, 41), (50, 51)))[0]
    kinds = [mark.kind for mark in course.marks]
    assert kinds[0] == "fault-begins"
    if kind == "late-command":
        assert kinds == ["fault-begins", "fault-ends"]
        return
    assert kinds[:3] == ["fault-begins", "fault-detected", "recovery-begins"]
    assert course.time_of("fault-detected") == START + 40 * DAY
    assert course.time_of("recovery-begins") == START + 41 * DAY
    clears = PROCEDURES[course.procedure].clears
    assert kinds[3:] == (["fault-ends"] if clears else [])
    changes = changes_of(plan, [course])
    assert [c.kind for c in changes if c.kind != "command"] == kinds
    assert all(c.text for c in changes)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_when_a_fault_is_over_the_quantities_are_what_they_were(plan, kind):
    neutral = dict.fromkeys(QUANTITIES, 1.0) | {"heater-stuck": 0.0, "battery-modules": 4.0, "asleep": 0.0}
    changes = fault_changes(plan, [fault(kind, days=60.0, latency_h=24.0 * 70)])
    last = {change.quantity: change.value for change in changes}
    assert last == {quantity: neutral[quantity] for quantity in last}
    changes = fault_changes(plan, [fault(kind, days=60.0)])
    last = {change.quantity: change.value for change in changes}
    if kind == "dust":
        assert "stays lost" in next(c.text for c in changes if c.kind == "fault-ends")
        assert last.pop("array-factor") == pytest.approx(0.94)
    assert last == {quantity: neutral[quantity] for quantity in last}


def test_cleaning_brings_back_a_part():
    plan = load_plan("ilrs")
    changes = fault_changes(plan, [fault("dust", size=0.4, strength=0.75)])
    values = [c.value for c in changes if c.quantity == "array-factor"]
    assert values == pytest.approx([0.6, 0.9])


def test_losses_multiply_and_strings_add(plan):
    many = [fault("dust", after_days=d, size=0.1, recovery="none") for d in (1, 2, 3)]
    assert [c.value for c in fault_changes(plan, many)][0::2] == pytest.approx([0.9, 0.81, 0.729])
    strings = [fault("failed-string", after_days=d, size=s, recovery="none") for d, s in ((1, 1), (2, 2), (3, 4))]
    counts = [c.value for c in fault_changes(plan, strings) if c.quantity == "battery-modules"]
    assert counts == [3.0, 1.0, 0.0]


def test_faults_in_any_order_set_the_same(plan):
    faults = [fault(kind, after_days=30 + 0.37 * k) for k, kind in enumerate(FAULT_KINDS)]
    assert fault_changes(plan, faults) == fault_changes(plan, faults[::-1])


def test_a_silent_relay_delays_what_is_seen_of_other_faults(plan):
    both = [fault("lost-relay", after_days=10, recovery="none", days=20.0), fault("dust", after_days=12)]
    dust = next(c for c in courses_of(plan, both) if c.fault.kind == "dust")
    assert dust.time_of("fault-detected") == START + 30 * DAY


def test_late_commands_delay_answers_not_sight(plan):
    both = [fault("late-command", after_days=10, size=480.0, recovery="none"), fault("dust", after_days=12)]
    dust = next(c for c in courses_of(plan, both) if c.fault.kind == "dust")
    assert dust.time_of("fault-detected") == START + 12 * DAY
    assert dust.time_of("recovery-begins") == START + 30 * DAY


def test_without_contact_a_fault_is_neither_seen_nor_ended(plan):
    course = courses_of(plan, [fault()], windows((1, 2)))[0]
    assert [mark.kind for mark in course.marks] == ["fault-begins"]
    assert np.isnat(course.time_of("fault-ends"))


def test_a_lost_relay_reaches_those_that_it_serves():
    plan = load_plan("ilrs")
    lost = MachineFault("lost-relay", "queqiao-2", SPAN[0])
    assert affected(plan, lost) == ("station-communications",)
    assert courses_of(plan, [lost])[0].procedure == "other-relay"
    alone = plan.model_copy(update={"elements": tuple(e for e in plan.elements if e.id != "queqiao")})
    assert courses_of(alone, [lost])[0].procedure == "direct-contact"
    with pytest.raises(InputError, match="no other relay"):
        courses_of(alone, [MachineFault("lost-relay", "queqiao-2", SPAN[0], recovery="other-relay")])


def test_a_repeated_value_is_not_set_again(plan):
    two = [fault("stuck-array", after_days=d, recovery="none") for d in (1, 5)]
    turns = [c for c in fault_changes(plan, two) if c.quantity == "array-turns"]
    assert len(turns) == 1
    assert sum(c.kind == "fault-begins" for c in fault_changes(plan, two)) == 2


def test_what_is_not_told_is_found(plan):
    courses = courses_of(plan, [fault("no-wake")])
    events = changes_of(plan, courses)
    assert unreported(courses, events) == []
    assert unreported(courses, events[1:]) == [f"ce7-lander: no-wake: fault-begins at {events[0].time}"]
    assert unreported(courses, events[:1], stop=events[0].time + np.timedelta64(1, "ms")) != []


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 30)), min_size=1, max_size=12),
    at=st.integers(0, 600),
)
def test_detection_is_the_first_instant_of_contact(rows, at):
    plan = load_plan_once()
    given_rows = windows(*((a, a + n) for a, n in rows))
    course = courses_of(plan, [fault(after_days=at, recovery="none")], given_rows)[0]
    instant = START + at * DAY
    later = [max(a, instant) for a, b in given_rows if b >= instant]
    expected = min(later) if later else np.datetime64("NaT")
    found = course.time_of("fault-detected")
    assert found == expected or (np.isnat(found) and not later)
    joined = windows_ms(given_rows, ["x"])["x"]
    assert (joined[1:, 0] > joined[:-1, 1]).all()


_PLANS: list = []


def load_plan_once():
    """One plan for all examples."""
    if not _PLANS:
        _PLANS.append(load_plan("ilrs"))
    return _PLANS[0]


FILE = """
latency_h = 12
[[fault]]
kind = "dust"
subject = "yutu-2"
at = 2040-02-01
size = 0.3
[[fault]]
kind = "no-wake"
subject = "yutu-2"
at = 2040-03-01T06:00:00Z
latency_h = 48
[[rate]]
kind = "dust"
subject = "ce4-lander"
per_year = 2.0
size = [0.01, 0.1]
"""


def test_a_file_gives_faults_and_rates(tmp_path, plan):
    path = tmp_path / "faults.toml"
    path.write_text(FILE)
    found = read_faults(path)
    assert [f.latency_h for f in found.faults] == [12.0, 48.0]
    assert found.rates[0].size == (0.01, 0.1)
    first = faults_of(plan, *SPAN, 1, path=path)
    assert first == faults_of(plan, *SPAN, 1, path=path)
    assert first != faults_of(plan, *SPAN, 2, path=path)
    assert {f.subject for f in first} == {"yutu-2", "ce4-lander"}


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ('"dust"\nsubject = "yutu-2"', '"dst"\nsubject = "yutu-2"', UnknownNameError, r"fault\[1\]\.kind.*dust"),
        ("size = 0.3", "size = nan", InputError, r"fault\[1\]\.size: is nan"),
        ("size = 0.3", "size = 1.5", InputError, r"fault\[1\]\.size: is 1.5; give a number from 0 to 1"),
        ("size = 0.3", 'size = "big"', InputError, r"fault\[1\]\.size"),
        ("size = 0.3", "size = true", InputError, r"fault\[1\]\.size"),
        ("size = 0.3", "sise = 0.3", UnknownNameError, r"fault\[1\]: unknown key 'sise'; did you mean size"),
        ("at = 2040-02-01\n", "", InputError, r"fault\[1\]: lacks at"),
        ("at = 2040-02-01\n", 'at = "soon"\n', DateError, r"fault\[1\]\.at: soon is not a date"),
        ("at = 2040-02-01\n", "at = 5\n", DateError, r"fault\[1\]\.at"),
        ("latency_h = 48", "latency_h = -1", InputError, r"fault\[2\]\.latency_h"),
        ("latency_h = 12", "latency_h = inf", InputError, r"faults\.toml: latency_h"),
        ("latency_h = 12", "latency = 12", UnknownNameError, "unknown key 'latency'"),
        ("per_year = 2.0", "per_year = nan", InputError, r"rate\[1\]\.per_year"),
        ("per_year = 2.0", "per_year = 2.0\nwear = 0", InputError, r"rate\[1\]\.wear"),
        ("[0.01, 0.1]", "[0.1, 0.01]", InputError, r"rate\[1\]\.size"),
        ("[0.01, 0.1]", "[0.1]", InputError, r"rate\[1\]\.size"),
        ("[[rate]]", "[rate]", InputError, "write \\[\\[rate\\]\\]"),
        ("size = 0.3", "size = ", DataError, "is not valid TOML"),
        ("size = 0.3", 'recovery = "wash"', UnknownNameError, r"fault\[1\]\.recovery"),
        ("size = 0.3", "strength = 2", InputError, r"fault\[1\]\.strength"),
        (
            'subject = "yutu-2"\nat = 2040-02-01\n',
            "subject = 3\nat = 2040-02-01\n",
            InputError,
            r"fault\[1\]\.subject",
        ),
    ],
)
def test_a_bad_file_gives_one_error_with_its_place(tmp_path, old, new, error, said):
    path = tmp_path / "faults.toml"
    assert old in FILE
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(error, match=said) as caught:
        read_faults(path)
    assert "faults.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_or_missing_file_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(InputError, match="has no fault"):
        read_faults(tmp_path / "a.toml")
    with pytest.raises(DataError, match="cannot be read"):
        read_faults(tmp_path / "b.toml")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="UTF-8"):
        read_faults(tmp_path / "c.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind=dust,subject=yuto-2,at=2040-02-01", "unknown machine 'yuto-2'; did you mean yutu-2"),
        ("kind=dust,subject=yutu-2,at=2051-02-01", "outside the period"),
        ("kind=dust,subject=yutu-2,at=2039-12-31T23:59", "outside the period"),
        ("kind=failed-recorder,subject=yutu-2,at=2040-02-01", "has not a recorder"),
        ("kind=failed-string,subject=yutu-2,at=2040-02-01,size=2", "2 strings, but yutu-2 has 1"),
        ("kind=failed-string,subject=yutu-2,at=2040-02-01,size=1.5", "whole number"),
        ("kind=no-wake,subject=yutu-2,at=2040-02-01,size=1", "has no size"),
        ("kind=dust,subject", "not key=value"),
        ("kind=dust,kind=dust", "kind twice"),
        ("kind=dust,subject=yutu-2,at=2040-02-01,size=x", "give a number"),
    ],
)
def test_a_bad_line_gives_one_error(plan, text, said):
    with pytest.raises(MoonpostError, match=said) as caught:
        faults_within(plan, [fault_of_text(text)], *SPAN)
    assert "--fault" in str(caught.value)


def test_a_fault_before_its_machine_is_there_is_refused(plan):
    early = fault_of_text("kind=dust,subject=yutu-2,at=2018-01-01")
    with pytest.raises(DateError, match="before yutu-2 is there"):
        faults_within(plan, [early], np.datetime64("2017-01-01", "ms"), SPAN[1])


def test_what_is_drawn_has_the_mean_and_variance_of_a_poisson_process(plan):
    rate = FaultRate("dust", "yutu-2", 0.8)
    counts = np.array([len(drawn_faults(plan, [rate], *SPAN, seed)) for seed in range(2000)])
    mean = expected_faults(plan, rate, *SPAN)
    assert mean == pytest.approx(8.0, rel=1e-3)
    # Four standard errors of mean and variance of 2,000 Poisson numbers.
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 2000))
    assert counts.var() == pytest.approx(mean, abs=4 * np.sqrt((mean + 2 * mean**2) / 2000))


def test_what_wears_fails_more_often_later(plan):
    rate = FaultRate("dust", "yutu-2", 0.2, wear=2.0)
    born = arrived(plan, "yutu-2")
    year = np.timedelta64(round(365.25 * 86_400e3), "ms")
    early, late = (born, born + 5 * year), (born + 15 * year, born + 20 * year)
    assert expected_faults(plan, rate, *early) == pytest.approx(1.0)
    assert expected_faults(plan, rate, *late) == pytest.approx(16.0 - 9.0)
    times = np.concatenate(
        [
            [(f.time - born) / year for f in drawn_faults(plan, [rate], born, born + 10 * year, s)]
            for s in range(800)
        ]
    )
    # Given their number, ages to the power of the wear are even: their mean is a half.
    assert ((times / 10.0) ** 2).mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / times.size))


def test_a_part_that_fails_once_lives_exponentially(plan):
    rate = FaultRate("dust", "yutu-2", 1.0, once=True)
    born = arrived(plan, "yutu-2")
    year = np.timedelta64(round(365.25 * 86_400e3), "ms")
    drawn = [drawn_faults(plan, [rate], born, born + 30 * year, seed) for seed in range(1500)]
    assert {len(faults) for faults in drawn} == {1}
    lives = np.array([(faults[0].time - born) / year for faults in drawn])
    assert lives.mean() == pytest.approx(1.0, abs=4 / np.sqrt(1500))
    assert np.mean(lives > 1.0) == pytest.approx(np.exp(-1.0), abs=4 * np.sqrt(0.37 * 0.63 / 1500))


def test_a_further_rate_changes_no_other(plan):
    rates = [FaultRate("dust", "yutu-2", 1.0), FaultRate("dust", "ce4-lander", 1.0)]
    one = drawn_faults(plan, rates[:1], *SPAN, 7)
    both = drawn_faults(plan, rates, *SPAN, 7)
    assert one == tuple(f for f in both if f.subject == "yutu-2")


def test_nothing_happens_before_a_machine_is_there(plan):
    born = arrived(plan, "ce7-lander")
    span = (born - np.timedelta64(3650, "D"), born + np.timedelta64(365, "D"))
    faults = drawn_faults(plan, [FaultRate("dust", "ce7-lander", 20.0)], *span, 0)
    assert faults
    assert min(f.time for f in faults) >= born


def test_assumed_rates_fit_every_machine_of_the_plan(plan):
    rates = assumed_rates(plan, plan.elements)
    assert {rate.kind for rate in rates} == set(FAULT_KINDS)
    drawn_faults(plan, rates, *SPAN, 0)


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_bad_seed_is_refused(plan, seed):
    with pytest.raises(InputError, match="seed"):
        drawn_faults(plan, [], *SPAN, seed)

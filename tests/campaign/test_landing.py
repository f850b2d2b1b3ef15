"""Mixes of launches that land a mass: as good as brute force, with reasons where it cannot be done."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.campaign.landing import land_mass, mix_faults
from moonpost.campaign.launchdates import Departure
from moonpost.campaign.launches import FlightKind, LeftOut
from moonpost.errors import InputError

START, STOP = dt.datetime(2031, 1, 1), dt.datetime(2035, 12, 31)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def a_kind(name, cargo_kg, cost=None, arrival_kg=None):
    """A launcher that brings so much."""
    return FlightKind(
        launcher=name,
        name=name.title(),
        transfer="land",
        injected_kg=10.0 * cargo_kg,
        arrival_kg=arrival_kg or 1.5 * cargo_kg,
        arrival_low_kg=1.2 * cargo_kg,
        arrival_high_kg=1.8 * cargo_kg,
        lander_kg=0.5 * cargo_kg,
        cargo_kg=cargo_kg,
        cargo_low_kg=0.5 * cargo_kg,
        cargo_high_kg=2.0 * cargo_kg,
        limit="chain",
        landed_fraction=0.15,
        volume_m3=None,
        available=None,
        per_year=1.0,
        per_year_assumed=True,
        cost=cost,
        reliability=None,
        source="made for this test",
        confidence="C",
        note="",
    )


def launches(kind, *days):
    """Launches of one kind that arrive so many days after the start."""
    return [
        Departure(kind, k + 1, START + dt.timedelta(day - 5.0), START + dt.timedelta(day), None, None)
        for k, day in enumerate(days)
    ]


@st.composite
def cases(draw):
    """Up to four launchers with up to three launches each, and a mass."""
    days = []
    for number in range(draw(st.integers(1, 4))):
        mass, cost = draw(st.integers(1, 9)), draw(st.sampled_from([0.0, 1.0, 2.5, 4.0]))
        kind = a_kind(f"l{number}", float(mass), cost)
        days += launches(kind, *draw(st.lists(st.sampled_from([10.0, 20.0, 30.0, 40.0]), max_size=3)))
    return days, float(draw(st.integers(1, 40)))


def brute(days, mass_kg, aim):
    """Best value over every number of launches of every launcher."""
    kinds = {day.kind.launcher: day.kind for day in days}
    arrivals = {name: sorted(day.arrival for day in days if day.kind.launcher == name) for name in kinds}
    best = None
    for chosen in itertools.product(*(range(len(arrivals[name]) + 1) for name in kinds)):
        flown = [(kinds[name], n, arrivals[name]) for name, n in zip(kinds, chosen, strict=True) if n]
        brought = sum(n * kind.cargo_kg for kind, n, _ in flown)
        if aim == "robust":
            brought -= max((kind.cargo_kg for kind, _, _ in flown), default=0.0)
        if brought < mass_kg:
            continue
        value = {
            "cost": sum(n * kind.cost for kind, n, _ in flown),
            "earliest": max((when[n - 1] - START) / dt.timedelta(days=1) for _, n, when in flown),
        }.get(aim, float(sum(chosen)))
        best = value if best is None else min(best, value)
    return best


def compare(days, mass_kg, aim):
    """Compare with brute force."""
    best, found = brute(days, mass_kg, aim), land_mass(days, mass_kg, START, STOP, aim=aim)
    assert mix_faults(found) == []
    if best is None:
        assert found.launches is None
        assert "too little" in found.conflict or "no launch" in found.conflict
        return
    assert found.optimal
    assert found.value == pytest.approx(best, abs=1e-9)
    assert found.landed_kg == sum(row.brought_kg for row in found.rows)


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(cases())
def test_cost_equals_brute_force_on_200_cases(case):
    compare(*case, "cost")


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(cases(), st.sampled_from(["launches", "earliest", "robust"]))
def test_every_aim_equals_brute_force(case, aim):
    compare(*case, aim)


def test_a_mix_is_told_with_what_each_launcher_does_alone():
    big, small = a_kind("big", 10.0, 5.0), a_kind("small", 3.0, 1.0)
    days = launches(big, 10.0, 375.0, 740.0) + launches(small, 10.0, 192.0, 375.0, 558.0)
    found = land_mass(days, 16.0, START, STOP, aim="cost", left_out=[LeftOut("other", "not known")])
    assert {row.launcher: row.launches for row in found.rows} == {"big": 1, "small": 2}
    assert (found.cost, found.landed_kg, found.landed_low_kg, found.landed_high_kg) == (7.0, 16.0, 8.0, 32.0)
    assert {row.launcher: (row.alone, row.alone_cost) for row in found.rows} == {
        "big": (2, 10.0),
        "small": (None, None),
    }
    assert found.done == "2031-07-12T00:00:00Z"
    assert (found.if_low, found.if_high) == (4, 1)
    assert found.left_out == (LeftOut("other", "not known"),)


def test_landers_count_where_landed_mass_is_asked():
    days = launches(a_kind("big", 10.0), 10.0, 375.0)
    assert land_mass(days, 15.0, START, STOP).launches == 2
    assert land_mass(days, 15.0, START, STOP, count="landed").launches == 1


def test_launchers_without_a_cost_are_left_out_of_the_cheapest():
    days = launches(a_kind("big", 10.0), 10.0) + launches(a_kind("small", 3.0, 1.0), 10.0)
    found = land_mass(days, 3.0, START, STOP, aim="cost")
    assert [row.launcher for row in found.rows] == ["small"]
    assert found.left_out == (LeftOut("big", "its cost is not known"),)
    with pytest.raises(InputError, match="--cost"):
        land_mass(launches(a_kind("big", 10.0), 10.0), 3.0, START, STOP, aim="cost")


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_costs_are_told_apart_in_any_unit(unit):
    days = launches(a_kind("big", 10.0, unit), 10.0) + launches(a_kind("small", 9.0, 0.999999 * unit), 10.0)
    found = land_mass(days, 5.0, START, STOP, aim="cost")
    assert {row.launcher: row.launches for row in found.rows} == {"big": 0, "small": 1}
    assert found.value == 0.999999 * unit


def test_days_of_one_launch_count_once():
    big = a_kind("big", 10.0)
    days = launches(big, 10.0, 375.0)
    again = [Departure(big, 1, day.launch, day.arrival + dt.timedelta(days=3), None, None) for day in days[:1]]
    found = land_mass([*again, *days], 30.0, START, STOP)
    assert found.rows[0].most == 2
    assert found.conflict


def test_what_cannot_be_landed_says_how_much_is_missing():
    days = launches(a_kind("big", 10.0), 10.0, 375.0)
    assert land_mass(days, 25.0, START, STOP).conflict.endswith("bring 20 kg, 5 kg too little")
    assert "if one is lost" in land_mass(days, 15.0, START, STOP, aim="robust").conflict
    early = START + dt.timedelta(days=9)
    assert land_mass(days, 5.0, START - dt.timedelta(9), early).conflict == "no launch arrives by 2031-01-10"


@pytest.mark.parametrize("mass_kg", [0.0, -1.0, math.nan, math.inf])
def test_masses_that_cannot_be_landed_are_refused(mass_kg):
    with pytest.raises(InputError):
        land_mass([], mass_kg, START, STOP)


@pytest.mark.parametrize("options", [{"aim": "luck"}, {"count": "all"}, {"seconds": 0.0}])
def test_bad_options_are_named(options):
    with pytest.raises(InputError):
        land_mass([], 5.0, START, STOP, **options)

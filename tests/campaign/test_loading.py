"""Cargo on flights: as good as brute force, sound, and with reasons where it cannot be done."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.campaign import loadingmodel
from moonpost.campaign.loading import Cargo, Flight, Loading, conflicts, load_flights, loading_faults
from moonpost.errors import InputError, ModelError

AIMS = ("launches", "cost", "earliest", "robust")
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@st.composite
def cases(draw):
    """Up to five cargoes on up to four flights, with room, order, kinds and days."""
    flights = [
        Flight(
            f"f{number}",
            draw(st.sampled_from(["k1", "k2"])),
            draw(st.sampled_from([10.0, 20.0, 30.0])),
            draw(st.sampled_from([6.0, 9.0, 14.0])),
            draw(st.sampled_from([math.inf, 8.0])),
            draw(st.sampled_from([0.0, 1.0, 2.0, 3.5])),
            slot=draw(st.sampled_from(["", "", "s"])),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    cargo = []
    for number in range(draw(st.integers(1, 5))):
        after = tuple(f"c{other}" for other in range(number) if draw(st.integers(0, 3)) == 0)
        kinds = draw(st.sampled_from([None, None, None, frozenset({"k1"}), frozenset({"k1", "k2"})]))
        need = draw(st.sampled_from([math.inf, math.inf, 20.0, 35.0]))
        ready = draw(st.sampled_from([-math.inf, -math.inf, 10.0, 15.0]))
        mass, room = float(draw(st.integers(1, 6))), float(draw(st.integers(0, 4)))
        cargo.append(Cargo(f"c{number}", mass, room, after, need, kinds, ready))
    return cargo, flights


def brute(cargo, flights, aim):
    """Best value over every assignment."""
    best = None
    for chosen in itertools.product(range(len(flights)), repeat=len(cargo)):
        flown = {}
        for row, f in zip(cargo, chosen, strict=True):
            flown.setdefault(flights[f].id, []).append(row.id)
        if loading_faults(cargo, flights, Loading(aim, flown, 0.0, 0.0, True)):
            continue
        days = [flights[f].day for f in chosen]
        value = {
            "launches": float(len(flown)),
            "cost": sum(flight.cost for flight in flights if flight.id in flown),
            "earliest": sum(d * r.mass_kg for d, r in zip(days, cargo, strict=True))
            / sum(r.mass_kg for r in cargo),
            "robust": min(r.need_day - d for d, r in zip(days, cargo, strict=True)),
        }[aim]
        if best is None or (value > best if aim == "robust" else value < best):
            best = value
    return best


def compare(cargo, flights, aim):
    """Compare with brute force."""
    best, found = brute(cargo, flights, aim), load_flights(cargo, flights, aim=aim)
    if best is None:
        assert found is None
        return
    assert found is not None
    assert loading_faults(cargo, flights, found) == []
    assert found.optimal
    assert found.value == pytest.approx(best, abs=1e-9)
    assert found.bound == found.value
    assert found.gap == 0.0 or math.isinf(found.value)


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(cases())
def test_cost_equals_brute_force_on_200_cases(case):
    compare(*case, "cost")


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(cases(), st.sampled_from(AIMS))
def test_every_aim_equals_brute_force(case, aim):
    compare(*case, aim)


@pytest.mark.soak
@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
@given(cases(), st.sampled_from(AIMS))
def test_every_aim_equals_brute_force_on_400_cases(case, aim):
    compare(*case, aim)


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(cases(), st.sampled_from(AIMS))
def test_order_by_days_finds_the_same(case, aim):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loadingmodel, "_MOST_TERMS", 0)
        compare(*case, aim)


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
@given(cases())
def test_a_conflict_is_irreducible(case):
    cargo, flights = case
    found = conflicts(cargo, flights)
    assert bool(found.parts) == (load_flights(cargo, flights) is None)
    assert len(found.parts) == len(found.demands)
    for left_out in found.parts:
        kept = [part for part in found.parts if part != left_out]
        assert load_flights(only(cargo, kept), flights) is not None, left_out


def only(cargo, parts):
    """Cargo with only some of its demands, written apart from the code under test."""
    flying = [row for row in cargo if (row.id, "flies") in parts]
    names = {row.id for row in flying}
    return [
        Cargo(
            row.id,
            row.mass_kg,
            row.volume_m3,
            tuple(name for name in row.after if name in names and (row.id, f"after {name}") in parts),
            row.need_day if (row.id, "need") in parts else math.inf,
            row.flights if (row.id, "kinds") in parts else None,
            row.ready_day if (row.id, "ready") in parts else -math.inf,
        )
        for row in flying
    ]


def test_ties_go_to_fewer_launches_and_earlier_flights():
    flights = [Flight("late", "k", 90.0, 9.0), Flight("soon", "k", 10.0, 9.0)]
    assert load_flights([Cargo("a", 5.0)], flights).flown == {"soon": ("a",)}
    sizes = [Flight("large", "k", 10.0, 90.0), Flight("small", "k", 10.0, 9.0)]
    assert load_flights([Cargo("a", 5.0)], sizes).flown == {"small": ("a",)}
    free = [Flight("one", "k", 10.0, 5.0, cost=0.0), Flight("two", "k", 10.0, 9.0, cost=0.0)]
    assert load_flights([Cargo("a", 4.0), Cargo("b", 4.0)], free, aim="cost").flown == {"two": ("a", "b")}


def test_costs_that_differ_by_a_millionth_are_told_apart():
    """A tie-break must never outweigh the aim, nor the solver's absolute gap, in any unit of cost."""
    for unit in (1e-9, 1.0, 1e9):
        flights = [Flight("soon", "k", 10.0, 9.0, cost=unit), Flight("late", "k", 90.0, 9.0, cost=0.999999 * unit)]
        found = load_flights([Cargo("a", 5.0)], flights, aim="cost")
        assert found.flown == {"late": ("a",)}
        assert (found.value, found.optimal) == (0.999999 * unit, True)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_no_unit_of_mass_lets_too_much_on_board(unit):
    """The solver's tolerance is absolute, so that small numbers must not slip through it."""
    cargo = [Cargo(name, 0.5001 * unit) for name in ("a", "b")]
    flights = [Flight("f", "k", 0.0, unit), Flight("g", "k", 9.0, unit)]
    assert len(load_flights(cargo, flights).flown) == 2
    assert load_flights(cargo, flights[:1]) is None


def test_thirty_cargoes_on_many_flights_are_proved_or_the_gap_is_told():
    chance = random.Random(3)
    cargo = [
        Cargo(f"c{n}", chance.uniform(200.0, 3000.0), after=(f"c{n - 1}",) if n % 5 else ()) for n in range(30)
    ]
    flights = [Flight(f"f{n}", "cz-10", 365.0 * n, 7290.0) for n in range(12)]
    found = load_flights(cargo, flights, seconds=1.5)
    assert loading_faults(cargo, flights, found) == []
    least = math.ceil(sum(row.mass_kg for row in cargo) / 7290.0)
    assert found.value >= found.bound >= least
    assert found.optimal == (found.value == found.bound)


def test_a_search_that_runs_out_of_time_says_so():
    chance = random.Random(5)
    cargo = [Cargo(f"c{n}", chance.uniform(40.0, 60.0)) for n in range(120)]
    flights = [Flight(f"f{n}", f"k{n}", float(n), 101.0 + n / 7) for n in range(60)]
    with pytest.raises(ModelError, match="allow more seconds"):
        load_flights(cargo, flights, seconds=1e-3)


@pytest.mark.parametrize(
    ("cargo", "flights", "options"),
    [
        ([Cargo("a", float("nan"))], [], {}),
        ([Cargo("a", -1.0)], [], {}),
        ([Cargo("a", 1.0, need_day=float("nan"))], [], {}),
        ([Cargo("a", 1.0, ready_day=float("nan"))], [], {}),
        ([Cargo("a", 1.0), Cargo("a", 1.0)], [], {}),
        ([Cargo("a", 1.0, after=("b",))], [], {}),
        ([Cargo("a", 1.0)], [Flight("f", "k", float("inf"), 1.0)], {}),
        ([Cargo("a", 1.0)], [Flight("f", "k", 0.0, 1.0, chance=0.0)], {}),
        ([Cargo("a", 1.0)], [Flight("f", "k", 0.0, 1.0, cost=-1.0)], {}),
        ([Cargo("a", 1.0)], [], {"aim": "luck"}),
        ([Cargo("a", 1.0)], [], {"seconds": 0.0}),
    ],
)
def test_bad_input_is_named(cargo, flights, options):
    with pytest.raises(InputError):
        load_flights(cargo, flights, **options)


def test_nothing_to_bring_needs_no_launch():
    assert load_flights([], []).value == 0.0
    assert load_flights([Cargo("a", 1.0)], []) is None


def test_faults_name_strangers():
    found = Loading("launches", {"f": ("a",), "g": ("b", "b")}, 0.0, 0.0, True)
    faults = loading_faults([Cargo("b", 1.0, ready_day=5.0)], [Flight("g", "k", 1.0, 1.0)], found)
    assert faults == [
        "there is no flight f",
        "there is no cargo a",
        "g carries 2 of at most 1 mass_kg",
        "b comes before it is ready",
        "b comes before it is ready",
        "b flies 2 times",
    ]

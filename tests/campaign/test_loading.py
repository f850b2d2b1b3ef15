"""Cargo on flights: as good as brute force, sound, and with reasons where it cannot be done."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from moonpost.campaign.loading import Cargo, Flight, Loading, conflicts, load_flights, loading_faults
from moonpost.errors import InputError


def _case(seed):
    chance = random.Random(seed)
    count, flights = chance.randint(1, 5), []
    for number in range(chance.randint(1, 4)):
        day, size = chance.choice([10.0, 20.0, 30.0]), chance.choice([6.0, 9.0, 14.0])
        volume = chance.choice([math.inf, 8.0])
        flights.append(Flight(f"f{number}", f"k{size:g}", day, size, volume, cost=chance.choice([1.0, 2.0, 3.5])))
    cargo = []
    for number in range(count):
        after = tuple(f"c{other}" for other in range(number) if chance.random() < 0.3)
        need = chance.choice([math.inf, math.inf, 20.0, 35.0])
        kinds = frozenset(chance.sample(["k6", "k9", "k14"], 2)) if chance.random() < 0.2 else None
        cargo.append(
            Cargo(f"c{number}", float(chance.randint(1, 6)), float(chance.randint(0, 4)), after, need, kinds)
        )
    return cargo, flights


def _brute(cargo, flights, aim):
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


def _compare(seed):
    cargo, flights = _case(seed)
    for aim in ("launches", "cost", "earliest", "robust"):
        best = _brute(cargo, flights, aim)
        found = load_flights(cargo, flights, aim=aim)
        if best is None:
            assert found is None
            assert conflicts(cargo, flights).demands
            return 0
        assert found is not None
        assert loading_faults(cargo, flights, found) == []
        assert found.optimal
        assert found.value == pytest.approx(best, abs=1e-6), (seed, aim)
        assert found.bound == pytest.approx(best, abs=2e-3) or math.isinf(best), (seed, aim)
    return 1


def test_as_good_as_brute_force_on_small_cases():
    assert sum(_compare(seed) for seed in range(60)) > 20


@pytest.mark.soak
def test_as_good_as_brute_force_on_200_cases():
    assert sum(_compare(seed) for seed in range(1000, 1200)) > 80


def test_a_conflict_is_irreducible():
    for seed in range(200):
        cargo, flights = _case(seed)
        if load_flights(cargo, flights) is None:
            demands = conflicts(cargo, flights).demands
            assert demands
            assert all(any(text.startswith(row.id) for row in cargo) for text in demands)
            return
    pytest.fail("no case without a loading")


def test_ties_go_to_earlier_flights():
    flights = [Flight("late", "k", 90.0, 9.0), Flight("soon", "k", 10.0, 9.0)]
    assert load_flights([Cargo("a", 5.0)], flights).flown == {"soon": ("a",)}


def test_thirty_cargoes_on_many_flights_are_proved():
    chance = random.Random(3)
    cargo = [
        Cargo(f"c{n}", chance.uniform(200.0, 3000.0), after=(f"c{n - 1}",) if n % 5 else ()) for n in range(30)
    ]
    flights = [Flight(f"f{n}", "cz-10", 365.0 * n, 7290.0) for n in range(12)]
    found = load_flights(cargo, flights, seconds=4.0)
    assert loading_faults(cargo, flights, found) == []
    least = math.ceil(sum(row.mass_kg for row in cargo) / 7290.0)
    assert found.value >= found.bound >= least
    assert found.optimal == (found.value == found.bound)


@pytest.mark.parametrize(
    ("cargo", "flights", "options"),
    [
        ([Cargo("a", float("nan"))], [], {}),
        ([Cargo("a", 1.0), Cargo("a", 1.0)], [], {}),
        ([Cargo("a", 1.0, after=("b",))], [], {}),
        ([Cargo("a", 1.0)], [Flight("f", "k", float("inf"), 1.0)], {}),
        ([Cargo("a", 1.0)], [Flight("f", "k", 0.0, 1.0, chance=0.0)], {}),
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

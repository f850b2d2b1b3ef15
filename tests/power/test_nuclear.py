"""Radioisotope generators that age, reactors that stop, and their radiation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.plan.elements import Element, Radioisotope, Reactor
from moonpost.plan.model import DesignRules
from moonpost.power import (
    dose_sv_year,
    element_supply_w,
    radioisotope_power_w,
    reactor_outages,
    reactor_runs_w,
    reactor_stream,
    shield_standoff_m,
)

RULES = DesignRules(start="2035", source="test", confidence="C")
PLANT = Reactor(kind="reactor", electric_w=1000.0, availability=0.9, outage_days=4.0, life_years=10.0)


def sky(count):
    return SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + np.arange(count) * np.timedelta64(29, "h"),
        azimuth_deg=np.zeros(count),
        elevation_deg=np.ones(count),
        distance_m=np.full(count, 1.5e11),
    )


def test_thermocouples_age_besides_the_fuel():
    source = Radioisotope(kind="radioisotope", electric_w=100.0, thermal_w=2000.0)
    electric, thermal = radioisotope_power_w(source, [0.0, 10.0], 0.02)
    assert electric[1] / 100.0 == pytest.approx(0.5 ** (10.0 / 87.7) * 0.98**10)
    assert thermal[1] == radioisotope_power_w(source, 10.0)[1]
    with pytest.raises(InputError, match="thermocouple"):
        radioisotope_power_w(source, 1.0, 0.2)


def test_outages_are_the_same_for_a_seed_and_keep_the_availability():
    first = reactor_outages(PLANT, 150.0, seed=7)
    assert (first == reactor_outages(PLANT, 150.0, seed=7)).all()
    assert (first[: len(reactor_outages(PLANT, 5.0, seed=7))] == reactor_outages(PLANT, 5.0, seed=7)).all()
    assert not np.array_equal(first[:5], reactor_outages(PLANT, 150.0, seed=8)[:5])
    assert not np.array_equal(first[:5], reactor_outages(PLANT, 150.0, seed=7, stream=1)[:5])
    assert (first[1:, 0] >= first[:-1, 1]).all()
    assert np.diff(first, axis=1) == pytest.approx(4.0 / 365.25)
    out = sum(float(np.diff(reactor_outages(PLANT, 200.0, seed=s), axis=1).sum()) for s in range(20)) / 4000.0
    assert out == pytest.approx(0.1, rel=0.05)


def test_power_stops_within_outages_and_nowhere_else():
    years = np.linspace(0.0, 10.0, 36_526)[:-1]
    power = reactor_runs_w(PLANT, years, seed=3)
    inside = np.zeros(years.size, dtype=bool)
    for start, stop in reactor_outages(PLANT, 11.0, seed=3):
        inside |= (years >= start) & (years < stop)
    assert (power == np.where(inside, 0.0, 1000.0)).all()
    assert reactor_runs_w(PLANT, 10.0) == 0.0
    even = Reactor(kind="reactor", electric_w=1000.0, availability=0.9)
    assert reactor_runs_w(even, 1.0) == 900.0


def test_copies_of_a_reactor_stop_each_on_its_own():
    element = Element(id="p", name="P", owner="a", kind="power", mission="m", maturity="new", count=2,
                      generators=(PLANT,), source="test", confidence="C")  # fmt: skip
    years = np.linspace(0.0, 9.9, 3000)
    view = sky(3000)
    power = element_supply_w(element, view, {}, years, RULES, outages=True, seed=2)
    assert set(power.tolist()) == {0.0, 1000.0, 2000.0} or set(power.tolist()) == {1000.0, 2000.0}
    apart = [reactor_runs_w(PLANT, years, seed=2, stream=reactor_stream(element, 0, k)) for k in (0, 1)]
    assert (power == apart[0] + apart[1]).all()
    assert (element_supply_w(element, view, {}, years, RULES) == 1800.0).all()


def test_dose_and_standoff_are_inverses():
    known = {"reference_sv_year": 0.05, "reference_m": 1000.0, "thermal_ratio": 3.0}
    far = shield_standoff_m(0.01, **known, shield_kg=800.0, shield_m2=2.0, tenth_value_kg_m2=400.0)
    assert dose_sv_year(far, **known, added_tenth_values=1.0) == pytest.approx(0.01, rel=1e-12)
    assert far == pytest.approx(1000.0 * np.sqrt(0.05 * 3.0 / 0.01 / 10.0))


@pytest.mark.parametrize(
    "call",
    [
        lambda: reactor_outages(PLANT, 0.0),
        lambda: reactor_outages(PLANT, 1.0, seed=-1),
        lambda: reactor_runs_w(PLANT, -1.0),
        lambda: dose_sv_year(0.0, reference_sv_year=1.0, reference_m=1.0),
        lambda: dose_sv_year(1.0, reference_sv_year=-1.0, reference_m=1.0),
        lambda: dose_sv_year(1.0, reference_sv_year=1.0, reference_m=1.0, added_tenth_values=np.nan),
        lambda: shield_standoff_m(0.0, reference_sv_year=1.0, reference_m=1.0),
        lambda: shield_standoff_m(1.0, reference_sv_year=1.0, reference_m=1.0, shield_kg=np.nan),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(InputError):
        call()

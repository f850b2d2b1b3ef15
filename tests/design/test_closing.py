"""Budget lines, and ways that close them: each way is applied and the budget closes."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.comms import link_budget
from moonpost.design import (
    close_data,
    close_energy,
    close_link,
    close_mass,
    close_power,
    data_line,
    energy_line,
    link_lines,
    mass_budget,
    mass_lines,
    power_budget,
    power_lines,
    size_storage,
)
from moonpost.design.closing import raised_arrays
from moonpost.errors import InputError
from moonpost.plan import load_plan, with_number


def short(stations):
    """A plan whose 10 m array and battery do not carry the night."""
    sun, light = stations.sky(60)
    light[20.0] = np.clip(light[10.0] + 0.5, 0, 1)
    plan = stations.small_plan(capacity_wh=15_000.0, rated_w=900.0)
    sizing = size_storage(plan, sun, light)
    assert not sizing.closes
    return plan, sun, light, sizing


def test_every_way_closes_the_energy_budget(stations):
    plan, sun, light, sizing = short(stations)
    ways = {way.way: way for way in close_energy(plan, sizing, sun, light.__getitem__, masts_m=(2.0, 10.0, 20.0))}
    assert energy_line(sizing).margin == pytest.approx(sizing.margin_wh)
    assert set(ways) == {"more-modules", "less-load", "more-array", "higher-mast", "wait-for-sun", "radioisotope"}

    path = "elements[battery].storage.capacity_wh"
    more = with_number(plan, path, 15_000.0 * (1 + ways["more-modules"].value))
    assert size_storage(more, sun, light).closes
    one_less = with_number(plan, path, 15_000.0 * ways["more-modules"].value)
    assert not size_storage(one_less, sun, light).closes

    path = "elements[plant].generators[0].rated_w"
    grown = with_number(plan, path, 900.0 + ways["more-array"].value)
    assert size_storage(grown, sun, light).closes
    smaller = with_number(plan, path, 900.0 + 0.6 * ways["more-array"].value)
    assert not size_storage(smaller, sun, light).closes

    assert ways["higher-mast"].value == 20.0
    assert ways["higher-mast"].closes == size_storage(raised_arrays(plan, 20.0), sun, light).closes
    waiting = size_storage(plan, sun, light, light_mode_above=0.5)
    assert ways["wait-for-sun"].closes == waiting.closes

    less = ways["less-load"].value / sizing.load_w.mean()
    assert 0 < less < 1
    for name, power_w in (("on", 200.0), ("off", 100.0)):
        plan = with_number(plan, f"elements[plant].modes[{name}].power_w", power_w * (1 - less) * (1 - 1e-5))
    assert size_storage(plan, sun, light).closes


def test_no_store_replaces_sources(stations):
    sun, light = stations.sky(500)
    plan = stations.small_plan(capacity_wh=15_000.0, rated_w=200.0)
    sizing = size_storage(plan, sun, light)
    ways = {way.way: way for way in close_energy(plan, sizing, sun, light.__getitem__)}
    assert not ways["more-modules"].closes
    assert "lack" in ways["more-modules"].text
    assert ways["more-array"].closes


def test_what_closes_asks_for_nothing(stations):
    sun, light = stations.sky(30)
    plan = stations.small_plan(capacity_wh=1e6, rated_w=9000.0)
    assert close_energy(plan, size_storage(plan, sun, light), sun, light.__getitem__) == ()
    lines = [*mass_lines(mass_budget(load_plan("ilrs"))), *power_lines(power_budget(load_plan("ilrs")))]
    assert lines
    for line in lines:
        ways = (
            close_power(line) if line.budget == "power" else close_mass(load_plan("ilrs"), line, mass_budget(plan))
        )
        assert bool(ways) != line.closes


def test_mass_that_does_not_close():
    plan = load_plan("ilrs")
    delivered = {"ilrs-1": 8000.0, "ilrs-5": 9000.0}
    budget = mass_budget(plan, delivered_capability_kg=delivered)
    line = next(row for row in mass_lines(budget) if row.subject == "ilrs-1" and row.what.startswith("elements"))
    assert not line.closes
    ways = {way.way: way for way in close_mass(plan, line, budget)}
    assert ways["less-mass"].value == pytest.approx(line.asked - 8000.0)
    assert ways["move-element"].value >= ways["less-mass"].value
    assert "ilrs-5" in ways["move-element"].text


def test_data_and_links():
    plan = load_plan("ilrs")
    line = data_line(plan, 0.8, 0.5, 1e6)
    factor = line.asked / line.available
    assert not line.closes
    less, rate, contact = close_data(line, spare_db=1.0)
    assert less.value == pytest.approx(-line.margin)
    assert rate.value == contact.value == pytest.approx(factor)
    assert not rate.closes
    assert close_data(line, spare_db=60.0)[1].closes
    assert data_line(plan, 0.8, 0.5, 1e6 * factor).margin == pytest.approx(0.0, abs=1.0)
    assert len(close_data(data_line(plan, 0.8, 0.0, 1e6))) == 1
    with pytest.raises(InputError):
        data_line(plan, 1.2, 0.5, 1e6)

    links = {link.id: link for link in plan.links}
    weak = links["queqiao-earth"]
    (line,) = link_lines([link_budget(weak)])
    ways = {way.way: way.value for way in close_link(line, weak.rate_bit_s)}
    for changed in (
        weak.model_copy(update={"rate_bit_s": ways["lower-rate"]}),
        weak.model_copy(update={"transmit_power_w": weak.transmit_power_w * ways["more-power"]}),
        weak.model_copy(update={"receive_dish_m": weak.receive_dish_m * ways["larger-dish"]}),
    ):
        assert link_lines([link_budget(changed)])[0].margin == pytest.approx(0.0, abs=1e-9)

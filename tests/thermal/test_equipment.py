"""Equipment: closed forms, conservation, thermostats, switches, limits and refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.thermal import (
    Blanket,
    Heater,
    HeatSource,
    HeatSwitch,
    Network,
    NetworkRun,
    Node,
    Surface,
    ThermalLink,
    network_balance,
    regolith,
    simulate_network,
)

SIGMA = 5.670374419e-8
YEAR_S = 365.25 * 86400.0


def plate(**options: object) -> Network:
    surface = {"area_m2": 0.5, "emissivity": 0.8, **options}
    return Network([Node("plate", 2e4)], surfaces=[Surface("face", "plate", **surface)])  # type: ignore[arg-type]


def station(hysteresis_k: float = 4.0) -> Network:
    """A warm box in a blanket, with a radiator behind a heat switch, a heater and a radioisotope unit."""
    return Network(
        nodes=[
            Node("box", 4e4, operate_k=(253.0, 323.0), survive_k=(233.0, 333.0)),
            Node("battery", 8e3, operate_k=(268.0, 303.0)),
            Node("radiator", 3e3),
        ],
        links=[ThermalLink("box", "battery", conductance_w_k=0.8), ThermalLink("box", "ground", 0.01)],
        surfaces=[Surface("panel", "radiator", 0.6, 0.9, 0.15, sky_view=0.9, ground_view=0.1, dust=0.1)],
        blankets=[Blanket("mli", "box", 2.5, emittance=0.02)],
        switches=[HeatSwitch("box", "radiator", 3.0, 0.02, "box", close_above_k=293.0, open_below_k=288.0)],
        heaters=[Heater("battery", 12.0, on_below_k=270.0, off_above_k=270.0 + hysteresis_k)],
        sources=[HeatSource("box", 4.0)],
    )


def nights(days: float, step_s: float = 7200.0) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Ground at 60 deg latitude, sunlight and dissipation over lunar days."""
    day = regolith(60.0, steps=240)
    hour = np.arange(round(days * 86400 / step_s)) * step_s / (29.530588861 * 86400) * 24 % 24
    sun = 1361.0 * np.maximum(-np.cos(hour / 24 * 2 * np.pi), 0.0) * 0.5
    light = {"panel": 0.3 * sun, "mli": 0.5 * sun}
    return day.surface_at_k(hour), light, {"box": np.where(sun > 0, 25.0, 4.0)}


def test_a_plate_in_the_sun_and_a_plate_over_the_ground() -> None:
    # Stefan-Boltzmann: absorptivity S = emissivity sigma (T^4 - sky^4).
    lit = network_balance(plate(absorptivity=0.3), 100.0, sunlight_w_m2={"face": 1361.0})
    exact = (0.3 * 1361.0 / (0.8 * SIGMA) + 2.725**4) ** 0.25
    assert lit.temperature_k["plate"] == pytest.approx(exact, rel=1e-10)
    # A plate that sees nothing but ground has the ground's temperature times its emissivity to the fourth root.
    sink = network_balance(plate(sky_view=0.0, ground_view=1.0), 250.0)
    assert sink.temperature_k["plate"] == pytest.approx(250.0 * 0.95**0.25, rel=1e-10)
    half = network_balance(plate(sky_view=0.5, ground_view=0.5), 300.0, dissipation_w={"plate": 60.0})
    exact = (60.0 / (0.5 * 0.8 * SIGMA) + 0.5 * 0.95 * 300.0**4 + 0.5 * 2.725**4) ** 0.25
    assert half.temperature_k["plate"] == pytest.approx(exact, rel=1e-10)


def test_radiative_cooling() -> None:
    # C dT/dt = -a T^4: T^-3 grows evenly. The sky's 2.7 K is 1e-8 of it.
    found = simulate_network(plate(), 600.0, np.full(144, 100.0), start_k=320.0, longest_s=100.0)
    exact = (320.0**-3 + 3 * 0.5 * 0.8 * SIGMA / 2e4 * found.time_s) ** (-1 / 3)
    np.testing.assert_allclose(found.of("plate"), exact, atol=1e-3)


def test_two_nodes_decay_exponentially() -> None:
    network = Network(
        [Node("one", 1e3), Node("two", 1e3)],
        [ThermalLink("one", "two", 0.4), ThermalLink("one", "ground", 0.1), ThermalLink("two", "ground", 0.1)],
    )
    start = {"one": 320.0, "two": 260.0}
    errors = []
    for longest in (120.0, 60.0, 30.0):
        found = simulate_network(network, 600.0, np.full(24, 250.0), start_k=start, longest_s=longest)
        mean = 250.0 + 40.0 * np.exp(-0.1e-3 * found.time_s)
        apart = 60.0 * np.exp(-0.9e-3 * found.time_s)
        exact = np.stack([mean + apart / 2, mean - apart / 2], axis=1)
        errors.append(np.abs(found.temperature_k - exact).max())
    assert errors[2] < 1e-3
    # Second order: a quarter for each halving.
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.1)


def test_thermostat_against_its_closed_form() -> None:
    capacity, loss, power, ground, low, high = 5e3, 0.2, 50.0, 100.0, 270.0, 276.0
    with pytest.raises(InputError, match="hysteresis"):
        Heater("box", 30.0, 270.0, 270.0)
    network = Network(
        [Node("box", capacity)], [ThermalLink("box", "ground", loss)], heaters=[Heater("box", power, low, high)]
    )
    found = simulate_network(network, 3600.0, np.full(48, ground), start_k=275.0, longest_s=60.0)
    on = np.array([e.time_s for e in found.events if e.what == "on"])
    off = np.array([e.time_s for e in found.events if e.what == "off"])
    warm = ground + power / loss
    heating = capacity / loss * np.log((warm - low) / (warm - high))
    cooling = capacity / loss * np.log((high - ground) / (low - ground))
    assert len(on) > 30
    np.testing.assert_allclose(off[: len(on)] - on[: len(off)], heating, atol=0.1)
    np.testing.assert_allclose(np.diff(on), heating + cooling, atol=0.2)
    assert found.heater_w[2:].mean() == pytest.approx(power * heating / (heating + cooling), rel=0.02)
    balance = network_balance(network, ground)
    assert balance.heater_w["box"] == pytest.approx(loss * (low - ground))
    assert balance.short == ()


def test_a_blanket_is_two_radiations_in_series() -> None:
    network = Network(
        [Node("tank", 1e5)], blankets=[Blanket("mli", "tank", 3.0, 0.02, 0.8, sky_view=1.0, ground_view=0.0)]
    )
    found = network_balance(network, 100.0, dissipation_w={"tank": 15.0})
    t, layer = found.temperature_k["tank"], found.temperature_k["mli outer layer"]
    assert 0.02 * 3.0 * SIGMA * (t**4 - layer**4) == pytest.approx(15.0, rel=1e-9)
    assert 0.8 * 3.0 * SIGMA * (layer**4 - 2.725**4) == pytest.approx(15.0, rel=1e-9)
    run = simulate_network(network, 3600.0, np.full(24, 100.0), dissipation_w={"tank": 15.0}, start_k=200.0)
    assert run.residual_relative < 1e-9


def test_a_lunar_year_of_a_station() -> None:
    ground, light, power = nights(366.0)
    found = simulate_network(station(), 7200.0, ground, sunlight_w_m2=light, dissipation_w=power)
    assert found.residual_relative < 1e-9
    assert found.total_residual_relative < 1e-9
    assert found.of("battery").min() > 269.0
    kinds = {event.kind for event in found.events}
    assert {"heater", "switch"} <= kinds
    told = found.to_dict()
    assert told["heaters"]["battery"]["energy_wh"] > 0.0
    assert told["events"]["heater"] == len([e for e in found.events if e.kind == "heater"])
    times = [event.time_s for event in found.events]
    assert times == sorted(times)
    # Each heater event turns what the one before left.
    states = [e.what for e in found.events if e.kind == "heater"]
    assert all(a != b for a, b in itertools.pairwise(states))


@pytest.mark.soak
def test_ten_years_of_a_station() -> None:
    ground, light, power = nights(3652.5, 3600.0)
    found = simulate_network(station(), 3600.0, ground, sunlight_w_m2=light, dissipation_w=power)
    assert found.residual_relative < 1e-9
    assert found.total_residual_relative < 1e-6
    assert np.isfinite(found.temperature_k).all()


def test_events_against_small_steps() -> None:
    ground, light, power = nights(40.0)
    coarse = simulate_network(station(), 7200.0, ground, sunlight_w_m2=light, dissipation_w=power, start_k=285.0)
    fine = simulate_network(
        station(), 7200.0, ground, sunlight_w_m2=light, dissipation_w=power, start_k=285.0, longest_s=60.0
    )
    first = [[(e.name, e.what) for e in run.events[:100]] for run in (coarse, fine)]
    assert first[0] == first[1]
    apart = [abs(a.time_s - b.time_s) for a, b in zip(coarse.events[:100], fine.events[:100], strict=True)]
    assert max(apart) < 600.0
    assert len(coarse.events) == pytest.approx(len(fine.events), rel=0.02)
    # Phases of thermostats drift apart; what they keep does not.
    np.testing.assert_allclose(coarse.temperature_k.mean(axis=0), fine.temperature_k.mean(axis=0), atol=0.3)
    assert coarse.heater_w.sum() == pytest.approx(fine.heater_w.sum(), rel=3e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
@example(seed=622)  # a light node behind a strong radiator falls from 300 to 100 K within a step
def test_no_random_network_loses_heat(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 7))
    names = [f"n{i}" for i in range(count)]
    network = Network(
        [Node(name, float(10 ** rng.uniform(1, 5)) if i == 0 or rng.random() < 0.8 else 0.0)
         for i, name in enumerate(names)],
        [ThermalLink(names[i], names[int(rng.integers(0, i))], float(10 ** rng.uniform(-3, 1)), rng.random())
         for i in range(1, count)] + [ThermalLink(names[0], "ground", 0.05)],
        [Surface("face", names[-1], float(rng.uniform(0.1, 3)), 0.8, 0.3, 0.6, 0.4, float(rng.random()))],
        heaters=[Heater(names[0], 20.0, 250.0, 253.0)],
    )  # fmt: skip
    sun = np.maximum(rng.normal(200.0, 400.0, 60), 0.0)
    found = simulate_network(
        network,
        3600.0,
        rng.uniform(40.0, 380.0, 60),
        sunlight_w_m2={"face": sun},
        start_k=float(rng.uniform(80, 350)),
    )
    assert found.residual_relative < 1e-9
    assert found.total_residual_relative < 1e-9
    assert np.isfinite(found.temperature_k).all()


def test_limits_are_told_when_they_are_crossed() -> None:
    network = Network(
        [Node("box", 2e4, operate_k=(263.0, 303.0), survive_k=(243.0, 323.0))],
        surfaces=[Surface("lid", "box", 0.1, 0.8)],
    )
    power = np.where(np.arange(200) < 100, 0.0, 60.0)
    found = simulate_network(network, 3600.0, np.full(200, 100.0), dissipation_w={"box": power}, start_k=290.0)
    told = [(e.kind, e.what) for e in found.events]
    assert told[:2] == [("operate", "too cold"), ("survive", "too cold")]
    assert ("survive", "within") in told
    cold = next(e for e in found.events if e.kind == "survive")
    k = round(cold.time_s / 3600.0)
    assert found.of("box")[k - 2] > 243.0 > found.of("box")[k + 1]
    already = simulate_network(network, 60.0, np.full(2, 100.0), start_k=200.0)
    assert [(e.time_s, e.kind) for e in already.events] == [(0.0, "operate"), (0.0, "survive")]


def test_a_heat_switch_opens_at_night() -> None:
    night = network_balance(station(), 100.0, dissipation_w={"box": 4.0})
    assert night.closed == ()
    noon = network_balance(station(), 330.0, sunlight_w_m2={"mli": 600.0}, dissipation_w={"box": 300.0})
    assert noon.closed == ("switch box - radiator",)
    assert night.temperature_k["battery"] >= 270.0 - 1e-6
    weak = network_balance(
        Network(
            [Node("box", 1.0)], [ThermalLink("box", "ground", 1.0)], heaters=[Heater("box", 1.0, 250.0, 260.0)]
        ),
        100.0,
    )
    assert weak.short == ("box",)
    assert weak.temperature_k["box"] == pytest.approx(101.0)


def test_dust_warms_a_radiator_in_the_sun() -> None:
    def at(dust: float) -> float:
        network = plate(absorptivity=0.1, dust=dust)
        return network_balance(network, 100.0, sunlight_w_m2={"face": 800.0}).temperature_k["plate"]

    assert at(0.0) < at(0.2) - 20.0 < at(0.6) - 40.0


def test_a_radioisotope_unit_decays() -> None:
    source = HeatSource("box", 100.0)
    halves = source.mean_w([0.0, 87.7 * YEAR_S], 1.0)
    np.testing.assert_allclose(halves, [100.0, 50.0], rtol=1e-6)
    # Energy of a step is that of the exponential.
    fine = source.mean_w(np.arange(1000) * 1e6, 1e6).mean()
    assert source.mean_w(0.0, 1e9) == pytest.approx(fine, rel=1e-9)
    assert HeatSource("box", 5.0, half_life_s=np.inf).mean_w(1e12, 1e6) == 5.0


def test_refusals() -> None:
    box = [Node("box", 1e3)]
    way = [ThermalLink("box", "ground", 1.0)]
    for make, said in (
        (lambda: Network([]), "there is none"),
        (lambda: Network(box), "heat cannot leave box"),
        (lambda: Network([*box, *box], way), "used twice"),
        (lambda: Network(box, [ThermalLink("box", "moon", 1.0)]), "no node 'moon'"),
        (lambda: Network([Node("box", 0.0)], way, heaters=[Heater("box", 1.0, 1.0, 2.0)]), "no capacity"),
        (lambda: Network(box, way, sources=[HeatSource("bx", 1.0)]), "no node 'bx'"),
        (lambda: Network([Node("ground", 1.0)]), "called ground"),
        (lambda: Node("box", np.nan), "capacity"),
        (lambda: Node("box", 1.0, operate_k=(300.0, 200.0)), "no limits"),
        (lambda: ThermalLink("box", "box", 1.0), "to itself"),
        (lambda: ThermalLink("box", "ground", -1.0), "not 0 or more"),
        (lambda: Surface("a", "box", 1.0, 0.5, sky_view=0.8, ground_view=0.5), "more than all"),
        (lambda: Surface("a", "box", 1.0, 1.5), "outside 0 to 1"),
        (lambda: HeatSwitch("box", "ground", 1.0, 2.0, "box", 300.0, 290.0), "no more closed"),
        (lambda: Heater("box", 0.0, 1.0, 2.0), "above 0"),
        (lambda: HeatSource("box", -1.0), "out of range"),
        (lambda: Blanket("mli", "box", 1.0, emittance=2.0), "emittance"),
    ):
        with pytest.raises(InputError, match=said):
            make()


def test_refusals_of_series() -> None:
    def run(**options: object) -> NetworkRun:
        return simulate_network(plate(), 60.0, np.full(3, 100.0), **options)  # type: ignore[arg-type]

    for options, said in (
        ({"sunlight_w_m2": {"lid": 1.0}}, "no surface 'lid'"),
        ({"sunlight_w_m2": {"face": [1.0, 2.0]}}, "3 numbers"),
        ({"sunlight_w_m2": {"face": -1.0}}, "negative"),
        ({"dissipation_w": {"bx": 1.0}}, "no node 'bx'"),
        ({"dissipation_w": {"plate": np.nan}}, "NaN"),
        ({"start_k": np.nan}, "above 0 K"),
        ({"start_k": {"lid": 100.0}}, "no node"),
        ({"longest_s": 0.0}, "longest_s"),
    ):
        with pytest.raises(InputError, match=said):
            run(**options)
    with pytest.raises(InputError, match="ground_k"):
        simulate_network(plate(), 60.0, [np.nan])
    with pytest.raises(InputError, match="no node"):
        run().of("lid")
    tight = Network(
        [Node("box", 10.0)], [ThermalLink("box", "ground", 1.0)], heaters=[Heater("box", 500.0, 270.0, 271.0)]
    )
    with pytest.raises(ModelError, match="more than 5 events"):
        simulate_network(tight, 3600.0, np.full(9, 100.0), most_events=5)

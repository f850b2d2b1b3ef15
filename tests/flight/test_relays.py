"""Elliptical frozen orbits: the analytic condition, elements there and back, sweeps over nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.flight.constellations import constellation
from moonpost.flight.elements import elements, placed
from moonpost.flight.environment import Environment
from moonpost.flight.relays import (
    RelayOrbit,
    frozen_eccentricity,
    frozen_inclination_deg,
    lasting_node,
    relay_orbit,
    sweep_relays,
)
from moonpost.flight.state import State
from moonpost.flight.survey import survey
from moonpost.sky import Almanac

START = "2030-01-01"


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, "2030-04-02", degree=10)


@given(st.floats(0.0, 0.99))
def test_the_frozen_condition_is_its_own_inverse(eccentricity: float) -> None:
    tilt = frozen_inclination_deg(eccentricity)
    assert frozen_eccentricity(tilt) == pytest.approx(eccentricity, abs=1e-6)
    assert frozen_eccentricity(180.0 - tilt) == pytest.approx(eccentricity, abs=1e-6)


@pytest.mark.parametrize("wrong", [-0.1, 1.0, float("nan")])
def test_no_frozen_inclination_of_what_is_no_ellipse(wrong: float) -> None:
    with pytest.raises(InputError):
        frozen_inclination_deg(wrong)


@pytest.mark.parametrize("wrong", [20.0, 160.0, float("nan")])
def test_no_frozen_ellipse_at_low_inclination(wrong: float) -> None:
    with pytest.raises(InputError):
        frozen_eccentricity(wrong)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(2e6, 2e7), st.floats(0.01, 0.12), st.floats(1.0, 179.0), st.floats(1.0, 359.0),
    st.floats(1.0, 359.0), st.floats(1.0, 359.0), st.sampled_from(["equator", "orbit"]),
)  # fmt: skip
def test_elements_come_back(env, axis, eccentricity, tilt, node, argument, anomaly, plane) -> None:
    state = placed(env, START, axis, eccentricity, tilt, node, argument, anomaly, plane)
    found = elements(env, state.time_tdb_s, state.vector, plane)
    given_ = (axis, eccentricity, tilt, node, argument, anomaly)
    for name, value in zip(found.__dataclass_fields__, given_, strict=True):
        assert getattr(found, name)[0] == pytest.approx(value, rel=1e-9, abs=1e-6), name


def test_elements_to_the_equator_are_those_of_a_state_that_circles(env: Environment) -> None:
    one = State.circling(
        env, START, 100e3, 86.0, apolune_altitude_m=300e3, node_deg=33.0, argument_deg=200.0
    ).vector
    two = placed(env, START, 1937.4e3, 100e3 / 1937.4e3, 86.0, 33.0, 200.0).vector
    assert np.abs(one - two).max() < 1e-6


def test_satellites_follow_one_another(env: Environment) -> None:
    orbit = relay_orbit("ely-2005")
    first, *others = orbit.states(env, START, 3)
    alone = Environment.make(Almanac.default(), START, "2030-01-03", degree=0, bodies=())
    behind = survey([first.vector], START, orbit.period_s / 3.0 / 86400.0, alone).states[-1, 0]
    gm = env.gm_m3_s2["moon"]
    assert gm == pytest.approx(4902.8001224453e9)
    assert np.linalg.norm(behind[:3] - others[0].position_m) < 1.0


def test_a_constellation_has_equal_planes_and_phases(env: Environment) -> None:
    orbit = RelayOrbit("", 1000e3, 1000e3, 55.0, node_deg=30.0, plane="equator")
    states = constellation(orbit, env, START, 6, planes=3, phasing=1.0)
    found = elements(env, states[0].time_tdb_s, [state.vector for state in states])
    assert found.node_deg == pytest.approx([30.0, 30.0, 150.0, 150.0, 270.0, 270.0])
    along = (found.argument_deg + found.true_anomaly_deg) % 360.0
    assert (along - along[0]) % 360.0 == pytest.approx([0.0, 180.0, 60.0, 240.0, 120.0, 300.0], abs=1e-6)
    for satellites, planes in ((5, 2), (2, 3), (0, 1), (101, 1)):
        with pytest.raises(InputError):
            constellation(orbit, env, START, satellites, planes=planes)


def test_a_survey_counts_impacts_to_their_instant(env: Environment) -> None:
    low = State.circling(env, START, 10e3, 90.0, apolune_altitude_m=60e3, argument_deg=90.0).vector
    high = State.circling(env, START, 800e3, 90.0).vector
    shares: list[float] = []
    found = survey([low, high], START, 40.0, env, step_s=86400.0, progress=shares.append)
    assert found.ended.tolist() == ["impact on the Moon", "time"]
    assert 1.0 < found.survived_days[0] < 40.0
    assert found.survived_days[1] == 40.0
    looked = found.states[: int(found.survived_days[0]) + 2, 0, 0]
    assert np.isnan(looked[-1])
    assert np.isfinite(looked[:-1]).all()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_survival_hangs_on_the_node(env: Environment) -> None:
    nodes = np.arange(0.0, 360.0, 45.0)
    found = sweep_relays(relay_orbit("queqiao-2"), [60.0], nodes, START, 90.0, env)
    assert found.survived_days.max() == 90.0
    assert found.survived_days.min() < 10.0
    best = found.best()
    assert best.node_deg in nodes[found.survived_days[0] == 90.0]
    data = found.to_dataset()
    assert data.survived_days.shape == (1, 8)
    assert data.lowest_m.attrs["units"] == "m"
    assert (data.lowest_m.values[found.survived_days < 90.0] == 0.0).all()


def test_the_node_that_lasts_is_that_of_the_day_of_the_flight(almanac: Almanac) -> None:
    wide = Environment.make(almanac, "2029-12-15", "2030-06-15", degree=8)
    relay = relay_orbit("queqiao-2")
    first, later = lasting_node(relay, wide, nodes=12), lasting_node(relay, wide, start=START, nodes=12)
    days = (wide.span_tdb_s[1] - float(wide.tdb_s(START))) / 86400.0
    nodes = [first.node_deg, later.node_deg]
    lasted = sweep_relays(relay, [62.4], nodes, START, days, wide).survived_days[0]
    assert lasted[1] == days
    assert lasted[0] < 40.0
    begin = wide.span_tdb_s[0]
    assert lasting_node(relay, wide, start=begin, nodes=12) == first


def test_a_start_outside_the_environment_is_refused(env: Environment) -> None:
    relay = relay_orbit("queqiao-2")
    with pytest.raises(DateError):
        lasting_node(relay, env, start="2029-12-31", nodes=2)
    with pytest.raises(InputError, match="start"):
        lasting_node(relay, env, start="2030-04-02", nodes=2)
    with pytest.raises(InputError, match="start"):
        lasting_node(relay, env, start=np.array(["2030-01-01", "2030-01-02"], "datetime64[ms]"), nodes=2)
    with pytest.raises(DateError):
        lasting_node(relay, env, start=float("nan"), nodes=2)


def test_what_is_no_relay_orbit_is_refused(env: Environment) -> None:
    with pytest.raises(UnknownNameError, match="queqiao-2"):
        relay_orbit("queqiao-3")
    with pytest.raises(InputError):
        RelayOrbit("x", 300e3, 200e3, 60.0)
    with pytest.raises(InputError):
        RelayOrbit("x", 300e3, float("nan"), 60.0)
    with pytest.raises(InputError):
        relay_orbit("queqiao-2").states(env, START, 0)
    with pytest.raises(InputError, match="plane"):
        relay_orbit("queqiao-2").changed(plane="ecliptic").states(env, START)
    with pytest.raises(DateError):
        sweep_relays(relay_orbit("queqiao-2"), [60.0], [0.0], START, 900.0, env)
    with pytest.raises(InputError):
        sweep_relays(relay_orbit("queqiao-2"), [], [0.0], START, 9.0, env)
    with pytest.raises(InputError):
        placed(env, START, 1.8e6, 0.1, 90.0)
    with pytest.raises(InputError):
        survey([[np.nan] * 6], START, 1.0, env)
    with pytest.raises(InputError):
        survey([[2e6, 0, 0, 0, 1600.0, 0]], START, -1.0, env)

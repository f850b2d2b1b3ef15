"""Properties that any flight must have: ways back, turned axes, batches, what is kept, ordered events."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.flight.cr3bp import coast, halo, jacobi
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides, eclipses, nodes
from moonpost.flight.propagate import propagate, propagate_batch
from moonpost.flight.state import State
from moonpost.flight.sunlight import Sunlight
from moonpost.sky import Almanac

START, STOP = "2030-01-01", "2030-02-01"
DAY_S = 86400.0


@pytest.fixture(scope="module")
def full(almanac: Almanac) -> Environment:
    """Everything that can pull or push."""
    return Environment.make(almanac, START, STOP, degree=30, sunlight=Sunlight(20.0, 1000.0), tides=True)


@pytest.fixture(scope="module")
def points(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=0)


@pytest.mark.parametrize(
    ("altitude_m", "apolune_altitude_m", "inclination_deg"), [(100e3, None, 90.0), (2000e3, 16_000e3, 62.4)]
)
def test_way_back_leads_to_the_start(
    full: Environment, altitude_m: float, apolune_altitude_m: float | None, inclination_deg: float
) -> None:
    """To 1 cm over 30 days there and 30 back; 1 m with sunlight, whose shadows have edges."""
    dark = dataclasses.replace(full, sunlight=None)
    state = State.circling(
        full, START, altitude_m, inclination_deg, apolune_altitude_m=apolune_altitude_m, argument_deg=90.0
    )
    closes = []
    for env, rtol in ((dark, 1e-13), (full, 1e-13), (dark, 1e-8)):
        there = propagate(state, state.time_tdb_s + 30 * DAY_S, env, rtol=rtol, dense=False, method="rkn1210")
        back = propagate(there.final, state.time_tdb_s, env, rtol=rtol, dense=False, method="rkn1210")
        closes.append(np.linalg.norm(back.final.position_m - state.position_m))
        assert there.ended == back.ended == "time"
    assert closes[0] < 0.01
    assert closes[1] < 1.0
    assert closes[2] > 0.01


def turned(env: Environment, turn: np.ndarray, angle_rad: float = 0.0) -> Environment:
    """The same sky in other axes; the Moon itself only by an angle about the third axis."""
    made = dataclasses.replace(env)
    start, length, table = env.series
    table = table.copy()
    for body in (slice(0, 3), slice(3, 6)):
        table[:, :, body] = table[:, :, body] @ turn.T
    table[:, 0, 6] += angle_rad
    made.__dict__["series"] = (start, length, table)
    return made


def in_axes(state: State, turn: np.ndarray) -> State:
    return State(state.time_tdb_s, turn @ state.position_m, turn @ state.velocity_m_s)


def ended(state: State, env: Environment) -> np.ndarray:
    return propagate(state, state.time_tdb_s + 3 * DAY_S, env, dense=False, method="rkn1210").final.vector


@settings(max_examples=6, deadline=None)
@given(angle=st.floats(-3.0, 3.0), inclination=st.floats(0.0, 180.0), node=st.floats(0.0, 360.0))
def test_turned_sky_turns_the_flight(full: Environment, angle: float, inclination: float, node: float) -> None:
    """Moon, field, Earth, Sun and tides turned about the third axis: the same flight, turned; sunlight to 0.5 m.

    Rounding moves the steps, and with them where they meet the edges of shadow.
    """
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    for env, allowed_m in ((dataclasses.replace(full, sunlight=None), 1e-3), (full, 0.5)):
        state = State.circling(env, START, 150e3, inclination, apolune_altitude_m=900e3, node_deg=node)
        plain, other = ended(state, env), ended(in_axes(state, turn), turned(env, turn, angle))
        assert np.linalg.norm(turn @ plain[:3] - other[:3]) < allowed_m
        assert np.linalg.norm(turn @ plain[3:] - other[3:]) < 1e-3 * allowed_m


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000))
def test_any_turn_of_point_masses_turns_the_flight(points: Environment, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    state = State.circling(points, START, 1000e3, 50.0, apolune_altitude_m=30_000e3)
    plain = ended(state, points)
    other = ended(in_axes(state, turn), turned(points, turn))
    assert np.linalg.norm(turn @ plain[:3] - other[:3]) < 1e-3
    half = ended(in_axes(state, turn), points)
    angle = np.arccos(np.clip((np.trace(turn) - 1.0) / 2.0, -1.0, 1.0))
    if angle > 0.1:
        assert np.linalg.norm(turn @ plain[:3] - half[:3]) > 1.0


@pytest.mark.parametrize("method", ["dop853", "rkn1210"])
def test_batches_equal_single_flights_whatever_ends_them(full: Environment, method: str) -> None:
    """Impacts on the Moon and flights to the end, mixed, with different lengths and directions of time."""
    rng = np.random.default_rng(11)
    begin = float(full.tdb_s("2030-01-15"))
    low = State.circling(full, begin, 60e3, 80.0, apolune_altitude_m=1500e3).vector
    states = low + rng.normal(size=(12, 6)) * [1e3, 1e3, 1e3, 10.0, 10.0, 10.0]
    states[::3, 3:] *= 0.8
    stops = begin + rng.uniform(-1.0, 1.0, 12) * DAY_S
    flown = propagate_batch(states, begin, stops, full, method=method, threads=2)  # type: ignore[arg-type]
    assert {"time", "impact on the Moon"} == set(flown.ended.tolist())
    for k, stop in enumerate(stops.tolist()):
        first = State(begin, states[k, :3], states[k, 3:])
        alone = propagate(first, stop, full, dense=False, method=method)  # type: ignore[arg-type]
        assert alone.ended == flown.ended[k]
        # Two compiled entries: what each inlines hangs on what the cache held when it was compiled.
        assert alone.duration_s == pytest.approx(flown.elapsed_s[k], rel=1e-12)
        assert alone.final.vector == pytest.approx(flown.states[k], rel=1e-10)


@pytest.mark.parametrize("period", [1.5111111, 2.2, 3.2])
def test_jacobi_constant_stays_along_halo_orbits(period: float) -> None:
    state = halo("L2-southern", period=period)
    values = jacobi(coast(state, np.linspace(-period, period, 41)))
    assert np.abs(values - values[20]).max() < 1e-12


def test_events_are_the_same_again_and_in_order(full: Environment) -> None:
    state = State.circling(full, START, 120e3, 70.0, apolune_altitude_m=3000e3)
    watched = [apsides(), nodes(), eclipses("moon"), eclipses("earth")]
    runs = [
        propagate(state, "2030-01-03", full, events=listed, dense=dense)
        for listed, dense in ((watched, True), (watched, False), (watched[::-1], True))
    ]
    seen = [sorted((event.elapsed_s, event.name) for event in flown.events) for flown in runs]
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) > 30
    for flown in runs:
        assert (np.diff([event.elapsed_s for event in flown.events]) >= 0.0).all()
    part = propagate(state, "2030-01-02", full, events=watched)
    count = len(part.events)
    earlier = [(event.elapsed_s, event.name) for event in part.events]
    longer = [(event.elapsed_s, event.name) for event in runs[0].events[:count]]
    assert [name for _, name in earlier] == [name for _, name in longer]
    assert np.abs(np.subtract([t for t, _ in earlier], [t for t, _ in longer])).max() < 1e-3

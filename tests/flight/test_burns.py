"""Burns: the rocket equation, impulses as short burns, cutoffs, the chain of mass, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.flight.burns import Burn, Impulse, motion_axes
from moonpost.flight.environment import Environment
from moonpost.flight.events import Crossing, apsides
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky import Almanac

START, STOP = "2030-01-01", "2030-01-10"
EXHAUST = 310.0 * 9.80665


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=10)


@pytest.fixture(scope="module")
def empty(almanac: Almanac) -> Environment:
    """Next to nothing pulls."""
    return Environment.make(almanac, START, STOP, degree=0, bodies=(), gm_m3_s2={"moon": 1.0})


def low(env: Environment, mass_kg: float | None = 8200.0) -> State:
    return State.circling(env, START, 200e3, 90.0, mass_kg=mass_kg)


@settings(max_examples=10, deadline=None)
@given(seconds=st.floats(1.0, 2000.0), thrust=st.floats(10.0, 5000.0), seed=st.integers(0, 99))
def test_free_burns_obey_the_rocket_equation(empty: Environment, seconds: float, thrust: float, seed: int) -> None:
    axis = np.random.default_rng(seed).normal(size=3)
    state = State.at(START, [4e8, 0, 0], [0, 100.0, 0], mass_kg=8200.0)
    burn = Burn("2030-01-01T00:10", thrust, 310.0, duration_s=seconds, direction=axis, axes="J2000")
    flown = propagate(state, "2030-01-01T02:00", empty, burns=[burn])
    spent = thrust / EXHAUST * seconds
    gained = EXHAUST * np.log(8200.0 / (8200.0 - spent))
    assert flown.final.mass_kg == pytest.approx(8200.0 - spent, abs=1e-9)
    assert flown.final.velocity_m_s - state.velocity_m_s == pytest.approx(
        gained * axis / np.linalg.norm(axis), abs=1e-6 * max(1.0, gained)
    )
    firing = flown.firings[0]
    assert (firing.start_elapsed_s, firing.stop_elapsed_s) == pytest.approx((600.0, 600.0 + seconds), abs=1e-3)
    assert firing.delta_v_m_s == pytest.approx(gained)
    assert firing.mass_after_kg == flown.final.mass_kg


def test_strong_short_burns_become_impulses(env: Environment) -> None:
    state = low(env)
    for direction, axes, change in (
        ("forward", "motion", [30.0, 0, 0]),
        ("backward", "motion", [-30.0, 0, 0]),
        ([2.0, 3.0, 6.0], "J2000", [60.0 / 7, 90.0 / 7, 180.0 / 7]),
    ):
        impulse = Impulse("2030-01-01T01:00", change, axes, specific_impulse_s=310.0)  # type: ignore[arg-type]
        at_once = propagate(state, "2030-01-01T02:00", env, burns=[impulse], dense=False).final
        apart = []
        for thrust in (1e4, 1e5):
            length = Burn(START, thrust, 310.0, delta_v_m_s=30.0).seconds(8200.0)
            begin = float(env.tdb_s("2030-01-01T01:00")) - 0.5 * length
            burn = Burn(begin, thrust, 310.0, delta_v_m_s=30.0, direction=direction, axes=axes)  # type: ignore[arg-type]
            flown = propagate(state, "2030-01-01T02:00", env, burns=[burn], dense=False).final
            assert flown.mass_kg == pytest.approx(at_once.mass_kg)
            apart.append(np.linalg.norm(flown.position_m - at_once.position_m))
        assert apart[1] < 2.0
        assert apart[1] < 0.15 * apart[0]


def test_axes_along_the_motion() -> None:
    r, v = np.array([1.8e6, 2e5, -3e5]), np.array([100.0, 1500.0, 400.0])
    axes = motion_axes(r, v)
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert axes[0] @ v == pytest.approx(np.linalg.norm(v))
    assert axes[1] @ r == pytest.approx(0.0, abs=1e-6)
    assert axes[2] @ r > 0.0
    with pytest.raises(InputError, match="plane"):
        motion_axes(r, 2.0 * r)


def test_thrust_follows_the_motion(env: Environment) -> None:
    """Thrust along the motion raises energy by the work done; across it, not at all."""
    state = low(env)
    gm = env.gm_m3_s2["moon"]

    def energy(final: State) -> float:
        return float(0.5 * final.velocity_m_s @ final.velocity_m_s - gm / np.linalg.norm(final.position_m))

    coast = energy(propagate(state, dt.timedelta(minutes=40), env, dense=False).final)
    found = {}
    for name, direction in (("along", "forward"), ("across", [0.0, 1.0, 0.0])):
        burn = Burn(START, 400.0, 310.0, duration_s=2400.0, direction=direction)
        found[name] = (
            energy(propagate(state, dt.timedelta(minutes=40), env, burns=[burn], dense=False).final) - coast
        )
    gained = Burn(START, 400.0, 310.0, duration_s=2400.0).velocity_m_s(8200.0)
    assert found["along"] == pytest.approx(gained * 1590.0, rel=0.05)
    assert abs(found["across"]) < 0.01 * found["along"]


def test_cutoff_ends_a_burn_and_the_flight_goes_on(env: Environment) -> None:
    """Braking from a fast pass until the two-body apolune is 5,000 km high, then half a revolution of coasting."""
    gm = env.gm_m3_s2["moon"]

    def over(env: Environment, tdb: np.ndarray, states: np.ndarray) -> np.ndarray:
        far = [State(0.0, s[:3], s[3:]).apsides_m(gm)[1] for s in states]
        return np.where(np.isfinite(far), far, 1e12) - (1737.4e3 + 5000e3)

    cutoff = Crossing(over, "", "captured")
    state = low(env)
    fast = State(state.time_tdb_s, state.position_m, 1.5 * state.velocity_m_s, mass_kg=8200.0)
    burn = Burn(START, 3000.0, 310.0, duration_s=4000.0, direction="backward", cutoff=cutoff)
    flown = propagate(fast, "2030-01-02", env, burns=[burn], events=apsides())
    assert flown.ended == "time"
    assert flown.firings[0].stop_elapsed_s < 2000.0
    assert "captured" in [event.name for event in flown.events]
    height = next(np.linalg.norm(e.state[:3]) for e in flown.events if e.name == "apolune") - 1737.4e3
    assert height == pytest.approx(5000e3, rel=0.01)
    assert flown.final.mass_kg == pytest.approx(8200.0 - burn.flow_kg_s * flown.firings[0].stop_elapsed_s)


def test_trajectory_is_whole_across_burns_and_impulses(env: Environment) -> None:
    burns = [
        Impulse("2030-01-01T00:30", [10.0, 0, 0]),
        Burn("2030-01-01T01:00", 500.0, 310.0, duration_s=600.0),
        Burn("2030-01-01T01:10", 500.0, 310.0, duration_s=600.0, direction="backward"),
    ]
    flown = propagate(low(env), "2030-01-01T03:00", env, burns=burns)
    assert np.all(np.diff(flown.elapsed_s) > 0.0)
    times = np.linspace(0.0, flown.duration_s, 2000)
    states = flown.at_elapsed(times)
    steps = np.linalg.norm(np.diff(states[:, :3], axis=0), axis=1)
    assert steps.max() < 1.1 * steps.min()
    jump = flown.at_elapsed([1800.0 - 1e-4, 1800.0 + 1e-4])
    assert np.linalg.norm(jump[1, 3:] - jump[0, 3:]) == pytest.approx(10.0, abs=0.01)
    assert len(flown.firings) == 2


def test_state_transition_of_the_force_sees_thrust_along_the_motion(env: Environment) -> None:
    from moonpost.flight.forcekernels import NUMBERS, OPTIONS, accelerations

    numbers, options, places, table, work = env.arrays(gradient=True)
    burn = Burn(START, 3000.0, 310.0, duration_s=10.0, direction=[1.0, 0.3, -0.4])
    numbers[NUMBERS["thrust_n"]], numbers[NUMBERS["mass_kg"]] = 3000.0, 1000.0
    numbers[NUMBERS["thrust_x"] : NUMBERS["thrust_x"] + 3] = burn.unit
    options[OPTIONS["burn"]] = 2
    state, q, w, out = low(env), np.zeros((7, 4)), np.zeros((7, 4)), np.zeros((7, 4))
    q[0, :3], w[0, :3] = state.position_m, state.velocity_m_s
    q[1:4, :3], w[4:7, :3] = np.eye(3), np.eye(3)
    since = state.time_tdb_s - env.series[0]
    accelerations(since, q, w, out, numbers, options, places, table, work)
    plain = env.arrays()[3]
    for block, (dr, dv) in enumerate(zip(q[1:].copy(), w[1:].copy(), strict=True), start=1):
        ends = []
        for sign in (1.0, -1.0):
            one, two, found = q[:1] + sign * dr, w[:1] + 1e-2 * sign * dv, np.zeros((1, 4))
            accelerations(since, one, two, found, numbers, options, places, plain, work)
            ends.append(found[0])
        step = 1.0 if dr.any() else 1e-2
        assert out[block, :3] == pytest.approx((ends[0] - ends[1])[:3] / (2 * step), rel=1e-4, abs=1e-10)


def test_impossible_burns_are_refused(env: Environment) -> None:
    for numbers in (
        {},
        {"duration_s": 1.0, "delta_v_m_s": 1.0},
        {"duration_s": -1.0},
        {"delta_v_m_s": float("nan")},
        {"duration_s": 1.0, "direction": "up"},
        {"duration_s": 1.0, "direction": [0, 0, 0]},
        {"duration_s": 1.0, "direction": "forward", "axes": "J2000"},
        {"duration_s": 1.0, "axes": "LVLH", "direction": [1, 0, 0]},
    ):
        with pytest.raises(InputError):
            Burn(START, 100.0, 300.0, **numbers)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        Burn(START, -100.0, 300.0, duration_s=1.0)
    for impulse in (
        {"delta_v_m_s": [1, 2]},
        {"delta_v_m_s": [1, 2, np.inf]},
        {"delta_v_m_s": [1, 2, 3], "axes": "x"},
    ):
        with pytest.raises(InputError):
            Impulse(START, **impulse)  # type: ignore[arg-type]
    burn = Burn("2030-01-01T00:10", 3000.0, 310.0, duration_s=100.0)
    with pytest.raises(InputError, match="mass"):
        propagate(low(env, None), "2030-01-02", env, burns=[burn])
    with pytest.raises(InputError, match="use up"):
        propagate(low(env, 90.0), "2030-01-02", env, burns=[burn])
    with pytest.raises(DateError, match="order"):
        propagate(low(env), "2030-01-02", env, burns=[burn, burn])
    with pytest.raises(DateError, match="after the end"):
        propagate(low(env), "2030-01-01T00:05", env, burns=[burn])
    with pytest.raises(InputError, match="no burn"):
        propagate(low(env), "2030-01-02", env, burns=["now"])  # type: ignore[list-item]
    late = State.circling(env, "2030-01-03", 200e3, 90.0, mass_kg=8200.0)
    with pytest.raises(InputError, match="back in time"):
        propagate(late, "2030-01-02", env, burns=[burn])

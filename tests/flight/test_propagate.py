"""Flights: against closed forms and each other; there and back; what ends them; what is refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GravityField
from moonpost.flight.nystromkernels import nystrom_table
from moonpost.flight.propagate import propagate, propagate_batch, state_transition, transition_batch
from moonpost.flight.state import State, tdb_seconds
from moonpost.sky import Almanac

START, STOP = "2030-01-01", "2030-02-01"


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=20)


@pytest.fixture(scope="module")
def kepler(almanac: Almanac) -> Environment:
    """The Moon alone, as a point."""
    return Environment.make(almanac, START, STOP, degree=0, bodies=())


def low(env: Environment, **elements: float) -> State:
    return State.circling(
        env, START, elements.pop("altitude_m", 100e3), elements.pop("inclination_deg", 90.0), **elements
    )


@pytest.mark.parametrize("method", ["dop853", "rkn1210"])
def test_two_bodies_follow_kepler(kepler: Environment, method: str) -> None:
    state = low(kepler, apolune_altitude_m=3000e3, inclination_deg=60.0, argument_deg=40.0)
    near, far = state.apsides_m()
    axis = 0.5 * (near + far)
    period = 2.0 * np.pi * np.sqrt(axis**3 / kepler.gm_m3_s2["moon"])
    for revolutions in (0.5, 1.0, 40.0):
        flown = propagate(
            state,
            state.time_tdb_s + revolutions * period,
            kepler,
            method=method,
            dense=False,
            rtol=1e-13,  # type: ignore[arg-type]
        )
        shape = -far / near if revolutions == 0.5 else 1.0
        assert np.linalg.norm(flown.final.position_m - shape * state.position_m) < 2e-3 * max(1.0, revolutions / 4)


def test_methods_and_tolerances_agree(env: Environment) -> None:
    state = low(env)
    best = propagate(state, "2030-01-04", env, rtol=1e-14, dense=False, method="rkn1210").final
    for method, rtol, within in (("dop853", 1e-12, 0.05), ("dop853", 1e-10, 5.0), ("rkn1210", 1e-11, 0.05)):
        found = propagate(state, "2030-01-04", env, rtol=rtol, dense=False, method=method).final  # type: ignore[arg-type]
        assert np.linalg.norm(found.position_m - best.position_m) < within


def test_order_of_the_nystrom_method(kepler: Environment) -> None:
    """Halving a step of a smooth orbit cuts the error of order 12 by about 2^12; the estimate by 2^11."""
    nodes, weights, ends = nystrom_table()
    for k in range(11):
        assert ends[1] @ nodes**k == pytest.approx(1.0 / (k + 1), abs=1e-14)
        assert ends[0] @ nodes**k == pytest.approx(1.0 / ((k + 1) * (k + 2)), abs=1e-14)
    for k in range(9):
        assert ends[3] @ nodes**k == pytest.approx(1.0 / (k + 1), abs=1e-14)
    assert np.abs(weights[2:] @ nodes - nodes[2:] ** 3 / 6).max() < 1e-14


@pytest.mark.parametrize("days", [30.0])
def test_there_and_back_closes_to_a_centimetre(almanac: Almanac, days: float) -> None:
    env = Environment.make(almanac, START, STOP, degree=50)
    state = low(env)
    there = propagate(state, dt.timedelta(days=days), env, rtol=1e-13, dense=False, method="rkn1210").final
    back = propagate(there, state.time_tdb_s, env, rtol=1e-13, dense=False, method="rkn1210").final
    assert np.linalg.norm(back.position_m - state.position_m) < 0.01
    assert np.linalg.norm(there.position_m - state.position_m) > 1e5


@pytest.mark.parametrize("method", ["dop853", "rkn1210"])
def test_energy_and_momentum_hardly_drift_round_a_point(kepler: Environment, method: str) -> None:
    state = low(kepler, apolune_altitude_m=500e3)
    gm = kepler.gm_m3_s2["moon"]

    def kept(vector: np.ndarray) -> np.ndarray:
        r, v = vector[:3], vector[3:]
        return np.array([0.5 * v @ v - gm / np.linalg.norm(r), *np.cross(r, v)])

    start, scale = kept(state.vector), np.abs(kept(state.vector)).max() ** np.array([0, 1, 1, 1])
    scale[0] = abs(start[0])
    for day in (8, 29):
        end = propagate(state, f"2030-01-{day:02}", kepler, dense=False, method=method).final  # type: ignore[arg-type]
        assert np.abs((kept(end.vector) - start) / scale).max() < {"dop853": 3e-12, "rkn1210": 3e-14}[method] * day


def test_energy_stays_in_a_round_field(almanac: Almanac) -> None:
    """In a field of zonal harmonics, energy changes only as the Moon's pole moves: 1e-7 in a week."""
    field = GravityField.default(20)
    zonal = dataclasses.replace(field, cosine=field.cosine * np.eye(21)[0][None, :], sine=np.zeros((21, 21)))
    env = Environment.make(almanac, START, STOP, degree=20, bodies=(), field=zonal)
    flown = propagate(low(env, inclination_deg=40.0), "2030-01-08", env)
    rows = slice(None, None, 200)
    speeds = 0.5 * np.einsum("ni,ni->n", flown.states[rows, 3:], flown.states[rows, 3:])
    pulls = []
    for tdb, state in zip(flown.time_tdb_s[rows], flown.states[rows], strict=True):
        place = env.field_turn @ env.rotation(tdb, "PA")[0] @ state[:3]
        r, sine = np.linalg.norm(place), place[2] / np.linalg.norm(place)
        n = np.arange(21)
        weights = zonal.cosine[:, 0] * np.sqrt(2 * n + 1) * (zonal.radius_m / r) ** n
        pulls.append(env.gm_m3_s2["moon"] / r * (1.0 + np.polynomial.legendre.legval(sine, weights)))
    energy = speeds - np.array(pulls)
    assert np.abs(energy / energy[0] - 1.0).max() < 3e-7
    assert np.ptp(speeds) / speeds[0] > 1e-3


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000))
def test_turned_axes_turn_the_flight(kepler: Environment, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    state = low(kepler, apolune_altitude_m=900e3)
    moved = State(state.time_tdb_s, turn @ state.position_m, turn @ state.velocity_m_s)
    a = propagate(state, "2030-01-03", kepler, dense=False).final
    b = propagate(moved, "2030-01-03", kepler, dense=False).final
    assert np.linalg.norm(turn @ a.position_m - b.position_m) < 5e-3


def test_batch_equals_flights_one_by_one_to_rounding(env: Environment) -> None:
    rng = np.random.default_rng(5)
    states = low(env).vector + rng.normal(size=(7, 6)) * [1e3, 1e3, 1e3, 1, 1, 1]
    starts = env.tdb_s(START) + np.arange(7) * 100.0
    for method in ("dop853", "rkn1210"):
        ends = propagate_batch(states, starts, "2030-01-02T06:00", env, method=method, threads=2)  # type: ignore[arg-type]
        again = propagate_batch(states, starts, "2030-01-02T06:00", env, method=method, threads=1)  # type: ignore[arg-type]
        assert np.array_equal(ends.states, again.states)
        assert ends.arrived.all()
        for k in range(7):
            alone = State(float(starts[k]), states[k, :3], states[k, 3:])
            final = propagate(alone, "2030-01-02T06:00", env, dense=False, method=method).final  # type: ignore[arg-type]
            # Two compiled entries: what each inlines hangs on what the cache held when it was compiled.
            assert final.vector == pytest.approx(ends.states[k], rel=1e-10)
    dense = propagate(State(float(starts[0]), states[0, :3], states[0, 3:]), "2030-01-02T06:00", env)
    assert np.array_equal(
        dense.final.vector, propagate_batch(states[:1], starts[0], "2030-01-02T06:00", env).states[0]
    )


def test_dense_output_is_as_good_as_the_steps(env: Environment) -> None:
    state = low(env)
    flown = propagate(state, "2030-01-01T06:00", env)
    rng = np.random.default_rng(2)
    for elapsed in rng.uniform(0.0, flown.duration_s, 8):
        there = propagate(state, state.time_tdb_s + elapsed, env, rtol=1e-14, dense=False, method="rkn1210").final
        found = flown.at_elapsed(there.time_tdb_s - state.time_tdb_s)[0]
        assert np.linalg.norm(found[:3] - there.position_m) < 1e-3
        assert np.linalg.norm(found[3:] - there.velocity_m_s) < 1e-6
    assert np.allclose(flown.at_elapsed(flown.elapsed_s), flown.states, rtol=1e-12, atol=1e-6)
    times, states = flown.sampled(600.0)
    assert (len(times), states.shape) == (37, (37, 6))
    table = flown.to_dataset(600.0)
    assert table.position_m.attrs["units"] == "m"
    assert str(table.time.values[0])[:19] == "2030-01-01T00:00:00"


@pytest.mark.parametrize("method", ["dop853", "rkn1210"])
def test_transition_agrees_with_differences(almanac: Almanac, method: str) -> None:
    for centre, bodies, place in (("moon", ("sun", "earth"), None), ("earth", ("sun", "moon"), [4e7, 1e7, 5e6])):
        env = Environment.make(
            almanac, START, STOP, degree=12 if centre == "moon" else 0, centre=centre, bodies=bodies
        )  # type: ignore[arg-type]
        state = low(env) if place is None else State.at(START, place, [100.0, 2500.0, 1200.0], centre="earth")
        final, matrix = state_transition(state, "2030-01-01T05:00", env, rtol=1e-13, method=method)  # type: ignore[arg-type]
        flown = propagate(state, "2030-01-01T05:00", env, rtol=1e-13, dense=False, method=method)  # type: ignore[arg-type]
        assert np.linalg.norm(final.position_m - flown.final.position_m) < 1e-4
        steps = np.array([3.0, 3.0, 3.0, 3e-3, 3e-3, 3e-3])
        moved = np.concatenate([state.vector + np.diag(steps), state.vector - np.diag(steps)])
        ends = propagate_batch(moved, START, "2030-01-01T05:00", env, rtol=1e-14, method="rkn1210").states
        wanted = ((ends[:6] - ends[6:]) / (2.0 * steps[:, None])).T
        scale = np.outer([1, 1, 1, 1e-3, 1e-3, 1e-3], [1, 1, 1, 1e3, 1e3, 1e3])
        assert np.abs((matrix - wanted) / scale).max() < 2e-6 * np.abs(matrix / scale).max()
        assert np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-8)


def test_transitions_chain_and_invert(env: Environment) -> None:
    state = low(env)
    middle, first = state_transition(state, "2030-01-01T02:00", env)
    end, second = state_transition(middle, "2030-01-01T04:00", env)
    _, whole = state_transition(state, "2030-01-01T04:00", env)
    _, back = state_transition(end, state.time_tdb_s, env)
    assert np.abs(second @ first - whole).max() < 1e-6 * np.abs(whole).max()
    assert np.abs(back @ whole - np.eye(6)).max() < 1e-4
    _, many = transition_batch([state.vector] * 3, START, "2030-01-01T04:00", env)
    assert np.array_equal(many[0], many[2])


@pytest.mark.parametrize("method", ["dop853", "rkn1210"])
def test_impact_ends_a_flight_with_time_and_place(kepler: Environment, method: str) -> None:
    """A fall along an ellipse whose perilune lies 200 km deep, against Kepler's equation."""
    gm, radius = kepler.gm_m3_s2["moon"], 1737.4e3
    far, near = radius + 1000e3, radius - 200e3
    axis, e = 0.5 * (far + near), (far - near) / (far + near)
    speed = np.sqrt(gm * (2 / far - 1 / axis))
    state = State.at(START, [far, 0, 0], [0, speed, 0])
    flown = propagate(state, "2030-01-05", kepler, dense=method == "dop853", method=method)  # type: ignore[arg-type]
    anomaly = np.arccos((1 - radius / axis) / e)
    wanted = np.sqrt(axis**3 / gm) * (np.pi - (anomaly - e * np.sin(anomaly)))
    assert flown.ended == "impact on the Moon"
    assert flown.duration_s == pytest.approx(wanted, abs=1e-4)
    assert flown.impact is not None
    assert np.linalg.norm(flown.impact.position_m) == pytest.approx(radius, abs=1e-3)
    assert [event.name for event in flown.events] == ["impact on the Moon"]
    ends = propagate_batch([state.vector], START, "2030-01-05", kepler, method=method)  # type: ignore[arg-type]
    assert ends.ended.tolist() == ["impact on the Moon"]
    assert ends.elapsed_s[0] == pytest.approx(flown.duration_s, rel=1e-12)
    with pytest.raises(ModelError, match="impact"):
        state_transition(state, "2030-01-05", kepler)


def test_grazing_perilune_decides_about_impact(kepler: Environment) -> None:
    for depth, ended in ((-0.5, "impact on the Moon"), (0.5, "time")):
        for method in ("dop853", "rkn1210"):
            near, far = 1737.4e3 + depth, 1737.4e3 + 4000e3
            speed = np.sqrt(kepler.gm_m3_s2["moon"] * 2 * near / (far * (near + far)))
            states = [[far, 0, 0, 0, speed, 0]]
            assert propagate_batch(states, START, "2030-01-02", kepler, method=method).ended[0] == ended  # type: ignore[arg-type]


def test_impact_on_the_earth_is_seen_from_the_moon_too(almanac: Almanac) -> None:
    moon = Environment.make(almanac, START, STOP, degree=0)
    tdb = float(moon.tdb_s(START))
    earth = moon.body_state("earth", tdb)[0]
    start = np.array([6478e3 + 2e6, 0, 0, -3000.0, 500.0, 0])
    seen = propagate(State(tdb, start[:3] + earth[:3], start[3:] + earth[3:]), "2030-01-02", moon)
    about = Environment.make(almanac, START, STOP, degree=0, centre="earth", bodies=("sun", "moon"))
    there = propagate(State(tdb, start[:3], start[3:], "earth"), "2030-01-02", about)
    assert seen.ended == there.ended == "impact on the Earth"
    assert seen.duration_s == pytest.approx(there.duration_s, abs=1e-3)


def test_what_stops_being_a_number_ends_with_the_last_good_state(almanac: Almanac) -> None:
    """A fall straight into a point mass, with nothing to stop it."""
    env = Environment.make(almanac, START, STOP, degree=0, bodies=(), impact_radius_m={"moon": 0.0, "earth": 0.0})
    for method in ("dop853", "rkn1210"):
        flown = propagate(
            State.at(START, [2e6, 0, 0], [0, 0, 0]),
            "2030-01-02",
            env,
            dense=False,
            method=method,  # type: ignore[arg-type]
        )
        assert flown.failed
        assert flown.ended in ("not finite", "step too short")
        assert np.isfinite(flown.final.vector).all()
        assert flown.final.position_m[0] < 2e6
        fall = np.pi / 2 / np.sqrt(2) * np.sqrt(8e18 / env.gm_m3_s2["moon"])
        assert flown.duration_s == pytest.approx(fall, rel=1e-3)
        ends = propagate_batch([flown.start.vector], START, "2030-01-02", env, method=method)  # type: ignore[arg-type]
        assert ends.ended[0] == flown.ended


def test_states_inside_a_body_are_refused(env: Environment, almanac: Almanac) -> None:
    inside = State.at(START, [1.7e6, 0, 0], [0, 1600.0, 0])
    with pytest.raises(InputError, match="inside the Moon"):
        propagate(inside, "2030-01-02", env)
    with pytest.raises(InputError, match="state 1 lies"):
        propagate_batch([low(env).vector, inside.vector], START, "2030-01-02", env)
    earth = env.body_state("earth", env.tdb_s(START))[0]
    with pytest.raises(InputError, match="inside the Earth"):
        propagate_batch([earth + np.eye(6)[0] * 6e6], START, "2030-01-02", env)
    deep = dataclasses.replace(env, impact_radius_m={"moon": 0.0, "earth": 0.0})
    assert propagate(inside, "2030-01-01T00:10", deep).ended == "time"


def test_dates_outside_are_refused_at_once(env: Environment) -> None:
    state = low(env)
    begun = time.perf_counter()
    for until in ("2031-01-01", "2029-12-31", 1e12, float("nan"), dt.timedelta(days=400), "whenever"):
        with pytest.raises(DateError):
            propagate(state, until, env)
    early = State.at("2029-01-01", state.position_m, state.velocity_m_s)
    for ask in (propagate, state_transition):
        with pytest.raises(DateError):
            ask(early, "2030-01-02", env)
    with pytest.raises(DateError):
        propagate_batch([state.vector], "2029-01-01", "2030-01-02", env)
    with pytest.raises(DateError):
        propagate_batch([state.vector], START, [np.inf], env)
    assert time.perf_counter() - begun < 2.0


def test_unusable_input_is_refused(env: Environment) -> None:
    state = low(env)
    for changes in (
        {"rtol": 0.0},
        {"rtol": float("nan")},
        {"atol_m": -1.0},
        {"longest_step_s": 0.0},
        {"method": "euler"},
    ):
        with pytest.raises(InputError):
            propagate(state, "2030-01-02", env, **changes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="dense"):
        propagate(state, "2030-01-02", env, method="rkn1210")
    with pytest.raises(InputError, match="centre"):
        propagate(State.at(START, [2e6, 0, 0], [0, 1, 0], centre="earth"), "2030-01-02", env)
    for states in ([[1, 2, 3]], [[np.nan] * 6], "far", np.ones(6)):
        with pytest.raises(InputError):
            propagate_batch(states, START, "2030-01-02", env)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        propagate_batch([state.vector] * 3, START, ["2030-01-02", "2030-01-03"], env)
    for position, velocity in (([1, 2], [1, 2, 3]), ([np.nan, 0, 0], [0, 0, 0]), ("near", [0, 0, 0])):
        with pytest.raises((InputError, ValueError)):
            State.at(START, position, velocity)
    for numbers in ({"mass_kg": -1.0}, {"centre": "mars"}):
        with pytest.raises(InputError):
            State.at(START, [2e6, 0, 0], [0, 0, 0], **numbers)  # type: ignore[arg-type]
    for altitude, inclination in ((-1.0, 90.0), (1e5, float("nan"))):
        with pytest.raises(InputError):
            State.circling(env, START, altitude, inclination)
    flown = propagate(state, "2030-01-01T01:00", env)
    for wrong in (-10.0, 4000.0, float("nan")):
        with pytest.raises(DateError):
            flown.at_elapsed(wrong)
    with pytest.raises(InputError, match="dense"):
        propagate(state, "2030-01-01T01:00", env, dense=False).at_elapsed(10.0)


def test_flight_of_no_length_stays_where_it_is(env: Environment) -> None:
    state = low(env)
    flown = propagate(state, START, env)
    assert (flown.ended, flown.duration_s) == ("time", 0.0)
    assert np.array_equal(flown.final.vector, state.vector)
    assert np.array_equal(flown.at(START)[0], state.vector)


def test_durations_and_instants_mean_the_same(env: Environment) -> None:
    state = low(env)
    ends = [
        propagate(state, until, env, dense=False).final.vector
        for until in (dt.timedelta(hours=2), np.timedelta64(2, "h"), state.time_tdb_s + 7200.0)
    ]
    assert np.array_equal(ends[0], ends[1])
    assert np.array_equal(ends[0], ends[2])
    assert np.linalg.norm(propagate(state, "2030-01-01T02:00", env).final.vector - ends[0]) < 1e-2


def test_dates_in_both_scales() -> None:
    assert tdb_seconds("2030-01-01T00:00:00", "TDB") == 946728000.0
    assert tdb_seconds("2030-01-01T00:00:00") == pytest.approx(946728069.184, abs=2e-3)
    for wrong in ("2030-01-01T00:00:00Z", "2030-01-01T00:00+08:00"):
        with pytest.raises(DateError, match="TDB"):
            tdb_seconds(wrong, "TDB")
    with pytest.raises(InputError):
        tdb_seconds(START, "TAI")  # type: ignore[arg-type]
    state = State.at(START, [2e6, 0, 0], [0, 0, 0], scale="TDB")
    assert str(state.utc) == "2029-12-31T23:58:50.816"


def test_centres_change_there_and_back(env: Environment) -> None:
    state = low(env)
    there = state.from_centre("earth", env)
    assert np.linalg.norm(there.position_m) > 3e8
    assert np.linalg.norm(there.from_centre("moon", env).position_m - state.position_m) < 1e-6
    assert state.from_centre("moon", env) is state


def test_circling_has_the_elements_asked_for(env: Environment) -> None:
    state = low(
        env, altitude_m=30e3, apolune_altitude_m=216e3, inclination_deg=82.0, node_deg=35.0, argument_deg=270.0
    )
    near, far = state.apsides_m()
    assert (near - 1737.4e3, far - 1737.4e3) == pytest.approx((30e3, 216e3), abs=1e-3)
    turn = env.rotation(state.time_tdb_s)[0]
    pole = turn @ np.cross(state.position_m, state.velocity_m_s)
    pole /= np.linalg.norm(pole)
    assert np.rad2deg(np.arccos(pole[2])) == pytest.approx(82.0, abs=1e-9)
    assert np.rad2deg(np.arctan2(pole[0], -pole[1])) == pytest.approx(35.0, abs=1e-9)
    place = turn @ state.position_m / np.linalg.norm(state.position_m)
    assert place[2] == pytest.approx(-np.sin(np.radians(82.0)), abs=1e-9)


def test_sunlight_with_shadow_moves_a_light_craft(almanac: Almanac) -> None:
    from moonpost.flight.sunlight import Sunlight

    plain = Environment.make(almanac, START, STOP, degree=4)
    lit = dataclasses.replace(plain, sunlight=Sunlight(10.0, 100.0))
    state = low(plain)
    apart = [
        np.linalg.norm(
            propagate(state, f"2030-01-0{day}", lit, dense=False).final.position_m
            - propagate(state, f"2030-01-0{day}", plain, dense=False).final.position_m
        )
        for day in (2, 3)
    ]
    # 4.54e-6 N/m2 x 1.3 x 0.1 m2/kg gives 6e-7 m/s2, some 2 km in a day if it always pushed along the way
    assert 5.0 < min(apart) < max(apart) < 2500.0

"""Events to a millisecond: against closed forms, two bodies and fine samples; ordered, repeatable, none missed."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.flight.environment import Environment
from moonpost.flight.events import Crossing, altitude, apsides, eclipses, elevation, flat_crossings, nodes
from moonpost.flight.orbit import LunarOrbit
from moonpost.flight.propagate import propagate
from moonpost.flight.shadow import darkness
from moonpost.flight.state import State
from moonpost.sky import Almanac, Site

START, STOP = "2030-01-01", "2030-02-01"


@pytest.fixture(scope="module")
def kepler(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=0, bodies=())


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=20)


def period_s(state: State, env: Environment) -> float:
    near, far = state.apsides_m(env.gm_m3_s2["moon"])
    return float(2.0 * np.pi * np.sqrt((0.5 * (near + far)) ** 3 / env.gm_m3_s2["moon"]))


def test_apsides_come_every_half_revolution(kepler: Environment) -> None:
    state = State.circling(kepler, START, 200e3, 60.0, apolune_altitude_m=8600e3, argument_deg=30.0)
    flown = propagate(state, "2030-01-08", kepler, events=apsides())
    half = 0.5 * period_s(state, kepler)
    names = [event.name for event in flown.events]
    assert names == ["apolune", "perilune"] * (len(names) // 2) + ["apolune"] * (len(names) % 2)
    for k, event in enumerate(flown.events, start=1):
        assert event.elapsed_s == pytest.approx(k * half, abs=1e-3)
        assert event.time_tdb_s == state.time_tdb_s + event.elapsed_s
    heights = [np.linalg.norm(event.state[:3]) - 1737.4e3 for event in flown.events]
    assert heights[:2] == pytest.approx([8600e3, 200e3], abs=0.1)


def test_nodes_and_altitudes_follow_kepler(kepler: Environment) -> None:
    state = State.circling(kepler, START, 100e3, 75.0, apolune_altitude_m=2000e3, argument_deg=0.0)
    near, far = state.apsides_m()
    axis, e = 0.5 * (near + far), (far - near) / (far + near)
    rate = 2.0 * np.pi / period_s(state, kepler)
    # the equator moves under the orbit by 1e-8 rad in an hour
    flown = propagate(state, dt.timedelta(seconds=2.2 * np.pi / rate), kepler, events=[nodes(), altitude(900e3)])
    found = {event.name: event.elapsed_s for event in flown.events}
    assert found["descending node"] == pytest.approx(np.pi / rate, abs=0.05)
    anomaly = np.arccos((1 - (1737.4e3 + 900e3) / axis) / e)
    out = (anomaly - e * np.sin(anomaly)) / rate
    assert found["above 900 km"] == pytest.approx(out, abs=1e-3)
    assert found["below 900 km"] == pytest.approx(2 * np.pi / rate - out, abs=1e-3)


def test_shadows_agree_with_the_two_body_room(almanac: Almanac, kepler: Environment) -> None:
    """The same circle in both rooms, apparent Sun in both: edges to 50 ms (UTC to 1 ms, GM to 1e-9)."""
    other = LunarOrbit(100e3, 100e3, 90.0, argument_of_perilune_deg=0.0, node_deg=20.0)
    one = dataclasses.replace(kepler, gm_m3_s2=dict(kepler.gm_m3_s2) | {"moon": 4902.800118e9})
    state = State.circling(one, START, 100e3, 90.0, node_deg=20.0)
    for part in ("umbra", "penumbra"):
        flown = propagate(state, "2030-01-02", one, events=eclipses("moon", [part]))  # type: ignore[list-item]
        wanted = darkness(other, almanac, START, "2030-01-02", edge=part)  # type: ignore[arg-type]
        begins = np.array([event.utc for event in flown.events if event.name.endswith("begins")])
        ends = np.array([event.utc for event in flown.events if event.name.endswith("ends")])
        early, late = np.datetime64("2030-01-01T00:00:01"), np.datetime64("2030-01-01T23:00")
        inside = (wanted.start > early) & (wanted.start < late)
        theirs = wanted.start[inside]
        assert len(theirs) >= 10
        nearest = np.array([begins[np.argmin(np.abs(begins - t))] for t in theirs])
        assert np.abs(nearest - theirs).max() <= np.timedelta64(50, "ms")
        nearest = np.array([ends[np.argmin(np.abs(ends - t))] for t in wanted.stop[inside]])
        assert np.abs(nearest - wanted.stop[inside]).max() <= np.timedelta64(50, "ms")


def test_shadow_of_the_earth_falls_on_an_orbiter_in_an_eclipse(almanac: Almanac) -> None:
    """The total lunar eclipse of 2028-12-31 (greatest 16:52 UTC): the Moon itself passes through the umbra."""
    env = Environment.make(almanac, "2028-12-31", "2029-01-02", degree=2)
    state = State.circling(env, "2028-12-31", 2000e3, 90.0)
    flown = propagate(state, "2029-01-02", env, events=eclipses("earth"))
    names = [event.name for event in flown.events]
    assert names[0] == "penumbra of the Earth begins"
    assert names[-1] == "penumbra of the Earth ends"
    assert "umbra of the Earth begins" in names
    assert flown.events[0].utc < np.datetime64("2028-12-31T16:52") < flown.events[-1].utc


def test_elevation_over_a_site_is_where_it_says(almanac: Almanac, env: Environment) -> None:
    site = Site(-43.06, 308.08, -2500.0)
    state = State.circling(env, START, 200e3, 60.0)
    flown = propagate(state, "2030-01-20", env, events=[elevation(site, 10.0)])
    assert len(flown.events) > 8
    for event in flown.events:
        turn = almanac.rotation(event.utc)[0]
        sight = turn @ event.state[:3] - site.position_m
        found = np.rad2deg(np.arcsin(site.basis[2] @ sight / np.linalg.norm(sight)))
        assert found == pytest.approx(10.0, abs=1e-3)
    names = [event.name for event in flown.events]
    first = 0 if names[0] == "rise" else 1
    assert names[first::2] == ["rise"] * len(names[first::2])


def test_events_are_at_the_millisecond(env: Environment) -> None:
    """A flight of another method, ended at the instant of each event, has the event's quantity there."""
    state = State.circling(env, START, 90e3, 88.0, apolune_altitude_m=110e3)
    crossings = [apsides(), nodes(), altitude(100e3), eclipses()]
    flown = propagate(state, "2030-01-01T12:00", env, events=crossings)
    assert len(flown.events) > 40
    for event in flown.events[::5]:
        measure = next(c.measure for c in flat_crossings(crossings) if event.name in (c.rising, c.falling))
        ends = []
        for shift in (-1e-3, 1e-3):
            final = propagate(
                state, event.time_tdb_s + shift, env, rtol=1e-14, dense=False, method="rkn1210"
            ).final
            ends.append(measure(env, np.array([final.time_tdb_s]), final.vector[None])[0])
        assert ends[0] * ends[1] < 0, event


@settings(max_examples=8, deadline=None)
@given(
    inclination=st.floats(1.0, 179.0), node=st.floats(0.0, 360.0), high=st.floats(150e3, 9e6), back=st.booleans()
)
def test_events_are_ordered_repeatable_and_complete(
    env: Environment, inclination: float, node: float, high: float, back: bool
) -> None:
    state = State.circling(env, "2030-01-10", 100e3, inclination, apolune_altitude_m=high, node_deg=node)
    crossings = [apsides(), nodes(), altitude(140e3), eclipses()]
    until = "2030-01-09" if back else "2030-01-11"
    flown = propagate(state, until, env, events=crossings)
    again = propagate(state, until, env, events=crossings, dense=False)
    assert [(e.name, e.elapsed_s) for e in flown.events] == [(e.name, e.elapsed_s) for e in again.events]
    times = np.abs([event.elapsed_s for event in flown.events])
    assert (np.diff(times) >= 0.0).all()
    fine = np.linspace(np.copysign(1.0, flown.duration_s), flown.duration_s, 20_001)
    states = flown.at_elapsed(fine)
    for crossing in flat_crossings(crossings):
        values = crossing.measure(env, state.time_tdb_s + fine, states) > 0.0
        changes = int((values[1:] != values[:-1]).sum())
        names = (crossing.rising, crossing.falling)
        found = sum(event.name in names and abs(event.elapsed_s) > 1.0 for event in flown.events)
        assert found >= changes
        assert (found - changes) % 2 == 0


def test_back_in_time_the_same_events_are_met(env: Environment) -> None:
    state = State.circling(env, START, 100e3, 90.0, apolune_altitude_m=300e3)
    crossings = [apsides(), nodes(), eclipses()]
    there = propagate(state, "2030-01-01T10:00", env, events=crossings)
    back = propagate(there.final, state.time_tdb_s, env, events=crossings)
    seen = [(event.name, event.time_tdb_s) for event in there.events]
    met = [(event.name, event.time_tdb_s) for event in back.events if event.time_tdb_s - state.time_tdb_s > 1e-3][
        ::-1
    ]
    assert [name for name, _ in seen] == [name for name, _ in met]
    assert np.abs(np.subtract([t for _, t in seen], [t for _, t in met])).max() < 1e-3


def test_short_dips_between_samples_are_found(kepler: Environment) -> None:
    """Altitude limits 5 cm beside the apsides: below for half a second or so only."""
    state = State.circling(kepler, START, 100e3, 90.0, apolune_altitude_m=600e3, argument_deg=10.0)
    half = 0.5 * period_s(state, kepler)
    for height, names in (
        (100e3 + 0.05, ["below 100 km", "above 100 km"]),
        (600e3 - 0.05, ["above 600 km", "below 600 km"]),
    ):
        flown = propagate(state, dt.timedelta(seconds=2.6 * half), kepler, events=altitude(height))
        found = [event for event in flown.events if event.elapsed_s > 60.0]
        assert [event.name for event in found] == names
        assert 0.1 < found[1].elapsed_s - found[0].elapsed_s < 3.0


def test_dips_across_the_ends_of_chunks_are_found(kepler: Environment) -> None:
    """Steps of 5 s make chunks of 5.7 hours; dips at every perilune of 30 revolutions."""
    state = State.circling(kepler, START, 100e3, 90.0, apolune_altitude_m=200e3, argument_deg=10.0)
    until, watched = dt.timedelta(seconds=30.4 * period_s(state, kepler)), [altitude(100e3 + 0.02), apsides()]
    flown = propagate(state, until, kepler, events=watched, longest_step_s=5.0, dense=False)
    names = [event.name for event in flown.events]
    assert names.count("perilune") == 30
    assert names.count("below 100 km") == names.count("above 100 km") - (names[0] == "above 100 km") == 30


def test_ending_events_end_the_flight_where_they_are(env: Environment) -> None:
    state = State.circling(env, START, 100e3, 90.0, apolune_altitude_m=500e3)
    flown = propagate(state, "2030-01-05", env, events=[nodes(), apsides().only("apolune").ending()])
    assert flown.ended == "apolune"
    assert flown.events[-1].name == "apolune"
    assert flown.final.time_tdb_s == flown.events[-1].time_tdb_s
    assert np.array_equal(flown.final.vector, flown.events[-1].state)
    assert flown.at_elapsed(flown.duration_s)[0] == pytest.approx(flown.final.vector, abs=1e-6)
    assert {event.name for event in flown.events} <= {"ascending node", "descending node", "apolune"}
    whole = propagate(state, "2030-01-05", env, events=apsides())
    assert whole.events[0].elapsed_s == pytest.approx(flown.duration_s, abs=1e-6)


def test_own_quantities_can_be_watched(env: Environment) -> None:
    state = State.circling(env, START, 100e3, 90.0, apolune_altitude_m=1500e3)
    slow = Crossing(lambda env, t, s: np.linalg.norm(s[:, 3:], axis=1) - 1400.0, "fast", "slow")
    flown = propagate(state, "2030-01-01T06:00", env, events=slow)
    assert flown.events[0].name == "slow"
    assert np.linalg.norm(flown.events[0].state[3:]) == pytest.approx(1400.0, abs=1e-6)


def test_wrong_words_are_refused(env: Environment) -> None:
    state = State.circling(env, START, 100e3, 90.0)
    for make in (
        lambda: apsides("mars"),  # type: ignore[arg-type]
        lambda: eclipses("sun"),  # type: ignore[arg-type]
        lambda: eclipses("moon", ["antumbra"]),  # type: ignore[list-item]
        lambda: altitude(float("nan")),
        lambda: elevation("pole"),  # type: ignore[arg-type]
        lambda: elevation(Site(0.0, 0.0), 91.0),
        lambda: apsides().only("perigee"),
        lambda: propagate(state, "2030-01-02", env, events="apsides"),  # type: ignore[arg-type]
        lambda: propagate(state, "2030-01-02", env, events=[3]),
    ):
        with pytest.raises(InputError):
            make()

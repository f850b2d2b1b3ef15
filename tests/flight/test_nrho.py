"""Halo orbits in the real sky, and keeping a station on them."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.arcs import Arcs
from moonpost.flight.cr3bp import time_unit_s
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides, eclipses
from moonpost.flight.halos import halo_family
from moonpost.flight.nrho import ReferenceOrbit, reference_orbit, rotating_speed_m_s
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.stationkeeping import StationErrors, keep_station
from moonpost.sky import Almanac

DAY_S = 86400.0
NONE = StationErrors(0.0, 0.0, 0.0, 0.0)
SMALL = StationErrors(1000.0 / 3.0, 0.01 / 3.0)


@pytest.fixture(scope="module")
def sky() -> Environment:
    return Environment.make(Almanac.default(), "2029-12-20", "2030-12-20", degree=8)


@pytest.fixture(scope="module")
def gateway(sky: Environment) -> ReferenceOrbit:
    return reference_orbit(sky, "2030-01-03", 44)


def test_the_orbit_stays_for_36_revolutions_and_more(gateway: ReferenceOrbit) -> None:
    assert gateway.passage_s.size >= 43
    assert gateway.jump_m < 0.01
    assert gateway.jump_m_s < 1e-6
    periods = np.diff(gateway.passage_s) / DAY_S
    assert gateway.period_s / DAY_S == pytest.approx(6.56, abs=0.02)
    assert 6.2 < periods.min() < periods.max() < 6.85
    assert 3.1e6 < gateway.perilune_radius_m.min() < gateway.perilune_radius_m.max() < 3.6e6
    middles = 0.5 * (gateway.passage_s[:-1] + gateway.passage_s[1:])
    states = gateway.states(middles)
    assert (np.abs(np.linalg.norm(states[:, :3], axis=1) - 71e6) < 1.5e6).all()
    assert (states[:, 2] < 0.0).mean() > 0.95


def test_one_run_follows_the_orbit_through_its_nodes(sky: Environment, gateway: ReferenceOrbit) -> None:
    # Three revolutions in one go: gaps of a centimetre grow by the passages near the Moon, no more.
    start, stop = float(gateway.node_s[10]), float(gateway.node_s[19])
    first = gateway.node_states[10]
    flown = propagate(State(start, first[:3], first[3:]), stop, sky)
    assert flown.ended == "time"
    assert np.linalg.norm(flown.final.vector[:3] - gateway.node_states[19][:3]) < 100.0


def test_states_between_nodes(gateway: ReferenceOrbit) -> None:
    at = gateway.node_s[[0, 5, -1]]
    assert np.abs(gateway.states(at) - gateway.node_states[[0, 5, -1]]).max() < 0.02
    dates = gateway.env.utc(gateway.node_s[3:5])
    assert np.abs(gateway.states(dates)[:, :3] - gateway.node_states[3:5, :3]).max() < 2.0
    with pytest.raises(InputError, match="outside the reference"):
        gateway.states(np.array([gateway.node_s[0] - 10.0]))


def test_the_orbit_is_one_flight_with_events(gateway: ReferenceOrbit) -> None:
    flown = gateway.flight([apsides().only("perilune"), eclipses("moon"), eclipses("earth")])
    assert (flown.start.time_tdb_s, flown.duration_s) == (
        gateway.node_s[0],
        gateway.node_s[-1] - gateway.node_s[0],
    )
    times = np.linspace(gateway.node_s[0], gateway.node_s[-1], 500)
    apart = flown.at_elapsed(times - times[0]) - gateway.states(times)
    assert np.linalg.norm(apart[:, :3], axis=1).max() < 5.0
    near = [event for event in flown.events if event.name == "perilune"]
    assert len(near) == len(gateway.passage_s)
    radii = [np.linalg.norm(event.state[:3]) for event in near]
    assert radii == pytest.approx(gateway.perilune_radius_m, abs=50.0)
    shadows = [event for event in flown.events if event.name.startswith("umbra of the Moon")]
    assert shadows
    assert [event.name[-6:] for event in shadows] == ["begins", "n ends"] * (len(shadows) // 2)


def test_passages_lie_in_the_plane_and_perilunes_are_closest(sky: Environment, gateway: ReferenceOrbit) -> None:
    k = 7
    around = gateway.states(gateway.passage_s[k] + np.arange(-900.0, 901.0, 10.0))
    distances = np.linalg.norm(around[:, :3], axis=1)
    assert gateway.perilune_radius_m[k] == pytest.approx(distances.min(), abs=100.0)
    earth = sky.body_state("earth", gateway.passage_s[[k]])[0]
    across = np.cross(np.cross(earth[:3], earth[3:]), -earth[:3])
    across /= np.linalg.norm(across)
    assert abs(gateway.passage_states[k, :3] @ across) < 1.0


def test_speed_in_turning_axes_is_a_rate(sky: Environment, gateway: ReferenceOrbit) -> None:
    moment = float(gateway.passage_s[4])
    states = gateway.states(moment + np.array([-1.0, 0.0, 1.0]))
    earth = sky.body_state("earth", moment + np.array([-1.0, 0.0, 1.0]))[:, :3]
    along = np.einsum("ni,ni->n", states[:, :3], -earth) / np.linalg.norm(earth, axis=1)
    assert rotating_speed_m_s(sky, moment, states[1]) == pytest.approx((along[2] - along[0]) / 2.0, abs=1e-2)


@pytest.mark.parametrize(("family", "period", "nodes"), [("L2-northern", 3.3, 8), ("L1-southern", 2.75, 8)])
def test_large_halo_orbits_in_the_sky(sky: Environment, family: str, period: float, nodes: int) -> None:
    orbit = halo_family(family).orbit(period)
    found = reference_orbit(sky, "2030-02-01", 8, orbit=orbit, nodes=nodes)
    assert found.period_s == pytest.approx(period * 375_190.0, rel=0.02)
    kept = keep_station(found, SMALL, revolutions=5, trials=2, horizon=1, burns=4)
    assert kept.kept.all()
    assert kept.burns_m_s.shape == (2, 20)
    assert (kept.yearly_m_s < 15.0).all()


def test_without_errors_the_orbit_costs_nothing(gateway: ReferenceOrbit) -> None:
    flown = keep_station(gateway, NONE, revolutions=36, trials=1)
    assert flown.kept.all()
    assert flown.yearly_m_s[0] < 1e-3
    assert np.abs(flown.late_s).max() < 1.0


def test_cost_grows_with_the_errors_of_navigation(gateway: ReferenceOrbit) -> None:
    small = keep_station(gateway, SMALL, revolutions=12, trials=4)
    large = keep_station(gateway, revolutions=12, trials=4)
    assert small.kept.all()
    assert large.kept.all()
    assert 5.0 < large.yearly_m_s.mean() / small.yearly_m_s.mean() < 15.0
    assert np.abs(large.period_s).max() < 0.001 * gateway.period_s
    assert large.offset_m.max() < 1e6


def test_phase_is_held_at_little_cost(gateway: ReferenceOrbit) -> None:
    errors = StationErrors(5000.0, 0.05)
    drifting = keep_station(gateway, errors, revolutions=16, trials=3, hold_late_s=np.inf, seed=1)
    held = keep_station(gateway, errors, revolutions=16, trials=3, hold_late_s=900.0, seed=1)
    assert np.abs(drifting.late_s).max() > 3000.0
    assert np.abs(held.late_s).max() < 2500.0
    assert held.yearly_m_s.mean() < 2.0 * drifting.yearly_m_s.mean()


def test_trials_are_repeatable_and_differ(gateway: ReferenceOrbit) -> None:
    first = keep_station(gateway, SMALL, revolutions=4, trials=2, horizon=2, seed=5)
    again = keep_station(gateway, SMALL, revolutions=4, trials=2, horizon=2, seed=5)
    assert np.array_equal(first.burns_m_s, again.burns_m_s)
    assert not np.array_equal(first.burns_m_s[0], first.burns_m_s[1])
    other = keep_station(gateway, SMALL, revolutions=4, trials=2, horizon=2, seed=6)
    assert not np.array_equal(first.burns_m_s, other.burns_m_s)


def test_small_burns_are_left_out(gateway: ReferenceOrbit) -> None:
    errors = StationErrors(1000.0 / 3.0, 0.01 / 3.0, smallest_burn_m_s=0.01)
    flown = keep_station(gateway, errors, revolutions=12, trials=2)
    sizes = flown.burns_m_s.ravel()
    assert (sizes == 0.0).any()
    assert sizes[sizes > 0.0].min() >= 0.01


def test_a_station_that_is_lost_is_said_to_be(gateway: ReferenceOrbit) -> None:
    flown = keep_station(gateway, StationErrors(3e6, 30.0), revolutions=12, trials=2)
    assert not flown.kept.all()
    assert flown.yearly_m_s.size == flown.kept.sum()


def test_burns_answer_a_push_of_sunlight(gateway: ReferenceOrbit) -> None:
    from moonpost.flight.sunlight import Sunlight

    lit = Environment.make(
        Almanac.default(), "2029-12-20", "2030-12-20", degree=8, sunlight=Sunlight(100.0, 20_000.0, 1.5)
    )
    flown = keep_station(gateway, NONE, revolutions=12, trials=1, truth=lit)
    assert flown.kept.all()
    assert 0.01 < flown.yearly_m_s[0] < 3.0


def test_inputs_that_cannot_be_used(sky: Environment, gateway: ReferenceOrbit) -> None:
    for wrong in ({"revolutions": 1}, {"nodes": 1}, {"revolutions": 2.5}):
        with pytest.raises(InputError):
            reference_orbit(sky, "2030-01-03", **wrong)  # type: ignore[arg-type]
    with pytest.raises(DateError):
        reference_orbit(sky, "2030-12-01", 36)
    with pytest.raises(InputError, match="Earth"):
        reference_orbit(
            Environment.make(
                Almanac.default(), "2030-01-01", "2030-03-01", centre="earth", bodies=("sun", "moon")
            ),
            "2030-01-05",
            3,
        )
    with pytest.raises(InputError, match="too short"):
        keep_station(gateway, revolutions=40)
    for wrong in ({"trials": 0}, {"horizon": 0}, {"burns": 0}, {"revolutions": 1}, {"hold_late_s": np.nan}):
        with pytest.raises(InputError):
            keep_station(gateway, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="position_m"):
        StationErrors(position_m=np.nan)
    with pytest.raises(InputError, match="burn_fraction"):
        StationErrors(burn_fraction=-0.1)


def test_a_fall_to_the_moon_is_an_error(sky: Environment) -> None:
    start = float(sky.tdb_s("2030-02-01"))
    with pytest.raises(ModelError, match="impact"):
        Arcs(sky).end(np.array([1e7, 0.0, 0.0, -100.0, 0.0, 0.0]), start, start + DAY_S)


@pytest.mark.parametrize(("family", "days"), [("L2-southern", 9.2), ("L1-northern", 9.6)])
def test_orbits_that_beat_with_the_month_settle_for_eight_revolutions(
    sky: Environment, family: str, days: float
) -> None:
    """Near a third of the month the Moon's eccentricity makes perilune swing; so it is said and so it is."""
    orbit = halo_family(family).orbit(days * 86400.0 / time_unit_s())
    found = reference_orbit(sky, "2030-01-03", 8, orbit=orbit, nodes=6)
    assert found.period_s == pytest.approx(days * 86400.0, rel=0.02)
    assert found.perilune_radius_m.max() > 1.15 * found.perilune_radius_m.min()


def test_arcs_that_do_not_join_are_an_error_that_says_what_to_do(
    sky: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moonpost.flight.nrho._MOST_ROUNDS", 12)
    orbit = halo_family("L1-northern").orbit(9.0 * 86400.0 / time_unit_s())
    with pytest.raises(ModelError, match=r"20 revolutions of 9\.00 d do not join; ask for fewer revolutions"):
        reference_orbit(sky, "2030-01-03", 20, orbit=orbit)

"""Returns: hyperbolas in closed form, every cell flown forward again, branches, fixed nodes, two burns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.flight.departures import Hyperbolas, LunarCircle, cheapest_burns, escape_velocity
from moonpost.flight.entry import Entry, Interface, LandingPlace
from moonpost.flight.entryaims import EntryAim
from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2 as GM
from moonpost.flight.propagate import propagate
from moonpost.flight.returns import ReturnWindows, scan_returns
from moonpost.flight.state import State
from moonpost.flight.twoburns import ellipse_speed_m_s, split_burn, two_burns
from moonpost.sky import Almanac

DAYS = np.datetime64("2030-01-01", "ms") + np.arange(0, 27, 6) * np.timedelta64(1, "D")
FLIGHTS_S = 86400.0 * np.array([3.5, 4.5])
CIRCLE = LunarCircle(100e3, 60.0)


@pytest.fixture(scope="module")
def found(almanac: Almanac) -> ReturnWindows:
    return scan_returns(almanac, DAYS, FLIGHTS_S, CIRCLE, EntryAim())


@settings(max_examples=30, deadline=None)
@given(
    excess=st.floats(500.0, 2000.0),
    radius=st.floats(1.75e6, 5e7),
    angle=st.floats(0.2, 2.6),
    turn=st.floats(0.0, 6.2),
)
def test_escape_velocity_leads_where_it_should(excess: float, radius: float, angle: float, turn: float) -> None:
    far = np.array([[math.cos(turn), math.sin(turn), 0.0]])
    place = radius * np.array(
        [[math.cos(turn + angle), math.sin(turn + angle) * 0.8, math.sin(turn + angle) * 0.6]]
    )
    velocity = escape_velocity(place, excess * far)
    seen = Hyperbolas.of(np.hstack([place, velocity]))
    assert seen.excess_m_s[0] == pytest.approx(excess, rel=1e-9)
    assert seen.outward[0] == pytest.approx(far[0], abs=1e-7)
    assert abs(seen.offset_m[0] @ seen.outward[0]) < 1e-3


def test_hyperbola_in_closed_form() -> None:
    """Perilune of 1,900 km: B^2 = r^2 + 2 gm r / w^2, and the time back to perilune flown by two bodies."""
    radius, excess = 1.9e6, 900.0
    speed = math.sqrt(excess**2 + 2.0 * GM / radius)
    seen = Hyperbolas.of(np.array([[radius, 0.0, 0.0, 0.0, speed, 0.0]]))
    size = math.sqrt(radius**2 + 2.0 * GM * radius / excess**2)
    assert np.linalg.norm(seen.offset_m[0]) == pytest.approx(size, rel=1e-12)
    assert seen.since_perilune_s[0] == pytest.approx(0.0, abs=1e-9)
    bound = Hyperbolas.of(np.array([[radius, 0.0, 0.0, 0.0, 0.9 * math.sqrt(2.0 * GM / radius), 0.0]]))
    assert not bound.open[0]
    assert np.isnan(bound.excess_m_s[0])


def test_the_cheapest_burn_in_the_plane_is_along_the_circle() -> None:
    radius, excess = 1.9e6, 900.0
    seen = Hyperbolas.of(np.array([[radius, 0, 0, 0, math.sqrt(excess**2 + 2.0 * GM / radius), 0.0]]))
    places, burns = cheapest_burns(seen, np.array([[0.0, 0.0, 1.0]]), radius, GM)
    along = math.sqrt(excess**2 + 2.0 * GM / radius) - math.sqrt(GM / radius)
    assert np.linalg.norm(burns[0]) == pytest.approx(along, abs=0.01)
    assert places[0] == pytest.approx([radius, 0.0, 0.0], abs=2e3)
    tilted = cheapest_burns(seen, np.array([[0.0, math.sin(0.3), math.cos(0.3)]]), radius, GM)[1]
    assert np.linalg.norm(tilted[0]) > along + 1.0


def test_every_cell_converges_and_reaches_the_place_or_says_not(found: ReturnWindows) -> None:
    assert len(found) == len(DAYS) * len(FLIGHTS_S) * 2
    assert found.converged.all()
    assert (found.perilune_error_m < 1.0).all()
    assert found.inclination_deg == pytest.approx(60.0, abs=1e-3)
    assert 0.4 < found.reached.mean() < 1.0
    for row in range(0, len(found), 3):
        entry = found.entry(row)
        ahead, aside = entry.ranges_m(found.aim.place or LandingPlace("", 0.0, 0.0))
        assert ahead == pytest.approx(found.range_m[row], abs=10.0)
        assert aside == pytest.approx(0.0, abs=10.0)
        assert entry.flight_path_deg == pytest.approx(-6.0, abs=1e-9)
        assert entry.altitude_m == pytest.approx(120e3, abs=1e-3)


def test_flown_forward_again_they_meet_the_interface(found: ReturnWindows, almanac: Almanac) -> None:
    """By another way: from the Moon's centre, forward, with tight tolerance."""
    env = Environment.make(almanac, "2029-12-30", "2030-02-05", degree=0)
    for row in (0, 7, 13):
        end = propagate(found.state(row), float(found.entry_s[row]), env, rtol=1e-13).final
        entry = Entry.of(end.from_centre("earth", env))
        assert entry.altitude_m == pytest.approx(120e3, abs=300.0)
        assert entry.flight_path_deg == pytest.approx(-6.0, abs=0.01)
        told = found.entry(row)
        assert entry.latitude_deg == pytest.approx(told.latitude_deg, abs=0.02)
        assert entry.longitude_deg == pytest.approx(told.longitude_deg, abs=0.02)


def test_the_burn_is_the_step_from_the_circle(found: ReturnWindows) -> None:
    speed = np.linalg.norm(found.departure_states[:, 3:], axis=1)
    assert found.tei_m_s == pytest.approx(speed - CIRCLE.speed_m_s(), abs=1e-6)
    whole = np.sqrt(found.excess_m_s**2 + 2.0 * GM / CIRCLE.radius_m)
    assert speed == pytest.approx(whole, abs=1e-3)


def test_branches_leave_north_and_south(found: ReturnWindows, almanac: Almanac) -> None:
    env = Environment.make(almanac, "2029-12-30", "2030-02-05", degree=0)
    seen = Hyperbolas.of(found.departure_states)
    pole = env.rotation(found.departure_s)[:, 2]
    north = np.einsum("ni,ni->n", -seen.offset_m, pole)
    assert (north[found.branch == "ascending"] > 0.0).all()
    assert (north[found.branch == "descending"] < 0.0).all()


def test_kept_times_move_the_range_instead(almanac: Almanac) -> None:
    kept = scan_returns(
        almanac, DAYS[:2], FLIGHTS_S, CIRCLE, EntryAim(free="range"), branches=["ascending"], threads=1
    )
    assert kept.entry_s - kept.departure_s == pytest.approx(np.tile(FLIGHTS_S, 2), abs=1e-6)
    assert kept.converged.all()
    both = scan_returns(almanac, DAYS[:2], FLIGHTS_S, CIRCLE, EntryAim(free="range"), threads=2)
    assert (both.tei_m_s[::2] == kept.tei_m_s).all()


def test_without_a_place_the_inclination_is_met(almanac: Almanac) -> None:
    aim = EntryAim(place=None, inclination_deg=50.0, northbound=False, interface=Interface(125e3, -5.5))
    seen = scan_returns(almanac, DAYS[:1], FLIGHTS_S, CIRCLE, aim)
    assert seen.converged.all()
    assert not seen.reached.any()
    entry = seen.entry(0)
    assert entry.inclination_deg == pytest.approx(50.0, abs=1e-3)
    assert (entry.altitude_m, entry.flight_path_deg) == pytest.approx((125e3, -5.5), abs=1e-3)
    assert 90.0 < entry.heading_deg < 180.0


def test_a_fixed_node_costs_more_except_where_it_is_the_free_one(almanac: Almanac) -> None:
    free = scan_returns(almanac, DAYS[:1], FLIGHTS_S[1:], CIRCLE, EntryAim(), branches=["ascending"])
    env = Environment.make(almanac, "2029-12-30", "2030-02-05", degree=0)
    r, v = free.departure_states[0, :3], free.departure_states[0, 3:]
    pole = env.rotation(free.departure_s)[0] @ np.cross(r, v)
    node = math.degrees(math.atan2(pole[0], -pole[1]))
    same = scan_returns(almanac, DAYS[:1], FLIGHTS_S[1:], LunarCircle(100e3, 60.0, node), EntryAim())
    off = scan_returns(almanac, DAYS[:1], FLIGHTS_S[1:], LunarCircle(100e3, 60.0, node + 20.0), EntryAim())
    assert same.converged.all()
    assert off.converged.all()
    assert len(same) == 1
    assert same.tei_m_s[0] == pytest.approx(free.tei_m_s[0], abs=0.5)
    assert off.tei_m_s[0] > free.tei_m_s[0] + 20.0
    on_circle = off.departure_states[0, 3:] - off.burns_m_s[0]
    assert np.linalg.norm(on_circle) == pytest.approx(CIRCLE.speed_m_s(), rel=1e-4)
    assert on_circle @ off.departure_states[0, :3] == pytest.approx(0.0, abs=2e5)


def test_an_orbit_too_low_in_inclination_for_the_asymptote_is_not_called_converged(almanac: Almanac) -> None:
    seen = scan_returns(almanac, DAYS, FLIGHTS_S[1:], LunarCircle(100e3, 0.5), EntryAim())
    assert not seen.converged.any()
    assert np.isfinite(seen.inclination_deg).any()
    assert seen.rows()[0]["tei_km_s"] is None
    assert "never holds the way home" in seen.reason(0)
    with pytest.raises(InputError, match="no return converged"):
        seen.best()


def test_rows_and_the_best_of_them(found: ReturnWindows) -> None:
    rows = found.rows()
    best = rows[found.best()]
    assert best["landing_reached"]
    assert {row["reason"] for row in rows} == {""}
    assert best["converged"]
    assert best["tei_km_s"] == min(row["tei_km_s"] for row in rows if row["landing_reached"])


@pytest.mark.parametrize("time", [0.0, math.nan, 9.0 * 86400.0, -86400.0])
def test_flight_times_that_are_none_are_refused(almanac: Almanac, time: float) -> None:
    with pytest.raises(InputError, match="flight times"):
        scan_returns(almanac, DAYS[:1], [time], CIRCLE, EntryAim())


def test_other_bad_input_is_refused(almanac: Almanac) -> None:
    with pytest.raises(InputError, match="branches"):
        scan_returns(almanac, DAYS[:1], FLIGHTS_S, CIRCLE, EntryAim(), branches=["up"])
    with pytest.raises(DateError):
        scan_returns(almanac, "2150-01-18", FLIGHTS_S, CIRCLE, EntryAim())
    with pytest.raises(InputError):
        LunarCircle(math.nan)
    with pytest.raises(InputError):
        LunarCircle(100e3, 181.0)
    with pytest.raises(InputError):
        EntryAim(range_m=1e6)


def test_two_burns_share_the_single_one(almanac: Almanac) -> None:
    """With a point mass alone both burns are at one perilune and add up to the single burn."""
    circle = LunarCircle(200e3, 45.0)
    env = Environment.make(almanac, "2030-01-01", "2030-01-06", degree=0, bodies=())
    low = State.circling(env, "2030-01-05", 200e3, 45.0)
    out = low.with_velocity(low.velocity_m_s * 1.53)
    both = two_burns(out, out.time_tdb_s - 2.0 * 43200.0, env, 2)
    assert both.first_m_s + both.second_m_s == pytest.approx(0.53 * circle.speed_m_s(), abs=0.01)
    assert both.first_m_s == pytest.approx(split_burn(circle, 43200.0), abs=0.01)
    assert both.first_altitude_m == pytest.approx(200e3, abs=5.0)
    assert both.period_s == pytest.approx(43200.0, abs=0.01)
    assert ellipse_speed_m_s(circle.radius_m, 43200.0) == pytest.approx(
        circle.speed_m_s() + both.first_m_s, abs=0.01
    )
    with pytest.raises(InputError):
        two_burns(out, out.time_tdb_s + 1.0, env)
    with pytest.raises(InputError):
        split_burn(circle, 3600.0)


def test_burns_out_of_the_plane_lead_away_from_the_ground(almanac: Almanac) -> None:
    """A fixed orbit over a month: all converge, none dips below the altitude at which it was left."""
    days = DAYS[0] + np.arange(0, 28, 3) * np.timedelta64(1, "D")
    seen = scan_returns(almanac, days, FLIGHTS_S[1:], LunarCircle(100e3, 90.0, 30.0), EntryAim())
    assert seen.converged.all()
    climb = np.einsum("ni,ni->n", seen.departure_states[:, :3], seen.departure_states[:, 3:])
    assert (climb >= 0.0).all()
    assert (seen.perilune_error_m < 1.0).all()
    assert seen.tei_m_s.max() > 1.5 * seen.tei_m_s.min()


def test_scans_from_one_orbit_are_joined(found: ReturnWindows, almanac: Almanac) -> None:
    both = found.joined(found)
    assert len(both) == 2 * len(found)
    assert both.rows()[len(found) :] == found.rows()
    with pytest.raises(InputError, match="two orbits"):
        found.joined(scan_returns(almanac, DAYS[:1], FLIGHTS_S[:1], LunarCircle(200e3, 60.0), EntryAim()))

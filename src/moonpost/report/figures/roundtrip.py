"""A sample return drawn: the way there and back, the orbits round the Moon, the ground under the entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from moonpost.report.figures.style import BLUE, GREEN, GREY, ORANGE, RED, drawing, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from moonpost.flight.environment import Environment
    from moonpost.flight.roundtrip import RoundTrip
    from moonpost.flight.trajectory import Trajectory
    from moonpost.sky.almanac import Almanac

__all__ = ["roundtrip_figure"]

Floats = npt.NDArray[np.float64]

_EARTH_KM, _MOON_KM = 6378.137, 1737.4
_APPROACH_S = 1800.0


@drawing
def roundtrip_figure(trip: RoundTrip, almanac: Almanac, width_in: float) -> Figure:
    """Draw a sample return in three panels.

    Parameters
    ----------
    trip : RoundTrip
        The mission as flown.
    almanac : Almanac
        Where the Moon is.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        The transfers in axes that turn with the Moon, the lunar orbits in their plane, the entry over ground.
    """
    from moonpost.flight.transfers import transfer_environment

    start, stop = trip.mission.dates["launch"], trip.mission.dates["capsule_landing"]
    env = transfer_environment(almanac, start, stop, impact_radius_m={"moon": 0.0, "earth": 0.0})
    figure = Figure(figsize=(width_in, 0.8 * width_in), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.0, 1.0))
    _ways(trip, env, figure.add_subplot(grid[0, :]))
    _orbits(trip, almanac, figure.add_subplot(grid[1, 0]))
    _entry(trip, env, figure.add_subplot(grid[1, 1]))
    return figure


def _ways(trip: RoundTrip, env: Environment, axes: Axes) -> None:
    """Both transfers, in axes that turn with the line from the Earth to the Moon."""
    from moonpost.flight.propagate import propagate

    out = propagate(trip.outbound.departure, trip.outbound.perilune.time_tdb_s, env, rtol=1e-10)
    entry = trip.home.entry(0)
    back = propagate(trip.home.state(0).from_centre("earth", env), entry.time_tdb_s, env, rtol=1e-10)
    for flown, colour, name in ((out, BLUE, "to the Moon"), (back, RED, "to the Earth")):
        place = _turned(flown, env)
        axes.plot(place[:, 0] / 1e6, place[:, 1] / 1e6, color=colour, lw=1.4, label=name)
    axes.add_patch(Circle((0.0, 0.0), _EARTH_KM / 1e3, color=GREEN, label="Earth"))
    for flown_s, name in ((out.final.time_tdb_s, "Moon, at both dates"), (back.start.time_tdb_s, "_nolegend_")):
        moon = float(np.linalg.norm(env.body_m("moon", flown_s)))
        axes.add_patch(Circle((moon / 1e6, 0.0), _MOON_KM / 1e3, color=GREY, label=name, zorder=3))
    axes.set_aspect("equal")
    axes.set_xlabel("Towards the Moon [1000 km]")
    axes.set_ylabel("Along its motion [1000 km]")
    legend_above(axes, 12.0)


def _turned(flown: Trajectory, env: Environment) -> Floats:
    """Places in axes that turn with the Moon [m]."""
    elapsed = np.linspace(0.0, flown.duration_s, 1500)
    states = flown.at_elapsed(elapsed)
    moon = env.body_state("moon", flown.start.time_tdb_s + elapsed)
    along = moon[:, :3] / np.linalg.norm(moon[:, :3], axis=1)[:, None]
    pole = np.cross(moon[:, :3], moon[:, 3:])
    across = np.cross(pole / np.linalg.norm(pole, axis=1)[:, None], along)
    return np.stack([np.einsum("ni,ni->n", states[:, :3], axis) for axis in (along, across)], axis=1)


def _orbits(trip: RoundTrip, almanac: Almanac, axes: Axes) -> None:
    """The two ellipses and the circle, in the plane of the orbit at capture."""
    from moonpost.flight.environment import Environment
    from moonpost.flight.propagate import propagate

    first, last = trip.capture.before.time_tdb_s, trip.departure.second_s
    env = Environment.make(almanac, first - 3600.0, last + 3600.0, degree=8)
    pole = np.cross(trip.orbit.position_m, trip.orbit.velocity_m_s)
    pole /= np.linalg.norm(pole)
    away = np.cross(np.cross(pole, [0.0, 0.0, 1.0]), pole)
    away /= np.linalg.norm(away)
    flights: list[tuple[Any, float, str, str]] = [
        (trip.capture.after, trip.capture.period_s, BLUE, "after the first burn"),
        (trip.orbit, 7700.0, ORANGE, "circle"),
        (trip.departure.ellipse, trip.departure.period_s, RED, "before the last burn"),
    ]
    for state, seconds, colour, name in flights:
        flown = propagate(state, min(state.time_tdb_s + seconds, last), env, rtol=1e-10)
        places = flown.at_elapsed(np.linspace(0.0, flown.duration_s, 600))[:, :3] / 1e6
        axes.plot(places @ away, places @ np.cross(pole, away), color=colour, lw=1.2, label=name)
    axes.add_patch(Circle((0.0, 0.0), _MOON_KM / 1e3, color=GREY))
    axes.set_aspect("equal")
    axes.set_xlabel("In the plane of the orbit [1000 km]")
    axes.set_ylabel("[1000 km]")
    legend_above(axes, 6.0)


def _entry(trip: RoundTrip, env: Environment, axes: Axes) -> None:
    """The ground below the last half hour before entry, and the way on to the landing place."""
    from moonpost.flight.entry import Entry
    from moonpost.flight.propagate import propagate
    from moonpost.flight.state import State

    vector = trip.home.entry_states[0]
    there = State(float(trip.home.entry_s[0]), vector[:3], vector[3:], "earth")
    before = propagate(there, there.time_tdb_s - _APPROACH_S, env, rtol=1e-10)
    times = np.linspace(0.0, before.duration_s, 60)
    points = [
        Entry.of(State(there.time_tdb_s + t, s[:3], s[3:], "earth"))
        for t, s in zip(times, before.at_elapsed(times), strict=True)
    ]
    ground = np.array([(point.longitude_deg, point.latitude_deg) for point in points])
    axes.plot(*ground.T, color=GREY, lw=1.4, label="half an hour before")
    high = min(points, key=lambda point: abs(point.altitude_m - 5e6))
    axes.plot(high.longitude_deg, high.latitude_deg, "s", color=ORANGE, label="5,000 km high")
    entry = trip.home.entry(0)
    track = entry.track_deg(float(trip.home.range_m[0]))
    axes.plot(track[:, 1], track[:, 0], color=BLUE, lw=1.4, label="skip")
    axes.plot(entry.longitude_deg, entry.latitude_deg, "o", color=BLUE, label="interface")
    place = trip.mission.place
    axes.plot(place.longitude_deg, place.latitude_deg, "*", ms=12, color=RED, label=place.name)
    axes.set_xlabel("East longitude [deg]")
    axes.set_ylabel("Latitude [deg]")
    legend_above(axes, 6.0)

"""Courses from files as flights: the same states, events and contacts as the flight that was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.burns import Impulse
from moonpost.flight.coursefit import as_flight
from moonpost.flight.courses import Course, Piece
from moonpost.flight.coverage import SiteView, contacts
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides, eclipses
from moonpost.flight.oem import read_oem, write_oem
from moonpost.flight.propagate import propagate
from moonpost.flight.spk import read_spk_course, write_spk
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac, Site

START = 946728000.0
HOUR = 3600.0


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, START + 12 * HOUR, degree=20)


@pytest.fixture(scope="module")
def flown(env: Environment) -> Trajectory:
    low = State.circling(env, START, 60e3, 85.0, apolune_altitude_m=900e3)
    low = propagate(low, START + 500.0, env).final
    burns = [Impulse(START + 9000.123456789, [30.0, 0, 0])]
    return propagate(low, START + 12 * HOUR, env, burns=burns, events=[apsides(), eclipses("moon")])


@pytest.mark.parametrize("kind", ["spk", "oem"])
def test_a_file_is_the_flight_again(flown: Trajectory, env: Environment, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    course = (
        read_spk_course(write_spk(path, flown).path) if kind == "spk" else read_oem(write_oem(path, flown).path)
    )
    again = as_flight(course, env, events=[apsides(), eclipses("moon")])
    times = np.random.default_rng(1).uniform(0.0, flown.duration_s, 4000)
    away = np.linalg.norm((again.at_elapsed(times) - flown.at_elapsed(times))[:, :3], axis=1)
    assert away.max() < 2.5e-3
    assert [event.name for event in again.events] == [event.name for event in flown.events]
    apart = [a.elapsed_s - b.elapsed_s for a, b in zip(again.events, flown.events, strict=True)]
    assert np.abs(apart).max() < 2e-3
    assert (again.ended, again.duration_s) == ("time", flown.duration_s)
    site = SiteView(Site(-89.5, 0.0))
    seen, expected = contacts(again, site), contacts(flown, site)
    assert len(seen) == len(expected) > 3
    assert np.abs(seen.duration_s - expected.duration_s).max() < 5e-3


def test_a_flight_of_a_flight_can_be_written(flown: Trajectory, env: Environment, tmp_path: Path) -> None:
    again = as_flight(Course.of(flown), env)
    assert len(Course.of(again).pieces) == 2
    written = write_spk(tmp_path / "b.bsp", again, kind=3)
    assert Course.of(flown).away_m(read_spk_course(written.path))[1].max() < 2.5e-3


def test_what_cannot_be_a_flight_is_refused(flown: Trajectory, env: Environment, almanac: Almanac) -> None:
    course = Course.of(flown)
    with pytest.raises(InputError, match="centres earth and moon"):
        as_flight(course.from_centre("earth", almanac), env)
    with pytest.raises(InputError, match="tolerance"):
        as_flight(course, env, tolerance_m=float("nan"))
    first = course.pieces[0]
    with pytest.raises(DateError, match="gap"):
        as_flight(Course((replace(first, stop_tdb_s=START + 900.0), course.pieces[1])), env)
    with pytest.raises(DateError, match="outside the environment"):
        as_flight(Course((Piece(START - 9000.0, START - 8000.0, first.states_at),)), env)
    noise = Piece(START, START + 1.0, lambda t: np.random.default_rng(1).normal(size=(t.size, 6)))
    with pytest.raises(ModelError, match="not reached"):
        as_flight(Course((noise,)), env)

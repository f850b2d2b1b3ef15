"""Orbit ephemeris messages: there and back, the centre that is written counts, faults are told with their line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, DateError, InputError
from moonpost.flight.burns import Impulse
from moonpost.flight.courses import Course, Piece
from moonpost.flight.environment import Environment
from moonpost.flight.epochs import epoch_text, parse_epochs
from moonpost.flight.oem import read_oem, write_oem
from moonpost.flight.propagate import propagate
from moonpost.flight.spk import read_spk_course, write_spk
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac

START = 946728000.0
HOUR = 3600.0
MESSAGE = """CCSDS_OEM_VERS = 2.0
COMMENT written elsewhere
CREATION_DATE = 2026-11-23T06:00:00
ORIGINATOR = ELSEWHERE

META_START
OBJECT_NAME = RELAY
OBJECT_ID = 2024-052A
CENTER_NAME = MOON
REF_FRAME = EME2000
TIME_SYSTEM = TDB
START_TIME = 2030-01-01T00:00:00
STOP_TIME = 2030-01-01T00:03:00
INTERPOLATION = LINEAR
META_STOP

2030-01-01T00:00:00 1838.0 0.0 0.0 0.0 1.5 0.0
2030-01-01T00:01:00.000 1839.0 90.0 0.0 0.0 1.5 0.0
2030-001T00:02:00Z 1840.0 180.0 0.0 0.0 1.5 0.0 1e-3 2e-3 3e-3
2030-01-01T00:03:00 1841.0 2.7e2 0.0 0.0 1.5 0.0

COVARIANCE_START
EPOCH = 2030-01-01T00:00:00
1.0
0.0 1.0
COVARIANCE_STOP
"""


@pytest.fixture(scope="module")
def flown(almanac: Almanac) -> Trajectory:
    env = Environment.make(almanac, START, START + 6 * HOUR, degree=20)
    low = State.circling(env, START + 0.1234567, 60e3, 80.0, apolune_altitude_m=300e3)
    return propagate(low, START + 6 * HOUR, env, burns=[Impulse(START + 5000.123456789, [25.0, 0, 3.0])])


def apart_m(some: np.ndarray, others: np.ndarray) -> float:
    return float(np.linalg.norm((some - others)[:, :3], axis=1).max())


@pytest.mark.parametrize("scale", ["TDB", "UTC"])
@pytest.mark.parametrize("frame", ["ICRF", "EME2000"])
def test_what_is_written_is_read_within_a_millimetre(
    flown: Trajectory, tmp_path: Path, scale: str, frame: str
) -> None:
    written = write_oem(tmp_path / "a.oem", flown, name="TUG", scale=scale, frame=frame)  # type: ignore[arg-type]
    course = read_oem(written.path)
    low, high = course.span_tdb_s
    assert (low, high) == pytest.approx((flown.start.time_tdb_s, START + 6 * HOUR), abs=3e-7)
    times = np.random.default_rng(2).uniform(low, high, 5000)
    assert apart_m(course.at(times), flown.at_elapsed(times - flown.start.time_tdb_s)) < 1.2e-3
    assert (course.name, course.centre, len(course.pieces)) == ("TUG", "moon", 2)
    text = written.path.read_text()
    assert f"TIME_SYSTEM = {scale}\n" in text
    assert f"REF_FRAME = {frame}\n" in text
    assert text.count("CENTER_NAME = MOON\n") == 2
    assert max(map(len, text.splitlines())) < 255


def test_a_message_becomes_an_spk_and_back(flown: Trajectory, tmp_path: Path) -> None:
    first = read_oem(write_oem(tmp_path / "a.oem", flown).path)
    spk = read_spk_course(write_spk(tmp_path / "a.bsp", first).path)
    second = read_oem(write_oem(tmp_path / "b.oem", spk).path)
    assert first.away_m(second)[1].max() < 3e-3


def test_messages_of_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.oem"
    path.write_text(MESSAGE)
    course = read_oem(path)
    assert course.span_tdb_s == (START, START + 180.0)
    assert course.at(START + 90.0)[0].tolist() == pytest.approx([1839.5e3, 135e3, 0, 0, 1500.0, 0])
    assert (course.name, course.centre) == ("RELAY", "moon")
    path.write_text(MESSAGE.replace("INTERPOLATION = LINEAR\n", "").replace("\n", "\r\n"))
    assert read_oem(path).at(START + 60.0)[0, 0] == pytest.approx(1839e3)
    useable = "USEABLE_START_TIME = 2030-01-01T00:01:00\nUSEABLE_STOP_TIME = 2030-01-01T00:02:30\nINTERPOLATION ="
    path.write_text(MESSAGE.replace("INTERPOLATION =", useable))
    assert read_oem(path).span_tdb_s == (START + 60.0, START + 150.0)


def test_the_centre_of_a_message_is_never_ignored(almanac: Almanac, tmp_path: Path) -> None:
    """A message from the Earth's centre is not a lunar orbit, though its numbers may look like one."""
    path = tmp_path / "earth.oem"
    path.write_text(MESSAGE.replace("CENTER_NAME = MOON", "CENTER_NAME = EARTH"))
    earthly = read_oem(path)
    assert earthly.centre == "earth"
    assert earthly.state(START).centre == "earth"
    lunar = read_oem(path, centre="moon")
    env = Environment.make(almanac, START, START + 200.0, degree=0)
    times = START + np.array([0.0, 77.0, 180.0])
    assert lunar.centre == "moon"
    assert apart_m(lunar.at(times), earthly.at(times) + env.body_state("earth", times)) < 1e-3
    assert np.linalg.norm(lunar.at(START)[0, :3]) > 350e6
    with pytest.raises(InputError, match="centres earth and moon"):
        earthly.away_m(lunar)


def test_a_message_from_the_earth_is_written_so(almanac: Almanac, tmp_path: Path) -> None:
    env = Environment.make(almanac, START, START + 24 * HOUR, degree=0, centre="earth", bodies=("sun", "moon"))
    state = State(START, np.array([6578e3, 0, 0]), np.array([0, 10.9e3, 800.0]), "earth")
    flown = propagate(state, START + 24 * HOUR, env)
    path = write_oem(tmp_path / "tli.oem", flown).path
    assert "CENTER_NAME = EARTH\n" in path.read_text()
    course = read_oem(path)
    times = np.linspace(START, START + 24 * HOUR, 3001)
    assert course.centre == "earth"
    assert apart_m(course.at(times), flown.at_elapsed(times - START)) < 2e-3


@pytest.mark.parametrize("scale", ["UTC", "TT", "TAI", "GPS"])
def test_time_scales_are_what_they_are(tmp_path: Path, scale: str) -> None:
    path = tmp_path / "a.oem"
    path.write_text(MESSAGE.replace("TIME_SYSTEM = TDB", f"TIME_SYSTEM = {scale}"))
    ahead = {"UTC": 69.184, "TT": 0.0, "TAI": 32.184, "GPS": 51.184}[scale]
    assert read_oem(path).span_tdb_s[0] - START == pytest.approx(ahead, abs=2e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1.5e9, 1.5e9), st.sampled_from(["TDB", "UTC"]))
def test_dates_come_back_to_the_double(seconds: float, scale: str) -> None:
    back = parse_epochs(epoch_text(seconds, scale), scale)[0]  # type: ignore[arg-type]
    leap = scale == "UTC" and abs(back - seconds) > 0.5
    assert leap or abs(back - seconds) < 3e-7


def test_leap_seconds_are_dates_in_utc_only() -> None:
    before, leap, after = parse_epochs(
        ["2016-12-31T23:59:59.5", "2016-12-31T23:59:60.5", "2017-01-01T00:00:00.5"], "UTC"
    )
    assert (leap - before, after - leap) == pytest.approx((1.0, 1.0))
    with pytest.raises(DateError):
        parse_epochs(["2016-12-31T23:59:60"], "TDB")


LINES = MESSAGE.splitlines()
FAULTS = {
    "first line": (1, "OEM = 2.0", 1),
    "version": (1, "CCSDS_OEM_VERS = 9.0", 1),
    "header": (4, "ORIGINATOR ELSEWHERE", 4),
    "no key": (8, "OBJECT_ID 2024-052A", 8),
    "no value": (8, "OBJECT_ID =", 8),
    "twice": (8, "OBJECT_NAME = RELAY", 8),
    "missing": (9, "COMMENT no centre", 15),
    "centre": (9, "CENTER_NAME = MARS", 9),
    "frame": (10, "REF_FRAME = TEME", 10),
    "scale": (11, "TIME_SYSTEM = MET", 11),
    "start": (12, "START_TIME = soon", 12),
    "not covered": (13, "STOP_TIME = 2030-01-01T00:04:00", 13),
    "method": (14, "INTERPOLATION = SPLINE", 14),
    "degree": (14, "INTERPOLATION = HERMITE", 14),
    "columns": (18, "2030-01-01T00:01:00.000 1839.0 90.0 0.0 0.0 1.5", 18),
    "number": (18, "2030-01-01T00:01:00.000 1839.0 9o.0 0.0 0.0 1.5 0.0", 18),
    "nan": (18, "2030-01-01T00:01:00.000 1839.0 nan 0.0 0.0 1.5 0.0", 18),
    "underscore": (18, "2030-01-01T00:01:00.000 1_839.0 90.0 0.0 0.0 1.5 0.0", 18),
    "large": (18, "2030-01-01T00:01:00.000 1e30 90.0 0.0 0.0 1.5 0.0", 18),
    "date": (18, "2030-02-31T00:01:00 1839.0 90.0 0.0 0.0 1.5 0.0", 18),
    "hour": (18, "2030-01-01T24:01:00 1839.0 90.0 0.0 0.0 1.5 0.0", 18),
    "day": (18, "2030-366T00:01:00 1839.0 90.0 0.0 0.0 1.5 0.0", 18),
    "order": (19, "2030-01-01T00:01:00 1840.0 180.0 0.0 0.0 1.5 0.0", 19),
    "covariance": (26, "COMMENT cut", 26),
    "letters": (2, "COMMENT 月球", 2),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_told_with_their_line(tmp_path: Path, name: str) -> None:
    at, text, line = FAULTS[name]
    path = tmp_path / "bad.oem"
    path.write_text("\n".join([*LINES[: at - 1], text, *LINES[at:]]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"bad\.oem, line {line}: ") as caught:
        read_oem(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [0, 3, 5, 6, 10, 15, 17])
def test_cut_messages_are_refused(tmp_path: Path, count: int) -> None:
    path = tmp_path / "cut.oem"
    path.write_text("\n".join(LINES[:count]))
    with pytest.raises(DataError, match=r"cut\.oem, line"):
        read_oem(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_oem(tmp_path / "nowhere.oem")


def test_two_objects_in_a_message_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.oem"
    other = "\n".join(LINES[5:]).replace("= RELAY", "= OTHER")
    path.write_text(MESSAGE + other + "\n")
    with pytest.raises(DataError, match=r"line 27: holds 'OTHER' beside 'RELAY'"):
        read_oem(path)


def test_bad_arguments_are_refused(flown: Trajectory, tmp_path: Path) -> None:
    path = tmp_path / "a.oem"
    for words in (
        {"scale": "TT"},
        {"frame": "TEME"},
        {"name": "two\nlines"},
        {"name": "嫦娥"},
        {"object_id": " "},
        {"originator": ""},
        {"tolerance_m": -1.0},
    ):
        with pytest.raises(InputError):
            write_oem(path, flown, **words)
    assert not path.exists()
    course = Course.of(flown)
    with pytest.raises(InputError, match="one is needed"):
        course.state([START, START + 1.0])
    with pytest.raises(DateError, match="not covered"):
        course.at("2031-01-01")
    with pytest.raises(DateError, match="share no time"):
        course.away_m(Course((Piece(0.0, 1.0, course.pieces[0].states_at),)))

"""SPK files: what is written is what was flown, whoever reads it, and what cannot be read is refused."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import DataError, DateError, InputError, ModelError, OutputError, UnknownNameError
from moonpost.flight.burns import Burn, Impulse
from moonpost.flight.courses import Course, Piece
from moonpost.flight.daffile import Segment, write_daf
from moonpost.flight.environment import Environment
from moonpost.flight.nrho import reference_orbit
from moonpost.flight.propagate import propagate
from moonpost.flight.spk import read_spk_course, spk_bodies, write_spk
from moonpost.flight.state import State
from moonpost.flight.statetables import StateTable, tabulated
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac
from moonpost.sky.daf import read_summaries
from moonpost.sky.kernelfiles import default_paths, read_kernels

START = 946728000.0
HOUR = 3600.0


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START - 12 * HOUR, START + 12 * HOUR, degree=20)


@pytest.fixture(scope="module")
def low(env: Environment) -> State:
    return State.circling(env, START, 60e3, 80.0, apolune_altitude_m=400e3, mass_kg=1000.0)


@pytest.fixture(scope="module")
def burnt(env: Environment, low: State) -> Trajectory:
    """A flight with an impulse at an odd time and a finite burn."""
    burns = [
        Impulse(START + 5000.123456789, [25.0, 0, 3.0]),
        Burn(START + 9000.7, 400.0, 310.0, duration_s=300.3, direction="backward"),
    ]
    return propagate(low, START + 6 * HOUR, env, burns=burns)


def somewhen(course: Course, count: int = 3000) -> np.ndarray:
    low, high = course.span_tdb_s
    return np.concatenate([[low], np.random.default_rng(3).uniform(low, high, count), [high]])


def apart_m(some: np.ndarray, others: np.ndarray) -> float:
    return float(np.linalg.norm((some - others)[:, :3], axis=1).max())


@pytest.mark.parametrize("kind", [13, 3])
def test_what_is_written_is_read_within_a_millimetre(burnt: Trajectory, tmp_path: Path, kind: int) -> None:
    written = write_spk(tmp_path / "a.bsp", burnt, kind=kind, name="TUG")  # type: ignore[arg-type]
    course = read_spk_course(written.path)
    times = somewhen(course, 20_000)
    states = burnt.at_elapsed(times - START)
    assert written.segments == 4
    assert apart_m(course.at(times), states) < 1e-3
    assert np.abs((course.at(times) - states)[:, 3:]).max() < 1e-4
    assert course.name == "TUG"
    assert written.size_bytes == written.path.stat().st_size
    assert 0 < written.error_m < 1e-3


def test_an_impulse_parts_the_segments(burnt: Trajectory, tmp_path: Path) -> None:
    course = read_spk_course(write_spk(tmp_path / "a.bsp", burnt).path)
    kick = START + 5000.123456789
    before, after = course.at(kick - 1e-3)[0], course.at(kick + 1e-3)[0]
    assert np.linalg.norm(after[3:] - before[3:]) == pytest.approx(np.hypot(25.0, 3.0), abs=0.01)
    assert course.pieces[1].start_tdb_s - course.pieces[0].stop_tdb_s <= 3e-7


def test_a_flight_back_in_time_is_written_forwards(env: Environment, low: State, tmp_path: Path) -> None:
    flown = propagate(low, START - 3 * HOUR, env)
    course = read_spk_course(write_spk(tmp_path / "a.bsp", flown).path)
    assert course.span_tdb_s == (START - 3 * HOUR, START)
    times = somewhen(course)
    assert apart_m(course.at(times), flown.at_elapsed(times - START)) < 1e-3


def test_a_flight_from_the_earth_keeps_its_centre_and_is_read_from_the_moon(
    almanac: Almanac, tmp_path: Path
) -> None:
    env = Environment.make(almanac, START, START + 24 * HOUR, degree=0, centre="earth", bodies=("sun", "moon"))
    state = State(START, np.array([6578e3, 0, 0]), np.array([0, 10.9e3, 800.0]), "earth")
    flown = propagate(state, START + 24 * HOUR, env)
    written = write_spk(tmp_path / "tli.bsp", flown)
    assert read_summaries(written.path, integers=6)[0].integers == (-301001, 399, 1, 13)
    times = somewhen(Course.of(flown))
    assert apart_m(read_spk_course(written.path, centre="earth").at(times), flown.at_elapsed(times - START)) < 1e-3
    seen = read_spk_course(written.path)
    moon = env.body_state("moon", times)
    assert seen.centre == "moon"
    assert apart_m(seen.at(times) + moon, flown.at_elapsed(times - START)) < 2e-3
    assert written.rows < 200, "steps widen as the motion slows"
    chebyshev = write_spk(tmp_path / "tli3.bsp", flown, kind=3)
    assert (
        apart_m(read_spk_course(chebyshev.path, centre="earth").at(times), flown.at_elapsed(times - START)) < 1e-3
    )
    assert chebyshev.rows < 2000, "instants coarse at 11 km/s must not look like noise"


def test_an_orbit_of_many_arcs_keeps_its_seams(almanac: Almanac, tmp_path: Path) -> None:
    """A reference orbit round L2 jumps by millimetres at its nodes."""
    sky = Environment.make(almanac, "2030-01-01", "2030-02-01", degree=2)
    gateway = reference_orbit(sky, "2030-01-05", 3).flight()
    course = Course.of(gateway)
    for kind in (13, 3):
        read = read_spk_course(write_spk(tmp_path / "a.bsp", gateway, kind=kind).path)  # type: ignore[arg-type]
        for piece in course.pieces:
            times = np.linspace(piece.start_tdb_s, piece.stop_tdb_s, 500)[1:-1]
            assert apart_m(read.at(times), course.at(times)) < 1e-3


def test_planets_of_a_kernel_are_courses_too(almanac: Almanac) -> None:
    spk = default_paths()[0]
    earth = read_spk_course(spk, body=399)
    times = START + np.linspace(0.0, 9e6, 50)
    ephemeris = read_kernels([kernel.path for kernel in almanac.kernels]).ephemeris
    expected = 1e3 * (ephemeris.state_km(399, times, True) - ephemeris.state_km(301, times, True)).T
    assert apart_m(earth.at(times), expected) < 1e-3
    assert 10 in spk_bodies(spk)
    with pytest.raises(InputError, match="say which one"):
        read_spk_course(spk)
    with pytest.raises(UnknownNameError):
        read_spk_course(spk, body=-85)


def test_of_two_files_the_later_counts_and_gaps_are_refused(tmp_path: Path) -> None:
    def constant(metres: float, start: float, stop: float, name: str) -> Path:
        rows = np.tile([metres, 0, 0, 0, 0, 0], (20, 1))
        course = Course((Piece(start, stop, StateTable(np.linspace(start, stop, 20), rows).at),))
        return write_spk(tmp_path / name, course).path

    first, second, third = constant(2e6, 0, 10, "1"), constant(3e6, 4, 6, "2"), constant(4e6, 20, 30, "3")
    course = read_spk_course(first, second, third)
    assert course.at([1.0, 5.0, 7.0, 25.0])[:, 0].tolist() == pytest.approx([2e6, 3e6, 2e6, 4e6])
    assert [piece.start_tdb_s for piece in course.pieces] == [0.0, 4.0, 6.0, 20.0]
    with pytest.raises(DateError, match="not covered"):
        course.at(15.0)


@pytest.mark.parametrize("kind", [8, 9, 12, 13])
def test_tables_of_all_types_give_their_polynomials(tmp_path: Path, kind: int) -> None:
    times = np.arange(0.0, 400.0, 2.0) if kind in (8, 12) else np.cumsum(np.linspace(1.0, 3.0, 230))
    rate = 2 * np.pi / 300.0

    def circle(t: np.ndarray) -> np.ndarray:
        x, y = np.cos(rate * t), np.sin(rate * t)
        return 2000.0 * np.stack([x, y, 0 * t, -rate * y, rate * x, 0 * t], axis=1)

    tail = [times[0], 2.0] if kind in (8, 12) else [*times, *times[99 : len(times) - 1 : 100]]
    data = np.concatenate([circle(times).ravel(), tail, [7, len(times)]])
    path = write_daf(tmp_path / "a.bsp", "a", [Segment("A", (-5, 301, 1, kind), times[0], times[-1], data)])
    course = read_spk_course(path)
    asked = np.random.default_rng(0).uniform(times[0], times[-1], 500)
    expected = 1e3 * circle(asked)
    assert apart_m(course.at(asked), expected) < 5e-3
    assert np.abs(course.at(asked) - expected)[:, 3:].max() < 1e-3


def test_ecliptic_frames_are_turned(tmp_path: Path) -> None:
    rows = np.tile([0.0, 2000.0, 0, 0, 0, 0], (10, 1))
    data = np.concatenate([rows.ravel(), np.arange(10.0), [3, 10]])
    path = write_daf(tmp_path / "a.bsp", "a", [Segment("A", (-5, 301, 17, 13), 0.0, 9.0, data)])
    tilt = np.radians(84381.448 / 3600)
    assert read_spk_course(path).at(5.0)[0, :3] == pytest.approx([0, 2e6 * np.cos(tilt), 2e6 * np.sin(tilt)])


def test_many_segments_take_further_records(tmp_path: Path) -> None:
    flat = np.concatenate([np.tile([2000.0, 0, 0, 0, 0, 0], 4), np.arange(4.0), [3, 4]])
    segments = []
    for k in range(60):
        data = flat.copy()
        data[:24:6] += k
        data[24:28] += 3 * k
        segments.append(Segment(f"S{k}", (-5, 301, 1, 13), 3.0 * k, 3.0 * k + 3.0, data))
    path = write_daf(tmp_path / "a.bsp", "many", segments, [f"comment {k}" for k in range(200)])
    course = read_spk_course(path)
    assert len(course.pieces) == 60
    assert course.at([1.0, 100.0, 179.0])[:, 0].tolist() == pytest.approx([2000e3, 2033e3, 2059e3])


def test_bad_arguments_are_refused(burnt: Trajectory, env: Environment, low: State, tmp_path: Path) -> None:
    path = tmp_path / "a.bsp"
    for words in ({"body": 5}, {"body": True}, {"kind": 2}, {"tolerance_m": 0.0}, {"tolerance_m": float("nan")}):
        with pytest.raises(InputError):
            write_spk(path, burnt, **words)
    with pytest.raises(InputError, match="dense"):
        write_spk(path, propagate(low, START + HOUR, env, dense=False))
    with pytest.raises(InputError, match="no flight"):
        write_spk(path, "orbit")  # type: ignore[arg-type]
    noise = Piece(0.0, 1.0, lambda t: np.random.default_rng(1).normal(size=(t.size, 6)))
    with pytest.raises(ModelError, match="not reached"):
        tabulated(noise, 1e-3)
    with pytest.raises(OutputError):
        write_spk(tmp_path, burnt)
    assert not path.exists()


@pytest.mark.parametrize("harm", ["cut", "text", "counts", "order", "nan", "frame"])
def test_damaged_files_are_refused(burnt: Trajectory, tmp_path: Path, harm: str) -> None:
    path = write_spk(tmp_path / "a.bsp", burnt).path
    data = bytearray(path.read_bytes())
    summary = read_summaries(path, integers=6)[0]
    end = 8 * summary.last
    rows = int(struct.unpack("<d", data[end - 8 : end])[0])
    epochs = 8 * (summary.first - 1) + 48 * rows
    if harm == "cut":
        del data[len(data) // 2 :]
    elif harm == "text":
        data[:] = b"CCSDS_OEM_VERS = 2.0\n"
    elif harm == "counts":
        data[end - 8 : end] = struct.pack("<d", rows + 1)
    elif harm == "order":
        data[epochs : epochs + 8] = struct.pack("<d", 9e9)
    elif harm == "nan":
        data[8 * summary.first : 8 * summary.first + 8] = struct.pack("<d", np.nan)
    else:
        first = struct.unpack("<i", data[76:80])[0]
        data[1024 * (first - 1) + 24 + 24 : 1024 * (first - 1) + 24 + 28] = struct.pack("<i", 31008)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.bsp"):
        read_spk_course(path)


def test_a_failed_write_leaves_what_was_there(burnt: Trajectory, tmp_path: Path) -> None:
    path = write_spk(tmp_path / "a.bsp", burnt).path
    kept = path.read_bytes()
    with pytest.raises(InputError):
        write_spk(path, burnt, tolerance_m=-1.0)
    assert path.read_bytes() == kept
    copy = shutil.copy(path, tmp_path / "b.bsp")
    assert write_spk(copy, burnt, created="2026-01-01").path.read_bytes() != kept
    same = [write_spk(tmp_path / name, burnt, created="2026-01-01").path.read_bytes() for name in "cd"]
    assert same[0] == same[1]

"""Files of flights read by other programs: SPICE (spiceypy), jplephem and skyfield, ccsds-ndm-py, brahe.

Tolerances: 1 mm is what the files promise. TDB in a double is 1.2e-7 s coarse in 2030, 0.2 mm of a low orbit, so
comparisons are made at the very doubles that the other program is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.flight.burns import Impulse
from moonpost.flight.environment import Environment
from moonpost.flight.frames import convert
from moonpost.flight.oem import read_oem, write_oem
from moonpost.flight.propagate import propagate
from moonpost.flight.spk import read_spk_course, write_spk
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac
from moonpost.sky.kernelfiles import default_paths

START = 946728000.0
"""2030-01-01T00:00:00 TDB."""
DAY_S = 86400.0


@pytest.fixture
def spice() -> Iterator[Any]:
    spiceypy = pytest.importorskip("spiceypy", reason="spiceypy is not installed: pip install moonpost[spice]")
    spiceypy.kclear()
    yield spiceypy
    spiceypy.kclear()


@pytest.fixture(scope="module")
def flown(almanac: Almanac) -> Trajectory:
    """Two days in 50x50 with an impulse at a time that no double holds."""
    env = Environment.make(almanac, START, START + 2 * DAY_S)
    low = State.circling(env, START, 60e3, 90.0, apolune_altitude_m=140e3)
    return propagate(low, START + 2 * DAY_S, env, rtol=1e-13, burns=[Impulse(START + 50000.123, [12.0, 0, -4.0])])


def moments(count: int) -> np.ndarray:
    inside = np.random.default_rng(11).uniform(START, START + 2 * DAY_S, count)
    return np.concatenate([[START], np.sort(inside), [START + 2 * DAY_S]])


def worst_m(found: np.ndarray, flown: Trajectory, times: np.ndarray) -> float:
    return float(np.linalg.norm(found[:, :3] - flown.at_elapsed(times - START)[:, :3], axis=1).max())


@pytest.mark.parametrize("kind", [13, 3])
def test_spice_reads_our_spk_within_a_millimetre(spice: Any, flown: Trajectory, tmp_path: Path, kind: int) -> None:
    path = write_spk(tmp_path / "a.bsp", flown, body=-301042, name="ORBITER", kind=kind).path  # type: ignore[arg-type]
    spice.furnsh(str(path))
    times = moments(5000)
    found = 1e3 * np.array([spice.spkgeo(-301042, t, "J2000", 301)[0] for t in times.tolist()])
    assert worst_m(found, flown, times) < 1e-3
    assert np.abs(found - flown.at_elapsed(times - START))[:, 3:].max() < 1e-4
    assert np.abs(found - read_spk_course(path).at(times))[:, :3].max() < 1e-5
    handle = spice.dafopr(str(path))
    count, lines, done = spice.dafec(handle, 100, 200)
    spice.dafcls(handle)
    assert done
    assert lines[0].startswith("ORBITER: trajectory written by Moonpost")
    assert any("GRGM1200A" in line for line in lines[:count])
    assert spice.wnfetd(spice.spkcov(str(path), -301042), 0)[0] == START


def test_our_type_13_is_the_one_that_spice_would_write(spice: Any, flown: Trajectory, tmp_path: Path) -> None:
    """The same states given to SPICE's own writer make the same doubles, and we read what it writes."""
    path = write_spk(tmp_path / "ours.bsp", flown, tolerance_m=1e-2).path
    from moonpost.sky.daf import read_summaries

    summaries = read_summaries(path, integers=6)
    theirs = tmp_path / "theirs.bsp"
    handle = spice.spkopn(str(theirs), "theirs", 0)
    for summary in summaries:
        count = int(summary.doubles(summary.last, summary.last)[0])
        states = np.array(summary.doubles(summary.first, summary.first + 6 * count - 1)).reshape(count, 6)
        epochs = np.array(summary.doubles(summary.first + 6 * count, summary.first + 7 * count - 1))
        ends = summary.start_s, summary.stop_s
        spice.spkw13(handle, -301001, 301, "J2000", *ends, "theirs", 15, count, states.tolist(), epochs.tolist())
    spice.spkcls(handle)
    for ours, other in zip(summaries, read_summaries(theirs, integers=6), strict=True):
        assert np.array_equal(ours.doubles(ours.first, ours.last), other.doubles(other.first, other.last))
    times = moments(200)
    assert np.array_equal(read_spk_course(theirs).at(times), read_spk_course(path).at(times))


def test_skyfield_and_jplephem_read_our_type_3(flown: Trajectory, tmp_path: Path) -> None:
    """Through the kernel of skyfield, beside DE440s, and through jplephem alone."""
    from jplephem.spk import SPK
    from skyfield.api import load, load_file

    path = write_spk(tmp_path / "a.bsp", flown, kind=3).path
    times = moments(5000)
    days = np.floor(times / DAY_S)
    whole, part = 2451545.0 + days, (times - days * DAY_S) / DAY_S
    cut = START + 50000.123
    with SPK.open(str(path)) as kernel:
        assert [segment.data_type for segment in kernel.segments] == [3, 3]
        assert "GRGM1200A" in kernel.comments()
        for segment, rows in zip(kernel.segments, (times < cut, times > cut), strict=True):
            found = 1e3 * segment.compute(whole[rows], part[rows]).T
            assert worst_m(found, flown, times[rows]) < 1e-3
    sky = load_file(str(default_paths()[0]))
    ours = load_file(str(path))
    sky.segments.extend(ours.segments)
    moment = load.timescale(builtin=True).tdb_jd(whole[1:-1], part[1:-1])
    vector = (sky[-301001] - sky["moon"]).at(moment)
    assert worst_m(vector.position.m.T, flown, times[1:-1]) < 1e-3
    for kernel in (sky, ours):
        kernel.close()


def test_missions_by_other_types_are_read_as_spice_does(spice: Any, tmp_path: Path) -> None:
    """Lagrange's and Hermite's types written by SPICE, from the barycentre and in the ecliptic frame too."""
    times = np.cumsum(np.random.default_rng(5).uniform(40.0, 80.0, 400)) + START
    rate = 2 * np.pi / 7000.0
    phase = rate * (times - START)
    x, y = 1838.0 * np.cos(phase), 1838.0 * np.sin(phase)
    states = np.stack([x, y, 0.1 * x, -rate * y, rate * x, -0.1 * rate * y], axis=1)
    path = tmp_path / "mission.bsp"
    handle = spice.spkopn(str(path), "mission", 0)
    ends = times[0], times[-1]
    spice.spkw09(handle, -91, 301, "J2000", *ends, "lagrange", 7, len(times), states.tolist(), times.tolist())
    spice.spkw13(handle, -92, 301, "ECLIPJ2000", *ends, "hermite", 7, len(times), states.tolist(), times.tolist())
    spice.spkw13(handle, -93, 399, "J2000", *ends, "earth", 11, len(times), states.tolist(), times.tolist())
    even = START + 60.0 * np.arange(400)
    spice.spkw08(handle, -94, 301, "J2000", even[0], even[-1], "even", 9, 400, states.tolist(), even[0], 60.0)
    spice.spkw12(handle, -95, 301, "J2000", even[0], even[-1], "even", 9, 400, states.tolist(), even[0], 60.0)
    spice.spkw05(
        handle, -96, 301, "J2000", *ends, "two body", 4902.8, 3, states[::199].tolist(), times[::199].tolist()
    )
    spice.spkcls(handle)
    for kernel in (default_paths()[0], path):
        spice.furnsh(str(kernel))
    for body in (-91, -92, -93, -94, -95, -96):
        course = read_spk_course(path, body=body)
        asked = np.random.default_rng(6).uniform(*course.span_tdb_s, 300)
        expected = 1e3 * np.array([spice.spkgeo(body, t, "J2000", 301)[0] for t in asked.tolist()])
        # SPICE sums the chain of -93 through the barycentre, where doubles are 0.03 mm coarse.
        assert np.linalg.norm((course.at(asked) - expected)[:, :3], axis=1).max() < 2e-4
        assert np.abs((course.at(asked) - expected)[:, 3:]).max() < 1e-6


@pytest.mark.parametrize("scale", ["TDB", "UTC"])
def test_ccsds_ndm_reads_our_oem_and_we_read_what_it_writes(flown: Trajectory, tmp_path: Path, scale: str) -> None:
    import ccsds_ndm

    path = write_oem(tmp_path / "a.oem", flown, name="ORBITER", object_id="2030-001A", scale=scale).path  # type: ignore[arg-type]
    message = ccsds_ndm.from_file(str(path))
    assert type(message).__name__ == "Oem"
    assert len(message.segments) == 2
    ours = read_oem(path)
    for segment, piece in zip(message.segments, ours.pieces, strict=True):
        meta = segment.metadata
        assert (meta.center_name, meta.ref_frame, meta.time_system) == ("MOON", "ICRF", scale)
        assert (meta.object_name, meta.object_id, meta.interpolation_degree) == ("ORBITER", "2030-001A", 15)
        table = piece.states_at.__self__  # type: ignore[attr-defined]
        assert np.array_equal(1e3 * segment.data.state_vector_numpy, table.states)
    theirs = tmp_path / "theirs.oem"
    message.to_file(str(theirs), "kvn")
    times = moments(2000)
    assert worst_m(read_oem(theirs).at(times), flown, times) < 1.2e-3


def test_brahe_reads_our_oem_round_the_moon(flown: Trajectory, tmp_path: Path) -> None:
    """Its trajectory is in the inertial axes of the Moon; between rows it interpolates by its own method."""
    brahe = pytest.importorskip("brahe", reason="brahe is not installed: pip install brahe")
    from brahe.ccsds import OEM

    for scale in ("TDB", "UTC"):
        path = write_oem(tmp_path / "a.oem", flown, name="ORBITER", scale=scale).path  # type: ignore[arg-type]
        message = OEM.from_file(str(path))
        segment = message.segments[0]
        assert (segment.center_name, segment.ref_frame, segment.time_system) == ("MOON", "ICRF", scale)
        course = message.segment_to_trajectory(0)
        assert "LCI" in repr(course.frame) or "LCI" in str(course)
        # brahe's TDB less TT is a longer series than that of the NAIF kernels: 0.03 ms, 5 cm.
        limit = 1e-3 if scale == "TDB" else 0.1
        for row in range(0, len(course), 97):
            epoch = course.epoch_at_idx(row).seconds_past_j2000_as_time_system(brahe.TimeSystem.TDB)
            state = np.asarray(course.state_at_idx(row))
            assert np.linalg.norm(state[:3] - flown.at_elapsed(epoch - START)[0, :3]) < limit


def test_frames_against_spice(spice: Any, almanac: Almanac, moonpost_data: Path) -> None:
    """MOON_PA and MOON_ME by sxform with NAIF's frame kernel, the synodic axes by a two-vector frame of SPICE.

    States at 1,838 km and at 70,000 km, to 1 mm and 10 nm/s.
    """
    folder = moonpost_data / "kernels"
    names = ["moon_pa_de440_1957_2061.bpc", "moon_de440_220930.tf", "de440s_1957_2061_sun_emb_earth_moon.bsp"]
    for name in names:
        spice.furnsh(str(folder / name))
    ours = Almanac.load(*(folder / name for name in names))
    synodic = ["FRAME_SYNODIC = 1900000", "FRAME_1900000_NAME = 'SYNODIC'", "FRAME_1900000_CLASS = 5"]
    synodic += ["FRAME_1900000_CLASS_ID = 1900000", "FRAME_1900000_CENTER = 301"]
    values = {
        "RELATIVE": "'J2000'",
        "DEF_STYLE": "'PARAMETERIZED'",
        "FAMILY": "'TWO-VECTOR'",
        "PRI_AXIS": "'X'",
        "PRI_VECTOR_DEF": "'OBSERVER_TARGET_POSITION'",
        "PRI_OBSERVER": "399",
        "PRI_TARGET": "301",
        "PRI_ABCORR": "'NONE'",
        "SEC_AXIS": "'Y'",
        "SEC_VECTOR_DEF": "'OBSERVER_TARGET_VELOCITY'",
        "SEC_OBSERVER": "399",
        "SEC_TARGET": "301",
        "SEC_ABCORR": "'NONE'",
        "SEC_FRAME": "'J2000'",
    }
    spice.lmpool(synodic + [f"FRAME_1900000_{key} = {value}" for key, value in values.items()])
    rng = np.random.default_rng(4)
    times = rng.uniform(-1.0e9, 1.9e9, 200)
    for size in (1.838e6, 7e7):
        states = rng.normal(size=(200, 6))
        states *= np.repeat([size, 1000.0], 3) / np.linalg.norm(states[:, :3], axis=1)[:, None]
        for frame, slack in (("MOON_PA", 1e-8), ("MOON_ME", 1e-8), ("SYNODIC", 1e-8)):
            turns = np.array([spice.sxform("J2000", frame, t) for t in times.tolist()])
            expected = np.einsum("nij,nj->ni", turns, states)
            found = convert(states, times, ours, frame)
            assert np.linalg.norm((found - expected)[:, :3], axis=1).max() < 1e-3
            assert np.abs((found - expected)[:, 3:]).max() < slack * size / 1.838e6

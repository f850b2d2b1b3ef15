"""SPK segments: precedence, chains, frames, and types that only SPICE reads."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from moonpost.errors import DataError, DateError, MissingExtraError
from moonpost.sky import Almanac, Site, times
from moonpost.sky.ephemeris import Ephemeris, read_spk
from moonpost.sky.kernelfiles import default_paths

GM_MOON_KM3_S2 = 4902.800118
ORBITER = -999


def still(maker, path, body, centre, position, span=(0.0, 100.0), frame=1, kind=2):
    return maker.write_daf(path, [("x", span, (body, centre, frame, kind), maker.fixed(*span, position))], "<")


def test_the_kernel_loaded_last_counts_and_the_earlier_fills_in(tmp_path, maker):
    wide = still(maker, tmp_path / "wide.bsp", 10, 0, (1.0, 0.0, 0.0), (0.0, 100.0))
    narrow = still(maker, tmp_path / "narrow.bsp", 10, 0, (2.0, 0.0, 0.0), (40.0, 60.0))
    ephemeris = Ephemeris((*read_spk(wide), *read_spk(narrow)))
    x = ephemeris.state_km(10, np.array([0.0, 39.0, 40.0, 50.0, 60.0, 61.0, 100.0]))[0]
    assert x.tolist() == [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    assert ephemeris.spans(10) == [(0.0, 100.0)]
    with pytest.raises(DateError, match="1 of 2 times"):
        ephemeris.state_km(10, np.array([50.0, 101.0]))


def test_centres_are_followed_and_circles_refused(tmp_path, maker):
    a = still(maker, tmp_path / "a.bsp", 5, 3, (1.0, 0.0, 0.0))
    b = still(maker, tmp_path / "b.bsp", 3, 0, (0.0, 2.0, 0.0))
    c = still(maker, tmp_path / "c.bsp", 3, 5, (0.0, 2.0, 0.0))
    state = Ephemeris((*read_spk(a), *read_spk(b))).state_km(5, np.array([1.0]), rates=True)
    assert state[:, 0].tolist() == [1.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    round_trip = Ephemeris((*read_spk(a), *read_spk(c)))
    assert round_trip.spans(5) == []
    with pytest.raises(DataError, match="circle"):
        round_trip.state_km(5, np.array([1.0]))
    with pytest.raises(DataError, match="body 77"):
        round_trip.state_km(77, np.array([1.0]))


def test_the_ecliptic_frame_is_turned_and_others_are_refused(tmp_path, maker):
    path = still(maker, tmp_path / "e.bsp", 10, 0, (0.0, 0.0, 1.0), frame=17)
    pole = Ephemeris(tuple(read_spk(path))).state_km(10, np.array([1.0]), rates=True)[:3, 0]
    obliquity = np.deg2rad(23.4392911)
    np.testing.assert_allclose(pole, [0.0, -np.sin(obliquity), np.cos(obliquity)], atol=1e-8)
    turning = still(maker, tmp_path / "t.bsp", 10, 0, (0.0, 0.0, 1.0), frame=13000)
    with pytest.raises(DataError, match="13000 is not inertial"):
        read_spk(turning)


def test_a_set_without_the_earth_is_refused(tmp_path, maker):
    spk, pck = maker.small_system(tmp_path)
    only = still(maker, tmp_path / "only.bsp", 10, 0, (1.5e8, 0.0, 0.0))
    with pytest.raises(DataError, match="Earth, Moon"):
        Almanac.load(only, pck)
    assert len(Almanac.load(spk, pck, only).kernels) == 3


def test_positions_and_orientation_of_different_ephemerides_are_refused(tmp_path, maker):
    a, b = -1e6, 1e6
    names = {10: "DE-0421", 3: "DE-0421", 301: "DE-0421LE-0421", 399: "DE-0421"}
    places = {10: (1.5e8, 0, 0), 3: (0, 0, 0), 301: (0, 0, 0), 399: (0, 3.8e5, 0)}
    segments = [(names[n], (a, b), (n, 0, 1, 2), maker.fixed(a, b, places[n])) for n in names]
    spk = maker.write_daf(tmp_path / "a.bsp", segments, "<")
    pck = maker.write_daf(
        tmp_path / "a.bpc", [("de440.nio", (a, b), (31008, 1, 2), maker.fixed(a, b, (0, 0, 0)))], "<"
    )
    with pytest.raises(DataError, match="DE421 with the orientation from DE440"):
        Almanac.load(spk, pck)


def test_a_segment_of_still_records_survives_touching_ends(tmp_path, maker):
    data = maker.chebyshev(0.0, 10.0, np.arange(9.0).reshape(3, 3, 1))
    path = maker.write_daf(tmp_path / "a.bsp", [("x", (0.0, 30.0), (10, 0, 1, 2), data)], "<")
    x = Ephemeris(tuple(read_spk(path))).state_km(10, np.array([0.0, 9.99, 10.0, 20.0, 30.0]))[0]
    assert x.tolist() == [0.0, 0.0, 3.0, 6.0, 6.0]


@pytest.mark.parametrize("body", [3, 10, 301, 399, 2])
def test_the_default_kernel_as_jplephem_reads_it(body):
    from jplephem.spk import SPK

    seconds = np.random.default_rng(11).uniform(-4.7e9, 4.7e9, 500)
    with SPK.open(str(default_paths()[0])) as kernel:
        chain = [kernel[0, body]] if body in (2, 3, 10) else [kernel[0, 3], kernel[3, body]]
        expected = sum(
            np.concatenate(segment.compute_and_differentiate(2451545.0, seconds / 86400.0)) for segment in chain
        )
    expected[3:] /= 86400.0
    found = Ephemeris(tuple(read_spk(default_paths()[0]))).state_km(body, seconds, rates=True)
    np.testing.assert_allclose(found[:3], expected[:3], atol=1e-5)
    np.testing.assert_allclose(found[3:], expected[3:], atol=1e-11)


@pytest.fixture
def type_13(tmp_path):
    """An SPK of type 13 with a lunar orbiter, written by SPICE, and its states."""
    spice = pytest.importorskip("spiceypy", reason="spiceypy (extra 'spice') writes the SPK of type 13")
    epochs = 946_728_000.0 + 120.0 * np.arange(721)
    first = np.array([1900.0, 0.0, 0.0, 0.1, 1.0, 1.2])
    states = np.array([spice.prop2b(GM_MOON_KM3_S2, first, epoch - epochs[0]) for epoch in epochs])
    path = tmp_path / "orbiter.bsp"
    handle = spice.spkopn(str(path), "orbiter", 0)
    spice.spkw13(handle, ORBITER, 301, "J2000", epochs[0], epochs[-1], "orbiter", 7, len(epochs), states, epochs)
    spice.spkcls(handle)
    return path, epochs, states


def test_a_mission_spk_of_type_13(type_13):
    import spiceypy as spice

    path, epochs, _ = type_13
    almanac = Almanac.load(*default_paths(), path)
    t = times("2030-01-01T00:30", "2030-01-01T23:30", 1234)
    seconds = almanac._set.timescale.tdb_s(t)
    first = np.array([1900.0, 0.0, 0.0, 0.1, 1.0, 1.2])
    expected = np.array([spice.prop2b(GM_MOON_KM3_S2, first, second - epochs[0])[:3] for second in seconds])
    np.testing.assert_allclose(almanac.inertial_m(ORBITER, t) / 1000.0, expected, atol=1e-3)
    seen = almanac.body(Site(0.0, 0.0), ORBITER, t)
    assert ((seen.distance_m > 1.0e5) & (seen.distance_m < 1.0e7)).all()
    assert spice.ktotal("ALL") == 0


def test_a_mission_spk_does_not_shorten_the_almanac_but_knows_its_own_end(type_13):
    almanac = Almanac.load(*default_paths(), type_13[0])
    assert almanac.span == Almanac.default().span
    with pytest.raises(DateError, match=r"2029-12-31T23:59:.* to 2030-01-01T23:58:"):
        almanac.body(Site(0.0, 0.0), ORBITER, "2031-01-01")


def test_without_spiceypy_the_message_names_the_extra(type_13, monkeypatch):
    monkeypatch.setitem(sys.modules, "spiceypy", None)
    with pytest.raises(MissingExtraError, match=r"type 13.*pip install moonpost\[spice\]"):
        Almanac.load(*default_paths(), type_13[0])


def test_a_damaged_type_13_is_a_data_error(type_13):
    path = type_13[0]
    content = bytearray(path.read_bytes())
    content[-16 - (len(content) % 1024) :] = np.array([1e300, -1e300]).tobytes() + bytes(len(content) % 1024)
    content = content[:3072] + np.full((len(content) - 3072) // 8, -5.0).tobytes()
    path.write_bytes(bytes(content))
    almanac = Almanac.load(*default_paths(), path)
    with pytest.raises(DataError, match="SPICE cannot read it"):
        almanac.body(Site(0.0, 0.0), ORBITER, "2030-01-01T12:00")

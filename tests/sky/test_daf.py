"""Binary kernels are read in either byte order, and damage is always one clear error."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev as reference

from moonpost.errors import DataError, MoonpostError
from moonpost.sky import Almanac, Site
from moonpost.sky.daf import ChebyshevTable, read_summaries
from moonpost.sky.kernelfiles import default_paths


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("sets", [3, 6])
def test_polynomials_and_rates_against_numpy(tmp_path, maker, order, sets):
    rng = np.random.default_rng(7)
    coefficients = rng.normal(size=(5, sets, 9))
    data = maker.chebyshev(1000.0, 60.0, coefficients)
    path = maker.write_daf(tmp_path / "a.bsp", [("x", (1000.0, 1300.0), (1, 0, 1, 2), data)], order)
    table = ChebyshevTable(read_summaries(path, 6)[0], with_rates=sets == 6)
    seconds = np.concatenate([rng.uniform(1000.0, 1300.0, 50), [1000.0, 1060.0, 1300.0]])
    found = table.evaluate(seconds, rates=True)
    for i, second in enumerate(seconds):
        row = min(int((second - 1000.0) // 60.0), 4)
        s = (second - 1000.0 - 60.0 * (row + 0.5)) / 30.0
        series = coefficients[row].T
        value = reference.chebval(s, series)
        rate = value[3:] if sets == 6 else reference.chebval(s, reference.chebder(series)) / 30.0
        np.testing.assert_allclose(found[:, i], np.concatenate([value[:3], rate]), rtol=1e-12, atol=1e-12)


def test_many_times_are_worked_in_chunks_with_the_same_result(tmp_path, maker):
    data = maker.chebyshev(0.0, 10.0, np.random.default_rng(1).normal(size=(50, 3, 5)))
    path = maker.write_daf(tmp_path / "a.bsp", [("x", (0.0, 500.0), (1, 0, 1, 2), data)], "<")
    table = ChebyshevTable(read_summaries(path, 6)[0])
    seconds = np.random.default_rng(2).uniform(0.0, 500.0, 20_000)
    whole = table.evaluate(seconds, rates=True)
    np.testing.assert_array_equal(whole[:, ::997], table.evaluate(seconds[::997], rates=True))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_small_system_places_the_sun_overhead(tmp_path, maker, order):
    almanac = Almanac.load(*maker.small_system(tmp_path, order))
    sun = almanac.sun(Site(0.0, 0.0), "2000-01-01")
    assert sun.elevation_deg[0] == pytest.approx(90.0, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000))
def test_a_file_cut_short_anywhere_is_a_data_error(tmp_path_factory, maker, length):
    folder = tmp_path_factory.mktemp("cut")
    paths = maker.small_system(folder)
    for path in paths:
        whole = path.read_bytes()
        path.write_bytes(whole[: length % len(whole)])
        with pytest.raises(DataError):
            Almanac.load(*paths)
        path.write_bytes(whole)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 4000), st.integers(1, 255), st.booleans())
def test_a_flipped_byte_never_escapes_as_another_error(tmp_path_factory, maker, place, flip, in_spk):
    folder = tmp_path_factory.mktemp("flip")
    paths = maker.small_system(folder)
    path = paths[0 if in_spk else 1]
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= flip
    path.write_bytes(bytes(content))
    with contextlib.suppress(MoonpostError):
        sun = Almanac.load(*paths).sun(Site(-89.0, 10.0), "2000-01-01")
        assert np.isfinite(sun.elevation_deg).all()


def test_the_default_orientation_cut_in_the_middle(tmp_path):
    spk, pck = default_paths()
    cut = tmp_path / "cut.bpc"
    with open(pck, "rb") as file:
        cut.write_bytes(file.read(5_000_000))
    with pytest.raises(DataError, match=r"cut\.bpc.*ends at 5000000 bytes"):
        Almanac.load(spk, cut)


def test_a_damaged_record_is_noticed_when_it_is_read(tmp_path, maker):
    spk, pck = maker.small_system(tmp_path)
    content = bytearray(spk.read_bytes())
    content[3 * 1024 : 3 * 1024 + 8] = np.array([5.0e9]).tobytes()
    spk.write_bytes(bytes(content))
    with pytest.raises(DataError, match="record of coefficients is damaged"):
        Almanac.load(spk, pck).sun(Site(0.0, 0.0), "2000-01-01")


@pytest.mark.parametrize("count", [0.0, 4.0, 1e300])
def test_an_endless_chain_of_summaries_is_refused(tmp_path, maker, count):
    spk, pck = maker.small_system(tmp_path)
    content = bytearray(spk.read_bytes())
    content[1024:1048] = np.array([2.0, 0.0, count]).tobytes()
    spk.write_bytes(bytes(content))
    with pytest.raises(DataError, match="list of segments is damaged"):
        Almanac.load(spk, pck)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"DAFETF NAIF DAF ENCODED TRANSFER FILE", b"DAF/SPK ", b"KPL/FK\nno data\n"]
)
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "odd.bsp"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.bsp"):
        Almanac.load(path)


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.bsp", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            Almanac.load(path)

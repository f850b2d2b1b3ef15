"""The turn to the mean-Earth frame, from the published angles and from frame kernels."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import DataError
from moonpost.sky import Almanac, times
from moonpost.sky.kernelfiles import default_paths, read_kernels
from moonpost.sky.orientation import mean_earth_ties, published_ties

KERNEL = {
    "FRAME_31008_NAME": ["MOON_PA_DE440"],
    "FRAME_31008_CLASS_ID": [31008.0],
    "FRAME_31009_NAME": ["MOON_ME_DE440_ME421"],
    "TKFRAME_31009_SPEC": ["ANGLES"],
    "TKFRAME_31009_RELATIVE": ["MOON_PA_DE440"],
    "TKFRAME_31009_ANGLES": [67.8526, 78.6944, 0.2785],
    "TKFRAME_31009_AXES": [3.0, 2.0, 1.0],
    "TKFRAME_31009_UNITS": ["ARCSECONDS"],
}


def test_a_frame_kernel_gives_the_published_turn():
    np.testing.assert_allclose(mean_earth_ties(KERNEL, "x")[31008], published_ties()[31008], atol=1e-16)


def test_the_turn_is_small_and_in_the_right_sense():
    arcsec = np.deg2rad(1.0 / 3600.0)
    turn = published_ties()[31008]
    expected = np.array([[0, -67.8526, 78.6944], [67.8526, 0, -0.2785], [-78.6944, 0.2785, 0]]) * arcsec
    np.testing.assert_allclose(turn - np.eye(3), expected, atol=2e-7)


@pytest.mark.parametrize(
    "change",
    [
        {"TKFRAME_31009_SPEC": ["MATRIX"]},
        {"TKFRAME_31009_RELATIVE": ["NOWHERE"]},
        {"TKFRAME_31009_ANGLES": [1.0, 2.0]},
        {"TKFRAME_31009_ANGLES": ["a", "b", "c"]},
        {"TKFRAME_31009_AXES": [3.0, 2.0, 7.0]},
        {"TKFRAME_31009_UNITS": ["FURLONGS"]},
    ],
)
def test_a_frame_kernel_that_makes_no_sense_is_refused(change):
    with pytest.raises(DataError):
        mean_earth_ties(KERNEL | change, "x.tf")


def test_rotations_are_proper_and_follow_each_other(almanac):
    t = times("2030-01-01", "2030-03-01", 6 * 3600)
    turn = almanac.rotation(t)
    np.testing.assert_allclose(
        np.einsum("nij,nkj->nik", turn, turn), np.broadcast_to(np.eye(3), turn.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(turn), 1.0, atol=1e-12)
    step = np.einsum("nij,nkj->nik", turn[1:], turn[:-1])
    angle = np.rad2deg(np.arccos((np.trace(step, axis1=1, axis2=2) - 1.0) / 2.0))
    np.testing.assert_allclose(angle, 360.0 / 27.321661 / 4.0, rtol=2e-3)


def test_the_seam_between_two_segments_is_smooth():
    orientation = read_kernels(default_paths()).orientation
    seams = sorted({table.summary.stop_s for table in orientation.tables})[:-1]
    assert seams
    for seam in seams:
        turn = orientation.matrices(seam + np.array([-1.0, 1.0]))
        assert np.abs(turn[:, :, 1] - turn[:, :, 0]).max() < 6e-6


def test_no_orientation_and_a_foreign_one_are_refused(tmp_path, maker):
    spk, pck = maker.small_system(tmp_path)
    with pytest.raises(DataError, match="no binary PCK"):
        Almanac.load(spk)
    other = maker.write_daf(
        tmp_path / "other.bpc", [("x", (0.0, 1.0), (31099, 1, 2), maker.fixed(0.0, 1.0, (0, 0, 0)))], "<"
    )
    with pytest.raises(DataError, match="31099"):
        Almanac.load(spk, other)
    wrong = maker.write_daf(
        tmp_path / "wrong.bpc", [("x", (0.0, 1.0), (31008, 1, 3), maker.fixed(0.0, 1.0, (0, 0, 0)))], "<"
    )
    with pytest.raises(DataError, match="type 3"):
        Almanac.load(spk, wrong)
    assert Almanac.load(spk, pck).span[0] < np.datetime64("2000-01-01")

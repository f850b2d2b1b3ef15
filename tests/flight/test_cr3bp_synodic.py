"""From the three-body problem to the sky and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.flight.cr3bp import EARTH_MOON_MU, coast, halo, time_unit_s
from moonpost.flight.synodic import SynodicFrame
from moonpost.sky import Almanac

NRHO = np.array([1.0220215111, 0.0, -0.1820967826, 0.0, -0.1032563519, 0.0])
TIMES = np.datetime64("2030-01-01T00:00", "ms") + np.arange(0, 60_000_000, 10_000) * np.timedelta64(1, "ms")


@pytest.fixture(scope="module")
def almanac() -> Almanac:
    return Almanac.default()


@given(st.integers(0, 20_000), st.sampled_from(["pulsating", "fixed"]), st.floats(-2.0, 2.0))
@settings(max_examples=25, deadline=None)
def test_there_and_back(day: int, scale: str, size: float) -> None:
    frame = SynodicFrame.at(Almanac.default(), np.datetime64("1980-01-01") + day, scale=scale)  # type: ignore[arg-type]
    state = size * np.array([1.0, -0.5, 0.3, 0.2, 0.7, -0.9])
    again = frame.rotating(frame.j2000(state))[0]
    assert np.abs(again - state).max() < 1e-13
    assert np.abs(frame.axes[0] @ frame.axes[0].T - np.eye(3)).max() < 1e-14


def test_bodies_stand_on_the_axis(almanac: Almanac) -> None:
    frame = SynodicFrame.at(almanac, TIMES[:3])
    assert np.abs(frame.j2000([1.0 - EARTH_MOON_MU, 0, 0, 0, 0, 0])).max() == 0.0
    earth = almanac.inertial_m("earth", TIMES[:3])
    assert np.abs(frame.j2000([-EARTH_MOON_MU, 0, 0, 0, 0, 0])[:, :3] - earth).max() < 1.0
    seen = frame.rotating(np.concatenate([earth, np.zeros((3, 3))], axis=1))
    assert np.abs(seen[:, :3] - [-EARTH_MOON_MU, 0, 0]).max() < 1e-8
    assert (np.abs(frame.stretch_m_s) > 1.0).all()


@pytest.mark.parametrize("scale", ["pulsating", "fixed"])
def test_velocities_are_rates_of_places(almanac: Almanac, scale: str) -> None:
    # A place at rest in the turning axes: its velocity against differences of its position over 20 s.
    frame = SynodicFrame.at(almanac, TIMES[:3], scale=scale)  # type: ignore[arg-type]
    states = frame.j2000([0.9, 0.2, -0.3, 0, 0, 0])
    slope = (states[2, :3] - states[0, :3]) / 20.0
    assert np.abs(slope - states[1, 3:]).max() < 1e-4
    if scale == "fixed":
        assert frame.length_m.tolist() == [384_400_000.0] * 3


def test_the_earth_moves_as_the_ephemeris_says(almanac: Almanac) -> None:
    frame = SynodicFrame.at(almanac, TIMES[:3])
    earth = frame.j2000([-EARTH_MOON_MU, 0, 0, 0, 0, 0])
    slope = (earth[2, :3] - earth[0, :3]) / 20.0
    assert np.abs(slope - earth[1, 3:]).max() < 1e-4


def test_an_orbit_keeps_its_size_in_the_sky(almanac: Almanac) -> None:
    states = coast(halo("L2-southern", period=1.5111111), np.linspace(0.0, 1.5111111, 7))
    frame = SynodicFrame.at(almanac, TIMES[:7], scale="fixed")
    far = np.linalg.norm(frame.j2000(states)[:, :3], axis=1) / 1e3
    assert far.max() == pytest.approx(71_220.0, abs=1.0)
    assert far.min() == pytest.approx(3_248.0, abs=1.0)
    assert frame.time_s[0] == pytest.approx(time_unit_s())
    assert NRHO[0] == pytest.approx(states[0, 0], abs=1e-9)


def test_inputs_that_cannot_be_used(almanac: Almanac) -> None:
    with pytest.raises(UnknownNameError):
        SynodicFrame.at(almanac, "2030-01-01", scale="rubber")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="length_m"):
        SynodicFrame.at(almanac, "2030-01-01", scale="fixed", length_m=-1.0)
    with pytest.raises(InputError, match="mu"):
        SynodicFrame.at(almanac, "2030-01-01", mu=np.nan)
    with pytest.raises(DateError):
        SynodicFrame.at(almanac, "2300-01-01")
    frame = SynodicFrame.at(almanac, "2030-01-01")
    with pytest.raises(InputError, match="states"):
        frame.j2000([1.0, 2.0])
    with pytest.raises(InputError, match="states"):
        frame.rotating(np.full(6, np.nan))

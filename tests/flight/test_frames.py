"""Axes of states: there and back, velocities that are derivatives, sites that stand still, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.flight.environment import Environment
from moonpost.flight.frames import Frames, convert
from moonpost.flight.synodic import SynodicFrame
from moonpost.sky import Almanac, Site
from moonpost.sky.kernelfiles import read_kernels

START = 946728000.0
NAMES = ("J2000", "MOON_ME", "MOON_PA", "SYNODIC")
STATE = np.array([1.2e6, -0.9e6, 1.1e6, -800.0, 300.0, 1400.0])


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-4e9, 4e9),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.lists(st.floats(-4e8, 4e8), min_size=6, max_size=6),
)
def test_states_come_back(almanac: Almanac, second: float, some: str, other: str, numbers: list[float]) -> None:
    there = convert(numbers, second, almanac, other, source=some)
    back = convert(there, second, almanac, some, source=other)
    assert back[0] == pytest.approx(numbers, rel=1e-12, abs=1e-6)
    assert np.linalg.norm(there[0, :3]) == pytest.approx(np.linalg.norm(numbers[:3]), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("frame", NAMES)
def test_velocities_are_derivatives_of_positions(almanac: Almanac, frame: str) -> None:
    times = START + np.array([-30.0, 0.0, 30.0])
    line = STATE + np.outer(times - START, [*STATE[3:], 0, 0, 0])
    seen = convert(line, times, almanac, frame)
    assert (seen[2, :3] - seen[0, :3]) / 60.0 == pytest.approx(seen[1, 3:], abs=2e-5)


def test_axes_are_those_of_the_environment(almanac: Almanac) -> None:
    env = Environment.make(almanac, START, START + 86400.0, degree=0)
    times = START + np.linspace(0.0, 86400.0, 7)
    for frame, name in (("ME", "MOON_ME"), ("PA", "MOON_PA")):
        axes = Frames.at(env.kernels, times, name)
        assert np.abs(axes.turn - env.rotation(times, frame)).max() < 1e-10  # type: ignore[arg-type]
        assert np.abs(axes.spin_rad_s - env.spin_rad_s(times)).max() < 1e-14


def test_a_site_stands_still_in_the_axes_of_maps(almanac: Almanac) -> None:
    site = Site(-89.5, 120.0, 1500.0)
    there = convert([*site.position_m, 0, 0, 0], "2030-06-01", almanac, "j2000", source="moon_me")
    assert convert(there, "2030-06-01", almanac, "MOON_ME")[0] == pytest.approx(
        [*site.position_m, 0, 0, 0], abs=1e-6
    )
    pa = convert([*site.position_m, 0, 0, 0], "2030-06-01", almanac, "MOON_PA", source="MOON_ME")
    assert 500.0 < np.linalg.norm(pa[0, :3] - site.position_m) < 1000.0, "860 m between the two at most"


def test_synodic_axes_are_those_of_the_three_body_problem(almanac: Almanac) -> None:
    kernels = read_kernels([kernel.path for kernel in almanac.kernels])
    frame = SynodicFrame.of(kernels, START, scale="fixed")
    units = np.repeat([frame.length_m[0], frame.length_m[0] / frame.time_s[0]], 3)
    expected = (frame.rotating(STATE)[0] - np.array([1.0 - frame.mu, 0, 0, 0, 0, 0])) * units
    assert convert(STATE, START, almanac, "SYNODIC")[0] == pytest.approx(expected, rel=1e-9, abs=1e-6)
    earth = np.concatenate([almanac.inertial_m("earth", "2030-01-01")[0], [0, 0, 0]])
    x, y, z = convert(earth, "2030-01-01", almanac, "SYNODIC")[0, :3]
    assert x < -3.5e8
    assert abs(y) + abs(z) < 1e-3


def test_bad_input_is_refused(almanac: Almanac) -> None:
    with pytest.raises(UnknownNameError, match="MOON_ME"):
        Frames.at(almanac, START, "MOON_MEE")
    with pytest.raises(DateError):
        Frames.at(almanac, 1e12, "MOON_ME")
    with pytest.raises(DateError):
        Frames.at(almanac, float("nan"), "MOON_ME")
    for states in ([1, 2, 3], [np.nan] * 6, np.zeros((3, 6)), "state"):
        with pytest.raises(InputError):
            convert(states, [START, START + 1.0], almanac, "MOON_ME")

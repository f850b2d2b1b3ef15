"""Low frozen orbits: the averaged theory against closed forms and the full field, cycles that close."""

from __future__ import annotations

import math

import numpy as np
import pytest

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.averaged import (
    averaged_frozen_eccentricity,
    averaged_perturbation_m2_s2,
    circular_frozen_inclinations_deg,
    perilune_rate_rad_s,
)
from moonpost.flight.environment import Environment
from moonpost.flight.frozen import altitude_range, frozen_orbit, node_cycle_s
from moonpost.flight.gravityfield import GravityField
from moonpost.flight.relays import frozen_inclination_deg
from moonpost.flight.state import State
from moonpost.flight.survey import survey
from moonpost.sky import Almanac

START = "2030-01-01"
LOW_M = 1860.4e3


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, "2030-07-01", degree=20)


def zonal(degree: int, size: float) -> GravityField:
    """A field of one zonal term, unnormalised coefficient."""
    cosine = np.zeros((degree + 1, degree + 1))
    cosine[degree, 0] = size / math.sqrt(2 * degree + 1)
    return GravityField("one term", 4.9e12, 1738e3, cosine, np.zeros_like(cosine))


@pytest.mark.parametrize(("e", "tilt"), [(0.0, 0.0), (0.1, 40.0), (0.6, 63.0), (0.3, 150.0)])
def test_the_mean_of_the_second_zonal_term_is_the_textbook_one(e: float, tilt: float) -> None:
    field, axis = zonal(2, -2e-4), 6000e3
    found = averaged_perturbation_m2_s2(axis, e, tilt, field=field, earth=False)
    c = math.cos(math.radians(tilt))
    expected = 2e-4 * 4.9e12 * 1738e3**2 / axis**3 * (3.0 * c * c - 1.0) / 4.0 / (1.0 - e * e) ** 1.5
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_third_zonal_term_pulls_as_in_the_textbook() -> None:
    field, axis, e, tilt = zonal(3, 1e-5), 3000e3, 0.2, 70.0
    s = math.sin(math.radians(tilt))
    found = averaged_perturbation_m2_s2(axis, e, tilt, 90.0, field=field, earth=False)
    size = 1e-5 * 4.9e12 * 1738e3**3 / axis**4
    expected = size * e * (1.0 - e * e) ** -2.5 * (15.0 / 8.0 * s**3 - 1.5 * s)
    assert found == pytest.approx(expected, rel=1e-9)
    south = averaged_perturbation_m2_s2(axis, e, tilt, 270.0, field=field, earth=False)
    assert south == pytest.approx(averaged_perturbation_m2_s2(axis, -e, tilt, field=field, earth=False), rel=1e-12)


@pytest.mark.parametrize("e", [0.3, 0.6, 0.8])
def test_without_the_field_the_theory_is_that_of_elliptical_relays(e: float) -> None:
    bare = GravityField("point", 4.9e12, 1738e3, np.zeros((3, 3)), np.zeros((3, 3)))
    rate = perilune_rate_rad_s(12e6, e, float(frozen_inclination_deg(e)), field=bare)
    near = perilune_rate_rad_s(12e6, e, float(frozen_inclination_deg(e)) - 1.0, field=bare)
    assert abs(rate) < 1e-4 * abs(near)


def test_retrograde_and_prograde_orbits_freeze_alike() -> None:
    assert averaged_frozen_eccentricity(LOW_M, 80.0) == pytest.approx(
        averaged_frozen_eccentricity(LOW_M, 100.0), abs=1e-9
    )
    found = circular_frozen_inclinations_deg(LOW_M)
    assert found == pytest.approx(180.0 - found[::-1], abs=1e-6)


def test_a_frozen_orbit_closes_and_stays_where_a_circle_wanders(env: Environment) -> None:
    found = frozen_orbit(env, START, LOW_M, 90.0)
    assert found.drift < 1e-6
    assert found.averaged_eccentricity == pytest.approx(-found.eccentricity, abs=2e-3)
    assert found.argument_deg == pytest.approx(270.0, abs=10.0)
    still = altitude_range(found.state, env, 6)
    moving = altitude_range(State.circling(env, START, LOW_M - 1737.4e3, 90.0), env, 6)
    assert np.ptp(still.lowest_m) < 1.5e3
    assert np.ptp(moving.lowest_m) > 30e3
    # The averaged theory has the size of the vector, the full model its yearly mean.
    course = survey([found.state.vector], START, found.cycle_s / 86400.0, env, step_s=5777.0).elements()
    vector = course.eccentricity[:, 0] * np.exp(1j * np.radians(course.argument_deg[:, 0]))
    assert abs(vector.mean() - 1j * found.averaged_eccentricity) < 3e-3


def test_the_node_of_a_prograde_orbit_comes_round_sooner(env: Environment) -> None:
    polar, low = (node_cycle_s(State.circling(env, START, 200e3, tilt), env) for tilt in (90.0, 30.0))
    retrograde = node_cycle_s(State.circling(env, START, 200e3, 150.0), env)
    assert polar / 86400.0 == pytest.approx(27.3, abs=0.1)
    assert low < polar - 86400.0
    assert retrograde > polar + 86400.0


def test_what_has_no_frozen_orbit_is_told(env: Environment) -> None:
    with pytest.raises(InputError):
        averaged_frozen_eccentricity(1700e3, 90.0)
    with pytest.raises(InputError):
        averaged_frozen_eccentricity(math.nan, 90.0)
    with pytest.raises(InputError):
        perilune_rate_rad_s(LOW_M, 0.01, 0.0)
    with pytest.raises(InputError):
        perilune_rate_rad_s(LOW_M, 0.9, 90.0)
    with pytest.raises(InputError):
        circular_frozen_inclinations_deg(math.inf)
    with pytest.raises(InputError):
        frozen_orbit(env, START, LOW_M, 90.0, guess=(math.nan, 0.0))
    with pytest.raises(InputError):
        altitude_range(State.circling(env, START, 200e3, 90.0), env, 0)
    with pytest.raises(DateError):
        frozen_orbit(env, "2030-06-15", LOW_M, 90.0)
    with pytest.raises(ModelError):
        frozen_orbit(env, START, 1757.4e3, 65.0)

"""The surroundings of a flight against the almanac they come from; spans that are kept to."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.flight.environment import EARTH_GM_M3_S2, SUN_GM_M3_S2, Environment
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2, GravityField
from moonpost.flight.sunlight import Sunlight
from moonpost.sky import Almanac
from moonpost.sky.kernelfiles import default_paths

START, STOP = "2030-01-01", "2030-02-01"


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, START, STOP, degree=8)


@settings(max_examples=30, deadline=None)
@given(hour=st.integers(0, 31 * 24))
def test_places_and_turns_are_those_of_the_almanac(almanac: Almanac, env: Environment, hour: int) -> None:
    t = np.datetime64(START, "ms") + np.timedelta64(hour, "h")
    tdb = env.tdb_s(t)
    assert np.abs(env.body_m("earth", tdb) - almanac.inertial_m("earth", t)).max() < 1e-3
    assert np.abs(env.body_m("sun", tdb) - almanac.inertial_m("sun", t)).max() < 1.0
    assert np.abs(env.rotation(tdb) - almanac.rotation(t)).max() < 1e-10
    for body in ("sun", "earth"):
        seen = np.einsum("nji,nj->ni", almanac.rotation(t), almanac.moon_fixed_m(body, t, apparent=True))
        ours = env.apparent_m(body, tdb)
        across = np.cross(seen, ours) / np.linalg.norm(seen) / np.linalg.norm(ours)
        assert np.rad2deg(np.linalg.norm(across)) * 3600 < 0.005


def test_earth_and_moon_see_each_other(almanac: Almanac, env: Environment) -> None:
    other = Environment.make(almanac, START, STOP, degree=0, centre="earth", bodies=("sun", "moon"))
    tdb = np.linspace(*env.span_tdb_s, 7)
    assert np.abs(other.body_state("moon", tdb) + env.body_state("earth", tdb)).max() < 1e-3
    assert np.abs(other.body_m("sun", tdb) - env.body_m("sun", tdb) + env.body_m("earth", tdb)).max() < 1.0
    assert not env.body_state("moon", tdb).any()


def test_rates_are_those_of_the_places(env: Environment) -> None:
    tdb = np.array([env.span_tdb_s[0] + 12345.0])
    for body in ("sun", "earth"):
        steps = (env.body_m(body, tdb + 10.0) - env.body_m(body, tdb - 10.0)) / 20.0
        assert np.abs(env.body_state(body, tdb)[:, 3:] - steps).max() < 1e-3
    turn = env.rotation([tdb[0] - 10, tdb[0], tdb[0] + 10])
    spin = np.cross(env.spin_rad_s(tdb)[0], np.eye(3)).T
    assert np.abs((turn[2] - turn[0]) / 20.0 + turn[1] @ spin).max() < 3e-13


def test_defaults_are_the_published_constants(env: Environment) -> None:
    assert env.gm_m3_s2 == {"moon": GRGM1200A_GM_M3_S2, "earth": EARTH_GM_M3_S2, "sun": SUN_GM_M3_S2}
    assert (EARTH_GM_M3_S2, SUN_GM_M3_S2) == (398600.435507e9, 132712440041.279419e9)
    assert env.sunlight is None
    assert not env.tides
    assert env.rotate_field


def test_field_is_turned_to_the_axes_of_the_kernel(almanac: Almanac, env: Environment) -> None:
    plain = Environment.make(almanac, START, STOP, degree=8, rotate_field=False)
    assert np.array_equal(plain.field_turn, np.eye(3))
    angle = np.arcsin(np.linalg.norm(env.field_turn - env.field_turn.T) / np.sqrt(8.0))
    assert np.rad2deg(angle) * 3600 == pytest.approx(0.302, abs=0.002)
    tdb, place = env.span_tdb_s[0], np.array([1.2e6, -1.0e6, 0.9e6])
    field = GravityField.default(8)
    for made in (env, plain):
        axes = made.field_turn @ made.rotation(tdb, "PA")[0]
        alone = dataclasses.replace(made, bodies=())
        wanted = axes.T @ field.acceleration_m_s2(axes @ place)
        assert np.abs(alone.acceleration_m_s2(tdb, place) - wanted).max() < 1e-14


def test_third_bodies_pull_on_spacecraft_and_centre(almanac: Almanac) -> None:
    place = np.array([2e6, 5e6, -3e6])
    for centre, other in (("moon", "earth"), ("earth", "moon")):
        env = Environment.make(almanac, START, STOP, degree=0, centre=centre, bodies=("sun", other))  # type: ignore[arg-type]
        tdb = env.span_tdb_s[0] + 1000.0
        wanted = -env.gm_m3_s2[centre] * place / np.linalg.norm(place) ** 3
        for body in ("sun", other):
            there = env.body_m(body, tdb)[0]
            apart = there - place
            wanted = wanted + env.gm_m3_s2[body] * (
                apart / np.linalg.norm(apart) ** 3 - there / np.linalg.norm(there) ** 3
            )
        assert np.abs(env.acceleration_m_s2(tdb, place) - wanted).max() < 1e-14


def test_sunlight_pushes_away_from_the_sun_and_not_in_shadow(almanac: Almanac) -> None:
    lit = Environment.make(almanac, START, STOP, degree=0, sunlight=Sunlight(20.0, 1000.0, 1.5))
    dark = dataclasses.replace(lit, sunlight=None)
    tdb = lit.span_tdb_s[0]
    to_sun = lit.body_m("sun", tdb)[0]
    axis = to_sun / np.linalg.norm(to_sun)
    push = lit.acceleration_m_s2(tdb, 2e6 * axis) - dark.acceleration_m_s2(tdb, 2e6 * axis)
    distance_au = np.linalg.norm(to_sun) / 149597870700.0
    assert push @ axis == pytest.approx(-1361.0 / 299792458.0 * 1.5 * 0.02 / distance_au**2, rel=1e-4)
    assert np.linalg.norm(np.cross(push, axis)) < 1e-15
    behind = -2e6 * axis
    assert np.array_equal(lit.acceleration_m_s2(tdb, behind), dark.acceleration_m_s2(tdb, behind))
    across = np.cross(axis, [0.0, 0.0, 1.0])
    edge = behind + 1737.4e3 * across / np.linalg.norm(across)
    half = (lit.acceleration_m_s2(tdb, edge) - dark.acceleration_m_s2(tdb, edge)) @ axis / (push @ axis)
    assert 0.4 < half < 0.6


def test_solid_tide_is_the_gradient_of_its_potential(almanac: Almanac) -> None:
    still = Environment.make(almanac, START, STOP, degree=0)
    tidal = dataclasses.replace(still, tides=True)
    tdb, place = still.span_tdb_s[0], np.array([1.5e6, 0.8e6, 0.9e6])

    def potential(x: np.ndarray) -> float:
        total = 0.0
        for body in ("earth", "sun"):
            there = still.body_m(body, tdb)[0]
            far, r = np.linalg.norm(there), np.linalg.norm(x)
            cosine = x @ there / far / r
            total += 0.024133 * still.gm_m3_s2[body] * 1738e3**5 / far**3 / r**3 * (1.5 * cosine**2 - 0.5)
        return total

    wanted = [(potential(place + s) - potential(place - s)) / 200.0 for s in 100.0 * np.eye(3)]
    found = tidal.acceleration_m_s2(tdb, place) - still.acceleration_m_s2(tdb, place)
    assert np.abs(found - wanted).max() < 1e-14
    assert np.linalg.norm(found) > 1e-8


def test_kernels_never_read_outside_their_records(env: Environment) -> None:
    from moonpost.flight.placekernels import evaluated, located

    start, length, table = env.series
    guarded = np.full((len(table) + 2, *table.shape[1:]), np.nan)
    guarded[1:-1] = table
    for since in (-30.0 * length, -1e-9, 0.0, len(table) * length, (len(table) + 30.0) * length):
        assert np.isfinite(located(since, 0.0, length, guarded[1:-1])).all()
        assert np.isfinite(evaluated(np.array([since]), length, guarded[1:-1])).all()
    assert np.isnan(located(np.nan, 0.0, length, table)).any()
    assert len(located(np.inf, 0.0, length, table)) == 9
    last = len(table) * length
    inside, outside = evaluated(np.array([last - 1e-3, last]), length, table)[0]
    assert np.abs(inside - outside).max() < 100.0
    assert start <= env.span_tdb_s[0] - 600.0
    assert start + last >= env.span_tdb_s[1]


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ("1800-01-01", "2030-01-01"),
        ("2030-01-01", "2200-01-01"),
        (9e9, 9.1e9),
        (float("nan"), 0.0),
        ("soon", STOP),
    ],
)
def test_spans_outside_the_kernels_are_refused(almanac: Almanac, start: object, stop: object) -> None:
    with pytest.raises(DateError):
        Environment.make(almanac, start, stop, degree=2)  # type: ignore[arg-type]


def test_instants_outside_the_span_are_refused(env: Environment) -> None:
    begin, end = env.span_tdb_s
    for wrong in (begin - 1.0, end + 1.0, float("nan"), float("inf")):
        for ask in (env.rotation, env.spin_rad_s, lambda t: env.body_m("sun", t), lambda t: env.body_m("moon", t)):
            with pytest.raises(DateError):
                ask(wrong)
        with pytest.raises(DateError):
            env.acceleration_m_s2(wrong, [2e6, 0, 0])


def test_spans_reach_to_the_ends_of_the_kernels(almanac: Almanac) -> None:
    first, last = almanac.span
    day = np.timedelta64(1, "D")
    for start, stop in ((first, first + day), (last - day, last)):
        env = Environment.make(almanac, start, stop, degree=2)
        t = np.array([start, stop])
        assert np.abs(env.body_m("earth", env.tdb_s(t)) - almanac.inertial_m("earth", t)).max() < 1e-3


def test_wrong_words_and_numbers_are_refused(almanac: Almanac) -> None:
    def make(**changes: object) -> None:
        Environment.make(almanac, START, STOP, **changes)  # type: ignore[arg-type]

    for changes in (
        {"bodies": ("sun", "vulcan")},
        {"centre": "sun"},
        {"degree": 166},
        {"degree": -1},
        {"gm_m3_s2": {"earth": float("nan")}},
        {"gm_m3_s2": {"venus": 1.0}},
        {"impact_radius_m": {"moon": -1.0}},
    ):
        with pytest.raises(InputError):
            make(**changes)
    for numbers in ((0.0, 1.0, 1.0), (1.0, float("nan"), 1.0), (1.0, 1.0, -1.0)):
        with pytest.raises(InputError):
            Sunlight(*numbers)


def test_kernels_of_ones_own_are_used(tmp_path: Path) -> None:
    paths = [Path(shutil.copy(path, tmp_path)) for path in default_paths()[1:]]
    own = Almanac.load(default_paths()[0], *paths)
    env = Environment.make(own, START, STOP, degree=2)
    assert env.kernels.kernels[1].path == paths[0]

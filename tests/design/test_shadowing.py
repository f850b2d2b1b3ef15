"""Shadows of machines: closed forms, sums over the disc, and the horizon's own area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.design.shadowing import Body, Panel, hidden_by_bodies, shadow_length_m, shadow_map
from moonpost.errors import InputError
from moonpost.sky import MOON_RADIUS_M, Apparent, Site
from moonpost.terrain import HorizonProfile, illumination

SITE = Site(-89.45, 222.8)
R_DEG = 0.2666
OPEN = HorizonProfile.flat(SITE, elevation_deg=-2.0)


def sun_at(azimuth_deg, elevation_deg, radius_deg=R_DEG):
    azimuth, elevation = np.broadcast_arrays(np.atleast_1d(azimuth_deg), elevation_deg)
    n = azimuth.size
    return Apparent(
        np.zeros(n, "datetime64[ms]"),
        azimuth.astype(float) % 360.0,
        elevation.astype(float).copy(),
        np.full(n, 1.496e11),
        np.full(n, radius_deg),
    )


def by_sampling(x, y, z, bodies, azimuth_deg, elevation_deg, count=400):
    """Share of disc points whose ray meets a body: an independent sum over points of the disc."""
    grid = (np.arange(count) + 0.5) / count * 2.0 - 1.0
    u, v = np.meshgrid(grid, grid)
    u, v = u[u**2 + v**2 < 1.0], v[u**2 + v**2 < 1.0]
    azimuth = np.radians(azimuth_deg + R_DEG * u / np.cos(np.radians(elevation_deg)))
    slope = np.tan(np.radians(elevation_deg + R_DEG * v))
    blocked = np.zeros(u.size, bool)
    for body in bodies:
        east, north, bottom, top, half = body.row()
        a = (east - x) * np.sin(azimuth) + (north - y) * np.cos(azimuth)
        b = (east - x) * np.cos(azimuth) - (north - y) * np.sin(azimuth)
        with np.errstate(invalid="ignore"):
            chord = np.sqrt(half**2 - b**2)
        first, last = z + slope * (a - chord), z + slope * (a + chord)
        blocked |= (
            (np.abs(b) < half) & (a > 0) & (np.minimum(first, last) < top) & (np.maximum(first, last) > bottom)
        )
    return blocked.mean()


def test_a_ten_metre_mast_throws_380_m_at_one_and_a_half_degrees() -> None:
    assert shadow_length_m(10.0, 1.5) == pytest.approx(10.0 / np.tan(np.radians(1.5)), rel=1e-14)
    assert round(shadow_length_m(10.0, 1.5)) == 382
    round_moon = shadow_length_m(10.0, 1.5, level=False)
    tangent = np.tan(np.radians(1.5))
    assert round_moon * tangent - round_moon**2 / (2 * MOON_RADIUS_M) == pytest.approx(10.0, rel=1e-9)
    assert shadow_length_m(10.0, 0.1, level=False) == np.inf


def test_the_shadow_ends_where_the_formula_says() -> None:
    wall = [Body("wall", 0.0, 0.0, 0.0, 10.0, 4.0)]
    end = shadow_length_m(10.0, 1.5, level=False)
    # The Sun in the north: shadows fall to the south. Half the disc is hidden at the end of the centre's shadow.
    sun = sun_at(0.0, 1.5)
    # 4 m at 380 m is 0.60 deg: wider than the disc's 0.53.
    at_end = hidden_by_bodies(Panel("p", 0.0, -end - 2.0, 0.0, 0.0, 0.0), wall, sun, OPEN, columns=1, rows=1)
    assert at_end[0, 0, 0] == pytest.approx(0.5, abs=0.01)
    within = hidden_by_bodies(Panel("p", 0.0, -0.8 * end, 0.0, 0.0, 0.0), wall, sun, OPEN, columns=1, rows=1)
    beyond = hidden_by_bodies(Panel("p", 0.0, -1.25 * end, 0.0, 0.0, 0.0), wall, sun, OPEN, columns=1, rows=1)
    assert within[0, 0, 0] > 0.99
    assert beyond[0, 0, 0] < 0.01


def test_a_mast_narrower_than_the_sun_hides_its_band_of_the_disc() -> None:
    # 0.3 m at 100 m: 0.172 deg of a disc 0.533 deg wide; the hidden area is the disc's band of that width.
    half = np.arcsin(0.15 / 100.0)
    r = np.radians(R_DEG)
    # The band's width on the disc shrinks by the cosine of the elevation.
    b = half * np.cos(np.radians(1.5))
    band = 2 * (b * np.sqrt(r**2 - b**2) + r**2 * np.arcsin(b / r)) / (np.pi * r**2)
    mast = [Body("m", 0.0, 100.0, 0.0, 30.0, 0.3)]
    found = hidden_by_bodies(Panel("p", 0, 0, 2.0, 0, 0), mast, sun_at(0.0, 1.5), OPEN, columns=1, rows=1)
    assert found[0, 0, 0] == pytest.approx(band, rel=1e-6)
    assert 0.35 < band < 0.45


@given(
    st.floats(-0.5, 3.0),
    st.floats(0.0, 360.0),
    st.lists(
        st.tuples(
            st.floats(15, 400), st.floats(-2.0, 2.0), st.floats(0.0, 6.0), st.floats(0.5, 15), st.floats(0.2, 12)
        ),
        min_size=1,
        max_size=4,
    ),
)
@settings(max_examples=40, deadline=None)
def test_hidden_light_is_that_of_a_sum_over_the_disc(elevation_deg, azimuth_deg, found) -> None:
    bodies = []
    for k, (distance, off_deg, bottom, tall, width) in enumerate(found):
        angle = np.radians(azimuth_deg + off_deg)
        place = (distance * np.sin(angle), distance * np.cos(angle))
        bodies.append(Body(str(k), *place, bottom, bottom + tall, width))
    panel = Panel("p", 0.0, 0.0, 2.0, 0.0, 0.0)
    ours = hidden_by_bodies(panel, bodies, sun_at(azimuth_deg, elevation_deg), OPEN, columns=1, rows=1)[0, 0, 0]
    assert ours == pytest.approx(by_sampling(0, 0, 2.0, bodies, azimuth_deg, elevation_deg), abs=0.012)
    assert 0.0 <= ours <= 1.0 + 1e-12


def test_bodies_take_nothing_that_the_ground_has_taken() -> None:
    wall = [Body("w", 0.0, 100.0, 0.0, 50.0, 200.0)]
    for horizon_deg in (-1.0, 1.4, 1.5, 1.6):
        ground = HorizonProfile.flat(SITE, elevation_deg=horizon_deg)
        sun = sun_at(0.0, 1.5)
        hidden = hidden_by_bodies(Panel("p", 0, 0, 2.0, 0, 0), wall, sun, ground, columns=1, rows=1)
        assert hidden[0, 0, 0] == pytest.approx(illumination(ground, sun)[0], abs=1e-3)


def test_an_array_never_shades_itself_and_turns_with_the_sun() -> None:
    own = [Body("p", 0.0, 0.0, 0.0, 10.0, 3.0)]
    assert hidden_by_bodies(Panel("p", 0, 0, 8.0, 3, 4), own, sun_at([0.0, 90.0], 1.0), OPEN).max() == 0.0
    # A mast 3 m wide before an array 6 m wide hides the middle column and not the outer ones.
    mast = [Body("m", 0.0, 12.0, 0.0, 20.0, 1.0), Body("n", 12.0, 0.0, 0.0, 20.0, 1.0)]
    hidden = hidden_by_bodies(Panel("p", 0, 0, 5.0, 6.0, 4.0), mast, sun_at([0.0, 90.0], 1.0), OPEN)
    assert (hidden[:, 1] > 0.9).all()
    assert (hidden[:, [0, 2]] < 0.01).all()


def test_a_body_that_hangs_high_lets_light_pass_below() -> None:
    panel = [Body("a", 0.0, 50.0, 8.0, 12.0, 6.0)]
    low = hidden_by_bodies(Panel("p", 0, 0, 2.0, 0, 0), panel, sun_at(0.0, 2.0), OPEN, columns=1, rows=1)
    high = hidden_by_bodies(Panel("p", 0, 0, 8.0, 0, 0), panel, sun_at(0.0, 2.0), OPEN, columns=1, rows=1)
    assert low[0, 0, 0] == 0.0
    assert high[0, 0, 0] > 0.99


def test_a_map_of_shadow_falls_off_with_distance() -> None:
    sun = sun_at(np.arange(0, 360, 0.5), 1.0)
    tower = [Body("t", 0.0, 0.0, 0.0, 12.0, 4.0)]
    share = shadow_map(tower, sun, OPEN, [20.0, 60.0, 200.0, 2000.0], [0.0])
    assert (np.diff(share[0]) < 0).all()
    # Seen from 20 m, 4 m take 2 asin(2/20) of the circle; the edges of the disc add and take the same.
    assert share[0, 0] == pytest.approx(2 * np.degrees(np.arcsin(0.1)) / 360.0, rel=0.02)


@pytest.mark.parametrize(("top", "sun_deg"), [(float("nan"), 1.0), (-1.0, 1.0), (1.0, 0.0), (1.0, float("nan"))])
def test_bad_numbers_are_refused(top, sun_deg) -> None:
    with pytest.raises(InputError):
        shadow_length_m(top, sun_deg)


def test_a_sun_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="NaN"):
        hidden_by_bodies(Panel("p", 0, 0, 1, 1, 1), [], sun_at(np.nan, 1.0), OPEN)

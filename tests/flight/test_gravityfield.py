"""Harmonics: the kernel against a plain Legendre sum, at random points and at the poles; files of coefficients."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError
from moonpost.flight.gravityfield import (
    GRGM1200A_GM_M3_S2,
    GRGM1200A_LABEL_GM_M3_S2,
    GravityField,
    de430_tie,
)
from moonpost.sky.orientation import published_ties


def potential(field: GravityField, place: np.ndarray) -> np.longdouble:
    """V from latitude and longitude by associated Legendre functions, in extended precision."""
    x, y, z = np.asarray(place, dtype=np.longdouble)
    level = np.sqrt(x * x + y * y)
    r = np.sqrt(x * x + y * y + z * z)
    sine, cosine, longitude = z / r, level / r, np.arctan2(y, x)
    one = np.longdouble(1.0)
    total = one
    for m in range(field.degree + 1):
        last, now = 0 * one, one
        for k in range(1, m + 1):
            now = now * cosine * np.sqrt(one * (2 * k + 1) / (2 * k) if k > 1 else 3 * one)
        for n in range(m, field.degree + 1):
            if n > m:
                a = np.sqrt(one * (2 * n + 1) * (2 * n - 1) / ((n - m) * (n + m)))
                b = (
                    one * (2 * n + 1) * (n - m - 1) * (n + m - 1) / ((2 * n - 3) * (n + m) * (n - m))
                    if n > 1
                    else 0 * one
                )
                last, now = now, a * sine * now - np.sqrt(b) * last
            wave = field.cosine[n, m] * np.cos(m * longitude) + field.sine[n, m] * np.sin(m * longitude)
            total += (field.radius_m / r) ** n * now * wave
    return field.gm_m3_s2 / r * total


def by_differences(field: GravityField, place: np.ndarray, step: float = 20.0) -> np.ndarray:
    """Gradient of the potential by fourth-order differences."""
    found = []
    for axis in np.eye(3) * step:
        v = [potential(field, place + k * axis) for k in (-2, -1, 1, 2)]
        found.append(float((v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * np.longdouble(step))))
    return np.array(found)


@pytest.mark.parametrize("degree", [1, 2, 7, 8, 9, 30])
def test_kernel_equals_a_plain_legendre_sum(degree: int) -> None:
    field = GravityField.default(degree)
    rng = np.random.default_rng(degree)
    places = rng.normal(size=(6, 3))
    places *= (rng.uniform(1.745e6, 3e6, 6) / np.linalg.norm(places, axis=1))[:, None]
    places = np.concatenate([places, [[1e-3, 0.0, 1.8e6], [0.0, 1e-3, -1.8e6], [1.8e6, 0.0, 0.0]]])
    wanted = np.array([by_differences(field, place) for place in places])
    assert np.abs(field.acceleration_m_s2(places) - wanted).max() < 2e-12
    assert np.abs(wanted - field.truncated(0).acceleration_m_s2(places)).max() > (0 if degree == 1 else 1e-5)


def test_pole_is_no_special_place() -> None:
    field = GravityField.default(165)
    pole = np.array([0.0, 0.0, 1.75e6])
    around = [field.acceleration_m_s2(pole + offset) for offset in ([1e-3, 0, 0], [-1e-3, 0, 0])]
    here = field.acceleration_m_s2(pole)
    assert np.isfinite(here).all()
    assert np.abs(np.mean(around, axis=0) - here).max() < 1e-13


@pytest.mark.parametrize("degree", [0, 2, 9, 40])
def test_gradient_is_that_of_the_attraction(degree: int) -> None:
    field = GravityField.default(degree)
    rng = np.random.default_rng(1)
    places = rng.normal(size=(5, 3))
    places *= (rng.uniform(1.745e6, 4e6, 5) / np.linalg.norm(places, axis=1))[:, None]
    places = np.concatenate([places, [[0.0, 0.0, 1.8e6]]])
    gradient = field.gradient_s2(places)
    pull = field.acceleration_m_s2
    by_steps = np.stack([(pull(places + s) - pull(places - s)) / 2.0 for s in np.eye(3)], axis=2)
    assert np.abs(gradient - by_steps).max() < 3e-15
    assert np.abs(np.trace(gradient, axis1=1, axis2=2)).max() < 1e-19
    assert np.abs(gradient - gradient.transpose(0, 2, 1)).max() < 1e-20


def test_scratch_is_never_read_before_it_is_written() -> None:
    from moonpost.flight.gravitykernels import attraction, packed, scratch_size

    for degree in (2, 9, 23):
        field = GravityField.default(degree)
        table = packed(field.cosine, field.sine)
        clean, dirty = np.zeros(scratch_size(degree)), np.full(scratch_size(degree), np.nan)
        given_place = (1.2e6, -1.1e6, 0.9e6, field.gm_m3_s2, field.radius_m, degree, table)
        assert attraction(*given_place, clean) == attraction(*given_place, dirty)


@settings(max_examples=15, deadline=None)
@given(angle=st.floats(0.0, 6.28), latitude=st.floats(-1.57, 1.57), degree=st.integers(2, 20))
def test_field_turned_about_the_pole_turns_the_attraction(angle: float, latitude: float, degree: int) -> None:
    field = GravityField.default(degree)
    m = np.arange(degree + 1)
    c, s = np.cos(m * angle), np.sin(m * angle)
    turned = dataclasses.replace(
        field, cosine=field.cosine * c - field.sine * s, sine=field.sine * c + field.cosine * s
    )
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    place = 1.8e6 * np.array([np.cos(latitude), 0.0, np.sin(latitude)])
    wanted = turn @ field.acceleration_m_s2(place)
    assert np.abs(turned.acceleration_m_s2(turn @ place) - wanted).max() < 1e-14


def test_shipped_file_holds_header_and_not_label() -> None:
    field = GravityField.default()
    assert (field.degree, field.radius_m, field.gm_m3_s2) == (165, 1738.0e3, GRGM1200A_GM_M3_S2)
    assert GRGM1200A_GM_M3_S2 == 4902.8001224453e9
    assert 7.1e3 < GRGM1200A_GM_M3_S2 - GRGM1200A_LABEL_GM_M3_S2 < 7.3e3
    # lines of gggrx_1200a_sha.tab
    assert field.cosine[2, 0] == -9.0884339347424299e-05
    assert (field.cosine[3, 1], field.sine[3, 1]) == (2.6368006624354499e-05, 5.4545456359614202e-06)
    assert field.cosine[0, 0] == field.cosine[1, 0] == 0.0
    assert np.count_nonzero(field.cosine[np.triu_indices(166, 1)]) == 0
    assert np.count_nonzero(field.cosine) == 166 * 167 // 2 - 3


def test_frame_of_the_field_lies_0_30_arcsecond_from_that_of_de440() -> None:
    turn = de430_tie().T @ published_ties()[31008]
    angle = np.arcsin(
        np.linalg.norm([turn[1, 2] - turn[2, 1], turn[2, 0] - turn[0, 2], turn[0, 1] - turn[1, 0]]) / 2
    )
    assert np.rad2deg(angle) * 3600 == pytest.approx(0.30, abs=0.005)


HEADER = " 1.738e+03, 4.9028e+03, 1e-15, 2, 2, 1, 0.0, 0.0\n"
ROWS = " 1,0,0,0,0,0\n 1,1,0,0,0,0\n 2,0,-9e-5,0,0,0\n 2,1,1e-11,1e-9,0,0\n 2,2,3e-5,9e-10,0,0\n"


def test_tables_of_the_archive_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a_sha.tab"
    path.write_text(HEADER + ROWS)
    field = GravityField.read(path, 2)
    assert (field.name, field.gm_m3_s2, field.radius_m) == ("a_sha.tab", 4.9028e12, 1.738e6)
    assert (field.cosine[2, 2], field.sine[2, 1]) == (3e-5, 1e-9)
    assert GravityField.read(path, 1, name="short").degree == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\n",
        HEADER.replace(" 1, 0.0", " 0, 0.0") + ROWS,
        HEADER + ROWS[:40],
        HEADER + ROWS.replace("2,2,", "2,3,"),
        HEADER + ROWS.replace("2,2,3e-5", "2,2,xx"),
        HEADER + ROWS.replace("-9e-5", "nan"),
    ],
)
def test_damaged_tables_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.tab"
    path.write_text(text)
    with pytest.raises((DataError, InputError)):
        GravityField.read(path, 2)
    with pytest.raises(DataError):
        GravityField.read(tmp_path / "missing.tab", 2)


@pytest.mark.parametrize("degree", [-1, 166, 2.5, True])
def test_degrees_out_of_range_are_refused(degree: object) -> None:
    with pytest.raises(InputError, match="0 to 165"):
        GravityField.default(degree)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [[0.0, 0.0, 0.0], [np.nan, 0, 0], [1.0, 2.0], "far"])
def test_unusable_places_are_refused(place: object) -> None:
    with pytest.raises(InputError):
        GravityField.default(4).acceleration_m_s2(place)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        dataclasses.replace(GravityField.default(4), sine=np.zeros((2, 2)))

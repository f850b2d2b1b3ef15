"""Arrays over several horizons, cells that warm, drives that stop."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.plan.elements import Cells, Element, SolarArray
from moonpost.plan.model import DesignRules
from moonpost.power import (
    PowerGroup,
    array_heights_m,
    array_light,
    array_power_w,
    cell_output_factor,
    cell_temperature_k,
    element_sources_w,
    element_supply_w,
    ground_balance_k,
    incidence,
    stopped_array,
)
from moonpost.power.cells import STEFAN_BOLTZMANN_W_M2_K4
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M

RULES = DesignRules(start="2035", dust_loss=0.0, array_loss_per_year=0.0, source="test", confidence="C")


def sun(azimuth_deg, elevation_deg):
    azimuth = np.atleast_1d(np.asarray(azimuth_deg, dtype=float))
    return SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + np.arange(azimuth.size) * np.timedelta64(3600, "s"),
        azimuth_deg=azimuth,
        elevation_deg=np.broadcast_to(np.asarray(elevation_deg, dtype=float), azimuth.shape),
        distance_m=np.full(azimuth.shape, ASTRONOMICAL_UNIT_M),
    )


def tall(height_m=10.0, mast_m=7.0, **fields):
    return SolarArray(
        kind="solar", rated_w=1000.0, mount="vertical-tracking", mast_m=mast_m, height_m=height_m, **fields
    )


@given(height=st.floats(0, 40), gap=st.floats(0, 20), strip=st.floats(0.3, 9))
def test_strips_cover_the_array_evenly(height, gap, strip):
    array = tall(round(height, 3), round(0.5 * height + gap, 3) + 0.001)
    heights = np.array(array_heights_m(array, strip))
    assert heights.mean() == pytest.approx(array.mast_m, abs=1e-3)
    if heights.size > 1:
        assert np.diff(heights) == pytest.approx(array.height_m / heights.size, abs=2e-3)
        assert array.height_m / heights.size <= strip + 1e-9


def test_an_array_without_extent_needs_its_mast_only():
    assert array_heights_m(tall(0.0, 10.0)) == (10.0,)
    assert array_heights_m(tall(2.5, 10.0)) == (10.0,)


def test_light_that_grows_with_height_is_averaged():
    array = tall()
    light = {height: [height / 20.0] for height in array_heights_m(array)}
    assert array_light(array, light, 1)[0] == pytest.approx(array.mast_m / 20.0)
    with pytest.raises(InputError, match=r"3\.25"):
        array_light(array, {7.0: [1.0]}, 1)


def test_groups_and_elements_ask_for_every_strip():
    element = Element(
        id="x", name="X", owner="a", kind="power", mission="m", maturity="new", source="test", confidence="C",
        generators=(tall(), SolarArray(kind="solar", rated_w=10.0, mount="horizontal", mast_m=1.0)),
    )  # fmt: skip
    heights = PowerGroup("x", (element,)).masts_m
    assert heights == (1.0, 3.25, 5.75, 8.25, 10.75)
    light = {h: [1.0 if h > 5.0 else 0.0] for h in heights}
    arrays, others = element_sources_w(element, sun(0.0, 0.0), light, 0.0, RULES)
    assert arrays[0] == pytest.approx(750.0)
    assert others[0] == 0.0
    assert element_supply_w(element, sun(0.0, 0.0), light, 0.0, RULES)[0] == pytest.approx(750.0)


@pytest.mark.parametrize("sunlight", [1361.0, 700.0, 1.0])
@pytest.mark.parametrize("absorptance", [0.9, 0.75])
def test_cell_temperature_against_the_closed_form(sunlight, absorptance):
    """Without a coefficient: ((a - eta) S / (2 e sigma))^(1/4)."""
    cells = Cells(temperature_coefficient_per_k=0.0, absorptance=absorptance)
    expected = ((absorptance - 0.30) * sunlight / (2 * 0.85 * STEFAN_BOLTZMANN_W_M2_K4)) ** 0.25
    assert cell_temperature_k(cells, sunlight) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(
    sunlight=st.floats(0, 1500),
    ground=st.floats(0, 400),
    beta=st.floats(-0.01, 0),
    efficiency=st.floats(0.05, 0.5),
)
@example(sunlight=431.0, ground=1.0, beta=-0.009765625, efficiency=0.5)
@example(
    sunlight=999.9518265994274,
    ground=174.44922577483578,
    beta=-0.006793783474056026,
    efficiency=0.46722193277726476,
)
def test_what_comes_in_goes_out(sunlight, ground, beta, efficiency):
    cells = Cells(efficiency=efficiency, temperature_coefficient_per_k=beta)
    warm = float(cell_temperature_k(cells, sunlight, ground))
    eta = efficiency * float(cell_output_factor(cells, max(warm, 1.0)))
    come = max(0.9 - eta, 0.0) * sunlight + 0.85 * 0.95 * STEFAN_BOLTZMANN_W_M2_K4 * ground**4
    gone = 2 * 0.85 * STEFAN_BOLTZMANN_W_M2_K4 * warm**4
    assert gone == pytest.approx(come, rel=1e-8, abs=1e-8)


def test_warm_cells_give_less_and_ground_warms_them():
    cells = Cells()
    plain, warm = tall(0.0, 2.0), tall(0.0, 2.0, cells=cells)
    view = sun(np.zeros(3), [0.5, 30.0, 60.0])
    rated = array_power_w(plain, view, 1.0, 0.0, RULES)
    given = array_power_w(warm, view, 1.0, 0.0, RULES)
    assert ((given < rated) & (given > 0.7 * rated)).all()
    cold = array_power_w(warm, view, 1.0, 0.0, RULES, surface_k=0.0)
    hot = array_power_w(warm, view, 1.0, 0.0, RULES, surface_k=380.0)
    assert (hot < cold).all()
    assert array_power_w(warm, view, 0.0, 0.0, RULES).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(InputError, match="surface_k"):
        array_power_w(warm, view, 1.0, 0.0, RULES, surface_k=-1.0)


def test_cold_cells_gain_no_more_below_their_measured_range():
    assert cell_output_factor(Cells(), 30.0) == cell_output_factor(Cells(), 173.15)
    assert cell_output_factor(Cells(temperature_coefficient_per_k=-0.01), 500.0) == 0.0


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_impossible_cells_are_refused(bad):
    for call in (lambda: cell_temperature_k(Cells(), bad), lambda: cell_temperature_k(Cells(), 1.0, bad),
                 lambda: cell_output_factor(Cells(), bad), lambda: ground_balance_k(bad)):  # fmt: skip
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize("mount", ["vertical-tracking", "two-axis"])
def test_a_stopped_array_faces_where_it_did(mount):
    array = SolarArray(kind="solar", rated_w=1.0, mount=mount)
    stuck = stopped_array(array, -30.0, 4.0)
    there = sun([-30.0, 60.0], [4.0, 4.0])
    assert incidence(stuck, there)[0] == pytest.approx(incidence(array, there)[0], abs=1e-12)
    assert incidence(stuck, there)[1] < 0.01
    assert stopped_array(tall(mast_m=7.0), -0.0, -1.0).azimuth_deg == 0.0
    with pytest.raises(InputError):
        stopped_array(array, np.nan, 0.0)

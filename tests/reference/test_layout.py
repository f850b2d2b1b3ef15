"""Layout, long life and oxygen plants beside numbers from outside the project."""

from __future__ import annotations

import math

import numpy as np
import pytest

from moonpost.design import dose
from moonpost.design.cables import CONDUCTORS
from moonpost.design.dose import cosmic_ray_dose, solar_event_dose
from moonpost.design.isru import resource_plant
from moonpost.design.isruheat import SOILS, regolith_heat_j_kg
from moonpost.design.plume import ballistic_range_m, ejecta_at, ejecta_speed_m_s
from moonpost.design.shadowing import shadow_length_m
from moonpost.design.spares import enough_probability
from moonpost.design.standoff import reactor_distance_m, reactor_dose
from moonpost.design.wear import dust_cover


def test_a_ten_metre_mast_throws_380_m_at_one_and_a_half_degrees() -> None:
    """The figure of the station's design brief, rounded to 10 m; 382 m on a plane."""
    assert shadow_length_m(10.0, 1.5) == pytest.approx(380.0, abs=5.0)


def test_speeds_of_blown_soil_are_those_of_apollo() -> None:
    """NASA (2011), to protect Apollo's sites: 300 to 2000 m/s, the smallest fastest, at 1 to 3 deg.

    Surveyor 3, some 160 m from Apollo 12: at least 70 m/s (Jaffe 1971, doi:10.1126/science.171.3973.798), 400 to
    2500 m/s (Immer et al. 2008). Dust is taken as 10 to 150 um; the law was laid through 2000 and 400 m/s, so that
    it agrees at its ends is no check, that it covers the range between is. Speeds are whole powers of ten apart
    from those of cobbles, so 10 % is as good as it needs.
    """
    dust = ejecta_speed_m_s(np.geomspace(1e-5, 1.5e-4, 20))
    assert dust.min() >= 0.9 * 300
    assert dust.max() <= 2000.0
    assert (np.diff(dust) < 0).all()
    surveyor = ejecta_at(160.0, 6900.0)
    assert surveyor.slowest_m_s < 70.0 < 400.0 < surveyor.fastest_m_s
    # It was sandblasted all over where it was not in the shade of the crater's rim.
    assert surveyor.pitted > 0.9


def test_fast_grains_go_far_round_the_moon() -> None:
    """NASA science news after Metzger: 1.7 km/s horizontally travels halfway round, 2 km/s can circle the Moon.

    Halfway is a round figure: at 1 to 3 deg, 1.7 km/s (1.2 % above circular speed) comes down past the antipode.
    """
    for angle in (1.0, 2.0, 3.0):
        assert math.pi < ballistic_range_m(1700.0, angle) / 1_737_400.0 < 2 * math.pi
        assert ballistic_range_m(2000.0, angle) / 1_737_400.0 > 1.8 * math.pi


def test_resistivity_of_metals() -> None:
    """Handbook values at 293 K: copper 1.678e-8, aluminium 2.65e-8 ohm m; 1 % for rounding."""
    assert CONDUCTORS["copper"].at_ohm_m(293.0) == pytest.approx(1.678e-8, rel=0.01)
    assert CONDUCTORS["aluminium"].at_ohm_m(293.0) == pytest.approx(2.65e-8, rel=0.01)


def test_a_shielded_plant_meets_the_dose_asked_of_it() -> None:
    """NASA's 40 kWe plant: below 5 rem (50 mSv) a year at 1 km, from memory of the call of 2021.

    The default shield (1e-4) was chosen to meet it with 160 kW of heat, so this is a regression and no check.
    """
    assert reactor_dose(160e3, 1000.0).equivalent_sv_year == pytest.approx(0.05, rel=0.1)


def test_soil_alone_shields_a_pit_as_published() -> None:
    """Johnson (2006), AIP Conf. Proc. 813, 701: 1,320 kW of heat in a pit, under 0.6 mrem/h at 100 m.

    Its 1,020 kg shield and the soil together must let through under 5e-9 in our terms, which is what 4.5 m of
    packed soil does here: the slant path from a pit a few metres deep to a point 100 m off is longer than that.
    Only the order can be told, since the paper's geometry is not known to us.
    """
    open_sv_h = reactor_dose(1.32e6, 100.0, shield=1.0).equivalent_sv_year / 8766.0
    assert 1e-10 < 6e-6 / open_sv_h < 1e-6
    through = reactor_dose(1.32e6, 100.0, shield=1.0, soil_kg_m2=5.0 * 1800.0).equivalent_sv_year / 8766.0
    assert through < 6e-6


def test_a_metre_of_soil_brings_a_plant_as_near_as_published() -> None:
    """Marrone et al. (2025), doi:10.3390/aerospace12010058: shielding with regolith, over 2.5 km becomes 90 m.

    A factor of 28 in distance. How thick their wall is we do not know; half a metre to two are what can be built.
    """
    plain = reactor_distance_m(260e3, 0.05)
    walls = [plain / reactor_distance_m(260e3, 0.05, soil_kg_m2=1800.0 * depth_m) for depth_m in (0.5, 1.0, 2.0)]
    assert walls[0] < 2500.0 / 90.0 < walls[2]
    assert walls[1] == pytest.approx(2500.0 / 90.0, rel=0.5)


def test_spares_of_a_textbook() -> None:
    """Blanchard, Logistics engineering (from memory): 20 parts, 1e-4 failures an hour, 90 days, 95 %.

    Mean demand 4.32; the nomograph gives 8 spares.
    """
    mean = 20 * 1e-4 * 24 * 90
    assert mean == pytest.approx(4.32)
    assert enough_probability(7, mean) < 0.95 <= enough_probability(8, mean)


def test_dust_of_change_3_and_of_apollo() -> None:
    """Li et al. (2019), doi:10.1029/2019JE006054: 21.4 ug/cm2 a year.

    At 10 um that is a cover of 1 % a year; the plan's loss of 1 % a year for arrays is of that order. A factor of
    two for the unknown size of grains.
    """
    assert 0.005 < dust_cover(1.0) < 0.02


def test_dose_of_change_4() -> None:
    """Zhang et al. (2020), doi:10.1126/sciadv.aaz1334: 13.2 uGy/h and 57.1 uSv/h, mean quality factor 4.3.

    The model takes these, so they are its anchor; the year's sum is beside Reitz et al. (2012), 380 mSv a year at
    solar minimum (computed, 25 % lower), and 110 at maximum, where ours is 200: told in the docs.
    """
    gray, sievert = cosmic_ray_dose()
    assert gray == pytest.approx(13.2e-6 * 8766)
    assert sievert / gray == pytest.approx(4.3, abs=0.05)
    assert 0.38 <= sievert < 1.4 * 0.38
    assert 0.11 < cosmic_ray_dose(activity=1.0)[1] < 0.22


def test_cosmic_rays_below_ground() -> None:
    """Dobynde and Guo (2024), doi:10.1038/s41550-024-02287-8: a slight rise below the surface, negligible at 3 m.

    Negligible is read as under 5 % of the surface's; density 1800 kg/m3.
    """
    assert cosmic_ray_dose(0.2 * 1800.0)[1] > cosmic_ray_dose()[1]
    assert cosmic_ray_dose(3.0 * 1800.0)[1] < 0.05 * cosmic_ray_dose()[1]


def test_ranges_of_protons_in_aluminium() -> None:
    """PSTAR (NIST, from memory): 0.170, 10.0, 33.4 g/cm2 at 10, 100, 200 MeV; 3 % for a power law."""
    for energy, listed in ((10.0, 0.170), (100.0, 10.0), (200.0, 33.4)):
        assert dose._RANGE * energy**dose._POWER == pytest.approx(listed, rel=0.03)


def test_a_worst_event_on_the_surface() -> None:
    """Reitz et al. (2012): an exposure of about 1 Sv from the worst events. Organs lie behind some 10 g/cm2.

    Ours behind 100 kg/m2: 0.70 Gy to tissue, 1.0 Sv at a quality factor of 1.4; a factor of two for the body's
    shape.
    """
    assert 0.5 < 1.4 * solar_event_dose(100.0)[1] < 2.0


def test_energy_of_hydrogen_reduction() -> None:
    """Leger et al. (2025), doi:10.1073/pnas.2306146122: 24.3 +- 5.8 kWh/kg of liquid oxygen at 10 wt% of ilmenite.

    Their feed is sorted; ours is mare soil as it lies, 16 % iron oxide. Within their error.
    """
    assert resource_plant("hydrogen", soil="mare").kwh_kg == pytest.approx(24.3, abs=5.8)


def test_oxygen_from_soils_by_hydrogen() -> None:
    """Allen et al. (1994): 2 to 5 wt% from mare soil. Gibson et al. (1994): 2.93 to 4.61 from basalt 70035.

    Allen et al. (1996), from memory: yield [wt%] = 0.19 Fe + 0.55. Ours falls 2 % below for mare and 30 % for
    highland soil, whose silicates give a little too.
    """
    mare, highland = (resource_plant("hydrogen", soil=name).yield_fraction for name in ("mare", "highland"))
    assert 0.02 < mare < 0.05
    for found, soil in ((mare, "mare"), (highland, "highland")):
        line = (0.19 * 100 * SOILS[soil].iron + 0.55) / 100
        assert found == pytest.approx(line, rel=0.35)


def test_electrolysis_of_molten_regolith_pays_back_its_mass() -> None:
    """Schreiner et al. (2015), IEEE Aerospace: 7 kg of oxygen a year for a kg of system, from 2,500 kg a year on.

    Their system holds its power supply: taken as 20 kg/kW. A factor of two, since our parts are laws of one line.
    """
    plant = resource_plant("electrolysis", 2500.0)
    system = plant.mass_kg + 0.020 * plant.power_w
    assert 3.5 < 2500.0 / system < 14.0


def test_the_cell_needs_no_less_than_its_oxides() -> None:
    """Faraday, 4 electrons for each O2; oxides of regolith split at 1 to 2.5 V (Ellingham, from memory)."""
    plant = resource_plant("electrolysis")
    volts = 3600 * plant.energy_wh_kg["reduction"] / (4 * 96485.33 / 31.9988e-3)
    assert 1.0 < volts < 2.5


def test_heat_of_ice_and_of_water() -> None:
    """Sublimation 2.83 MJ/kg; splitting of water 39.4 kWh for a kg of hydrogen (higher heating value)."""
    plant = resource_plant("ice", product="water", capture=1.0, ground_k=100.0)
    assert plant.energy_wh_kg["sublimation"] * 3600 == pytest.approx(
        2.83e6 + 0.5 * 7.8 * (270**2 - 100**2), rel=2e-3
    )
    oxygen = resource_plant("ice", electrolyser_efficiency=1.0)
    assert oxygen.energy_wh_kg["water splitting"] / 1e3 == pytest.approx(39.4 / 7.94, rel=0.01)


def test_heat_that_brings_regolith_to_the_furnace() -> None:
    """Rule of thumb of such studies: about 1 MJ/kg to 1000 C. A fifth for the fits of the capacity."""
    assert regolith_heat_j_kg(250.0, 1273.0) == pytest.approx(1.0e6, rel=0.2)

"""Question 1: the longest darkness of a place at several mast heights, and the battery that bridges it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.design.requirement import StorageRequirement, storage_for_load
from moonpost.errors import InputError
from moonpost.plan import DesignRules, SolarArray, Storage
from moonpost.power.ensembles import NeedSpread, perturbed_horizons_deg
from moonpost.study.heights import shipped_between
from moonpost.study.lightmembers import errors_of

if TYPE_CHECKING:
    from moonpost.sky import Almanac, Apparent
    from moonpost.sky.times import TimeLike
    from moonpost.terrain import HorizonProfile, LightStatistics

__all__ = ["Bridge", "BridgeSpread", "Bridging", "bridging"]

Floats = npt.NDArray[np.float64]

_STEP_S = 600.0
_MOST_YEARS = 60.0
_MOST_MEMBERS = 1000


@dataclass(frozen=True)
class BridgeSpread:
    """Darkness and battery over an ensemble of terrain errors.

    Parameters
    ----------
    longest_dark_d : NeedSpread
        Longest darkness [d].
    battery_wh : NeedSpread
        Rated energy of the battery for the worst deficit [Wh].
    method : str
        ``"heights"``: errors of all terrain; ``"horizon"``: of the ridges of a known horizon alone.

    Examples
    --------
    >>> from moonpost.study.bridging import bridging  # see there
    """

    longest_dark_d: NeedSpread
    battery_wh: NeedSpread
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "longest_dark_d": self.longest_dark_d.to_dict(),
            "battery_wh": self.battery_wh.to_dict(),
            "method": self.method,
        }


@dataclass(frozen=True, eq=False)
class Bridge:
    """Darkness and battery at one mast height.

    Parameters
    ----------
    profile : HorizonProfile
        The horizon that was used.
    statistics : LightStatistics
        Light and darkness of the period, by events to a minute.
    dark_wh : float
        Rated energy of a battery for the longest darkness alone [Wh].
    need : StorageRequirement
        Battery for the worst deficit, with the array.
    spread : BridgeSpread or None
        Over terrain errors, if asked for.

    Examples
    --------
    >>> from moonpost.study.bridging import bridging  # see there
    """

    profile: HorizonProfile
    statistics: LightStatistics
    dark_wh: float
    need: StorageRequirement
    spread: BridgeSpread | None = None

    def to_dict(self, storage: Storage) -> dict[str, Any]:
        """Plain data for JSON.

        Parameters
        ----------
        storage : Storage
            The battery's kind, for its mass.
        """
        found, spell = self.statistics, self.statistics.longest_dark
        row = {
            "mast_m": self.profile.mast_m,
            "average_illumination": found.average_illumination,
            "percent_lit": found.percent_lit,
            "longest_dark_d": found.longest_dark_d,
            "dark_start_utc": None if spell is None else spell.start,
            "dark_stop_utc": None if spell is None else spell.stop,
            "cut_by_period": spell is not None and spell.open,
            "dark_battery_wh": self.dark_wh,
            "dark_battery_kg": self.dark_wh / storage.specific_energy_wh_kg,
            "battery_wh": self.need.nameplate_wh if self.need.sustainable else None,
            "battery_kg": self.need.mass_kg if self.need.sustainable else None,
            "sustainable": self.need.sustainable,
            "shortfall_w": self.need.shortfall_w,
            "deficit_start_utc": self.need.start,
            "deficit_deepest_utc": self.need.deepest,
            "grade": self.profile.grade,
        }
        return row if self.spread is None else row | {"uncertainty": self.spread.to_dict()}


@dataclass(frozen=True, eq=False)
class Bridging:
    """Darkness and battery at several mast heights of one place.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        The place [deg].
    start, stop : datetime64
        The period, UTC.
    load_w : float
        Constant load on the bus [W].
    array : SolarArray
        The array that charges the battery, at each height in turn.
    storage : Storage
        The battery's kind.
    bridges : tuple of Bridge
        By height, lowest first.
    sun : Apparent
        The Sun every ten minutes.
    light_by_mast : dict of float to ndarray, (n,)
        Fraction of the Sun's disc in view by height [m].

    Examples
    --------
    >>> from moonpost.study.bridging import bridging  # see there
    """

    latitude_deg: float
    longitude_deg: float
    start: np.datetime64
    stop: np.datetime64
    load_w: float
    array: SolarArray
    storage: Storage
    bridges: tuple[Bridge, ...]
    sun: Apparent
    light_by_mast: dict[float, Floats]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: what was assumed, and a row for each height."""
        return {
            "latitude_deg": self.latitude_deg,
            "longitude_deg": self.longitude_deg,
            "from_utc": self.start,
            "to_utc": self.stop,
            "load_w": self.load_w,
            "array_w": self.array.rated_w,
            "mount": self.array.mount,
            "depth_of_discharge": self.storage.depth_of_discharge,
            "charge_efficiency": self.storage.charge_efficiency,
            "discharge_efficiency": self.storage.discharge_efficiency,
            "specific_energy_wh_kg": self.storage.specific_energy_wh_kg,
            "rows": [bridge.to_dict(self.storage) for bridge in self.bridges],
            "assumptions": list(_ASSUMED),
            "terrain": self.bridges[0].profile.provenance.get("terrain"),
        }


_ASSUMED = (
    "Dark: no part of the Sun's disc over the horizon; lengths by events to a minute.",
    "The load is constant on the bus, as stated and without margins.",
    "dark_battery: load x longest darkness over discharge efficiency and depth of discharge.",
    "battery: for the worst cumulative deficit with the array (sequent peak), steps of ten minutes, battery full "
    "at the start; array at the mast's height, 8 % lost between array and bus, no dust and no ageing.",
)


def bridging(
    latitude_deg: float,
    longitude_deg: float,
    masts_m: Sequence[float],
    start: TimeLike = "2030-01-01",
    stop: TimeLike = "2031-01-01",
    *,
    load_w: float = 1000.0,
    array_w: float | None = None,
    storage: Storage | None = None,
    terrain: Sequence[str] = (),
    eclipses: bool = False,
    members: int = 0,
    seed: int = 0,
    almanac: Almanac | None = None,
) -> Bridging:
    """Longest darkness of a place at several mast heights, and the battery that bridges it.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        The place [deg].
    masts_m : sequence of float
        Heights above ground [m].
    start, stop : time
        The period, UTC.
    load_w : float, default 1000.0
        Constant load on the bus [W].
    array_w : float, optional
        Rated power of an upright array that follows the Sun, at each height [W]; three times the load if absent.
    storage : Storage, optional
        Efficiencies, depth of discharge and specific energy of the battery; those of the schema if not given.
    terrain : sequence of str
        Terrain files, finest first; shipped horizons or the built-in grid if none.
    eclipses : bool, default False
        Whether the Earth's shadow counts as darkness.
    members : int, default 0
        Horizons in an ensemble of terrain errors; 0 for none.
    seed : int, default 0
        Which random numbers.
    almanac : Almanac, optional
        Where bodies are; the default kernels if not given.

    Returns
    -------
    Bridging

    Raises
    ------
    InputError
        If a number is out of range.
    TerrainError, DateError
        As from horizons and kernels.

    Notes
    -----
    A battery for the longest darkness alone is too small where several darknesses follow one another before it is
    full again: `battery_wh` is for the worst cumulative deficit. Eclipses enter the darkness alone, not the light
    of the array.

    Examples
    --------
    >>> found = bridging(-89.4395, 222.8066, [2.0, 10.0], "2030-06-01", "2030-08-01", load_w=100.0)
    >>> [row["mast_m"] for row in found.to_dict()["rows"]]
    [2.0, 10.0]
    """
    from moonpost.sky import Almanac, as_utc, times
    from moonpost.terrain import illumination, light_statistics

    first, last = (as_utc(value).reshape(-1)[0] for value in (start, stop))
    heights = _checked(masts_m, load_w, array_w, members, float((last - first) / np.timedelta64(1, "D")))
    sky = almanac or Almanac.default()
    store = storage or Storage(capacity_wh=1.0)
    array = SolarArray(kind="solar", rated_w=array_w or 3.0 * load_w, mount="vertical-tracking")
    rules = DesignRules(
        start="2030", dust_loss=0.0, array_loss_per_year=0.0, source="moonpost.study.bridging", confidence="C"
    )
    bridges: list[Bridge] = []
    light_by_mast: dict[float, Floats] = {}
    sun: Apparent | None = None
    for mast_m in heights:
        profile = _profile(latitude_deg, longitude_deg, mast_m, terrain)
        sun = sun or sky.sun(profile.site, times(first, last, _STEP_S))
        light = light_by_mast[mast_m] = illumination(profile, sun)
        found = light_statistics(profile, sky, first, last, eclipses=eclipses)
        whole = load_w * found.longest_dark_d * 24.0 / store.discharge_efficiency
        need = storage_for_load(load_w, light, array, sun, rules, storage=store)
        spread = None
        if members:
            horizons, method = _horizons(profile, terrain, members, seed)
            spread = _spread(profile, horizons, method, (sky, first, last), (sun, array, rules, store, load_w))
        bridges.append(Bridge(profile, found, whole / store.depth_of_discharge, need, spread))
    assert sun is not None
    return Bridging(
        latitude_deg, longitude_deg, first, last, load_w, array, store, tuple(bridges), sun, light_by_mast
    )


def _checked(
    masts_m: Sequence[float], load_w: float, array_w: float | None, members: int, days: float
) -> list[float]:
    """Heights without repeats, lowest first; raise for numbers out of range."""
    heights = sorted(set(map(float, masts_m)))
    if not heights or not all(math.isfinite(h) and 0.0 <= h <= 200.0 for h in heights):
        raise InputError(f"{list(masts_m)}", where="masts_m", advice="give heights from 0 to 200 m")
    for name, value in (("load_w", load_w), ("array_w", array_w)):
        if value is not None and not (math.isfinite(value) and value > 0.0):
            raise InputError(f"{value}", where=name, advice="give watts above 0")
    if not 0 <= members <= _MOST_MEMBERS:
        raise InputError(f"{members}", where="members", advice=f"give 0 to {_MOST_MEMBERS}")
    if not 1.0 <= days <= _MOST_YEARS * 366.0:
        raise InputError(f"{days:g} days", where="stop", advice=f"give a day to {_MOST_YEARS:g} years")
    return heights


def _profile(latitude_deg: float, longitude_deg: float, mast_m: float, terrain: Sequence[str]) -> HorizonProfile:
    """From the files given, else shipped, else from the built-in grid."""
    from moonpost.terrain import horizon_from_files

    shipped = None if terrain else shipped_between(latitude_deg, longitude_deg, mast_m)
    return shipped or horizon_from_files(terrain, latitude_deg, longitude_deg, mast_m)


def _horizons(profile: HorizonProfile, terrain: Sequence[str], members: int, seed: int) -> tuple[Floats, str]:
    """Horizons of the members, (azimuths, 1 + members), without errors first, and how they were made."""
    from moonpost.terrain.ensemblehorizons import height_noise, horizon_members
    from moonpost.terrain.skyline import terrain_from_files

    site = profile.site
    if not terrain and shipped_between(site.latitude_deg, site.longitude_deg, profile.mast_m) is not None:
        moved = perturbed_horizons_deg(
            profile.azimuth_deg, profile.elevation_deg, profile.distance_m, errors_of(profile), members=members,
            seed=seed,
        )  # fmt: skip
        return np.column_stack((profile.elevation_deg, moved.T)), "horizon"
    ground = terrain_from_files(tuple(terrain), site.latitude_deg)
    noise = height_noise(ground, site)
    made = horizon_members(
        ground, site, profile.mast_m, len(profile.azimuth_deg), members=members, noise=noise, seed=seed
    )
    return made, "heights"


def _spread(
    profile: HorizonProfile, horizons: Floats, method: str, period: tuple[Any, Any, Any], case: tuple[Any, ...]
) -> BridgeSpread:
    """Longest darkness and battery behind every horizon."""
    from moonpost.terrain import illumination
    from moonpost.terrain.spellmaps import body_paths, longest_spells

    sun, array, rules, store, load_w = case
    paths = body_paths(period[0], profile.site, period[1], period[2])
    dark = longest_spells(paths, horizons, spells=("longest_dark_d",))["longest_dark_d"].astype(np.float64)
    needs = []
    for elevation_deg in horizons.T:
        light = illumination(dataclasses.replace(profile, elevation_deg=elevation_deg), sun)
        found = storage_for_load(load_w, light, array, sun, rules, storage=store)
        needs.append(found.nameplate_wh if found.sustainable else math.inf)
    return BridgeSpread(
        NeedSpread.of(float(dark[0]), dark[1:].tolist()), NeedSpread.of(needs[0], needs[1:]), method
    )

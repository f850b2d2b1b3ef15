"""What the figures draw, taken from a study's series: windows of time, the Sun at other sites, machine states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.study.results import DormancyRow, LightRow, StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "LUNAR_MONTH_D",
    "Floats",
    "Spells",
    "awake_spells",
    "daily",
    "dormancy_span",
    "main_bus",
    "month_edges",
    "station_mast_m",
    "sun_at",
    "sun_band",
    "worst_month",
]

Floats = npt.NDArray[np.float64]
Series = Mapping[str, "xr.Dataset"]

LUNAR_MONTH_D = 29.530589
"""Mean time from one local noon to the next on the Moon [d] (Meeus 1998, Astronomical Algorithms, chapter 49)."""


def main_bus(record: StudyRecord, series: Series) -> str | None:
    """The power system of the station: the first that the simulation lists; None without one."""
    year = series.get("operate-year")
    if year is None or not year.sizes.get("bus"):
        return None
    known = [str(name) for name in year["bus"].values]
    listed = [row.subject for row in record.operate.balances if row.subject in known]
    return (listed or known)[0]


def station_mast_m(record: StudyRecord, series: Series) -> float | None:
    """Height whose light the station's storage is sized for [m], among those with a series."""
    light = series.get("site-light")
    if light is None:
        return None
    heights = [float(mast_m) for mast_m in light["mast_m"].values]
    wanted = record.design.storage[0].mast_m if record.design.storage else max(heights)
    return min(heights, key=lambda mast_m: abs(mast_m - wanted))


def worst_month(record: StudyRecord, series: Series) -> tuple[np.datetime64, np.datetime64] | None:
    """The lunar month about the time at which the station's battery is lowest in the year in detail.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.

    Returns
    -------
    start, stop : numpy.datetime64
        UTC, one mean lunar month apart where the year allows; None without a simulated year.
    """
    bus = main_bus(record, series)
    if bus is None:
        return None
    year = series["operate-year"]
    time = year["time"].values
    charge = year["stored_fraction"].sel(bus=bus).values
    half = np.timedelta64(round(LUNAR_MONTH_D / 2 * 86400), "s")
    middle = time[int(np.argmin(charge))]
    start = min(max(middle - half, time[0]), max(time[-1] - 2 * half, time[0]))
    return start, min(start + 2 * half, time[-1])


def month_edges(light: xr.Dataset, latitude_deg: float) -> npt.NDArray[np.intp]:
    """Indices of the samples that follow local solar noon, when the Sun crosses the meridian towards the equator.

    Parameters
    ----------
    light : xarray.Dataset
        With `sun_azimuth_deg` over time.
    latitude_deg : float
        The site's latitude [deg]; its sign says on which side the Sun stands at noon.

    Returns
    -------
    ndarray of int
        One index for each noon.
    """
    noon_deg = 0.0 if latitude_deg < 0 else 180.0
    turned = np.unwrap(light["sun_azimuth_deg"].values.astype(np.float64) - noon_deg, period=360.0)
    turns = np.floor(turned / 360.0)
    return np.flatnonzero(np.diff(turns) != 0) + 1


def daily(
    time: npt.NDArray[Any], values: Floats, unit: str = "D"
) -> tuple[npt.NDArray[Any], Floats, Floats, Floats]:
    """Mean, least and most of each UTC day, or of another unit of time.

    Parameters
    ----------
    time : ndarray of datetime64
        Times, ascending.
    values : ndarray
        One value for each.
    unit : str
        NumPy's letter for the unit: ``"D"`` or ``"h"``.

    Returns
    -------
    day, mean, least, most : ndarray
        One entry for each day that has samples.
    """
    days = time.astype(f"datetime64[{unit}]")
    first: Any = np.concatenate(([0], np.flatnonzero(np.diff(days).astype(np.int64) > 0) + 1))
    count = np.diff(np.concatenate((first, [len(days)])))
    mean: Any = np.add.reduceat(values, first) / count
    least: Any = np.minimum.reduceat(values, first)
    most: Any = np.maximum.reduceat(values, first)
    return days[first], mean, least, most


def sun_at(record: StudyRecord, light: xr.Dataset, row: LightRow) -> tuple[Floats, Floats]:
    """Azimuth and elevation of the Sun at a site [deg], turned over from the baseline's.

    Parameters
    ----------
    record : StudyRecord
        The study's record, for the baseline's place.
    light : xarray.Dataset
        The baseline's series.
    row : LightRow
        The site.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Over the times of `light`.

    Notes
    -----
    The Sun is taken as infinitely far, so that its direction is the same at both sites. The parallax that this
    neglects is below the Moon's diameter over one astronomical unit, 0.0014 deg.
    """
    home = next(item for item in record.site.rows if item.site == record.site.baseline)
    azimuth = np.deg2rad(light["sun_azimuth_deg"].values.astype(np.float64))
    elevation = np.deg2rad(light["sun_elevation_deg"].values.astype(np.float64))
    local = np.stack((np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)))
    there = _axes(row.latitude_deg, row.longitude_deg) @ (_axes(home.latitude_deg, home.longitude_deg).T @ local)
    turned = np.degrees(np.arctan2(there[0], there[1])) % 360.0
    return turned, np.degrees(np.arcsin(np.clip(there[2], -1.0, 1.0)))


def _axes(latitude_deg: float, longitude_deg: float) -> Floats:
    """East, north and up at a place, as rows."""
    lat, lon = np.deg2rad(latitude_deg), np.deg2rad(longitude_deg)
    up = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    east = (-np.sin(lon), np.cos(lon), 0.0)
    north = (-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat))
    return np.array((east, north, up))


def sun_band(azimuth_deg: Floats, elevation_deg: Floats, step_deg: float = 2.0) -> tuple[Floats, Floats, Floats]:
    """Lowest and highest Sun for each direction.

    Parameters
    ----------
    azimuth_deg, elevation_deg : ndarray
        The Sun over time [deg].
    step_deg : float
        Width of a direction [deg].

    Returns
    -------
    middle_deg, lowest_deg, highest_deg : ndarray
        Directions in which the Sun comes by, and its band there.
    """
    count = round(360.0 / step_deg)
    bins = np.minimum((azimuth_deg / step_deg).astype(np.intp), count - 1)
    lowest: Floats = np.full(count, np.inf)
    highest: Floats = np.full(count, -np.inf)
    np.minimum.at(lowest, bins, elevation_deg)
    np.maximum.at(highest, bins, elevation_deg)
    middle: Floats = (np.arange(count, dtype=np.float64) + 0.5) * step_deg
    lowest[~np.isfinite(lowest)] = np.nan
    highest[~np.isfinite(highest)] = np.nan
    return middle, lowest, highest


def dormancy_span(record: StudyRecord) -> tuple[np.datetime64, np.datetime64]:
    """The time that the sleep and wake events cover.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    first, last : numpy.datetime64
        The year in detail if all events lie in it; else a year from the beginning of the simulation or from the
        first event, or as far as the events go.
    """
    first, last = _utc(record.operate.year_start_utc), _utc(record.operate.year_stop_utc)
    instants = [_utc(row.utc) for row in record.operate.dormancy]
    if not instants or (first <= min(instants) and max(instants) <= last):
        return first, last
    start = _utc(record.operate.start_utc)
    if not start <= min(instants) <= start + _YEAR:
        start = min(instants)
    return start, max(start + _YEAR, max(instants))


_YEAR = np.timedelta64(round(365.25 * 86400), "s")


@dataclass(frozen=True)
class Spells:
    """When a machine is awake in the time that the events cover."""

    vehicle: str
    name: str
    awake: tuple[tuple[np.datetime64, np.datetime64, int], ...]


def awake_spells(record: StudyRecord) -> tuple[Spells, ...]:
    """For each machine the intervals between waking and sleeping, with their lunar day.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    tuple of Spells
        In the order in which the machines appear. A machine whose first event is to fall asleep was awake from
        the beginning.
    """
    first, last = dormancy_span(record)
    machines: dict[str, list[DormancyRow]] = {}
    for row in sorted(record.operate.dormancy, key=lambda item: item.utc):
        machines.setdefault(row.vehicle, []).append(row)
    return tuple(Spells(key, rows[0].name, _between(rows, first, last)) for key, rows in machines.items())


def _between(
    rows: Sequence[DormancyRow], first: np.datetime64, last: np.datetime64
) -> tuple[tuple[np.datetime64, np.datetime64, int], ...]:
    found = []
    since = first if rows[0].event == "sleep" else None
    number = rows[0].lunar_day
    for row in rows:
        if row.event == "wake":
            since, number = _utc(row.utc), row.lunar_day
        elif since is not None:
            found.append((since, _utc(row.utc), number))
            since = None
    if since is not None:
        found.append((since, last, number))
    return tuple(found)


def _utc(text: str) -> np.datetime64:
    return np.datetime64(text.rstrip("Z"), "s")

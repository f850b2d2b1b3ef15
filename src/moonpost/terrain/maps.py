"""Maps of an area: horizons, light, darkness, permanent shadow, and what is in sight of every cell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from moonpost.errors import InputError, UnknownNameError
from moonpost.sky.times import TimeLike
from moonpost.terrain.area import MapArea
from moonpost.terrain.mapbuild import build_maps, checked_azimuths, checked_masts
from moonpost.terrain.mapground import GroundGroup
from moonpost.terrain.mapgroups import HorizonGroup, LightGroup, MapGroup, Period, ShadowGroup, SpellGroup
from moonpost.terrain.mapsights import RelayGroup, StationGroup
from moonpost.terrain.mapvisibility import RelayTrack
from moonpost.terrain.surface import Terrain
from moonpost.terrain.tilerun import Progress

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.sky.almanac import Almanac

__all__ = ["MAPS", "horizon_map", "illumination_map", "site_maps", "visibility_map"]

MAPS = {
    "illumination": "average_illumination",
    "lit": "percent_lit",
    "earth": "earth_visible",
    "earth-disc": "average_earth_disc",
    "dark": "longest_dark_d",
    "light": "longest_light_d",
    "earth-outage": "longest_earth_outage_d",
    "dark-no-earth": "longest_dark_without_earth_d",
    "psr": "psr",
    "stations": "station_visible",
    "relay": "relay_visible",
    "horizon": "horizon_deg",
    "height": "height_m",
    "slope": "slope_deg",
    "roughness": "roughness_m",
}
"""Maps by the names under which they are asked for, and the variable that holds each."""

_LIGHT = ("illumination", "lit", "earth", "earth-disc")
_SPELLS = ("dark", "light", "earth-outage", "dark-no-earth")
_GROUND = ("height", "slope", "roughness")
_SKY = (*_LIGHT, *_SPELLS, "psr", "stations")


def horizon_map(
    terrain: Terrain,
    area: MapArea,
    mast_m: Sequence[float] = (0.0, 2.0, 10.0),
    azimuths: int = 720,
    *,
    out: str | os.PathLike[str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    fresh: bool = False,
) -> xr.Dataset:
    """Compute the horizon of every cell of an area.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files, finest first.
    area : MapArea
        The map.
    mast_m : sequence of float, default (0, 2, 10)
        Heights of the eyes above the ground [m].
    azimuths : int, default 720
        Number of azimuths, clockwise from the top of the map grid.
    out : path-like, optional
        Folder of the Zarr group to write; in memory if not given, for maps of up to 2 GB. If the folder holds a
        part of the same map, the rest is computed.
    workers : int, default 1
        Threads of this process.
    scheduler : str, optional
        Address of a Dask scheduler, or ``local:N`` for N processes on this machine; takes the place of `workers`.
    progress : callable, optional
        Called with a `TileProgress` at the start and after each tile.
    device : {"auto", "cpu", "gpu"}
        Where the horizons are computed; "auto" takes a GPU if there is one.
    fresh : bool, default False
        Whether to throw away what an earlier run left in the folder.

    Returns
    -------
    xarray.Dataset
        ``horizon_deg`` (mast, azimuth, y, x) [deg], stored as 16 bits of 0.01 deg; NaN where the terrain has no
        height. Read from the folder as it is needed.

    Raises
    ------
    InputError
        If an argument is of no use, or the folder holds a map of other inputs.
    OutputError
        If the folder cannot be written; what is done is kept.

    Notes
    -----
    Azimuths are those of the map: on the polar maps one frame for all cells. True azimuth is map azimuth minus
    `MapArea.convergence_deg`. Tiles of 512 cells (fewer with many masts, azimuths or workers) are computed and
    written one by one, so memory does not grow with the map or the number of azimuths.

    References
    ----------
    Mazarico, E. et al. (2011), Illumination conditions of the lunar polar regions using LOLA topography, Icarus
    211, 1066-1081, DOI 10.1016/j.icarus.2010.10.030.

    Examples
    --------
    >>> area = MapArea.about(-89.67, 129.78, 4800.0, cell_m=1600.0)
    >>> found = horizon_map(Terrain.default("south"), area, mast_m=(2.0,), azimuths=8)
    >>> found["horizon_deg"].shape, bool(found["horizon_deg"].max() > 5.0)
    ((1, 8, 3, 3), True)
    """
    azimuths = checked_azimuths(azimuths)
    return build_maps(
        terrain,
        area,
        [HorizonGroup(azimuths)],
        title="Horizons",
        mast_m=checked_masts(mast_m),
        azimuths=azimuths,
        out=out,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        device=device,
        fresh=fresh,
    )


def illumination_map(
    terrain: Terrain,
    area: MapArea,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    mast_m: Sequence[float] = (2.0,),
    azimuths: int = 720,
    spells: bool = False,
    psr: bool = True,
    out: str | os.PathLike[str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    fresh: bool = False,
) -> xr.Dataset:
    """Compute the light of every cell of an area over a period.

    Parameters
    ----------
    terrain, area
        As for `horizon_map`.
    almanac : Almanac
        Where the Sun is.
    start, stop : time
        The period, UTC; 18.6 years hold a cycle of the lunar node.
    mast_m : sequence of float, default (2,)
        Heights of the eyes above the ground [m].
    azimuths : int, default 720
        Number of azimuths of the horizons.
    spells : bool, default False
        Whether to search the longest darkness and the longest light as well.
    psr : bool, default True
        Whether to map permanent shadow as well.
    out, workers, scheduler, progress, device, fresh
        As for `horizon_map`.

    Returns
    -------
    xarray.Dataset
        ``average_illumination`` and ``percent_lit`` (mast, y, x), fractions from 0 to 1; ``psr`` (1 never lit, 0
        lit at times, 255 no height); ``longest_dark_d`` and ``longest_light_d`` [d] if asked for.

    Raises
    ------
    InputError
        If an argument is of no use, or the folder holds maps of other inputs.
    DateError
        If the period lies outside the kernels.
    OutputError
        If the folder cannot be written; what is done is kept.

    Notes
    -----
    Averages are looked up in tables of the Sun's residence (`moonpost.terrain.residence`), one for each 30 km;
    longest spells are searched in time order and right to a minute (`longest_spells`). Permanent shadow is judged
    by the highest Sun of the period, lengthened to 18.61 years if it is shorter, whatever part of the disc shows.
    Horizons are kept in memory for one tile at a time and are not written.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> area = MapArea.about(-89.67, 129.78, 4800.0, cell_m=1600.0)
    >>> found = illumination_map(
    ...     Terrain.default("south"), area, Almanac.default(), "2030-01-01", "2031-01-01", azimuths=72, psr=False
    ... )
    >>> found["average_illumination"].shape
    (1, 3, 3)
    """
    names = ["illumination", "lit", *(["psr"] if psr else []), *(["dark", "light"] if spells else [])]
    return site_maps(
        terrain,
        area,
        almanac,
        start,
        stop,
        maps=names,
        mast_m=mast_m,
        azimuths=azimuths,
        out=out,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        device=device,
        fresh=fresh,
    )


def visibility_map(
    terrain: Terrain,
    area: MapArea,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    of: Literal["earth", "station", "relay"] = "earth",
    stations: Sequence[Any] = (),
    min_elevation_deg: float | None = None,
    relay: RelayTrack | None = None,
    mast_m: Sequence[float] = (2.0,),
    azimuths: int = 720,
    out: str | os.PathLike[str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    fresh: bool = False,
) -> xr.Dataset:
    """Compute how long every cell of an area has the Earth, ground stations or relays in sight.

    Parameters
    ----------
    terrain, area
        As for `horizon_map`.
    almanac : Almanac
        Where the Earth is.
    start, stop : time
        The period, UTC; a relay counts over its own times.
    of : {"earth", "station", "relay"}
        What is to be in sight.
    stations : sequence
        Ground stations on the Earth with `latitude_deg`, `longitude_deg`, `height_m` and `id` or `name`, such as
        those of a plan or `moonpost.sky.stations.GroundStation`.
    min_elevation_deg : float, optional
        Least elevation of the Moon above a station's horizon [deg]; its own `mask_deg` if not given, else 5.
    relay : RelayTrack, optional
        Orbits of relay satellites; one of them in sight is enough.
    mast_m : sequence of float, default (2,)
        Heights of the eyes above the ground [m].
    azimuths : int, default 720
        Number of azimuths of the horizons.
    out, workers, scheduler, progress, device, fresh
        As for `horizon_map`.

    Returns
    -------
    xarray.Dataset
        For the Earth ``earth_visible``, ``average_earth_disc`` and ``longest_earth_outage_d`` (mast, y, x); for
        stations ``station_visible`` and ``longest_station_gap_d`` (station, mast, y, x); for a relay
        ``relay_visible`` and ``longest_relay_gap_d`` (mast, y, x). Shares of the time from 0 to 1; longest
        times without [d].

    Raises
    ------
    InputError
        If an argument is of no use or what is to be in sight is not given.
    DateError
        If the period lies outside the kernels.
    OutputError
        If the folder cannot be written; what is done is kept.

    Notes
    -----
    The Earth is in sight with any part of its disc. A station is a point on it, in sight while the Moon is above
    the station's own least elevation as well. A gap that the period cuts counts with its part.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.sky.stations import GroundStation
    >>> area = MapArea.about(-89.67, 129.78, 4800.0, cell_m=1600.0)
    >>> found = visibility_map(
    ...     Terrain.default("south"), area, Almanac.default(), "2030-01-01", "2030-03-01", of="station",
    ...     stations=[GroundStation("Kashi", 38.4214, 76.7144)], azimuths=72,
    ... )
    >>> found["station_visible"].dims
    ('station', 'mast', 'y', 'x')
    """
    wanted = {"earth": ("earth", "earth-disc", "earth-outage"), "station": ("stations",), "relay": ("relay",)}
    if of not in wanted:
        raise InputError(f"{of!r}", where="of", advice="give 'earth', 'station' or 'relay'")
    return site_maps(
        terrain,
        area,
        almanac,
        start,
        stop,
        maps=wanted[of],
        stations=stations,
        min_elevation_deg=min_elevation_deg,
        relay=relay,
        mast_m=mast_m,
        azimuths=azimuths,
        out=out,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        device=device,
        fresh=fresh,
    )


def site_maps(
    terrain: Terrain,
    area: MapArea,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    maps: Sequence[str] = ("illumination", "lit", "earth", "psr"),
    stations: Sequence[Any] = (),
    min_elevation_deg: float | None = None,
    relay: RelayTrack | None = None,
    mast_m: Sequence[float] = (2.0,),
    azimuths: int = 720,
    out: str | os.PathLike[str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    fresh: bool = False,
) -> xr.Dataset:
    """Compute any maps of an area in one go, from one pass over the horizons.

    Parameters
    ----------
    terrain, area
        As for `horizon_map`.
    almanac, start, stop
        As for `illumination_map`.
    maps : sequence of str
        Names in `MAPS`.
    stations, min_elevation_deg, relay
        As for `visibility_map`.
    mast_m, azimuths, out, workers, scheduler, progress, device, fresh
        As for `horizon_map`.

    Returns
    -------
    xarray.Dataset
        One variable for each map, and with stations and relays one for the longest gap.

    Raises
    ------
    InputError
        If an argument is of no use, or the folder holds maps of other inputs.
    UnknownNameError
        If there is no map of a name.
    DateError
        If the period lies outside the kernels.
    OutputError
        If the folder cannot be written; what is done is kept.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> area = MapArea.about(-89.67, 129.78, 4800.0, cell_m=1600.0)
    >>> found = site_maps(
    ...     Terrain.default("south"), area, Almanac.default(), "2030-01-01", "2031-01-01", maps=["height", "slope"]
    ... )
    >>> found["slope_deg"].attrs["units"]
    'deg'
    """
    names = _checked(maps)
    masts, azimuths = checked_masts(mast_m), checked_azimuths(azimuths)
    groups: list[MapGroup] = []
    if any(name in _SKY for name in names):
        groups += _sky(terrain, area, Period.make(almanac, start, stop), masts, azimuths, names)
        if "stations" in names:
            period = Period.make(almanac, start, stop)
            groups.append(StationGroup(area, period, azimuths, stations, min_elevation_deg))
    if "relay" in names:
        if not isinstance(relay, RelayTrack):
            raise InputError("no orbit given", where="relay", advice="give a RelayTrack")
        groups.append(RelayGroup(area, terrain, masts, relay))
    if "horizon" in names:
        groups.append(HorizonGroup(azimuths))
    ground = [MAPS[name] for name in names if name in _GROUND]
    if ground:
        groups.append(GroundGroup(area, terrain, ground))
    return build_maps(
        terrain,
        area,
        groups,
        title="Light on terrain" if any(name in _SKY for name in names) else "Terrain",
        mast_m=masts,
        azimuths=azimuths,
        out=out,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        device=device,
        fresh=fresh,
    )


def _checked(maps: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys([maps] if isinstance(maps, str) else maps))
    for name in names:
        if name not in MAPS:
            raise UnknownNameError(str(name), MAPS, kind="map", where="maps")
    if not names:
        raise InputError("no map asked for", where="maps", advice=f"give some of {', '.join(MAPS)}")
    return names


def _sky(
    terrain: Terrain, area: MapArea, period: Period, masts: tuple[float, ...], azimuths: int, names: Sequence[str]
) -> list[MapGroup]:
    """Groups that follow the Sun and the Earth over a period."""
    groups: list[MapGroup] = []
    light = [MAPS[name] for name in names if name in _LIGHT]
    if light:
        groups.append(LightGroup(area, period, azimuths, light))
    if "psr" in names:
        groups.append(ShadowGroup(area, period))
    spells = [MAPS[name] for name in names if name in _SPELLS]
    if spells:
        groups.append(SpellGroup(area, terrain, period, masts, spells))
    return groups

"""Light and Earth at one place, step by step: what a power or link budget is run on."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.files import atomic_path
from moonpost.sky.eclipse import earth_shadow
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, iso, times
from moonpost.terrain.area import MapArea
from moonpost.terrain.light import earth_visibility, illumination
from moonpost.terrain.profile import HorizonProfile

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.sky.almanac import Almanac

__all__ = ["SOLAR_CONSTANT_W_M2", "cell_profile", "light_profile", "write_series"]

SOLAR_CONSTANT_W_M2 = 1361.0
"""Total solar irradiance at 1 au [W/m2] (Kopp and Lean 2011, doi:10.1029/2010GL045777)."""
_DANJON = 1.01
_NO_HORIZON = -32768


def light_profile(
    profile: HorizonProfile,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    step_s: float = 3600.0,
    *,
    eclipses: bool = True,
    limb_darkening: bool = False,
    earth_radius_scale: float = _DANJON,
) -> xr.Dataset:
    """Sun and Earth over the horizon of a place, at equal steps of time.

    Parameters
    ----------
    profile : HorizonProfile
        The horizon of the place.
    almanac : Almanac
        Where the Sun and the Earth are.
    start, stop : time
        The period, UTC; the instants are those of `moonpost.sky.times`.
    step_s : float, default 3600.0
        Spacing of the instants [s].
    eclipses : bool, default True
        Whether the Earth's shadow is taken off the light.
    limb_darkening : bool, default False
        Whether shares of the Sun's disc are weighted by limb darkening, see `illumination`.
    earth_radius_scale : float, default 1.01
        Enlargement of the Earth in eclipses for its atmosphere (Danjon).

    Returns
    -------
    xarray.Dataset
        Along ``time`` (UTC): ``sun_azimuth_deg``, ``sun_elevation_deg``, ``sun_distance_m``, ``horizon_deg`` (of
        the ground below the Sun), ``sun_disc`` (share of the disc above the horizon), ``uncovered`` (share outside
        the Earth), ``light`` (their product, or ``sun_disc`` without eclipses), ``irradiance_w_m2`` (on a surface
        that faces the Sun), ``earth_azimuth_deg``, ``earth_elevation_deg``, ``earth_disc``.

    Raises
    ------
    DateError
        If the period lies outside the kernels.
    InputError
        If the period is empty or an argument is out of range.

    Notes
    -----
    Irradiance is 1361 W/m2 (1 au / d)^2 times the light, at the Sun's actual distance. Values hold at the instant,
    not as means over a step: sums over hours miss what begins and ends within one. Light scattered by the ground
    is not part of it. `moonpost.power.power_profile` turns it into the output of arrays.

    References
    ----------
    Kopp, G. and Lean, J. L. (2011), A new, lower value of total solar irradiance, Geophys. Res. Lett. 38, L01706,
    DOI 10.1029/2010GL045777.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> level = HorizonProfile.flat(Site(-89.5, 0.0))
    >>> day = light_profile(level, Almanac.default(), "2030-07-01", "2030-07-02")
    >>> day.sizes["time"], round(float((day["irradiance_w_m2"] / day["light"]).mean()))
    (24, 1324)
    """
    import xarray as xr

    t = times(start, stop, step_s)
    site = profile.site
    sun, earth = almanac.sun(site, t), almanac.earth(site, t)
    disc = illumination(profile, sun, limb_darkening=limb_darkening)
    uncovered = earth_shadow(almanac, site, t, earth_radius_scale)
    light = disc * uncovered if eclipses else disc
    columns: dict[str, tuple[NDArray[Any], str, str]] = {
        "sun_azimuth_deg": (sun.azimuth_deg, "deg", "azimuth of the Sun, clockwise from north"),
        "sun_elevation_deg": (sun.elevation_deg, "deg", "elevation of the Sun's centre, without terrain"),
        "sun_distance_m": (sun.distance_m, "m", "distance of the Sun"),
        "horizon_deg": (profile.at(sun.azimuth_deg), "deg", "elevation of the horizon below the Sun"),
        "sun_disc": (disc, "1", "share of the Sun's disc above the horizon"),
        "uncovered": (uncovered, "1", "share of the Sun's disc that the Earth leaves uncovered"),
        "light": (light, "1", "share of the Sun's disc in sight"),
        "irradiance_w_m2": (
            SOLAR_CONSTANT_W_M2 * sun.distance_factor * light,
            "W/m2",
            "irradiance of a surface that faces the Sun",
        ),
        "earth_azimuth_deg": (earth.azimuth_deg, "deg", "azimuth of the Earth, clockwise from north"),
        "earth_elevation_deg": (earth.elevation_deg, "deg", "elevation of the Earth's centre, without terrain"),
        "earth_disc": (earth_visibility(profile, earth), "1", "share of the Earth's disc above the horizon"),
    }
    return xr.Dataset(
        {
            name: ("time", np.asarray(values), {"units": units, "long_name": text})
            for name, (values, units, text) in columns.items()
        },
        coords={"time": ("time", t, {"long_name": "time, UTC"})},
        attrs={
            "title": "light and Earth at a place",
            "latitude_deg": site.latitude_deg,
            "longitude_deg": site.longitude_deg,
            "height_m": site.height_m,
            "mast_m": profile.mast_m,
            "grade": profile.grade,
            "step_s": float(step_s),
            "eclipses": str(bool(eclipses)),
            "source": _source(profile),
        },
    )


def _source(profile: HorizonProfile) -> str:
    """Names of the terrain files behind a horizon, or what its provenance says instead."""
    files = profile.provenance.get("terrain")
    if isinstance(files, list) and files:
        return ", ".join(str(item.get("name", item)) if isinstance(item, dict) else str(item) for item in files)
    return str(profile.provenance.get("note", "not stated"))


def cell_profile(
    horizon: ArrayLike,
    area: MapArea,
    row: int,
    col: int,
    *,
    height_m: float,
    mast_m: float,
    grade: Literal["site", "screening"] = "screening",
    provenance: dict[str, Any] | None = None,
) -> HorizonProfile:
    """Turn the horizon of a map's cell into a profile of true azimuths.

    Parameters
    ----------
    horizon : array_like, shape (azimuths,)
        Horizon at equally spaced map azimuths (clockwise from the top of the map): int16 in hundredths of a
        degree, or floating point in degrees.
    area : MapArea
        The map.
    row, col : int
        The cell.
    height_m : float
        Height of its ground [m].
    mast_m : float
        Height of the eye above the ground [m].
    grade : {"site", "screening"}
        How far the terrain behind it can be trusted.
    provenance : dict, optional
        Where it comes from.

    Returns
    -------
    HorizonProfile
        At true azimuths, linear between those of the map; distances are not known and 0.

    Raises
    ------
    InputError
        If the cell is not on the map or has no horizon.

    Examples
    --------
    >>> area = MapArea.about(-89.0, 90.0, 3000.0, cell_m=1000.0)
    >>> ridge_to_the_right = np.where(np.arange(720) == 180, 5.0, 0.0)
    >>> profile = cell_profile(ridge_to_the_right, area, 1, 1, height_m=0.0, mast_m=2.0)
    >>> bool(profile.at(-1.0) > 4.0), bool(profile.at(90.0) > 0.0)
    (True, False)
    """
    rows, cols = area.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise InputError(
            f"row {row}, column {col}", where="row, col", advice=f"the map has {rows} by {cols} cells"
        )
    values = np.asarray(horizon)
    if values.dtype == np.int16:
        values = np.where(values == _NO_HORIZON, np.nan, values / 100.0)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(
            f"row {row}, column {col} has no horizon", where="horizon", advice="take a cell with a height"
        )
    latitude, longitude = (float(part[0, 0]) for part in area.places(slice(row, row + 1), slice(col, col + 1)))
    turn = float(area.convergence_deg(latitude, longitude))
    count = values.size
    azimuth = np.arange(count) * 360.0 / count
    turned = np.interp(azimuth + turn, azimuth, values.astype(np.float64), period=360.0)
    return HorizonProfile(
        azimuth_deg=azimuth,
        elevation_deg=turned,
        distance_m=np.zeros(count),
        site=Site(latitude, longitude, height_m),
        mast_m=mast_m,
        grade=grade,
        provenance=dict(provenance or {"note": f"cell of a map, row {row}, column {col}"}),
    )


def write_series(path: str | os.PathLike[str], data: xr.Dataset) -> Path:
    """Write series in time as a table (.csv) or as NetCDF (.nc).

    Parameters
    ----------
    path : path-like
        The file; its ending decides.
    data : xarray.Dataset
        Variables along ``time``; those with a further dimension become a column for each of its values.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the ending is another one, or a variable has no time.
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import xarray as xr
    >>> data = xr.Dataset({"light": ("time", [0.0])}, {"time": np.array(["2030-01-01"], "M8[ms]")})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_series(Path(folder) / "light.csv", data).read_text().splitlines()[1])
    2030-01-01T00:00:00Z,0
    """
    target = Path(path)
    if target.suffix not in (".csv", ".nc"):
        raise InputError(f"ending {target.suffix!r}", where=str(target), advice="name it .csv or .nc")
    lost = [str(name) for name, item in data.data_vars.items() if "time" not in item.dims]
    if lost:
        raise InputError(f"{', '.join(lost)} has no time", where=str(target), advice="give series along time")
    with atomic_path(target) as temporary:
        if target.suffix == ".nc":
            data.to_netcdf(temporary, engine="h5netcdf")
            return target
        columns = _columns(data)
        with temporary.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["time_utc", *columns])
            stamps = [iso(moment) for moment in data["time"].values]
            rows = zip(*columns.values(), strict=True)
            table.writerows(
                [stamp, *(f"{value:.7g}" for value in row)] for stamp, row in zip(stamps, rows, strict=True)
            )
    return target


def _columns(data: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Columns of a table: one for each series."""
    found: dict[str, NDArray[Any]] = {}
    for name, item in data.data_vars.items():
        others = [str(dim) for dim in item.dims if dim != "time"]
        if not others:
            found[str(name)] = item.values
            continue
        series = item.transpose(*others, "time").values.reshape(-1, item.sizes["time"])
        labels = np.stack(np.meshgrid(*(np.arange(item.sizes[dim]) for dim in others), indexing="ij"), axis=-1)
        for index, values in zip(labels.reshape(-1, len(others)), series, strict=True):
            told = (_label(item, dim, int(k)) for dim, k in zip(others, index, strict=True))
            found[f"{name}[{','.join(told)}]"] = values
    return found


def _label(item: xr.DataArray, dim: str, k: int) -> str:
    return str(item.coords[dim].values[k]) if dim in item.coords else str(k)

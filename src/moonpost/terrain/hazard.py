"""Landing hazard: ground that is too steep or too rough, and ellipses that hold next to none of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.terrain.rasters import area_of
from moonpost.terrain.slopes import at_middle, ground_cells_m, map_values, roughness, slope, source_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LANDING_OBSTACLE_M", "LANDING_SLOPE_DEG", "landable", "landing_hazard"]

LANDING_SLOPE_DEG = 7.0
"""Steepest ground on which Luna 25 was to land [deg] (Djachkova et al. 2017, doi:10.1134/S0038094617030029)."""
LANDING_OBSTACLE_M = 0.3
"""Height from which on rocks were hazards to ALHAT [m] (Epp et al. 2008, doi:10.1109/AERO.2008.4526297)."""
LANDER_M = 10.0
HURST = 0.95
_SAMPLES = 16

Floats = NDArray[np.float64]


def landing_hazard(
    height: xr.DataArray,
    *,
    baseline_m: float | None = None,
    slope_limit_deg: float = LANDING_SLOPE_DEG,
    roughness_limit_m: float | None = None,
) -> xr.Dataset:
    """Cells on which a lander must not come down: too steep or too rough.

    Parameters
    ----------
    height : xarray.DataArray, shape (rows, cols)
        Heights above the 1737.4 km sphere [m], on a map grid.
    baseline_m : float, optional
        Side of the square for slope and roughness [m]; two cells if not stated.
    slope_limit_deg : float, default 7.0
        Steepest ground allowed [deg].
    roughness_limit_m : float, optional
        Largest roughness allowed over the baseline [m]. If not stated, 0.3 m over the 10 m of a lander, carried to
        the baseline as length to the power 0.95, the exponent of highlands.

    Returns
    -------
    xarray.Dataset
        ``slope_deg``, ``roughness_m``, and ``hazard`` (1 hazardous, 0 not, NaN unknown).

    Raises
    ------
    InputError
        If the heights have no map grid or a limit is of no use.

    Notes
    -----
    The limits are those of landers: 7 deg was Luna 25's, 5 deg and rocks of 0.3 m were ALHAT's. A grid
    of tens of metres shows neither rocks nor small craters. What it calls safe is a place worth a closer look;
    what it calls hazardous is. The carried roughness limit is an extrapolation and says so in its attributes.

    References
    ----------
    Djachkova, M. V. et al. (2017), Selection of Luna-25 landing sites in the south polar region of the Moon, Solar
    System Research 51, 185-195, DOI 10.1134/S0038094617030029. Epp, C. D. et al. (2008), Autonomous landing and
    hazard avoidance technology (ALHAT), IEEE Aerospace Conference, DOI 10.1109/AERO.2008.4526297. Rosenburg, M. A.
    et al. (2011), DOI 10.1029/2010JE003716 (exponent of highlands).

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 0.0, 900.0, cell_m=100.0)
    >>> ramp = area.array(0.1 * area.x_m + np.zeros(area.shape), name="height_m", units="m", long_name="height",
    ...     source="example")
    >>> found = landing_hazard(ramp), landing_hazard(ramp, slope_limit_deg=5.0)
    >>> [float(item["hazard"][4, 4]) for item in found]
    [0.0, 1.0]
    """
    import xarray as xr

    steep, rough = slope(height, baseline_m=baseline_m), roughness(height, baseline_m=baseline_m)
    limit_deg = _within(slope_limit_deg, "slope_limit_deg", 90.0)
    side_m = float(rough.attrs["baseline_m"])
    told: dict[str, Any] = {
        "slope_limit_deg": limit_deg,
        "roughness_limit_m": 0.0,
        "roughness_limit_from": "stated",
    }
    if roughness_limit_m is None:
        told["roughness_limit_m"] = LANDING_OBSTACLE_M * (side_m / LANDER_M) ** HURST
        told["roughness_limit_from"] = (
            f"{LANDING_OBSTACLE_M:g} m over {LANDER_M:g} m, "
            f"carried to {side_m:.0f} m as length to the power {HURST:g}"
        )
    else:
        told["roughness_limit_m"] = _within(roughness_limit_m, "roughness_limit_m", 1e5)
    over = (steep.values > limit_deg) | (rough.values > told["roughness_limit_m"])
    hazard = np.where(np.isnan(steep.values) | np.isnan(rough.values), np.nan, over).astype(np.float32)
    found = area_of(height).array(
        hazard,
        name="hazard",
        units="1",
        long_name="too steep or too rough to land on",
        source=source_of(height),
        **told,
    )
    return xr.Dataset({"slope_deg": steep, "roughness_m": rough, "hazard": found})


def landable(
    hazard: xr.DataArray,
    *,
    semi_major_m: float = 100.0,
    semi_minor_m: float | None = None,
    map_azimuth_deg: float = 0.0,
    hazard_share_limit: float = 0.01,
) -> xr.Dataset:
    """Where a landing ellipse holds next to no hazardous ground.

    Parameters
    ----------
    hazard : xarray.DataArray, shape (rows, cols)
        1 hazardous, 0 not, NaN unknown, as `landing_hazard` gives it.
    semi_major_m, semi_minor_m : float
        Half axes of the ellipse [m]; a circle if the minor one is not stated. 100 m is the accuracy asked of
        landers that see where they are.
    map_azimuth_deg : float, default 0.0
        Direction of the long axis [deg], clockwise from the top of the map.
    hazard_share_limit : float, default 0.01
        Largest share of hazardous ground at which a place counts as landable, 0 to 1.

    Returns
    -------
    xarray.Dataset
        ``hazard_share`` (0 to 1, of the ellipse's area) and ``landable`` (1 or 0), for the ellipse centred on each
        cell; NaN where a cell of the ellipse is unknown or off the map.

    Raises
    ------
    InputError
        If an argument is of no use.

    Notes
    -----
    Each cell counts by the area that the ellipse has of it. The ellipse has its size on the ground at the middle
    of the map. The lander is taken to come down anywhere in it with the same likelihood, and not to swerve.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 0.0, 900.0, cell_m=100.0)
    >>> rock = area.array(np.arange(81).reshape(9, 9) == 40, name="hazard", units="1", long_name="hazard",
    ...     source="example")
    >>> found = landable(rock, semi_major_m=200.0)
    >>> round(float(found["hazard_share"][4, 4]), 3), float(found["landable"][4, 4])
    (0.079, 0.0)
    """
    import xarray as xr
    from scipy.signal import oaconvolve

    area = area_of(hazard)
    major = _within(semi_major_m, "semi_major_m", 1e6)
    minor = major if semi_minor_m is None else _within(semi_minor_m, "semi_minor_m", major)
    most = (
        hazard_share_limit if hazard_share_limit == 0.0 else _within(hazard_share_limit, "hazard_share_limit", 1.0)
    )
    if not math.isfinite(map_azimuth_deg):
        raise InputError(f"{map_azimuth_deg!r}", where="map_azimuth_deg", advice="give degrees")
    cell = at_middle(ground_cells_m(hazard))
    weights = _ellipse(major / cell, minor / cell, map_azimuth_deg)
    values = map_values(hazard)
    border = [(n // 2, n // 2) for n in weights.shape]
    padded = np.pad(values, border, constant_values=np.nan)
    unknown = np.isnan(padded)
    share = oaconvolve(np.where(unknown, 0.0, padded), weights, mode="valid")
    share = np.clip(np.round(share, 6), 0.0, 1.0)
    hidden = oaconvolve(unknown.astype(np.float64), weights, mode="valid") > 1e-6
    share = np.where(hidden, np.nan, share)
    can = np.where(hidden, np.nan, share <= most)
    about: dict[str, Any] = {
        "units": "1",
        "source": source_of(hazard),
        "semi_major_m": major,
        "semi_minor_m": minor,
        "map_azimuth_deg": float(map_azimuth_deg),
        "hazard_share_limit": float(most),
    }
    names = {
        "hazard_share": "hazardous share of the landing ellipse",
        "landable": "landing ellipse free of hazards",
    }
    maps = zip(names.items(), (share, can), strict=True)
    return xr.Dataset(
        {
            name: area.array(item.astype(np.float32), name=name, long_name=text, **about)
            for (name, text), item in maps
        }
    )


def _ellipse(major: float, minor: float, map_azimuth_deg: float) -> Floats:
    """Share of an ellipse's area in each cell; half axes in cells, the long one clockwise from up."""
    half = math.ceil(major + 0.5)
    fine = (np.arange((2 * half + 1) * _SAMPLES) + 0.5) / _SAMPLES - half - 0.5
    x, y = np.meshgrid(fine, -fine)
    turn = math.radians(map_azimuth_deg)
    along = x * math.sin(turn) + y * math.cos(turn)
    across = x * math.cos(turn) - y * math.sin(turn)
    inside = (along / major) ** 2 + (across / max(minor, 0.5 / _SAMPLES)) ** 2 <= 1.0
    size = 2 * half + 1
    weights = inside.reshape(size, _SAMPLES, size, _SAMPLES).mean(axis=(1, 3))
    if not weights.any():
        weights[half, half] = 1.0
    # A convolution turns the kernel round; an ellipse about its middle does not mind.
    return np.asarray(weights / weights.sum())


def _within(value: float, name: str, most: float) -> float:
    """A number above 0 and up to a limit, or what is wrong with it."""
    good = isinstance(value, int | float | np.number) and math.isfinite(value) and 0.0 < value <= most
    if not good:
        raise InputError(f"{value!r}", where=name, advice=f"give a number above 0 and up to {most:g}")
    return float(value)

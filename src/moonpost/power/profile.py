"""The output of solar arrays step by step, in the light of one place."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from moonpost.errors import InputError
from moonpost.plan.elements import SolarArray
from moonpost.plan.model import DesignRules
from moonpost.power.sources import array_power_w

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["power_profile"]

_NEEDED = ("sun_azimuth_deg", "sun_elevation_deg", "sun_distance_m", "light")


def power_profile(
    light: xr.Dataset,
    arrays: Mapping[str, SolarArray] | None = None,
    *,
    rated_w: float = 1000.0,
    service_years: float = 0.0,
    dust_loss: float = 0.0,
    array_loss_per_year: float = 0.0,
) -> xr.Dataset:
    """Output of solar arrays in the light of a place.

    Parameters
    ----------
    light : xarray.Dataset
        Sun and light along ``time``, as `moonpost.terrain.light_profile` makes it.
    arrays : mapping of str to SolarArray, optional
        Arrays by name. If not given, three of `rated_w`: ``vertical-tracking`` (upright, turning in azimuth),
        ``horizontal`` and ``two-axis``.
    rated_w : float, default 1000.0
        Output at 1361 W/m2 and normal incidence of each of the three [W].
    service_years : float, default 0.0
        Age of the arrays at the first instant [years]; they age on along the series.
    dust_loss, array_loss_per_year : float, default 0.0
        Share of the output lost to dust, and lost each year.

    Returns
    -------
    xarray.Dataset
        ``power_w`` (array, time) [W], and ``energy_wh`` (array), its sum over the period [Wh].

    Raises
    ------
    InputError
        If a variable is missing or not finite, or an argument is out of range.

    Notes
    -----
    As `array_power_w`. The light is that of the height for which its horizon was made, which should be the
    middle of the array; `energy_wh` is the sum of instants times the step.

    Examples
    --------
    >>> import xarray as xr
    >>> sky = {"sun_azimuth_deg": 0.0, "sun_elevation_deg": 1.5, "sun_distance_m": 149_597_870_700.0, "light": 0.5}
    >>> hours = np.array(["2030-01-01T00", "2030-01-01T01"], "datetime64[ms]")
    >>> noon = xr.Dataset({name: ("time", [value, value]) for name, value in sky.items()}, {"time": hours})
    >>> power_profile(noon)["power_w"][:, 0].values.round(1).tolist()
    [499.8, 13.1, 500.0]
    """
    import xarray as xr

    missing = [name for name in _NEEDED if name not in light]
    if missing or light.sizes.get("time", 0) < 2:
        raise InputError(
            f"lacks {', '.join(missing)}" if missing else "has fewer than two instants",
            where="light",
            advice="make it with moonpost.terrain.light_profile",
        )
    for name, value, most in (("dust_loss", dust_loss, 1.0), ("array_loss_per_year", array_loss_per_year, 0.2)):
        if not 0.0 <= value < most:
            raise InputError(f"{value!r}", where=name, advice=f"give a share from 0 to below {most:g}")
    if arrays is None:
        if not (np.isfinite(rated_w) and rated_w > 0.0):
            raise InputError(f"{rated_w!r}", where="rated_w", advice="give watts above 0")
        arrays = {
            "vertical-tracking": SolarArray(kind="solar", rated_w=rated_w, mount="vertical-tracking"),
            "horizontal": SolarArray(kind="solar", rated_w=rated_w, mount="horizontal"),
            "two-axis": SolarArray(kind="solar", rated_w=rated_w, mount="two-axis"),
        }
    time = light["time"].values
    hours = (time - time[0]) / np.timedelta64(1, "s") / 3600.0
    rules = DesignRules(
        start=str(time[0])[:10],
        dust_loss=dust_loss,
        array_loss_per_year=array_loss_per_year,
        source="arguments of power_profile",
        confidence="C",
    )
    sun = SimpleNamespace(
        time=time,
        azimuth_deg=light["sun_azimuth_deg"].values,
        elevation_deg=light["sun_elevation_deg"].values,
        distance_m=light["sun_distance_m"].values,
    )
    years = service_years + hours / (24.0 * 365.25)
    power = np.stack([array_power_w(item, sun, light["light"].values, years, rules) for item in arrays.values()])
    step_h = float(hours[-1]) / (len(hours) - 1)
    return xr.Dataset(
        {
            "power_w": (("array", "time"), power, {"units": "W", "long_name": "output of the array"}),
            "energy_wh": (
                "array",
                power.sum(axis=1) * step_h,
                {"units": "Wh", "long_name": "energy over the period"},
            ),
        },
        coords={"array": list(arrays), "time": light["time"]},
        attrs={
            "rated_w": [float(item.rated_w) for item in arrays.values()],
            "dust_loss": float(dust_loss),
            "array_loss_per_year": float(array_loss_per_year),
            "service_years": float(service_years),
        },
    )

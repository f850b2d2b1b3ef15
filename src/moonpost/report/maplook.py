"""How each quantity of a map is coloured: scale, limits, unit and words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import CenteredNorm, Colormap, LogNorm, Normalize

from moonpost.errors import InputError
from moonpost.report.figures.style import BLUE, GREEN, LIGHT, ORANGE, RED

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MapLook", "map_look", "relief_shade"]

Floats = npt.NDArray[np.float64]

_MASKS = {"psr": BLUE, "hazard": RED, "landable": GREEN, "haven": GREEN}
_LIGHT_NAMES = ("average_illumination", "percent_lit", "light", "sun_disc")
_EARTH_NAMES = ("earth_visible", "average_earth_disc", "visibility", "visible", "average_visibility")
_MAPS = {
    "height": "cividis",
    "slope": "viridis",
    "roughness": "viridis",
    "hazard_share": "viridis",
    "longest_dark": "inferno_r",
    "longest_light": "inferno",
    "longest_earth": "inferno_r",
    "haven": "viridis_r",
}
_TITLES = {
    "average_illumination": "average illumination",
    "percent_lit": "time with any part of the Sun in sight",
    "earth_visible": "time with any part of the Earth in sight",
    "average_earth_disc": "average share of the Earth's disc",
    "longest_dark_d": "longest darkness",
    "longest_light_d": "longest light",
    "longest_earth_outage_d": "longest time without the Earth",
    "longest_dark_without_earth_d": "longest darkness without the Earth",
    "psr": "permanent shadow",
}
_TAIL_PERCENT = 1.0
_LONG_TAIL = 1.35
_DECADES = 50.0
_FAR = 6.0
_SKEWED = ("roughness", "longest_")
_KILOMETRES = 10_000.0


@dataclass(frozen=True, eq=False)
class MapLook:
    """Colours, limits and words for one map.

    Parameters
    ----------
    values : ndarray, shape (rows, cols)
        What is coloured, in the unit of the colour bar.
    colours : Colormap
        The colour scale; of a truth one colour.
    norm : Normalize
        From values to the colour scale.
    label : str
        Words for the colour bar or the legend, with the unit in brackets.
    extend : {"neither", "min", "max", "both"}
        Where values lie beyond the colour scale.
    mask : bool
        Whether it is a truth, drawn as an overlay.
    """

    values: Floats
    colours: Colormap
    norm: Normalize
    label: str
    extend: str
    mask: bool

    @property
    def missing(self) -> bool:
        """Whether some cells have no value."""
        return bool(np.isnan(self.values).any())


def map_look(data: xr.DataArray, limits: tuple[float, float] | None = None) -> MapLook:
    """Choose colours, limits and words for a map by its name and its values.

    Parameters
    ----------
    data : xarray.DataArray, shape (rows, cols)
        The map, with ``units`` and ``long_name``.
    limits : tuple of float, optional
        Ends of the colour scale, in the map's unit (fractions as percent); from the values if not given.

    Returns
    -------
    MapLook
        All scales are perceptually uniform and safe for colour-blind eyes. Fractions are shown as percent from 0
        to 100, lengths from 10 km on in km; quantities with a long tail end at their 99th percentile, which the
        colour bar shows by its tip; quantities of both signs are centred on 0.

    Raises
    ------
    InputError
        If the map has no finite value, or the limits do not rise.

    Examples
    --------
    >>> import xarray as xr
    >>> light = xr.DataArray([[0.25, 0.5]], dims=("y", "x"), name="average_illumination",
    ...     attrs={"units": "1", "long_name": "average illumination"})
    >>> look = map_look(light)
    >>> look.label, look.values.tolist()
    ('Average illumination [%]', [[25.0, 50.0]])
    """
    name = str(data.name or "")
    values = _known(data)
    words = _words(data, name)
    if values.dtype == np.bool_ or name in _MASKS:
        return _truth(name, values, words)
    numbers = values.astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    if np.isnan(numbers).all():
        raise InputError("has no finite value", where=name or "map", advice="give a map with data")
    units = {"degree": "deg", "degrees": "deg"}.get(
        str(data.attrs.get("units", "")), str(data.attrs.get("units", ""))
    )
    if units == "1":
        numbers, units = numbers * 100.0, "%"
    if units == "m" and limits is None and not name.startswith("height") and np.nanmax(numbers) >= _KILOMETRES:
        numbers, units = numbers / 1000.0, "km"
    label = f"{words} [{units}]" if units else words
    low, high = _limits(name, units, numbers, limits)
    norm = _norm(name, numbers, low, high, stated=limits is not None)
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 1.0)
    below, above = np.nanmin(numbers) < low, np.nanmax(numbers) > high
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    if isinstance(norm, LogNorm):
        numbers = np.where(numbers < low, low, numbers)
    colours = _colours(name, isinstance(norm, CenteredNorm))
    return MapLook(numbers, colours, norm, label, extend[bool(below), bool(above)], mask=False)


def relief_shade(height_m: npt.ArrayLike, cell_m: float) -> Floats:
    """Brightness of relief under a lamp at the upper left, stretched to the terrain's own steepness.

    Parameters
    ----------
    height_m : array_like, shape (rows, cols)
        Heights [m], row 0 at the top.
    cell_m : float
        Size of a cell [m].

    Returns
    -------
    ndarray, shape (rows, cols)
        0 dark to 1 bright, about 0.6 where level; level where no height is known.

    Examples
    --------
    >>> relief_shade(np.zeros((3, 3)), 10.0).round(2).tolist()[0]
    [0.6, 0.6, 0.6]
    """
    height = np.asarray(height_m, dtype=np.float64)
    if min(height.shape) < 2:
        return np.full(height.shape, 0.6)
    down, right = np.gradient(height, cell_m)
    right, up = np.nan_to_num(right), -np.nan_to_num(down)
    steep = float(np.percentile(np.hypot(right, up), 90.0))
    towards = (right - up) / math.sqrt(2.0) / max(steep, 1e-6)
    return np.asarray(np.clip(0.6 + 0.4 * np.tanh(0.9 * towards), 0.0, 1.0))


def _words(data: xr.DataArray, name: str) -> str:
    """What a map shows, in few words with a capital."""
    text = str(data.attrs.get("long_name") or name or "value")
    kind = name.removesuffix("_gain")
    if kind in _TITLES:
        text = _TITLES[kind]
        if kind != name:
            text += f": gain over a mast of {data.attrs.get('lower_mast_m', 0.0):g} m"
    return text[:1].upper() + text[1:]


def _known(data: xr.DataArray) -> npt.NDArray[Any]:
    """Values with NaN for the fill value of whole numbers (255 of bytes)."""
    values = np.asarray(data.values)
    fill = data.attrs.get("_FillValue", 255 if values.dtype == np.uint8 else None)
    if values.dtype.kind in "iu" and fill is not None and (values == fill).any():
        return np.where(values == fill, np.nan, values)
    return values


def _truth(name: str, values: npt.NDArray[Any], words: str) -> MapLook:
    """A truth: one colour where it holds."""
    numbers = values.astype(np.float64)
    colour = _MASKS.get(name, ORANGE)
    colours = mpl.colors.ListedColormap(["#FFFFFF00", colour], name=f"{name}-mask")
    return MapLook(numbers, colours, Normalize(0.0, 1.0), words, "neither", mask=True)


def _limits(name: str, units: str, values: Floats, limits: tuple[float, float] | None) -> tuple[float, float]:
    if limits is not None:
        low, high = (float(value) for value in limits)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"limits {limits!r}", where=name or "map", advice="give a lower and a higher number")
        return low, high
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if units == "%" and low >= 0.0 and high <= 100.0 and not name.endswith("_gain"):
        return 0.0, 100.0
    tail_low, tail_high = np.nanpercentile(values, [_TAIL_PERCENT, 100.0 - _TAIL_PERCENT])
    middle = float(np.nanmedian(values))
    if high - middle > _LONG_TAIL * (tail_high - middle):
        high = float(tail_high)
    if middle - low > _LONG_TAIL * (middle - tail_low):
        low = float(tail_low)
    if 0.0 <= low < 0.3 * high and not name.startswith("height"):
        low = 0.0
    if not low < high:
        low, high = low - 0.5, high + 0.5
    return low, high


def _norm(name: str, values: Floats, low: float, high: float, *, stated: bool) -> Normalize:
    """Linear; centred on 0 for differences and margins; logarithmic for spells and roughness over decades."""
    if (name.endswith("_gain") or "margin" in name) and low < 0.0 < high:
        return CenteredNorm(0.0, max(-low, high))
    positive = values[values > 0.0]
    if stated or not name.startswith(_SKEWED) or not positive.size:
        return Normalize(low, high)
    bottom, middle, top = np.percentile(positive, [_TAIL_PERCENT, 50.0, 100.0 - _TAIL_PERCENT])
    if top > _DECADES * bottom or top > _FAR * middle:
        return LogNorm(float(bottom), float(top))
    return Normalize(low, high)


def _colours(name: str, centred: bool) -> Colormap:
    if centred:
        return mpl.colormaps["PuOr_r"]
    if name in _LIGHT_NAMES or name.startswith(_LIGHT_NAMES):
        return LIGHT
    if name in _EARTH_NAMES:
        return mpl.colormaps["cividis"]
    found = next((value for key, value in _MAPS.items() if name.startswith(key)), "viridis")
    return mpl.colormaps[found]

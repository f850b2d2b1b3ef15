"""The map of a station's layout: machines, shadows, cables, keep-out of landings and reactor, findings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from moonpost.report.figures.style import (
    BLUE,
    FULL_IN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    drawing,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from moonpost.design.layout import Layout
    from moonpost.design.siteplan import Place

__all__ = ["core_m", "layout_figure"]

_KINDS = {
    "power": ORANGE,
    "lander": GREY,
    "rover": GREEN,
    "hopper": GREEN,
    "communications": SKY,
    "command": BLUE,
    "laboratory": BLUE,
    "habitat": BLUE,
    "isru": PURPLE,
    "telescope": INK,
}
_SHADE = LinearSegmentedColormap.from_list("shade", ["#FFFFFF", "#E4E1D6", "#B5AC8F", "#6E6A63"])
_NEAR_M = 1.6


@drawing
def layout_figure(
    found: Layout,
    shade: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike] | None = None,
    *,
    title: str = "",
    width_in: float = FULL_IN,
) -> Figure:
    """Draw a layout: the whole on the left, its middle on the right.

    Parameters
    ----------
    found : Layout
        What was checked.
    shade : tuple of array_like, optional
        East (c,), north (r,) [m] and the part of sunlight lost (r, c) [1], for the right panel.
    title : str
        Put over the left panel.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Two maps.
    """
    figure = Figure(figsize=(width_in, 0.56 * width_in), layout="constrained")
    whole, near = figure.subplots(1, 2)
    hub = found.places[found.hub]
    rows = list(found.places.values())
    near_m = core_m(found)
    far_m, middle = _extent(rows)
    for axes, reach, (east, north) in ((whole, far_m, middle), (near, near_m, (hub.east_m, hub.north_m))):
        axes.set_aspect("equal")
        axes.set(xlim=(east - reach, east + reach), ylim=(north - reach, north + reach))
        axes.set(xlabel="East of the site's point [m]", ylabel="North [m]")
    whole.set_title(title or "Whole layout")
    near.set_title(f"Within {near_m:.0f} m of the hub")
    if shade is not None:
        _shade(figure, near, shade)
    for axes, reach in ((whole, far_m), (near, near_m)):
        _circles(axes, found)
        _cables(axes, found, hub)
        _machines(axes, found, hub, reach, near_m)
    _legend(figure, found)
    return figure


def core_m(found: Layout) -> float:
    """Half width of the panel of the middle: what holds more than half of the machines [m]."""
    hub = found.places[found.hub]
    distances = sorted(row.distance_m(hub) for row in found.places.values())
    return max(40.0, 1.35 * distances[min(len(distances) - 1, int(0.55 * len(distances)))])


def _extent(rows: list[Place]) -> tuple[float, tuple[float, float]]:
    """Half width and middle of a square round all machines [m]."""
    east, north = [row.east_m for row in rows], [row.north_m for row in rows]
    middle = (0.5 * (min(east) + max(east)), 0.5 * (min(north) + max(north)))
    return 1.2 * max(50.0, 0.5 * (max(east) - min(east)), 0.5 * (max(north) - min(north))), middle


def _shade(figure: Figure, axes: Any, shade: tuple[Any, Any, Any]) -> None:
    east, north, lost = (np.asarray(part, dtype=float) for part in shade)
    top = max(5.0, float(np.ceil(100.0 * np.percentile(lost, 99.0))))
    image = axes.pcolormesh(
        east, north, 100.0 * lost, cmap=_SHADE, vmin=0.0, vmax=top, shading="nearest", zorder=0
    )
    axes.grid(visible=False)
    figure.colorbar(
        image, ax=axes, shrink=0.7, label="Sunlight lost 2 m above ground in the span [%]", extend="max"
    )


def _circles(axes: Any, found: Layout) -> None:
    """Keep-out of landings and the distance that reactors ask of people."""
    shown = set()
    for row in found.landings:
        place = found.places[row.lander]
        if row.lander not in shown:
            axes.add_patch(
                Circle(
                    (place.east_m, place.north_m), row.keep_out_m, fill=False, color=GREY, linestyle=":", lw=1.0
                )
            )
            shown.add(row.lander)
    for name, doses in found.reactors.items():
        place = found.places[name]
        one = next(iter(doses.values()), None)
        if one is None:
            continue
        # The dose falls with the square of the distance.
        away = one.distance_m * math.sqrt(one.equivalent_sv_year / 0.05)
        axes.add_patch(Circle((place.east_m, place.north_m), away, color=RED, alpha=0.09, lw=0))
        axes.add_patch(Circle((place.east_m, place.north_m), away, fill=False, color=RED, linestyle="--", lw=1.0))


def _cables(axes: Any, found: Layout, hub: Place) -> None:
    for name, cable in found.cables.items():
        place = found.places[name]
        width = 0.7 + 0.8 * math.log10(max(cable.power_w, 10.0) / 10.0)
        axes.plot(
            [hub.east_m, place.east_m], [hub.north_m, place.north_m], color=INK, lw=width, alpha=0.55, zorder=2
        )


def _machines(axes: Any, found: Layout, hub: Place, reach: float, near_m: float) -> None:
    bad = {row.element for row in found.findings if row.severity == "error"}
    warned = {row.element for row in found.findings if row.severity == "warning" and row.kind != "place"}
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    whole = reach > _NEAR_M * near_m
    named = []
    for name, place in found.places.items():
        if not (west < place.east_m < east and south < place.north_m < north):
            continue
        edge = RED if name in bad else ORANGE if name in warned else "white"
        axes.add_patch(
            Circle(
                (place.east_m, place.north_m),
                max(0.5 * place.width_m, 0.016 * reach),
                facecolor=_KINDS.get(place.kind, GREY),
                edgecolor=edge,
                linewidth=1.6,
                hatch=None if place.given else "////",
                zorder=4,
            )
        )
        if not (whole and place.distance_m(hub) < 0.75 * near_m):
            named.append((name, place))
    middle = 0.5 * (west + east)
    for right in (False, True):
        rows = [(name, place) for name, place in named if (place.east_m >= middle) == right]
        _names(axes, rows, right, reach)


def _names(axes: Any, rows: list[tuple[str, Place]], right: bool, reach: float) -> None:
    """Write names beside the machines of one half, apart in height, on the side away from the middle."""
    rows.sort(key=lambda row: -row[1].north_m)
    least, last = 0.075 * reach, math.inf
    (west, east), (south, _) = axes.get_xlim(), axes.get_ylim()
    heights = []
    for _, place in rows:
        last = min(place.north_m, last - least)
        heights.append(last)
    lift = max(0.0, south + 0.06 * reach - (heights[-1] if heights else math.inf))
    for (name, place), y in zip(rows, heights, strict=True):
        gap = 0.06 * reach + 0.5 * place.width_m
        fits = (east - place.east_m if right else place.east_m - west) > gap + 0.028 * reach * len(name)
        outward = right == fits
        axes.annotate(
            name,
            (place.east_m, place.north_m),
            xytext=(place.east_m + (gap if outward else -gap), y + lift),
            ha="left" if outward else "right",
            va="center",
            fontsize=8,
            zorder=5,
            arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.6},
            bbox={"facecolor": "white", "alpha": 0.65, "pad": 0.5, "linewidth": 0},
        )


def _legend(figure: Figure, found: Layout) -> None:
    def dot(colour: str, label: str, edge: str = "white") -> Line2D:
        return Line2D([], [], marker="o", ls="", color=colour, markeredgecolor=edge, markersize=8, label=label)

    kinds = dict.fromkeys(place.kind for place in found.places.values())
    handles = [dot(_KINDS.get(kind, GREY), kind) for kind in kinds]
    handles.append(Line2D([], [], color=INK, alpha=0.55, lw=2, label="cable"))
    if found.landings:
        handles.append(Line2D([], [], color=GREY, ls=":", label="keep-out of a landing"))
    if found.reactors:
        handles.append(Line2D([], [], color=RED, ls="--", label="50 mSv a year from the reactor"))
    handles.append(dot("white", "warning", ORANGE))
    if any(row.severity == "error" for row in found.findings):
        handles.append(dot("white", "error", RED))
    figure.legend(handles=handles, loc="outside lower center", ncols=7, frameon=False, fontsize=8.5)

"""The page of a map: where the map, the colour bar, the scale, the legend and the small print stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

__all__ = ["MapSheet"]

Box = tuple[float, float, float, float]

_LEFT, _RIGHT, _BAR_GAP, _BAR_ROOM = 0.68, 0.68, 0.72, 0.95
_LINE, _SMALL_LINE, _TITLE_LINE = 0.19, 0.12, 0.19
_STRIP, _EDGE_LABELS, _BAR_BELOW = 0.42, 0.26, 0.54
_TALLEST, _LEAST_PAGE = 1.2, 4.6
_DIRECTION = 1.4


@dataclass(frozen=True)
class MapSheet:
    """A page laid out for a map of a given shape; boxes are left, bottom, width and height [inch].

    Parameters
    ----------
    width_in, height_in : float
        The page [inch].
    map_in, bar_in, scale_in, direction_in : tuple of float
        Boxes of the map, the colour bar, the scale bar and the arrows [inch].
    across : bool
        Whether the colour bar lies below the map.
    legend_at : tuple of float
        Upper left corner of the legend [inch].
    legend_columns : int
        Its columns.
    """

    width_in: float
    height_in: float
    map_in: Box
    bar_in: Box
    across: bool
    scale_in: Box
    direction_in: Box
    legend_at: tuple[float, float]
    legend_columns: int

    @classmethod
    def make(
        cls,
        aspect: float,
        width_in: float,
        *,
        bar_lines: int,
        title_lines: int,
        foot_lines: int,
        entries: int,
    ) -> MapSheet:
        """Lay out a page.

        Parameters
        ----------
        aspect : float
            Height of the map over its width.
        width_in : float
            Greatest width of the page [inch]; pages of tall maps are narrower, see `sizes_in`.
        bar_lines, title_lines, foot_lines, entries : int
            Lines of the colour bar's label (0 for no colour bar), of the heading and of the small print, and
            entries of the legend.

        Returns
        -------
        MapSheet
            The page.

        Examples
        --------
        >>> sheet = MapSheet.make(1.0, 7.5, bar_lines=1, title_lines=1, foot_lines=1, entries=0)
        >>> sheet.across, round(sheet.map_in[2], 2)
        (False, 5.19)
        """
        across = _across(aspect, width_in, bar_lines > 0)
        width_in, wide, high = _size(aspect, width_in, bar_lines > 0)
        beside, columns, rows = _legend(width_in, entries)
        legend = _LINE * rows + 0.04 if rows else 0.0
        y = 0.14 + _SMALL_LINE * foot_lines
        legend_top = y + legend
        if not beside:
            y += legend
        strip = max(_STRIP, legend if beside else 0.0)
        scale_y = y + strip - _STRIP
        y += strip + 0.08
        below = _BAR_BELOW + 0.14 * (bar_lines - 1)
        bar_y = y + below - 0.17
        y += (below if across else 0.0) + _EDGE_LABELS
        scale_wide, gap = _scale_room(width_in)
        box = (
            (_LEFT, bar_y, wide, 0.13) if across else (_LEFT + wide + _BAR_GAP, y + 0.02 * high, 0.15, 0.96 * high)
        )
        return cls(
            width_in=width_in,
            height_in=y + high + _EDGE_LABELS + 0.12 + _TITLE_LINE * title_lines,
            map_in=(_LEFT, y, wide, high),
            bar_in=box,
            across=across,
            scale_in=(_LEFT, scale_y, scale_wide, _STRIP),
            direction_in=(_LEFT + scale_wide + gap, scale_y, _DIRECTION, _STRIP),
            legend_at=(_legend_left(width_in), scale_y + _STRIP) if beside else (_LEFT, legend_top),
            legend_columns=columns,
        )

    @staticmethod
    def sizes_in(aspect: float, width_in: float, *, bar: bool) -> tuple[float, float]:
        """Width that the page of a map will have, and length of its colour bar.

        Parameters
        ----------
        aspect : float
            Height of the map over its width.
        width_in : float
            Greatest width of the page [inch].
        bar : bool
            Whether there is a colour bar.

        Returns
        -------
        tuple of float
            Both [inch].
        """
        page, wide, high = _size(aspect, width_in, bar)
        return page, wide if _across(aspect, width_in, bar) else 0.96 * high

    def panel(self, figure: Figure, box: Box, name: str) -> Any:
        """Axes without ticks in a box of the page.

        Parameters
        ----------
        figure : Figure
            The page's figure.
        box : tuple of float
            Left, bottom, width and height [inch].
        name : str
            Label of the axes; all but ``"map"`` have no frame.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        x, y, wide, high = box
        place = (x / self.width_in, y / self.height_in, wide / self.width_in, high / self.height_in)
        axes = figure.add_axes(place, label=name)
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.set_yticks([])
        if name != "map":
            axes.set_axis_off()
        return axes


def _across(aspect: float, width_in: float, bar: bool) -> bool:
    """Whether the colour bar lies below the map: below broad maps and on narrow pages."""
    return bar and (aspect < 0.55 or width_in < 4.5)


def _size(aspect: float, width_in: float, bar: bool) -> tuple[float, float, float]:
    """Width of the page, and width and height of the map [inch]."""
    right = _RIGHT + (_BAR_ROOM if bar and not _across(aspect, width_in, bar) else 0.0)
    wide = width_in - _LEFT - right
    tallest = max(_TALLEST * width_in, 3.0)
    if wide * aspect > tallest:
        wide = max(tallest / aspect, 0.8)
        width_in = max(min(width_in, _LEAST_PAGE), _LEFT + wide + right)
    return width_in, wide, min(max(wide * aspect, 0.3), tallest)


def _scale_room(width_in: float) -> tuple[float, float]:
    """Width of the room for the scale bar, and the gap to its right [inch]."""
    return (0.28 * width_in, 0.1) if width_in < 4.2 else (min(0.36 * width_in, 2.4), 0.25)


def _legend_left(width_in: float) -> float:
    return _LEFT + sum(_scale_room(width_in)) + _DIRECTION + 0.1


def _legend(width_in: float, entries: int) -> tuple[bool, int, int]:
    """Whether the legend stands beside the scale bar, and its columns and rows."""
    room = width_in - _legend_left(width_in)
    if room >= 2.0 and entries <= 3:
        return True, 1, entries
    columns = max(1, min(entries, int((width_in - _LEFT) / 2.6)))
    return False, columns, math.ceil(entries / columns)

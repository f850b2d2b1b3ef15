"""Compiled loops that look horizons up in the tables of a body's residence.

Horizons are worked on in blocks of cells and strips of azimuths, so that the table of one azimuth bin stays in the
nearest memory while all cells of the block use it. A look-up takes three loops: rows and shares of many horizons,
their entries one by one, and the sums; the first and the last run in vectors, and drawing entries one by one is
faster than the gather instructions of the processors at hand.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.residencelanes import LANES, turn_square

__all__ = ["any_missing", "sum_along", "sum_over_disc"]

Floats = NDArray[np.float32]
Entries = NDArray[np.int32]
Horizons = tuple[Floats, NDArray[np.int16], int, np.float32]
Places = tuple[Floats, Floats, tuple[np.float32, np.float32]]
Table = tuple[Entries, Floats, NDArray[np.bool_], int]

BLOCK = 512
"""Cells of a block."""

_NODE = 0.5 - 0.5 / math.sqrt(3.0)
_ROUND = 128
_STRIP = 48
_PAD = 16
_FAST = {"contract", "arcp", "nsz", "reassoc"}


@njit(cache=True, nogil=True)
def _turn(horizons: Floats, bins: int, start: int, count: int, begin: int, cells: int, strip: Floats) -> None:
    """Copy horizons that lie cell by cell into rows of one azimuth each."""
    width = strip.shape[1]
    target = strip.reshape(-1)
    for k in range(0, count, LANES):
        first = (start + k) % bins
        whole = first + LANES <= bins
        for c in range(0, cells, LANES):
            if whole and c + LANES <= cells:
                turn_square(horizons, target, (begin + c) * bins + first, bins, k * width + c, width)
                continue
            for lane in range(c, min(c + LANES, cells)):
                for row in range(k, k + LANES):
                    strip[row, lane] = horizons[(begin + lane) * bins + (start + row) % bins]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _scale(source: Floats, scale: np.float32, target: Floats) -> None:
    """Elevations of one azimuth in rows of the table."""
    for c in range(target.size):
        target[c] = source[c] * scale


@njit(cache=True, nogil=True, fastmath=_FAST)
def _lean(before, here, after, scale, leans, wave, shift, target):  # type: ignore[no-untyped-def]
    """Elevations of one azimuth in rows of the table, as its vertical and its azimuth see them.

    `shift` is by how many bins a lean of one row moves an azimuth at right angles to it: for each row of elevation
    and, by parallax, at any.
    """
    north, east, turn = leans[0], leans[1], leans[2]
    cosine, sine = wave
    half = np.float32(0.5) * scale
    for c in range(target.size):
        height = here[c] * scale
        slope = (after[c] - before[c]) * half
        moved = turn[c] - (north[c] * sine - east[c] * cosine) * (shift[0] * height + shift[1])
        target[c] = height - (north[c] * cosine + east[c] * sine) - moved * slope


@njit(cache=True, nogil=True)
def _fill(
    horizons: Horizons, places: Places, start: int, count: int, begin: int, cells: int, raw: Floats, strip: Floats
) -> None:
    """Put a strip of a block's horizons in order of azimuth, in rows of the table, as its vertical sees them.

    Lanes beyond the cells of the block are worked on as well, so that each cell goes through the same steps.
    """
    by_cell, by_azimuth, bins, scale = horizons
    leans, waves, shift = places
    width = _width(cells)
    if by_azimuth.size == 0:
        _turn(by_cell, bins, (start - 1) % bins, count + 2, begin, cells, raw)
    else:
        for k in range(count + 2):
            _widen(by_azimuth[(start - 1 + k) % bins, begin : begin + cells], raw[k, :cells])
    for k in range(count):
        a, target = (start + k) % bins, strip[k, :width]
        one, here, two = raw[k, :width], raw[k + 1, :width], raw[k + 2, :width]
        if leans.size == 0:
            _scale(here, scale, target)
        else:
            _lean(one, here, two, scale, leans, (waves[0, a], waves[1, a]), shift, target)


@njit(cache=True, nogil=True)
def _widen(source: NDArray[np.int16], target: Floats) -> None:
    """Copy whole numbers as floats."""
    for c in range(target.size):
        target[c] = np.float32(source[c])


@njit(cache=True, nogil=True)
def _width(cells: int) -> int:
    """Lanes to work on for a number of cells: whole rounds of the vector loops."""
    return (cells + _ROUND - 1) // _ROUND * _ROUND


@njit(cache=True, nogil=True)
def _block(places: Places, begin: int, count: int, buffer: Floats) -> Places:
    """Places of the cells of a block, at rest beyond them."""
    leans, waves, shift = places
    if leans.size == 0:
        return places
    buffer[:, count:] = np.float32(0.0)
    buffer[:, :count] = leans[:, begin : begin + count]
    return buffer, waves, shift


@njit(cache=True, nogil=True, fastmath=_FAST)
def _between(  # type: ignore[no-untyped-def]
    left, right, first, top, steep, low, high, one, two
):
    """Entries for straight horizons at the two nodes of a bin, as `_rows`; how many of them are too steep."""
    zero, node, count = np.float32(0.0), np.float32(_NODE), np.int32(0)
    for c in range(low.size):
        rise = right[c] - left[c]
        u = min(max(left[c] - first + node * rise, zero), top)
        v = min(max(right[c] - first - node * rise, zero), top)
        row, other = np.int32(u), np.int32(v)
        low[c], high[c] = u - np.float32(row), v - np.float32(other)
        one[c], two[c] = np.int32(row + row), np.int32(other + other + 1)
        count += np.int32(abs(rise) > steep)
    return count


@njit(cache=True, nogil=True, fastmath=_FAST)
def _rows(place: Floats, top: np.float32, which: np.int32, entry: Entries) -> None:
    """Index of the entry for each place among the rows; leaves in `place` how far on it is to the next."""
    zero = np.float32(0.0)
    for c in range(entry.size):
        u = min(max(place[c], zero), top)
        row = np.int32(u)
        place[c] = u - np.float32(row)
        entry[c] = np.int32(row + row + which)


@njit(cache=True, nogil=True)
def _draw(table: Entries, entry: Entries) -> None:
    """Put entries in the place of their indices."""
    for c in range(entry.size):
        entry[c] = table[np.uint32(entry[c])]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _sum(low: Floats, high: Floats, one: Entries, two: Entries, total: Floats) -> None:
    """Add the numbers of two entries, each on its way to the next row."""
    for c in range(total.size):
        first = np.float32(np.int32(one[c] >> 16)) + low[c] * np.float32(np.int16(one[c]))
        second = np.float32(np.int32(two[c] >> 16)) + high[c] * np.float32(np.int16(two[c]))
        total[c] += first + second


@njit(cache=True, nogil=True)
def _entry(table: Entries, which: int, place: float, top: float) -> float:
    """One number of a bin at a fractional row."""
    place = min(max(place, 0.0), top)
    row = int(place)
    entry = table[2 * row + which]
    return float(entry >> 16) + float(np.int16(entry)) * (place - row)


@njit(cache=True, nogil=True)
def _weighed(table: Entries, u: float, place: float, top: float) -> float:
    """What stands above a row at a place in a bin, drawn straight between the two nodes."""
    tilt = 2.0 * math.sqrt(3.0) * (u - 0.5)
    return (1.0 - tilt) * _entry(table, 0, place, top) + (1.0 + tilt) * _entry(table, 1, place, top)


@njit(cache=True, nogil=True)
def _finer(table: Entries, low: float, high: float, top: float, steep: float) -> float:
    """What the sum over parts of a bin adds to the two look-ups of a whole one, for a horizon that rises fast."""
    rise = high - low
    under, over = min(max(-low / rise, 0.0), 1.0), min(max((top - low) / rise, 0.0), 1.0)
    begin, end = min(under, over), max(under, over)
    a, b = (0.0, begin) if rise > 0.0 else (end, 1.0)
    total = 2.0 * (b - a) * _weighed(table, 0.5 * (a + b), 0.0, top)
    parts = math.ceil(abs(rise) * (end - begin) / steep) + 1
    width = (end - begin) / parts
    for part in range(parts):
        for node in (_NODE, 1.0 - _NODE):
            u = begin + (part + node) * width
            total += width * _weighed(table, u, low + u * rise, top)
    for node in (_NODE, 1.0 - _NODE):
        total -= _weighed(table, node, low + node * rise, top)
    return 0.5 * total


@njit(cache=True, nogil=True)
def _refine(
    left: Floats, right: Floats, first: float, top: float, steep: float, table: Entries, total: Floats
) -> None:
    """Divide the bin for those horizons that rise too fast for two look-ups."""
    for c in range(total.size):
        low, high = left[c] - first, right[c] - first
        if abs(high - low) > steep and min(low, high) < top and max(low, high) > 0.0:
            total[c] += np.float32(_finer(table, low, high, top, steep))


@njit(cache=True, nogil=True)
def sum_along(horizons: Horizons, places: Places, table: Table, steep: np.float32, out: Floats) -> None:
    """Sum a table along each horizon, straight between its azimuths.

    Parameters
    ----------
    horizons : tuple
        Elevations, shape (cells * azimuths,) float32 cell by cell, or empty; elevations, shape (azimuths, cells)
        int16, or empty; number of azimuths; rows of the table in one unit of elevation.
    places : tuple
        Leans of the cells' verticals to north and to east [rows] and turns of their azimuths [bins], shape
        (3, cells) or (3, 0); the cosine and the sine of the azimuths, shape (2, azimuths); by how much a lean of
        one row moves azimuths, for each row of elevation and at any [bins].
    table : tuple
        Packed table, first row of each bin, whether a bin holds anything, and number of rows.
    steep : float32
        Rise across a bin above which it is divided into parts [rows].
    out : ndarray of float32, shape (cells,)
        Sums in units of the packed table.

    Examples
    --------
    >>> from moonpost.terrain.residencetables import pack
    >>> numbers = np.zeros((4, 3, 2), dtype=np.float32)
    >>> numbers[:, 0] = 0.125
    >>> packed, unit = pack(numbers)
    >>> horizons = (np.zeros(4, np.float32), np.empty((0, 0), np.int16), 4, np.float32(1.0))
    >>> out, waves = np.empty(1, np.float32), np.zeros((2, 4), np.float32)
    >>> places = (np.empty((3, 0), np.float32), waves, (np.float32(0), np.float32(0)))
    >>> table = (packed, np.zeros(4, np.float32), np.ones(4, dtype=bool), 3)
    >>> sum_along(horizons, places, table, np.float32(9.0), out)
    >>> (out * unit).round(5)
    array([1.], dtype=float32)
    """
    packed, first, held, rows = table
    bins, cells = horizons[2], out.size
    top = np.float32(rows - 1.001)
    raw, strip = np.zeros((_STRIP, BLOCK + _PAD), np.float32), np.zeros((_STRIP, BLOCK + _PAD), np.float32)
    nodes, entries = np.empty((2, BLOCK), np.float32), np.empty((2, BLOCK), np.int32)
    leans, sums = np.empty((3, BLOCK), np.float32), np.empty(BLOCK, np.float32)
    for begin in range(0, cells, BLOCK):
        count = min(BLOCK, cells - begin)
        width, here = _width(count), _block(places, begin, count, leans)
        low, high, one, two = nodes[0, :width], nodes[1, :width], entries[0, :width], entries[1, :width]
        total = sums[:width]
        total[:] = np.float32(0.0)
        for start in range(0, bins, _STRIP - 3):
            stop = min(start + _STRIP - 3, bins)
            if not held[start:stop].any():
                continue
            _fill(horizons, here, start, stop - start + 1, begin, count, raw, strip)
            for a in range(start, stop):
                if held[a]:
                    bin_table = packed[a * rows * 2 : (a + 1) * rows * 2]
                    left, right = strip[a - start, :width], strip[a - start + 1, :width]
                    many = _between(left, right, first[a], top, steep, low, high, one, two)
                    _draw(bin_table, one)
                    _draw(bin_table, two)
                    _sum(low, high, one, two, total)
                    if many > 0:
                        _refine(left, right, first[a], top, steep, bin_table, total)
        out[begin : begin + count] = total[:count]


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _touch(left: Floats, right: Floats, scale: np.float32, touch: Floats) -> None:
    """Where on a disc above a segment of the horizon it would touch the line of that segment, -1 to 1."""
    one = np.float32(1.0)
    for c in range(touch.size):
        slope = (left[c] - right[c]) * scale
        touch[c] = slope / np.sqrt(one + slope * slope)


@njit(cache=True, nogil=True, fastmath=_FAST)
def _lower(  # type: ignore[no-untyped-def]
    left, right, touch, x0, x1, offset, half, radius, first, lowest
):
    """Lower the centres of discs to where no point over a segment of the horizon hides the rim any more."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for c in range(lowest.size):
        x = min(max(touch[c], x0), x1)
        ground = left[c] - first + (right[c] - left[c]) * (x * half - offset)
        lowest[c] = min(lowest[c], ground - radius * np.sqrt(max(one - x * x, zero)))


@njit(cache=True, nogil=True)
def _lowest(
    strip: Floats,
    touch: Floats,
    at: int,
    half: np.float32,
    radius: np.float32,
    first: np.float32,
    nodes: Floats,
    count: int,
) -> None:
    """Rows of the lowest centres of discs of which any part is above the horizon, at the two nodes of a bin."""
    one = np.float32(1.0)
    for node in range(2):
        lowest = nodes[node, :count]
        lowest[:] = np.float32(1e30)
        centre = np.float32(_NODE if node == 0 else 1.0 - _NODE)
        for j in range(math.floor(centre - half), math.ceil(centre + half)):
            offset = np.float32(j) - centre
            x0, x1 = max(offset / half, -one), min((offset + one) / half, one)
            left, right = strip[at + j, :count], strip[at + j + 1, :count]
            _lower(left, right, touch[at + j, :count], x0, x1, offset, half, radius, first, lowest)


@njit(cache=True, nogil=True)
def sum_over_disc(
    horizons: Horizons, places: Places, table: Table, radius: np.float32, halves: Floats, out: Floats
) -> None:
    """Sum a table along the lowest places of a disc of which any part stands above the horizon.

    Parameters
    ----------
    horizons, places, table, out
        As for `sum_along`.
    radius : float32
        Radius of the disc [rows].
    halves : ndarray of float32, shape (azimuths,)
        Half its width in each bin [bins].

    Examples
    --------
    >>> from moonpost.terrain.residencetables import pack
    >>> numbers = np.zeros((8, 3, 2), dtype=np.float32)
    >>> numbers[:, 0] = 0.0625
    >>> packed, unit = pack(numbers)
    >>> horizons = (np.full(8, 1.5, np.float32), np.empty((0, 0), np.int16), 8, np.float32(1.0))
    >>> out, waves = np.empty(1, np.float32), np.zeros((2, 8), np.float32)
    >>> places = (np.empty((3, 0), np.float32), waves, (np.float32(0), np.float32(0)))
    >>> table = (packed, np.zeros(8, np.float32), np.ones(8, dtype=bool), 3)
    >>> sum_over_disc(horizons, places, table, np.float32(1.0), np.full(8, 0.4, np.float32), out)
    >>> (out * unit).round(3)
    array([0.5], dtype=float32)
    """
    packed, first, held, rows = table
    bins, cells = horizons[2], out.size
    top = np.float32(rows - 1.001)
    side = math.ceil(halves.max())
    height = LANES * math.ceil((2 * side + _STRIP) / LANES)
    hop = height - 2 * side - 3
    raw, strip = np.zeros((height, BLOCK + _PAD), np.float32), np.zeros((height, BLOCK + _PAD), np.float32)
    touch = np.empty((height, BLOCK + _PAD), np.float32)
    nodes, entries = np.empty((2, BLOCK), np.float32), np.empty((2, BLOCK), np.int32)
    leans, sums = np.empty((3, BLOCK), np.float32), np.empty(BLOCK, np.float32)
    for begin in range(0, cells, BLOCK):
        count = min(BLOCK, cells - begin)
        width, here = _width(count), _block(places, begin, count, leans)
        low, high, one, two = nodes[0, :width], nodes[1, :width], entries[0, :width], entries[1, :width]
        total = sums[:width]
        total[:] = np.float32(0.0)
        for start in range(0, bins, hop):
            stop = min(start + hop, bins)
            if not held[start:stop].any():
                continue
            wide = stop - start + 2 * side
            _fill(horizons, here, start - side, wide + 1, begin, count, raw, strip)
            for k in range(wide):
                scale = halves[(start - side + k) % bins] / radius
                _touch(strip[k, :width], strip[k + 1, :width], scale, touch[k, :width])
            for a in range(start, stop):
                if held[a]:
                    _lowest(strip, touch, a - start + side, halves[a], radius, first[a], nodes, width)
                    _rows(low, top, np.int32(0), one)
                    _rows(high, top, np.int32(1), two)
                    _draw(packed[a * rows * 2 : (a + 1) * rows * 2], one)
                    _draw(packed[a * rows * 2 : (a + 1) * rows * 2], two)
                    _sum(low, high, one, two, total)
        out[begin : begin + count] = total[:count]


@njit(cache=True, nogil=True)
def any_missing(horizons, mark, missing):  # type: ignore[no-untyped-def]
    """Mark the cells whose horizon holds a mark.

    Parameters
    ----------
    horizons : ndarray of int16, shape (azimuths, cells)
        Elevations.
    mark : int16
        What stands for no elevation.
    missing : ndarray of bool, shape (cells,)
        Set where it is found.

    Examples
    --------
    >>> missing = np.zeros(2, dtype=bool)
    >>> any_missing(np.array([[0, 5], [0, -32768]], dtype=np.int16), np.int16(-32768), missing)
    >>> missing
    array([False,  True])
    """
    bins, cells = horizons.shape
    for begin in range(0, cells, 8192):
        flags = missing[begin : begin + 8192]
        for a in range(bins):
            row = horizons[a, begin : begin + 8192]
            for c in range(flags.size):
                flags[c] |= row[c] == mark

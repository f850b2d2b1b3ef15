"""Light over 18.6 years: averages from tables, and darkness found by events, beside a loop over hours."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from measure import Table, best_s, data_folder, once_s
from moonpost.sky import Almanac, times
from moonpost.terrain import HorizonProfile, Terrain, earth_visibility, illumination, light_statistics
from moonpost.terrain.area import MapArea
from moonpost.terrain.gridhorizon import horizon_masts
from moonpost.terrain.profiles import shipped_profile
from moonpost.terrain.residence import residence

START = np.datetime64("2030-01-01", "ms")
STOP = START + np.timedelta64(round(18.6 * 365.25 * 86400e3), "ms")
POINTS = (
    ("glaeser-spot-1", 2.0),
    ("glaeser-spot-1", 10.0),
    ("connecting-ridge", 2.0),
    ("peak-near-shackleton", 2.0),
)
CHUNK = np.timedelta64(100 * 86_400_000, "ms")
AZIMUTHS = np.arange(720) * 0.5
CELLS, WINDOW, TILES, REPEATS = 100, 128, 41, 9
SUN_LOOP, EARTH_LOOP = "loop over hours", "Earth, loop over hours"


@dataclasses.dataclass(frozen=True)
class Pair(Table):
    """Two tables on one page."""

    second: Table | None = None

    def text(self) -> str:
        """Both as Markdown, the machine once."""
        assert self.second is not None
        first = super().text().rsplit("\n\n", 1)[0]
        return f"{first}\n\n#{self.second.text()}"


def table() -> Table:
    """Averages of many horizons, and the events of a few."""
    averages = averages_table()
    fields = {field.name: getattr(averages, field.name) for field in dataclasses.fields(averages)}
    return Pair(**fields, second=events_table())


def averages_table() -> Table:
    """A thousand horizons of real terrain, from tables and from the loop over hours."""
    spent, off, made = measured()
    rows = []
    for what, (best, median) in spent.items():
        loop_us = spent[EARTH_LOOP if what.startswith("Earth") else SUN_LOOP][0]
        ratio = f"{loop_us / best:,.0f} x"
        rows.append([what, f"{best:.3g} us", f"{median:.3g} us", ratio, f"{off[what]:.4f}" if what in off else ""])
    return Table(
        topic="light",
        title="Average light over 18.6 years",
        method=f"{CELLS * len(made)} horizons of 720 azimuths, masts of 0, 2 and 10 m, of {len(made)} pieces of "
        f"terrain from 80 deg latitude to the poles, {str(START)[:10]} to {str(STOP)[:10]}. Processor time of one "
        f"thread for a cell: best and median of {REPEATS} runs for each piece, middle of the pieces. Loops are "
        "`illumination` and `earth_visibility` for each hour with Sun and Earth at hand, as compiled as the "
        f"look-ups. The Sun's table takes {np.median(made):.2f} s, the Sun included, and serves an area.",
        head=["what", "best", "median", "faster than its loop", "largest difference to it (points)"],
        rows=rows,
        reading="Each figure of a cell is a sum of look-ups, two for each azimuth, exact but for the horizon's "
        "bend between two azimuths. Maps hold whole hundredths of a degree; their difference includes that "
        "rounding. For any part in sight the loop knows the hour alone, the table also the way between hours.",
    )


def terrain() -> Iterator[tuple[MapArea, Any]]:
    """Ten pieces of terrain: their maps, and heights [m]."""
    import rasterio

    random, data = np.random.default_rng(8), data_folder()
    pieces = [(Terrain.default(pole).layers[0].path, k) for pole in ("south", "north") for k in range(5)]
    if data is not None:
        pieces[2] = (data / "dem" / "shackleton_51km_25m_fused.tif", -1)
        pieces[4] = (data / "dem" / "shackleton_51km_200m.tif", -1)
    for path, belt in pieces:
        area = MapArea.of_file(path)
        with rasterio.open(path) as raster:
            z = (raster.read(1) * raster.scales[0]).astype(np.float32)
        while True:
            row, col = random.integers(0, np.array(z.shape) - WINDOW + 1)
            part = area.cut(slice(row, row + WINDOW), slice(col, col + WINDOW))
            if belt < 0 or 80.0 + 2.0 * belt <= abs(part.centre.latitude_deg) <= 82.0 + 2.0 * belt:
                break
        yield part, z[row : row + WINDOW, col : col + WINDOW]


def measured() -> tuple[dict[str, tuple[float, float]], dict[str, float], list[float]]:
    """Times of a cell [us], best and median; largest differences [points]; times of the tables [s]."""
    random, almanac, hours = np.random.default_rng(9), Almanac.default(), times(START, STOP, 3600.0)
    spent: dict[str, list[tuple[float, float]]] = {}
    off: dict[str, list[float]] = {}
    made: list[float] = []
    for area, z in terrain():
        chosen = random.integers(WINDOW // 3, 2 * WINDOW // 3, (CELLS, 2))
        masts = horizon_masts(z, area.cell_m, np.radians(AZIMUTHS))
        horizons = np.degrees(masts[random.integers(0, 3, CELLS), :, chosen[:, 0], chosen[:, 1]])
        sun, earth = almanac.sun(area.centre, hours), almanac.earth(area.centre, hours)
        took, sun_table = once_s(partial(residence, almanac, area.centre, START, STOP))
        made.append(took)
        earth_table = residence(almanac, area.centre, START, STOP, body="earth")
        profiles = [HorizonProfile(AZIMUTHS, h, np.zeros(720), area.centre, 2.0, "site", {}) for h in horizons]
        shares = np.array([_shares(profile, sun, earth) for profile in profiles]).T
        for what, call in (
            (SUN_LOOP, partial(illumination, sun=sun)),
            (EARTH_LOOP, partial(earth_visibility, earth=earth)),
        ):
            spent.setdefault(what, []).append(_processor_us(partial(_each, call, profiles[:10]), 10))
        hundredths = np.rint(horizons.T * 100.0).astype(np.int16)
        for what, call, k in (
            ("average light", sun_table.average, 0),
            ("average light, map", sun_table.average_map, 0),
            ("any light", sun_table.visible, 1),
            ("any light, map", sun_table.visible_map, 1),
            ("Earth, average", earth_table.average, 2),
            ("Earth, average, map", earth_table.average_map, 2),
            ("Earth, any part", earth_table.visible, 3),
            ("Earth, any part, map", earth_table.visible_map, 3),
        ):
            few = hundredths if what.endswith("map") else horizons
            many = np.tile(few, (1, TILES) if what.endswith("map") else (TILES, 1))
            spent.setdefault(what, []).append(_processor_us(partial(call, many), TILES * CELLS))
            off.setdefault(what, []).append(100.0 * float(np.abs(call(few) - shares[k]).max()))
    middle = {what: tuple(np.median(values, axis=0)) for what, values in spent.items()}
    return middle, {what: max(values) for what, values in off.items()}, made


def _each(call: Callable[[HorizonProfile], Any], profiles: list[HorizonProfile]) -> list[float]:
    """Averages of a loop over hours, profile by profile."""
    return [float(call(profile).mean()) for profile in profiles]


def _shares(profile: HorizonProfile, sun: Any, earth: Any) -> tuple[float, ...]:
    """Averages and shares of the time with any part in sight, from the loop."""
    light, sight = illumination(profile, sun), earth_visibility(profile, earth)
    return float(light.mean()), float((light > 0.0).mean()), float(sight.mean()), float((sight > 0.0).mean())


def _processor_us(call: Callable[[], Any], cells: int) -> tuple[float, float]:
    """Best and median processor time of a cell [us], after one call that is not counted."""
    call()
    spent = []
    for _ in range(REPEATS):
        begun = time.process_time()
        call()
        spent.append(1e6 * (time.process_time() - begun) / cells)
    return min(spent), float(np.median(spent))


def events_table() -> Table:
    """The shipped horizons of four points and heights."""
    rows = [row for name, mast_m in POINTS for row in point(name, mast_m)]
    return Table(
        topic="light",
        title="Light and the longest darkness over 18.6 years",
        method=f"Shipped horizons, {str(START)[:10]} to {str(STOP)[:10]}. The loops compute the Sun and the "
        "fraction of its disc in vectorised calls, step by step, and take the longest run of zeros. Moonpost "
        "finds the ends of darkness by events.",
        head=[
            "point",
            "what",
            "time",
            "of Moonpost's",
            "average light",
            "longest darkness (d)",
            "off the minutes (min)",
        ],
        rows=rows,
        reading="An hourly loop costs less and is right to an hour at best; to know the longest darkness to a "
        "minute by steps costs many times what the events cost. `light_statistics` also gives light, the Earth "
        "and darkness without the Earth in that time; the loops give darkness alone.",
    )


def point(name: str, mast_m: float) -> list[list[str]]:
    """Rows of one point."""
    profile = shipped_profile(name, mast_m)
    ours_s, ours = best_s(lambda: light_statistics(profile, Almanac.default(), START, STOP), 3)
    hours_s, hours = best_s(lambda: by_steps(profile, 3600.0), 3)
    minutes_s, minutes = once_s(lambda: by_steps(profile, 60.0))
    label = f"{name}, {mast_m:g} m"
    rows = []
    for what, spent, average, dark_d in (
        ("Moonpost, by events", ours_s, ours.average_illumination, ours.longest_dark_d),
        ("loop over hours", hours_s, *hours),
        ("loop over minutes", minutes_s, *minutes),
    ):
        off = 1440.0 * (dark_d - minutes[1])
        rows.append(
            [
                label,
                what,
                f"{spent:.2f} s",
                f"{spent / ours_s:.2g} x",
                f"{average:.4f}",
                f"{dark_d:.4f}",
                f"{off:+.1f}",
            ]
        )
    return rows


def by_steps(profile: Any, step_s: float) -> tuple[float, float]:
    """Average light and longest darkness [d] from a series of even steps."""
    almanac, total, dark = Almanac.default(), 0.0, []
    for begin in np.arange(START, STOP, CHUNK):
        t = times(begin, min(begin + CHUNK, STOP), step_s)
        light = illumination(profile, almanac.sun(profile.site, t))
        total += float(light.sum())
        dark.append(light <= 0.0)
    flags = np.concatenate(dark)
    return total / flags.size, longest(flags) * step_s / 86_400.0


def longest(flags: Any) -> int:
    """Length of the longest run of true steps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int(np.max(edges[1::2] - edges[::2], initial=0))

"""The Sun in the sky of a site: Moonpost beside skyfield and beside a loop over dates with SPICE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from measure import Table, best_s, data_folder, once_s
from moonpost.sky import Almanac, Site, times

SITE = Site(-89.53432, 209.94767, 1650.0)
START, STOP, STEP_S = "2030-01-01", "2031-01-01", 3600.0
FRAME = "MOON_ME_DE440_ME421"
KERNELS = (
    "de440s_1957_2061_sun_emb_earth_moon.bsp",
    "moon_pa_de440_1957_2061.bpc",
    "moon_de440_220930.tf",
    "naif0012.tls",
)


def table() -> Table:
    """Azimuth and elevation of the Sun for a year, hour by hour."""
    t = times(START, STOP, STEP_S)
    cold_s, ours = once_s(lambda: Almanac.default().sun(SITE, t))
    anew_s, _ = best_s(lambda: Almanac.default().sun(SITE, t))
    almanac = Almanac.default()
    again_s, _ = best_s(lambda: almanac.sun(SITE, t))
    rows = [
        ["Moonpost, first call of the process", ms(cold_s), "", ""],
        ["Moonpost, kernels opened anew", ms(anew_s), "1", ""],
        ["Moonpost, the same times again for another place", ms(again_s), ratio(again_s, anew_s), ""],
    ]
    data = data_folder()
    if data is not None:
        paths = [data / "kernels" / name for name in KERNELS]
        spent, found = best_s(lambda: skyfield_sun(paths, t), 3)
        rows.append(["skyfield, kernels opened anew", ms(spent), ratio(spent, anew_s), apart(ours, found)])
        spent, found = once_s(lambda: spice_sun(paths, t))
        rows.append(["SPICE by spiceypy, date by date", ms(spent), ratio(spent, anew_s), apart(ours, found)])
    return Table(
        topic="sky",
        title="The Sun from a site, a year hour by hour",
        method=f"{t.size:,} instants from {START}: apparent azimuth and elevation at {-SITE.latitude_deg:.5f} S "
        f"{SITE.longitude_deg:.5f} E. Skyfield and SPICE read a single-segment copy of the same lunar orientation "
        "and the same DE440 (skyfield refuses the two-segment original); without `MOONPOST_DATA` their rows are "
        "left out.",
        head=["what", "time", "of Moonpost's", "largest difference of direction (deg)"],
        rows=rows,
        reading="The difference is the angle between the two directions. Light bending by masses is left out.",
        packages=("moonpost", "numpy", "skyfield", "spiceypy"),
    )


def ms(seconds: float) -> str:
    """A time in milliseconds."""
    return f"{1e3 * seconds:,.1f} ms"


def ratio(seconds: float, unit_s: float) -> str:
    """A time over another."""
    return f"{seconds / unit_s:,.2g} x" if seconds < 10 * unit_s else f"{seconds / unit_s:,.0f} x"


def apart(ours: Any, found: tuple[Any, Any]) -> str:
    """Largest angle between our directions and others."""
    angle = np.linalg.norm(direction(ours.azimuth_deg, ours.elevation_deg) - direction(*found), axis=0)
    return f"{np.rad2deg(angle.max()):.0e}"


def direction(azimuth_deg: Any, elevation_deg: Any) -> Any:
    """Unit vectors east, north, up."""
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    level = np.cos(elevation)
    return np.stack([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)])


def skyfield_sun(paths: list[Path], t: Any) -> tuple[Any, Any]:
    """Azimuth and elevation as skyfield computes them, all times in one call."""
    from skyfield.api import PlanetaryConstants, load, load_file

    kernel = load_file(str(paths[0]))
    constants = PlanetaryConstants()
    with open(paths[2], "rb") as text, open(paths[1], "rb") as binary:
        constants.read_text(text)
        constants.read_binary(binary)
        constants.variables["BODY301_RADII"] = [1737.4] * 3
        frame = constants.build_frame_named(FRAME)
        place = constants.build_latlon_degrees(
            frame, SITE.latitude_deg, SITE.longitude_deg, elevation_m=SITE.height_m
        )
        seconds = (t - np.datetime64(START, "ms")) / np.timedelta64(1, "s")
        when = load.timescale(builtin=True).utc(2030, 1, 1, 0, 0, seconds)
        seen = (kernel["moon"] + place).at(when).observe(kernel["sun"]).apparent(deflectors=())
        elevation, azimuth, _ = seen.altaz()
        return azimuth.degrees, elevation.degrees


def spice_sun(paths: list[Path], t: Any) -> tuple[Any, Any]:
    """Azimuth and elevation as SPICE computes them, one date after the other."""
    import spiceypy as spice

    spice.kclear()
    for path in paths:
        spice.furnsh(str(path))
    observer, found = SITE.position_m / 1e3, np.empty((t.size, 3))
    for i, instant in enumerate(t):
        second = spice.utc2et(str(instant))
        state, _ = spice.spkcpo("SUN", second, FRAME, "OBSERVER", "CN+S", observer, "MOON", FRAME)
        found[i] = state[:3]
    spice.kclear()
    east, north, up = SITE.basis @ found.T
    return np.rad2deg(np.arctan2(east, north)), np.rad2deg(np.arctan2(up, np.hypot(east, north)))

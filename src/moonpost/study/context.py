"""What the phases of a study share: the plan, the almanac, profiles and light, and the progress."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.errors import TerrainError
from moonpost.plan import MoonSite, Plan, SolarArray, SurfaceStation, when_bounds
from moonpost.study.progress import Progress, Silent

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.sky import Almanac
    from moonpost.terrain import HorizonProfile, Terrain

__all__ = ["STEP_S", "Context", "Phase", "site_profile", "site_terrain"]

STEP_S = 3600.0
"""Step of the long series [s]; longest darkness is found by events, not by this step."""


@dataclass(frozen=True)
class Phase:
    """What a phase found: its typed result and its series."""

    result: Any
    series: Mapping[str, xr.Dataset] = field(default_factory=dict)


@dataclass
class Context:
    """A plan on its way through the phases.

    Parameters
    ----------
    plan : Plan
        The plan.
    progress : Progress
        Told how far each phase is.
    """

    plan: Plan
    progress: Progress = field(default_factory=Silent)
    phases: dict[str, Phase] = field(default_factory=dict)

    @cached_property
    def almanac(self) -> Almanac:
        """The default kernels."""
        from moonpost.sky import Almanac

        return Almanac.default()

    @property
    def period(self) -> tuple[np.datetime64, np.datetime64]:
        """The period that the station is sized for, UTC."""
        start = np.datetime64(when_bounds(self.plan.design.start)[0], "ms")
        length = np.timedelta64(round(self.plan.design.years * 365.25 * 86400e3), "ms")
        return start, start + length

    @property
    def masts_m(self) -> tuple[float, ...]:
        """Heights at which light is computed for the baseline: the station's and those of its arrays [m]."""
        station = self.plan.station
        heights = set(station.masts_m) if isinstance(station, SurfaceStation) else set()
        for element in self.plan.station_elements():
            heights |= {source.mast_m for source in element.generators if isinstance(source, SolarArray)}
        return tuple(sorted(heights))

    def result(self, phase: str) -> Any:
        """What an earlier phase found."""
        return self.phases[phase].result

    def key(self, phase: str) -> str:
        """Hash of everything that a phase's result depends on, and so whether an earlier one can be used again."""
        parts = {
            "phase": phase,
            "plan": self.plan.sha256,
            "moonpost": version("moonpost"),
            "code": _code(),
            "terrain": [
                (str(path.name), path.stat().st_size, path.stat().st_mtime_ns)
                for site in self.plan.sites
                for path in self.plan.terrain_paths(site)
                if path.exists()
            ],
            "day": str(np.datetime64("now", "D")) if phase == "partners" else "",
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def _code() -> str:
    """Hash of the installed program files by size and time, so that a changed program computes anew."""
    folder = Path(__file__).parents[1]
    files = sorted(
        (str(p.relative_to(folder)), p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*.py")
    )
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def site_terrain(plan: Plan, site: MoonSite) -> Terrain:
    """The terrain that a site stands on: the plan's files, or the built-in polar grid.

    Raises
    ------
    TerrainError
        If the plan names no files and the site lies outside the built-in grids.
    """
    from moonpost.terrain import BUILT_IN_LATITUDE_DEG, Terrain

    paths = plan.terrain_paths(site)
    if paths:
        return Terrain.open(*paths)
    if abs(site.latitude_deg) < BUILT_IN_LATITUDE_DEG:
        raise TerrainError(
            f"lies at {site.latitude_deg:.1f} deg of latitude, outside the built-in grids "
            f"({BUILT_IN_LATITUDE_DEG:g} to 90 deg)",
            where=f"sites[{site.id}]",
            advice=f"give sites[{site.id}].terrain a GeoTIFF that covers it",
        )
    return Terrain.default("south" if site.latitude_deg < 0 else "north")


def site_profile(plan: Plan, site: MoonSite, mast_m: float) -> HorizonProfile:
    """The horizon of a site at a height: from the plan's terrain, else shipped, else from the built-in grid.

    Heights between those that are shipped for a place are made from the two around it.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : MoonSite
        One of its sites.
    mast_m : float
        Height above ground [m].

    Raises
    ------
    TerrainError
        If no terrain covers the site.
    """
    from moonpost.study.heights import shipped_between
    from moonpost.terrain import horizon_from_files

    shipped = None if site.terrain else shipped_between(site.latitude_deg, site.longitude_deg, mast_m)
    if shipped is not None:
        return shipped
    return horizon_from_files(plan.terrain_paths(site), site.latitude_deg, site.longitude_deg, mast_m)

"""Compute the horizon profiles that come with Moonpost anew, from the terrain that MOONPOST_DATA names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from moonpost.plan import load_plan
from moonpost.terrain import Terrain, horizon
from moonpost.terrain.profiles import write_profile

MASTS_M = {
    "glaeser-spot-1": (2.0, 2.5, 10.0, 20.0),
    "connecting-ridge": (2.0, 10.0),
    "peak-near-shackleton": (2.0, 10.0),
}
"""Heights by site: those of the plan, and the ends of its assumption on the height of the array."""

NOTE = (
    "The 25 m file is derived (200 m LOLA heights sharpened by a LOLA normal map), not an original LOLA product."
)


def main() -> int:
    """Write every profile; exit 2 where the data are not there."""
    data = os.environ.get("MOONPOST_DATA", "")
    fine = Path(data) / "dem" / "shackleton_51km_25m_fused.tif"
    if not data or not fine.exists():
        print("set MOONPOST_DATA to a folder with dem/shackleton_51km_25m_fused.tif", file=sys.stderr)
        return 2
    plan = load_plan("ilrs")
    terrain = Terrain(Terrain.open(fine).layers + Terrain.default("south").layers)
    for name, masts_m in MASTS_M.items():
        site = plan.site(name)
        place = terrain.site(site.latitude_deg, site.longitude_deg)
        for mast_m in masts_m:
            profile = horizon(terrain, place, mast_m=mast_m)
            print(write_profile(profile, name, note=NOTE).name, profile.grade)
    return 0


if __name__ == "__main__":
    sys.exit(main())

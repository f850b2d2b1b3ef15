"""Fixtures shared by every room's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from moonpost.sky import Almanac

# The same examples in each run, so that a change alone makes a test fail; MOONPOST_EXPLORE=1 tries new ones.
settings.register_profile("seeded", derandomize=True)
settings.register_profile("explore", print_blob=True)
settings.load_profile("explore" if os.environ.get("MOONPOST_EXPLORE") == "1" else "seeded")


@pytest.fixture(scope="session")
def moonpost_data() -> Path:
    """Folder of the real data, or a skip that says how to get it."""
    named = os.environ.get("MOONPOST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: set MOONPOST_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def almanac() -> Almanac:
    """Positions from DE440s, as users get them."""
    return Almanac.default()

"""Fixtures shared by every room's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from moonpost.sky import Almanac


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

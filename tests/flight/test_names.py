"""The room hands on its names without loading what is slow."""

from __future__ import annotations

import subprocess
import sys

import pytest

import moonpost.flight as room

HEAVY = ("numba", "scipy", "matplotlib", "xarray", "skyfield", "rasterio", "pyproj", "pandas")


def test_no_slow_library_is_loaded_with_the_room() -> None:
    code = (
        "import sys, moonpost.flight as room; room.State, room.propagate, room.target_bplane; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", room.__all__)
def test_every_name_is_there_and_is_not_a_module(name: str) -> None:
    found = getattr(room, name)
    assert type(found).__name__ != "module"
    assert name in dir(room)


def test_modules_of_the_same_name_do_not_hide_functions() -> None:
    code = "import moonpost.flight.propagate, moonpost.flight; print(callable(moonpost.flight.propagate))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_unknown_names_are_told() -> None:
    with pytest.raises(AttributeError, match="no attribute 'warp'"):
        _ = room.warp

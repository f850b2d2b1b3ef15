"""The helpers of this folder, whatever the import mode."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("terrain_dems", Path(__file__).with_name("dems.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def dems() -> ModuleType:
    """Writers of synthetic terrain, and closed forms."""
    return _load()

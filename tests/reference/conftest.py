"""Fixtures of the checks against other programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from moonpost.sky.kernelfiles import default_paths


@pytest.fixture(scope="module")
def bh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The module brahe, offline, with the kernels of Moonpost in its cache."""
    folder = tmp_path_factory.mktemp("brahe")
    (folder / "naif").mkdir()
    for path in default_paths():
        shutil.copy(path, folder / "naif" / path.name)
    kept = {name: os.environ.get(name) for name in ("BRAHE_CACHE", "BRAHE_NETWORK_MODE")}
    os.environ |= {"BRAHE_CACHE": str(folder), "BRAHE_NETWORK_MODE": "offline"}
    brahe = pytest.importorskip("brahe", reason="brahe is not installed: pip install brahe")
    brahe.initialize_eop()
    yield brahe
    for name, value in kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

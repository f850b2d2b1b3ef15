"""The folder of a mission: gone under the server, and its database lost or older than what lies beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.control.missionfolder import Flown, MissionFolder
from moonpost.errors import OutputError
from moonpost.plan import load_plan


def test_a_folder_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    place, away = tmp_path / "a", tmp_path / "b"
    folder = MissionFolder(place, Flown.of(load_plan("ilrs"), None, 60.0, 60.0, None, 0))
    folder.note(np.datetime64("2040-01-01"))
    place.rename(away)
    with pytest.raises(OutputError, match="is gone"):
        folder.note(np.datetime64("2040-01-02"))
    assert not place.exists()
    away.rename(place)
    folder.note(np.datetime64("2040-01-03"))
    assert folder.reached == np.datetime64("2040-01-03")
    folder.close()

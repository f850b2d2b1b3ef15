"""The wall as approvals count it, over restarts of the server and of the machine."""

from __future__ import annotations

from pathlib import Path

from moonpost.control.commands.walls import SteadyWall
from moonpost.control.database import Database

DAY_S = 86_400.0


def wall_of(database: Database, wall_s: float, steady_s: float, boot: str) -> SteadyWall:
    return SteadyWall(database, lambda: wall_s, lambda: steady_s, lambda: boot)


def test_another_machine_or_start_does_not_carry_its_uptime_in(tmp_path: Path) -> None:
    with Database.open(tmp_path / "control.sqlite") as database:
        database.create()
        wall_of(database, 1e9, 3600.0, "one").keep()
        assert wall_of(database, 1e9 + 60.0, 300 * DAY_S, "two").now() == 1e9 + 60.0
        assert wall_of(database, 1e9 - DAY_S, 300 * DAY_S, "two").now() == 1e9  # never goes back
        assert wall_of(database, 1e9 - DAY_S, 3600.0 + 90.0, "one").now() == 1e9 + 90.0  # counts on


def test_a_wall_that_was_put_right_stays_right_over_a_restart(tmp_path: Path) -> None:
    shown = [1e9 + 30 * DAY_S, 10.0]
    with Database.open(tmp_path / "control.sqlite") as database:
        database.create()
        wall = SteadyWall(database, lambda: shown[0], lambda: shown[1], lambda: "one")
        wall.keep()
        shown[:] = [1e9, 20.0]
        assert wall.now() == 1e9 + 30 * DAY_S + 10.0
        wall.release()
        assert wall.now() == 1e9
        assert wall_of(database, 1e9 + 5.0, 25.0, "one").now() == 1e9 + 5.0

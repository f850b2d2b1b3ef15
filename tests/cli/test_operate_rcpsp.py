"""``moonpost operate rcpsp``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL = "4 1\n2\n0 0 2 2 3\n3 1 1 4\n2 2 1 4\n0 0 0\n"


def test_a_plan_as_json_and_text(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "small.rcp"
    path.write_text(SMALL)
    found = json.loads(cli("operate", "rcpsp", path, "--seconds", "2", "--workers", "2", "--json").out)
    assert found["makespan"] == found["lower_bound"] == 5
    assert len(found["starts"]) == 4
    assert abs(found["starts"][1] - found["starts"][2]) in (2, 3), "both need the same capacity"
    assert "4 activities end at 5: the shortest" in cli("operate", "rcpsp", path).out


def test_bad_input_ends_in_one_line(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "bad.rcp"
    path.write_text("4 1\n2\n0 0 2 2 3\n")
    for words in ([path], [tmp_path / "none.rcp"]):
        done = cli("operate", "rcpsp", *words)
        assert done.code == 2
        assert done.err.count("\n") == 1
    path.write_text(SMALL)
    for words in (["--seconds", "nan"], ["--seconds", "-1"], ["--workers", "0"]):
        done = cli("operate", "rcpsp", path, *words)
        assert done.code == 2, words
        assert done.err.count("\n") == 1

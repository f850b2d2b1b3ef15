"""Ticks of plots: the module that the displays are built from, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

MODULE = (Path(__file__).parents[2] / "client/src/plotaxes.js").as_uri()
DAY = 86_400_000
START = 2_224_195_200_000 + 8_000  # 2040-06-25 00:00:08 UTC


def answers(*expressions: str) -> list[Any]:
    """What expressions of the module give."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here: https://nodejs.org")
    script = f"import * as m from '{MODULE}'; console.log(JSON.stringify([{','.join(expressions)}]))"
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60, check=True
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def test_ticks_of_time_stand_at_round_times_and_do_not_touch() -> None:
    lengths = [60_000, 7_200_000, DAY, 3 * DAY, 29.53 * DAY, 400 * DAY]
    found = answers(
        *(f"m.timeTicks({START}, {START + length}, {width})" for length in lengths for width in (110, 300, 1200)),
        f"[-8000, 21592000, 21622000].map((after) => m.timeText({START} + after))",
    )
    assert found.pop() == ["06-25", "06:00", "06:00:30"]
    for number, ticks in enumerate(found):
        length, width = lengths[number // 3], (110, 300, 1200)[number % 3]
        steps = {b - a for a, b in pairwise(ticks)}
        assert len(steps) <= 1
        assert len(ticks) <= min(width / 60, 12) + 1.5
        if steps:
            (step,) = steps
            assert width * step / length >= (78 if step < 60_000 else 64) or (
                len(ticks) <= 3 and width * step / length >= 42
            )
            assert all(at % min(step, DAY) == 0 for at in ticks)
        assert all(START <= at <= START + length for at in ticks)


def test_ticks_of_values_are_round_and_as_many_as_fit() -> None:
    flat, tall, none = answers(
        "m.valueTicks(0.03, 0.37, 60)", "m.valueTicks(-1.27, 1.31, 140)", "m.valueTicks(1, 1, 90)"
    )
    assert flat == [0.1, 0.2, 0.3]
    assert tall == [-1, 0, 1]
    assert none == []

"""Full sizes of claims whose small samples run in ``make test``; ``make soak`` runs these."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.soak


def test_a_study_killed_ten_times(tmp_path: Path) -> None:
    """Kill -9 at ten random moments, then let it finish: the record is that of a run left alone."""
    code = (
        "import sys\nfrom moonpost.plan import load_plan, with_number\nfrom moonpost.study import study\n"
        "study(with_number(load_plan('ilrs'), 'design.years', 2.0), sys.argv[1])"
    )

    def record(folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((folder / "study.json").read_text())
        del found["created_utc"]
        return found

    calm, hunted = tmp_path / "calm", tmp_path / "hunted"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code, str(calm)], check=True)
    length_s = time.monotonic() - started
    moments = random.Random(7)
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", code, str(hunted)])
        time.sleep(moments.uniform(0.05, 0.95) * length_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([sys.executable, "-c", code, str(hunted)], check=True)
    assert record(hunted) == record(calm)

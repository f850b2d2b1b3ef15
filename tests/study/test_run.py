"""A study is complete, resumes where it stopped, and replaces its folder as a whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from moonpost.errors import DataError, OutputError, PlanError
from moonpost.plan import Plan, load_plan, with_number
from moonpost.study import StudyRecord, load_study, study, study_schema
from moonpost.study.phases import PHASES
from moonpost.study.reading import load_series
from moonpost.study.tables import csv_text, tables

YEARS = 0.15


@pytest.fixture(scope="module")
def plan() -> Plan:
    return with_number(load_plan("ilrs"), "design.years", YEARS)


@pytest.fixture(scope="module")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    study(plan, out)
    return out


def record_of(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "study.json").read_text())
    del record["created_utc"]
    return record


def test_record_fits_its_schema_and_reads_back(folder: Path) -> None:
    jsonschema.validate(json.loads((folder / "study.json").read_text()), study_schema())
    record = load_study(folder)
    assert isinstance(record, StudyRecord)
    assert all(row.passes for row in record.self_test)
    assert {row.subject for row in record.operate.balances} >= {"station"}
    assert max(row.residual_relative for row in record.operate.balances) < 1e-9


def test_series_carry_units_names_and_sources(folder: Path) -> None:
    for name, dataset in load_series(folder).items():
        for key, variable in dataset.data_vars.items():
            assert {"units", "long_name", "source"} <= variable.attrs.keys(), (name, key)


def test_tables_hold_every_row(folder: Path) -> None:
    record = load_study(folder)
    for name, rows in tables(record):
        if rows:
            text = (folder / "tables" / f"{name}.csv").read_text()
            assert text == csv_text(rows)
            assert len(text.splitlines()) >= len(rows) + 1


def test_an_unchanged_study_is_used_again(plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = record_of(folder)
    for name in PHASES:
        monkeypatch.setitem(PHASES, name, _refusing(name))
    study(plan, folder)
    assert record_of(folder) == before


def _refusing(name: str) -> Any:
    def refuse(_: Any) -> Any:
        raise AssertionError(f"{name} was computed again")

    spec = PHASES[name]
    return type(spec)(spec.model, refuse, spec.needs)


def test_a_changed_plan_is_computed_anew(plan: Plan, folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "out"
    shutil.copytree(folder, copy)
    changed = with_number(plan, "elements[station-battery].storage.capacity_wh", 90_000.0)
    done = study(changed, copy)
    planned = next(row for row in done.record.design.storage if row.variant == "as planned")
    assert planned.installed_wh == 270_000.0


def test_a_stopped_study_goes_on_after_its_last_phase(
    plan: Plan, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setitem(PHASES, "build", _stopping("build"))
        with pytest.raises(KeyboardInterrupt):
            study(plan, out)
    assert not out.exists()
    for name in ("site", "flight", "design"):
        monkeypatch.setitem(PHASES, name, _refusing(name))
    study(plan, out)
    assert record_of(out) == record_of(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _stopping(name: str) -> Any:
    def stop(_: Any) -> Any:
        raise KeyboardInterrupt

    spec = PHASES[name]
    return type(spec)(spec.model, stop, spec.needs)


def test_killed_at_any_time_it_resumes_to_the_same_record(plan: Plan, folder: Path, tmp_path: Path) -> None:
    """Kill -9 after 0.5 to 3.5 s of a run, several times, then let it finish."""
    out = tmp_path / "out"
    code = (
        "import sys\nfrom moonpost.plan import load_plan, with_number\nfrom moonpost.study import study\n"
        f"study(with_number(load_plan('ilrs'), 'design.years', {YEARS}), sys.argv[1])"
    )
    for wait_s in (0.5, 2.0, 3.5):
        process = subprocess.Popen([sys.executable, "-c", code, str(out)])
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([sys.executable, "-c", code, str(out)], check=True)
    assert record_of(out) == record_of(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_run_leaves_the_earlier_study(plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = record_of(folder)
    changed = with_number(plan, "design.dust_loss", 0.11)
    monkeypatch.setitem(PHASES, "operate", _stopping("operate"))
    with pytest.raises(KeyboardInterrupt):
        study(changed, folder)
    assert record_of(folder) == before


def test_full_disk_leaves_the_earlier_study(plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    before = record_of(folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("moonpost.study.tables.write_text", full)
    with pytest.raises(OutputError, match="No space left"):
        study(with_number(plan, "design.dust_loss", 0.12), folder)
    assert record_of(folder) == before


def test_file_size_limit_ends_in_one_line(tmp_path: Path) -> None:
    """A disk that takes no more while series are written: one line, exit 2, no crash in a library."""
    code = (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from moonpost.cli.main import main\n"
        "sys.argv = ['moonpost', 'study', 'ilrs', '--quiet', '--out', sys.argv[1]]\n"
        "main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2, run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert "too large" in run.stderr
    assert not (tmp_path / "out").exists()


def test_moved_aside_study_comes_back(plan: Plan, folder: Path) -> None:
    """Killed between the two renames, the earlier study is put back by the next run."""
    before = record_of(folder)
    folder.rename(folder.with_name(f".{folder.name}.old"))
    study(plan, folder)
    assert record_of(folder) == before


def test_files_of_others_in_the_folder_are_kept(plan: Plan, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    study(plan, folder)
    assert (folder / "notes.txt").read_text() == "mine"


def test_one_run_at_a_time(plan: Plan, folder: Path) -> None:
    import fcntl

    work = folder.with_name(f".{folder.name}.part")
    work.mkdir(exist_ok=True)
    with open(work / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another run"):
            study(plan, folder)


def test_damaged_study_is_refused_clearly(folder: Path, tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"format": "moonpost-study/9"}'):
        (tmp_path / "study.json").write_text(text)
        with pytest.raises(DataError, match=r"study\.json"):
            load_study(tmp_path)


def test_plan_with_errors_across_rooms_is_refused(plan: Plan) -> None:
    with pytest.raises(PlanError, match="outside the kernels"):
        study(plan.model_copy(update={"design": plan.design.model_copy(update={"start": "2149", "years": 2.0})}))

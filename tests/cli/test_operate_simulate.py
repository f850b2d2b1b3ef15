"""``moonpost operate simulate``: balances, files, faults, and what it refuses."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app, main

RUN = ["operate", "simulate", "ilrs", "--from", "2040-05-24", "--days", "6"]


def invoke(*more):
    return CliRunner().invoke(app, [*RUN, *more], catch_exceptions=False)


def test_balances_and_counts_as_json():
    first, second = invoke("--seed", "3", "--json"), invoke("--seed", "3", "--json")
    assert first.exit_code == 0
    assert first.stdout == second.stdout
    found = json.loads(first.stdout)
    for name in ("energy", "heat", "data", "mass"):
        assert 0.0 <= found[f"{name}_residual_relative"] < 1e-12
    assert {"site", "seed", "start", "step_s", "steps", "balances", "events", "absent"} <= set(found)
    assert found["seed"] == 3
    assert found["steps"] == 144
    assert found["events"]["sunset"] >= 1
    for row in found["balances"]:
        gone = (
            row["served_wh"] + row["spilled_wh"] + row["bus_loss_wh"] + row["storage_loss_wh"] + row["stored_wh"]
        )
        assert row["supplied_wh"] + row["imported_wh"] == pytest.approx(gone, rel=1e-9)


def test_series_events_and_picture(tmp_path):
    done = invoke("--step", "1800", "--out", str(tmp_path / "s.nc"), "--events", str(tmp_path / "e.csv"),
                  "--plot", str(tmp_path / "p.png"))  # fmt: skip
    assert done.exit_code == 0
    assert "station" in done.stdout
    import xarray as xr

    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as series:
        assert series.sizes["time"] == 288
        assert series["stored_wh"].attrs["units"] == "Wh"
        assert np.isfinite(series["supply_w"].values).all()
    with (tmp_path / "e.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"sunset", "sunrise"} <= {row["kind"] for row in rows}
    assert all(json.loads(row["data"]) is not None for row in rows)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_a_fault_at_another_site_is_told():
    line = "kind=failed-string,subject=yutu-2,at=2022-02-05"
    more = ["--at", "ce4-site", "--fault", line, "--json"]
    done = CliRunner().invoke(
        app, ["operate", "simulate", "ilrs", "--from", "2022-02-01", "--days", "20", *more], catch_exceptions=False
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["site"] == "ce4-site"
    assert found["events"]["fault-begins"] == 1
    assert found["energy_residual_relative"] < 1e-12


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--days", "0"], "days"),
        (["--days", "nan"], "days"),
        (["--step", "1"], "step_s"),
        (["--from", "1800-01-01"], "1800"),
        (["--at", "nowhere"], "nowhere"),
        (["--fault", "kind=dust,subject=nobody,at=2040-05-25"], "nobody"),
    ],
)
def test_bad_input_is_one_line(more, named, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["moonpost", *RUN, *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip()
    assert named in told
    assert len(told.splitlines()) == 1

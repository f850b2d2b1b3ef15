"""What is exported is what a query gives, as others read it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
import xarray as xr

from moonpost.control.archive import Archive, export
from moonpost.errors import InputError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))
from archive_samples import EPOCH, LATER, decode, make

NAMES = ["c5/value_v", "c5/count", "c5/on"]


def test_other_readers_find_the_values_of_a_query(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "a", decode) as archive:
        archive.append(make([*range(50), *range(60, 100)]))
        archive.flush()
        found = {name: archive.query(name, EPOCH, LATER) for name in NAMES}
        bins = archive.query("c5/count", EPOCH, LATER, bins=300_000)
        for name in ("a.parquet", "a.csv", "a.nc"):
            assert export(archive, tmp_path / name, NAMES, EPOCH, LATER) == 270
        export(archive, tmp_path / "bins.csv", ["c5/count"], EPOCH, LATER, bins=300_000)
        export(archive, tmp_path / "bins.nc", ["c5/count"], EPOCH, LATER, bins=300_000)
    rows = duckdb.sql(f"SELECT * FROM '{tmp_path / 'a.parquet'}'").fetchall()
    assert [row[0] for row in rows] == [name for name in NAMES for _ in range(90)]
    assert [row[2] for row in rows] == [float(v) for name in NAMES for v in found[name].value]
    with open(tmp_path / "a.csv", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [float(row["value"]) for row in table] == [row[2] for row in rows]
    assert (
        np.array([row["time"] for row in table][:90], "datetime64[us]").tolist() == found[NAMES[0]].time.tolist()
    )
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as data:
        assert data["c5__value_v"].dtype == np.float32
        assert data["c5__value_v"].values.tobytes() == found["c5/value_v"].value.tobytes()
        assert data["time_1"].values.astype("datetime64[us]").tolist() == found["c5/value_v"].time.tolist()
        assert data["c5__count"].attrs["gaps"].endswith(" 10")
        assert data["c5__on"].values.tolist() == found["c5/on"].value.tolist()
    with open(tmp_path / "bins.csv", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [int(row["count"]) for row in table] == bins.count.tolist()
    assert [float(row["maximum"]) for row in table] == bins.maximum.tolist()
    with xr.open_dataset(tmp_path / "bins.nc", engine="h5netcdf") as data:
        assert data["c5__count__minimum"].values.tolist() == bins.minimum.tolist()


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "a", decode) as archive:
        archive.append(make([1]))
        with pytest.raises(InputError, match="ending"):
            export(archive, tmp_path / "a.xlsx", NAMES, EPOCH, LATER)
        with pytest.raises(InputError, match="different names"):
            export(archive, tmp_path / "a.csv", ["c5/on", "c5/on"], EPOCH, LATER)
        with pytest.raises(UnknownNameError):
            export(archive, tmp_path / "a.csv", ["c5/off"], EPOCH, LATER)
    assert not list(tmp_path.glob("*.csv"))

"""Horizon profiles: values, files, and those that ship with the package."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.sky import Site
from moonpost.terrain import HorizonProfile, Terrain, horizon
from moonpost.terrain.profiles import shipped_names, shipped_profile, write_profile


def made(elevations, **changes) -> HorizonProfile:
    n = len(elevations)
    values = {
        "azimuth_deg": np.arange(n) * 360.0 / n,
        "elevation_deg": np.asarray(elevations, dtype=float),
        "distance_m": np.full(n, 1230.0),
        "site": Site(-89.5, 12.0, 100.0),
        "mast_m": 2.0,
        "grade": "site",
        "provenance": {"terrain": []},
    }
    return HorizonProfile(**{**values, **changes})


def test_between_azimuths_and_round_the_circle():
    profile = made([0.0, 1.0, 2.0, 3.0])
    assert profile.at([0.0, 45.0, 315.0, 360.0, -90.0, 765.0]).tolist() == [0.0, 0.5, 1.5, 0.0, 3.0, 0.5]
    with pytest.raises(InputError):
        profile.at(float("nan"))


@settings(max_examples=30, deadline=None)
@given(
    elevations=st.lists(st.floats(-89.0, 89.0), min_size=4, max_size=40),
    longitude=st.floats(-180.0, 360.0),
    mast=st.floats(0.0, 100.0),
    grade=st.sampled_from(["site", "screening"]),
    ends=st.booleans(),
)
def test_what_is_saved_is_what_is_loaded(elevations, longitude, mast, grade, ends):
    reach = np.full(len(elevations), np.inf)
    if ends:
        reach[1] = 4560.0
    profile = made(elevations, site=Site(-80.0, longitude, -7.25), mast_m=mast, grade=grade, reach_m=reach)
    with tempfile.TemporaryDirectory() as folder:
        back = HorizonProfile.load(profile.save(Path(folder) / "p.json"))
    assert np.abs(back.elevation_deg - profile.elevation_deg).max() <= 0.000501
    assert np.abs(back.distance_m - profile.distance_m).max() <= 5.0
    assert np.array_equal(back.azimuth_deg, profile.azimuth_deg)
    assert np.array_equal(back.reach_m, profile.reach_m)
    assert (back.site, back.mast_m, back.grade) == (profile.site, profile.mast_m, profile.grade)
    assert (back.provenance, back.complete) == (profile.provenance, not ends)
    assert back.to_dict() == profile.to_dict(), "a second round changes nothing"


@pytest.mark.parametrize(
    "changes",
    [
        {"elevation_deg": [0.0, np.nan, 0.0, 0.0]},
        {"elevation_deg": [0.0, 0.0, 0.0]},
        {"elevation_deg": [0.0, 95.0, 0.0, 0.0]},
        {"azimuth_deg": [0.0, 10.0, 20.0, 30.0]},
        {"azimuth_deg": [0.0, 120.0, 240.0]},
        {"mast_m": -1.0},
        {"grade": "good"},
    ],
)
def test_faulty_values(changes):
    with pytest.raises(InputError):
        made([0.0, 0.0, 0.0, 0.0], **changes)


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        made([0.0, 0.0, 0.0, 0.0]).elevation_deg[0] = 5.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "{}",
        '{"kind": "moonpost horizon profile", "version": 99}',
        '{"kind": "moonpost horizon profile", "version": 1}',
    ],
)
def test_files_that_are_no_profiles(tmp_path, text):
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"bad\.json"):
        HorizonProfile.load(file)


def test_a_profile_cut_short(tmp_path):
    file = made([0.0, 1.0, 2.0, 3.0]).save(tmp_path / "p.json")
    plain = json.loads(file.read_text())
    plain["elevation_deg"].pop()
    file.write_text(json.dumps(plain))
    with pytest.raises(DataError, match="elevation_deg"):
        HorizonProfile.load(file)
    with pytest.raises(DataError):
        HorizonProfile.load(tmp_path / "absent.json")


@pytest.mark.parametrize("mast_m", [2.0, 10.0])
def test_shipped_profile_of_the_connecting_ridge(mast_m):
    assert ("connecting-ridge", mast_m) in shipped_names()
    profile = shipped_profile("connecting-ridge", mast_m)
    assert (profile.site.latitude_deg, profile.site.longitude_deg) == (-89.53432, 209.94767)
    assert profile.mast_m == mast_m
    assert profile.azimuth_deg.size == 720
    assert profile.complete
    records = profile.provenance["terrain"]
    assert all(len(record["sha256"]) == 64 and record["resolution_m"] > 0 for record in records)
    assert profile.provenance["moonpost"]
    assert profile.provenance["computed"]


def test_every_shipped_profile_loads_and_says_where_it_is_from():
    for name, mast_m in shipped_names():
        profile = shipped_profile(name, mast_m)
        assert profile.mast_m == mast_m
        assert profile.provenance["terrain"], name


def test_unknown_shipped_profile():
    with pytest.raises(UnknownNameError, match="connecting-ridge at 2 m"):
        shipped_profile("connecting-ridge", 3.0)


def test_shipped_profile_is_what_the_horizon_gives_now(moonpost_data):
    shipped = shipped_profile("connecting-ridge", 2.0)
    records = shipped.provenance["terrain"]
    south = Terrain.default("south").layers[0].path
    files = [
        south if record["name"] == south.name else moonpost_data / "dem" / record["name"] for record in records
    ]
    now = horizon(Terrain.open(*files), shipped.site, 2.0)
    assert np.abs(now.elevation_deg - shipped.elevation_deg).max() < 0.01
    assert [record["sha256"] for record in now.provenance["terrain"]] == [record["sha256"] for record in records]


def test_names_of_written_profiles(tmp_path):
    assert write_profile(made([0.0] * 4, mast_m=2.5), "rim-1", tmp_path, note="a note").name == "rim-1_2.5m.json"
    assert HorizonProfile.load(tmp_path / "rim-1_2.5m.json").provenance["note"] == "a note"
    for name in ("Rim", "../x", ""):
        with pytest.raises(InputError):
            write_profile(made([0.0] * 4), name, tmp_path)

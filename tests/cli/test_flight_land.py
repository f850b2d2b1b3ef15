"""``moonpost flight land``: question 2 by one command, reasons, descents, aims, pictures and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.sky import Almanac, Site
from moonpost.terrain import HorizonProfile

MARE = ("--site", "43.06,-51.92", "--from", "2030-01-01", "--days", 30)
POLE = ("--site=-88.8,123.4", "--from", "2030-01-01", "--days", 30)


def answer(cli: Any, *words: Any) -> dict[str, Any]:
    run = cli("flight", "land", *words, "--json")
    assert run.code == 0, run.err
    return json.loads(run.out)


def test_dates_with_a_low_sun_and_the_earth_for_three_days(cli: Any, almanac: Almanac) -> None:
    found = answer(cli, *MARE, "--sun", "5:20", "--earth-days", 3)
    assert [window["start"][:13] for window in found["windows"]] == ["2030-01-16T14", "2030-01-28T17"]
    for window in found["windows"]:
        best = np.datetime64(window["best"].rstrip("Z"), "ms")
        assert window["sun_elevation_deg"] == pytest.approx(
            almanac.sun(Site(43.06, -51.92), best).elevation_deg[0], abs=0.01
        )
        assert window["contact_days"] >= 3.0
        assert window["plane_change_m_s"] == 0.0
    assert found["reasons"] == []
    # The node that is told makes the plane pass at the wished time.
    first = found["windows"][0]
    again = answer(cli, *MARE, "--node", first["nodes_deg"][0], "--sun", "5:20", "--degree", 8)
    assert any(window["start"] <= first["best"] <= window["stop"] for window in again["windows"])
    assert found["descent"]["total_delta_v_m_s"] == pytest.approx(2105.0, abs=20.0)
    assert [phase["name"] for phase in found["descent"]["phases"]] == [
        "braking", "approach", "hover", "vertical descent"
    ]  # fmt: skip
    text = cli("flight", "land", *MARE, "--sun", "5:20", "--earth-days", 3).out
    assert "2030-01-16T14:50" in text
    assert "vertical descent" in text


def test_an_orbit_with_a_node_gives_passes_with_their_plane_change(cli: Any) -> None:
    found = answer(cli, *MARE, "--node", 20, "--plane-change", 5, "--degree", 8)
    assert len(found["orbit"]["plane_crossings"]) == 2
    assert found["windows"]
    for window in found["windows"]:
        assert 0 < window["passes"] < 20
        assert window["plane_change_deg"] <= 5.0
        assert window["plane_change_m_s"] == pytest.approx(28.5 * window["plane_change_deg"], rel=0.01)
    assert "heading" in cli("flight", "land", *MARE, "--node", 20, "--plane-change", 5, "--degree", 8).out


def test_near_the_pole_reasons_are_told_and_other_criteria_work(cli: Any) -> None:
    found = answer(cli, *POLE, "--sun", "5:20", "--earth-days", 3)
    assert found["windows"] == []
    assert "never reaches 5 deg" in found["reasons"][0]
    assert "lit_days" not in found["reasons"][0]
    run = cli("flight", "land", *POLE, "--sun", "5:20", "--earth-days", 3)
    assert run.code == 0
    assert run.out.startswith("no opportunity\n- the Sun never reaches 5 deg")
    assert answer(cli, *POLE, "--lit-days", 3)["windows"]
    assert answer(cli, *POLE, "--sun", "5:20", "--slope", "8:0")["windows"]


def test_an_inclination_below_the_latitude_is_told(cli: Any) -> None:
    found = answer(cli, *MARE, "--inclination", 20)
    assert found["windows"] == []
    assert "never passes over latitude 43.06" in found["reasons"][0]


def test_a_weak_engine_is_a_reason_and_no_descent(cli: Any) -> None:
    found = answer(cli, *MARE, "--thrust-n", 1500)
    assert found["descent"] is None
    assert any("thrust" in reason for reason in found["reasons"])
    assert found["windows"]


def test_a_horizon_and_a_relay_change_the_answer(cli: Any, tmp_path: Path) -> None:
    hills = HorizonProfile.flat(Site(-88.8, 123.4), elevation_deg=1.0).save(tmp_path / "hills.json")
    free, hidden = (
        answer(cli, *POLE, "--earth-days", 3, *extra)["accepted"] for extra in ((), ("--profile", hills))
    )
    assert 0 < hidden < free
    far = ("--site=-41.64,-153.99", "--from", "2030-01-01", "--days", 20, "--earth-days", 3)
    assert not answer(cli, *far)["windows"]
    relayed = answer(cli, *far, "--relay", "200,16000,62.4,120,90", "--gap-h", 12)
    assert relayed["windows"]
    assert relayed["relay"]["ended"] == "time"
    assert relayed["relay"]["flown_days"] >= 50.0
    assert relayed["reasons"] == []
    away = HorizonProfile.flat(Site(-89.5, 0.0)).save(tmp_path / "away.json")
    run = cli("flight", "land", *POLE, "--profile", away)
    assert run.code == 2
    assert "km from the site" in run.err


def test_a_relay_that_comes_down_is_told_and_lost(cli: Any) -> None:
    far = ("--site=-41.64,-153.99", "--from", "2030-01-01", "--days", 20, "--earth-days", 3, "--gap-h", 12)
    found = answer(cli, *far, "--relay", "200,16000,62.4,0,90")
    assert found["relay"]["ended"] == "impact on the Moon"
    assert found["relay"]["flown_days"] == pytest.approx(3.0, abs=0.2)
    assert any("the relay comes down after 3.0 d, on 2030-01-04" in reason for reason in found["reasons"])
    assert all(window["start"] < "2030-01-04" for window in found["windows"])
    assert "comes down" in cli("flight", "land", *far, "--relay", "200,16000,62.4,0,90").out


def test_aims_on_terrain_and_pictures(cli: Any, moonpost_data: Path, tmp_path: Path) -> None:
    found = answer(
        cli, "--site=-89.45,222.8", "--from", "2030-09-01", "--days", 3, "--inclination", 90,
        "--terrain", moonpost_data / "dem" / "shackleton_51km_25m_fused.tif",
        "--area-km", 1.5, "--fix-height-m", 1500, "--plot", tmp_path / "land.png",
    )  # fmt: skip
    assert found["clearance"]["known_m"] > 500e3
    assert 1000.0 < found["clearance"]["least_m"] < 4000.0
    aim = found["aim"]
    assert aim["chance"] >= aim["chance_at_site"]
    assert 0.0 < aim["safe_share"] < 1.0
    assert aim["ellipse_99_m"][0] == pytest.approx(91.0, abs=5.0)
    assert abs(aim["latitude_deg"] + 89.45) < 0.05
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "land-descent.png", "land-hazards.png", "land.png"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("--site", "95,0"),
        ("--site", "here"),
        ("--from", "soon"),
        ("--from", "2199-01-01"),
        ("--days", 0),
        ("--days", "nan"),
        ("--sun", "20"),
        ("--sun", "20:5"),
        ("--sun", "nan:5"),
        ("--slope", "8"),
        ("--earth-days", -1),
        ("--lit-days", "nan"),
        ("--relay", "200,16000"),
        ("--relay", "a,b,c,d,e"),
        ("--relay", "16000,200,62,0,90"),
        ("--relay", "200,16000,nan,0,90"),
        ("--relay", "200,16000,200,0,90"),
        ("--profile", "nowhere.json"),
        ("--inclination", 200),
        ("--node", "nan"),
        ("--altitude-km", -3),
        ("--thrust-n", -1),
        ("--mass-kg", "nan"),
        ("--throttle", 2),
        ("--perilune-km", 500),
        ("--hover-s", -5),
        ("--terrain", "nowhere.tif"),
        ("--plot", "calendar.bmp"),
    ],
)
def test_bad_input_ends_in_one_line(cli: Any, words: tuple[Any, ...]) -> None:
    run = cli("flight", "land", *MARE, *words)
    assert run.code == 2, run.out
    assert run.out == ""
    assert run.err.startswith("moonpost: ")
    assert run.err.count("\n") == 1

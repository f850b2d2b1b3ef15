"""``moonpost flight contacts``: lists, horizons from files, relays, pictures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from moonpost.flight.coverage import EarthView, SiteView, contacts, intersection
from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky import Almanac, Site

BASE = ("flight", "contacts", "--degree", 6, "--days", 1)
LOW = (*BASE, "--altitude-km", 100)


def test_contacts_are_those_of_the_library(cli: Any, almanac: Almanac) -> None:
    run = cli(*LOW, "--site=-89.5,222.7", "--mask-deg", 5, "--earth", "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    env = Environment.make(almanac, "2030-01-01", "2030-01-02", degree=6)
    flown = propagate(State.circling(env, "2030-01-01", 100e3, 90.0), "2030-01-02", env)
    parts = intersection([contacts(flown, view) for view in (SiteView(Site(-89.5, 222.7), 5.0), EarthView())])
    assert found["contacts"] == len(parts) > 8
    assert found["share"] == pytest.approx(parts.share, rel=1e-6)
    assert found["contact_list"][0]["start_utc"][:19] == str(parts.start_utc[0])[:19]
    assert len(found["gap_list"]) == found["gaps"]
    assert found["share"] + sum(row["duration_s"] for row in found["gap_list"]) / 86400 == pytest.approx(1)


@pytest.mark.parametrize("kind", ["command", "saved"])
def test_a_horizon_from_a_file_shortens_contacts(cli: Any, tmp_path: Path, kind: str) -> None:
    from moonpost.terrain import HorizonProfile

    site, path = Site(-89.5, -137.3, 1500.0), tmp_path / "horizon.json"
    wall = HorizonProfile.flat(site, 2.0, azimuths=36, elevation_deg=12.0)
    if kind == "saved":
        wall.save(path)
    else:
        keys = {"latitude_deg": -89.5, "longitude_deg": -137.3, "height_m": 1500.0, "mast_m": 2.0}
        keys |= {"azimuth_deg": wall.azimuth_deg.tolist(), "elevation_deg": wall.elevation_deg.tolist()}
        path.write_text(json.dumps(keys))
    walled = json.loads(cli(*LOW, "--profile", path, "--site=-89.5,222.7", "--json").out)
    masked = json.loads(cli(*LOW, "--site=-89.5,222.7", "--height-m", 1502, "--mask-deg", 12, "--json").out)
    bare = json.loads(cli(*LOW, "--site=-89.5,222.7", "--json").out)
    assert walled["share"] == pytest.approx(masked["share"], rel=1e-9)
    assert walled["share"] < 0.6 * bare["share"]


def test_relays_are_listed_and_drawn(cli: Any, tmp_path: Path) -> None:
    picture = tmp_path / "contacts.png"
    run = cli(
        *BASE, "--orbit", "ely-2005", "--satellites", 3, "--at-least", 2, "--site=-89.5,222.7",
        "--station", "kashgar,Neuquen", "--plot", picture,
    )  # fmt: skip
    assert run.code == 0, run.err
    assert "2 of 3 satellites" in run.out
    assert "13.19 h" in run.out
    assert picture.stat().st_size > 5000


def test_a_published_orbit_without_node_gets_one_that_lasts(cli: Any) -> None:
    run = cli("flight", "contacts", "--degree", 6, "--orbit", "queqiao-2", "--earth", "--days", 20, "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["share"] > 0.8
    lost = cli("flight", "contacts", "--orbit", "queqiao-2", "--node", 75, "--earth", "--days", 20)
    assert lost.code == 2
    assert "impact" in lost.err


def test_planes_spread_the_satellites(cli: Any) -> None:
    words = (*BASE, "--altitude-km", 800, "--site=0,90", "--satellites", 6, "--json")
    one, three = (json.loads(cli(*words, "--planes", planes).out) for planes in (1, 3))
    assert one["share"] < 0.1
    assert three["share"] > 0.3
    assert sum(part["share"] > 0.0 for part in three["each"]) >= 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one way"),
        (("--altitude-km", 100, "--orbit", "queqiao-2", "--earth"), "one way"),
        (("--altitude-km", 100), "nothing to see"),
        (("--altitude-km", "nan", "--earth"), "no orbit"),
        (("--altitude-km", -20, "--earth"), "no orbit"),
        (("--altitude-km", 100, "--apolune-km", 50, "--earth"), "no orbit"),
        (("--altitude-km", 100, "--inclination", 200, "--earth"), "ellipse"),
        (("--orbit", "queqiao-9", "--earth"), "queqiao-2"),
        (("--altitude-km", 100, "--earth", "--days", -1), "--days"),
        (("--altitude-km", 100, "--earth", "--days", "nan"), "--days"),
        (("--altitude-km", 100, "--earth", "--from", "2230-01-01"), "outside"),
        (("--altitude-km", 100, "--earth", "--from", "soon"), "soon"),
        (("--altitude-km", 100, "--site=-95,0"), "latitude"),
        (("--altitude-km", 100, "--site=-85,0", "--mask-deg", "nan"), "mask_deg"),
        (("--altitude-km", 100, "--station", "nowhere"), "nowhere"),
        (("--altitude-km", 100, "--earth", "--satellites", 0), "--satellites"),
        (("--altitude-km", 100, "--earth", "--at-least", 2), "--at-least"),
        (("--altitude-km", 100, "--earth", "--satellites", 3, "--planes", 2), "--planes"),
        (("--altitude-km", 100, "--earth", "--phasing", "nan"), "--phasing"),
        (("--altitude-km", 100, "--earth", "--plane", "ecliptic"), "plane"),
        (("--altitude-km", 100, "--earth", "--plot", "x.pdf"), ".png"),
        (("--altitude-km", 100, "--profile", "none.json"), "none.json"),
        (("--state", "1,2,3", "--earth"), "3 numbers"),
        (("--state", "a,2,3,4,5,6", "--earth"), "numbers"),
        (("--state", "100,0,0,0,1,0", "--earth"), "inside the Moon"),
        (("--state", "1900,0,0,0,1.6,0", "--earth", "--satellites", 2), "--satellites"),
        (("--altitude-km", 100, "--earth", "--degree", 999), "degree"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(cli: Any, words: tuple[object, ...], told: str) -> None:
    run = cli("flight", "contacts", *words)
    assert run.code == 2
    assert told in run.err
    assert len(run.err.strip().splitlines()) == 1


def test_a_file_without_a_horizon_is_refused(cli: Any, tmp_path: Path) -> None:
    for text in ("[]", "{}", "no", '{"elevation_deg": [], "height_m": 0, "latitude_deg": 0, "longitude_deg": 0}'):
        path = tmp_path / "horizon.json"
        path.write_text(text)
        run = cli(*LOW, "--profile", path)
        assert run.code == 2, text
        assert len(run.err.strip().splitlines()) == 1

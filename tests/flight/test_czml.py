"""CZML: packets that CesiumJS reads, positions those of the flight, round the Moon and not the Earth."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.errors import DateError, InputError
from moonpost.flight.burns import Impulse
from moonpost.flight.courses import Course
from moonpost.flight.czml import czml_packets, write_czml
from moonpost.flight.environment import Environment
from moonpost.flight.frames import convert
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac, Site
from moonpost.sky.timescale import default_timescale

HOUR = 3600.0
SITES = {"Shackleton": Site(-89.9, 0.0, 1000.0), "Mons Malapert": Site(-85.99, 2.93, 5000.0)}


@pytest.fixture(scope="module")
def flights(almanac: Almanac) -> dict[str, Trajectory]:
    env = Environment.make(almanac, "2030-01-01", "2030-01-02", degree=20)
    low = State.circling(env, "2030-01-01", 100e3, 90.0, node_deg=30.0)
    relay = State.circling(
        env, "2030-01-01", 300e3, 62.4, node_deg=-20.0, apolune_altitude_m=8.6e6, argument_deg=270.0
    )
    kick = Impulse("2030-01-01T02:30:00.500", [40.0, 0, 0])
    return {
        "orbiter": propagate(low, "2030-01-01T06:00", env, burns=[kick]),
        "relay": propagate(relay, "2030-01-01T12:00", env),
    }


def interpolated(position: dict[str, Any], seconds: np.ndarray) -> np.ndarray:
    """Positions [m] by Lagrange's polynomial through the rows around each time."""
    table = np.array(position["cartesian"]).reshape(-1, 4)
    count = position["interpolationDegree"] + 1
    found = np.empty((len(seconds), 3))
    for k, second in enumerate(seconds):
        first = np.clip(np.searchsorted(table[:, 0], second) - count // 2, 0, len(table) - count)
        rows = table[first : first + count]
        weights = np.ones(count)
        for i in range(count):
            others = np.delete(rows[:, 0], i)
            weights[i] = np.prod((second - others) / (rows[i, 0] - others))
        found[k] = weights @ rows[:, 1:]
    return found


def parts(packet: dict[str, Any]) -> list[dict[str, Any]]:
    return packet["position"] if isinstance(packet["position"], list) else [packet["position"]]


@pytest.mark.parametrize("axes", ["MOON_ME", "J2000"])
def test_positions_are_those_of_the_flight(
    flights: dict[str, Trajectory], almanac: Almanac, tmp_path: Path, axes: str
) -> None:
    written = write_czml(tmp_path / "a.czml", flights, almanac, axes=axes)  # type: ignore[arg-type]
    packets = {packet["id"]: packet for packet in json.loads(written.path.read_text())}
    rng = np.random.default_rng(8)
    for name, flown in flights.items():
        pieces = Course.of(flown).pieces
        assert len(parts(packets[name])) == len(pieces) == (2 if name == "orbiter" else 1)
        for position, piece in zip(parts(packets[name]), pieces, strict=True):
            assert position["referenceFrame"] == {"MOON_ME": "FIXED", "J2000": "INERTIAL"}[axes]
            epoch = default_timescale().tt_s(np.datetime64(position["epoch"].rstrip("Z"), "ms"))
            times = rng.uniform(piece.start_tdb_s, piece.stop_tdb_s, 400)
            near = default_timescale().utc(times)
            since = times - (default_timescale().tdb_s(near) - default_timescale().tt_s(near)) - epoch
            expected = convert(flown.at_elapsed(times - flown.start.time_tdb_s), times, almanac, axes)[:, :3]
            assert np.linalg.norm(interpolated(position, since) - expected, axis=1).max() < 1.0
    assert written.error_m < 1.0
    assert written.rows < 1500


def test_packets_have_what_cesium_needs(flights: dict[str, Trajectory], almanac: Almanac) -> None:
    packets = czml_packets(flights, almanac, sites=SITES, speed=600.0)
    assert [packet["id"] for packet in packets] == ["document", "central-body", "orbiter", "relay", *SITES]
    document, body, orbiter, relay, *places = packets
    assert document["version"] == "1.0"
    assert document["clock"]["interval"] == "2030-01-01T00:00:00Z/2030-01-01T12:00:00Z"
    assert document["clock"]["currentTime"] == "2030-01-01T00:00:00Z"
    assert document["clock"]["multiplier"] == 600.0
    assert body["properties"]["central_body"] == {"string": "Moon"}
    assert body["properties"]["radius_m"] == {"number": 1737400.0}
    assert "Ellipsoid.MOON" in body["description"]
    assert orbiter["availability"] == "2030-01-01T00:00:00Z/2030-01-01T06:00:00Z"
    first, second = orbiter["position"]
    assert first["interval"] == "2030-01-01T00:00:00Z/2030-01-01T02:30:00.500Z"
    assert second["interval"] == "2030-01-01T02:30:00.500Z/2030-01-01T06:00:00Z"
    assert "interval" not in relay["position"]
    for position in (first, second, relay["position"]):
        since = position["cartesian"][::4]
        assert since == sorted(set(since))
        assert -1e-3 <= since[0] < 1.6
        assert (position["interpolationAlgorithm"], position["interpolationDegree"]) == ("LAGRANGE", 7)
    assert {"width", "leadTime", "trailTime", "resolution", "material"} <= set(orbiter["path"])
    assert orbiter["path"]["material"] != relay["path"]["material"]
    for packet, site in zip(places, SITES.values(), strict=True):
        assert packet["position"]["referenceFrame"] == "FIXED"
        assert packet["position"]["cartesian"] == pytest.approx(site.position_m, abs=1e-3)
    json.dumps(packets, allow_nan=False)


def test_a_flight_from_the_earth_is_shown_from_the_moon(almanac: Almanac) -> None:
    env = Environment.make(almanac, 0.0, 86400.0, degree=0, centre="earth", bodies=("sun", "moon"))
    state = State(0.0, np.array([6578e3, 0, 0]), np.array([0, 10.9e3, 800.0]), "earth")
    flown = propagate(state, 6 * HOUR, env)
    packet = czml_packets({"tli": flown}, almanac)[2]
    assert np.linalg.norm(packet["position"]["cartesian"][1:4]) > 3.5e8


def test_bad_arguments_are_refused(flights: dict[str, Trajectory], almanac: Almanac, tmp_path: Path) -> None:
    path = tmp_path / "a.czml"
    flown = flights["orbiter"]
    for words in (
        {"axes": "ICRF"},
        {"speed": 0.0},
        {"speed": float("nan")},
        {"trail_s": -1.0},
        {"tolerance_m": 0.0},
        {"sites": {"orbiter": SITES["Shackleton"]}},
        {"sites": {"pole": (0.0, 0.0)}},
    ):
        with pytest.raises(InputError):
            write_czml(path, {"orbiter": flown}, almanac, **words)
    for nothing in ({}, {"document": flown}, {"x": "y"}):
        with pytest.raises(InputError):
            write_czml(path, nothing, almanac)  # type: ignore[arg-type]
    course = Course.of(flown)
    late = Course((type(course.pieces[0])(1e11, 1e11 + 60.0, course.pieces[0].states_at),))
    with pytest.raises(DateError):
        write_czml(path, late, almanac)
    assert not path.exists()


@pytest.mark.soak
@pytest.mark.parametrize(("axes", "limit_m"), [("MOON_ME", 1.5), ("J2000", 150.0)])
def test_cesium_moves_flights_round_the_moon(
    flights: dict[str, Trajectory], almanac: Almanac, tmp_path: Path, axes: Any, limit_m: float
) -> None:
    """In a headless Chromium with CesiumJS on Ellipsoid.MOON: places, pictures that differ.

    Fixed axes to 1.5 m; axes at rest as well as Cesium's own series for the Moon's rotation is.
    """
    cesium = Path(os.environ.get("MOONPOST_CESIUM", "node_modules/cesium"))
    if shutil.which("chromium") is None or not cesium.is_dir():
        pytest.skip("needs chromium, and MOONPOST_CESIUM naming the folder of the npm package cesium")
    file = Path(__file__).parents[2] / "tools" / "czml_look.py"
    spec = importlib.util.spec_from_file_location("czml_look", file)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    sys.modules["czml_look"] = tool
    spec.loader.exec_module(tool)
    path = write_czml(tmp_path / "a.czml", flights, almanac, sites=SITES, axes=axes).path
    dates = ["2030-01-01T00:20:07.300Z", "2030-01-01T02:30:00.400Z", "2030-01-01T05:50:00Z"]
    found = tool.look(path, cesium, dates, tmp_path / "look", view=(20.0, -25.0, 9e6))
    assert found["radius_m"] == 1737400.0
    for date in dates:
        for name, flown in flights.items():
            state = flown.at(date.rstrip("Z"))
            expected = convert(state, date, almanac, "MOON_ME")[0, :3]
            assert np.linalg.norm(np.array(found["dates"][date][name]) - expected) < limit_m
        for name, site in SITES.items():
            assert np.linalg.norm(np.array(found["dates"][date][name]) - site.position_m) < 0.01
    pictures = [(tmp_path / "look" / f"picture-{k}.png").read_bytes() for k in (1, 2, 3)]
    assert len(set(pictures)) == 3
    assert min(map(len, pictures)) > 10_000

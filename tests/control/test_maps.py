"""Maps: light over relief, places of machines, orbits, pictures and their cache, and all routes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from moonpost.control.database import Database
from moonpost.control.maps import MapSet
from moonpost.control.maps.globe import orbits_at, overhead
from moonpost.control.maps.places import machines_on, read_tracks
from moonpost.control.maps.polar import grounds_of, relief_pixels, shadow_pixels, sun_share
from moonpost.control.policy import Policy
from moonpost.control.station.catalogue import station_commands
from moonpost.control.timeline import Timeline
from moonpost.control.timeline.execution import Evidence
from moonpost.control.timeline.missions import timeline_of
from moonpost.control.users import Users
from moonpost.control.web.app import create_app
from moonpost.errors import UnknownNameError
from moonpost.operations.placements import Placement
from moonpost.plan import Plan, load_plan
from moonpost.sky import Almanac, Site
from moonpost.terrain import Terrain, horizon, illumination

sys.path.insert(0, str(Path(__file__).parent))
from timeline_samples import HOUR, START, Asked, Clock

T = np.datetime64("2035-01-10T00:00", "ms")
WORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan("ilrs")


@pytest.fixture(scope="module")
def maps(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> MapSet:
    return MapSet(plan, tmp_path_factory.mktemp("maps"))


def pixels(octets: bytes) -> Any:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(octets)))


# ---------------------------------------------------------------------------------------------- pictures


def test_relief_is_brighter_towards_the_lamp_and_none_where_there_is_no_ground() -> None:
    rows, columns = np.mgrid[0:20, 0:20].astype(float)
    facing = relief_pixels(100.0 * (rows + columns), 100.0)  # falls towards the upper left, where the lamp is
    away = relief_pixels(-100.0 * (rows + columns), 100.0)
    assert facing[10, 10] > away[10, 10] + 50
    holed = np.zeros((4, 4))
    holed[0, 0] = np.nan
    assert relief_pixels(holed, 100.0)[0, 0] == 0
    shade = shadow_pixels(np.array([[0.0, 1.0, np.nan]], np.float32))
    assert shade[0, 0, 3] > 200
    assert shade[0, 1, 3] < 60
    assert shade[0, 2].tolist() == [0, 0, 0, 0]


# ---------------------------------------------------------------------------------------------- light


def test_light_of_the_map_is_that_of_the_point_tool(plan: Plan, almanac: Almanac) -> None:
    """Other code, finer azimuths and a curved edge: within 0.1 of the disc at 11 of 12, none off by half."""
    every, ground = 60, grounds_of(plan, None)[0]
    share = sun_share(ground, almanac, T, every=every)
    terrain = Terrain.default("south")
    rng, off = np.random.default_rng(4), []
    for _ in range(12):
        i, j = rng.integers(3, share.shape[0] - 3, 2)
        x, y = ground.x_m[j * every], ground.y_m[i * every]
        colatitude, longitude = 2.0 * np.arctan2(np.hypot(x, y), 2.0 * 1737400.0), np.degrees(np.arctan2(x, y))
        site = terrain.site(-90.0 + np.degrees(colatitude), longitude)
        profile = horizon(terrain, site, mast_m=2.0, azimuths=360)
        off.append(abs(float(np.asarray(illumination(profile, almanac.sun(site, T)))[0]) - float(share[i, j])))
    assert max(off) < 0.5
    assert sum(one > 0.1 for one in off) <= 1
    assert 0.2 < float(np.mean(share > 0.5)) < 0.8


def test_light_is_kept_for_half_an_hour_and_old_ones_go(maps: MapSet, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def dark(*_: Any, **__: Any) -> Any:
        made.append(1)
        return np.zeros((4, 4), np.float32)

    monkeypatch.setattr("moonpost.control.maps.mapset.sun_share", dark)
    minute = np.timedelta64(60_000, "ms")
    first, same, next_one = (maps.picture("light", T + k * minute) for k in (1, 29, 31))
    assert first == same
    assert first.tag != next_one.tag
    assert len(made) == 2
    for k in range(60):
        maps.picture("light", T + 30 * k * minute)
    assert len(list((maps.folder / "maps").glob("light-*.png"))) <= 48
    with pytest.raises(UnknownNameError):
        maps.picture("light-near", T)


# ---------------------------------------------------------------------------------------------- places and orbits


def test_machines_stand_where_the_plan_puts_them(plan: Plan) -> None:
    rows = {row["id"]: row for row in machines_on(plan, "south", T)}
    one, other = plan.element("ilrs-1").position, plan.element("command-centre").position
    assert one is not None
    assert other is not None
    apart = np.hypot(
        rows["ilrs-1"]["x_m"] - rows["command-centre"]["x_m"],
        rows["ilrs-1"]["y_m"] - rows["command-centre"]["y_m"],
    )
    assert apart == pytest.approx(np.hypot(one.east_m - other.east_m, one.north_m - other.north_m), rel=1e-4)
    site = plan.site("glaeser-spot-1")
    middle = rows["command-centre"]
    east, north, up = (np.asarray(part) for part in Site(site.latitude_deg, site.longitude_deg).basis)
    point = 1737400.0 * up + other.east_m * east + other.north_m * north
    assert middle["latitude_deg"] == pytest.approx(
        np.degrees(np.arctan2(point[2], np.hypot(*point[:2]))), abs=1e-6
    )
    assert rows["survey-rover"]["there"]
    assert not rows["reactor"]["there"]
    assert rows["yutu-2"]["assumed"]
    assert "luna-25" not in rows  # lost
    assert "queqiao-2" not in rows  # flies
    assert machines_on(plan, "north", T) == []


def test_tracks_come_from_files_and_bad_ones_are_passed_over(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "tracks"
    folder.mkdir()
    line = {"type": "LineString", "coordinates": [[222.8, -89.44, 5.0], [222.9, -89.45, 6.0]]}
    (folder / "survey-rover.first.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": line}]})
    )
    (folder / "assembly-rover.geojson").write_text("{half")
    (folder / "nobody.geojson").write_text(json.dumps(line))
    found = read_tracks(tmp_path, plan, "south")
    assert [(row["element"], row["name"], len(row["points"])) for row in found] == [
        ("survey-rover", "survey-rover.first", 2)
    ]
    assert (found[0]["activity"], found[0]["speed_m_s"]) == (None, None)


DEGREE_M = 1737400.0 * np.pi / 180.0  # of a great circle
WAY = {"type": "LineString", "coordinates": [[90.0, -89.5], [90.0, -89.4], [90.0, -89.2]]}  # 0.3 degrees northward


def driving(tmp_path: Path, name: str = "survey-rover", **told: float) -> MapSet:
    """Maps of a folder that holds a way."""
    (tmp_path / "tracks").mkdir(parents=True)
    feature = {"type": "Feature", "geometry": WAY, "properties": told}
    (tmp_path / f"tracks/{name}.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    return MapSet(load_plan("ilrs"), tmp_path)


def drive(number: int, start_h: float, hours: float, activity: str = "survey-drive") -> Placement:
    start = T + int(start_h) * HOUR
    return Placement(
        f"{activity}-{number}", activity, "survey-rover", "roscosmos", start, start + int(hours) * HOUR, 180.0, 0.0
    )


def the_rover(maps: MapSet, hours: float, drives: list[Placement], **more: Any) -> tuple[Any, Any]:
    found = maps.machines(T + np.timedelta64(round(3600e3 * hours), "ms"), drives, **more)
    return (
        next(row for row in found["machines"] if row["id"] == "survey-rover"),
        next(row for row in found["tracks"] if row["element"] == "survey-rover"),
    )


@pytest.mark.parametrize(
    ("hours", "driven_h"),
    [(-1.0, 0.0), (0.0, 0.0), (4.5, 4.5), (8.0, 8.0), (20.0, 8.0), (25.0, 9.0), (900.0, 16.0)],
)
def test_a_rover_is_where_its_drives_have_brought_it(tmp_path: Path, hours: float, driven_h: float) -> None:
    """By hand: the plan's 0.05 m/s, 180 m in an hour, northward along the meridian from 89.5 deg south."""
    row, track = the_rover(driving(tmp_path), hours, [drive(2, 24, 8), drive(1, 0, 8)])
    assert row["latitude_deg"] == pytest.approx(-89.5 + 180.0 * driven_h / DEGREE_M, abs=2e-6)
    assert row["longitude_deg"] == pytest.approx(90.0, abs=1e-5)
    assert row["planned"]["distance_m"] == pytest.approx(180.0 * driven_h, abs=0.06)
    assert row["planned"]["length_m"] == pytest.approx(0.3 * DEGREE_M, abs=0.06)
    assert row["planned"]["driving"] == (0 <= hours < 8 or 24 <= hours < 32)
    assert row["planned"]["drives"] == (hours >= 0) + (hours >= 24)
    assert track["behind"][-1] == track["ahead"][0] == [row["x_m"], row["y_m"]]
    assert [*track["behind"][:-1], *track["ahead"][1:]] == track["points"][driven_h == 0 :]


def test_the_speed_of_the_way_counts_before_that_of_the_plan_and_it_ends_at_its_end(tmp_path: Path) -> None:
    """0.3 degrees in 3 hours of driving: 0.1 in each; the first point after the begin is reached after one."""
    maps = driving(tmp_path, drive_h=3.0)
    drives = [drive(1, 0, 2), drive(2, 10, 8)]
    degrees = [the_rover(maps, hours, drives)[0]["latitude_deg"] for hours in (1, 2, 6, 10.5, 11, 30)]
    assert degrees == pytest.approx([-89.4, -89.3, -89.3, -89.25, -89.2, -89.2], abs=2e-6)
    row, track = the_rover(maps, 12, drives)
    assert not row["planned"]["driving"]  # it is there before the drive is over
    assert row["planned"]["next_ms"] is None
    assert track["ahead"] == [track["points"][-1]]
    assert track["behind"] == track["points"]
    plain = MapSet(maps.plan, tmp_path / "none")
    place = the_place(plain)
    assert the_place(maps) == place  # no schedule
    assert "planned" not in next(row for row in maps.machines(T)["machines"] if row["id"] == "survey-rover")
    assert the_rover(maps, 1, [drive(1, 0, 2)])[0]["planned"]["carried_out"] == 0
    done = Evidence("survey-rover", "survey-drive", "running", T)
    assert the_rover(maps, 1, [drive(1, 0, 2)], evidence=[done])[0]["planned"]["carried_out"] == 1


def the_place(maps: MapSet) -> tuple[float, float]:
    row = next(row for row in maps.machines(T + HOUR)["machines"] if row["id"] == "survey-rover")
    return row["x_m"], row["y_m"]


def test_only_activities_that_drive_move_a_machine(tmp_path: Path) -> None:
    maps = driving(tmp_path, "survey-rover.survey-drive", speed_m_s=0.1)
    other = drive(1, 0, 8, "drill-core")
    assert "planned" not in the_rover(maps, 4, [other])[0]
    assert the_rover(maps, 4, [other, drive(1, 2, 8)])[0]["planned"]["distance_m"] == 720.0
    weak = replace(drive(1, 0, 8), power_w=179.0)  # less than what driving draws
    plain = driving(tmp_path / "plain")
    assert "planned" not in the_rover(plain, 4, [weak])[0]
    not_there = plain.machines(np.datetime64("2031-06-01", "ms"), [drive(1, 0, 8)])
    assert "planned" not in next(row for row in not_there["machines"] if row["id"] == "survey-rover")


def test_orbits_stay_between_perilune_and_apolune_and_the_craft_on_its_way(plan: Plan, almanac: Almanac) -> None:
    rows = {row["id"]: row for row in orbits_at(plan, almanac, T)}
    assert set(rows) == {"queqiao-2", "ce7-orbiter", "luna-26"}
    for name, row in rows.items():
        orbit = plan.element(name).orbits[0]
        radius = np.linalg.norm(np.array(row["points_km"]), axis=1) - 1737.4
        assert row["ended"] == "time"
        assert radius.min() > orbit.perilune_altitude_km - 60.0
        assert radius.max() < orbit.apolune_altitude_km * 1.03 + 60.0
        gaps = np.linalg.norm(np.array(row["points_km"]) - np.array(row["now_km"]), axis=1)
        steps = np.linalg.norm(np.diff(row["points_km"], axis=0), axis=1)
        assert gaps.min() < steps.max()
    semi_m = 1737.4e3 + 100e3  # Kepler, with GM of the Moon 4902.8 km3/s2
    assert rows["luna-26"]["period_s"] == pytest.approx(2 * np.pi * np.sqrt(semi_m**3 / 4902.8e9), abs=1.0)
    earth = overhead(almanac, T)["earth"]
    assert abs(earth["latitude_deg"]) < 7.0  # libration
    assert abs(earth["longitude_deg"]) < 8.2


def test_an_orbit_into_the_ground_is_told(plan: Plan, almanac: Almanac) -> None:
    element = plan.element("luna-26")
    low = element.orbits[0].model_copy(update={"perilune_altitude_km": 0.001, "apolune_altitude_km": 0.002})
    wrong = element.model_copy(update={"orbits": (low,)})
    odd = plan.model_copy(update={"elements": (wrong,)})
    row = orbits_at(odd, almanac, T)[0]
    assert row["ended"] != "time"


# ---------------------------------------------------------------------------------------------- routes


class Mission:
    """A mission that stands still."""

    def __init__(self, plan: Plan, database: Database, folder: Path) -> None:
        self.plan, self.database, self.folder = plan, database, folder
        self.users = Users(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.policy = Policy.default(plan)
        self.clock = Clock(START + 12 * HOUR)
        self.span = (START, START + 48 * HOUR)
        self.commanding = Asked()
        names = {"survey-rover": 1, "research-laboratory": 2}
        self.dictionary = station_commands(plan, names)
        self.timeline = Timeline(plan, folder, now=self.clock.now, span=self.span, seconds=0.0)

    @property
    def station(self) -> Any:
        from types import SimpleNamespace

        return SimpleNamespace(commands=self.dictionary)


@pytest.fixture(scope="module")
def clients(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TestClient]]:
    folder = tmp_path_factory.mktemp("mission")
    with Database.open(folder / "control.sqlite") as database:
        mission = Mission(plan, database, folder)
        assert timeline_of(mission).book.wait() is not None
        app = create_app(mission)
        found = {"nobody": TestClient(app)}
        for name, partner, roles in (
            ("wang", "cnsa", ["operator"]), ("ivan", "roscosmos", ["operator"]), ("eva", "cnsa", ["approver"]),
        ):  # fmt: skip
            mission.users.add(name, partner, roles, password=WORD)
            found[name] = TestClient(app)
            answer = found[name].post("/login", json={"name": name, "password": WORD})
            found[name].headers["X-CSRF-Token"] = answer.json()["csrf"]
        found["wang"].mission = mission  # type: ignore[attr-defined]
        yield found


def test_nothing_is_told_without_login(clients: dict[str, TestClient]) -> None:
    for path in ("timeline", "map", "map/machines", "map/relief.png", "globe"):
        assert clients["nobody"].get(f"/api/{path}").status_code == 401
    assert clients["nobody"].post("/api/timeline/what-if", json={}).status_code in (401, 403)


def test_each_partner_sees_the_shared_and_its_own(clients: dict[str, TestClient]) -> None:
    told = {name: clients[name].get("/api/timeline").json() for name in ("wang", "ivan")}
    rows = {name: {row["element"] for row in found["rows"]} for name, found in told.items()}
    assert "survey-rover" in rows["ivan"]
    assert "survey-rover" not in rows["wang"]
    assert "survey" not in json.dumps([told["wang"]["items"], told["wang"]["schedule"]])
    assert {"research-laboratory", None} <= rows["wang"] & rows["ivan"]
    orbits = {name: {row["id"] for row in clients[name].get("/api/globe").json()["orbits"]} for name in rows}
    assert "luna-26" in orbits["ivan"]
    assert "luna-26" not in orbits["wang"]
    machines = clients["wang"].get("/api/map/machines").json()["machines"]
    assert "survey-rover" not in {row["id"] for row in machines}


def test_bad_periods_and_numbers_are_answered_with_4xx(clients: dict[str, TestClient]) -> None:
    wang = clients["wang"]
    queries = ["start_ms=5&stop_ms=5", "start_ms=a", "start_ms=nan", "start_ms=1e300", "stop_ms=inf"]
    for query in (*queries, "start_ms=-8e15&stop_ms=0", "start_ms=0&stop_ms=8e15"):
        answer = wang.get(f"/api/timeline?{query}")
        assert 400 <= answer.status_code < 500, (query, answer.text)
        assert answer.json()["what"]
    for path in ("map?time_ms=9e15", "globe?time_ms=8e15", "map/light.png?time_ms=-8e15", "map/none.png"):
        assert 400 <= wang.get(f"/api/{path}").status_code < 500, path
    assert wang.get("/api/map/..%2fsecret.png").status_code in (404, 422)


def test_what_if_answers_items_and_findings_to_those_who_plan(clients: dict[str, TestClient]) -> None:
    wang, ivan, eva = (clients[name] for name in ("wang", "ivan", "eva"))
    items = wang.get("/api/timeline").json()["items"]
    row = next(i for i in items if i["id"].startswith("sample-analysis") and i["status"] == "planned")
    edits = {"edits": [{"do": "shift", "id": row["id"], "by_s": 30 * 3600.0}]}
    told = wang.post("/api/timeline/what-if", json=edits)
    assert told.status_code == 200, told.text
    assert not told.json()["accepted"]
    assert told.json()["findings"][0]["subject"] == row["id"]
    assert wang.get("/api/timeline").json()["items"] == items
    assert eva.post("/api/timeline/what-if", json=edits).status_code == 403
    other = {"edits": [{"do": "remove", "id": "survey-drive-1"}]}
    assert wang.post("/api/timeline/what-if", json=other).status_code == 403
    assert ivan.post("/api/timeline/what-if", json=other).status_code == 200
    unknown = {"edits": [{"do": "remove", "id": "no-such-thing-1"}]}
    assert wang.post("/api/timeline/what-if", json=unknown).status_code == 404
    near = wang.post("/api/timeline/what-if", json={"edits": [{"do": "remove", "id": "survey-driv-1"}]})
    assert (near.status_code, "survey-drive" in near.text) == (404, False)
    for wrong in (
        {"edits": []},
        {"edits": [{"do": "fly", "id": "a"}]},
        {"edits": [{"do": "move", "id": row["id"]}]},
    ):
        assert 400 <= wang.post("/api/timeline/what-if", json=wrong).status_code < 500


def test_commands_of_an_activity_are_asked_for_by_those_who_run_the_machine(
    clients: dict[str, TestClient],
) -> None:
    wang, ivan = clients["wang"], clients["ivan"]
    mission = wang.mission  # type: ignore[attr-defined]
    items = ivan.get("/api/timeline").json()["items"]
    row = next(i for i in items if i["id"].startswith("survey-drive") and i["status"] == "planned")
    shown = ivan.post("/api/timeline/commands", json={"id": row["id"]})
    assert shown.status_code == 200, shown.text
    assert shown.json()["commands"] == []
    assert mission.commanding.rows == []
    asked = ivan.post("/api/timeline/commands", json={"id": row["id"], "request": True, "comment": "as planned"})
    assert [step["name"] for step in asked.json()["steps"]] == [name for _, name, *_ in mission.commanding.rows]
    assert mission.commanding.rows[0][0] == "ivan"
    assert mission.commanding.rows[0][4] == "as planned"
    assert wang.post("/api/timeline/commands", json={"id": row["id"]}).status_code in (403, 404)
    assert wang.post("/api/timeline/commands", json={"id": "nothing-1"}).status_code == 404
    there, absent = (
        wang.post("/api/timeline/commands", json={"id": name}) for name in (row["id"], "survey-drive-9999")
    )
    assert (there.status_code, there.text) == (absent.status_code, absent.text)


def test_findings_about_machines_of_others_say_nothing_of_them() -> None:
    from moonpost.control.web.routes.timeline import _told

    finding = {"severity": "critical", "kind": "contact", "subject": "downlink-1", "time_ms": 5.0}
    open_, closed = ({**finding, "text": text} for text in ("no contact", "shares contact with survey-drive-3"))
    hidden = frozenset({"survey-rover", "survey-drive"})
    assert _told(open_, hidden) == open_
    assert "survey" not in json.dumps(_told(closed, hidden))
    assert _told(closed, hidden)["severity"] == "critical"


def test_machines_that_drive_are_told_at_mission_time_to_those_who_may_know(
    clients: dict[str, TestClient],
) -> None:
    mission = clients["wang"].mission  # type: ignore[attr-defined]
    (mission.folder / "tracks").mkdir()
    (mission.folder / "tracks/survey-rover.geojson").write_text(json.dumps(WAY))
    drives = [row for row in mission.timeline.book.schedule.placements if row.activity == "survey-drive"]
    assert drives
    last_ms = int(max(row.stop for row in drives).astype(np.int64))
    driven_h = sum(row.duration_s for row in drives) / 3600.0
    told = clients["ivan"].get(f"/api/map/machines?time_ms={last_ms}").json()
    row = next(one for one in told["machines"] if one["id"] == "survey-rover")
    assert row["planned"]["distance_m"] == pytest.approx(180.0 * driven_h, abs=0.06)
    now = clients["ivan"].get("/api/map/machines").json()
    assert (
        next(one for one in now["machines"] if one["id"] == "survey-rover")["planned"]["distance_m"]
        < 180 * driven_h
    )
    assert now["tracks"][0]["behind"]
    assert clients["wang"].get("/api/map/machines").json()["tracks"] == []


def test_pictures_answer_not_changed_to_their_tag(clients: dict[str, TestClient]) -> None:
    wang = clients["wang"]
    first = wang.get("/api/map/relief.png")
    assert first.headers["content-type"] == "image/png"
    assert pixels(first.content).shape == (762, 762)
    again = wang.get("/api/map/relief.png", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    about = wang.get("/api/map").json()
    assert about["system"] == "IAU_2015:30135"
    assert "1600 m" in next(row for row in about["layers"] if row["kind"] == "light")["text"]

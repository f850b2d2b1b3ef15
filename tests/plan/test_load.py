"""A plan is read whole or refused with every fault named."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, PlanError, UnknownNameError
from moonpost.plan import Plan, check, load_plan, number_at, read_plan, when_bounds, with_number
from moonpost.plan.check import cycle

SOUND = """
schema_version = 1
id = "small"
title = "A small station"

[station]
kind = "surface"
id = "station"
name = "Station"
site = "ridge"
source = "test"
confidence = "C"

[design]
start = 2035-01-01
source = "test"
confidence = "C"

[[partners]]
id = "cn"
name = "China"
kind = "state"
role = "founder"
source = "test"
confidence = "A"

[[sites]]
id = "ridge"
name = "Ridge"
latitude_deg = -89.5
longitude_deg = 210.0
source = "test"
confidence = "B"

[[launchers]]
id = "big"
name = "Big"
owner = "cn"
tli_mass_kg = 8200
source = "test"
confidence = "B"

[[missions]]
id = "first"
name = "First"
owner = "cn"
kind = "lander"
status = "planned"
launch = "2030"
launcher = "big"
launch_mass_kg = 8000
source = "test"
confidence = "B"

[[elements]]
id = "rover"
name = "Rover"
owner = "cn"
kind = "rover"
mission = "first"
maturity = "flown"
mass_kg = 140
source = "test"
confidence = "B"

[[elements.modes]]
name = "drive"
when = "light"
power_w = 100

[[elements.generators]]
kind = "solar"
rated_w = 120
mount = "horizontal"

[[objectives]]
id = "age"
name = "Age of the mare"
area = "geology"
source = "test"
confidence = "B"

[[instruments]]
id = "camera"
name = "Camera"
owner = "cn"
element = "rover"
objectives = ["age"]
source = "test"
confidence = "B"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text)
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        load_plan(write(folder, text))
    return [str(fault) for fault in caught.value.faults]


def test_sound_plan_loads_and_is_frozen(tmp_path: Path) -> None:
    plan = load_plan(write(tmp_path, SOUND))
    assert plan.mission("first").launch_mass_kg == 8000
    with pytest.raises(ValueError, match="frozen"):
        plan.title = "other"  # type: ignore[misc]


# Each fault by itself: (what is replaced, by what, the place in the message, a word of the text).
PLANTED = [
    ('owner = "cn"\nkind = "lander"', 'owner = "xx"\nkind = "lander"', "missions[first].owner", "unknown partner"),
    ('mission = "first"', 'mission = "frist"', "elements[rover].mission", "did you mean first"),
    ("launch_mass_kg = 8000", "launch_mass_kg = 9000", "missions[first].launch_mass_kg", "800 kg over"),
    ("mass_kg = 140", "mass_kg = -140", "elements[rover].mass_kg", "greater than 0"),
    ("power_w = 100", "power_w = nan", "elements[rover].modes[0].power_w", "finite"),
    ("latitude_deg = -89.5", "latitude_deg = -95", "sites[ridge].latitude_deg", "greater than or equal to -90"),
    ('launch = "2030"', 'launch = "soon"', "missions[first].launch", "not a date"),
    ("tli_mass_kg = 8200", "tli_mass = 8200", "launchers[big].tli_mass", "did you mean 'tli_mass_kg'"),
    ('maturity = "flown"\n', "", "elements[rover].maturity", "missing"),
    ('objectives = ["age"]', 'objectives = ["aeg"]', "instruments[camera].objectives", "did you mean age"),
    ('mount = "horizontal"', 'mount = "sideways"', "elements[rover].generators[0].mount", "horizontal"),
    ('launcher = "big"', 'launcher = "big"\nrequires = ["first"]', "missions[first].requires", "first -> first"),
    ('id = "camera"', 'id = "Camera 1"', "instruments[Camera 1].id", "lower-case"),
    ('kind = "solar"', 'kind = "windmill"', "elements[rover].generators[0]", "kind"),
]


@pytest.mark.parametrize(("old", "new", "place", "word"), PLANTED, ids=[row[2] for row in PLANTED])
def test_each_fault_is_named_with_its_place(tmp_path: Path, old: str, new: str, place: str, word: str) -> None:
    assert SOUND.count(old) == 1
    found = faults(tmp_path, SOUND.replace(old, new))
    assert any(line.startswith(place + ":") and word in line for line in found), found


def test_ten_faults_are_ten_lines(tmp_path: Path) -> None:
    """Several faults of one row, of fields and across rows, are all shown the first time."""
    text = SOUND
    for old, new, _, _ in [*PLANTED[:7], PLANTED[8], ('name = "Big"', 'name = ""', "", "")]:
        text = text.replace(old, new)
    text += '\n[[objectives]]\nid = "dust"\nname = "Dust"\narea = "geology"\nsource = "test"\nconfidence = "B"\n'
    places = [line.split(":")[0] for line in faults(tmp_path, text)]
    assert sorted(places) == [
        "elements[rover].mass_kg",
        "elements[rover].maturity",
        "elements[rover].mission",
        "elements[rover].modes[0].power_w",
        "launchers[big].name",
        "missions[first].launch",
        "missions[first].launch_mass_kg",
        "missions[first].owner",
        "objectives[dust]",
        "sites[ridge].latitude_deg",
    ]


SINGLES = [
    ("schema_version = 1", 'schema_version = "1"', "schema_version"),
    ("schema_version = 1", "", "schema_version"),
    ('title = "A small station"', "title = 5", "title"),
    ('site = "ridge"', 'site = "ridge"\nmasts_m = [-2]', "station.masts_m[0]"),
    ('kind = "surface"', 'kind = "floating"', "station"),
    ('kind = "surface"', 'kind = "surface"\norbit = {}', "station.orbit"),
    ("start = 2035-01-01", "start = 2035-01-01\nsystem_margin = -1", "design.system_margin"),
]


@pytest.mark.parametrize(("old", "new", "place"), SINGLES, ids=[row[2] for row in SINGLES])
def test_a_fault_of_the_plan_itself_hides_no_other(tmp_path: Path, old: str, new: str, place: str) -> None:
    text = SOUND.replace(old, new).replace('owner = "cn"\nkind = "lander"', 'owner = "xx"\nkind = "lander"')
    places = [
        line.split(":")[0] for line in faults(tmp_path, text.replace('mission = "first"', 'mission = "frist"'))
    ]
    assert sorted(places) == sorted([place, "missions[first].owner", "elements[rover].mission"])


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('id = "cn"\n', 'id = "C N"\n', "partners[C N].id"),
        ('id = "cn"\n', "", "partners[0].id"),
        ('id = "first"\n', "", "missions[0].id"),
    ],
)
def test_one_unreadable_name_gives_one_fault(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert [line.split(":")[0] for line in faults(tmp_path, SOUND.replace(old, new, 1))] == [place]


def test_contradictions_show_beside_field_faults(tmp_path: Path) -> None:
    text = SOUND.replace('launch = "2030"', 'launch = "soon"\nlanded_mass_kg = 100\npayload_mass_kg = 200')
    found = faults(tmp_path, text)
    assert [line.split(":")[0] for line in found] == ["missions[first].launch", "missions[first]"]
    assert "above landed_mass_kg" in found[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('launch = "2030"', 'launch = "9999-12-31"'),
        ("mass_kg = 140", f"mass_kg = 140\ncount = {10**400}"),
        ('title = "A small station"', "title = " + "[" * 5000),
    ],
    ids=["year", "count", "nesting"],
)
def test_extremes_are_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises((PlanError, DataError)):
        load_plan(write(tmp_path, SOUND.replace(old, new)))


def test_the_bus_needs_power_in_the_dark(tmp_path: Path) -> None:
    text = SOUND.replace('maturity = "flown"', 'maturity = "flown"\nbus = "station"').replace(
        'when = "light"', 'when = "always"'
    )
    assert faults(tmp_path, text)[0].startswith("station: the station's bus draws 100 W in the dark")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert load_plan(path).id == "small"


def test_spanning_faults_are_found_beside_field_faults(tmp_path: Path) -> None:
    text = SOUND.replace("mass_kg = 140", "mass_kg = inf").replace('owner = "cn"\ntli', 'owner = "ru"\ntli')
    assert [line.split(":")[0] for line in faults(tmp_path, text)] == [
        "elements[rover].mass_kg",
        "launchers[big].owner",
    ]


def test_faults_of_an_orbital_station_have_their_place(tmp_path: Path) -> None:
    start, end = SOUND.index('kind = "surface"'), SOUND.index("[design]")
    orbit = 'orbit = { perilune_altitude_km = -1, apolune_altitude_km = 9, inclination_deg = 90, source = "test" }'
    station = f'kind = "orbit"\nid = "post"\nname = "Post"\nsource = "test"\nconfidence = "C"\n{orbit}\n'
    found = faults(tmp_path, SOUND[:start] + station + SOUND[end:])
    places = sorted(line.split(":")[0] for line in found)
    assert places == ["station.orbit.confidence", "station.orbit.perilune_altitude_km"]


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"id = ", "not valid TOML"), (b"\xff\xfe", "not UTF-8"), (b"", "missing")],
)
def test_unreadable_files(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    with pytest.raises((DataError, PlanError), match=word):
        load_plan(path)


def test_unknown_plan_names_the_bundled_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean ilrs"):
        load_plan("ilsr")
    with pytest.raises(DataError, match="No such file"):
        load_plan("missing.toml")


def test_power_in_the_dark_needs_more_than_an_array(tmp_path: Path) -> None:
    found = faults(tmp_path, SOUND.replace('when = "light"', 'when = "always"'))
    assert found[0].startswith("elements[rover]: draws power in the dark from solar arrays alone")
    text = SOUND.replace('[[elements.generators]]\nkind = "solar"\nrated_w = 120\nmount = "horizontal"\n', "")
    assert faults(tmp_path, text)[0].startswith("elements[rover]: draws up to 100 W that nothing covers")


def test_plan_does_not_know_where_it_lies(tmp_path: Path) -> None:
    one = load_plan(write(tmp_path, SOUND))
    (tmp_path / "other").mkdir()
    two = load_plan(write(tmp_path / "other", "# a comment\n" + SOUND))
    assert one.sha256 == two.sha256
    assert one.path != two.path


def test_numbers_by_path(tmp_path: Path) -> None:
    plan = load_plan(write(tmp_path, SOUND))
    assert number_at(plan, "elements[rover].modes[drive].power_w") == 100
    assert number_at(plan, "elements[rover].modes[0].power_w") == 100
    changed = with_number(plan, "elements[rover].mass_kg", 150.0)
    assert (plan.element("rover").mass_kg, changed.element("rover").mass_kg) == (140, 150)
    for path in ("elements[x].mass_kg", "design.none", "title", "", "design..years", "design.years.x"):
        with pytest.raises((ValueError, LookupError)):
            number_at(plan, path)


@given(st.integers(1958, 2100), st.integers(1, 12), st.integers(1, 28))
def test_a_finer_date_lies_within_a_coarser_one(year: int, month: int, day: int) -> None:
    spans = [when_bounds(t) for t in (f"{year}", f"{year}-{month:02}", f"{year}-{month:02}-{day:02}")]
    for (outer_start, outer_stop), (start, stop) in pairwise(spans):
        assert outer_start <= start <= stop <= outer_stop


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3).map(tuple)))
def test_cycle_is_found_just_when_there_is_one(edges: dict[str, tuple[str, ...]]) -> None:
    remaining = {node: set(edges.get(node, ())) for node in "abcdef"}
    while free := [node for node, needs in remaining.items() if not needs & remaining.keys()]:
        for node in free:
            del remaining[node]
    circle = cycle(edges)
    assert bool(circle) == bool(remaining)
    for node, need in pairwise(circle):
        assert need in edges[node]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_loader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "plan.toml"
    path.write_bytes(content)
    with pytest.raises((PlanError, DataError)):
        load_plan(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_value_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A plan with one line replaced by something odd is read or refused, never a crash."""
    lines = SOUND.splitlines()
    index = data.draw(st.sampled_from([i for i, line in enumerate(lines) if " = " in line]))
    odd = data.draw(
        st.sampled_from(['""', "[]", "{}", "-1", "1e400", "nan", "true", "[[1]]", '"2030/2029"', "1979-05-27"])
    )
    lines[index] = lines[index].split(" = ")[0] + " = " + odd
    path = write(tmp_path_factory.mktemp("odd"), "\n".join(lines))
    reading = read_plan(path)
    for finding in reading.findings():
        assert finding.place
    assert reading.faults or reading.plan is not None


def test_findings_keep_errors_first() -> None:
    plan = Plan.model_validate(tomllib.loads(SOUND))
    assert check(plan) == []

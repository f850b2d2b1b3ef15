"""The heritage catalogue: its rows hold together, bad ones are refused with their names, attempts are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import DataError, UnknownNameError
from moonpost.plan import bundled_plans, load_plan
from moonpost.plan.heritage import TECHNOLOGIES, Heritage, load_heritage

GOOD = """
schema_version = 1
operators = [
  { id = "one", name = "One", country = "CN" },
  { id = "old", name = "Old", country = "SU", successor = "one" },
]
[[missions]]
id = "a"
name = "A"
operator = "old"
kind = "lander"
outcome = "success"
launch = "1970-01-01"
reached = "1970-01-05"
shows = ["soft-landing"]
source = "a test"
confidence = "B"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "heritage.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_catalogue_holds_24_luna_probes_and_is_no_plan() -> None:
    catalogue = load_heritage()
    luna = [row.id for row in catalogue.missions if row.operator == "ussr"]
    assert luna == [f"luna-{k}" for k in range(1, 25)]
    assert bundled_plans() == ("ilrs", "ilrs-orbit")


def test_what_is_not_verified_is_marked_and_its_whole_row_is_confidence_c() -> None:
    for row in load_heritage().missions:
        assert ("NOT VERIFIED" in row.source.upper()) <= bool(row.not_verified), row.id
        if row.source.startswith("NOT VERIFIED"):
            assert row.confidence == "C"
            assert {"launch", "reached", "outcome"} <= set(row.not_verified)


@pytest.mark.parametrize("plan", ["ilrs", "ilrs-orbit"])
def test_heritage_of_the_bundled_plans_is_in_the_catalogue(plan: str) -> None:
    names = {row.id for row in load_heritage().missions}
    named = {name for element in load_plan(plan).elements for name in element.heritage}
    assert named
    assert named <= names


@given(
    technology=st.sampled_from(TECHNOLOGIES),
    operator=st.sampled_from([row.id for row in load_heritage().operators]),
    edge=st.integers(1955, 2030),
)
def test_attempts_split_by_years_and_by_operator_add_up(technology: str, operator: str, edge: int) -> None:
    catalogue = load_heritage()
    whole = catalogue.attempts(technology, operators=[operator])
    early = catalogue.attempts(technology, operators=[operator], until=edge)
    late = catalogue.attempts(technology, operators=[operator], since=edge + 1)
    assert whole.successes == early.successes + late.successes
    assert whole.trials == early.trials + late.trials
    assert set(whole.missions) == {*early.missions, *late.missions}
    assert 0 <= whole.successes <= whole.trials
    assert 0.0 < whole.chance < 1.0
    every = catalogue.attempts(technology)
    parts = [catalogue.attempts(technology, operators=[row.id]) for row in catalogue.operators]
    assert every.trials == sum(part.trials for part in parts)


def test_work_is_carried_on_in_one_direction() -> None:
    catalogue = load_heritage()
    assert catalogue.carries_on("roscosmos", "ussr")
    assert not catalogue.carries_on("ussr", "roscosmos")
    assert not catalogue.carries_on("cnsa", "nobody")


def test_own_catalogue(tmp_path: Path) -> None:
    own = load_heritage(write(tmp_path, GOOD))
    assert own.mission("a").verified
    assert own.carries_on("one", "old")
    with pytest.raises(UnknownNameError, match="luna-16"):
        own.mission("luna-16")
    with pytest.raises(UnknownNameError):
        own.attempts("soft-landing", operators=["nasa"])
    with pytest.raises(UnknownNameError):
        own.attempts("teleportation")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('launch = "1970-01-01"', 'launch = "1971-01-01"', "missions[a]: reached is before launch"),
        ('launch = "1970-01-01"', 'launch = "January"', "missions[a].launch"),
        ('shows = ["soft-landing"]', 'shows = ["soft-laning"]', "missions[a].shows"),
        ('shows = ["soft-landing"]', 'shows = ["orbit"]\ntried = ["orbit"]', "both shown and tried"),
        ('outcome = "success"', 'outcome = "failure"', "a failure shows nothing"),
        ('operator = "old"', 'operator = "none"', "not listed"),
        ('successor = "one"', 'successor = "two"', "not listed"),
        (
            'source = "a test"',
            'source = "a test"\nlatitude_deg = nan\nlongitude_deg = 0',
            "missions[a].latitude_deg",
        ),
        ('source = "a test"', 'source = "a test"\nlatitude_deg = 5', "come together"),
        ('source = "a test"', 'source = "a test"\nsample_g = -1', "missions[a].sample_g"),
        ('source = "a test"', 'source = ""', "missions[a].source"),
        ('id = "a"', 'id = "a"\ncolour = "red"', "missions[a].colour"),
    ],
)
def test_faulty_rows_are_refused_by_name(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(DataError) as error:
        load_heritage(write(tmp_path, GOOD.replace(old, new, 1)))
    assert told in str(error.value)
    assert "heritage.toml" in str(error.value)


def test_a_mission_stands_once(tmp_path: Path) -> None:
    row = GOOD[GOOD.index("[[missions]]") :]
    with pytest.raises(DataError, match="a stands twice"):
        load_heritage(write(tmp_path, GOOD + row))


@pytest.mark.parametrize(
    "text", ["", "schema_version = 1", "schema_version = 2\n", GOOD[:-30], "\x00", "missions = 5"]
)
def test_broken_files_are_refused_in_one_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError):
        load_heritage(write(tmp_path, text))
    with pytest.raises(DataError):
        load_heritage(tmp_path / "missing.toml")


def test_the_catalogue_survives_its_own_json() -> None:
    catalogue = load_heritage()
    assert Heritage.model_validate_json(catalogue.model_dump_json()) == catalogue

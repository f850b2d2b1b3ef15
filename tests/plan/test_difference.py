"""The difference of two plans, and plans written and read back."""

import os
import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, OutputError, PlanError
from moonpost.files import digest
from moonpost.plan import (
    Plan,
    load_plan,
    number_at,
    plan_difference,
    plan_path,
    plan_toml,
    save_plan,
    with_number,
)

PLANS = ("ilrs", "ilrs-orbit")
NUMBERS = (
    "design.years",
    "design.dust_loss",
    "missions[ce7].launch_mass_kg",
    "elements[vertical-array].generators[0].mast_m",
    "elements[command-centre].modes[survive].power_w",
    "launchers[cz-10].tli_mass_kg",
    "samples[ce5-sample].mass_g",
)


@pytest.fixture(scope="module")
def ilrs() -> Plan:
    return load_plan("ilrs")


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_does_not_differ_from_itself(name):
    found = plan_difference(load_plan(name), load_plan(name))
    assert found.same
    assert found.changes == ()
    assert str(found).splitlines()[-1] == "the same"
    assert found.before == found.after


@pytest.mark.parametrize("path", NUMBERS)
def test_one_number_is_one_change_at_its_place(ilrs, path):
    value = number_at(ilrs, path)
    changed = with_number(ilrs, path, 0.9 * value)
    (change,) = plan_difference(ilrs, changed).changes
    assert (change.kind, change.place) == ("changed", path)
    assert (change.before, change.after) == (value, 0.9 * value)
    (back,) = plan_difference(changed, ilrs).changes
    assert (back.before, back.after) == (change.after, change.before)
    assert number_at(changed, change.place) == change.after


def test_rows_added_removed_and_reordered(ilrs):
    fewer = ilrs.model_copy(update={"samples": ilrs.samples[:1]})
    (removed,) = plan_difference(ilrs, fewer).changes
    assert (removed.kind, removed.table, removed.row, removed.place) == (
        "removed", "samples", "ce6-sample", "samples[ce6-sample]",
    )  # fmt: skip
    assert removed.before["mass_g"] == 1935.3
    assert str(removed) == "- samples[ce6-sample]: Chang'e 6 sample"
    (added,) = plan_difference(fewer, ilrs).changes
    assert (added.kind, added.after) == ("added", removed.before)
    turned = ilrs.model_copy(update={"samples": ilrs.samples[::-1]})
    (order,) = plan_difference(ilrs, turned).changes
    assert (order.kind, order.place) == ("reordered", "samples")


def test_a_field_that_was_not_given_is_added(ilrs):
    mission = ilrs.mission("luna-26").model_copy(update={"launch_mass_kg": 2000.0})
    missions = tuple(mission if row.id == mission.id else row for row in ilrs.missions)
    (change,) = plan_difference(ilrs, ilrs.model_copy(update={"missions": missions})).changes
    assert str(change) == "+ missions[luna-26].launch_mass_kg: 2000.0"


def test_steps_of_agreements_are_told_apart(ilrs):
    last = next(row for row in ilrs.agreements if row.id == "intergovernmental-agreement")
    steps = tuple(s for s in last.steps if s.state != "ratified")
    rows = tuple(row.model_copy(update={"steps": steps}) if row is last else row for row in ilrs.agreements)
    (change,) = plan_difference(ilrs, ilrs.model_copy(update={"agreements": rows})).changes
    assert change.kind == "removed"
    assert change.place == "agreements[intergovernmental-agreement].steps[roscosmos ratified 2024-06-12]"


def test_long_texts_are_shown_where_they_differ(ilrs):
    row = ilrs.assumptions[0]
    rows = (row.model_copy(update={"text": row.text + " Not so."}), *ilrs.assumptions[1:])
    (change,) = plan_difference(ilrs, ilrs.model_copy(update={"assumptions": rows})).changes
    assert "Not so." in str(change)
    assert len(str(change)) < 250


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_difference_is_the_same_hash_and_the_other_way_round(data):
    plan = load_plan("ilrs-orbit")
    other = plan
    for _ in range(data.draw(st.integers(0, 3))):
        table = data.draw(st.sampled_from(["missions", "elements", "partners", "launchers", "objectives"]))
        rows = list(getattr(other, table))
        index = data.draw(st.integers(0, len(rows) - 1))
        action = data.draw(st.sampled_from(["drop", "note", "move"]))
        if action == "drop":
            del rows[index]
        elif action == "note":
            rows[index] = rows[index].model_copy(update={"note": data.draw(st.text(max_size=5))})
        else:
            rows.insert(0, rows.pop(index))
        other = other.model_copy(update={table: tuple(rows)})
    found = plan_difference(plan, other)
    assert found.same == (plan.sha256 == other.sha256)
    back = plan_difference(other, plan)
    swap = {"added": "removed", "removed": "added"}
    assert {(c.place, swap.get(c.kind, c.kind)) for c in found.changes} == {
        (c.place, c.kind) for c in back.changes
    }


# ------------------------------------------------------------ written and read back


@pytest.mark.parametrize("name", PLANS)
def test_what_is_written_is_read_back(name, tmp_path):
    plan = load_plan(name)
    before = digest(plan_path(name))
    again = load_plan(save_plan(plan, tmp_path / "copy.toml"))
    assert again.sha256 == plan.sha256
    assert plan_difference(plan, again).same
    assert digest(plan_path(name)) == before
    assert "cnsa" in (tmp_path / "copy.toml").read_text()


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.floats(min_value=1e-300, max_value=1e300),
    st.sampled_from(['"', "\\", "\n", "\x7f", "\x00", "'''", "é", "嫦娥", "\t"]),
)
def test_any_text_and_number_survives(text, number, sign):
    plan = load_plan("ilrs-orbit")
    row = plan.launchers[0].model_copy(update={"note": text + sign + text, "tli_mass_kg": number})
    plan = plan.model_copy(update={"launchers": (row, *plan.launchers[1:])})
    read = tomllib.loads(plan_toml(plan))["launchers"][0]
    assert read["note"] == text + sign + text
    assert read["tli_mass_kg"] == number


def test_defaults_that_were_given_stay(ilrs):
    assert re.search(r"^years = 19\.0$", plan_toml(ilrs), re.M)


def test_the_file_a_plan_came_from_is_never_written(tmp_path):
    first = save_plan(load_plan("ilrs-orbit"), tmp_path / "one.toml")
    before = digest(first)
    plan = load_plan(first)
    os.link(first, tmp_path / "hard.toml")
    (tmp_path / "soft.toml").symlink_to(first)
    for name in ("one.toml", "hard.toml", "soft.toml"):
        with pytest.raises(InputError, match="read from"):
            save_plan(plan, tmp_path / name, replace=True)
    assert digest(first) == before


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path):
    target = tmp_path / "there.toml"
    target.write_text("mine")
    with pytest.raises(InputError, match="there already"):
        save_plan(load_plan("ilrs-orbit"), target)
    assert target.read_text() == "mine"
    assert load_plan(save_plan(load_plan("ilrs-orbit"), target, replace=True)).id == "ilrs-orbit"


def test_a_plan_with_faults_is_not_written(ilrs, tmp_path):
    target = tmp_path / "bad.toml"
    missions = tuple(
        row.model_copy(update={"launch": "2040"}) if row.id == "ilrs-1" else row for row in ilrs.missions
    )
    with pytest.raises(PlanError, match="launched"):
        save_plan(ilrs.model_copy(update={"missions": missions}), target)
    assert list(tmp_path.iterdir()) == []


def test_names_and_folders_that_cannot_be(ilrs, tmp_path):
    with pytest.raises(InputError, match="no name of a plan file"):
        save_plan(ilrs, tmp_path / "plan.txt")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises((InputError, OutputError)):
        save_plan(ilrs, tmp_path / "folder.toml", replace=True)


def test_terrain_is_found_from_the_new_folder(ilrs, tmp_path):
    row = ilrs.sites[0].model_copy(update={"terrain": ("dem/rim.tif", "/data/far.tif")})
    plan = ilrs.model_copy(update={"sites": (row, *ilrs.sites[1:])}).located_at(tmp_path / "a" / "plan.toml")
    new = load_plan(save_plan(plan, tmp_path / "b" / "new.toml"))
    assert new.sites[0].terrain == ("../a/dem/rim.tif", "/data/far.tif")
    old_files, new_files = plan.terrain_paths(row), new.terrain_paths(new.sites[0])
    assert [path.resolve() for path in old_files] == [path.resolve() for path in new_files]

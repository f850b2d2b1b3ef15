"""Projects: reading, the independent check, and plans beside all plans there are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError, ModelError
from moonpost.operations.projectplans import plan_project
from moonpost.operations.projects import Project, project_faults, read_patterson

SMALL = "4 1\n2\n0 0 2 2 3\n3 1 1 4\n2 2 1 4\n0 0 0\n"


@st.composite
def projects(draw: st.DrawFn, most: int = 40) -> Project:
    count, kinds = draw(st.integers(1, most)), draw(st.integers(1, 3))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    capacities = chance.integers(1, 12, kinds)
    names = chance.permutation(count)
    followers: list[tuple[int, ...]] = [()] * count
    for place, job in enumerate(names):
        after = names[place + 1 :]
        followers[job] = tuple(after[chance.random(after.size) < 2.0 / count].tolist())
    demands = np.stack([chance.integers(0, capacity + 1, count) for capacity in capacities], axis=1)
    return Project(chance.integers(0, 9, count), demands, capacities, tuple(followers))


@settings(max_examples=60, deadline=None)
@given(projects())
def test_every_plan_passes_the_check_and_keeps_the_bound(project: Project) -> None:
    plan = plan_project(project, seconds=0.02, workers=2)
    assert project_faults(project, plan.starts) == []
    assert plan.makespan == (plan.starts + project.durations).max()
    assert project.longest_chain <= project.bound <= plan.lower_bound <= plan.makespan <= plan.first_makespan


def shortest(project: Project) -> int:
    """The shortest plan, by starting activities in every order there is, as early as can be."""
    best = int(project.durations.sum())
    before = [{job for job, row in enumerate(project.followers) if k in row} for k in range(len(project))]
    for order in itertools.permutations(range(len(project))):
        if any(not before[job] <= set(order[:place]) for place, job in enumerate(order)):
            continue
        starts = np.full(len(project), -1)
        taken = np.zeros((best + 1 + int(project.durations.max()), project.capacities.size), dtype=int)
        for job in order:
            length = int(project.durations[job])
            at = max((int(starts[k] + project.durations[k]) for k in before[job]), default=0)
            while (taken[at : at + length] + project.demands[job] > project.capacities).any():
                at += 1
            starts[job] = at
            taken[at : at + length] += project.demands[job]
        best = min(best, int((starts + project.durations).max()))
    return best


@settings(max_examples=12, deadline=None)
@given(projects(most=5))
def test_small_projects_end_as_early_as_any_plan(project: Project) -> None:
    plan = plan_project(project, seconds=5.0)
    assert plan.makespan == shortest(project)
    assert plan.optimal


def test_the_check_finds_what_is_wrong() -> None:
    project = Project([2, 3, 1], [[1], [1], [2]], [2], [(1,), (), ()])
    assert project_faults(project, [0, 2, 5]) == []
    assert project_faults(project, [0, 1, 5]) == ["activity 1 starts at 1, before activity 0 has ended at 2"]
    assert project_faults(project, [0, 2, 4]) == ["capacity 0 is 2 and 3 are taken at 4"]
    assert project_faults(project, [-1, 2, 5])[0] == "activity 0 starts at -1, before 0"
    assert project_faults(project, [0, 2]) == ["2 starts for 3 activities"]


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "small.rcp"
    path.write_text(SMALL)
    project = read_patterson(path)
    assert project.durations.tolist() == [0, 3, 2, 0]
    assert project.demands.ravel().tolist() == [0, 1, 2, 0]
    assert project.followers == ((1, 2), (3,), (3,), ())
    assert plan_project(project, seconds=2.0).makespan == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends before"),
        ("4 1\n2\n0 0 2 2 3\n3 1 1 4\n", "ends before"),
        ("1 1\n2\n3 x 0\n", "cannot be read"),
        ("1 1\n2\n3 5 0\n", "asks for 5"),
        ("2 0\n1 1 2\n1 1 1\n", "waits for itself"),
        ("1 0\n-1 0\n", "negative"),
        ("1 0\n1 0 7\n", "left over"),
        ("1 0\n1 1 9\n", "no activity 8"),
        ("1 0\n1 -1\n", "-1 followers"),
        ("-1 0\n", "-1 activities"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.rcp"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read_patterson(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_patterson(tmp_path / "none.rcp")


def test_bad_arguments() -> None:
    project = Project([1], [[1]], [1], [()])
    with pytest.raises(InputError, match="seconds"):
        plan_project(project, seconds=float("nan"))
    with pytest.raises(InputError, match="workers"):
        plan_project(project, workers=0)
    with pytest.raises(InputError, match="do not fit"):
        Project([1], [[1, 2]], [1], [()])
    with pytest.raises(InputError, match="whole number"):
        Project([1.5], [[1]], [1], [()])


def test_the_same_seed_and_rounds_give_the_same_search() -> None:
    from moonpost.operations.projectplans import _Island

    chance = np.random.default_rng(7)
    followers = [tuple(k for k in range(j + 1, 30) if chance.random() < 0.06) for j in range(30)]
    project = Project(chance.integers(1, 9, 30), chance.integers(0, 5, (30, 2)), [6, 7], followers)
    found = []
    for _ in range(2):
        island = _Island(project, 60, 5)
        island.search(3000)
        found.append(island.plan().tolist())
    assert found[0] == found[1]


@st.composite
def projects_with_calendars(draw: st.DrawFn, most: int = 25, units: int = 80) -> Project:
    plain = draw(projects(most))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    calendars = chance.random((2, units)) < draw(st.sampled_from([0.5, 0.8]))
    return Project(
        plain.durations,
        plain.demands,
        plain.capacities,
        plain.followers,
        calendars=calendars,
        calendar=chance.integers(-1, 2, len(plain)),
        pauses=chance.random(len(plain)) < 0.6,
    )


@settings(max_examples=40, deadline=None)
@given(projects_with_calendars())
def test_plans_keep_calendars_or_none_is_found(project: Project) -> None:
    try:
        plan = plan_project(project, seconds=0.05)
    except ModelError:
        return  # what this means is tried on small projects below, against all plans there are
    assert project_faults(project, plan.starts) == []
    assert plan.makespan == project.ends(plan.starts).max()
    assert project.bound <= plan.lower_bound <= plan.makespan <= plan.first_makespan


@settings(max_examples=20, deadline=None)
@given(projects_with_calendars(most=3, units=11))
def test_small_projects_with_calendars_end_as_early_as_any_plan(project: Project) -> None:
    beside_all_plans(project)


@pytest.mark.soak
@settings(max_examples=400, deadline=None)
@given(projects_with_calendars(most=3, units=13))
def test_many_small_projects_with_calendars(project: Project) -> None:
    beside_all_plans(project)


def beside_all_plans(project: Project) -> None:
    every = itertools.product(range(20), repeat=len(project))
    ends = [int(project.ends(starts).max()) for starts in every if not project_faults(project, starts)]
    if not ends:
        with pytest.raises(ModelError, match="finds no room"):
            plan_project(project, seconds=1.0)
        return
    plan = plan_project(project, seconds=2.0)
    assert plan.makespan == min(ends)
    assert plan.optimal


@settings(max_examples=20, deadline=None)
@given(projects(most=12))
def test_a_calendar_that_is_always_open_changes_nothing(project: Project) -> None:
    horizon = int(project.durations.sum()) + 1
    always = np.ones((1, horizon), dtype=bool)
    calm = Project(
        project.durations, project.demands, project.capacities, project.followers, calendars=always,
        calendar=np.zeros(len(project)), pauses=np.zeros(len(project)),
    )  # fmt: skip
    one, two = plan_project(project, seconds=0.2), plan_project(calm, seconds=0.2)
    if one.optimal and two.optimal:
        assert one.makespan == two.makespan
    assert two.lower_bound <= one.makespan
    assert one.lower_bound <= two.makespan


def test_calendars_by_hand() -> None:
    week = [1, 1, 1, 0, 0, 1, 1, 1, 1, 0]
    both = Project([3, 4], [[1], [1]], [1], [(), ()], calendars=[week], calendar=[0, 0], pauses=[False, False])
    plan = plan_project(both, seconds=1.0)
    assert plan.starts.tolist() == [0, 5]
    pausing = Project([4, 3], [[1], [1]], [1], [(), ()], calendars=[week], calendar=[0, 0], pauses=[True, False])
    assert pausing.ends([0, 6]).tolist() == [6, 9]
    assert plan_project(pausing, seconds=1.0).makespan == 9
    assert project_faults(pausing, [0, 5]) == ["capacity 0 is 1 and 2 are taken at 5"]
    assert project_faults(pausing, [3, 6])[0] == "activity 0 starts at 3, where its calendar is closed"
    assert project_faults(both, [1, 5]) == ["activity 0 may not pause and its calendar is closed at 3"]
    assert project_faults(pausing, [7, 0])[0] == "activity 0 has 2 left to do when its calendar ends"
    with pytest.raises(InputError, match="does not end within"):
        pausing.ends([7, 0])


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ModelError, match="activity 0 finds no room in its calendar of 3 units"):
        plan_project(Project([3], [[1]], [1], [()], calendars=[[1, 0, 1]], calendar=[0], pauses=[True]))
    with pytest.raises(ModelError, match="finds no room"):
        plan_project(Project([2, 2], [[1], [1]], [1], [(), ()], calendars=[[1, 1, 1]], calendar=[0, 0]), seconds=1)


def test_bad_calendars() -> None:
    with pytest.raises(InputError, match="no calendar 1"):
        Project([1], [[1]], [1], [()], calendars=[[1]], calendar=[1])
    with pytest.raises(InputError, match="do not fit 1 activities"):
        Project([1], [[1]], [1], [()], calendars=[[1]], calendar=[0, 0])
    with pytest.raises(InputError, match="do not fit 1 activities"):
        Project([1], [[1]], [1], [()], calendars=[1, 1], calendar=[0])

"""Handover: never two at once, and no plan better than the planner's, found by trying all."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from moonpost.comms import (
    Contact,
    HandoverPlan,
    HandoverRules,
    Window,
    check_handover,
    plan_handover,
    windows_of,
)
from moonpost.errors import InputError

START = np.datetime64("2030-01-01T00:00", "ms")


def at(seconds: float) -> np.datetime64:
    return START + np.timedelta64(round(1000.0 * seconds), "ms")


@st.composite
def cases(draw, length: int = 86_400, most: int = 10):
    rows = []
    for _ in range(draw(st.integers(1, most))):
        low = draw(st.integers(0, length - 1))
        high = draw(st.integers(low + 1, length))
        rows.append(Window(draw(st.sampled_from("xyz")), draw(st.sampled_from("abc")), at(low), at(high)))
    rules = HandoverRules(
        least_s=draw(st.integers(0, 7200)),
        setup_s=draw(st.integers(0, 3600)),
        priority={"a": draw(st.sampled_from([0.0, 1.0, 3.0]))},
        gap_weight=draw(st.sampled_from([0.0, 1.0])),
        pieces=draw(st.integers(1, 2)),
        step_s=draw(st.sampled_from([300.0, 900.0])),
    )
    return rows, rules


QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(cases())
def test_never_two_contacts_on_one_antenna(case) -> None:
    rows, rules = case
    plan = plan_handover(rows, (at(0), at(86_400)), rules, effort=0.02)
    assert check_handover(plan, rows, rules) == []
    assert plan.value_h <= plan.bound_h + 1e-6


def best_by_trying(rows: list[Window], steps: int, least: int, setup: int, priority: dict[str, float]) -> float:
    """The most valuable hours of contact in whole steps, by trying every assignment of windows to every step."""
    spans = [
        (
            round(float((w.start - START) / np.timedelta64(1, "h"))),
            round(float((w.stop - START) / np.timedelta64(1, "h"))),
        )
        for w in rows
    ]

    @cache
    def best(
        step: int, running: tuple[tuple[int, int], ...], used: frozenset[int], free: tuple[tuple[str, int], ...]
    ) -> float:
        """Value from a step on, given which windows run for how long, are used up, and when antennas are free."""
        if step == steps:
            return 0.0 if all(age >= least for _, age in running) else -np.inf
        most = -np.inf
        now = dict(running)
        for chosen in subsets(step):
            if any(age < least and w not in chosen for w, age in running):
                continue
            ended = {w for w in now if w not in chosen}
            until = dict(free)
            until.update({rows[w].antenna: step for w in ended})
            fresh = [w for w in chosen if w not in now]
            if any(w in used or step - until.get(rows[w].antenna, -99) < setup for w in fresh):
                continue
            value = sum(priority.get(rows[w].user, 1.0) for w in chosen)
            after = tuple(sorted((w, now.get(w, 0) + 1) for w in chosen))
            most = max(most, value + best(step + 1, after, used | set(fresh), tuple(sorted(until.items()))))
        return most

    def subsets(step: int) -> list[frozenset[int]]:
        """Windows that can run together in a step."""
        found: list[frozenset[int]] = [frozenset()]
        for w, (low, high) in enumerate(spans):
            if low <= step < high:
                found += [
                    kept | {w}
                    for kept in found
                    if all(rows[o].antenna != rows[w].antenna and rows[o].user != rows[w].user for o in kept)
                ]
        return found

    return best(0, (), frozenset(), ())


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(
    st.lists(
        st.tuples(st.sampled_from("xy"), st.sampled_from("ab"), st.integers(0, 6), st.integers(1, 5)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 2),
    st.integers(0, 2),
    st.sampled_from([1.0, 2.0]),
)
def test_no_plan_is_better(raw, least: int, setup: int, priority: float) -> None:
    rows = [Window(dish, user, at(3600 * low), at(3600 * min(low + size, 8))) for dish, user, low, size in raw]
    rules = HandoverRules(3600.0 * least, 3600.0 * setup, {"a": priority}, gap_weight=0.0, step_s=3600.0)
    plan = plan_handover(rows, (at(0), at(8 * 3600)), rules)
    assert plan.optimal
    # All data are in whole hours, and so is then a best plan.
    assert plan.value_h == pytest.approx(best_by_trying(rows, 8, least, setup, {"a": priority}), abs=1e-6)


def test_a_short_gap_is_worth_something() -> None:
    rows = [Window("x", "a", at(0), at(36_000)), Window("x", "b", at(0), at(36_000))]
    period = (at(0), at(36_000))
    without = plan_handover(rows, period, HandoverRules(gap_weight=0.0, pieces=2))
    with_gaps = plan_handover(rows, period, HandoverRules(gap_weight=2.0, pieces=2))
    assert without.of(user="a").share + without.of(user="b").share > 0.98
    gaps = [with_gaps.of(user=user).longest_gap_s for user in "ab"]
    assert with_gaps.optimal
    assert sum(gaps) < 21_000
    assert max(without.of(user=user).longest_gap_s for user in "ab") > max(gaps)


def test_priority_decides() -> None:
    rows = [Window("x", "a", at(0), at(7200)), Window("x", "b", at(0), at(7200))]
    rules = HandoverRules(least_s=7000.0, priority={"a": 1.0, "b": 2.0})
    plan = plan_handover(rows, (at(0), at(7200)), rules)
    assert [row.user for row in plan.contacts] == ["b"]
    assert plan.of(antenna="x").share == 1.0
    assert plan.of(user="a").share == 0.0
    assert plan.to_rows()[0]["duration_s"] == 7200.0
    assert windows_of(plan.of(user="b"), "x", "b")[0].stop == at(7200)


def test_the_checker_finds_what_is_planted() -> None:
    rows = [
        Window("x", "a", at(0), at(7200)),
        Window("x", "b", at(0), at(7200)),
        Window("y", "a", at(0), at(7200)),
    ]

    def faults(*contacts: Contact) -> str:
        return "; ".join(check_handover(HandoverPlan(contacts, (at(0), at(7200)), 0.0, 0.0, True), rows))

    good = Contact("x", "a", at(0), at(1200))
    assert faults(good, Contact("x", "b", at(1500), at(3000))) == ""
    assert "antenna x: two contacts" in faults(good, Contact("x", "b", at(1400), at(3000)))
    assert "user a: two contacts" in faults(good, Contact("y", "a", at(1100), at(3000)))
    assert "not in a window" in faults(Contact("y", "b", at(0), at(1200)))
    assert "not in a window" in faults(replace(good, stop=at(7300)))
    assert "not in the period" in faults(replace(good, stop=at(7300)))
    assert "shorter than 600 s" in faults(replace(good, stop=at(599)))


def test_the_same_twice_and_nothing_from_nothing() -> None:
    rows = [
        Window(dish, user, at(k), at(k + 9000))
        for k, (dish, user) in enumerate([("x", "a"), ("x", "b"), ("y", "a")])
    ]
    period = (at(0), at(20_000))
    assert plan_handover(rows, period) == plan_handover(rows, period)
    assert plan_handover([], period).contacts == ()
    late = (at(50_000), at(60_000))
    assert plan_handover(rows, late).contacts == ()


def test_bad_handovers() -> None:
    for call in (
        lambda: Window("x", "a", at(5), at(5)),
        lambda: Window("x", "a", at(0), at(5), weight=0.0),
        lambda: HandoverRules(least_s=-1.0),
        lambda: HandoverRules(priority={"a": np.nan}),
        lambda: HandoverRules(pieces=0),
        lambda: plan_handover([], (at(5), at(5))),
        lambda: plan_handover([], (at(0), at(5)), effort=0.0),
    ):
        with pytest.raises(InputError):
            call()

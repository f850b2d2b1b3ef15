"""Steps of a repair, applied to a plan."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from moonpost.campaign.support import Standing, build_with_support
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.power.loads import MATURITY_MARGIN

__all__ = ["Repair", "applied", "date_steps", "margined_kg", "waited"]

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Repair:
    """One step of a repair.

    Parameters
    ----------
    kind : {"date", "carry", "require", "launch", "support", "drop"}
        date: give a mission another date; carry: let another mission bring an element; require: let a mission
        wait for others than before; launch: a further launch is needed; support: let another mission give it;
        drop: do without.
    subject : str
        What is changed, as a place in the plan.
    to : str
        What it becomes.
    text : str
        The step in words.
    """

    kind: Literal["date", "carry", "require", "launch", "support", "drop"]
    subject: str
    to: str
    text: str


def applied(
    plan: Plan,
    cancelled: Collection[str],
    carriers: Mapping[str, str],
    new: tuple[Mission, ...],
    *,
    given_up: Collection[str],
) -> tuple[Plan, list[Repair]]:
    """The plan with elements on their new missions, and nothing waiting for what was cancelled."""
    steps = [_launch_step(mission) for mission in new]
    names = {row.id: row.name for row in (*plan.missions, *new)}
    brought: dict[str, list[str]] = {}
    elements = []
    for element in plan.elements:
        carrier = carriers.get(element.id)
        if carrier is not None and carrier != element.mission:
            brought.setdefault(element.mission, []).append(carrier)
            mass = margined_kg(element)
            size = "mass not known" if mass is None else f"{mass:,.0f} kg with margin"
            text = f"let {names[carrier]} bring {element.name} ({size})"
            steps.append(Repair("carry", f"elements[{element.id}].mission", carrier, text))
            element = element.model_copy(update={"mission": carrier})
        elif element.id in given_up:
            steps.append(Repair("drop", f"elements[{element.id}]", "", f"do without {element.name}"))
        elements.append(element)
    missions = [*plan.missions, *new]
    for name in cancelled:
        instead = tuple(dict.fromkeys(brought.get(name, ())))
        missions = [_rewired(mission, name, instead, steps) for mission in missions]
    moved = plan.model_copy(update={"missions": tuple(missions), "elements": tuple(elements)})
    update = _moved_rows(moved, {row.id for row in new}, cancelled, brought, steps)
    return moved.model_copy(update=update), steps


def _launch_step(mission: Mission) -> Repair:
    text = f"launch {mission.name}, from {mission.launch[:10]}"
    return Repair("launch", f"missions[{mission.id}]", mission.launch, text)


def _rewired(mission: Mission, gone: str, instead: tuple[str, ...], steps: list[Repair]) -> Mission:
    """A mission that waits for others than the cancelled one."""
    if gone not in mission.requires or mission.status in ("flown", "lost", "cancelled"):
        return mission
    kept = tuple(name for name in mission.requires if name != gone)
    requires = tuple(dict.fromkeys((*kept, *(name for name in instead if name != mission.id))))
    text = f"let {mission.name} wait for {', '.join(requires) or 'nothing'} instead of {gone}"
    steps.append(Repair("require", f"missions[{mission.id}].requires", ", ".join(requires), text))
    return mission.model_copy(update={"requires": requires})


def _moved_rows(
    plan: Plan,
    new: Collection[str],
    cancelled: Collection[str],
    brought: Mapping[str, list[str]],
    steps: list[Repair],
) -> dict[str, tuple[Any, ...]]:
    """Supports and demonstrations of cancelled missions on those that bring their elements instead."""
    only = {name: rows[0] for name, rows in brought.items() if name in cancelled and len(set(rows)) == 1}
    supports = []
    for row in plan.supports:
        if row.user in only and only[row.user] in new:
            row = row.model_copy(update={"user": only[row.user]})
        if row.provider in only:
            instead = only[row.provider]
            text = f"let {instead} give {row.user} {row.kind} instead of {row.provider}"
            steps.append(Repair("support", f"supports[{row.id}].provider", instead, text))
            row = row.model_copy(update={"provider": instead})
        supports.append(row)
    carrier = {element.id: element.mission for element in plan.elements}
    trials = []
    for trial in plan.demonstrations:
        if trial.mission in cancelled:
            other = only.get(trial.mission) if trial.element is None else carrier[trial.element]
            trial = trial.model_copy(update={"mission": other or trial.mission})
        trials.append(trial)
    return {"supports": tuple(supports), "demonstrations": tuple(trials)}


def waited(plan: Plan, known: Collection[str] = ()) -> tuple[Plan, list[Repair]]:
    """Let missions wait for essential support that merely comes too late for them."""
    steps: list[Repair] = []
    for _ in range(len(plan.missions)):
        late = [
            row
            for row in build_with_support(plan).supports
            if row.fails and row.user not in known and row.late_least_days is not None and row.late_least_days > 0
        ]
        if not late:
            break
        latest = max(late, key=lambda support: support.late_least_days or 0.0)
        mission = plan.mission(latest.user)
        by = math.ceil(latest.late_least_days or 0.0) * _DAY
        update = {
            name: "/".join(_text(date + by) for date in when_bounds(text))
            for name, text in (("launch", mission.launch), ("landing", mission.landing))
            if text is not None
        }
        text = f"let {mission.name} fly from {update['launch'][:10]}, when {latest.provider} gives {latest.kind}"
        steps.append(Repair("date", f"missions[{mission.id}].launch", update["launch"], text))
        missions = [m.model_copy(update=update) if m.id == mission.id else m for m in plan.missions]
        plan = plan.model_copy(update={"missions": tuple(missions)})
    return plan, steps


def date_steps(standing: Standing) -> list[Repair]:
    """Missions that have to wait for what they require."""
    return [
        Repair(
            "date",
            f"missions[{row.mission}].launch",
            str(row.launch),
            f"let {row.name} fly no earlier than {str(row.launch)[:10]}, after what it requires",
        )
        for row in standing.order.missions
        if row.moved and row.launch is not None
    ]


def margined_kg(element: Element) -> float | None:
    """Mass of all units with the margin of the maturity [kg]; None if it is not known.

    Parameters
    ----------
    element : Element
        An element of a plan.

    Returns
    -------
    float or None

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> margined_kg(load_plan("ilrs").element("station-battery"))
    1375.0
    """
    best = element.best_mass_kg
    return None if best is None else best * element.count * (1.0 + MATURITY_MARGIN[element.maturity])


def _text(date: dt.datetime) -> str:
    return date.replace(microsecond=0).isoformat(timespec="seconds") + "Z"

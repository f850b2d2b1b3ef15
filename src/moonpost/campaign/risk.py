"""How likely a station stands by a date: a plan flown many times with slips, failures, short mass and dust."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.riskbasis import CAUSES, Basis, RiskAssumptions
from moonpost.campaign.riskmodel import RiskModel, risk_model
from moonpost.campaign.riskruns import Runs, run_parts
from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.operations.spread import Spread, growth, share_bounds
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

if TYPE_CHECKING:
    from moonpost.terrain.tilerun import Progress

__all__ = ["CampaignRisk", "Cause", "Probability", "campaign_risk"]

_ORIGIN = dt.datetime(2000, 1, 1)
_DAY = dt.timedelta(days=1)
_KIND = 1000
_AFTER_YEARS = 10
_FLOATS = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Probability:
    """A probability of which a number of runs tell.

    Parameters
    ----------
    count, runs : int
        Runs in which it happened, and all runs.
    share : float
        Their ratio [1].
    low, high : float
        Bounds at 95 percent that the number of runs leaves (Wilson 1927) [1].

    Examples
    --------
    >>> Probability.of(50, 100).share
    0.5
    """

    count: int
    runs: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, count: int, runs: int) -> Probability:
        """Make it from counts.

        Parameters
        ----------
        count, runs : int
            Runs in which it happened, and all runs.

        Returns
        -------
        Probability
        """
        return cls(count, runs, count / runs, *share_bounds(count, runs))


@dataclass(frozen=True)
class Cause:
    """What first keeps a target from being reached.

    Parameters
    ----------
    kind : str
        One of `moonpost.campaign.riskbasis.CAUSES`.
    subject : str
        The mission, or the launcher for ``launcher``, ``stand-down`` and ``pace``.
    text : str
        In words.
    probability : Probability
        Share of all runs in which it is the first.

    Examples
    --------
    >>> Cause("launch", "ilrs-1", "launch of ilrs-1 fails", Probability.of(1, 10)).probability.share
    0.1
    """

    kind: str
    subject: str
    text: str
    probability: Probability


@dataclass(frozen=True, eq=False)
class CampaignRisk:
    """What many runs of a campaign come to.

    Parameters
    ----------
    plan : str
        The plan's name.
    model : RiskModel
        The plan as arrays, with the basis of each figure.
    found : Runs
        The runs.
    days : ndarray, (d,)
        When capability is told [d since 2000].
    seed : int
        Of the runs.
    target : tuple of str
        Elements that are to work.
    by : str
        Date by which, UTC.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> risk = campaign_risk(load_plan("ilrs"), runs=50)
    >>> 0.0 <= risk.reached().share <= 1.0
    True
    """

    plan: str
    model: RiskModel
    found: Runs
    days: _FLOATS
    seed: int
    target: tuple[str, ...]
    by: str

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.found.ready.shape[0])

    @property
    def last_day(self) -> float:
        """Last instant of the date by which the target is wanted [d since 2000]."""
        return _last_day(self.by, "by")

    @property
    def dates(self) -> tuple[str, ...]:
        """When capability is told, UTC."""
        return tuple(_text(day) for day in self.days.tolist())

    def reached(self, target: Sequence[str] = (), by: str | None = None) -> Probability:
        """How likely some elements all have begun to work by a date.

        Parameters
        ----------
        target : sequence of str
            Elements; those of the experiment if none are given.
        by : str, optional
            Date, its last instant counts; that of the experiment if absent.

        Returns
        -------
        Probability

        Raises
        ------
        UnknownNameError, DateError
            If an element or the date cannot be read.
        """
        last = self.ready_days(target)
        return Probability.of(int((last <= _last_day(by or self.by, "by")).sum()), self.runs)

    def ready_days(self, target: Sequence[str] = ()) -> _FLOATS:
        """Day on which the last of some elements begins to work, in each run.

        Parameters
        ----------
        target : sequence of str
            Elements; those of the experiment if none are given.

        Returns
        -------
        ndarray, (n,)
            Days since 2000; infinity where one of them never works [d].
        """
        days: _FLOATS = self._ready(target).max(axis=1)
        return days

    def element_rows(self) -> list[dict[str, Any]]:
        """For each element to come how likely it ever works, by which dates, and why it may not."""
        rows = []
        for k, name in enumerate(self.model.elements):
            if self._certain(k):
                continue
            ready = self.found.ready[:, k]
            works = ready[np.isfinite(ready)]
            never = self._counted(self._causes_of(np.array([k]), math.inf))
            rows.append(
                {
                    "element": name,
                    "mission": self.model.missions[int(self.model.element_arrays["mission"][k])],
                    "works": asdict(Probability.of(int(works.size), self.runs)),
                    "p10": _quantile(works, 0.1),
                    "p50": _quantile(works, 0.5),
                    "p90": _quantile(works, 0.9),
                    "main_cause": never[0].text if never else None,
                }
            )
        return rows

    def mission_rows(self) -> list[dict[str, Any]]:
        """For each mission to come how likely it arrives, and by which dates if it does."""
        rows = []
        for k, name in enumerate(self.model.missions):
            if self.model.mission_arrays["state"][k] != 0:
                continue
            arrival = self.found.arrival[:, k]
            there = arrival[np.isfinite(arrival)]
            rows.append(
                {
                    "mission": name,
                    "arrives": asdict(Probability.of(int(there.size), self.runs)),
                    "p10": _quantile(there, 0.1),
                    "p50": _quantile(there, 0.5),
                    "p90": _quantile(there, 0.9),
                }
            )
        return rows

    def capability_rows(
        self, power_w: Sequence[float] = (), data_bit_s: Sequence[float] = ()
    ) -> list[dict[str, Any]]:
        """Capability against time: probability of the target, of objectives and of power, and their spread.

        Parameters
        ----------
        power_w : sequence of float
            Outputs of the station's bus of which the probability is wanted [W].
        data_bit_s : sequence of float
            Rates to the Earth of which the probability is wanted [bit/s].

        Returns
        -------
        list of dict
            One row a date, with ``date``, ``target``, ``power_w``, ``data_bit_s``, ``mass_kg``, ``objectives``
            (spread of the number served), ``served`` (probability of each objective), ``power_at_least`` and
            ``data_at_least``.

        Raises
        ------
        InputError
            If an output or a rate is negative or not finite.
        """
        for name, wanted in (("power_w", power_w), ("data_bit_s", data_bit_s)):
            if not all(math.isfinite(value) and value >= 0.0 for value in wanted):
                raise InputError(f"are {list(wanted)}", where=name, advice="give numbers, 0 or more")
        last = self.ready_days()
        rows = []
        for k, day in enumerate(self.days.tolist()):
            served = self.found.objectives[:, :, k]
            power, data = self.found.power_w[:, k], self.found.data_bit_s[:, k]
            rows.append(
                {
                    "date": _text(day),
                    "target": asdict(Probability.of(int((last <= day).sum()), self.runs)),
                    "power_w": Spread.of(power).to_dict(),
                    "data_bit_s": Spread.of(data).to_dict(),
                    "mass_kg": Spread.of(self.found.mass_kg[:, k]).to_dict(),
                    "objectives": Spread.of(served.sum(axis=1)).to_dict(),
                    "served": {
                        name: Probability.of(int(served[:, o].sum()), self.runs).share
                        for o, name in enumerate(self.model.objectives)
                    },
                    "power_at_least": _at_least(power, power_w),
                    "data_at_least": _at_least(data, data_bit_s),
                }
            )
        return rows

    def causes(self, target: Sequence[str] = (), by: str | None = None) -> list[Cause]:
        """What first keeps a target from being reached by a date, the most frequent first.

        Parameters
        ----------
        target : sequence of str
            Elements; those of the experiment if none are given.
        by : str, optional
            Date; that of the experiment if absent.

        Returns
        -------
        list of Cause
            Their shares add up to the probability that the target is missed.

        Raises
        ------
        UnknownNameError, DateError
            If an element or the date cannot be read.

        Notes
        -----
        A failure that makes an element impossible counts with its date, and the earliest is the first. Where none
        has failed, the element that comes last tells the cause: what its date waited for in the end.
        """
        return self._counted(self._causes_of(self._indices(target), _last_day(by or self.by, "by")))

    def growth(self) -> list[dict[str, Any]]:
        """How the probability of the target and the mean power on the last day settle as runs are added."""
        reached = (self.ready_days() <= self.last_day).astype(np.float64)
        return growth({"target": reached, "power_w": self.found.power_w[:, -1]})

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single runs, as plain values, for JSON."""
        return {
            "plan": self.plan,
            "runs": self.runs,
            "seed": self.seed,
            "target": {"elements": list(self.target), "by": self.by, "probability": asdict(self.reached())},
            "causes": [asdict(row) for row in self.causes()],
            "missions": self.mission_rows(),
            "elements": self.element_rows(),
            "capability": self.capability_rows(),
            "launches": Spread.of(self.found.launches).to_dict(),
            "growth": self.growth(),
            "reflights": self.model.reflights,
            "assumptions": asdict(self.model.assumptions),
            "basis": [row.to_dict() for row in self.basis],
            "notes": list(self.model.notes),
        }

    @property
    def basis(self) -> tuple[Basis, ...]:
        """What each figure rests on."""
        return self.model.basis

    def _certain(self, k: int) -> bool:
        """Whether an element has flown already or never can."""
        mission = int(self.model.element_arrays["mission"][k])
        return mission < 0 or self.model.mission_arrays["state"][mission] != 0

    def _indices(self, target: Sequence[str]) -> npt.NDArray[np.int64]:
        """Columns of some elements."""
        return np.array([_index(self.model, name) for name in target or self.target], dtype=np.int64)

    def _ready(self, target: Sequence[str]) -> _FLOATS:
        """First days of work of some elements, (n, t)."""
        return self.found.ready[:, self._indices(target)]

    def _causes_of(self, columns: npt.NDArray[np.int64], limit: float) -> npt.NDArray[np.int64]:
        """Code of the first cause of each run that misses its target by a day; -1 for those that reach it."""
        ready, cause = self.found.ready[:, columns], self.found.element_cause[:, columns]
        failed = np.isinf(ready)
        at = np.where(failed, self.found.element_lost_at[:, columns], np.inf)
        which = np.where(failed.any(axis=1), at.argmin(axis=1), ready.argmax(axis=1))
        rows = np.arange(ready.shape[0])
        missed = failed.any(axis=1) | (ready.max(axis=1) > limit)
        return np.where(missed, cause[rows, which], -1).astype(np.int64)

    def _counted(self, codes: npt.NDArray[np.int64]) -> list[Cause]:
        """Causes with their shares."""
        rows = []
        for code, count in Counter(codes[codes >= 0].tolist()).items():
            kind, subject = CAUSES[code // _KIND], self._subject(code)
            text = _WORDS[kind].format(subject)
            if kind == "arrival" and self._lands(code % _KIND):
                text = f"landing of {subject} fails"
            rows.append(Cause(kind, subject, text, Probability.of(count, self.runs)))
        return sorted(rows, key=lambda row: (-row.probability.count, row.kind, row.subject))

    def _lands(self, mission: int) -> bool:
        """Whether a mission has to land."""
        return self.model.arrivals[int(self.model.mission_arrays["land"][mission])].name.startswith("landing")

    def _subject(self, code: int) -> str:
        """The mission or the launcher of a code."""
        kind, at = CAUSES[code // _KIND], code % _KIND
        if kind in ("launcher", "stand-down", "pace"):
            return (*self.model.launchers, "no launcher")[at]
        return self.model.missions[at]


def campaign_risk(
    plan: Plan,
    *,
    runs: int = 10_000,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    reflights: int = 0,
    target: Sequence[str] = (),
    by: str | None = None,
    dates: Sequence[str] = (),
    assumptions: RiskAssumptions | None = None,
    progress: Progress | None = None,
) -> CampaignRisk:
    """Fly a plan many times with drawn slips, failures, masses and dust.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    runs : int
        How many times.
    seed : int
        Of all runs. Each mission, launcher and element has luck of its own by its name, so that two plans with the
        same missions meet the same luck.
    workers : int
        Threads in this process.
    scheduler : str, optional
        A Dask scheduler instead, ``tcp://HOST:PORT``, or ``local:N`` for N processes on this machine.
    reflights : int
        Most times that a mission which failed is flown again.
    target : sequence of str
        Elements that are to work; without any, all on the station's bus that can, or else all to come.
    by : str, optional
        Date by which the target is to be reached; if absent, the last on which the plan without bad luck has it.
    dates : sequence of str
        When capability is told; the begin of each year, to ten years after the last launch, if none are given.
    assumptions : RiskAssumptions, optional
        What stands in where the plan says nothing.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    CampaignRisk
        The same for the same seed, whatever the number of workers.

    Raises
    ------
    InputError, DateError, UnknownNameError
        If a number, a date or an element cannot be used.
    MissingExtraError
        If a scheduler is asked for and the package distributed is not installed.
    ModelError
        If missions or elements require each other in a circle.

    Notes
    -----
    A mission flies on a day drawn evenly from its date, plus an exponential delay of the mean that its programme
    has shown, but not before what it requires has arrived and its launcher flies. A failed launch grounds the
    launcher. A mission that fails, at launch or on arrival, brings nothing and breaks what requires it, unless it
    is flown again. Cargo heavier than what its mission can land stays behind: what carries the rest and what has
    priority goes first. Arrays lose to dust, to later landings near by, and to age. Neglected: failures in
    operation, weather, money, and effects of one mission's delay on another that does not require it.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> risk = campaign_risk(load_plan("ilrs"), runs=100, target=["command-centre"], by="2040")
    >>> missed = sum(row.probability.count for row in risk.causes())
    >>> missed == 100 - risk.reached().count
    True
    """
    model = risk_model(plan, reflights=reflights, assumptions=assumptions)
    days = _days(dates, plan)
    wanted, limit = _target(plan, model, target, by)
    found = run_parts(model, days, runs, seed=seed, workers=workers, scheduler=scheduler, progress=progress)
    return CampaignRisk(plan.id, model, found, days, seed, wanted, limit)


_WORDS = {
    "plan": "{} is lost or cancelled, or needs what the plan lacks",
    "slip": "{} is late by its own date or slip",
    "launcher": "{} flies late for the first time",
    "stand-down": "{} stands down after a failed launch",
    "pace": "{} cannot fly as often as wanted",
    "launch": "launch of {} fails",
    "arrival": "{} does not reach its orbit",
    "performance": "{} cannot bring its cargo",
}


def _at_least(values: npt.NDArray[np.float32], wanted: Sequence[float]) -> dict[str, dict[str, Any]]:
    """How likely a number is so large, by the number wanted."""
    runs = values.size
    return {f"{value:g}": asdict(Probability.of(int((values >= value).sum()), runs)) for value in wanted}


def _target(plan: Plan, model: RiskModel, target: Sequence[str], by: str | None) -> tuple[tuple[str, ...], str]:
    """Elements that are to work and the date; from the plan without bad luck where they are not given."""
    from moonpost.campaign.build import build_order

    given = model.assumptions
    order = build_order(plan, transit_days=given.transit_days, commissioning_days=given.commissioning_days)
    latest = {step.element: step.ready_latest for step in order.steps}
    for name in target:
        _index(model, name)
    states = {row.id: row.status for row in plan.missions}
    rows = [row for row in plan.elements if latest[row.id] and states.get(row.mission) in ("planned", "proposed")]
    wanted = (
        tuple(target) or tuple(row.id for row in rows if row.bus == "station") or tuple(row.id for row in rows)
    )
    if not wanted:
        raise InputError("no element of the plan is to come", where=plan.id, advice="name elements with target")
    if by is not None:
        _last_day(by, "by")
        return wanted, by
    dated = [date for date in (latest[name] for name in wanted) if date is not None]
    return wanted, max(dated, default="9000")


def _index(model: RiskModel, name: str) -> int:
    """Column of an element."""
    if name not in model.elements:
        raise UnknownNameError(name, model.elements, kind="element", where="target")
    return model.elements.index(name)


def _days(dates: Sequence[str], plan: Plan) -> _FLOATS:
    """Days since 2000 of the dates asked for, or of each new year from the first launch to come on."""
    if dates:
        days = [_last_day(date, "dates") for date in dates]
        if sorted(set(days)) != days:
            raise DateError("do not ascend", where="dates", advice="give each date once, in order")
        return np.array(days)
    to_come = [when_bounds(row.launch) for row in plan.missions if row.status in ("planned", "proposed")]
    if not to_come:
        raise InputError("no mission of the plan is to come", where=plan.id, advice="give dates")
    first, last = min(row[0].year for row in to_come) + 1, max(row[1].year for row in to_come) + _AFTER_YEARS
    return np.array([(dt.datetime(year, 1, 1) - _ORIGIN) / _DAY for year in range(first, last + 1)])


def _last_day(text: str, where: str) -> float:
    """Last instant of a date [d since 2000]."""
    try:
        return (when_bounds(text)[1] - _ORIGIN) / _DAY
    except ValueError as error:
        raise DateError(str(error), where=where, advice="write it like 2035 or 2035-06-01") from None


def _quantile(days: _FLOATS, share: float) -> str | None:
    """Date before which a share of the runs lies; None if there are none."""
    return _text(float(np.quantile(days, share))) if days.size else None


def _text(day: float) -> str:
    """A date for JSON."""
    instant = _ORIGIN + dt.timedelta(seconds=round(86400.0 * day))
    return instant.isoformat(timespec="seconds") + "Z"

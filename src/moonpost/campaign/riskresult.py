"""What many flown campaigns say: odds of machines, power, data and objectives by date, and what they rest on."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.campaign.riskbasis import Basis
from moonpost.campaign.riskcauses import (
    Cause,
    Probability,
    counted_causes,
    first_causes,
    objective_causes,
    power_causes,
)
from moonpost.campaign.riskmodel import RiskModel
from moonpost.campaign.riskruns import Runs
from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.operations.spread import Spread, growth
from moonpost.plan.base import when_bounds

__all__ = ["CampaignRisk", "element_column", "last_instant_day"]

_ORIGIN = dt.datetime(2000, 1, 1)
_DAY = dt.timedelta(days=1)
_FLOATS = npt.NDArray[np.float64]
_QUANTILES = {"p05": 0.05, "p10": 0.1, "p50": 0.5, "p90": 0.9, "p95": 0.95}


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
    >>> from moonpost.campaign.risk import campaign_risk
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
        return last_instant_day(self.by, "by")

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
        return Probability.of(int((last <= last_instant_day(by or self.by, "by")).sum()), self.runs)

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
        """For each element to come how likely it ever works, mean and quantiles of the date if so, and why not."""
        rows = []
        for k, name in enumerate(self.model.elements):
            if self._certain(k):
                continue
            ready = self.found.ready[:, k]
            works = ready[np.isfinite(ready)]
            never = counted_causes(self.model, first_causes(self.found, np.array([k]), math.inf))
            rows.append(
                {
                    "element": name,
                    "mission": self.model.missions[int(self.model.element_arrays["mission"][k])],
                    "works": asdict(Probability.of(int(works.size), self.runs)),
                    **_date_spread(works),
                    "main_cause": never[0].text if never else None,
                }
            )
        return rows

    def mission_rows(self) -> list[dict[str, Any]]:
        """For each mission to come how likely it arrives, with mean and quantiles of the date if it does."""
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
                    **_date_spread(there),
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
        codes = first_causes(self.found, self._indices(target), last_instant_day(by or self.by, "by"))
        return counted_causes(self.model, codes)

    def power_causes(self, power_w: float, date: str) -> list[Cause]:
        """What first keeps the station's bus from having so much power on a date, the most frequent first.

        Parameters
        ----------
        power_w : float
            The power [W].
        date : str
            One of the dates told.

        Returns
        -------
        list of Cause
            Their shares add up to the probability of less power. Where all sources have come, it is dust and age,
            or the end of a life.

        Raises
        ------
        InputError
            If the power is negative or not finite.
        DateError
            If the date is none of those told.
        """
        if not (math.isfinite(power_w) and power_w >= 0.0):
            raise InputError(f"is {power_w}", where="power_w", advice="give watts, 0 or more")
        at = self._date(date)
        return counted_causes(self.model, power_causes(self.model, self.found, float(self.days[at]), at, power_w))

    def objective_causes(self, objective: str, date: str) -> list[Cause]:
        """What keeps an objective from being served on a date, the most frequent first.

        Parameters
        ----------
        objective : str
            Its identifier.
        date : str
            One of the dates told.

        Returns
        -------
        list of Cause
            Their shares add up to the probability that it is not served.

        Raises
        ------
        UnknownNameError
            If the plan has no such objective.
        DateError
            If the date is none of those told.

        Notes
        -----
        If an instrument is still to come, it is what that waits for; else what ended the last that worked, or the
        failure that took the last hope.
        """
        names = tuple(self.model.objectives)
        if objective not in names:
            raise UnknownNameError(objective, names, kind="objective", where="objective")
        at, which = self._date(date), names.index(objective)
        return counted_causes(
            self.model, objective_causes(self.model, self.found, float(self.days[at]), at, which)
        )

    def objective_rows(self, date: str) -> list[dict[str, Any]]:
        """For each objective how likely it is served on a date, and what keeps it from that most often.

        Parameters
        ----------
        date : str
            One of the dates told.

        Returns
        -------
        list of dict
            ``objective``, ``date``, ``served`` (a probability) and ``main_cause``.

        Raises
        ------
        DateError
            If the date is none of those told.
        """
        at = self._date(date)
        rows = []
        for k, name in enumerate(self.model.objectives):
            causes = self.objective_causes(name, date)
            served = Probability.of(int(self.found.objectives[:, k, at].sum()), self.runs)
            main = causes[0].text if causes else None
            rows.append({"objective": name, "date": self.dates[at], "served": asdict(served), "main_cause": main})
        return rows

    def told_after(self, by: str | None = None) -> str:
        """The first date told on or after a date, or the last one told.

        Parameters
        ----------
        by : str, optional
            The date; that of the experiment if absent.

        Returns
        -------
        str
        """
        at = int(np.searchsorted(self.days, last_instant_day(by or self.by, "by") - 1.0 / 86400.0 - 1e-9))
        return self.dates[min(at, self.days.size - 1)]

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
            "objectives": self.objective_rows(self.told_after()),
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
        return np.array([element_column(self.model, name) for name in target or self.target], dtype=np.int64)

    def _date(self, date: str) -> int:
        """Column of one of the dates told."""
        for at, told in enumerate(self.dates):
            if told.startswith(date.rstrip("Z")):
                return at
        raise DateError(
            f"{date!r} is none of those told",
            where="date",
            advice=f"give one of {self.dates[0]} ... {self.dates[-1]}",
        )

    def _ready(self, target: Sequence[str]) -> _FLOATS:
        """First days of work of some elements, (n, t)."""
        return self.found.ready[:, self._indices(target)]


def element_column(model: RiskModel, name: str) -> int:
    """Column of an element.

    Parameters
    ----------
    model : RiskModel
        The plan as arrays.
    name : str
        The element.

    Returns
    -------
    int

    Raises
    ------
    UnknownNameError
        If the plan has no such element.

    Examples
    --------
    >>> from moonpost.campaign.riskmodel import risk_model
    >>> from moonpost.plan import load_plan
    >>> element_column(risk_model(load_plan("ilrs")), "queqiao")
    0
    """
    if name not in model.elements:
        raise UnknownNameError(name, model.elements, kind="element", where="target")
    return model.elements.index(name)


def last_instant_day(text: str, where: str) -> float:
    """Last instant of a plan's date.

    Parameters
    ----------
    text : str
        The date.
    where : str
        What it is of, for errors.

    Returns
    -------
    float
        Days since 2000 [d].

    Raises
    ------
    DateError
        If it is no date.

    Examples
    --------
    >>> last_instant_day("2000-01-03T00:00Z", "by")
    2.0
    """
    try:
        return (when_bounds(text)[1] - _ORIGIN) / _DAY
    except ValueError as error:
        raise DateError(str(error), where=where, advice="write it like 2035 or 2035-06-01") from None


def _at_least(values: npt.NDArray[np.float32], wanted: Sequence[float]) -> dict[str, dict[str, Any]]:
    """How likely a number is so large, by the number wanted."""
    runs = values.size
    return {f"{value:g}": asdict(Probability.of(int((values >= value).sum()), runs)) for value in wanted}


def _date_spread(days: _FLOATS) -> dict[str, Any]:
    """Mean date with its standard error [d], and dates before which shares of the runs lie; None without any."""
    if not days.size:
        return {"mean": None, "mean_error_days": None, **dict.fromkeys(_QUANTILES)}
    error = float(days.std(ddof=1) / np.sqrt(days.size)) if days.size > 1 else 0.0
    quantiles = {name: _text(float(np.quantile(days, share))) for name, share in _QUANTILES.items()}
    return {"mean": _text(float(days.mean())), "mean_error_days": error, **quantiles}


def _text(day: float) -> str:
    """A date for JSON; beyond the year 9999 too."""
    return f"{np.datetime64('2000-01-01', 's') + np.timedelta64(round(86400.0 * day), 's')}Z"

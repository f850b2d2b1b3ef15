"""What first keeps a campaign from what is wanted: machines by a date, power, an objective."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.campaign.riskbasis import CAUSES
from moonpost.campaign.riskmodel import RiskModel
from moonpost.campaign.riskruns import Runs
from moonpost.operations.spread import share_bounds

__all__ = ["Cause", "Probability", "counted_causes", "first_causes", "objective_causes", "power_causes"]

_KIND = 1000
_CODES = npt.NDArray[np.int64]
_WORDS = {
    "plan": "{} is lost or cancelled, or needs what the plan lacks",
    "slip": "{} is late by its own date or slip",
    "launcher": "{} flies late for the first time",
    "stand-down": "{} stands down after a failed launch",
    "pace": "{} cannot fly as often as wanted",
    "launch": "launch of {} fails",
    "arrival": "{} does not reach its orbit",
    "performance": "{} cannot bring its cargo",
    "life": "the life of what {} brought is over",
    "open": "no instrument serves it",
    "dust": "dust and age take it",
}


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
        The mission, or the launcher for ``launcher``, ``stand-down``, ``pace``; empty for ``dust`` and ``open``.
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


def first_causes(found: Runs, columns: _CODES, limit: float) -> _CODES:
    """Code of the first cause of each run in which some elements do not all work by a day.

    Parameters
    ----------
    found : Runs
        The runs.
    columns : ndarray of int, (t,)
        The elements.
    limit : float
        The day [d since 2000].

    Returns
    -------
    ndarray of int, (n,)
        Kind times 1000 plus subject; -1 for runs in which they do.

    Examples
    --------
    >>> from moonpost.campaign import campaign_risk
    >>> from moonpost.plan import load_plan
    >>> risk = campaign_risk(load_plan("ilrs"), runs=5)
    >>> first_causes(risk.found, np.array([0]), 20_000.0).tolist()
    [-1, -1, -1, -1, -1]
    """
    ready, cause = found.ready[:, columns], found.element_cause[:, columns]
    failed = np.isinf(ready)
    at = np.where(failed, found.element_lost_at[:, columns], np.inf)
    which = np.where(failed.any(axis=1), at.argmin(axis=1), ready.argmax(axis=1))
    missed = failed.any(axis=1) | (ready.max(axis=1) > limit)
    return np.where(missed, cause[np.arange(ready.shape[0]), which], -1).astype(np.int64)


def power_causes(model: RiskModel, found: Runs, day: float, at: int, power_w: float) -> _CODES:
    """Code of what first keeps the station's bus from having so much power on a day.

    Parameters
    ----------
    model : RiskModel
        The plan as arrays.
    found : Runs
        The runs.
    day : float
        The day [d since 2000].
    at : int
        Its place among the days told.
    power_w : float
        The power [W].

    Returns
    -------
    ndarray of int, (n,)
        As in `first_causes`.

    Examples
    --------
    >>> from moonpost.campaign import campaign_risk
    >>> from moonpost.plan import load_plan
    >>> risk = campaign_risk(load_plan("ilrs"), runs=5)
    >>> power_causes(risk.model, risk.found, float(risk.days[0]), 0, 0.0).tolist()
    [-1, -1, -1, -1, -1]
    """
    source = model.source_arrays
    columns = np.unique(source["element"][source["station"]])
    missed = found.power_w[:, at] < power_w
    if not columns.size:
        return np.where(missed, 0, -1).astype(np.int64)
    codes = first_causes(found, columns, day)
    ended = found.ready[:, columns] + model.element_arrays["life"][columns] <= day
    over = CAUSES.index("life") * _KIND + model.element_arrays["mission"][columns[ended.argmax(axis=1)]]
    settled = np.where(ended.any(axis=1), over, CAUSES.index("dust") * _KIND)
    return np.where(missed, np.where(codes >= 0, codes, settled), -1).astype(np.int64)


def objective_causes(model: RiskModel, found: Runs, day: float, at: int, objective: int) -> _CODES:
    """Code of what keeps an objective from being served on a day.

    Parameters
    ----------
    model : RiskModel
        The plan as arrays.
    found : Runs
        The runs.
    day : float
        The day [d since 2000].
    at : int
        Its place among the days told.
    objective : int
        Its place among the objectives.

    Returns
    -------
    ndarray of int, (n,)
        As in `first_causes`; an objective without an instrument has the code of ``open``.

    Examples
    --------
    >>> from moonpost.campaign import campaign_risk
    >>> from moonpost.plan import load_plan
    >>> risk = campaign_risk(load_plan("ilrs"), runs=5)
    >>> objective_causes(risk.model, risk.found, float(risk.days[0]), 0, 0).shape
    (5,)
    """
    missed = ~found.objectives[:, objective, at]
    columns = np.array(list(model.objectives.values())[objective], dtype=np.int64)
    if not columns.size:
        return np.where(missed, CAUSES.index("open") * _KIND, -1).astype(np.int64)
    rows = np.arange(missed.size)
    ready, cause = found.ready[:, columns], found.element_cause[:, columns]
    end = ready + model.element_arrays["life"][columns]
    comes = np.where((ready > day) & np.isfinite(ready), ready, np.inf)
    ended = np.where(end <= day, end, -np.inf)
    lost = found.element_lost_at[:, columns].argmax(axis=1)
    over = CAUSES.index("life") * _KIND + model.element_arrays["mission"][columns[ended.argmax(axis=1)]]
    codes = np.where(np.isfinite(ended).any(axis=1), over, cause[rows, lost])
    codes = np.where(np.isfinite(comes).any(axis=1), cause[rows, comes.argmin(axis=1)], codes)
    return np.where(missed, codes, -1).astype(np.int64)


def counted_causes(model: RiskModel, codes: _CODES) -> list[Cause]:
    """Causes with their shares of all runs, the most frequent first.

    Parameters
    ----------
    model : RiskModel
        The plan as arrays.
    codes : ndarray of int, (n,)
        As `first_causes` gives them.

    Returns
    -------
    list of Cause

    Examples
    --------
    >>> from moonpost.campaign.riskmodel import risk_model
    >>> from moonpost.plan import load_plan
    >>> counted_causes(risk_model(load_plan("ilrs")), np.array([5000, -1, -1, -1]))[0].probability.share
    0.25
    """
    rows = []
    for code, count in Counter(codes[codes >= 0].tolist()).items():
        kind, subject = CAUSES[code // _KIND], _subject(model, code)
        text = _WORDS[kind].format(subject)
        if kind == "arrival" and _lands(model, code % _KIND):
            text = f"landing of {subject} fails"
        rows.append(Cause(kind, subject, text, Probability.of(count, codes.size)))
    return sorted(rows, key=lambda row: (-row.probability.count, row.kind, row.subject))


def _lands(model: RiskModel, mission: int) -> bool:
    """Whether a mission has to land."""
    return model.arrivals[int(model.mission_arrays["land"][mission])].name.startswith("landing")


def _subject(model: RiskModel, code: int) -> str:
    """The mission or the launcher of a code."""
    kind, at = CAUSES[code // _KIND], code % _KIND
    if kind in ("launcher", "stand-down", "pace"):
        return (*model.launchers, "no launcher")[at]
    if kind in ("dust", "open"):
        return ""
    return model.missions[at]

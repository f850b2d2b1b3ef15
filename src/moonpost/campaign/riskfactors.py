"""What a campaign's odds hang on: each factor once without harm and once at its worst, under the same luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from moonpost.campaign.risk import CampaignRisk
from moonpost.campaign.riskbasis import Chance
from moonpost.campaign.riskcauses import Probability
from moonpost.campaign.riskmodel import RiskModel
from moonpost.campaign.riskruns import run_parts
from moonpost.errors import InputError

__all__ = ["Swing", "campaign_swings"]

_SHARE = 0.9
_WORDS = {
    "launch": "launches of {}",
    "landing": "landings: {}",
    "orbit": "arrivals in orbit: {}",
    "slip": "slips: {}",
    "launcher": "first flights of launchers",
    "stand-down": "stand-downs of launchers",
    "performance": "landed mass",
    "dust": "dust on arrays",
}


@dataclass(frozen=True)
class Swing:
    """What one factor does to the probability of the target.

    Parameters
    ----------
    factor : str
        Its name, such as ``launch:cz-10`` or ``slip:cnsa``.
    better_text, worse_text : str
        What it is set to.
    better, worse : Probability
        Of the target, with the factor without harm and at its worst.
    usual : Probability
        Of the target as it is, in the same runs.
    better_power_w, worse_power_w : float
        Mean power of the station's bus on the last day told, in both cases [W].

    Examples
    --------
    >>> from moonpost.campaign.riskcauses import Probability
    >>> odds = [Probability.of(count, 10) for count in (5, 4, 4)]
    >>> Swing("dust", "none", "high", *odds, 2.0, 1.0).width
    0.1
    """

    factor: str
    better_text: str
    worse_text: str
    better: Probability
    worse: Probability
    usual: Probability
    better_power_w: float
    worse_power_w: float

    @property
    def width(self) -> float:
        """How far the probability moves [1]."""
        return round(self.better.share - self.worse.share, 12)

    @property
    def text(self) -> str:
        """The factor in words."""
        kind, _, subject = self.factor.partition(":")
        return _WORDS[kind].format({"none": "missions without launcher", "all": "others"}.get(subject, subject))

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return {**asdict(self), "text": self.text, "width": self.width}


def campaign_swings(risk: CampaignRisk, *, runs: int | None = None, workers: int = 1) -> tuple[Swing, ...]:
    """How far each factor moves the probability of the target, the farthest first.

    Parameters
    ----------
    risk : CampaignRisk
        The experiment.
    runs : int, optional
        How many runs each case takes; those of the experiment, but 10,000 at most, if absent.
    workers : int
        Threads in this process.

    Returns
    -------
    tuple of Swing

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    All cases meet the luck of the experiment, so that differences are sharper than the cases themselves. A rate of
    a record goes to the low end of its 90 percent; one that is simply given fails twice as often; delays double;
    dust takes the high end of its range and landings twice as much.

    Examples
    --------
    >>> from moonpost.campaign import campaign_risk
    >>> from moonpost.plan import load_plan
    >>> swings = campaign_swings(campaign_risk(load_plan("ilrs"), runs=200, target=["reactor"], by="2040"))
    >>> swings[0].width >= swings[-1].width
    True
    """
    if runs is not None and (isinstance(runs, bool) or not isinstance(runs, int) or runs < 1):
        raise InputError(f"is {runs!r}", where="runs", advice="give a whole number from 1")
    many = min(risk.runs, 10_000) if runs is None else runs
    columns = [risk.model.elements.index(name) for name in risk.target]
    limit = risk.last_day

    def told(model: RiskModel) -> tuple[Probability, float]:
        found = run_parts(model, risk.days[-1:], many, seed=risk.seed, workers=workers)
        reached = int((found.ready[:, columns].max(axis=1) <= limit).sum())
        return Probability.of(reached, many), float(found.power_w.mean())

    usual, _ = told(risk.model)
    swings = []
    for name, better_text, better, worse_text, worse in _factors(risk.model):
        good, bad = told(better(risk.model)), told(worse(risk.model))
        swings.append(Swing(name, better_text, worse_text, good[0], bad[0], usual, good[1], bad[1]))
    return tuple(sorted(swings, key=lambda row: (-row.width, row.factor)))


_Change = Callable[[RiskModel], RiskModel]


def _factors(model: RiskModel) -> Iterator[tuple[str, str, _Change, str, _Change]]:
    """Each factor with what makes it harmless and what makes it worst."""
    state, launchers = model.mission_arrays["state"], model.mission_arrays["launcher"]
    used = sorted(set(launchers[state == 0].tolist()))
    for at in used:
        chance = model.launches[at]
        text, worst = _worst(chance)
        yield chance.name, "never fails", _set_launch(at, 1.0), text, _set_launch(at, worst)
    way = np.unique(model.mission_arrays["land"][state == 0]).tolist()
    for at in way:
        chance = model.arrivals[at]
        text, worst = _worst(chance)
        yield chance.name, "never fails", _set_arrival(at, 1.0), text, _set_arrival(at, worst)
    for owner in dict.fromkeys(model.owners):
        rows = np.array([name == owner for name in model.owners]) & (state == 0)
        if (model.mission_arrays["slip"][rows] > 0.0).any():
            yield f"slip:{owner}", "none", _slip(rows, 0.0), "doubled", _slip(rows, 2.0)
    for column, name in ((1, "launcher"), (2, "stand-down")):
        if (model.launcher_days[used, column] > 0.0).any():
            yield f"{name}", "none", _days(column, 0.0), "doubled", _days(column, 2.0)
    if not np.isnan(model.mission_arrays["capacity"]).all():
        yield "performance", "always enough", _capacity(None), "lowest", _capacity(0)
    if model.source_arrays["solar"].any():
        yield "dust", "none", _dust(0.0, 0.0), "highest, landings twice", _dust(model.dust[2], 2.0)


def _worst(chance: Chance) -> tuple[str, float]:
    """A bad value of a chance, in words and as a number."""
    if chance.record is None:
        bad = max(1.0 - 2.0 * (1.0 - chance.mean), 0.0)
        return f"{bad:.2f}", bad
    bad = chance.record.bounds(_SHARE)[0]
    return f"{bad:.2f}", bad


def _set_launch(at: int, value: float) -> _Change:
    def change(model: RiskModel) -> RiskModel:
        rows = [Chance(row.name, value) if k == at else row for k, row in enumerate(model.launches)]
        return replace(model, launches=tuple(rows))

    return change


def _set_arrival(at: int, value: float) -> _Change:
    def change(model: RiskModel) -> RiskModel:
        rows = [Chance(row.name, value) if k == at else row for k, row in enumerate(model.arrivals)]
        return replace(model, arrivals=tuple(rows))

    return change


def _slip(rows: Any, scale: float) -> _Change:
    def change(model: RiskModel) -> RiskModel:
        slip = np.where(rows, scale, 1.0) * model.mission_arrays["slip"]
        return replace(model, mission_arrays={**model.mission_arrays, "slip": slip})

    return change


def _days(column: int, scale: float) -> _Change:
    def change(model: RiskModel) -> RiskModel:
        days = model.launcher_days.copy()
        days[:, column] *= scale
        return replace(model, launcher_days=days)

    return change


def _capacity(column: int | None) -> _Change:
    def change(model: RiskModel) -> RiskModel:
        capacity = model.mission_arrays["capacity"]
        if column is None:
            capacity = np.full_like(capacity, np.nan)
        else:
            capacity = np.repeat(capacity[:, column : column + 1], 3, axis=1)
        return replace(model, mission_arrays={**model.mission_arrays, "capacity": capacity})

    return change


def _dust(part: float, scale: float) -> _Change:
    def change(model: RiskModel) -> RiskModel:
        given = replace(model.assumptions, landing_dust=min(scale * model.assumptions.landing_dust, 0.5))
        return replace(model, dust=(part, part, part), assumptions=given)

    return change

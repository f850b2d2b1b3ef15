"""Sites compared: a weighted score, the Pareto front, and how robust the order is to the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.study.results import LightRow, RankRow

__all__ = ["CRITERIA", "WEIGHTS", "rank"]

CRITERIA = {
    "average_illumination": 1.0,
    "percent_lit": 1.0,
    "longest_light_d": 1.0,
    "earth_visible": 1.0,
    "longest_dark_d": -1.0,
    "longest_earth_outage_d": -1.0,
    "longest_dark_without_earth_d": -1.0,
    "slope_deg": -1.0,
}
"""What sites can be compared by; 1 where more is better, -1 where less is."""

WEIGHTS = {
    "average_illumination": 0.35,
    "longest_dark_d": 0.30,
    "earth_visible": 0.20,
    "longest_earth_outage_d": 0.15,
}
"""Weights of the criteria in the score [1]; more light and Earth is better, longer gaps are worse."""

_TRIES = 2000
_SEED = 20210309

Table = npt.NDArray[np.float64]


def rank(rows: Sequence[LightRow], weights: Mapping[str, float] = WEIGHTS) -> tuple[RankRow, ...]:
    """Order sites by a weighted score, and tell what the order hangs on.

    Parameters
    ----------
    rows : sequence of LightRow
        One row per site, all at the same height.
    weights : mapping of str to float
        Weights of criteria out of `CRITERIA`, 0 or more; only their proportions count.

    Returns
    -------
    tuple of RankRow
        Best first.

    Raises
    ------
    UnknownNameError
        If a criterion is unknown.
    InputError
        If a weight is negative or not finite, all are zero, or a site lacks a criterion.

    Notes
    -----
    Each criterion is scaled linearly from the worst (0) to the best (1) of the sites compared, so the score
    orders these sites and says nothing about others. A site is on the Pareto front if no other is at least as good
    in all criteria and better in one: whatever the weights, only such a site can be the right choice.
    `first_share`, `place_5` and `place_95` come from 2,000 random weightings (uniform over all that add up to one,
    seeded). `overtakes` holds, for each criterion, the nearest weight at which the site draws level with the first
    one while the other weights keep their proportions; the first one's are those at which it loses its place.

    References
    ----------
    Butler, J. et al. (1997), Simulation techniques for the sensitivity analysis of multi-criteria decision models,
    Eur. J. Oper. Res. 103, 531-546, for random weights.

    Examples
    --------
    >>> rank([])
    ()
    """
    shares = _shares(weights)
    if not rows:
        return ()
    names = tuple(shares)
    scaled = np.column_stack([_scaled(rows, name) for name in names])
    weight = np.array(list(shares.values()))
    scores = scaled @ weight
    tries = np.random.default_rng(_SEED).dirichlet(np.ones(len(names)), _TRIES) @ scaled.T
    firsts = np.bincount(np.argmax(tries, axis=1), minlength=len(rows)) / _TRIES
    places = 1 + np.sum(tries[:, None, :] > tries[:, :, None], axis=2)
    order = np.argsort(-scores, kind="stable")
    return tuple(
        RankRow(
            site=rows[i].site,
            score=round(float(scores[i]), 4),
            parts={name: round(float(scaled[i, j]), 4) for j, name in enumerate(names)},
            weights={name: round(share, 6) for name, share in shares.items()},
            first_share=float(firsts[i]),
            place_5=int(np.quantile(places[:, i], 0.05, method="inverted_cdf")),
            place_95=int(np.quantile(places[:, i], 0.95, method="inverted_cdf")),
            dominated_by=tuple(rows[k].site for k in _dominating(scaled, int(i))),
            overtakes=_levels(scaled, names, weight, int(order[0]), int(i)),
        )
        for i in order
    )


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights that add up to one."""
    for name, value in weights.items():
        if name not in CRITERIA:
            raise UnknownNameError(name, CRITERIA, kind="criterion", where="weights")
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"weight {value!r} of {name}", where="weights", advice="give 0 or more")
    total = sum(weights.values())
    if not total > 0.0:
        raise InputError("no weight is above zero", where="weights", advice="give at least one")
    return {name: value / total for name, value in weights.items() if value > 0.0}


def _scaled(rows: Sequence[LightRow], name: str) -> Table:
    """Values of a criterion from worst (0) to best (1); all 1 where they do not differ."""
    missing = [row.site for row in rows if getattr(row, name) is None]
    if missing:
        raise InputError(
            f"{name} is not known of {', '.join(missing)}",
            where="weights",
            advice="leave it out, or name terrain for these sites in the plan",
        )
    array = np.array([getattr(row, name) for row in rows], dtype=np.float64) * CRITERIA[name]
    span = float(np.ptp(array))
    return np.ones_like(array) if span == 0.0 else (array - array.min()) / span


def _dominating(scaled: Table, site: int) -> list[int]:
    """Sites that are at least as good in all criteria and better in one."""
    whole = np.all(scaled >= scaled[site], axis=1) & np.any(scaled > scaled[site], axis=1)
    return [int(k) for k in np.flatnonzero(whole)]


def _levels(scaled: Table, names: Sequence[str], weight: Table, first: int, site: int) -> dict[str, float | None]:
    """Weight of each criterion at which a site draws level with the first; of the first, the nearest of any."""
    if site == first:
        others = [k for k in range(len(scaled)) if k != first]
        found = [_levels(scaled, names, weight, first, k) for k in others]
        return {
            name: min(
                (row[name] for row in found if row[name] is not None),
                key=lambda level, own=float(weight[j]): abs(float(level or 0.0) - own),  # type: ignore[misc]
                default=None,
            )
            for j, name in enumerate(names)
        }
    ahead = scaled[first] - scaled[site]
    return {name: _level(ahead, weight, j) for j, name in enumerate(names)}


def _level(ahead: Table, weight: Table, criterion: int) -> float | None:
    """Weight of one criterion at which a lead vanishes, the others in proportion; None if at none."""
    own = float(weight[criterion])
    if own >= 1.0:
        return None
    rest = float(ahead @ weight - ahead[criterion] * own) / (1.0 - own)
    slope = float(ahead[criterion]) - rest
    if slope == 0.0:
        return None
    level = -rest / slope
    return round(level, 4) if 0.0 <= level <= 1.0 else None

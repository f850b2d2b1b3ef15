"""Sites compared, and how robust the order is to the weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from moonpost.study.results import LightRow, RankRow

__all__ = ["WEIGHTS", "rank"]

WEIGHTS = {
    "average_illumination": 0.35,
    "longest_dark_d": 0.30,
    "earth_visible": 0.20,
    "longest_earth_outage_d": 0.15,
}
"""Weights of the criteria in the score [1]; more light and Earth is better, longer gaps are worse."""

_WORSE_WHEN_MORE = {"longest_dark_d", "longest_earth_outage_d"}
_TRIES = 2000
_SEED = 20210309


def rank(rows: Sequence[LightRow]) -> tuple[RankRow, ...]:
    """Order sites by a weighted score, and count how often each comes first with other weights.

    Parameters
    ----------
    rows : sequence of LightRow
        One row per site, all at the same height.

    Returns
    -------
    tuple of RankRow
        Best first. `first_share` is the share of 2,000 random weightings (uniform over all that add up to
        one, seeded) in which the site has the highest score.

    Notes
    -----
    Each criterion is scaled linearly from the worst (0) to the best (1) of the sites compared, so the score
    orders these sites and says nothing about others.

    Examples
    --------
    >>> rank([])
    ()
    """
    if not rows:
        return ()
    scaled = np.column_stack([_scaled([getattr(row, name) for row in rows], name) for name in WEIGHTS])
    scores = scaled @ np.array(list(WEIGHTS.values()))
    weights = np.random.default_rng(_SEED).dirichlet(np.ones(len(WEIGHTS)), _TRIES)
    firsts = np.bincount(np.argmax(scaled @ weights.T, axis=0), minlength=len(rows)) / _TRIES
    order = np.argsort(-scores, kind="stable")
    return tuple(
        RankRow(
            site=rows[i].site,
            score=round(float(scores[i]), 4),
            parts={name: round(float(scaled[i, j]), 4) for j, name in enumerate(WEIGHTS)},
            first_share=float(firsts[i]),
        )
        for i in order
    )


def _scaled(values: Sequence[float], name: str) -> npt.NDArray[np.float64]:
    """Values from worst (0) to best (1); all 1 where they do not differ."""
    array = np.asarray(values, dtype=np.float64) * (-1.0 if name in _WORSE_WHEN_MORE else 1.0)
    span = float(np.ptp(array))
    return np.ones_like(array) if span == 0.0 else (array - array.min()) / span

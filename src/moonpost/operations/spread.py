"""What many runs say: mean, spread and quantiles, each with the error that the number of runs leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["QUANTILES", "Quantile", "Spread", "growth", "share_bounds"]

QUANTILES = (0.05, 0.5, 0.95)
"""Quantiles that are told unless others are asked for."""

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Quantile:
    """A quantile of a number over runs.

    Parameters
    ----------
    share : float
        Share of runs that lie below [1].
    value : float
        The quantile.
    low, high : float or None
        Bounds that hold it in at least 95 of 100 such experiments; None where the runs are too few for a bound.

    Examples
    --------
    >>> Quantile(0.5, 2.0, 1.0, 3.0).value
    2.0
    """

    share: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Spread:
    """How a number is spread over runs.

    Parameters
    ----------
    runs : int
        Number of runs.
    mean, mean_error : float
        Mean, and the standard error that the runs leave.
    deviation, deviation_error : float
        Standard deviation, and its standard error.
    quantiles : tuple of Quantile
        In the order asked for.

    Examples
    --------
    >>> Spread.of([1.0, 2.0, 3.0]).mean
    2.0
    """

    runs: int
    mean: float
    mean_error: float
    deviation: float
    deviation_error: float
    quantiles: tuple[Quantile, ...]

    @classmethod
    def of(cls, values: npt.ArrayLike, shares: Sequence[float] = QUANTILES) -> Spread:
        """Describe the numbers of runs.

        Parameters
        ----------
        values : array-like, (n,)
            One for each run.
        shares : sequence of float
            Quantiles asked for [1].

        Returns
        -------
        Spread

        Raises
        ------
        InputError
            If there are none, or one is not finite.

        Notes
        -----
        The error of the deviation comes from the fourth moment. The bounds of a quantile q are order statistics:
        the number of runs below it is binomial with n and q, whatever the law of the numbers.

        References
        ----------
        David, H. A. and Nagaraja, H. N. (2003), Order Statistics, 3rd ed., Wiley, section 7.1.

        Examples
        --------
        >>> spread = Spread.of(np.arange(1000.0))
        >>> [round(number) for number in (spread.quantiles[1].low, spread.quantiles[1].high)]
        [468, 531]
        """
        numbers = np.sort(np.asarray(values, dtype=np.float64).ravel())
        if numbers.size == 0 or not np.isfinite(numbers).all():
            raise InputError(
                "are empty or not finite", where="values", advice="give one finite number for each run"
            )
        many = numbers.size
        mean = float(numbers.mean())
        deviation = float(numbers.std(ddof=1)) if many > 1 else 0.0
        fourth = float(((numbers - mean) ** 4).mean())
        variance_error = np.sqrt(max(fourth - deviation**4, 0.0) / many)
        return cls(
            runs=many,
            mean=mean,
            mean_error=float(deviation / np.sqrt(many)),
            deviation=deviation,
            deviation_error=float(variance_error / (2.0 * deviation)) if deviation > 0 else 0.0,
            quantiles=tuple(_quantile(numbers, share) for share in shares),
        )

    def to_dict(self) -> dict[str, Any]:
        """The spread as plain values, quantiles as ``p05`` and so on, for JSON."""
        found: dict[str, Any] = {
            "mean": self.mean,
            "mean_error": self.mean_error,
            "deviation": self.deviation,
            "deviation_error": self.deviation_error,
        }
        for row in self.quantiles:
            found[f"p{round(100 * row.share):02d}"] = {"value": row.value, "low": row.low, "high": row.high}
        return found


def _quantile(numbers: npt.NDArray[np.float64], share: float) -> Quantile:
    """A quantile of sorted numbers with bounds by order statistics."""
    from scipy.stats import binom

    if not 0.0 < share < 1.0:
        raise InputError(f"is {share!r}", where="shares", advice="give numbers between 0 and 1")
    many = numbers.size
    low = int(binom.ppf(0.025, many, share))
    high = int(binom.ppf(0.975, many, share)) + 1
    return Quantile(
        share,
        float(np.quantile(numbers, share)),
        float(numbers[low - 1]) if low >= 1 else None,
        float(numbers[high - 1]) if high <= many else None,
    )


def share_bounds(count: int, runs: int) -> tuple[float, float]:
    """Bounds of a probability of which a number of runs tell (Wilson 1927), at 95 percent.

    Parameters
    ----------
    count : int
        Runs in which it happened.
    runs : int
        All runs.

    Returns
    -------
    low, high : float
        [1]

    Raises
    ------
    InputError
        If the numbers make no share.

    References
    ----------
    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc.
    22, 209-212, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(number, 3) for number in share_bounds(0, 100)]
    [0.0, 0.037]
    """
    if not 0 <= count <= runs or runs < 1:
        raise InputError(f"{count} of {runs}", where="share_bounds", advice="give runs of which some are counted")
    share, z = count / runs, _NORMAL_95
    middle = share + z * z / (2 * runs)
    half = z * np.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    scale = 1 + z * z / runs
    return max(float((middle - half) / scale), 0.0), min(float((middle + half) / scale), 1.0)


def growth(values: Mapping[str, npt.ArrayLike]) -> list[dict[str, Any]]:
    """How means settle as runs are added.

    Parameters
    ----------
    values : mapping of str to array-like, (n,)
        Numbers of the runs, in the order of their seeds.

    Returns
    -------
    list of dict
        ``runs`` (10, 30, 100, ... and all), and mean and standard error of each number.

    Examples
    --------
    >>> [row["runs"] for row in growth({"x": np.arange(200.0)})]
    [10, 30, 100, 200]
    """
    series = {name: np.asarray(numbers, dtype=np.float64) for name, numbers in values.items()}
    many = min((numbers.size for numbers in series.values()), default=0)
    steps = [n for k in range(1, 8) for n in (10**k, 3 * 10**k) if n < many] + [many]
    rows = []
    for n in steps:
        row: dict[str, Any] = {"runs": n}
        for name, numbers in series.items():
            error = float(numbers[:n].std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
            row[name] = {"mean": float(numbers[:n].mean()), "mean_error": error}
        rows.append(row)
    return rows

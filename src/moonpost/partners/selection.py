"""Which proposals to choose: the best set under total and single limits, proved, beside taking them by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from math import lcm
from time import monotonic
from typing import TYPE_CHECKING, Any

from moonpost.errors import InputError, ModelError
from moonpost.quiet import quiet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Candidate", "Left", "Limits", "Selection", "broken_limit", "exact", "select"]

_AMOUNTS = (("mass_kg", "total_kg", "kg"), ("day_w", "day_total_w", "W"), ("night_w", "night_total_w", "W"),
            ("bit_day", "total_bit_day", "bit/d"))  # fmt: skip
_LARGEST = 10**9


@dataclass(frozen=True)
class Candidate:
    """A proposal that may be chosen.

    Parameters
    ----------
    id : str
        Identifier.
    score : Fraction or float
        What choosing it is worth, from 0 [1].
    mass_kg, day_w, night_w, bit_day : float
        What it needs [kg, W, W, bit/d].
    country : str
        For a limit by country.

    Examples
    --------
    >>> Candidate("dust", 75.0, 2.5).night_w
    0.0
    """

    id: str
    score: Fraction | float
    mass_kg: float
    day_w: float = 0.0
    night_w: float = 0.0
    bit_day: float = 0.0
    country: str = ""


@dataclass(frozen=True)
class Limits:
    """What a call offers.

    Parameters
    ----------
    total_kg, each_kg : float or None
        Mass in all and of one [kg].
    day_total_w, night_total_w : float or None
        Power in all, in light and in the dark [W].
    total_bit_day : float or None
        Data in all [bit/d].
    choose : int or None
        How many at most.
    each_country : int or None
        How many of one country at most.

    Examples
    --------
    >>> Limits(total_kg=200.0, each_kg=100.0, choose=10).choose
    10
    """

    total_kg: float | None = None
    each_kg: float | None = None
    day_total_w: float | None = None
    night_total_w: float | None = None
    total_bit_day: float | None = None
    choose: int | None = None
    each_country: int | None = None


@dataclass(frozen=True)
class Left:
    """A proposal that the best set leaves out.

    Parameters
    ----------
    id : str
        Identifier.
    why : str
        The limit that it breaks alone, or what taking it would cost.
    loss : float or None
        Points that the best set with it has less; None if no set can have it [1].

    Examples
    --------
    >>> Left("rover", "101 kg is over 100 kg for one", None).loss is None
    True
    """

    id: str
    why: str
    loss: float | None


@dataclass(frozen=True)
class Selection:
    """The best set of proposals.

    Parameters
    ----------
    chosen : tuple of str
        In the order of the candidates.
    score : float
        Sum of their scores [1].
    mass_kg : float
        Sum of their masses [kg].
    proved : bool
        Whether no better set exists.
    gap : float
        By how much a better set could score at most, as a part [1].
    by_rank : tuple of str
        What taking them by score gives, as long as each still fits.
    by_rank_score, by_rank_mass_kg : float
        Sum of scores [1] and masses [kg] of that.
    left : tuple of Left
        Those left out.

    Examples
    --------
    >>> found = select([Candidate("a", 9, 60.0), Candidate("b", 8, 50.0), Candidate("c", 7, 50.0)], Limits(100.0))
    >>> found.chosen, found.by_rank
    (('b', 'c'), ('a',))
    """

    chosen: tuple[str, ...]
    score: float
    mass_kg: float
    proved: bool
    gap: float
    by_rank: tuple[str, ...]
    by_rank_score: float
    by_rank_mass_kg: float
    left: tuple[Left, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def exact(value: float) -> Fraction:
    """The number that a decimal text stands for, exactly.

    Parameters
    ----------
    value : float
        Such as 0.1, which is read as one tenth.

    Returns
    -------
    Fraction

    Examples
    --------
    >>> exact(0.1) + exact(0.2) == exact(0.3)
    True
    """
    return Fraction(Decimal(repr(value)))


def select(candidates: Sequence[Candidate], limits: Limits, *, seconds: float = 30.0) -> Selection:
    """Choose the set with the largest sum of scores that keeps all limits.

    Parameters
    ----------
    candidates : sequence of Candidate
        Those that may be chosen.
    limits : Limits
        What they share.
    seconds : float, default 30.0
        Longest time for the search, and for those of all that are left out together [s].

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        If an identifier stands twice, or a number is negative or not finite.

    Notes
    -----
    A mixed-integer program in whole numbers, solved by HiGHS: the largest sum of scores, then among those sets the
    one of least mass. Limits and sums are checked again with exact fractions, so that 200 kg of 200 kg fit and a
    gram more does not. Scores too fine for whole numbers up to 10^9 in all are rounded to that, and the gap says
    so. For each that is left out, the best set that contains it is sought as well. How much a score means is for
    the reviewers: see the ranks in `moonpost.partners.reviews`.

    Examples
    --------
    >>> rows = [Candidate("a", 90, 100.0), Candidate("b", 80, 100.0), Candidate("c", 70, 101.0)]
    >>> found = select(rows, Limits(total_kg=200.0, each_kg=100.0, choose=2))
    >>> found.chosen, found.left[0].why
    (('a', 'b'), '101 kg is over 100 kg for one')
    """
    rows = list(candidates)
    _sound(rows, limits)
    alone = {row.id: _too_much(row, limits) for row in rows}
    able = [row for row in rows if not alone[row.id]]
    best, gap = _best(able, limits, None, seconds)
    chosen = best or []
    score = _score(chosen)
    left = []
    share_s = max(seconds / max(len(able), 1), 1.0)
    for row in rows:
        if row in chosen:
            continue
        if alone[row.id]:
            left.append(Left(row.id, alone[row.id], None))
            continue
        forced, _ = _best(able, limits, row, share_s)
        loss = None if forced is None else float(score - _score(forced))
        left.append(Left(row.id, _told(loss), loss))
    greedy = _by_rank(able, limits)
    return Selection(
        tuple(row.id for row in chosen),
        float(score),
        float(sum((exact(row.mass_kg) for row in chosen), Fraction(0))),
        gap == 0.0,
        gap,
        tuple(row.id for row in greedy),
        float(_score(greedy)),
        float(sum((exact(row.mass_kg) for row in greedy), Fraction(0))),
        tuple(left),
    )


def broken_limit(rows: Sequence[Candidate], limits: Limits) -> str:
    """The first limit that a set breaks.

    Parameters
    ----------
    rows : sequence of Candidate
        The set.
    limits : Limits
        What it shares.

    Returns
    -------
    str
        In words with its numbers; empty if it keeps all.

    Examples
    --------
    >>> broken_limit([Candidate("a", 1, 100.0), Candidate("b", 1, 100.001)], Limits(total_kg=200.0))
    '200.001 kg in all are over 200 kg (total_kg)'
    """
    for row in rows:
        if why := _too_much(row, limits):
            return f"{row.id}: {why}"
    for name, limit, unit in _AMOUNTS:
        most = getattr(limits, limit)
        total = sum((exact(getattr(row, name)) for row in rows), Fraction(0))
        if most is not None and total > exact(most):
            return f"{_figure(total)} {unit} in all are over {most:g} {unit} ({limit})"
    if limits.choose is not None and len(rows) > limits.choose:
        return f"{len(rows)} are more than {limits.choose}"
    counts = _by_country(rows)
    over = [name for name, items in counts.items() if limits.each_country is not None
            and len(items) > limits.each_country]  # fmt: skip
    return f"{len(counts[over[0]])} of {over[0]} are more than {limits.each_country}" if over else ""


def _figure(value: Fraction) -> str:
    """A number as short as its decimals allow."""
    return (
        format(Decimal(value.numerator) / Decimal(value.denominator), "f")
        if value.denominator != 1
        else str(value)
    )


def _by_country(rows: Sequence[Candidate]) -> dict[str, list[Candidate]]:
    counts: dict[str, list[Candidate]] = {}
    for row in rows:
        if row.country:
            counts.setdefault(row.country.casefold(), []).append(row)
    return counts


def _too_much(row: Candidate, limits: Limits) -> str:
    """What a proposal breaks even alone."""
    if limits.each_kg is not None and exact(row.mass_kg) > exact(limits.each_kg):
        return f"{row.mass_kg!r} kg is over {limits.each_kg:g} kg for one".replace(".0 kg", " kg")
    for name, limit, unit in _AMOUNTS:
        most = getattr(limits, limit)
        if most is not None and exact(getattr(row, name)) > exact(most):
            return f"{getattr(row, name):g} {unit} is over {most:g} {unit} in all ({limit})"
    return ""


def _told(loss: float | None) -> str:
    if loss is None:
        return "no set that keeps the limits has it"
    if loss == 0.0:
        return "as good a set has it, with more mass or later in the list"
    return f"the best set with it scores {loss:.4g} less"


def _sound(rows: Sequence[Candidate], limits: Limits) -> None:
    """Refuse numbers that cannot be used."""
    names = [row.id for row in rows]
    if len(set(names)) != len(names):
        raise InputError("one stands twice", where="candidates", advice="give each once")
    for row in rows:
        for value in (float(row.score), row.mass_kg, row.day_w, row.night_w, row.bit_day):
            if not 0.0 <= value < 1e15:
                raise InputError(f"{row.id}: {value}", where="candidates", advice="give finite numbers from 0")
    for name, value in asdict(limits).items():
        if value is not None and not 0 <= value < 1e15:
            raise InputError(f"{value}", where=name, advice="give a finite number from 0")


def _score(rows: Sequence[Candidate]) -> Fraction:
    return sum((_worth(row) for row in rows), Fraction(0))


def _worth(row: Candidate) -> Fraction:
    return row.score if isinstance(row.score, Fraction) else exact(float(row.score))


def _by_rank(rows: Sequence[Candidate], limits: Limits) -> list[Candidate]:
    """Take them by score as long as each still fits."""
    taken: list[Candidate] = []
    for row in sorted(rows, key=lambda row: (-_worth(row), rows.index(row))):
        if not broken_limit([*taken, row], limits):
            taken.append(row)
    return [row for row in rows if row in taken]


def _best(
    rows: list[Candidate], limits: Limits, must: Candidate | None, seconds: float
) -> tuple[list[Candidate] | None, float]:
    """The best set, or None if there is none, with the gap that is left."""
    if not rows:
        return ([] if must is None else None), 0.0
    worths, rounded = _whole([_worth(row) for row in rows])
    first, gap = _solve(rows, limits, must, worths, None, seconds)
    if first is None:
        return None, 0.0
    level = sum(worth for row, worth in zip(rows, worths, strict=True) if row in first)
    masses, _ = _whole([exact(row.mass_kg) for row in rows])
    lighter, _ = _solve(rows, limits, must, [-mass for mass in masses], (worths, level), seconds)
    return lighter or first, max(gap, rounded)


def _whole(values: Sequence[Fraction]) -> tuple[list[int], float]:
    """Values times the one number that makes all of them whole, and the part lost where that is too large."""
    factor = lcm(*(value.denominator for value in values))
    total = sum(map(abs, values))
    if total * factor <= _LARGEST:
        return [int(value * factor) for value in values], 0.0
    return [round(value * _LARGEST / total) for value in values], len(values) / _LARGEST


def _most_items(rows: Sequence[Candidate], name: str, bound: Fraction) -> int:
    """How many of those that need least keep a limit: no set has more, which a search of near equals must know."""
    sums = accumulate(sorted(exact(getattr(row, name)) for row in rows))
    return sum(total <= bound for total in sums)


def _solve(
    rows: list[Candidate],
    limits: Limits,
    must: Candidate | None,
    worths: Sequence[int],
    level: tuple[Sequence[int], int] | None,
    seconds: float,
) -> tuple[list[Candidate] | None, float]:
    """One program: the largest sum of worths; sets that break a limit by rounding are cut off and sought again."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    table, most = _constraints(rows, limits, level)
    least = np.array([1.0 if row is must else 0.0 for row in rows])
    objective = -np.array(worths, dtype=float)
    end = monotonic() + seconds
    while True:
        with quiet():
            found = milp(
                objective,
                integrality=np.ones(len(rows)),
                bounds=Bounds(least, np.ones(len(rows))),
                constraints=[LinearConstraint(np.array(table), -np.inf, np.array(most))] if table else [],
                options={"mip_rel_gap": 0.0, "time_limit": max(end - monotonic(), 0.01)},
            )
        if found.x is None:
            if found.status == 1:
                raise ModelError("no set was found in time", where="select", advice="allow more seconds")
            return None, 0.0
        on = found.x > 0.5
        picked = [row for row, taken in zip(rows, on, strict=True) if taken]
        if not broken_limit(picked, limits):
            return picked, 0.0 if found.status == 0 else float(found.mip_gap)
        table.append(on.astype(float))
        most.append(float(on.sum()) - 1.0)


def _constraints(
    rows: list[Candidate], limits: Limits, level: tuple[Sequence[int], int] | None
) -> tuple[list[npt.NDArray[np.float64]], list[float]]:
    """Rows of the program, each scaled to its limit."""
    import numpy as np

    table, most = [], []
    for name, limit, _ in _AMOUNTS:
        bound = getattr(limits, limit)
        if bound is not None:
            needs = np.array([getattr(row, name) for row in rows]) / max(bound, 1e-300)
            table += [needs, np.ones(len(rows))]
            most += [1.0 if bound > 0 else 0.0, float(_most_items(rows, name, exact(bound)))]
    if limits.choose is not None:
        table.append(np.ones(len(rows)))
        most.append(float(limits.choose))
    if limits.each_country is not None:
        for items in _by_country(rows).values():
            table.append(np.array([1.0 if row in items else 0.0 for row in rows]))
            most.append(float(limits.each_country))
    if level is not None:
        worths, least = level
        table.append(-np.array(worths, dtype=float))
        most.append(0.5 - least)
    return table, most

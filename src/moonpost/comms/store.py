"""The onboard store: how it fills and drains over a contact plan, what is delivered and what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky.times import iso

if TYPE_CHECKING:
    from moonpost.comms.contacts import Contacts

__all__ = ["RatePlan", "StoreEvent", "StoreRun", "run_store"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

_SECOND = np.timedelta64(1000, "ms")


@dataclass(frozen=True, eq=False)
class RatePlan:
    """A rate of data over time, in steps.

    Parameters
    ----------
    edges : ndarray of datetime64[ms], shape (n + 1,)
        Ends of the steps, UTC, increasing.
    rate_bit_s : ndarray, shape (n,) or (cases, n)
        Rate in each step [bit/s].

    Raises
    ------
    InputError
        If shapes do not fit, times do not increase, or a rate is negative or not finite.

    Examples
    --------
    >>> t = np.array(["2030-01-01T00:00", "2030-01-01T01:00", "2030-01-01T03:00"], dtype="datetime64[ms]")
    >>> RatePlan(t, np.array([100.0, 50.0])).volume_bit
    720000.0
    """

    edges: Times
    rate_bit_s: Floats

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges).astype("datetime64[ms]")
        rate = np.asarray(self.rate_bit_s, dtype=np.float64)
        if edges.ndim != 1 or len(edges) < 2 or rate.ndim not in (1, 2) or rate.shape[-1] != len(edges) - 1:
            raise InputError(
                f"{edges.shape} ends and rates of shape {rate.shape}",
                where="RatePlan",
                advice="give one end more than there are steps",
            )
        if not (np.diff(edges) > np.timedelta64(0, "ms")).all():
            raise InputError("ends do not increase", where="edges", advice="sort them and drop doubles")
        if not np.isfinite(rate).all() or (rate < 0.0).any():
            raise InputError("negative or not finite", where="rate_bit_s", advice="give rates from 0")
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "rate_bit_s", rate)

    @classmethod
    def of(cls, contacts: Contacts, rate_bit_s: npt.ArrayLike) -> RatePlan:
        """Steps that carry a rate in contacts and nothing between them.

        Parameters
        ----------
        contacts : Contacts
            When there is contact.
        rate_bit_s : array_like
            One rate, or one for each contact [bit/s].

        Returns
        -------
        RatePlan
            Over the span of the contacts.

        Raises
        ------
        InputError
            If there are not as many rates as contacts.
        """
        rate = np.asarray(rate_bit_s, dtype=np.float64)
        if rate.ndim > 1 or (rate.ndim == 1 and len(rate) != len(contacts)):
            raise InputError(
                f"{rate.shape} rates for {len(contacts)} contacts",
                where="rate_bit_s",
                advice="give one for all, or one for each",
            )
        edges = np.unique(np.concatenate([np.array(contacts.span), contacts.start, contacts.stop]))
        k = np.searchsorted(contacts.start, edges[:-1], side="right") - 1
        if not len(contacts):
            return cls(edges, np.zeros(len(edges) - 1))
        on = (k >= 0) & (edges[:-1] < contacts.stop[k])
        return cls(edges, np.where(on, np.broadcast_to(rate, len(contacts))[k], 0.0))

    @property
    def length_s(self) -> Floats:
        """Length of each step.

        Returns
        -------
        ndarray, shape (n,)
            [s]
        """
        return np.asarray(np.diff(self.edges) / _SECOND, dtype=np.float64)

    @property
    def volume_bit(self) -> float | Floats:
        """Data over the whole plan.

        Returns
        -------
        float or ndarray of shape (cases,)
            [bit]
        """
        total = self.rate_bit_s @ self.length_s
        return float(total) if self.rate_bit_s.ndim == 1 else np.asarray(total)

    def at(self, t: npt.ArrayLike) -> Floats:
        """Rate at instants.

        Parameters
        ----------
        t : array_like of datetime64
            UTC.

        Returns
        -------
        ndarray
            [bit/s]; at an end that of the step that begins, 0 outside the plan.
        """
        time = np.asarray(t, dtype="datetime64[ms]")
        k = np.searchsorted(self.edges, time, side="right") - 1
        inside = (k >= 0) & (k < self.rate_bit_s.shape[-1])
        return np.where(inside, self.rate_bit_s[..., np.clip(k, 0, self.rate_bit_s.shape[-1] - 1)], 0.0)

    def on(self, edges: Times) -> RatePlan:
        """The same plan on finer steps.

        Parameters
        ----------
        edges : ndarray of datetime64
            Ends that include those of the plan within their span.

        Returns
        -------
        RatePlan
        """
        return RatePlan(edges, self.at(edges[:-1]))


@dataclass(frozen=True)
class StoreEvent:
    """Something that happens to a store.

    Parameters
    ----------
    kind : str
        ``"overflow"``: data are lost from `start` to `stop`; ``"empty"``: the last bit is sent at `start`.
    start, stop : datetime64[ms]
        When, UTC.
    case : int
        Which case of a run of several.
    lost_bit : float
        Lost in an overflow [bit].
    """

    kind: str
    start: np.datetime64
    stop: np.datetime64
    case: int
    lost_bit: float = 0.0

    def to_row(self) -> dict[str, Any]:
        """Plain data, for JSON.

        Returns
        -------
        dict
            `kind`, `start_utc`, `stop_utc`, `case` and `lost_bit`.
        """
        return {
            "kind": self.kind,
            "start_utc": iso(self.start),
            "stop_utc": iso(self.stop),
            "case": self.case,
            "lost_bit": self.lost_bit,
        }


@dataclass(frozen=True, eq=False)
class StoreRun:
    """How a store fared, in one or several cases at once.

    Parameters
    ----------
    edges : ndarray of datetime64[ms], shape (n + 1,)
        Ends of the steps, UTC.
    made_bit_s, sent_bit_s : ndarray, shape (cases, n)
        Rates that come in, and that a contact could carry away [bit/s].
    fill_bit : ndarray, shape (cases, n + 1)
        Data held at the ends [bit].
    delivered_bit, lost_bit : ndarray, shape (cases, n)
        Data sent and lost in each step [bit].
    capacity_bit : ndarray, shape (cases,)
        Size of the store [bit].
    """

    edges: Times
    made_bit_s: Floats
    sent_bit_s: Floats
    fill_bit: Floats
    delivered_bit: Floats
    lost_bit: Floats
    capacity_bit: Floats

    @property
    def length_s(self) -> Floats:
        """Length of each step.

        Returns
        -------
        ndarray, shape (n,)
            [s]
        """
        return np.asarray(np.diff(self.edges) / _SECOND, dtype=np.float64)

    @property
    def residual_relative(self) -> float:
        """Largest error of the balance: made less sent, lost and kept, over what was handled.

        Returns
        -------
        float
            Of the worst case.
        """
        made = self.made_bit_s @ self.length_s
        out = self.delivered_bit.sum(axis=1) + self.lost_bit.sum(axis=1)
        kept = self.fill_bit[:, -1] - self.fill_bit[:, 0]
        scale = np.maximum(made + self.fill_bit[:, 0], 1.0)
        return float(np.max(np.abs(made - out - kept) / scale))

    def summary(self, case: int = 0) -> dict[str, Any]:
        """Key numbers of a case, for JSON.

        Parameters
        ----------
        case : int, default 0
            Which case.

        Returns
        -------
        dict
            Data made, delivered, lost and kept, fullest store [bit], overflows and relative error of the balance.
        """
        return {
            "made_bit": float(self.made_bit_s[case] @ self.length_s),
            "delivered_bit": float(self.delivered_bit[case].sum()),
            "lost_bit": float(self.lost_bit[case].sum()),
            "kept_bit": float(self.fill_bit[case, -1]),
            "fullest_bit": float(self.fill_bit[case].max()),
            "overflows": len(self._overflows(case)),
            "residual_relative": self.residual_relative,
        }

    def delivered_per_day_bit(self) -> tuple[npt.NDArray[np.datetime64], Floats]:
        """Data delivered on each day of UTC; a step over midnight is shared by its lengths.

        Returns
        -------
        day : ndarray of datetime64[D], shape (m,)
            Days that the run touches.
        volume_bit : ndarray, shape (cases, m)
            Delivered on each [bit].
        """
        days = np.arange(
            self.edges[0].astype("datetime64[D]"),
            (self.edges[-1] - np.timedelta64(1, "ms")).astype("datetime64[D]") + 1,
        )
        ends = np.append(days, days[-1] + 1).astype("datetime64[ms]").astype(np.int64).astype(float)
        at = self.edges.astype(np.int64).astype(float)
        sums = np.concatenate([np.zeros((len(self.delivered_bit), 1)), self.delivered_bit.cumsum(axis=1)], axis=1)
        return days, np.array([np.diff(np.interp(ends, at, row)) for row in sums])

    def events(self) -> list[StoreEvent]:
        """Overflows, and instants at which a store is emptied.

        Returns
        -------
        list of StoreEvent
            By time, to the millisecond.
        """
        cases = range(len(self.capacity_bit))
        found = [event for case in cases for event in (*self._overflows(case), *self._emptied(case))]
        return sorted(found, key=lambda event: (event.start, event.case))

    def sent_plan(self) -> RatePlan:
        """What was really sent, as steps that are cut where a store is emptied; volumes are kept exactly.

        Returns
        -------
        RatePlan
            What comes in at the other end, without the time that light takes.
        """
        step, cut_s = self._drained()
        cuts = self.edges[:-1] + np.floor(1000.0 * cut_s).astype("timedelta64[ms]")
        real = step & (cuts > self.edges[:-1]) & (cuts < self.edges[1:])
        edges = np.unique(np.concatenate([self.edges, cuts[real]]))
        k = np.searchsorted(self.edges, edges[:-1], side="right") - 1
        after = np.asarray((edges[:-1] - self.edges[k]) / _SECOND, dtype=np.float64)
        length = np.asarray(np.diff(edges) / _SECOND, dtype=np.float64)
        whole = np.asarray((cuts - self.edges[:-1]) / _SECOND, dtype=np.float64)[:, k]
        own, total = real[:, k], self.length_s[k]
        full = self.sent_bit_s[:, k]
        rest = np.where(own, (self.delivered_bit[:, k] - full * whole) / np.where(own, total - whole, 1.0), 0.0)
        cut = np.where(after + 0.5 * length < whole, full, np.maximum(rest, 0.0))
        return RatePlan(edges, np.where(own, cut, self.delivered_bit[:, k] / total))

    def _drained(self) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Steps in which a store is emptied, and how long after their beginning [s]."""
        net, start = self.made_bit_s - self.sent_bit_s, self.fill_bit[:, :-1]
        step = (net < 0.0) & (start > 0.0) & (self.fill_bit[:, 1:] <= 0.0)
        return step, np.where(step, np.minimum(start / np.where(step, -net, 1.0), self.length_s), 0.0)

    def _emptied(self, case: int) -> list[StoreEvent]:
        """When the last bit left."""
        step, cut_s = self._drained()
        times = [self._when(int(k), cut_s[case, k]) for k in np.flatnonzero(step[case])]
        return [StoreEvent("empty", time, time, case) for time in times]

    def _overflows(self, case: int) -> list[StoreEvent]:
        """Runs of steps in which data were lost."""
        lost = self.lost_bit[case]
        on = np.concatenate([[False], lost > 0.0, [False]])
        first, last = np.flatnonzero(on[1:-1] & ~on[:-2]), np.flatnonzero(on[1:-1] & ~on[2:])
        found = []
        for k, end in zip(first, last, strict=True):
            net = self.made_bit_s[case, k] - self.sent_bit_s[case, k]
            begin = self._when(int(k), (self.capacity_bit[case] - self.fill_bit[case, k]) / net)
            volume = float(lost[k : end + 1].sum())
            found.append(StoreEvent("overflow", begin, self.edges[end + 1], case, volume))
        return found

    def _when(self, k: int, seconds: float) -> np.datetime64:
        """An instant in a step."""
        instant: np.datetime64 = self.edges[k] + np.timedelta64(round(1000.0 * seconds), "ms")
        return instant


def run_store(
    made: RatePlan,
    sent: RatePlan,
    capacity_bit: npt.ArrayLike,
    *,
    initial_bit: npt.ArrayLike = 0.0,
) -> StoreRun:
    """Fill and drain a store over a contact plan; several cases at once.

    Parameters
    ----------
    made : RatePlan
        What comes in.
    sent : RatePlan
        What contacts could carry away; 0 without contact. Over the same span.
    capacity_bit : array_like
        Size of the store, one or one for each case; infinity is allowed [bit].
    initial_bit : array_like, default 0.0
        What it holds at first [bit].

    Returns
    -------
    StoreRun
        With one row for each case.

    Raises
    ------
    InputError
        If the spans differ, cases do not fit, or a store holds more than its size.

    Notes
    -----
    Exact for rates in steps: the fill moves along straight lines between 0 and the size, what comes beyond is
    lost. Each step maps a fill x to min(max(x + a, low), high); such maps make maps of the same kind when they
    follow each other, so that all fills are found by a doubling scan without a loop over time.

    References
    ----------
    Harrison (1985), Brownian motion and stochastic flow systems, section 2.4: the store with two barriers.

    Examples
    --------
    >>> t = np.array(["2030-01-01T00:00", "2030-01-01T01:00", "2030-01-01T02:00"], dtype="datetime64[ms]")
    >>> run = run_store(RatePlan(t, np.array([100.0, 0.0])), RatePlan(t, np.array([0.0, 50.0])), 300e3)
    >>> run.lost_bit.tolist(), run.delivered_bit.tolist(), float(run.fill_bit[0, -1])
    ([[60000.0, 0.0]], [[0.0, 180000.0]], 120000.0)
    """
    if (made.edges[0], made.edges[-1]) != (sent.edges[0], sent.edges[-1]):
        raise InputError("the spans differ", where="run_store", advice="give both plans over the same time")
    edges = np.unique(np.concatenate([made.edges, sent.edges]))
    inward, outward, size, first = _cases(made.on(edges), sent.on(edges), capacity_bit, initial_bit)
    length = np.asarray(np.diff(edges) / _SECOND, dtype=np.float64)
    gain = (inward - outward) * length
    fill = np.concatenate([first[:, None], _fills(gain, size, first)], axis=1)
    start, end = fill[:, :-1], fill[:, 1:]
    over = start + gain - size[:, None]
    lost = np.where(over > 1e-12 * (start + inward * length), over, 0.0)
    sunk = np.clip(start + inward * length - end, 0.0, outward * length)
    delivered = np.where(gain >= 0.0, outward * length, sunk)
    return StoreRun(edges, inward, outward, fill, delivered, lost, size)


def _cases(
    made: RatePlan, sent: RatePlan, capacity_bit: npt.ArrayLike, initial_bit: npt.ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Rates, sizes and first fills with one row for each case."""
    size = np.atleast_1d(np.asarray(capacity_bit, dtype=np.float64))
    first = np.atleast_1d(np.asarray(initial_bit, dtype=np.float64))
    inward, outward = np.atleast_2d(made.rate_bit_s), np.atleast_2d(sent.rate_bit_s)
    try:
        (cases,) = np.broadcast_shapes(size.shape, first.shape, inward.shape[:1], outward.shape[:1])
    except ValueError as error:
        raise InputError(
            "cases do not fit", where="run_store", advice="give one row, or as many everywhere"
        ) from error
    if np.isnan(size).any() or (size <= 0.0).any():
        raise InputError("not above zero", where="capacity_bit", advice="give the size in bits")
    size, first = np.broadcast_to(size, cases), np.broadcast_to(first, cases)
    if not ((first >= 0.0) & (first <= size) & np.isfinite(first)).all():
        raise InputError("not within the store", where="initial_bit", advice="give 0 to the size")
    steps = inward.shape[1]
    return np.broadcast_to(inward, (cases, steps)), np.broadcast_to(outward, (cases, steps)), size, first


def _fills(gain: Floats, size: Floats, first: Floats) -> Floats:
    """Fill at the end of each step, by doubling over the maps of the steps."""
    shift = gain.copy()
    low, high = np.zeros_like(shift), np.broadcast_to(size[:, None], shift.shape).copy()
    reach, steps = 1, shift.shape[1]
    while reach < steps:
        late, late_low, late_high = shift[:, reach:], low[:, reach:], high[:, reach:]
        new_low = np.clip(low[:, :-reach] + late, late_low, late_high)
        new_high = np.clip(high[:, :-reach] + late, late_low, late_high)
        shift[:, reach:] = shift[:, :-reach] + late
        low[:, reach:], high[:, reach:] = new_low, new_high
        reach *= 2
    return np.asarray(np.clip(first[:, None] + shift, low, high))

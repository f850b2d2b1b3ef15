"""Faults drawn by chance: rates per year, wear that makes them more frequent with age, one stream per machine."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.operations.faults import MachineFault, affected, possible
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.model import Plan

__all__ = ["ASSUMED_PER_YEAR", "FaultRate", "arrived", "assumed_rates", "drawn_faults", "expected_faults"]

_YEAR_MS = 365.25 * 86_400_000.0
_MOST = 100_000.0

ASSUMED_PER_YEAR: dict[str, float] = {
    "dust": 0.5,
    "dead-heater": 0.02,
    "stuck-heater": 0.01,
    "no-wake": 0.05,
    "lost-relay": 0.1,
    "stuck-array": 0.02,
    "failed-string": 0.02,
    "late-command": 1.0,
    "failed-source": 0.02,
    "failed-recorder": 0.02,
    "blocked-radiator": 0.1,
}
"""Faults a year of one machine where nothing better is given. Assumed: no published rate is behind them."""

_ASSUMED_SIZE: dict[str, tuple[float, float]] = {
    "dust": (0.02, 0.2),
    "late-command": (6.0, 72.0),
    "failed-source": (1.0, 1.0),
    "blocked-radiator": (0.05, 0.3),
}


@dataclass(frozen=True)
class FaultRate:
    """How often a machine has a kind of fault.

    Parameters
    ----------
    kind, subject
        As in `MachineFault`.
    per_year : float
        Rate of a new machine [1/year]; with wear, one over the age at which one fault has been met on average.
    wear : float
        Exponent of age in the mean number of faults (Weibull): 1, the rate is constant; 2, it grows with age [1].
    size : tuple of float, optional
        Least and largest size, even between; the kind's usual size if not given.
    once : bool
        Only the first fault is kept: the part fails for good.
    fault : mapping
        What else each fault has: ``recovery``, ``strength``, ``latency_h``, ``days``.
    where : str
        Where it was stated, for messages.

    Raises
    ------
    InputError
        If a number is not finite or out of range.
    UnknownNameError
        If the kind is unknown.

    Examples
    --------
    >>> FaultRate("dust", "yutu-2", 0.5, size=(0.05, 0.2)).wear
    1.0
    """

    kind: str
    subject: str
    per_year: float
    wear: float = 1.0
    size: tuple[float, float] | None = None
    once: bool = False
    fault: Mapping[str, object] = field(default_factory=dict)
    where: str = ""

    def __post_init__(self) -> None:
        for name, low, high in (("per_year", 0.0, 1000.0), ("wear", 0.1, 10.0)):
            value = getattr(self, name)
            sound = isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
            if not (sound and low <= value <= high):
                raise InputError(
                    f"is {value!r}", where=self._at(name), advice=f"give a number from {low:g} to {high:g}"
                )
        if not isinstance(self.once, bool):
            raise InputError(f"is {self.once!r}", where=self._at("once"), advice="write true or false")
        for size in self.size or (None,):
            self.made(np.datetime64("2000-01-01", "ms"), size)
        if self.size is not None and self.size[0] > self.size[1]:
            raise InputError(
                f"is {list(self.size)}", where=self._at("size"), advice="give the smaller number first"
            )

    def _at(self, name: str) -> str:
        return f"{self.where or 'FaultRate'}.{name}"

    def made(self, time: np.datetime64, size: float | None) -> MachineFault:
        """One fault of this kind at an instant."""
        where = self.where or "FaultRate"
        return MachineFault(self.kind, self.subject, time, size, where=where, **self.fault)  # type: ignore[arg-type]


def arrived(plan: Plan, subject: str) -> np.datetime64:
    """When a machine is there by the plan: the latest landing, or launch, that its mission allows.

    Parameters
    ----------
    plan : Plan
        The plan.
    subject : str
        The element.

    Returns
    -------
    datetime64[ms]
        UTC.

    Raises
    ------
    UnknownNameError
        If the plan has no such element or mission.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> str(arrived(load_plan("ilrs"), "yutu-2"))[:10]
    '2019-01-03'
    """
    mission = plan.mission(plan.element(subject).mission)
    return np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")


def assumed_rates(plan: Plan, elements: Iterable[Element]) -> tuple[FaultRate, ...]:
    """Rates for every fault that machines can have, from `ASSUMED_PER_YEAR`.

    Parameters
    ----------
    plan : Plan
        The plan.
    elements : iterable of Element
        Its machines.

    Returns
    -------
    tuple of FaultRate
        One for each machine and kind.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> [rate.kind for rate in assumed_rates(plan, [plan.element("yutu-2")])][:2]
    ['dust', 'no-wake']
    """
    served = {element.id for element in plan.elements if element.kind != "relay"}
    return tuple(
        FaultRate(kind, element.id, ASSUMED_PER_YEAR[kind], size=_ASSUMED_SIZE.get(kind))
        for element in elements
        for kind in possible(element)
        if kind != "lost-relay" or element.id in served
    )


def expected_faults(plan: Plan, rate: FaultRate, start: np.datetime64, stop: np.datetime64) -> float:
    """Mean number of faults in a period, were every one repaired.

    Parameters
    ----------
    plan : Plan
        The plan; it says from when the machine ages.
    rate : FaultRate
        The rate.
    start, stop : datetime64
        The period, UTC.

    Returns
    -------
    float
        [1]

    Notes
    -----
    (per_year * age)^wear between the ages at both ends: a power-law process (Crow 1974), which for a wear of 1 is
    a Poisson process.

    References
    ----------
    Crow, L. H. (1974), Reliability analysis for complex, repairable systems, in Reliability and Biometry, SIAM.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> span = np.datetime64("2040-01-01", "ms"), np.datetime64("2050-01-01", "ms")
    >>> round(expected_faults(load_plan("ilrs"), FaultRate("dust", "yutu-2", 0.5), *span), 2)
    5.0
    """
    low, high = _ages(plan, rate.subject, start, stop)
    return float((rate.per_year * high) ** rate.wear - (rate.per_year * low) ** rate.wear)


def drawn_faults(
    plan: Plan, rates: Iterable[FaultRate], start: np.datetime64, stop: np.datetime64, seed: int
) -> tuple[MachineFault, ...]:
    """Faults of a period drawn by chance.

    Parameters
    ----------
    plan : Plan
        The plan.
    rates : iterable of FaultRate
        How often what happens.
    start, stop : datetime64
        The period, UTC; nothing happens before a machine is there.
    seed : int
        The same seed gives the same faults. Each rate has its own stream, so that a further rate changes no other.

    Returns
    -------
    tuple of MachineFault
        In order of time.

    Raises
    ------
    InputError
        If the seed is negative, or a rate asks for more than 100,000 faults.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> span = np.datetime64("2040-01-01", "ms"), np.datetime64("2050-01-01", "ms")
    >>> rate = FaultRate("dust", "yutu-2", 0.5, size=(0.05, 0.2))
    >>> [str(f.time)[:4] for f in drawn_faults(load_plan("ilrs"), [rate], *span, seed=3)]
    ['2040', '2040', '2043', '2043', '2045', '2045', '2049', '2049']
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"is {seed!r}", where="seed", advice="give a whole number from 0")
    found: list[MachineFault] = []
    seen: dict[str, int] = {}
    for rate in rates:
        label = f"{rate.kind} {rate.subject}"
        seen[label] = seen.get(label, -1) + 1
        stream = np.random.default_rng([int(seed), zlib.crc32(label.encode()), seen[label]])
        found.extend(_drawn(plan, rate, start, stop, stream))
    return tuple(sorted(found, key=lambda fault: (fault.time, fault.subject, fault.kind)))


def _drawn(
    plan: Plan, rate: FaultRate, start: np.datetime64, stop: np.datetime64, stream: np.random.Generator
) -> list[MachineFault]:
    """Faults of one rate."""
    affected(plan, rate.made(start.astype("datetime64[ms]"), rate.size[1] if rate.size else None))
    mean = expected_faults(plan, rate, start, stop)
    if mean > _MOST:
        raise InputError(
            f"asks for {mean:.3g} faults", where=rate.where or "FaultRate.per_year", advice="give a lower rate"
        )
    low, _ = _ages(plan, rate.subject, start, stop)
    many = int(stream.poisson(mean))
    passed = (rate.per_year * low) ** rate.wear + mean * np.sort(stream.random(many))
    sizes: npt.NDArray[np.float64] | None = stream.uniform(*rate.size, many) if rate.size else None
    if sizes is not None and rate.kind == "failed-string":
        sizes = np.round(sizes)
    if many == 0:
        return []
    born = arrived(plan, rate.subject)
    times = born + np.round(passed ** (1.0 / rate.wear) / rate.per_year * _YEAR_MS).astype("timedelta64[ms]")
    kept = 1 if rate.once else many
    return [
        rate.made(time, None if sizes is None else float(sizes[k]))
        for k, time in enumerate(times[:kept])
        if start <= time < stop
    ]


def _ages(plan: Plan, subject: str, start: np.datetime64, stop: np.datetime64) -> tuple[float, float]:
    """Ages of a machine at both ends of a period [years]."""
    born = arrived(plan, subject)
    low, high = ((end - born) / np.timedelta64(1, "ms") / _YEAR_MS for end in (start, stop))
    return max(float(low), 0.0), max(float(high), 0.0)

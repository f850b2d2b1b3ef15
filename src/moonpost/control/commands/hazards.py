"""Dormancy and night: what a command would lose, seen by simulating ahead with it and without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from moonpost.control.commands.horizon import FarSight, differs_from, horizon_of

if TYPE_CHECKING:
    from moonpost.operations.simulation import Simulation
    from moonpost.plan import Plan

__all__ = ["StationView", "StationWatch", "losses"]

_ESSENTIAL = 3
_ENERGY_W = 1e-6
_LATE = np.timedelta64(1, "h")
_HOUR_S = 3600.0
_SOON = np.timedelta64(60, "s")
"""How long a look holds: so much later a command may leave on the strength of it."""
_SPEAKS = "communications"
_FARTHEST = np.timedelta64(400, "D")


class StationView(Protocol):
    """What is asked of the station in the loop."""

    @property
    def plan(self) -> Plan:
        """Its plan."""
        ...

    @property
    def contacts(self) -> tuple[Any, ...]:
        """Windows of contact."""
        ...

    def arrival(self, at: np.datetime64) -> np.datetime64 | None:
        """When what leaves the ground at an instant arrives; None if it never does."""
        ...

    def simulation(self) -> Simulation:
        """The whole span under what is on board."""
        ...

    def predict(self, octets: bytes, at: np.datetime64) -> Simulation:
        """The whole span with a command besides."""
        ...


class StationWatch:
    """Looks ahead for the rules: what a command would lose, and whether it would arrive.

    Parameters
    ----------
    station : StationView
        The station in the loop.

    Notes
    -----
    Give its methods to `moonpost.control.commands.Rules` as ``forbids``, ``contact`` and ``arrival``. A look
    begins when the command arrives, which is hours later where a relay keeps it, and goes at least through a
    synodic month and the next whole night after the last thing that the command does or takes away: where the
    span of the station ends before, a longer one is simulated beside it at a coarser step.

    Examples
    --------
    >>> StationWatch.__name__
    'StationWatch'
    """

    def __init__(self, station: StationView) -> None:
        self._station = station
        self._far = FarSight(station)

    def forbids(self, octets: bytes, time_us: int) -> tuple[str, ...]:
        """What a command would lose if it were sent now, or within a minute.

        Parameters
        ----------
        octets : bytes
            The packet.
        time_us : int
            Mission time, microseconds since 1970.

        Returns
        -------
        tuple of str
            Reasons, each with machine and date; empty if nothing. Where nothing arrives that is sent now it is
            looked at as arriving when the next contact begins.
        """
        now = np.datetime64(time_us, "us")
        arrives, later = self._station.arrival(now), self._station.arrival(now + _SOON)
        if arrives is None:
            begins = self._next(now)
            if begins is None:
                return (self.contact(time_us),)
            arrives = begins
        found = self._looked(octets, now, arrives)
        if found or later is None or later - arrives <= 2 * _SOON:
            return found
        return self._looked(octets, now, later)  # a gap begins within the minute

    def _looked(self, octets: bytes, now: np.datetime64, arrives: np.datetime64) -> tuple[str, ...]:
        """What a command would lose that arrives at an instant."""
        before = self._station.simulation()
        after = self._station.predict(octets, arrives)
        if after is before:
            return ()
        plans = self._far.plans(octets, arrives)
        since = max(differs_from(*plans) or arrives, arrives)
        if since - now > _FARTHEST:
            return (f"its effect on {_date(since)} lies too far ahead to be looked at: ask for it later",)
        if _reaches(before, since):
            return losses(before, after, self._station.plan, arrives)
        sure = (*_lost(before, after), *_emptied(before, after), *_shed(before, after, self._station.plan))
        if sure:
            return sure
        seen = self._far.look(*plans, since)
        return (seen,) if isinstance(seen, str) else losses(seen.before, seen.after, self._station.plan, arrives)

    def arrival_us(self, time_us: int) -> int | None:
        """When what is sent now arrives, hours later if a relay keeps it until it sees the station.

        Parameters
        ----------
        time_us : int
            Mission time, microseconds since 1970.

        Returns
        -------
        int or None
            Mission time, microseconds since 1970; None if it never arrives.
        """
        at = self._station.arrival(np.datetime64(time_us, "us"))
        return None if at is None else int(at.astype("datetime64[us]").astype(np.int64))

    def contact(self, time_us: int) -> str:
        """Why a packet that is sent now would be lost; a relay keeps it until it sees the station.

        Parameters
        ----------
        time_us : int
            Mission time, microseconds since 1970.

        Returns
        -------
        str
            Empty if it arrives.
        """
        now = np.datetime64(time_us, "us")
        if self._station.arrival(now) is not None:
            return ""
        begins = self._next(now)
        when = "no contact is left in the span" if begins is None else f"the next contact begins {_date(begins)}"
        return f"it would never arrive, the station is out of contact and no relay keeps it: {when}"

    def _next(self, now: np.datetime64) -> np.datetime64 | None:
        """When the next contact begins."""
        return next((one.start for one in self._station.contacts if one.start > now), None)


def losses(before: Simulation, after: Simulation, plan: Plan, since: np.datetime64) -> tuple[str, ...]:
    """What a station loses with a command that it does not lose without.

    Parameters
    ----------
    before, after : Simulation
        The same span without and with it.
    plan : Plan
        Priorities, and which machines talk to the ground.
    since : datetime64
        When it is carried out, UTC.

    Returns
    -------
    tuple of str
        Sentences, each with machine, date and reason: machines lost, stores empty, essential loads shed (priority
        1 to 3), machines that work no more to the end of the span, and a station that falls silent for good.

    Notes
    -----
    Only what is new, or comes an hour earlier or lasts an hour longer, counts. What lies beyond the end of the two
    simulations is not seen.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> losses.__name__
    'losses'
    """
    found = [
        *_lost(before, after),
        *_emptied(before, after),
        *_shed(before, after, plan),
        *_asleep(before, after, since),
        *_silent(before, after, plan),
    ]
    return tuple(found)


def _reaches(simulation: Simulation, since: np.datetime64) -> bool:
    """Whether a simulation goes on through a month and the next whole night of each bus."""
    lit = simulation.series["in_light"].transpose("bus", "time").values > 0.0
    return horizon_of(_time(simulation), np.asarray(lit), since) is not None


def _date(t: np.datetime64) -> str:
    return str(t.astype("datetime64[m]")).replace("T", " ") + " UTC"


def _lost(before: Simulation, after: Simulation) -> Iterator[str]:
    """Machines that are lost, or lost earlier."""
    known = {event.subject: event.time for event in before.events if event.kind == "machine-lost"}
    for event in after.events:
        if event.kind == "machine-lost" and not known.get(event.subject, _FAR) <= event.time + _LATE:
            yield f"{event.subject} would be lost on {_date(event.time)}: {event.text}"


_FAR = np.datetime64("9999-01-01", "ms")


def _emptied(before: Simulation, after: Simulation) -> Iterator[str]:
    """Stores that run empty where they did not."""
    for bus in after.series["bus"].values.tolist():
        has_store = after.series["usable_wh"].sel(bus=bus).values > 0.0
        empty = [(one.series["stored_fraction"].sel(bus=bus).values <= 0.0) & has_store for one in (before, after)]
        fresh = empty[1] & ~empty[0]
        if _longer(after, empty[0], empty[1]) and fresh.any():
            yield f"the store of {bus} would be empty on {_date(_time(after)[np.argmax(fresh)])}"


def _shed(before: Simulation, after: Simulation, plan: Plan) -> Iterator[str]:
    """Essential machines that lack power where they did not."""
    names = after.series["element"].values.tolist()
    for element in plan.elements:
        if element.id not in names or element.priority > _ESSENTIAL:
            continue
        lacks = [_lacks(one, element.id) for one in (before, after)]
        fresh = lacks[1] & ~lacks[0]
        if _longer(after, *lacks) and fresh.any():
            yield f"{element.id}, which is essential, would lack power on {_date(_time(after)[np.argmax(fresh)])}"


def _lacks(simulation: Simulation, element: str) -> npt.NDArray[np.bool_]:
    asked = simulation.series["element_load_w"].sel(element=element).values
    got = simulation.series["element_served_w"].sel(element=element).values
    return np.asarray(asked - got > _ENERGY_W + 1e-9 * asked)


def _asleep(before: Simulation, after: Simulation, since: np.datetime64) -> Iterator[str]:
    """Machines that would have worked again, and do not to the end of the span."""
    t = _time(after)
    lost = {event.subject for event in after.events if event.kind == "machine-lost"}
    for name in after.series["element"].values.tolist():
        works = [one.series["element_working"].sel(element=name).values > 0.0 for one in (before, after)]
        late = t >= since
        last = [np.flatnonzero(one & late) for one in works]
        if name in lost or last[0].size == 0:
            continue
        stopped = t[last[1][-1]] if last[1].size else since
        if t[last[0][-1]] - stopped > _LATE:
            yield (
                f"{name} would not work again from {_date(stopped)} to the end of what is simulated, "
                f"{_date(t[-1])}: have a time-tagged waking on board first"
            )


def _silent(before: Simulation, after: Simulation, plan: Plan) -> Iterator[str]:
    """A station that nobody hears any more at the end of the span."""
    heard = [_heard(one, plan) for one in (before, after)]
    if heard[0][-1] and not heard[1][-1]:
        last = np.flatnonzero(heard[1])
        when = _time(after)[last[-1] if last.size else 0]
        yield (
            f"the station would be silent from {_date(when)} on, with no way back: "
            "have a time-tagged transmitter-on on board first"
        )


def _heard(simulation: Simulation, plan: Plan) -> npt.NDArray[np.bool_]:
    """When a machine that talks to the ground works, has power and sends; always if the plan has none."""
    t, names = _time(simulation), simulation.series["element"].values.tolist()
    speakers = [element.id for element in plan.elements if element.kind == _SPEAKS and element.id in names]
    if not speakers:
        return np.ones(t.size, bool)
    heard = np.zeros(t.size, bool)
    for name in speakers:
        works = simulation.series["element_working"].sel(element=name).values > 0.0
        for quantity in ("contact", "load-factor"):
            works = works & _switched_on(simulation, name, quantity, t)
        heard |= works
    return heard


def _switched_on(simulation: Simulation, name: str, quantity: str, t: npt.NDArray[np.datetime64]) -> Any:
    """When a quantity that commands and faults set is above 0."""
    on = np.ones(t.size, bool)
    for event in simulation.events:
        if event.subject == name and event.data.get("quantity") == quantity:
            on[t >= event.time] = float(event.data.get("value", 1.0)) > 0.0
    return on


def _longer(simulation: Simulation, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> bool:
    """Whether something lasts an hour longer, or appears at all."""
    step_s = float(simulation.series.attrs["step_s"])
    more_s = (int(after.sum()) - int(before.sum())) * step_s
    return more_s >= _HOUR_S or (more_s > 0.0 and not before.any())


def _time(simulation: Simulation) -> npt.NDArray[np.datetime64]:
    return np.asarray(simulation.series["time"].values)

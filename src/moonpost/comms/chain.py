"""Relays: chains from a site over satellites to the Earth, bent pipes and stores that forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.comms.contacts import Contacts
from moonpost.comms.store import RatePlan, StoreRun, run_store
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.flight import coverage

__all__ = ["Leg", "RelayRun", "bent_pipe", "bent_pipe_db_hz", "from_flight", "run_relays"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Leg:
    """A way from the site to the Earth.

    Parameters
    ----------
    up : RatePlan
        From the site: to the relay, or to the Earth where there is no relay.
    down : RatePlan, optional
        From the relay to the Earth.
    capacity_bit : float, optional
        Store of the relay [bit]; a relay without one is a bent pipe.
    """

    up: RatePlan
    down: RatePlan | None = None
    capacity_bit: float | None = None

    @property
    def way(self) -> RatePlan:
        """Rate at which the site can send into this leg.

        Returns
        -------
        RatePlan
            Of a bent pipe the lower rate of its two halves.
        """
        if self.down is None or self.capacity_bit is not None:
            return self.up
        return bent_pipe(self.up, self.down)


@dataclass(frozen=True, eq=False)
class RelayRun:
    """How data came from a site to the Earth.

    Parameters
    ----------
    site : StoreRun
        The store at the site.
    relays : dict of str to StoreRun
        The stores of relays that have one.
    delivered_bit : dict of str to float
        What reached the Earth by each leg [bit].
    """

    site: StoreRun
    relays: dict[str, StoreRun]
    delivered_bit: dict[str, float]

    @property
    def residual_relative(self) -> float:
        """Error of the whole balance: made less delivered, lost and kept anywhere, over what was handled.

        Returns
        -------
        float
            1
        """
        runs = (self.site, *self.relays.values())
        made = float((self.site.made_bit_s @ self.site.length_s)[0])
        lost = sum(float(run.lost_bit.sum()) for run in runs)
        kept = sum(float(run.fill_bit[0, -1] - run.fill_bit[0, 0]) for run in runs)
        scale = max(made + float(self.site.fill_bit[0, 0]), 1.0)
        return abs(made - sum(self.delivered_bit.values()) - lost - kept) / scale

    def summary(self) -> dict[str, Any]:
        """Key numbers, for JSON.

        Returns
        -------
        dict
            Delivered by each leg, the site's and the relays' stores, error of the balance.
        """
        return {
            "delivered_bit": self.delivered_bit,
            "site": self.site.summary(),
            "relays": {name: run.summary() for name, run in self.relays.items()},
            "residual_relative": self.residual_relative,
        }


def bent_pipe(up: RatePlan, down: RatePlan) -> RatePlan:
    """Rate through a relay that passes on at once.

    Parameters
    ----------
    up, down : RatePlan
        Its two halves, over the same span.

    Returns
    -------
    RatePlan
        The lower of the two rates, 0 where either has no contact. For a relay that decodes and sends anew; where
        it only amplifies, find the rate from `bent_pipe_db_hz`.

    Raises
    ------
    InputError
        If the spans differ.

    Examples
    --------
    >>> t = np.array(["2030-01-01", "2030-01-02", "2030-01-03"], dtype="datetime64[ms]")
    >>> bent_pipe(RatePlan(t, np.array([5.0, 5.0])), RatePlan(t, np.array([0.0, 2.0]))).rate_bit_s.tolist()
    [0.0, 2.0]
    """
    if (up.edges[0], up.edges[-1]) != (down.edges[0], down.edges[-1]):
        raise InputError("the spans differ", where="bent_pipe", advice="give both halves over the same time")
    edges = np.unique(np.concatenate([up.edges, down.edges]))
    return RatePlan(edges, np.minimum(up.at(edges[:-1]), down.at(edges[:-1])))


def bent_pipe_db_hz(up_db_hz: npt.ArrayLike, down_db_hz: npt.ArrayLike) -> Floats:
    """Power over noise density through a relay that only amplifies, so that noise of both halves adds.

    Parameters
    ----------
    up_db_hz, down_db_hz : array_like
        Of its two halves [dB Hz].

    Returns
    -------
    ndarray
        [dB Hz]; 3 dB below two halves that are alike.

    Raises
    ------
    InputError
        If a number is NaN.

    References
    ----------
    Maral and Bousquet (2009), Satellite Communications Systems, 5th edition, section 5.9.

    Examples
    --------
    >>> round(float(bent_pipe_db_hz(70.0, 70.0)), 2)
    66.99
    """
    up, down = np.asarray(up_db_hz, dtype=np.float64), np.asarray(down_db_hz, dtype=np.float64)
    if np.isnan(up).any() or np.isnan(down).any():
        raise InputError("NaN", where="bent_pipe_db_hz", advice="give decibels, or minus infinity for no contact")
    return np.asarray(-10.0 * np.log10(10.0 ** (-up / 10.0) + 10.0 ** (-down / 10.0)))


def from_flight(found: coverage.Contacts, span: tuple[np.datetime64, np.datetime64] | None = None) -> Contacts:
    """Contacts of a flight as contacts in UTC.

    Parameters
    ----------
    found : moonpost.flight.coverage.Contacts
        In TDB, such as of a relay with a site.
    span : tuple of datetime64, optional
        Period to cut them to; the whole flight if not given.

    Returns
    -------
    Contacts

    Raises
    ------
    InputError
        If the period is not within the flight.
    """
    from moonpost.sky.timescale import default_timescale

    flown = default_timescale().utc(np.array(found.span_tdb_s)).astype("datetime64[ms]")
    first, last = (flown[0], flown[1]) if span is None else np.array(span).astype("datetime64[ms]")
    second = np.timedelta64(1000, "ms")
    if not (flown[0] - second <= first < last <= flown[1] + second):
        raise InputError("the period is not within the flight", where="span", advice="fly for longer")
    start = np.clip(found.start_utc.astype("datetime64[ms]"), first, last)
    stop = np.clip(found.stop_utc.astype("datetime64[ms]"), first, last)
    return Contacts(start[stop > start], stop[stop > start], (first, last))


def run_relays(
    made: RatePlan,
    legs: Mapping[str, Leg],
    capacity_bit: float,
    *,
    initial_bit: float = 0.0,
) -> RelayRun:
    """Send a site's data over relays to the Earth.

    Parameters
    ----------
    made : RatePlan
        What the site makes, one case.
    legs : mapping of str to Leg
        Ways to the Earth, by name. The site has one antenna: no two can carry data at once.
    capacity_bit : float
        Store at the site [bit].
    initial_bit : float, default 0.0
        What it holds at first [bit].

    Returns
    -------
    RelayRun
        Stores, deliveries, and the balance.

    Raises
    ------
    InputError
        If there are no legs, two are open at once, or spans differ.

    Notes
    -----
    A relay with a store takes all that comes and loses what does not fit: the site does not hold back for it.
    The time that light takes, 1.3 s, is left out.

    Examples
    --------
    >>> t = np.array(["2030-01-01T00:00", "2030-01-01T01:00", "2030-01-01T02:00"], dtype="datetime64[ms]")
    >>> leg = Leg(RatePlan(t, np.array([9.0, 0.0])), RatePlan(t, np.array([0.0, 2.0])), 1e6)
    >>> run_relays(RatePlan(t, np.array([3.0, 0.0])), {"relay": leg}, 1e6).delivered_bit
    {'relay': 7200.0}
    """
    if not legs:
        raise InputError("no legs", where="legs", advice="give a way to the Earth")
    ways = {name: leg.way for name, leg in legs.items()}
    span = (made.edges[0], made.edges[-1])
    if made.rate_bit_s.ndim != 1 or any((way.edges[0], way.edges[-1]) != span for way in ways.values()):
        raise InputError("the spans differ, or several cases", where="run_relays", advice="give one span and case")
    edges = np.unique(np.concatenate([way.edges for way in ways.values()]))
    rates = np.array([way.at(edges[:-1]) for way in ways.values()])
    if (np.count_nonzero(rates > 0.0, axis=0) > 1).any():
        raise InputError("two legs are open at once", where="legs", advice="share the antenna by plan_handover")
    site = run_store(made, RatePlan(edges, rates.sum(axis=0)), capacity_bit, initial_bit=initial_bit)
    sent = site.sent_plan()
    relays, delivered = {}, {}
    for name, leg in legs.items():
        own = RatePlan(sent.edges, np.where(ways[name].at(sent.edges[:-1]) > 0.0, sent.rate_bit_s[0], 0.0))
        if leg.down is None or leg.capacity_bit is None:
            delivered[name] = float(own.volume_bit)
            continue
        relays[name] = run_store(own, leg.down, leg.capacity_bit)
        delivered[name] = float(relays[name].delivered_bit.sum())
    return RelayRun(site, relays, delivered)

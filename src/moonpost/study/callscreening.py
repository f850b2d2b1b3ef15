"""Automatic screening of the proposals of a call against their host, each with the number that decides."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from moonpost.errors import InputError, ModelError
from moonpost.partners.callterms import CallTerms
from moonpost.partners.proposals import Proposal, plain_number
from moonpost.plan import MoonSite, Plan
from moonpost.study.guest import GuestHost, guest_host
from moonpost.study.guestpayload import Guest, GuestCheck

__all__ = [
    "Offer",
    "ScreenedProposal",
    "call_host",
    "host_offer",
    "screen_proposals",
    "screen_together",
]

_MARGIN = 0.20
_SPARE_DEG = 10.0


@dataclass(frozen=True)
class ScreenedProposal:
    """What the screening found about a proposal.

    Parameters
    ----------
    proposal : str
        Identifier.
    fits : bool or None
        Whether all fits; None if nothing fails but something cannot be told.
    decides : GuestCheck or None
        The check that fails most; of those that cannot be told the first; else the one with least to spare.
    checks : tuple of GuestCheck
        All of them.

    Examples
    --------
    >>> ScreenedProposal("dust", None, None, ()).sentence
    'nothing was checked'
    """

    proposal: str
    fits: bool | None
    decides: GuestCheck | None
    checks: tuple[GuestCheck, ...]

    @property
    def sentence(self) -> str:
        """What decides, with its numbers."""
        one = self.decides
        if one is None:
            return "nothing was checked"
        if one.asked is None or one.available is None:
            return f"{one.what}: {one.why}"
        asked, available = _figures(one.asked, one.available)
        return f"{one.what}: {asked} {one.unit} asked, {available} there"

    def to_step(self, call: str, date: str, waiver: str = "") -> dict[str, Any]:
        """The step of a call that records it.

        Parameters
        ----------
        call : str
            Identifier of the call.
        date : str
            When it was screened, UTC.
        waiver : str
            Why it may go on although something cannot be told.

        Returns
        -------
        dict
        """
        rows = [
            {
                name: plain_number(value) if isinstance(value, float) else value
                for name, value in asdict(row).items()
            }
            for row in self.checks
        ]
        step: dict[str, Any] = {
            "do": "screen",
            "call": call,
            "proposal": self.proposal,
            "date": date,
            "fits": self.fits,
        }
        step |= {"decides": self.sentence, "checks": rows}
        return step | ({"waiver": waiver} if waiver else {})

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "sentence": self.sentence}


@dataclass(frozen=True)
class Offer:
    """Power that a host can give to all its guests together.

    Parameters
    ----------
    day_w, night_w : float
        In light and in the dark, without the guests' margins [W].
    longest_dark_h : float
        Longest spell without light on its arrays [h].

    Examples
    --------
    >>> Offer(80.0, 10.0, 120.0).night_w
    10.0
    """

    day_w: float
    night_w: float
    longest_dark_h: float


def call_host(
    plan: Plan | str | os.PathLike[str],
    terms: CallTerms,
    *,
    host: str | None = None,
    site: str | None = None,
    start: str | None = None,
    years: float = 1.0,
    height_m: float | None = None,
) -> GuestHost:
    """The host of a call at its site.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    terms : CallTerms
        Of the call.
    host : str, optional
        The element; that of the call, or the only lander or orbiter of its mission, if not given.
    site, start, years, height_m
        As in `moonpost.study.guest.guest_fits`.

    Returns
    -------
    GuestHost

    Raises
    ------
    ModelError
        If the call has no host and its mission does not have exactly one that could be, or the host no site.
    UnknownNameError
        If the host or site is not in the plan.

    Examples
    --------
    >>> from moonpost.partners.callterms import call_terms
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> call_host(plan, call_terms(plan, "ce8-call"), site="connecting-ridge", years=0.1).name
    'ce8-lander'
    """
    from moonpost.plan import load_plan

    found = plan if isinstance(plan, Plan) else load_plan(plan)
    name = host or terms.host
    if not name:
        able = [
            row.id for row in found.elements if row.mission == terms.mission and row.kind in ("lander", "orbiter")
        ]
        if len(able) != 1:
            told = (
                f"{terms.mission} has {', '.join(able)}" if able else f"{terms.mission} has no lander or orbiter"
            )
            raise ModelError(told, where=f"call {terms.id}", advice="name the host with --host")
        name = able[0]
    return guest_host(found, name, site=site, start=start, years=years, height_m=height_m)


def screen_proposals(
    place: GuestHost,
    terms: CallTerms,
    proposals: Iterable[Proposal],
    *,
    downlink_bit_s: float | None = None,
    contact_share: float | None = None,
) -> tuple[ScreenedProposal, ...]:
    """Screen proposals one by one: mass, power, energy by night, data, view, temperature, location.

    Parameters
    ----------
    place : GuestHost
        The host at its site.
    terms : CallTerms
        What the call offers.
    proposals : iterable of Proposal
        Each alone, as if it were the only one.
    downlink_bit_s : float, optional
        Rate of the host's link; that of the plan if not given [bit/s].
    contact_share : float, optional
        Part of the time in contact; from terrain and ground stations if not given [1].

    Returns
    -------
    tuple of ScreenedProposal
        In the same order.

    Raises
    ------
    InputError
        If a view or a temperature cannot be used.

    Notes
    -----
    Mass is what is to be allocated, so no margin is added to it; to power and data 20 % are, as in
    `moonpost.study.guest.guest_fits`, which see for how each is measured. Energy by night is the power by night
    through the longest spell without light on the host's arrays.

    Examples
    --------
    >>> from moonpost.partners.callterms import call_terms
    >>> from moonpost.partners.proposals import Person
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> terms = call_terms(plan, "ce8-call")
    >>> place = call_host(plan, terms, site="connecting-ridge", years=0.1)
    >>> heavy = Proposal("rover", "Rover", Person("A. Example", "Institute of Dust", "Utopia"), 101.0)
    >>> screen_proposals(place, terms, [heavy])[0].sentence
    'mass: 101 kg asked, 100 there'
    """
    found = []
    for row in proposals:
        answer = place.answer(_guest(row), downlink_bit_s=downlink_bit_s, contact_share=contact_share)
        own = [check for check in answer.checks if check.what != "mass"]
        mass = _mass(terms, row) or next(check for check in answer.checks if check.what == "mass")
        night = next(check for check in own if check.what == "power by night")
        own.insert(own.index(night) + 1, _energy(night, place.longest_dark_h))
        checks = [mass, *own, *_offered(terms, row), *_location(place.site, row)]
        found.append(_verdict(row.id, checks))
    return tuple(found)


def screen_together(
    place: GuestHost,
    terms: CallTerms,
    proposals: Sequence[Proposal],
    *,
    downlink_bit_s: float | None = None,
    contact_share: float | None = None,
) -> ScreenedProposal:
    """Screen a set of proposals as one guest: their mass, power, energy by night and data together.

    Parameters
    ----------
    place, terms, downlink_bit_s, contact_share
        As in `screen_proposals`.
    proposals : sequence of Proposal
        The set, such as the chosen.

    Returns
    -------
    ScreenedProposal
        Named ``together``.

    Raises
    ------
    InputError
        If there are none.

    Examples
    --------
    >>> screen_together(None, CallTerms("trial", "2023"), [])
    Traceback (most recent call last):
    ...
    moonpost.errors.InputError: proposals: there are none; give those that fly together
    """
    if not proposals:
        raise InputError("there are none", where="proposals", advice="give those that fly together")
    mass_kg, day_w, night_w, bit_day = (
        math.fsum(getattr(row, name) for row in proposals) for name in ("mass_kg", "day_w", "night_w", "bit_day")
    )
    lead = proposals[0].lead
    one = Proposal("together", "all", lead, mass_kg, day_w=day_w, night_w=night_w, bit_day=bit_day)
    all_of_it = replace(terms, payload_each_kg=None)
    return screen_proposals(place, all_of_it, [one], downlink_bit_s=downlink_bit_s, contact_share=contact_share)[0]


def host_offer(place: GuestHost, night_part: float = 0.5) -> Offer:
    """Power that a host can offer to all guests together.

    Parameters
    ----------
    place : GuestHost
        The host at its site.
    night_part : float, default 0.5
        Part of the most power by night that is offered: what charges the store for it is not there by day [1].

    Returns
    -------
    Offer
        Rounded down to a tenth of a watt.

    Raises
    ------
    InputError
        If the part is not from 0 to 1.

    Examples
    --------
    >>> host_offer(guest_host("ilrs", "ce8-lander", site="connecting-ridge", years=0.1)).day_w > 50.0
    True
    """
    if not 0.0 <= night_part <= 1.0:
        raise InputError(f"{night_part}", where="night_part", advice="give 0 to 1")

    def most(night_w: float, what: str) -> float:
        answer = place.answer(Guest(1e-3, night_w=night_w))
        return next(check.available or 0.0 for check in answer.checks if check.what == what) / (1.0 + _MARGIN)

    night_w = math.floor(10.0 * night_part * most(0.0, "power by night")) / 10.0
    day_w = math.floor(10.0 * most(night_w, "power by day")) / 10.0
    return Offer(day_w, night_w, place.longest_dark_h)


def _guest(row: Proposal) -> Guest:
    try:
        return Guest(
            row.mass_kg, row.day_w, row.night_w, row.bit_day, row.view,
            row.operate_min_k, row.operate_max_k, row.survive_min_k, row.survive_max_k, row.inside,
        )  # fmt: skip
    except InputError as error:
        raise InputError(error.what, where=f"proposal {row.id}, {error.where}", advice=error.advice) from error


def _check(what: str, asked: float, available: float, unit: str, why: str) -> GuestCheck:
    spare = min((available - asked) / asked, 1e3) if asked > 0.0 else 1e3
    return GuestCheck(what, asked, available, unit, asked <= available, spare, why)


def _mass(terms: CallTerms, row: Proposal) -> GuestCheck | None:
    """Against the call: one and all."""
    most = [value for value in (terms.payload_each_kg, terms.payload_total_kg) if value is not None]
    if not most:
        return None
    return _check("mass", row.mass_kg, min(most), "kg", f"{terms.name or terms.id}: what one may have")


def _energy(night: GuestCheck, dark_h: float) -> GuestCheck:
    """Energy through the longest dark."""
    why = f"through the longest spell without light, {dark_h:g} h"
    if night.asked is None or night.available is None:
        return GuestCheck("energy by night", None, None, "Wh", night.fits, None, why)
    asked, available = night.asked * dark_h, night.available * dark_h
    return GuestCheck("energy by night", asked, available, "Wh", night.fits, night.spare, why)


def _offered(terms: CallTerms, row: Proposal) -> list[GuestCheck]:
    """Power and data that the call itself limits."""
    rows = [
        ("power offered by day", row.day_w, terms.limits.day_total_w, "W"),
        ("power offered by night", row.night_w, terms.limits.night_total_w, "W"),
        ("data offered", row.bit_day, terms.data_total_bit, "bit/d"),
    ]
    return [
        _check(what, asked, most, unit, "the call's total") for what, asked, most, unit in rows if most is not None
    ]


def _location(site: MoonSite, row: Proposal) -> list[GuestCheck]:
    """Where it is of use."""
    found = []
    here = site.latitude_deg
    for what, limit, sign in (
        ("location, south limit", row.latitude_min_deg, 1.0),
        ("location, north limit", row.latitude_max_deg, -1.0),
    ):
        if limit is not None:
            spare = sign * (here - limit)
            found.append(
                GuestCheck(what, limit, here, "deg", spare >= 0.0, spare / _SPARE_DEG, f"latitude of {site.id}")
            )
    if row.sites:
        there = site.id in row.sites
        why = f"{site.id} is {'one' if there else 'none'} of {', '.join(row.sites)}"
        found.append(GuestCheck("location", None, None, "", there, 1.0 if there else -1.0, why))
    return found


def _verdict(name: str, checks: list[GuestCheck]) -> ScreenedProposal:
    """Yes, no or not known, and the check that decides."""
    failing = [check for check in checks if check.fits is False]
    unknown = [check for check in checks if check.fits is None]
    told = [check for check in failing or checks if check.spare is not None]
    least = min(told, key=lambda check: check.spare or 0.0, default=None)
    if failing:
        return ScreenedProposal(name, False, least or failing[0], tuple(checks))
    if unknown:
        return ScreenedProposal(name, None, unknown[0], tuple(checks))
    return ScreenedProposal(name, True, least, tuple(checks))


def _figures(asked: float, available: float) -> tuple[str, str]:
    """Two numbers, with as many digits as it takes to tell them apart."""
    for digits in (4, 7, 12):
        both = _figure(asked, digits), _figure(available, digits)
        if both[0] != both[1] or asked == available:
            break
    return both


def _figure(value: float, digits: int) -> str:
    return f"{value:.3g}" if abs(value) >= 1e6 or 0.0 < abs(value) < 1e-3 else f"{value:,.{digits}g}"

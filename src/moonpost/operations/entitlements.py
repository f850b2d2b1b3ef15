"""What partners may use in each lunar day: shares turned into hours of machines or into energy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.placements import Entitlement, Placement, Setting

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["Limit", "entitled_to", "limits_of", "spare_w", "usage_of"]

_MILLI = np.timedelta64(1, "ms")
_HOUR_MS = 3.6e6
_ROUND = 1e-9


@dataclass(frozen=True)
class Limit:
    """What one partner may use in one lunar day.

    Parameters
    ----------
    partner : str
        The partner.
    lunar_day : int
        Number of the lunar day in the period, from 1.
    start, stop : datetime64[ms]
        That day, UTC; runs that start in it count.
    resource : str
        ``time`` [h] or ``energy`` [Wh].
    element : str
        The element whose time counts; empty for all that have no table of their own.
    most : float
        The limit [h or Wh].
    others : tuple of str
        Elements with a table of their own, which do not count here.

    Examples
    --------
    >>> from moonpost.operations.entitlements import limits_of  # see there
    """

    partner: str
    lunar_day: int
    start: np.datetime64
    stop: np.datetime64
    resource: str
    element: str
    most: float
    others: tuple[str, ...] = ()

    def counts(self, partner: str, element: str) -> bool:
        """Whether a run of this partner on this element counts, whatever its time.

        Parameters
        ----------
        partner, element : str
            Of the run.

        Returns
        -------
        bool
        """
        if partner != self.partner:
            return False
        return element == self.element if self.element else element not in self.others


def entitled_to(shares: Mapping[str, float], resource: str = "time", element: str = "") -> tuple[Entitlement, ...]:
    """Entitlements from a table of shares, such as those of contributions.

    Parameters
    ----------
    shares : mapping of str to float
        Share of each partner [0 to 1]; they add up to 1 at most.
    resource : {"time", "energy"}
        What is shared.
    element : str
        The element whose time is shared; all if empty.

    Returns
    -------
    tuple of Entitlement

    Raises
    ------
    InputError
        If a share is out of range or they add up to more than 1.

    Examples
    --------
    >>> [row.share for row in entitled_to({"cnsa": 0.6, "roscosmos": 0.4})]
    [0.6, 0.4]
    """
    found = tuple(Entitlement(partner, float(share), resource, element) for partner, share in shares.items())
    _check(found)
    return found


def spare_w(setting: Setting, reference: Simulation) -> npt.NDArray[np.float64]:
    """What the sources of all buses can give beyond the loads of the modes, slot by slot.

    Parameters
    ----------
    setting : Setting
        The plan and the period.
    reference : Simulation
        The station without activities.

    Returns
    -------
    ndarray, shape (slots,)
        Power at the bus [W].

    Examples
    --------
    >>> from moonpost.operations.entitlements import limits_of  # see there
    """
    series = reference.series
    net = series["supply_w"].values * setting.plan.design.bus_efficiency - series["load_w"].values
    surplus: npt.NDArray[np.float64] = np.maximum(net, 0.0).sum(axis=0)[: setting.slots]
    return surplus


def limits_of(setting: Setting, entitlements: Sequence[Entitlement], reference: Simulation) -> tuple[Limit, ...]:
    """Hours or energy that each partner may use in each lunar day.

    Parameters
    ----------
    setting : Setting
        The plan and the period.
    entitlements : sequence of Entitlement
        Tables of shares: of energy, or of time, in all or by element. Empty for no limits.
    reference : Simulation
        The station without activities; its spare energy is what is shared.

    Returns
    -------
    tuple of Limit

    Raises
    ------
    InputError
        If shares add up to more than 1, or energy and time are both shared.
    UnknownNameError
        If a partner or an element is not in the plan.

    Notes
    -----
    Time: the hours of the lunar day (as far as it lies in the period) times the number of elements that have
    activities, or of the one element. Energy: what the sources give beyond the loads of the modes. Partners that a
    table leaves out get nothing of what it shares.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(25) * np.timedelta64(3600, "s")
    >>> setting = Setting(load_plan("ilrs"), SimpleNamespace(time=time), {2.0: np.ones(25)})
    >>> rows = limits_of(setting, entitled_to({"roscosmos": 0.5}, element="survey-rover"), None)
    >>> [(row.partner, row.most) for row in rows]
    [('roscosmos', 12.0), ('cnsa', 0.0)]
    """
    if not entitlements:
        return ()
    _check(entitlements)
    plan = setting.plan
    partners = {row.id for row in plan.partners}
    elements = {row.id: row.owner for row in plan.elements}
    for row in entitlements:
        if row.partner not in partners:
            raise UnknownNameError(row.partner, partners, kind="partner", where="entitlements")
        if row.element and row.element not in elements:
            raise UnknownNameError(row.element, elements, kind="element", where="entitlements")
    using = dict.fromkeys(activity.partner or elements[activity.element] for activity in plan.activities)
    active = {activity.element for activity in plan.activities}
    tables: dict[tuple[str, str], dict[str, float]] = {}
    for row in entitlements:
        tables.setdefault((row.resource, row.element), {})[row.partner] = row.share
    own = tuple(sorted({element for _, element in tables if element}))
    found = []
    for number, (start, stop) in enumerate(pairwise(setting.day_edges), start=1):
        hours = float((stop - start) / _MILLI) / _HOUR_MS
        for (resource, element), table in tables.items():
            whole = hours * (1 if element else len(active - set(own)))
            if resource == "energy":
                whole = _spare_wh(setting, reference, start, stop)
            for partner in dict.fromkeys([*table, *using]):
                share = table.get(partner, 0.0)
                others = () if element else own
                found.append(Limit(partner, number, start, stop, resource, element, share * whole, others))
    return tuple(found)


def usage_of(limit: Limit, placements: Iterable[Placement]) -> float:
    """What placed activities use of a limit.

    Parameters
    ----------
    limit : Limit
        The limit.
    placements : iterable of Placement
        Placed activities.

    Returns
    -------
    float
        Hours, or energy at the elements' terminals [h or Wh].

    Examples
    --------
    >>> day = np.datetime64("2038-01-01", "ms")
    >>> limit = Limit("a", 1, day, day + np.timedelta64(1, "D"), "time", "", 5.0)
    >>> usage_of(limit, [Placement("x-1", "x", "r", "a", day, day + np.timedelta64(90, "m"), 10.0, 0.0)])
    1.5
    """
    rows = [
        row
        for row in placements
        if limit.counts(row.partner, row.element) and limit.start <= row.start < limit.stop
    ]
    return float(sum(row.energy_wh if limit.resource == "energy" else row.duration_s / 3600.0 for row in rows))


def _check(entitlements: Sequence[Entitlement]) -> None:
    """Refuse tables that promise more than there is, or share two things at once."""
    totals: dict[tuple[str, str], float] = {}
    seen: set[tuple[str, str, str]] = set()
    for row in entitlements:
        key = (row.resource, row.element)
        if (*key, row.partner) in seen:
            raise InputError("is there twice", where=f"entitlement of {row.partner}", advice="give one share each")
        seen.add((*key, row.partner))
        totals[key] = totals.get(key, 0.0) + row.share
    for (resource, element), total in totals.items():
        if total > 1.0 + _ROUND:
            where = f"shares of {resource}" + (f" of {element}" if element else "")
            raise InputError(f"add up to {total:g}", where=where, advice="give shares that add up to 1 at most")
    if len({resource for resource, _ in totals}) > 1:
        raise InputError("share time and energy both", where="entitlements", advice="give one kind of table")


def _spare_wh(setting: Setting, reference: Simulation, start: np.datetime64, stop: np.datetime64) -> float:
    """Spare energy of a lunar day."""
    time = np.asarray(setting.sun.time[:-1]).astype("datetime64[ms]")
    inside = (time >= start) & (time < stop)
    return float(spare_w(setting, reference)[inside].sum() * setting.slot_s / 3600.0)

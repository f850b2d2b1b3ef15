"""What a schedule is made of: the setting it is for, placed activities, refused ones, and the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation
from moonpost.power.series import SunView, step_of
from moonpost.sky.times import as_utc

__all__ = ["Entitlement", "Placement", "Refusal", "Schedule", "Setting", "utc"]

Times = npt.NDArray[np.datetime64]

_FORMAT = "moonpost-schedule"
_MILLI = np.timedelta64(1, "ms")


def utc(instant: np.datetime64) -> str:
    """Write an instant as text to the second, or to the millisecond where it has a part of one.

    Parameters
    ----------
    instant : datetime64
        UTC.

    Returns
    -------
    str

    Examples
    --------
    >>> utc(np.datetime64("2030-01-01T06:30", "ms"))
    '2030-01-01T06:30:00Z'
    """
    text = str(instant.astype("datetime64[ms]"))
    return f"{text.removesuffix('.000')}Z"


@dataclass(frozen=True, eq=False)
class Setting:
    """The plan and the sky in which activities are scheduled.

    Parameters
    ----------
    plan : Plan
        The plan.
    sun : SunView
        The Sun from the site at even steps, (n,); its times are the period, its step is the slot.
    light_by_mast : mapping of float to ndarray, (n,)
        Fraction of the solar disc in view by height above ground [m].
    contacts : ndarray of datetime64, (m, 2), or mapping of str to such, optional
        Windows with the Earth or a relay, for all or by element; without windows an element is in contact at all
        times, as in a simulation.
    surface_k : ndarray, (n,), optional
        Temperature of the ground [K].
    lunar_days : ndarray of datetime64, optional
        Where lunar days begin within the period; the period is one lunar day if there are none.
    site : str, optional
        The site; the station's if absent, None for a station in orbit.

    Raises
    ------
    InputError
        If the times do not step evenly, or a contact ends before it begins.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(97) * np.timedelta64(900, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(97), elevation_deg=np.ones(97),
    ...     distance_m=np.full(97, 1.5e11))
    >>> Setting(load_plan("ilrs"), sun, {2.0: np.ones(97)}).slot_s
    900.0
    """

    plan: Plan
    sun: SunView
    light_by_mast: Mapping[float, npt.NDArray[np.float64]]
    contacts: Times | Mapping[str, Times] | None = None
    surface_k: npt.NDArray[np.float64] | None = None
    lunar_days: Times = field(default_factory=lambda: np.empty(0, dtype="datetime64[ms]"))
    site: str | None = None

    def __post_init__(self) -> None:
        step_of(self.sun.time)
        if self.site is None and isinstance(self.plan.station, SurfaceStation):
            object.__setattr__(self, "site", self.plan.station.site)
        if isinstance(self.contacts, Mapping):
            object.__setattr__(self, "contacts", {name: _merged(rows) for name, rows in self.contacts.items()})
        elif self.contacts is not None:
            object.__setattr__(self, "contacts", _merged(self.contacts))

    @property
    def start(self) -> np.datetime64:
        """Begin of the period, UTC."""
        return self.sun.time[0].astype("datetime64[ms]")

    @property
    def stop(self) -> np.datetime64:
        """End of the period: the last instant at which the Sun is known, UTC."""
        return self.sun.time[-1].astype("datetime64[ms]")

    @property
    def slot_s(self) -> float:
        """Step of the times and of starts [s]."""
        return step_of(self.sun.time)

    @property
    def slots(self) -> int:
        """Number of slots: one less than there are times."""
        return int(self.sun.time.size) - 1

    @property
    def day_edges(self) -> Times:
        """Begin of each lunar day of the period, the first one cut, and the end of the last, UTC."""
        inner = self.lunar_days[(self.lunar_days > self.start) & (self.lunar_days < self.stop)]
        return np.concatenate([[self.start], inner, [self.stop]]).astype("datetime64[ms]")

    def contacts_of(self, element: str) -> Times | None:
        """Windows in which an element is in contact, (m, 2); None if it is at all times.

        Parameters
        ----------
        element : str
            The element.

        Returns
        -------
        ndarray of datetime64 or None
        """
        if isinstance(self.contacts, Mapping):
            return self.contacts.get(element)
        return self.contacts

    def part(self, first: int, last: int) -> Setting:
        """The same setting over some of its slots.

        Parameters
        ----------
        first, last : int
            First slot, and the slot at which it ends.

        Returns
        -------
        Setting
            With times from `first` to `last`, both included.
        """
        cut = slice(first, last + 1)
        return replace(
            self,
            sun=_SunPart(*(np.asarray(getattr(self.sun, name))[cut] for name in _SUN)),
            light_by_mast={mast_m: np.asarray(light)[cut] for mast_m, light in self.light_by_mast.items()},
            surface_k=None if self.surface_k is None else self.surface_k[cut],
        )


_SUN = ("time", "azimuth_deg", "elevation_deg", "distance_m")


@dataclass(frozen=True, eq=False)
class _SunPart:
    """The Sun over a part of a period."""

    time: npt.NDArray[np.datetime64]
    azimuth_deg: npt.NDArray[np.float64]
    elevation_deg: npt.NDArray[np.float64]
    distance_m: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """One activity at its time.

    Parameters
    ----------
    id : str
        The occurrence: the activity and its number in the period, such as ``survey-drive-3``.
    activity, element, partner : str
        What is done, by which element, on whose time.
    start, stop : datetime64[ms]
        UTC.
    power_w : float
        Drawn besides the mode's power [W].
    data_bit : float
        Data made [bit].
    locked : bool
        It stays where it is when the schedule is made anew.

    Examples
    --------
    >>> day = np.datetime64("2038-01-01", "ms")
    >>> Placement("drive-1", "drive", "rover", "a", day, day + np.timedelta64(2, "h"), 50.0, 0.0).energy_wh
    100.0
    """

    id: str
    activity: str
    element: str
    partner: str
    start: np.datetime64
    stop: np.datetime64
    power_w: float
    data_bit: float
    locked: bool = False

    @property
    def duration_s(self) -> float:
        """How long it takes [s]."""
        return float((self.stop - self.start) / _MILLI) / 1000.0

    @property
    def energy_wh(self) -> float:
        """Energy at the element's terminals [Wh]."""
        return self.power_w * self.duration_s / 3600.0

    def moved(self, shift_s: float) -> Placement:
        """The same at another time.

        Parameters
        ----------
        shift_s : float
            How much later, negative for earlier [s].

        Returns
        -------
        Placement
        """
        shift = np.timedelta64(round(shift_s * 1000.0), "ms")
        return replace(self, start=self.start + shift, stop=self.stop + shift)

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, for JSON."""
        return asdict(self) | {"start": utc(self.start), "stop": utc(self.stop)}


@dataclass(frozen=True)
class Refusal:
    """An occurrence that was not placed, with the reason.

    Parameters
    ----------
    id : str
        The occurrence, or the activity if it has none in the period.
    activity, element : str
        What would have been done, by which element.
    reason : str
        Why not, for people.

    Examples
    --------
    >>> Refusal("drive-1", "drive", "rover", "is dark throughout").reason
    'is dark throughout'
    """

    id: str
    activity: str
    element: str
    reason: str


@dataclass(frozen=True)
class Entitlement:
    """What a partner may use in each lunar day: a share of asset time or of spare energy.

    Parameters
    ----------
    partner : str
        The partner.
    share : float
        Its part of the whole [0 to 1].
    resource : str
        ``time``: hours of the elements; ``energy``: what the sources can give beyond the modes' loads.
    element : str
        The element whose time is shared; empty for all that have activities, together.

    Raises
    ------
    InputError
        If the share is not from 0 to 1 or the resource unknown.

    Examples
    --------
    >>> Entitlement("cnsa", 0.6).resource
    'time'
    """

    partner: str
    share: float
    resource: str = "time"
    element: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise InputError(f"is {self.share}", where=f"share of {self.partner}", advice="give 0 to 1")
        if self.resource not in ("time", "energy"):
            raise InputError(f"is {self.resource!r}", where="resource", advice="give time or energy")
        if self.resource == "energy" and self.element:
            raise InputError("energy is shared as a whole", where="element", advice="leave the element out")


@dataclass(frozen=True)
class Schedule:
    """Activities placed in a period, and those refused.

    Parameters
    ----------
    plan_id, plan_sha256 : str
        The plan, and the hash of its content.
    site : str or None
        The site; None for a station in orbit.
    start, stop : datetime64[ms]
        The period, UTC.
    slot_s : float
        Grid of the starts that the solver chooses [s].
    placements : tuple of Placement
        In order of their starts.
    refusals : tuple of Refusal
        Everything that was not placed.
    groups : mapping of str to tuple of str
        Occurrences that are shifted together.
    entitlements : tuple of Entitlement
        What partners may use.
    value, bound : float
        Worth of what is placed, and what no schedule can exceed; the bound is of the solver's model.
    first_value : float
        Worth of the first schedule, made at once.
    seconds : float
        How long the solver searched [s].
    notes : tuple of str
        What to know about it.

    Examples
    --------
    >>> day = np.datetime64("2038-01-01", "ms")
    >>> Schedule("p", "0", None, day, day + np.timedelta64(1, "D"), 900.0).to_dict()["placements"]
    []
    """

    plan_id: str
    plan_sha256: str
    site: str | None
    start: np.datetime64
    stop: np.datetime64
    slot_s: float
    placements: tuple[Placement, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entitlements: tuple[Entitlement, ...] = ()
    value: float = 0.0
    bound: float = 0.0
    first_value: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def placement(self, name: str) -> Placement:
        """The placed occurrence of this name.

        Parameters
        ----------
        name : str
            The occurrence.

        Returns
        -------
        Placement

        Raises
        ------
        UnknownNameError
            If it is not placed.
        """
        for row in self.placements:
            if row.id == name:
                return row
        raise UnknownNameError(name, [row.id for row in self.placements], kind="placed activity", where="schedule")

    def to_dict(self) -> dict[str, Any]:
        """The schedule as plain values, for JSON; `Schedule.from_dict` reads it back."""
        return {
            "format": _FORMAT,
            "format_version": 1,
            "plan_id": self.plan_id,
            "plan_sha256": self.plan_sha256,
            "site": self.site,
            "start": utc(self.start),
            "stop": utc(self.stop),
            "slot_s": self.slot_s,
            "value": self.value,
            "bound": self.bound,
            "first_value": self.first_value,
            "seconds": self.seconds,
            "placements": [row.to_dict() for row in self.placements],
            "refusals": [asdict(row) for row in self.refusals],
            "groups": {name: list(members) for name, members in self.groups.items()},
            "entitlements": [asdict(row) for row in self.entitlements],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "schedule") -> Schedule:
        """Read back what `to_dict` gave.

        Parameters
        ----------
        data : mapping
            Plain values.
        where : str
            The file, for error messages.

        Returns
        -------
        Schedule

        Raises
        ------
        DataError
            If they are not those of a schedule.
        """
        advice = "give a file that 'moonpost operate schedule --out' wrote"
        if not isinstance(data, Mapping) or data.get("format") != _FORMAT or data.get("format_version") != 1:
            raise DataError("is not a schedule of this version", where=where, advice=advice)
        try:
            return cls(
                plan_id=str(data["plan_id"]),
                plan_sha256=str(data["plan_sha256"]),
                site=data["site"],
                start=_instant(data["start"]),
                stop=_instant(data["stop"]),
                slot_s=float(data["slot_s"]),
                placements=tuple(
                    Placement(**{**row, "start": _instant(row["start"]), "stop": _instant(row["stop"])})
                    for row in data["placements"]
                ),
                refusals=tuple(Refusal(**row) for row in data["refusals"]),
                groups={str(name): tuple(members) for name, members in data["groups"].items()},
                entitlements=tuple(Entitlement(**row) for row in data["entitlements"]),
                notes=tuple(data["notes"]),
                **{name: float(data[name]) for name in ("value", "bound", "first_value", "seconds")},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"cannot be read: {error!r}", where=where, advice=advice) from error


def _merged(windows: Times) -> Times:
    """Windows in order, those that meet joined."""
    rows = np.asarray(windows).astype("datetime64[ms]")
    if rows.size == 0:
        return rows.reshape(0, 2)
    if rows.ndim != 2 or rows.shape[1] != 2 or np.isnat(rows).any() or (rows[:, 1] < rows[:, 0]).any():
        raise InputError("are no windows", where="contacts", advice="give rows of start and stop")
    joined: list[list[np.datetime64]] = []
    for start, stop in rows[np.lexsort((rows[:, 1], rows[:, 0]))]:
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    return np.array(joined, dtype="datetime64[ms]")


def _instant(text: str) -> np.datetime64:
    return np.datetime64(as_utc(text).ravel()[0], "ms")

"""Ways between the station and the ground: when the Earth or a relay is in view, and how long light takes."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.comms import Contacts
from moonpost.control.station.instants import SECOND_US, utc
from moonpost.control.station.relayways import relay_ways
from moonpost.errors import MoonpostError, OutputError
from moonpost.files import atomic_path
from moonpost.plan import Plan, SurfaceStation

if TYPE_CHECKING:
    from moonpost.sky import Almanac
    from moonpost.terrain import HorizonProfile

__all__ = ["ContactWindow"]

_LIGHT_M_S = 299_792_458.0
_STEP_S = 600.0
_SEEN = 0.5
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ContactWindow:
    """A time in which the station and the ground hear each other.

    Parameters
    ----------
    start, stop : datetime64[us]
        UTC at the station.
    way : str
        ``"direct"``, or the relay.

    Examples
    --------
    >>> ContactWindow(utc(0), utc(60_000_000), "direct").way
    'direct'
    """

    start: np.datetime64
    stop: np.datetime64
    way: str


@dataclass(frozen=True, eq=False)
class Ways:
    """Which way is open when, and its length.

    Parameters
    ----------
    names : tuple of str
        ``"direct"``, then relays; of several that are open the first serves.
    edges_us : ndarray of int64, (m + 1,)
        Ends of the stretches in which one way serves [us of UTC].
    serving : ndarray of int64, (m,)
        The way of each stretch; -1 where none is open.
    grid_us : ndarray of int64, (n,)
        Times at which lengths are known [us of UTC].
    light_s : ndarray, (k, n)
        Light time of each way [s].

    Examples
    --------
    >>> edges, grid = np.array([0, 60_000_000]), np.array([0, 60_000_000])
    >>> Ways(("direct",), edges, np.array([0]), grid, np.full((1, 2), 1.25)).light_us(0)
    1250000
    """

    names: tuple[str, ...]
    edges_us: npt.NDArray[np.int64]
    serving: npt.NDArray[np.int64]
    grid_us: npt.NDArray[np.int64]
    light_s: _Floats

    def way_at(self, t_us: int) -> int:
        """The way that serves at an instant; -1 if none."""
        k = int(np.searchsorted(self.edges_us, t_us, side="right")) - 1
        return int(self.serving[min(max(k, 0), self.serving.size - 1)])

    def light_us(self, t_us: int, way: int | None = None) -> int:
        """Light time at an instant by the way that serves, the straight one where none does [us]."""
        row = self.light_s[max(self.way_at(t_us) if way is None else way, 0)]
        return round(float(np.interp(t_us, self.grid_us, row)) * SECOND_US)

    def next_open(self, t_us: int) -> int | None:
        """The first instant from one on at which any way is open."""
        if self.way_at(t_us) >= 0:
            return t_us
        later = np.flatnonzero((self.edges_us[:-1] > t_us) & (self.serving >= 0))
        return int(self.edges_us[later[0]]) if later.size else None

    def windows(self) -> tuple[ContactWindow, ...]:
        """Times with contact, in order; one for each way that serves."""
        rows = zip(self.edges_us[:-1], self.edges_us[1:], self.serving, strict=True)
        return tuple(ContactWindow(utc(a), utc(b), self.names[way]) for a, b, way in rows if way >= 0)

    def open_spells(self) -> list[tuple[int, int]]:
        """Times with any way open [us], joined."""
        found: list[tuple[int, int]] = []
        for a, b, way in zip(self.edges_us[:-1].tolist(), self.edges_us[1:].tolist(), self.serving, strict=True):
            if way >= 0 and found and found[-1][1] == a:
                found[-1] = (found[-1][0], b)
            elif way >= 0:
                found.append((a, b))
        return found


def find_ways(
    plan: Plan, site: str | None, span_us: tuple[int, int], folder: Path | None = None, digest: str = ""
) -> Ways:
    """The ways of a site of a plan in a period.

    Parameters
    ----------
    plan : Plan
        The plan: its site, the relays that its machines there have links to.
    site : str or None
        The site; the station's if None. A station in orbit has contact at all times.
    span_us : (int, int)
        The period [us of UTC].
    folder : Path, optional
        Where what was found is kept, for the next start.
    digest : str
        Hash of the plan, which what is kept belongs to.

    Returns
    -------
    Ways

    Notes
    -----
    Direct: half of the Earth's disc over the horizon of the highest mast, ends to a second; the antennas of the
    ground count as a network round the Earth, heard wherever it is seen. Light times are from the Earth's centre.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> span_us = 2_221_560_000_000_000, 2_221_646_400_000_000
    >>> find_ways(load_plan("ilrs-orbit"), None, span_us).names
    ('direct',)
    """
    key = hashlib.sha256(json.dumps(["ways-1", digest or plan.sha256, site, span_us]).encode()).hexdigest()
    path = None if folder is None else folder / "ways.npz"
    kept = None if path is None else _kept(path, key)
    if kept is not None:
        return kept
    found = _found(plan, site, span_us)
    if path is not None:
        with contextlib.suppress(OutputError), atomic_path(path) as temporary:
            np.savez(
                temporary, key=np.array(key), names=np.array(found.names), edges_us=found.edges_us,
                serving=found.serving, grid_us=found.grid_us, light_s=found.light_s,
            )  # fmt: skip
    return found


def _kept(path: Path, key: str) -> Ways | None:
    """What an earlier start found; None if there is nothing sound of the same flight."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            names = tuple(str(name) for name in file["names"])
            return Ways(names, *(file[part] for part in ("edges_us", "serving", "grid_us", "light_s")))
    except (OSError, ValueError, KeyError, EOFError):
        return None


def _found(plan: Plan, site: str | None, span_us: tuple[int, int]) -> Ways:
    """Compute the ways."""
    from moonpost.sky import Almanac, times

    almanac = Almanac.default()
    first, last = (utc(end).astype("datetime64[ms]") for end in span_us)
    steps = max(int(np.ceil((last - first) / np.timedelta64(1, "s") / _STEP_S)), 2)
    t = times(first, first + np.timedelta64(round((steps + 0.5) * _STEP_S * 1e3), "ms"), _STEP_S)
    grid_us = t.astype("datetime64[us]").astype(np.int64)
    if site is None and not isinstance(plan.station, SurfaceStation):
        light_s = np.linalg.norm(almanac.moon_fixed_m("earth", t), axis=1) / _LIGHT_M_S
        return Ways(("direct",), np.array(span_us), np.array([0]), grid_us, light_s[None, :])
    place = plan.site(site) if site is not None else plan.station_sites()[0]
    profile = _profile(plan, place)
    direct, light_s = _direct(almanac, profile, t)
    relays = relay_ways(plan, place.id, almanac, profile, t)
    edges, serving = _merged([direct, *(relay.contacts for relay in relays)], span_us)
    lengths = np.stack([light_s, *(relay.light_s for relay in relays)])
    return Ways(("direct", *(relay.name for relay in relays)), edges, serving, grid_us, lengths)


def _profile(plan: Plan, place: Any) -> HorizonProfile:
    """The horizon of a site at its highest mast."""
    from moonpost.operations.simulation import light_heights_m
    from moonpost.study.surroundings import site_horizon

    try:
        heights_m = light_heights_m(plan, place.id)
    except MoonpostError:
        heights_m = ()
    return site_horizon(plan, place, max(heights_m, default=2.0))


def _direct(almanac: Almanac, profile: HorizonProfile, t: npt.NDArray[np.datetime64]) -> tuple[Contacts, _Floats]:
    """Contacts with the Earth itself, and the light time."""
    from moonpost.terrain import earth_visibility

    earth = almanac.earth(profile.site, t)
    share = np.asarray(earth_visibility(profile, earth), np.float64)
    return Contacts.where(t, share - _SEEN), earth.distance_m / _LIGHT_M_S


def _merged(
    contacts: Sequence[Contacts], span_us: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Stretches of one serving way, the first of those open."""
    rows = [
        [end.astype("datetime64[us]").astype(np.int64).clip(*span_us) for end in (part.start, part.stop)]
        for part in contacts
    ]
    edges = np.unique(np.concatenate([np.array(span_us), *(end for row in rows for end in row)]))
    serving = np.full(edges.size - 1, -1)
    for way in range(len(rows) - 1, -1, -1):
        for start, stop in zip(*rows[way], strict=True):
            serving[(edges[:-1] >= start) & (edges[1:] <= stop)] = way
    keep = np.concatenate([[True], serving[1:] != serving[:-1]])
    return np.append(edges[:-1][keep], edges[-1]).astype(np.int64), serving[keep]

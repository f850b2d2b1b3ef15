"""Ways between the station and the ground: when the Earth or a relay is in view, and how long light takes."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.comms import Contacts
from moonpost.control.station.instants import SECOND_US, utc
from moonpost.control.station.legs import Legs
from moonpost.control.station.relayways import RelayWay, relay_ways
from moonpost.errors import MoonpostError, OutputError
from moonpost.files import atomic_path
from moonpost.plan import Plan, SurfaceStation

if TYPE_CHECKING:
    from moonpost.sky import Almanac
    from moonpost.terrain import HorizonProfile

__all__ = ["ContactWindow"]

_LIGHT_M_S = 299_792_458.0
_OWN = ("edges_us", "serving", "grid_us", "light_s")
_PARTS = ("seen_us", "earth_us", "up_s", "down_s")
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
    legs : tuple of Legs
        The two legs of each relay, in the order of the names.

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
    legs: tuple[Legs, ...] = ()

    @cached_property
    def _longest_us(self) -> int:
        return round(float(self.light_s.max()) * SECOND_US) + 2

    def way_at(self, t_us: int) -> int:
        """The way that serves at an instant; -1 if none."""
        k = int(np.searchsorted(self.edges_us, t_us, side="right")) - 1
        return int(self.serving[min(max(k, 0), self.serving.size - 1)])

    def light_us(self, t_us: int, way: int | None = None) -> int:
        """Light time at an instant by the way that serves, the straight one where none does [us]."""
        row = self.light_s[max(self.way_at(t_us) if way is None else way, 0)]
        return round(float(np.interp(t_us, self.grid_us, row)) * SECOND_US)

    def left_us(self, until_us: int) -> int:
        """The latest instant up to which all that left the station by the serving way has come by an instant."""
        k = int(np.searchsorted(self.edges_us, until_us - self._longest_us, side="right")) - 1
        first = stretch = min(max(k, 0), self.serving.size - 1)
        while True:
            left_us = until_us
            for _ in range(3):
                left_us = until_us - self.light_us(left_us, int(self.serving[stretch]))
            if left_us < self.edges_us[stretch + 1] or stretch + 1 == self.serving.size:
                return left_us if stretch == first else max(left_us, int(self.edges_us[stretch]) - 1)
            stretch += 1

    def arrival_us(self, sent_us: int) -> int | None:
        """When what leaves the ground at an instant arrives; None if it never does.

        Where no way is open, a relay takes it when it sees the Earth and hands it on when it sees the site; in a
        plan with a relay it may also wait for the direct way.
        """
        way = self.way_at(sent_us + self.light_us(sent_us, 0))
        at_us = sent_us + self.light_us(sent_us, max(way, 0))
        if way >= 0 and self.way_at(at_us) >= 0:
            return at_us
        if len(self.names) == 1:
            return None
        found = [leg.arrival_us(sent_us) for leg in self.legs]
        later = np.flatnonzero((self.edges_us[:-1] > at_us) & (self.serving == 0))
        found += [int(edge) for edge in self.edges_us[later[:1]]]
        return min((t for t in found if t is not None), default=None)

    def held_spells(self) -> list[tuple[int, int, int]]:
        """Times in which no way is open and a relay, the first in view, keeps what it is sent, with its number."""
        inner = [leg.seen_us.ravel() for leg in self.legs]
        edges = np.unique(np.concatenate([self.edges_us, *inner]).clip(self.edges_us[0], self.edges_us[-1]))
        found: list[tuple[int, int, int]] = []
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if self.way_at(start) >= 0:
                continue
            seen = [k for k, leg in enumerate(self.legs) if leg.sees(start)]
            if seen and found and found[-1][1:] == (start, seen[0]):
                found[-1] = (found[-1][0], stop, seen[0])
            elif seen:
                found.append((start, stop, seen[0]))
        return found

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
    key = hashlib.sha256(json.dumps(["ways-2", digest or plan.sha256, site, span_us]).encode()).hexdigest()
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
                **{f"{part}-{k}": getattr(leg, part) for k, leg in enumerate(found.legs) for part in _PARTS},
            )  # fmt: skip
    return found


def _kept(path: Path, key: str) -> Ways | None:
    """What an earlier start found; None if there is nothing sound of the same flight."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            names = tuple(str(name) for name in file["names"])
            edges_us, serving, grid_us, light_s = (file[part] for part in _OWN)
            legs = tuple(
                Legs(name, grid_us, *(file[f"{part}-{k}"] for part in _PARTS)) for k, name in enumerate(names[1:])
            )
            return Ways(names, edges_us, serving, grid_us, light_s, legs)
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
    legs = tuple(_legs(relay, grid_us) for relay in relays)
    return Ways(("direct", *(relay.name for relay in relays)), edges, serving, grid_us, lengths, legs)


def _legs(relay: RelayWay, grid_us: npt.NDArray[np.int64]) -> Legs:
    """The two legs of a relay."""
    seen_us, earth_us = (
        np.stack([end.astype("datetime64[us]").astype(np.int64) for end in (part.start, part.stop)], axis=1)
        for part in (relay.seen, relay.earth)
    )
    return Legs(relay.name, grid_us, seen_us, earth_us, relay.up_s, relay.light_s - relay.up_s)


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

"""Rates over time: what a link carries as distance, elevation, the Moon and the Sun in the beam change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.comms.coding import Mode, best_mode
from moonpost.comms.link import DISH_EFFICIENCY, free_space_loss_db, link_budget
from moonpost.comms.noise import (
    MOON_BRIGHTNESS_K,
    air_loss_db,
    air_noise_k,
    beam_width_deg,
    disc_noise_k,
    pointing_loss_db,
    sun_brightness_k,
)
from moonpost.comms.store import RatePlan
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.comms.contacts import Contacts
    from moonpost.plan import Link
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site
    from moonpost.sky.stations import EarthPlace

__all__ = ["LinkSeries", "carrier_to_noise_db_hz", "station_rates"]

Floats = npt.NDArray[np.float64]

_BOLTZMANN_DB = 10.0 * math.log10(1.380649e-23)
_MOON_RADIUS_M, _SUN_RADIUS_M = 1_737_400.0, 695_700_000.0
_LOWEST_DEG = 1.0


@dataclass(frozen=True, eq=False)
class LinkSeries:
    """A link from a site to a ground station over time.

    Parameters
    ----------
    time : ndarray of datetime64[ms], shape (n,)
        UTC.
    range_m : ndarray, shape (n,)
        Distance [m].
    moon_elevation_deg : ndarray, shape (n,)
        Elevation of the site at the station [deg].
    temperature_k : ndarray, shape (n,)
        Noise of the whole receiving system, with air, Moon and Sun [K].
    carrier_to_noise_db_hz : ndarray, shape (n,)
        Received power over noise density [dB Hz]; minus infinity with the site below 1 deg.
    rate_bit_s : ndarray, shape (n,)
        Rate of the fastest mode that works with the margin [bit/s].
    index : ndarray of int64, shape (n,)
        Place of that mode in `modes`; -1 where none works.
    modes : tuple of Mode
        What the radio can be set to.
    margin_db : ndarray, shape (n,)
        Margin of the mode in use, at least the one asked for; NaN where there is none [dB].
    """

    time: npt.NDArray[np.datetime64]
    range_m: Floats
    moon_elevation_deg: Floats
    temperature_k: Floats
    carrier_to_noise_db_hz: Floats
    rate_bit_s: Floats
    index: npt.NDArray[np.int64]
    modes: tuple[Mode, ...]
    margin_db: Floats

    def plan(self, contacts: Contacts) -> RatePlan:
        """Rate within contacts, as steps.

        Parameters
        ----------
        contacts : Contacts
            When there is contact, over the same span.

        Returns
        -------
        RatePlan
            Between two samples the lower of their two rates; nothing outside contacts. A contact's last piece,
            cut by an edge, has the rate of the sample inside.

        Raises
        ------
        InputError
            If the spans differ.
        """
        if contacts.span != (self.time[0], self.time[-1]):
            raise InputError("the spans differ", where="contacts", advice="compute both over the same times")
        edges = np.unique(np.concatenate([self.time, contacts.start, contacts.stop]))
        middle = edges[:-1] + (edges[1:] - edges[:-1]) // 2
        k = np.searchsorted(self.time, middle, side="right") - 1
        inside = RatePlan.of(contacts, 1.0).at(middle) > 0.0
        seen = RatePlan.of(contacts, 1.0).at(self.time) > 0.0
        low, high = self.rate_bit_s[k], self.rate_bit_s[np.minimum(k + 1, len(self.time) - 1)]
        cut_low, cut_high = ~seen[k], ~seen[np.minimum(k + 1, len(self.time) - 1)]
        rate = np.where(cut_low, high, np.where(cut_high, low, np.minimum(low, high)))
        return RatePlan(edges, np.where(inside, rate, 0.0))


def carrier_to_noise_db_hz(
    link: Link,
    range_m: npt.ArrayLike,
    *,
    temperature_k: npt.ArrayLike | None = None,
    loss_db: npt.ArrayLike = 0.0,
    efficiency: float = DISH_EFFICIENCY,
) -> Floats:
    """Received power over noise density at any distance, noise and further loss.

    Parameters
    ----------
    link : moonpost.plan.Link
        Row of the plan.
    range_m : array_like
        Distance [m].
    temperature_k : array_like, optional
        Noise of the receiving system [K]; that of the plan if not given.
    loss_db : array_like, default 0.0
        Loss besides that of the plan's row, such as by aim and air [dB].
    efficiency : float, default DISH_EFFICIENCY
        Aperture efficiency where only a dish is known.

    Returns
    -------
    ndarray
        [dB Hz]

    Raises
    ------
    InputError
        If figures are missing from the plan, or a number cannot be used.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> link = load_plan("ilrs").links[0]
    >>> carrier_to_noise_db_hz(link, [4.7e7, 7.9e7]).round(1).tolist()
    [70.2, 65.7]
    """
    budget = link_budget(link, efficiency=efficiency)
    if budget.carrier_to_noise_db_hz is None:
        raise InputError(
            f"no {', '.join(budget.missing)}", where=f"links[{link.id}]", advice="add these figures to the plan"
        )
    assert link.system_temperature_k is not None
    noise = np.asarray(link.system_temperature_k if temperature_k is None else temperature_k, dtype=np.float64)
    extra = np.asarray(loss_db, dtype=np.float64)
    if not (np.isfinite(noise).all() and (noise > 0.0).all() and np.isfinite(extra).all()):
        raise InputError(
            "not above zero or not finite", where="temperature_k, loss_db", advice="give kelvin and decibels"
        )
    spread = budget.free_space_loss_db - free_space_loss_db(link.frequency_hz, range_m)
    warm = 10.0 * np.log10(link.system_temperature_k / noise)
    return np.asarray(budget.carrier_to_noise_db_hz + spread + warm - extra)


def station_rates(
    almanac: Almanac,
    site: Site,
    ground_station: EarthPlace,
    link: Link,
    t: npt.NDArray[np.datetime64],
    modes: Sequence[Mode],
    *,
    margin_db: float = 3.0,
    zenith_loss_db: float = 0.05,
    error_deg: float = 0.0,
    moon_brightness_k: float = MOON_BRIGHTNESS_K,
    dish_m: float | None = None,
) -> LinkSeries:
    """Follow a link from a lunar site to a ground station, and choose its rate at each instant.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        Place of the transmitter.
    ground_station : GroundStation
        Antenna on the Earth.
    link : moonpost.plan.Link
        Row of the plan. Its temperature is taken as that of the receiver under a clear sky at the zenith without
        air, Moon and Sun, which are added here.
    t : ndarray of datetime64, shape (n,)
        UTC.
    modes : sequence of Mode
        What the radio can be set to.
    margin_db : float, default 3.0
        Margin that is kept [dB].
    zenith_loss_db : float, default 0.05
        Loss in the air straight up [dB].
    error_deg : float, default 0.0
        Error of the station's aim [deg].
    moon_brightness_k : float, default MOON_BRIGHTNESS_K
        Brightness temperature of the Moon [K].
    dish_m : float, optional
        Diameter of the station's dish, instead of the link's receiving dish or gain [m].

    Returns
    -------
    LinkSeries
        With rates whether or not terrain or mask allow the contact: `LinkSeries.plan` takes contacts.

    Raises
    ------
    InputError
        If figures are missing, or a number cannot be used.
    DateError
        If a time lies outside the kernels.

    Notes
    -----
    The beam is on the site, so that the Moon's centre stands off its axis by the angle between them: a polar site
    has half the beam on the Moon. The Sun's angle from the axis is that at the station.

    Examples
    --------
    >>> from moonpost.comms.coding import modes_of_symbol_rate
    >>> from moonpost.plan import load_plan
    >>> from moonpost.sky import Almanac, Site, times
    >>> plan = load_plan("ilrs")
    >>> link, = [row for row in plan.links if row.id == "station-earth"]
    >>> dish, = [row for row in plan.ground_stations if row.id == "bear-lakes"]
    >>> t = times("2030-01-10", "2030-01-11", 3600)
    >>> series = station_rates(Almanac.default(), Site(0.0, 0.0), dish, link, t, modes_of_symbol_rate(2e6))
    >>> len(set(series.index.tolist())) > 1
    True
    """
    if dish_m is not None:
        link = link.model_copy(update={"receive_dish_m": dish_m, "receive_gain_dbi": None})
    width = _width_deg(link)
    seen = almanac.station(site, ground_station, t)
    sun = almanac.sun(site, t)
    to_dish = _vectors(seen.azimuth_deg, seen.elevation_deg, seen.distance_m)
    to_sun = _vectors(sun.azimuth_deg, sun.elevation_deg, sun.distance_m)
    to_centre = np.array([[0.0], [0.0], [-(_MOON_RADIUS_M + site.height_m)]])
    moon_off, moon_m = _apart(to_centre - to_dish, -to_dish)
    sun_off, sun_m = _apart(to_sun - to_dish, -to_dish)
    up = seen.moon_elevation_deg >= _LOWEST_DEG
    air = air_loss_db(np.where(up, seen.moon_elevation_deg, 90.0), zenith_loss_db)
    warm = disc_noise_k(moon_brightness_k, moon_off, np.rad2deg(np.arcsin(_MOON_RADIUS_M / moon_m)), width)
    shine = disc_noise_k(
        sun_brightness_k(link.frequency_hz), sun_off, np.rad2deg(np.arcsin(_SUN_RADIUS_M / sun_m)), width
    )
    if link.system_temperature_k is None:
        raise InputError("no system_temperature_k", where=f"links[{link.id}]", advice="add it to the plan")
    noise = link.system_temperature_k + air_noise_k(air) + (warm + shine) * 10.0 ** (-air / 10.0)
    loss = air + pointing_loss_db(error_deg, width)
    density = carrier_to_noise_db_hz(link, seen.distance_m, temperature_k=noise, loss_db=loss)
    density = np.where(up, density, -np.inf)
    rate, index = best_mode(density, modes, margin_db=margin_db)
    need = np.array([*(mode.required_db_hz for mode in modes), np.nan])
    kept = np.where(index >= 0, density - need[index], np.nan)
    return LinkSeries(
        seen.time,
        seen.distance_m,
        seen.moon_elevation_deg,
        noise,
        density,
        rate,
        index,
        tuple(modes),
        kept,
    )


def _width_deg(link: Link) -> Floats:
    """Width of the receiving beam."""
    if link.receive_dish_m is None:
        raise InputError("no receive_dish_m", where=f"links[{link.id}]", advice="add it, or give dish_m")
    return beam_width_deg(link.receive_dish_m, link.frequency_hz)


def _vectors(azimuth_deg: Floats, elevation_deg: Floats, distance_m: Floats) -> Floats:
    """Positions in the site's east, north and up, shape (3, n)."""
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    level = np.cos(elevation)
    return np.asarray(distance_m * np.array([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)]))


def _apart(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Angle between vectors [deg], and the length of the first."""
    cross = np.linalg.norm(np.cross(first, second, axis=0), axis=0)
    angle = np.rad2deg(np.arctan2(cross, np.einsum("in,in->n", first, second)))
    return np.asarray(angle), np.asarray(np.linalg.norm(first, axis=0))

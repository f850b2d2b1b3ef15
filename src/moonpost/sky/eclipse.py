"""Eclipses of the Sun by the Earth: what a place on the Moon, and the whole near side, loses of the Sun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.sky.almanac import Almanac
from moonpost.sky.apparent import EARTH_RADIUS_M, SUN_RADIUS_M
from moonpost.sky.events import bisect, extremes
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import TimeLike, as_utc, iso

__all__ = [
    "Eclipse",
    "NearSideShadow",
    "earth_shadow",
    "eclipse_contacts",
    "eclipse_discs",
    "eclipses",
    "nearside_totality",
    "uncovered_fraction",
]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

_STEP_S = 12.0 * 3600.0
_HALF = np.timedelta64(6, "h").astype("timedelta64[ms]")
_LUNATION = np.timedelta64(15 * 24, "h").astype("timedelta64[ms]")
_NAT = np.datetime64("NaT", "ms")


@dataclass(frozen=True)
class Eclipse:
    """An eclipse of the Sun by the Earth at one place on the Moon.

    Parameters
    ----------
    partial_start, partial_stop : numpy.datetime64
        First and fourth contact: the Earth's disc touches the Sun's from outside, UTC.
    total_start, total_stop : numpy.datetime64
        Second and third contact: the last direct ray goes, the first comes back; NaT in a partial eclipse.
    greatest : numpy.datetime64
        When the centres of the discs are closest.
    least_uncovered : float
        Fraction of the Sun's disc that stays uncovered then, 0 to 1.
    sun_elevation_deg : float
        Elevation of the Sun's centre then [deg].

    Notes
    -----
    Contacts are geometric: a sharp limb and no air. A camera on the Moon sees light before third contact and
    after second; see `moonpost.sky.refraction`.

    Examples
    --------
    >>> eclipse = eclipse_contacts(Almanac.default(), Site(0.0, 0.0), "2025-03-14", 1.0)
    >>> eclipse.total, round(eclipse.total_s / 60.0)
    (True, 146)
    """

    partial_start: np.datetime64
    total_start: np.datetime64
    greatest: np.datetime64
    total_stop: np.datetime64
    partial_stop: np.datetime64
    least_uncovered: float
    sun_elevation_deg: float

    @property
    def total(self) -> bool:
        """Whether the whole disc is covered for a while.

        Returns
        -------
        bool
            False for a partial eclipse.
        """
        return not bool(np.isnat(self.total_start))

    @property
    def duration_s(self) -> float:
        """Time from first to fourth contact [s].

        Returns
        -------
        float
            Seconds.
        """
        return float((self.partial_stop - self.partial_start) / np.timedelta64(1, "s"))

    @property
    def total_s(self) -> float:
        """Time without any direct sunlight [s].

        Returns
        -------
        float
            Seconds; 0 in a partial eclipse.
        """
        return float((self.total_stop - self.total_start) / np.timedelta64(1, "s")) if self.total else 0.0


@dataclass(frozen=True)
class NearSideShadow:
    """The umbra on the Moon as a whole: contacts U1 to U4 of a lunar eclipse.

    Parameters
    ----------
    umbra_start, umbra_stop : numpy.datetime64
        U1 and U4: the first place loses the whole Sun, the last place sees its edge again, UTC.
    total_start, total_stop : numpy.datetime64
        U2 and U3: between them no sunlit place is left on the Moon; NaT if that never happens.

    Examples
    --------
    >>> shadow = nearside_totality(Almanac.default(), "2025-03-14", 1.01)
    >>> shadow.umbra_start < shadow.total_start < shadow.total_stop < shadow.umbra_stop
    np.True_
    """

    umbra_start: np.datetime64
    total_start: np.datetime64
    total_stop: np.datetime64
    umbra_stop: np.datetime64


def uncovered_fraction(separation_deg: npt.ArrayLike, sun_deg: npt.ArrayLike, earth_deg: npt.ArrayLike) -> Floats:
    """Fraction of the Sun's disc that a second disc leaves uncovered.

    Parameters
    ----------
    separation_deg : array_like
        Angle between the centres [deg].
    sun_deg, earth_deg : array_like
        Angular radii of the Sun and of the covering disc [deg].

    Returns
    -------
    ndarray
        1 where the discs are apart, 0 where the Sun is covered.

    Notes
    -----
    Area of the lens common to two circles, in the plane: with d, r, R the separation and radii,
    r^2 acos((d^2 + r^2 - R^2) / 2dr) + R^2 acos((d^2 + R^2 - r^2) / 2dR) - K, where K is half the root of
    (-d+r+R)(d+r-R)(d-r+R)(d+r+R). Discs below 2 deg: the plane costs less than 0.0002. A disc of even
    brightness; limb darkening would change the fraction by up to 0.023.

    Examples
    --------
    >>> uncovered_fraction([2.0, 0.0, 1.0], 0.25, [0.9, 0.9, 1.0]).round(3).tolist()
    [1.0, 0.0, 0.527]
    """
    d, r, big = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (separation_deg, sun_deg, earth_deg)))
    apart, near = d >= r + big, d <= np.abs(r - big)
    safe = np.where(apart | near, r + big, d)
    lens = r**2 * _arc(safe, r, big) + big**2 * _arc(safe, big, r)
    root = (-safe + r + big) * (safe + r - big) * (safe - r + big) * (safe + r + big)
    lens = lens - 0.5 * np.sqrt(np.maximum(root, 0.0))
    inside = np.minimum(r, big) ** 2 / r**2
    return np.where(apart, 1.0, np.clip(1.0 - np.where(near, inside, lens / (np.pi * r**2)), 0.0, 1.0))


def earth_shadow(almanac: Almanac, site: Site, t: TimeLike, earth_radius_scale: float) -> Floats:
    """Fraction of the Sun's disc that the Earth leaves uncovered.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The observer.
    t : datetime64 array or other times
        UTC, shape (n,).
    earth_radius_scale : float
        Radius of the opaque disc in equatorial radii of the Earth: 1.0 is the solid Earth, 1.01 Danjon's
        enlargement for the atmosphere.

    Returns
    -------
    ndarray, shape (n,)
        1 outside eclipses, 0 in totality. The horizon is not looked at: at night multiply with the visibility
        of the Sun.

    Raises
    ------
    DateError
        If a date cannot be read or lies outside the kernels.
    InputError
        If `earth_radius_scale` is not from 0.9 to 1.2.

    Examples
    --------
    >>> t = ["2025-03-14T03:00", "2025-03-14T05:30", "2025-03-14T07:00"]
    >>> earth_shadow(Almanac.default(), Site(18.56, 61.81), t, 1.0).round(2).tolist()
    [1.0, 0.66, 0.0]
    """
    scale = _scale(earth_radius_scale)
    return uncovered_fraction(*eclipse_discs(almanac, site, as_utc(t).ravel(), scale))


def eclipse_contacts(almanac: Almanac, site: Site, near: TimeLike, earth_radius_scale: float) -> Eclipse:
    """Find the contacts of the eclipse of the Sun by the Earth that is nearest to a date.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The observer.
    near : str, datetime or datetime64
        Date within 15 days of the eclipse, UTC.
    earth_radius_scale : float
        Radius of the opaque disc in equatorial radii of the Earth.

    Returns
    -------
    Eclipse
        Contacts to 0.1 s of the geometry; the flattening of the Earth, which is neglected, can shift them by 30 s.

    Raises
    ------
    DateError
        If the date cannot be read or lies outside the kernels.
    InputError
        If `earth_radius_scale` is not from 0.9 to 1.2.
    ModelError
        If the site has no eclipse within 15 days of the date.

    Examples
    --------
    >>> eclipse = eclipse_contacts(Almanac.default(), Site(18.56, 61.81), "2025-03-14", 1.0)
    >>> str(eclipse.total_stop)[:16]
    '2025-03-14T08:34'
    """
    date = as_utc(near).reshape(-1)[0]
    found = eclipses(almanac, site, date - _LUNATION, date + _LUNATION, earth_radius_scale)
    if not found:
        raise ModelError(
            f"no eclipse of the Sun by the Earth within 15 days of {iso(date)}",
            where=f"site {site.latitude_deg:g}, {site.longitude_deg:g}",
            advice="list the eclipses of a longer period with 'eclipses'",
        )
    return min(found, key=lambda eclipse: abs(eclipse.greatest - date))


def eclipses(
    almanac: Almanac,
    site: Site,
    start: TimeLike,
    stop: TimeLike,
    earth_radius_scale: float,
    lowest_sun_deg: float = -5.0,
) -> tuple[Eclipse, ...]:
    """List all eclipses of the Sun by the Earth at a place in a period.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The observer.
    start, stop : str, datetime or datetime64
        Period, UTC; eclipses that begin before or end after it are listed too.
    earth_radius_scale : float
        Radius of the opaque disc in equatorial radii of the Earth.
    lowest_sun_deg : float, default -5.0
        Eclipses throughout which the Sun stays below this elevation are left out. The default keeps those that a
        mountain top may see past the level horizon.

    Returns
    -------
    tuple of Eclipse
        In order of time.

    Raises
    ------
    DateError
        If a date cannot be read, lies outside the kernels, or `stop` does not lie after `start`.
    InputError
        If `earth_radius_scale` is not from 0.9 to 1.2.

    Notes
    -----
    Every closest approach of the two centres (once a lunation) is found first, then the contacts round it.

    Examples
    --------
    >>> found = eclipses(Almanac.default(), Site(0.0, 0.0), "2025-01-01", "2026-01-01", 1.0)
    >>> [(str(eclipse.greatest)[:10], eclipse.total) for eclipse in found]
    [('2025-03-14', True), ('2025-09-07', True)]
    """
    scale = _scale(earth_radius_scale)
    first, last = (as_utc(t).reshape(-1)[0] for t in (start, stop))
    low, high = almanac.span
    begin, end = (
        max(first - _HALF, low) if first >= low else first,
        min(last + _HALF, high) if last <= high else last,
    )
    closest = extremes(lambda t: eclipse_discs(almanac, site, t, scale)[0], begin, end, _STEP_S, highest=False)
    separation, sun, earth = eclipse_discs(almanac, site, closest, scale)
    touched = closest[separation < sun + earth]
    return tuple(
        eclipse
        for eclipse in _contacts(almanac, site, touched, scale, lowest_sun_deg)
        if eclipse.partial_stop >= first and eclipse.partial_start <= last
    )


def nearside_totality(almanac: Almanac, near: TimeLike, earth_radius_scale: float) -> NearSideShadow:
    """Find when the whole near side of the Moon lies in the Earth's umbra.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    near : str, datetime or datetime64
        Date within 15 days of the eclipse, UTC.
    earth_radius_scale : float
        Radius of the opaque disc in equatorial radii of the Earth. With 1.01 (Danjon) the contacts are those of
        eclipse canons.

    Returns
    -------
    NearSideShadow
        Contacts U1 to U4.

    Raises
    ------
    DateError
        If the date cannot be read or lies outside the kernels.
    InputError
        If `earth_radius_scale` is not from 0.9 to 1.2.
    ModelError
        If the umbra does not reach the Moon within 15 days of the date.

    Notes
    -----
    At full Moon the side in sunlight is the near side, so it is wholly in shadow exactly while the whole sphere
    of the Moon lies inside the umbral cone, which touches the Sun and the (enlarged) Earth from outside. With f
    its half-angle, x the distance of its apex behind the Earth, and p, d the Moon's centre along and off the
    axis, the clearance inside the cone is (x - p) sin f - d cos f; U2 and U3 are where it equals the Moon's
    radius, U1 and U4 where it equals minus that. The Sun and the Earth stand where they appear from the Moon.

    References
    ----------
    Espenak and Meeus (2009), Five Millennium Canon of Lunar Eclipses, NASA/TP-2009-214172; Danjon (1951),
    L'Astronomie 65, 51.

    Examples
    --------
    >>> shadow = nearside_totality(Almanac.default(), "2025-03-14", 1.01)
    >>> str(shadow.total_start)[11:16], str(shadow.total_stop)[11:16]
    ('06:26', '07:31')
    """
    scale = _scale(earth_radius_scale)
    date = as_utc(near).reshape(-1)[0]

    def clearance(t: Times) -> Floats:
        return _clearance_m(almanac, t, scale)

    peaks = extremes(clearance, date - _LUNATION, date + _LUNATION, _STEP_S, highest=True)
    peaks = peaks[clearance(peaks) > -MOON_RADIUS_M] if peaks.size else peaks
    if not peaks.size:
        raise ModelError(
            f"the umbra does not reach the Moon within 15 days of {iso(date)}",
            advice="give the date of a lunar eclipse",
        )
    peak = peaks[np.argmin(np.abs(peaks - date))]
    at = np.array([peak])
    outer = _round(lambda t: clearance(t) + MOON_RADIUS_M, at)
    inner = _round(lambda t: clearance(t) - MOON_RADIUS_M, at)
    return NearSideShadow(outer[0, 0], inner[0, 0], inner[1, 0], outer[1, 0])


def eclipse_discs(almanac: Almanac, site: Site, t: Times, scale: float) -> tuple[Floats, Floats, Floats]:
    """Separation of the Sun and the Earth in a site's sky, and their angular radii.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The observer.
    t : ndarray of datetime64[ms], shape (n,)
        UTC.
    scale : float
        Radius of the opaque disc in equatorial radii of the Earth.

    Returns
    -------
    separation_deg, sun_deg, earth_deg : ndarray, shape (n,)
        Angle between the centres, angular radius of the Sun and of the opaque disc [deg].

    Examples
    --------
    >>> import numpy as np
    >>> day = np.array(["2025-03-14T07:26"], dtype="datetime64[ms]")
    >>> discs = eclipse_discs(Almanac.default(), Site(18.56, 61.81), day, 1.0)
    >>> [float(disc[0].round(2)) for disc in discs]
    [0.37, 0.27, 0.91]
    """
    sun = almanac.moon_fixed_m("sun", t, apparent=True, observer_m=site.position_m)
    earth = almanac.moon_fixed_m("earth", t, apparent=True, observer_m=site.position_m)
    across = np.linalg.norm(np.cross(sun, earth), axis=1)
    separation = np.rad2deg(np.arctan2(across, np.einsum("ni,ni->n", sun, earth)))
    sizes = (SUN_RADIUS_M / np.linalg.norm(sun, axis=1), scale * EARTH_RADIUS_M / np.linalg.norm(earth, axis=1))
    return separation, np.rad2deg(np.arcsin(sizes[0])), np.rad2deg(np.arcsin(sizes[1]))


def _contacts(almanac: Almanac, site: Site, greatest: Times, scale: float, lowest_sun_deg: float) -> list[Eclipse]:
    """Contacts round closest approaches at which the discs overlap and the Sun is high enough."""
    if not greatest.size:
        return []

    def deeper(sign: float) -> Callable[[Times], Floats]:
        def function(t: Times) -> Floats:
            separation, sun, earth = eclipse_discs(almanac, site, t, scale)
            return earth + sign * sun - separation

        return function

    outer = _round(deeper(1.0), greatest)
    when = np.stack([outer[0], greatest, outer[1]])
    elevation = almanac.sun(site, when).elevation_deg.reshape(when.shape)
    kept = elevation.max(axis=0) >= lowest_sun_deg
    inner = _round(deeper(-1.0), greatest)
    least = uncovered_fraction(*eclipse_discs(almanac, site, greatest, scale))
    return [
        Eclipse(
            outer[0, i],
            inner[0, i],
            greatest[i],
            inner[1, i],
            outer[1, i],
            float(least[i]),
            float(elevation[1, i]),
        )
        for i in np.flatnonzero(kept)
    ]


def _round(function: Callable[[Times], Floats], peak: Times) -> Times:
    """Zeros of a function before and after peaks where it is positive, shape (2, n); NaT where it is not."""
    found = np.full((2, peak.size), _NAT)
    rows = np.flatnonzero(function(peak) > 0.0)
    found[0, rows] = bisect(function, peak[rows] - _HALF, peak[rows])
    found[1, rows] = bisect(function, peak[rows], peak[rows] + _HALF)
    return found


def _clearance_m(almanac: Almanac, t: Times, scale: float) -> Floats:
    """How far inside the umbral cone the Moon's centre lies [m]."""
    radius = scale * EARTH_RADIUS_M
    sun = almanac.moon_fixed_m("sun", t, apparent=True)
    earth = almanac.moon_fixed_m("earth", t, apparent=True)
    axis = earth - sun
    length = np.linalg.norm(axis, axis=1)
    axis /= length[:, None]
    along = -np.einsum("ni,ni->n", earth, axis)
    off = np.linalg.norm(earth + along[:, None] * axis, axis=1)
    sin_f = (SUN_RADIUS_M - radius) / length
    inside = radius - along * sin_f - off * np.sqrt(1.0 - sin_f**2)
    return np.where(along > 0.0, inside, -length)


def _arc(d: Floats, r: Floats, other: Floats) -> Floats:
    """Half the angle of the arc of a circle inside the other."""
    apart = np.maximum(d, 1e-12)
    return np.arccos(np.clip((apart**2 + r**2 - other**2) / (2.0 * apart * r), -1.0, 1.0))


def _scale(earth_radius_scale: float) -> float:
    """Check the scale of the Earth's radius."""
    try:
        scale = float(earth_radius_scale)
    except (TypeError, ValueError):
        scale = np.nan
    if not 0.9 <= scale <= 1.2:
        raise InputError(
            f"{earth_radius_scale!r} is not a usable scale",
            where="earth_radius_scale",
            advice="give 1.0 for the solid Earth or 1.01 for Danjon's shadow (0.9 to 1.2)",
        )
    return scale

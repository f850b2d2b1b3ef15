"""Vectors from the Moon's centre to bodies, worked out once for all sites that ask at the same times."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError
from moonpost.sky.apparent import LIGHT_SPEED_M_S, aberrated
from moonpost.sky.kernelfiles import KernelSet

__all__ = ["EARTH", "MOON", "SUN", "View", "Views", "light_time"]

Floats = npt.NDArray[np.float64]

SUN, EARTH, MOON = 10, 399, 301
_CHUNK = 65_536
_KEPT = 4
_LEAST_KEPT, _MOST_KEPT = 4096, 400_000
_SOUND_KM = {SUN: (1.44e8, 1.56e8), EARTH: (3.5e5, 4.12e5)}
_LIGHT_KM_S = LIGHT_SPEED_M_S / 1000.0


@dataclass(frozen=True, eq=False)
class View:
    """A body from the Moon's centre, in MOON_ME axes at the time of observation.

    Parameters
    ----------
    vector_m : ndarray, shape (3, n)
        To where the body was when the light that arrives at the Moon's centre left it [m].
    body_velocity_m_s : ndarray, shape (3, n)
        Velocity of the body from the Solar System barycentre then [m/s].
    moon_velocity_m_s : ndarray, shape (3, n)
        Velocity of the Moon from the barycentre at the time of observation [m/s].
    light_s : ndarray, shape (n,)
        Light time to the Moon's centre [s].
    geometric_offset_m : ndarray, shape (3, n)
        What the body moved during the light time [m].

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths, read_kernels
    >>> view = Views(read_kernels(default_paths())).view(EARTH, np.zeros(1))
    >>> float(view.light_s[0].round(2))
    1.34
    """

    vector_m: Floats
    body_velocity_m_s: Floats
    moon_velocity_m_s: Floats
    light_s: Floats
    geometric_offset_m: Floats

    def from_place(self, origin_m: Floats) -> Floats:
        """Apparent vectors from a place in MOON_ME.

        Parameters
        ----------
        origin_m : ndarray, shape (3, 1) or (3, n)
            The place [m].

        Returns
        -------
        ndarray, shape (3, n)
            Vectors [m] with the light time to the place itself, and aberration.
        """
        vector = self.vector_m - origin_m
        distance = np.sqrt(np.einsum("in,in->n", vector, vector))
        later_s = distance / LIGHT_SPEED_M_S - self.light_s
        return aberrated(vector - later_s * self.body_velocity_m_s, self.moon_velocity_m_s)

    def geometric_m(self) -> Floats:
        """Vectors from the Moon's centre to where the body is at the time itself.

        Returns
        -------
        ndarray, shape (3, n)
            Vectors [m].
        """
        return self.vector_m + self.geometric_offset_m


class Views:
    """Views of bodies for an open set of kernels; the latest are kept for further sites.

    Parameters
    ----------
    kernels : KernelSet
        The kernels.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths, read_kernels
    >>> Views(read_kernels(default_paths())).view(SUN, np.zeros(3)).vector_m.shape
    (3, 3)
    """

    def __init__(self, kernels: KernelSet) -> None:
        self._set = kernels
        self._kept: OrderedDict[tuple[int, bytes], View] = OrderedDict()
        self._lock = threading.Lock()

    def view(self, body: int, seconds: Floats) -> View:
        """View of a body at times inside the kernels.

        Parameters
        ----------
        body : int
            NAIF identifier.
        seconds : ndarray, shape (n,)
            TDB seconds since J2000 [s].

        Returns
        -------
        View
            Vectors and velocities.

        Raises
        ------
        DataError
            If the Sun or the Earth comes out where it cannot be, which tells of damaged kernels.
        """
        if not _LEAST_KEPT <= seconds.size <= _MOST_KEPT:
            return self._compute(body, seconds)
        key = (body, hashlib.blake2b(seconds.tobytes(), digest_size=16).digest())
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = self._compute(body, seconds)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _compute(self, body: int, seconds: Floats) -> View:
        parts = [self._part(body, seconds[i : i + _CHUNK]) for i in range(0, max(seconds.size, 1), _CHUNK)]
        if len(parts) == 1:
            return parts[0]
        return View(
            *(
                np.concatenate([getattr(part, name) for part in parts], axis=-1)
                for name in View.__dataclass_fields__
            )
        )

    def _part(self, body: int, seconds: Floats) -> View:
        """Vectors for at most one chunk of times."""
        ephemeris = self._set.ephemeris
        turn = self._set.orientation.matrices(seconds)
        moon = ephemeris.state_km(MOON, seconds, rates=True)
        place, light = light_time(self._set, body, seconds, moon[:3])
        _check(body, place[:3] - moon[:3])
        moved = ephemeris.state_km(body, seconds) - place[:3]
        vectors = (place[:3] - moon[:3], place[3:], moon[3:], moved)
        in_me = [1000.0 * np.einsum("ijn,jn->in", turn, vector) for vector in vectors]
        return View(in_me[0], in_me[1], in_me[2], light, in_me[3])


def light_time(kernels: KernelSet, body: int, seconds: Floats, observer_km: Floats) -> tuple[Floats, Floats]:
    """Where a body was when the light left it that arrives at an observer.

    Parameters
    ----------
    kernels : KernelSet
        The kernels.
    body : int
        NAIF identifier.
    seconds : ndarray, shape (n,)
        Times of arrival, TDB seconds since J2000 [s].
    observer_km : ndarray, shape (3, n)
        Observer from the barycentre in J2000 [km].

    Returns
    -------
    state : ndarray, shape (6, n)
        Body from the barycentre when the light left [km], and its velocity then [km/s].
    light_s : ndarray, shape (n,)
        Light time [s].

    Notes
    -----
    Three rounds of t - |r|/c; each shrinks the error by the body's speed over that of light, 1e-4.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths, read_kernels
    >>> kernels = read_kernels(default_paths())
    >>> moon = kernels.ephemeris.state_km(MOON, np.zeros(1))
    >>> float(light_time(kernels, SUN, np.zeros(1), moon)[1][0].round(0))
    490.0
    """
    light = np.zeros(seconds.size)
    for _ in range(2):
        place = kernels.ephemeris.state_km(body, seconds - light)
        light = _length(place - observer_km) / _LIGHT_KM_S
    state = kernels.ephemeris.state_km(body, seconds - light, rates=True)
    return state, _length(state[:3] - observer_km) / _LIGHT_KM_S


def _length(vectors: Floats) -> Floats:
    """Length of vectors of shape (3, n)."""
    return np.sqrt(np.einsum("in,in->n", vectors, vectors))


def _check(body: int, vector_km: Floats) -> None:
    """Notice kernels whose polynomials are damaged by the distances they give."""
    low, high = _SOUND_KM.get(body, (0.0, np.inf))
    distance = _length(vector_km)
    if not ((distance >= low) & (distance <= high)).all():
        raise DataError(
            f"a distance of {float(np.nanmax(distance)):.6g} km between the Moon and body {body} is impossible",
            where="the loaded SPK kernels",
            advice="a file is damaged; get it again",
        )

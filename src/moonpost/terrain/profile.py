"""The horizon seen from one place: values, their origin, and files that keep both."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import DataError, InputError
from moonpost.files import write_text
from moonpost.sky.site import Site

__all__ = ["HorizonProfile"]

_KIND = "moonpost horizon profile"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class HorizonProfile:
    """Elevation of the horizon at equally spaced azimuths.

    Parameters
    ----------
    azimuth_deg : ndarray, shape (n,)
        Azimuths [deg], clockwise from true north, equally spaced from 0.
    elevation_deg : ndarray, shape (n,)
        Highest elevation of the ground [deg] above the plane at right angles to the local vertical; negative where
        the ground falls away.
    distance_m : ndarray, shape (n,)
        Distance along the sphere to the point that makes the horizon [m].
    site : Site
        The place, with the height of the ground.
    mast_m : float
        Height of the eye above the ground [m].
    grade : {"site", "screening"}
        Whether the terrain behind it is fine and complete enough to size hardware, see `moonpost.terrain.horizon`.
    provenance : dict
        Terrain files with digests, versions, and what limits the result.
    reach_m : ndarray, shape (n,), optional
        Distance to which the terrain is known on each azimuth where it ends too early [m]; infinite where it is
        known as far as it can matter (everywhere if not given).

    Raises
    ------
    InputError
        If the arrays do not fit or hold NaN.

    Examples
    --------
    >>> flat = HorizonProfile.flat(Site(-89.5, 0.0), azimuths=8)
    >>> float(flat.at(10.0))
    0.0
    """

    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    site: Site
    mast_m: float
    grade: Literal["site", "screening"]
    provenance: dict[str, Any]
    reach_m: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        azimuth = _array(self.azimuth_deg, "azimuth_deg")
        object.__setattr__(self, "azimuth_deg", azimuth)
        n = azimuth.size
        if n < 4 or not np.allclose(azimuth, np.arange(n) * 360.0 / n, rtol=0.0, atol=1e-6):
            raise InputError(
                "azimuths must be equally spaced from 0 over the whole circle, at least 4",
                where="azimuth_deg",
                advice="resample the profile first",
            )
        reach = np.full(n, np.inf) if self.reach_m is None else self.reach_m
        for name, value, infinite in (
            ("elevation_deg", self.elevation_deg, False),
            ("distance_m", self.distance_m, False),
            ("reach_m", reach, True),
        ):
            object.__setattr__(self, name, _array(value, name, n, infinite=infinite))
        if np.any(np.abs(self.elevation_deg) > 90.0):
            raise InputError("an elevation is beyond 90 deg", where="elevation_deg", advice="give degrees")
        if self.grade not in ("site", "screening"):
            raise InputError(f"unknown grade {self.grade!r}", where="grade", advice="give 'site' or 'screening'")
        if not (math.isfinite(self.mast_m) and self.mast_m >= 0.0):
            raise InputError(f"mast of {self.mast_m!r} m", where="mast_m", advice="give a height of 0 m or more")

    @classmethod
    def flat(
        cls, site: Site, mast_m: float = 0.0, azimuths: int = 720, elevation_deg: float = 0.0
    ) -> HorizonProfile:
        """Horizon at one elevation all around, for studies without terrain.

        Parameters
        ----------
        site : Site
            The place.
        mast_m : float, default 0.0
            Height of the eye [m], kept as it is.
        azimuths : int, default 720
            Number of azimuths.
        elevation_deg : float, default 0.0
            Its elevation [deg].

        Returns
        -------
        HorizonProfile
            Graded "screening".
        """
        return cls(
            azimuth_deg=np.arange(azimuths) * 360.0 / azimuths,
            elevation_deg=np.full(azimuths, float(elevation_deg)),
            distance_m=np.zeros(azimuths),
            site=site,
            mast_m=mast_m,
            grade="screening",
            provenance={"note": "a level horizon, no terrain"},
        )

    def at(self, azimuth_deg: ArrayLike) -> NDArray[np.float64]:
        """Elevation of the horizon at any azimuth, linear between those of the profile.

        Parameters
        ----------
        azimuth_deg : array_like
            Azimuths [deg], any number of turns.

        Returns
        -------
        ndarray
            Elevations [deg], in the shape of the input.
        """
        azimuth = np.asarray(azimuth_deg, dtype=np.float64)
        if not np.all(np.isfinite(azimuth)):
            raise InputError("an azimuth is not finite", where="azimuth_deg", advice="remove NaN and infinity")
        return np.asarray(np.interp(azimuth, self.azimuth_deg, self.elevation_deg, period=360.0))

    @property
    def complete(self) -> bool:
        """Whether the terrain is known as far as it can matter on every azimuth."""
        return bool(np.all(np.isinf(self.reach_m)))  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, elevations to 0.001 deg and distances to 10 m.

        Returns
        -------
        dict
            What `from_dict` reads; the spacing of the azimuths is given by their number.
        """
        reach = np.asarray(self.reach_m)
        return {
            "kind": _KIND,
            "version": _VERSION,
            "latitude_deg": self.site.latitude_deg,
            "longitude_deg": self.site.longitude_deg,
            "height_m": round(self.site.height_m, 2),
            "mast_m": self.mast_m,
            "grade": self.grade,
            "provenance": self.provenance,
            "azimuths": int(self.azimuth_deg.size),
            "elevation_deg": [round(float(value), 3) + 0.0 for value in self.elevation_deg],
            "distance_m": [round(float(value) / 10.0) * 10 for value in self.distance_m],
            "reach_m": None
            if self.complete
            else [None if math.isinf(value) else round(float(value) / 10.0) * 10 for value in reach],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "horizon profile") -> HorizonProfile:
        """Read what `to_dict` made.

        Parameters
        ----------
        data : mapping
            Plain data.
        where : str
            Named in errors.

        Returns
        -------
        HorizonProfile
            The profile.

        Raises
        ------
        DataError
            If it is not a horizon profile or has a fault.
        """
        advice = "compute it again with moonpost.terrain.horizon and save it"
        if not isinstance(data, Mapping) or data.get("kind") != _KIND or data.get("version") != _VERSION:
            raise DataError("not a horizon profile of this version", where=where, advice=advice)
        try:
            count = int(data["azimuths"])
            reach = data.get("reach_m")
            return cls(
                azimuth_deg=np.arange(count) * 360.0 / max(count, 1),
                elevation_deg=np.asarray(data["elevation_deg"], dtype=np.float64),
                distance_m=np.asarray(data["distance_m"], dtype=np.float64),
                site=Site(data["latitude_deg"], data["longitude_deg"], data["height_m"]),
                mast_m=float(data["mast_m"]),
                grade=data["grade"],
                provenance=dict(data["provenance"]),
                reach_m=None if reach is None else np.array([math.inf if v is None else float(v) for v in reach]),
            )
        except KeyError as error:
            raise DataError(f"lacks the key {error.args[0]!r}", where=where, advice=advice) from error
        except (TypeError, ValueError) as error:
            raise DataError(f"has a fault ({error})", where=where, advice=advice) from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the profile as JSON, atomically.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        pathlib.Path
            The file.
        """
        return write_text(path, json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> HorizonProfile:
        """Read a profile that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        HorizonProfile
            The profile.

        Raises
        ------
        DataError
            If the file is missing, cut short or something else.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot be read ({error})", where=str(path), advice="check the path and the file"
            ) from error
        return cls.from_dict(data, where=str(path))


def _array(value: ArrayLike, name: str, size: int | None = None, *, infinite: bool = False) -> NDArray[np.float64]:
    """A read-only copy, checked."""
    array = np.array(value, dtype=np.float64)
    if array.ndim != 1 or (size is not None and array.size != size):
        raise InputError(f"has shape {array.shape}", where=name, advice="give one value for each azimuth")
    if np.any(np.isnan(array)) or (not infinite and np.any(np.isinf(array))):
        raise InputError("holds NaN or infinity", where=name, advice="give finite values")
    array.flags.writeable = False
    return array

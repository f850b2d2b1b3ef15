"""Gnomonic charts of terrain, on which all lines of sight are straight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.area import MapArea

__all__ = ["Gnomonic", "turns"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gnomonic:
    """Chart of the ground about a direction: great circles and lines of sight are straight on it.

    Parameters
    ----------
    axes : ndarray, shape (3, 3)
        Unit vectors to the right, to the top and from the Moon's centre to the middle of the chart, as rows.

    Notes
    -----
    The point (R + h) u, seen in the chart with the middle c and the axes e and n, is at

    ``X = R (u . e) / (u . c),  Y = R (u . n) / (u . c),  W = R - R^2 / ((R + h) (u . c))``

    This map of space is projective: straight lines stay straight, and planes through the Moon's centre stand
    upright. An observer at X, Y and height H whose horizon has the slope s along the unit direction d of the chart
    (W against the distance on the chart) sees it at the elevation e above the local horizontal:

    ``tan e = (m + s (1 + H / R)) / sqrt(1 - m^2),  m = (X dx + Y dy) / sqrt(X^2 + Y^2 + R^2)``

    References
    ----------
    Snyder, J. P. (1987), Map projections: a working manual, USGS Professional Paper 1395, chapter 22,
    DOI 10.3133/pp1395.

    Examples
    --------
    >>> chart = Gnomonic.of(MapArea.about(-89.0, 0.0, 10e3, cell_m=100.0))
    >>> x, y, nearness = chart.plane(chart.directions(np.array([3e3]), np.array([-4e3])))
    >>> x.round(3), y.round(3)
    (array([3000.]), array([-4000.]))
    """

    axes: Floats

    @classmethod
    def of(cls, area: MapArea) -> Gnomonic:
        """Make the chart about the middle of a map, its top the map's top there.

        Parameters
        ----------
        area : MapArea
            The map.

        Returns
        -------
        Gnomonic
            The chart.
        """
        place = area.centre
        east, north, up = place.basis
        turn = np.radians(area.convergence_deg(place.latitude_deg, place.longitude_deg))
        top = north * np.cos(turn) - east * np.sin(turn)
        return cls(np.stack([np.cross(top, up), top, up]))

    def plane(self, directions: Floats) -> tuple[Floats, Floats, Floats]:
        """Coordinates on the chart.

        Parameters
        ----------
        directions : ndarray, shape (..., 3)
            Unit vectors from the Moon's centre, less than a quarter of the way round from the middle.

        Returns
        -------
        x_m, y_m : ndarray, shape (...)
            Coordinates [m].
        nearness : ndarray, shape (...)
            Cosine of the angle from the middle.
        """
        right, top, nearness = (directions @ axis for axis in self.axes)
        return MOON_RADIUS_M * right / nearness, MOON_RADIUS_M * top / nearness, nearness

    def directions(self, x_m: Floats, y_m: Floats) -> Floats:
        """Unit vectors of coordinates on the chart.

        Parameters
        ----------
        x_m, y_m : ndarray, shape (...)
            Coordinates [m].

        Returns
        -------
        ndarray, shape (..., 3)
            Unit vectors from the Moon's centre.
        """
        x, y = x_m[..., None] / MOON_RADIUS_M, y_m[..., None] / MOON_RADIUS_M
        vectors = x * self.axes[0] + y * self.axes[1] + self.axes[2]
        return np.asarray(vectors / np.sqrt(1.0 + x * x + y * y))

    def turns(self, area: MapArea, directions: Floats) -> Floats:
        """How directions on a map turn into directions on the chart.

        Parameters
        ----------
        area : MapArea
            The map.
        directions : ndarray, shape (..., 3)
            Unit vectors of the places.

        Returns
        -------
        ndarray, shape (..., 2, 2)
            Matrices that turn (sine, cosine) of a map azimuth into a vector along X and Y, of a length that
            depends on the direction.
        """
        frame = area.frame(directions)
        _, _, nearness = self.plane(directions)
        right, top, middle = self.axes
        result = np.empty((*directions.shape[:-1], 2, 2))
        for column, tangent in enumerate(frame):
            approach = tangent @ middle
            result[..., 0, column] = (tangent @ right) * nearness - (directions @ right) * approach
            result[..., 1, column] = (tangent @ top) * nearness - (directions @ top) * approach
        return result


def turns(matrices: Floats, azimuths_rad: Floats) -> Floats:
    """Directions on the chart of map azimuths.

    Parameters
    ----------
    matrices : ndarray, shape (..., 2, 2)
        From `Gnomonic.turns`.
    azimuths_rad : ndarray, shape (n,)
        Map azimuths [rad].

    Returns
    -------
    ndarray, shape (..., n)
        Angles on the chart, clockwise from its top [rad], near the map azimuths.

    Examples
    --------
    >>> turns(np.eye(2), np.array([0.25, 6.0]))
    array([0.25, 6.  ])
    """
    vectors = matrices @ np.stack([np.sin(azimuths_rad), np.cos(azimuths_rad)])
    angle = np.arctan2(vectors[..., 0, :], vectors[..., 1, :])
    return np.asarray(azimuths_rad + (angle - azimuths_rad + np.pi) % (2.0 * np.pi) - np.pi)

"""Members of families of periodic orbits of the three-body problem: where each family starts and ends."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.flight.continuation import PLANAR, SPATIAL, Chart, Corrected, crossed_at, follow, turns_back
from moonpost.flight.cr3bp import lagrange_state

__all__ = ["halo_members", "lyapunov_members", "retrograde_members"]

Floats = npt.NDArray[np.float64]

_NEAREST = 0.002


def _gap(point: str, mu: float) -> tuple[float, float]:
    """Place of a collinear point, and the natural size of orbits round it."""
    x = float(lagrange_state(point, mu)[0])
    return x, 1.0 if point == "L3" else abs(x - 1.0 + mu)


def _seed(point: str, mu: float) -> tuple[Floats, Floats, Chart]:
    """Smallest planar orbit of a point from the linear motion, its direction of growth, and the chart."""
    x, size = _gap(point, mu)
    chart = Chart(*PLANAR, (size, size, size, 1.0))
    pull = mu / abs(x - 1.0 + mu) ** 3 + (1.0 - mu) / abs(x + mu) ** 3
    rate = np.sqrt(0.5 * (2.0 - pull + np.sqrt(9.0 * pull**2 - 8.0 * pull)))
    ratio = 0.5 * (rate**2 + 1.0 + 2.0 * pull) / rate
    outward = 1.0 if point == "L2" else -1.0
    amplitude = 1e-3 * size
    start = np.array([x + outward * amplitude, 0.0, -outward * ratio * rate * amplitude, np.pi / rate])
    return start, np.array([outward, -outward * ratio * rate, 0.0]), chart


def _near(member: Corrected, mu: float, small: float, large: float) -> bool:
    """Whether either crossing of the xz plane comes near a body."""
    ends = np.array([[member.unknowns[0], member.unknowns[1]], [member.end[0], member.end[2]]])
    first = np.hypot(ends[:, 0] + mu, ends[:, 1]).min()
    second = np.hypot(ends[:, 0] - 1.0 + mu, ends[:, 1]).min()
    return bool(second < small or first < large)


@lru_cache(maxsize=16)
def _branch(point: str, mu: float) -> Corrected:
    """Planar orbit at which the halo orbits branch off."""
    start, tangent, chart = _seed(point, mu)
    _, size = _gap(point, mu)
    pushes: list[float] = []

    def stop(member: Corrected) -> bool:
        pushes.append(float(member.transition[5, 2]))
        passed = len(pushes) > 1 and pushes[-2] * pushes[-1] <= 0.0
        return passed or _near(member, mu, 0.01 * size, 0.01)

    members = follow(start, tangent, mu, chart, stop)
    if len(pushes) < 2 or pushes[-2] * pushes[-1] > 0.0:
        raise ModelError(
            "no halo orbits branch off the planar ones", where=f"{point}, mu = {mu:g}", advice="try another point"
        )
    return crossed_at(
        members[-2].unknowns, members[-1].unknowns, mu, chart, lambda member: float(member.transition[5, 2])
    )


@lru_cache(maxsize=16)
def halo_members(point: str, mu: float) -> tuple[tuple[Corrected, ...], Chart]:
    """Follow the northern halo orbits of a point, the planar orbit where they branch off first.

    Parameters
    ----------
    point : str
        ``"L1"``, ``"L2"`` or ``"L3"``.
    mu : float
        Mass of the smaller body over that of both [1].

    Returns
    -------
    tuple of Corrected, and Chart
        Members in the order of continuation; unknowns and conditions that hold on the family.

    Raises
    ------
    ModelError
        If none branch off, or they cannot be followed.
    """
    first = _branch(point, mu)
    _, size = _gap(point, mu)
    chart = Chart(*SPATIAL, (size, size, size, 1.0))
    widest = max(1.0, 1.5 * size)

    def stop(member: Corrected) -> bool:
        x, z = member.unknowns[:2]
        if point == "L3":
            return _near(member, mu, 0.01, 0.005)
        return bool(np.hypot(x - 1.0 + mu, z) > widest) or _near(member, mu, _NEAREST * size, _NEAREST)

    members = follow(first.unknowns, np.array([0.0, 1.0, 0.0, 0.0]), mu, chart, stop)
    if len(members) < 5:
        raise ModelError(
            "the halo family cannot be followed", where=f"{point}, mu = {mu:g}", advice="try another point"
        )
    return turns_back([first, *members], mu, chart), chart


@lru_cache(maxsize=16)
def lyapunov_members(point: str, mu: float) -> tuple[tuple[Corrected, ...], Chart]:
    """Follow the planar Lyapunov orbits of a point, the smallest first.

    Parameters
    ----------
    point : str
        ``"L1"``, ``"L2"`` or ``"L3"``.
    mu : float
        Mass of the smaller body over that of both [1].

    Returns
    -------
    tuple of Corrected, and Chart
        Members in the order of continuation; unknowns and conditions that hold on the family.
    """
    start, tangent, chart = _seed(point, mu)
    _, size = _gap(point, mu)

    def stop(member: Corrected) -> bool:
        return abs(member.unknowns[0]) > 2.0 or _near(member, mu, 0.02 * size, 0.1)

    return turns_back(follow(start, tangent, mu, chart, stop), mu, chart), chart


@lru_cache(maxsize=16)
def retrograde_members(mu: float) -> tuple[tuple[Corrected, ...], Chart]:
    """Follow the distant retrograde orbits, the smallest first.

    Parameters
    ----------
    mu : float
        Mass of the smaller body over that of both [1].

    Returns
    -------
    tuple of Corrected, and Chart
        Members in the order of continuation; unknowns and conditions that hold on the family.
    """
    _, size = _gap("L2", mu)
    chart = Chart(*PLANAR, (size, size, size, 1.0))
    radius = 0.03 * size
    rate = np.sqrt(mu / radius**3)
    slowing = 0.5 * rate - 1.0
    lengthening = 1.5 * np.pi * rate * size / (radius * (rate + 1.0) ** 2)
    start = np.array([1.0 - mu + radius, 0.0, -(rate + 1.0) * radius, np.pi / (rate + 1.0)])

    def stop(member: Corrected) -> bool:
        return abs(member.unknowns[0] - 1.0 + mu) > 0.5 or _near(member, mu, 1e-6, 0.05)

    return turns_back(follow(start, np.array([1.0, slowing, lengthening]), mu, chart, stop), mu, chart), chart

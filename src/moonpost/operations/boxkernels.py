"""The temperature of a warm box over one step, by collocation whose quadrature keeps its heat."""

from __future__ import annotations

import math

from numba import njit

__all__ = ["WEIGHT_1", "WEIGHT_2", "WEIGHT_3", "box_flow_k_s", "box_polynomial_k", "box_step"]

_R6 = math.sqrt(6.0)
_C1, _C2 = (4.0 - _R6) / 10.0, (4.0 + _R6) / 10.0
_A11, _A12, _A13 = (88.0 - 7.0 * _R6) / 360.0, (296.0 - 169.0 * _R6) / 1800.0, (-2.0 + 3.0 * _R6) / 225.0
_A21, _A22, _A23 = (296.0 + 169.0 * _R6) / 1800.0, (88.0 + 7.0 * _R6) / 360.0, (-2.0 - 3.0 * _R6) / 225.0
WEIGHT_1, WEIGHT_2, WEIGHT_3 = (16.0 - _R6) / 36.0, (16.0 + _R6) / 36.0, 1.0 / 9.0
"""Weights of the three stages, which lie at 0.155, 0.645 and 1 of a step."""
_E1, _E2, _E3 = (-13.0 - 7.0 * _R6) / 3.0, (-13.0 + 7.0 * _R6) / 3.0, -1.0 / 3.0
_MU = 3.0 + 3.0 ** (2.0 / 3.0) - 3.0 ** (1.0 / 3.0)
_TRACE = _A11 + _A22 + WEIGHT_3
_DET = (
    _A11 * (_A22 * WEIGHT_3 - _A23 * WEIGHT_2)
    - _A12 * (_A21 * WEIGHT_3 - _A23 * WEIGHT_1)
    + _A13 * (_A21 * WEIGHT_2 - _A22 * WEIGHT_1)
)
_J11, _J12, _J13 = (
    _A22 * WEIGHT_3 - _A23 * WEIGHT_2,
    _A13 * WEIGHT_2 - _A12 * WEIGHT_3,
    _A12 * _A23 - _A13 * _A22,
)
_J21, _J22, _J23 = (
    _A23 * WEIGHT_1 - _A21 * WEIGHT_3,
    _A11 * WEIGHT_3 - _A13 * WEIGHT_1,
    _A13 * _A21 - _A11 * _A23,
)
_J31, _J32, _J33 = (
    _A21 * WEIGHT_2 - _A22 * WEIGHT_1,
    _A12 * WEIGHT_1 - _A11 * WEIGHT_2,
    _A11 * _A22 - _A12 * _A21,
)
_MINORS = _J11 + _J22 + _J33


@njit(cache=True, nogil=True, inline="always")
def box_flow_k_s(
    box_k: float, capacity_j_k: float, radiator_w_k4: float, ground_w_k: float, heat_w: float, ground_k: float
) -> float:
    """Rate of change of a box's temperature.

    Parameters
    ----------
    box_k : float
        Temperature [K].
    capacity_j_k : float
        Heat capacity [J/K].
    radiator_w_k4 : float
        Emissivity times Stefan-Boltzmann constant times area [W/K4].
    ground_w_k : float
        Conductance to the ground [W/K].
    heat_w : float
        All other heat that goes in [W].
    ground_k : float
        Temperature of the ground [K].

    Returns
    -------
    float
        [K/s]

    Examples
    --------
    >>> box_flow_k_s(300.0, 1000.0, 0.0, 2.0, 10.0, 295.0)
    0.0
    """
    square = box_k * box_k
    return (heat_w + ground_w_k * (ground_k - box_k) - radiator_w_k4 * square * square) / capacity_j_k


@njit(cache=True, nogil=True)
def box_step(
    box_k: float,
    step_s: float,
    capacity_j_k: float,
    radiator_w_k4: float,
    ground_w_k: float,
    heat_w: float,
    heat_w_s: float,
    ground_k: float,
    ground_k_s: float,
) -> tuple[float, float, float, float]:
    """One step of a box whose heat and ground change linearly in time.

    Parameters
    ----------
    box_k : float
        Temperature at the start [K].
    step_s : float
        Length [s].
    capacity_j_k, radiator_w_k4, ground_w_k : float
        As in `box_flow_k_s`.
    heat_w, heat_w_s : float
        Heat that goes in at the start [W], and its change [W/s].
    ground_k, ground_k_s : float
        Temperature of the ground at the start [K], and its change [K/s].

    Returns
    -------
    tuple of float
        Temperature at 0.155, 0.645 and 1 of the step [K], and the estimated error at the end [K].

    Notes
    -----
    Radau IIA of three stages: order 5, stiffly stable. The end is the start plus the weighted heat flows of the
    stages over the capacity, so that heat is kept to rounding with those flows.

    References
    ----------
    Hairer, E., and G. Wanner (1996), Solving Ordinary Differential Equations II,
    doi:10.1007/978-3-642-05221-7, section IV.8.

    Examples
    --------
    >>> round(box_step(300.0, 100.0, 1000.0, 0.0, 10.0, 0.0, 0.0, 200.0, 0.0)[2], 2)
    236.79
    """
    jacobian = -(ground_w_k + 4.0 * radiator_w_k4 * box_k * box_k * box_k) / capacity_j_k
    z = step_s * jacobian
    scale = 1.0 / (1.0 - _TRACE * z + _MINORS * z * z - _DET * z * z * z)
    zz = z * z
    m11 = scale * (1.0 - z * (_TRACE - _A11) + zz * _J11)
    m12 = scale * (z * _A12 + zz * _J12)
    m13 = scale * (z * _A13 + zz * _J13)
    m21 = scale * (z * _A21 + zz * _J21)
    m22 = scale * (1.0 - z * (_TRACE - _A22) + zz * _J22)
    m23 = scale * (z * _A23 + zz * _J23)
    m31 = scale * (z * WEIGHT_1 + zz * _J31)
    m32 = scale * (z * WEIGHT_2 + zz * _J32)
    m33 = scale * (1.0 - z * (_TRACE - WEIGHT_3) + zz * _J33)
    q1, q2, q3 = heat_w + _C1 * step_s * heat_w_s, heat_w + _C2 * step_s * heat_w_s, heat_w + step_s * heat_w_s
    g1, g2 = ground_k + _C1 * step_s * ground_k_s, ground_k + _C2 * step_s * ground_k_s
    g3 = ground_k + step_s * ground_k_s
    first = box_flow_k_s(box_k, capacity_j_k, radiator_w_k4, ground_w_k, heat_w, ground_k)
    z1 = z2 = z3 = 0.0
    f1 = f2 = f3 = first
    for _ in range(25):
        f1 = box_flow_k_s(box_k + z1, capacity_j_k, radiator_w_k4, ground_w_k, q1, g1)
        f2 = box_flow_k_s(box_k + z2, capacity_j_k, radiator_w_k4, ground_w_k, q2, g2)
        f3 = box_flow_k_s(box_k + z3, capacity_j_k, radiator_w_k4, ground_w_k, q3, g3)
        r1 = step_s * (_A11 * f1 + _A12 * f2 + _A13 * f3) - z1
        r2 = step_s * (_A21 * f1 + _A22 * f2 + _A23 * f3) - z2
        r3 = step_s * (WEIGHT_1 * f1 + WEIGHT_2 * f2 + WEIGHT_3 * f3) - z3
        d1 = m11 * r1 + m12 * r2 + m13 * r3
        d2 = m21 * r1 + m22 * r2 + m23 * r3
        d3 = m31 * r1 + m32 * r2 + m33 * r3
        z1 += d1
        z2 += d2
        z3 += d3
        if abs(d1) + abs(d2) + abs(d3) < 1e-10:
            break
    f1 = box_flow_k_s(box_k + z1, capacity_j_k, radiator_w_k4, ground_w_k, q1, g1)
    f2 = box_flow_k_s(box_k + z2, capacity_j_k, radiator_w_k4, ground_w_k, q2, g2)
    f3 = box_flow_k_s(box_k + z3, capacity_j_k, radiator_w_k4, ground_w_k, q3, g3)
    end = box_k + step_s * (WEIGHT_1 * f1 + WEIGHT_2 * f2 + WEIGHT_3 * f3)
    error = abs((first * step_s + _E1 * z1 + _E2 * z2 + _E3 * z3) / (_MU - z))
    if not (abs(z1) + abs(z2) + abs(z3) < 1e5):
        error = math.inf
    return box_k + z1, box_k + z2, end, error


@njit(cache=True, nogil=True, inline="always")
def box_polynomial_k(part: float, k0: float, k1: float, k2: float, k3: float) -> float:
    """Temperature inside a step.

    Parameters
    ----------
    part : float
        Where, 0 at the start and 1 at the end.
    k0, k1, k2, k3 : float
        Temperature at 0, 0.155, 0.645 and 1 of the step [K].

    Returns
    -------
    float
        [K]

    Examples
    --------
    >>> round(box_polynomial_k(0.5, 0.0, 0.15505102572168, 0.64494897427832, 1.0), 12)
    0.5
    """
    a, b, c = part - _C1, part - _C2, part - 1.0
    return (
        k0 * a * b * c / (-_C1 * _C2)
        + k1 * part * b * c / (_C1 * (_C1 - _C2) * (_C1 - 1.0))
        + k2 * part * a * c / (_C2 * (_C2 - _C1) * (_C2 - 1.0))
        + k3 * part * a * b / ((1.0 - _C1) * (1.0 - _C2))
    )

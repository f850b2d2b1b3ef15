# ruff: noqa: ARG001 (numba passes the types of all arguments)
"""Pines' harmonics for numba: attraction of a field and its gradient, eight orders at a time.

The sums over degrees are written as vectors of eight orders for LLVM, so that they stay in registers; LLVM splits
the vectors where the processor has shorter ones. Numba keeps compiled runs by the date of `stepkernels` alone:
touch it after a change here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["LANES", "attraction", "attraction_and_gradient", "attractions", "packed", "scratch_size"]

Floats = npt.NDArray[np.float64]

LANES = 8
"""Orders in a vector."""
_ROWS = (7, 9)
_SUMS = (6, 12)
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_INDEX = ir.IntType(64)
_FAST = ("contract", "nsz")


def packed(cosine: Floats, sine: Floats, gradient: bool = False) -> Floats:
    r"""Arrange coefficients and the factors of the recursions for the kernels.

    Parameters
    ----------
    cosine, sine : ndarray, shape (degree + 1, degree + 1)
        Fully normalised coefficients [1].
    gradient : bool, default False
        Whether second derivatives are wanted.

    Returns
    -------
    ndarray, shape (k,)
        By blocks of eight orders, then by degree: factors of the recursion, seed of the diagonal, coefficients,
        coefficients of the first and, if asked, second derivative by the sine of latitude.

    Notes
    -----
    With the derived functions :math:`\bar A_{nm}(u) = d^m \bar P_n/du^m`, scaled by :math:`(R/r)^n`:
    :math:`\bar A_{nm} = a u \bar A_{n-1,m} - b \bar A_{n-2,m}` up each column from
    :math:`\bar A_{mm}`, which is a number; and :math:`d\bar A_{nm}/du = v_{nm} \bar A_{n,m+1}`. Coefficients of
    derivatives are shifted to the order of the function that they multiply, so that all sums run lane by lane.

    Examples
    --------
    >>> packed(np.zeros((3, 3)), np.zeros((3, 3))).shape
    (168,)
    """
    degree = len(cosine) - 1
    rows = _ROWS[gradient]
    blocks = []
    for first in range(0, degree + 1, LANES):
        table = np.zeros((degree + 1 - first, rows, LANES))
        for lane in range(min(LANES, degree + 1 - first)):
            _fill(table[:, :, lane], first, first + lane, cosine, sine)
        blocks.append(table.ravel())
    return np.concatenate(blocks)


def _fill(table: Floats, first: int, m: int, cosine: Floats, sine: Floats) -> None:
    """Numbers of one order: degrees from `first`, in the rows of a block."""
    n = np.arange(m + 1, len(cosine), dtype=np.float64)
    at = slice(m + 1 - first, None)
    table[at, 0] = np.sqrt((2 * n + 1) * (2 * n - 1) / ((n - m) * (n + m)))
    later = n[1:]
    table[m + 2 - first :, 1] = -np.sqrt(
        (2 * later + 1) * (later - m - 1) * (later + m - 1) / ((2 * later - 3) * (later + m) * (later - m))
    )
    table[m - first, 2] = _diagonal(m)
    degrees = np.arange(first, len(cosine), dtype=np.float64)
    for shift in range((table.shape[1] - 3) // 2):
        if m < shift:
            continue
        with np.errstate(invalid="ignore"):
            factor = np.where(degrees >= m, _derivative(degrees, m - shift, shift), 0.0)
        table[:, 3 + 2 * shift] = factor * cosine[first:, m - shift]
        table[:, 4 + 2 * shift] = factor * sine[first:, m - shift]


def _diagonal(m: int) -> float:
    """Derived function of equal degree and order."""
    value = 1.0
    for k in range(1, m + 1):
        value *= math.sqrt(3.0) if k == 1 else math.sqrt((2.0 * k + 1.0) / (2.0 * k))
    return value


def _derivative(n: Floats, m: int, times: int) -> Floats:
    """Factor of derivatives of the functions of order `m`, as often as said."""
    factor = np.ones(n.shape)
    for k in range(times):
        factor = factor * np.sqrt((n - m - k) * (n + m + k + 1.0) / (2.0 if m + k == 0 else 1.0))
    return factor


def scratch_size(degree: int) -> int:
    """Doubles that the kernels need beside their arguments.

    Parameters
    ----------
    degree : int
        Highest degree.

    Returns
    -------
    int

    Examples
    --------
    >>> scratch_size(50)
    672
    """
    return _SUMS[1] * LANES * (degree // LANES + 1)


def _splat(builder: Any, value: Any) -> Any:
    """One number in all lanes."""
    single = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), mask)


def _emit(context: Any, builder: Any, signature: Any, args: Any, *, gradient: bool) -> Any:
    """Emit the loop over degrees of one block of orders; all its sums live in registers."""
    table, start, degrees, along, squared, seed, ratio, first, out, place = args
    rows = _ROWS[gradient]
    data = context.make_array(signature.args[0])(context, builder, table).data
    target = context.make_array(signature.args[8])(context, builder, out).data
    zero = ir.Constant(_VECTOR, [0.0] * LANES)
    held = [cgutils.alloca_once(builder, _VECTOR) for _ in range(2 + _SUMS[gradient])]
    for slot in held:
        builder.store(zero, slot)
    scale, weight = cgutils.alloca_once(builder, _DOUBLE), cgutils.alloca_once(builder, _DOUBLE)
    builder.store(seed, scale)
    builder.store(first, weight)
    along, squared = _splat(builder, along), _splat(builder, squared)
    with cgutils.for_range(builder, degrees) as loop:
        head = builder.add(start, builder.mul(loop.index, _INDEX(rows * LANES)))
        row = [_row(builder, data, head, k) for k in range(rows)]
        power, count = builder.load(scale), builder.load(weight)
        last, before = builder.load(held[0]), builder.load(held[1])
        value = _fused(builder, builder.fmul(along, row[0]), last, builder.fmul(_splat(builder, power), row[2]))
        value = _fused(builder, builder.fmul(squared, row[1]), before, value)
        builder.store(last, held[1])
        builder.store(value, held[0])
        _accumulate(builder, held[2:], value, row[3:], _splat(builder, count))
        builder.store(builder.fmul(power, ratio), scale)
        builder.store(builder.fadd(count, _DOUBLE(1.0)), weight)
    for k, slot in enumerate(held[2:]):
        pointer = builder.gep(target, [builder.add(place, _INDEX(k * LANES))])
        builder.store(builder.load(slot), builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)
    return context.get_dummy_value()


def _accumulate(builder: Any, slots: list[Any], value: Any, row: list[Any], count: Any) -> None:
    """Add one degree: sums, sums weighted with degree + 1, sums of derivatives, and so on."""
    one = builder.fadd(count, ir.Constant(_VECTOR, [1.0] * LANES))
    plan: list[tuple[Any, Any]] = []
    for k in range(0, len(row), 2):
        terms = [builder.fmul(part, value, flags=_FAST) for part in row[k : k + 2]]
        plan += [(term, None) for term in terms]
        if k == 0 or (len(slots) == _SUMS[1] and k == 2):
            plan += [(term, count) for term in terms]
        if k == 0 and len(slots) == _SUMS[1]:
            plan += [(builder.fmul(term, one, flags=_FAST), count) for term in terms]
    for slot, (term, factor) in zip(slots, plan, strict=True):
        held = builder.load(slot)
        total = builder.fadd(held, term, flags=_FAST) if factor is None else _fused(builder, term, factor, held)
        builder.store(total, slot)


def _row(builder: Any, data: Any, head: Any, k: int) -> Any:
    """Vector of a table."""
    pointer = builder.gep(data, [builder.add(head, _INDEX(k * LANES))])
    return builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)


def _fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Product of two vectors plus a third, in one rounding where the processor can."""
    return builder.fadd(builder.fmul(a, b, flags=_FAST), c, flags=_FAST)


def _signature(table: Any, out: Any) -> Any:
    """Table, start in it, degrees, u R/r, (R/r)^2, (R/r)^first, R/r, first + 1, sums, place in them."""
    return types.void(table, types.int64, types.int64, *(types.float64,) * 5, out, types.int64)


@intrinsic
def _sums(
    _: Any, table: Any, start: Any, degrees: Any, along: Any, squared: Any, seed: Any, ratio: Any, first: Any,
    out: Any, place: Any,
) -> Any:  # fmt: skip
    """Sums over degrees for one block of orders, for the attraction."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _emit(context, builder, signature, args, gradient=False)

    return _signature(table, out), emit


@intrinsic
def _more_sums(
    _: Any, table: Any, start: Any, degrees: Any, along: Any, squared: Any, seed: Any, ratio: Any, first: Any,
    out: Any, place: Any,
) -> Any:  # fmt: skip
    """Sums over degrees for one block of orders, for the attraction and its gradient."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _emit(context, builder, signature, args, gradient=True)

    return _signature(table, out), emit


_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def attraction(
    x: float, y: float, z: float, gm: float, radius: float, degree: int, table: Floats, work: Floats
) -> tuple[float, float, float]:
    """Attraction at one point in the axes of the field.

    Parameters
    ----------
    x, y, z : float
        Position [m]; not the centre.
    gm, radius : float
        Gravitational parameter [m3/s2] and reference radius [m].
    degree : int
        Highest degree; 0 for a point mass.
    table : ndarray
        From `packed` of the same degree, without gradient.
    work : ndarray, shape (scratch_size(degree),)
        Scratch; every element that is read is written first.

    Returns
    -------
    tuple of three floats
        Acceleration [m/s2].

    Examples
    --------
    >>> attraction(2e6, 0.0, 0.0, 4.9e12, 1.738e6, 0, np.zeros(0), np.empty(0))
    (-1.225, -0.0, -0.0)
    """
    r = math.sqrt(x * x + y * y + z * z)
    s, t, u = x / r, y / r, z / r
    pull = gm / (r * r)
    if degree == 0:
        return -pull * s, -pull * t, -pull * u
    rho = radius / r
    start, seed, block8 = 0, 1.0, rho * rho
    block8 *= block8
    block8 *= block8
    for first in range(0, degree + 1, LANES):
        _sums(table, start, degree + 1 - first, u * rho, rho * rho, seed, rho, first + 1.0, work, 6 * first)
        start += (degree + 1 - first) * 7 * LANES
        seed *= block8
    by_s, by_t, by_u, by_r = 0.0, 0.0, 0.0, -1.0
    re, im, re1, im1 = 1.0, 0.0, 0.0, 0.0
    for m in range(degree + 1):
        k = 48 * (m >> 3) + (m & 7)
        p, q = m * work[k], m * work[k + 8]
        by_s += p * re1 + q * im1
        by_t += q * re1 - p * im1
        by_u += work[k + 32] * re1 + work[k + 40] * im1
        by_r -= work[k + 16] * re + work[k + 24] * im
        re1, im1 = re, im
        re, im = s * re1 - t * im1, s * im1 + t * re1
    inward = by_r - (s * by_s + t * by_t + u * by_u)
    return pull * (by_s + s * inward), pull * (by_t + t * inward), pull * (by_u + u * inward)


@njit(**_OPTIONS)
def attraction_and_gradient(
    x: float,
    y: float,
    z: float,
    gm: float,
    radius: float,
    degree: int,
    table: Floats,
    work: Floats,
    out: Floats,
    change: Floats,
) -> None:
    r"""Attraction and its gradient at one point in the axes of the field.

    Parameters
    ----------
    x, y, z : float
        Position [m]; not the centre.
    gm, radius : float
        Gravitational parameter [m3/s2] and reference radius [m].
    degree : int
        Highest degree; 0 for a point mass.
    table : ndarray
        From `packed` of the same degree, with gradient.
    work : ndarray, shape (scratch_size(degree),)
        Scratch; every element that is read is written first.
    out : ndarray, shape (3,)
        Gets the acceleration [m/s2].
    change : ndarray, shape (3, 3)
        Gets the gradient [1/s2].

    Notes
    -----
    With W the potential as a function of the direction cosines s, t, u and of r, and
    :math:`g_i = W_i / r`, :math:`g_4 = W_r - \sum \sigma_i g_i`, the attraction is
    :math:`a_i = g_i + \sigma_i g_4`; the gradient follows by the chain rule with
    :math:`\partial \sigma_i / \partial x_j = (\delta_{ij} - \sigma_i \sigma_j) / r`.

    Examples
    --------
    >>> out, change = np.empty(3), np.empty((3, 3))
    >>> attraction_and_gradient(1e6, 0.0, 0.0, 1e12, 1e6, 0, np.zeros(0), np.empty(0), out, change)
    >>> (change * 1e6).round(9).tolist()
    [[2.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]
    """
    r = math.sqrt(x * x + y * y + z * z)
    s, t, u = x / r, y / r, z / r
    rho = radius / r
    start, seed, block8 = 0, 1.0, rho * rho
    block8 *= block8
    block8 *= block8
    if degree > 0:
        for first in range(0, degree + 1, LANES):
            _more_sums(
                table, start, degree + 1 - first, u * rho, rho * rho, seed, rho, first + 1.0, work, 12 * first
            )
            start += (degree + 1 - first) * 9 * LANES
            seed *= block8
    ws, wt, wu, wr = 0.0, 0.0, 0.0, -1.0
    wss, wst, wsu, wtu, wuu = 0.0, 0.0, 0.0, 0.0, 0.0
    wrs, wrt, wru, wrr = 0.0, 0.0, 0.0, 2.0
    re, im, re1, im1, re2, im2 = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for m in range(degree + 1 if degree > 0 else 0):
        k = 96 * (m >> 3) + (m & 7)
        p, q = m * work[k], m * work[k + 8]
        ws += p * re1 + q * im1
        wt += q * re1 - p * im1
        p, q = m * (m - 1) * work[k], m * (m - 1) * work[k + 8]
        wss += p * re2 + q * im2
        wst += q * re2 - p * im2
        wr -= work[k + 16] * re + work[k + 24] * im
        p, q = m * work[k + 16], m * work[k + 24]
        wrs -= p * re1 + q * im1
        wrt -= q * re1 - p * im1
        wrr += work[k + 32] * re + work[k + 40] * im
        p, q = work[k + 48], work[k + 56]
        wu += p * re1 + q * im1
        wsu += (m - 1) * (p * re2 + q * im2)
        wtu += (m - 1) * (q * re2 - p * im2)
        wru -= work[k + 64] * re1 + work[k + 72] * im1
        wuu += work[k + 80] * re2 + work[k + 88] * im2
        re2, im2, re1, im1 = re1, im1, re, im
        re, im = s * re1 - t * im1, s * im1 + t * re1
    pull = gm / (r * r)
    _assemble(
        (s, t, u), (ws, wt, wu, wr), (wss, wst, wsu, wtu, wuu), (wrs, wrt, wru, wrr), pull, pull / r, out, change
    )


@njit(**_OPTIONS)
def _assemble(
    axis: Any, first: Any, second: Any, radial: Any, pull: float, scale: float, out: Floats, change: Floats
) -> None:
    """Attraction and gradient from the derivatives by direction cosines and distance."""
    inward = first[3] - (axis[0] * first[0] + axis[1] * first[1] + axis[2] * first[2])
    wss, wst, wsu, wtu, wuu = second
    by = ((wss, wst, wsu), (wst, -wss, wtu), (wsu, wtu, wuu))
    for i in range(3):
        out[i] = pull * (first[i] + axis[i] * inward)
    for j in range(3):
        # derivatives of g_1, g_2, g_3 and g_4 (times r) along x_j
        crossed = 0.0
        total = 0.0
        for i in range(3):
            turn = by[i][0] * axis[0] + by[i][1] * axis[1] + by[i][2] * axis[2]
            rate = by[i][j] - axis[j] * turn + axis[j] * (radial[i] - first[i])
            change[i, j] = rate
            crossed += axis[i] * rate
            total += axis[i] * radial[i]
        along = radial[j] - axis[j] * total + axis[j] * radial[3]
        spread = first[j] - axis[j] * (axis[0] * first[0] + axis[1] * first[1] + axis[2] * first[2])
        last = along - crossed - spread
        for i in range(3):
            same = 1.0 if i == j else 0.0
            change[i, j] = scale * (change[i, j] + (same - axis[i] * axis[j]) * inward + axis[i] * last)


@njit(**_OPTIONS)
def attractions(
    places: Floats, gm: float, radius: float, degree: int, table: Floats, gradient: bool
) -> tuple[Floats, Floats]:
    """Attraction and, if asked, its gradient at many points in the axes of the field.

    Parameters
    ----------
    places : ndarray, shape (n, 3)
        Positions [m].
    gm, radius : float
        Gravitational parameter [m3/s2] and reference radius [m].
    degree : int
        Highest degree.
    table : ndarray
        From `packed`.
    gradient : bool
        Whether the table was packed for the gradient, and it is wanted.

    Returns
    -------
    tuple of ndarray, shapes (n, 3) and (n, 3, 3)
        Accelerations [m/s2] and gradients [1/s2], the latter zero if not asked for.

    Examples
    --------
    >>> pull, _ = attractions(np.array([[2e6, 0.0, 0.0]]), 4.9e12, 1.738e6, 0, np.zeros(0), False)
    >>> pull.tolist()
    [[-1.225, -0.0, -0.0]]
    """
    pull = np.empty((len(places), 3))
    change = np.zeros((len(places), 3, 3))
    work = np.empty(96 * (degree // 8 + 1))
    for k in range(len(places)):
        x, y, z = places[k, 0], places[k, 1], places[k, 2]
        if gradient:
            attraction_and_gradient(x, y, z, gm, radius, degree, table, work, pull[k], change[k])
        else:
            pull[k, 0], pull[k, 1], pull[k, 2] = attraction(x, y, z, gm, radius, degree, table, work)
    return pull, change

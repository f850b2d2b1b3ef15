# ruff: noqa: ARG001 (numba passes the types of all arguments)
"""Vector steps of the horizon kernels: raise the tangents of many observers by samples of one grid.

The steps are written as vectors of 16 heights for LLVM, so that the tangents found so far stay in registers over
all samples of a call; LLVM splits the vectors where the processor has shorter ones.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["GROUPS", "LANES", "WEIGHTS", "WIDTH", "raise_close", "raise_far", "raise_pooled"]

LANES = 16
"""Heights in a vector."""
GROUPS = 8
"""Vectors of observers that one call works on."""
WIDTH = LANES * GROUPS
"""Observers that one call works on."""

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_INDEX = ir.IntType(64)
WEIGHTS = 7
"""Numbers that go with a sample."""
_USED = {"far": 4, "close": 5, "pooled": 7}


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Pointer to the first element of an array."""
    return context.make_array(kind)(context, builder, value).data


def _load(builder: Any, pointer: Any, index: Any, shift: int = 0) -> Any:
    """Vector of floats from an index on, which need not be aligned."""
    place = builder.gep(pointer, [builder.add(index, _INDEX(shift))])
    return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=4)


def _store(builder: Any, value: Any, pointer: Any, index: Any, shift: int) -> None:
    """Write a vector of floats from an index on."""
    place = builder.gep(pointer, [builder.add(index, _INDEX(shift))])
    builder.store(value, builder.bitcast(place, _VECTOR.as_pointer()), align=4)


def _spread(builder: Any, pointer: Any, index: Any, shift: int) -> Any:
    """One float of an array in all places of a vector."""
    return _splat(builder, builder.load(builder.gep(pointer, [builder.add(index, _INDEX(shift))])))


def _splat(builder: Any, value: Any) -> Any:
    """One float in all places of a vector."""
    single = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), mask)


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Product of two vectors plus a third in one rounding."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    name = f"llvm.fma.v{LANES}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [a, b, c])


def _far_tangent(builder: Any, taps: list[Any], weights: list[Any], sight: Any) -> Any:
    """Tangent to a point between two samples, from products of their heights."""
    first, second, scale, drop = weights[:4]
    below = _multiply_add(builder, sight, scale, drop)
    below = _multiply_add(builder, taps[1], second, below)
    return _multiply_add(builder, taps[0], first, below)


def _close_tangent(builder: Any, taps: list[Any], weights: list[Any], sight: Any) -> Any:
    """Tangent to a point between four samples, from differences of their heights."""
    across, scale, drop, along, twist = weights
    rise = builder.fsub(taps[0], sight)
    rise = _multiply_add(builder, builder.fsub(taps[1], taps[0]), across, rise)
    rise = _multiply_add(builder, builder.fsub(taps[2], taps[0]), along, rise)
    bend = builder.fsub(builder.fsub(taps[3], taps[2]), builder.fsub(taps[1], taps[0]))
    rise = _multiply_add(builder, bend, twist, rise)
    return _multiply_add(builder, rise, scale, drop)


def _pooled_tangent(builder: Any, taps: list[Any], weights: list[Any], sight: Any) -> Any:
    """Tangent to the highest of several rows, from tilted heights and their places among the rows."""
    tangent = _far_tangent(builder, taps, weights, sight)
    share = builder.fmul(taps[2], weights[4])
    share = _multiply_add(builder, taps[3], weights[5], share)
    share = _multiply_add(builder, builder.fneg(share), share, share)
    return _multiply_add(builder, builder.fsub(weights[6], tangent), share, tangent)


def _raise(context: Any, builder: Any, signature: Any, args: Any, *, way: str) -> Any:
    """Emit the loop over samples, with the tangents of all observers of the call in registers."""
    pointers = [
        _data(context, builder, kind, value) for kind, value in zip(signature.args[:5], args[:5], strict=True)
    ]
    best, sight, height, offsets, weights = pointers
    at, base, start, count, gap = args[5:]
    found, eye = [], []
    for group in range(GROUPS):
        shift = group * LANES
        found.append(cgutils.alloca_once_value(builder, _load(builder, best, at, shift)))
        eye.append(_load(builder, sight, at, shift))
    with cgutils.for_range(builder, count) as loop:
        entry = builder.add(start, loop.index)
        place = builder.add(base, builder.load(builder.gep(offsets, [entry])))
        row = builder.mul(entry, _INDEX(WEIGHTS))
        number = [_spread(builder, weights, row, k) for k in range(_USED[way])]
        below = builder.add(place, gap)
        for group in range(GROUPS):
            shift = group * LANES
            if way == "far":
                taps = [_load(builder, height, p, shift) for p in (place, below)]
                tangent = _far_tangent(builder, taps, number, eye[group])
            else:
                taps = [_load(builder, height, p, shift + k) for p in (place, below) for k in (0, 1)]
                rule = _close_tangent if way == "close" else _pooled_tangent
                tangent = rule(builder, taps, number, eye[group])
            old = builder.load(found[group])
            higher = builder.fcmp_ordered(">", tangent, old)
            builder.store(builder.select(higher, tangent, old), found[group])
    for group in range(GROUPS):
        _store(builder, builder.load(found[group]), best, at, group * LANES)
    return context.get_dummy_value()


_SIGNATURE_TAIL = (types.int64,) * 5


@intrinsic
def raise_far(
    typing: Any,
    best: Any,
    sight: Any,
    height: Any,
    offsets: Any,
    weights: Any,
    at: Any,
    base: Any,
    start: Any,
    count: Any,
    gap: Any,
) -> Any:
    """Raise tangents by points between two samples.

    Parameters
    ----------
    best : ndarray of float32
        Tangents; `WIDTH` of them are raised in place.
    sight : ndarray of float32
        Heights of the observers.
    height : ndarray of float32
        Heights of a grid.
    offsets : ndarray of int64
        Where in `height` each sample of the first observer is, after `base`.
    weights : ndarray of float32
        `WEIGHTS` numbers for each sample: factors of the two heights and of the observer's, drop by curvature.
    at : int
        First observer in `best` and `sight`.
    base : int
        Added to all offsets.
    start, count : int
        Samples to take.
    gap : int
        From the first height of a sample to the second.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="far")

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_close(
    typing: Any,
    best: Any,
    sight: Any,
    height: Any,
    offsets: Any,
    weights: Any,
    at: Any,
    base: Any,
    start: Any,
    count: Any,
    gap: Any,
) -> Any:
    """Raise tangents by points between four samples, by differences of heights.

    Parameters
    ----------
    best, sight, height, offsets, at, base, start, count
        As for `raise_far`.
    weights : ndarray of float32
        For each sample: part of a column, one over the distance, drop by curvature, part of a row, their product.
    gap : int
        From a row to the next.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="close")

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_pooled(
    typing: Any,
    best: Any,
    sight: Any,
    height: Any,
    offsets: Any,
    weights: Any,
    at: Any,
    base: Any,
    start: Any,
    count: Any,
    gap: Any,
) -> Any:
    """Raise tangents by the highest of several rows, of which the place is known.

    Parameters
    ----------
    best, sight, height, offsets, at, base, start, count
        As for `raise_far`.
    weights : ndarray of float32
        For each sample: as for `raise_far`, factors of the two places, tilt of the heights.
    gap : int
        From heights to places.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="pooled")

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit

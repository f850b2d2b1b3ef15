# ruff: noqa: ARG001 (numba passes the types of all arguments)
"""Vector steps of the horizon kernels: raise the tangents of many observers by samples of one grid.

The steps are written as vectors of 16 heights for LLVM, so that the tangents found so far stay in registers over
all samples of a call; LLVM splits the vectors where the processor has shorter ones. Numba keeps compiled sweeps by
the date of `gridsweep` alone: touch it after a change here.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "BLOCK",
    "GROUPS",
    "LANES",
    "MASTS",
    "SPREAD",
    "WEIGHTS",
    "WIDTH",
    "fetch",
    "raise_cell",
    "raise_cell_all",
    "raise_far",
    "raise_far_all",
    "raise_near",
    "raise_near_all",
    "raise_pooled",
    "raise_pooled_all",
]

LANES = 16
"""Heights in a vector."""
GROUPS = 8
"""Vectors of observers that one call works on."""
WIDTH = LANES * GROUPS
"""Places that one call works on."""
BLOCK = 16
"""Rows of a patch of places."""
SPREAD = BLOCK * WIDTH
"""Places of a patch; numbers of one mast over it follow those of another."""
MASTS = 3
"""Observers above a place that are done together, since they need the same samples."""

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_INDEX = ir.IntType(64)
_BYTE = ir.IntType(8)
WEIGHTS = 7
"""Numbers that go with a sample."""
_USED = {"far": 4, "near": 3, "cell": 5, "pooled": 7}


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


def _far_line(builder: Any, taps: list[Any], weights: list[Any], _: Any) -> tuple[Any, Any]:
    """Tangent to a point between two samples from height zero, and its change with the height of the eye."""
    first, second, scale, drop = weights[:4]
    return _multiply_add(builder, taps[0], first, _multiply_add(builder, taps[1], second, drop)), scale


def _near_line(builder: Any, taps: list[Any], weights: list[Any], ground: Any) -> tuple[Any, Any]:
    """The same to a point between two samples from the ground, by differences of heights."""
    part, scale, drop = weights
    rise = _multiply_add(builder, builder.fsub(taps[1], taps[0]), part, builder.fsub(taps[0], ground))
    return _multiply_add(builder, rise, scale, drop), builder.fneg(scale)


def _cell_line(builder: Any, taps: list[Any], weights: list[Any], ground: Any) -> tuple[Any, Any]:
    """The same to a point between four samples."""
    across, scale, drop, along, twist = weights
    rise = _multiply_add(builder, builder.fsub(taps[1], taps[0]), across, builder.fsub(taps[0], ground))
    rise = _multiply_add(builder, builder.fsub(taps[2], taps[0]), along, rise)
    bend = builder.fsub(builder.fsub(taps[3], taps[2]), builder.fsub(taps[1], taps[0]))
    rise = _multiply_add(builder, bend, twist, rise)
    return _multiply_add(builder, rise, scale, drop), builder.fneg(scale)


def _pooled_line(builder: Any, taps: list[Any], weights: list[Any], _: Any) -> tuple[Any, Any]:
    """The same to the highest of several rows, from tilted heights and their places among the rows."""
    tangent, scale = _far_line(builder, taps, weights, None)
    share = builder.fmul(taps[2], weights[4])
    share = _multiply_add(builder, taps[3], weights[5], share)
    left = _multiply_add(builder, share, share, builder.fsub(_splat(builder, _FLOAT(1.0)), share))
    tangent = _multiply_add(builder, builder.fsub(tangent, weights[6]), left, weights[6])
    return tangent, builder.fmul(scale, left)


_LINES = {"far": _far_line, "near": _near_line, "cell": _cell_line, "pooled": _pooled_line}


def _raise(context: Any, builder: Any, signature: Any, args: Any, *, way: str, masts: int) -> Any:
    """Emit the loops over samples, with the tangents of all observers of a turn in registers."""
    pointers = [
        _data(context, builder, kind, value) for kind, value in zip(signature.args[:5], args[:5], strict=True)
    ]
    groups = GROUPS if masts == 1 else GROUPS // 2
    for turn in range(0, GROUPS, groups):
        _turn(builder, pointers, args[5:], way, masts, [group * LANES for group in range(turn, turn + groups)])
    return context.get_dummy_value()


def _turn(builder: Any, pointers: list[Any], numbers: Any, way: str, masts: int, shifts: list[int]) -> None:
    """Emit one loop over samples for some groups of observers."""
    best, sight, height, offsets, weights = pointers
    at, base, start, count, gap = numbers
    kinds = [(mast, shift) for mast in range(masts) for shift in shifts]
    found = {
        (mast, shift): cgutils.alloca_once_value(builder, _load(builder, best, at, mast * SPREAD + shift))
        for mast, shift in kinds
    }
    eye = {(mast, shift): _load(builder, sight, at, mast * SPREAD + shift) for mast, shift in kinds}
    ground = {shift: _load(builder, height, base, shift) for shift in shifts} if way in ("cell", "near") else {}
    with cgutils.for_range(builder, count) as loop:
        entry = builder.add(start, loop.index)
        place = builder.add(base, builder.load(builder.gep(offsets, [entry])))
        row = builder.mul(entry, _INDEX(WEIGHTS))
        number = [_spread(builder, weights, row, k) for k in range(_USED[way])]
        below = builder.add(place, gap)
        for shift in shifts:
            pairs = (
                [(place, 0), (below, 0)]
                if way in ("near", "far")
                else [(p, k) for p in (place, below) for k in (0, 1)]
            )
            taps = [_load(builder, height, p, shift + k) for p, k in pairs]
            line = _LINES[way](builder, taps, number, ground.get(shift))
            for mast in range(masts):
                tangent = _multiply_add(builder, eye[mast, shift], line[1], line[0])
                old = builder.load(found[mast, shift])
                higher = builder.fcmp_ordered(">", tangent, old)
                builder.store(builder.select(higher, tangent, old), found[mast, shift])
    for mast, shift in kinds:
        _store(builder, builder.load(found[mast, shift]), best, at, mast * SPREAD + shift)


@intrinsic
def fetch(typing: Any, out: Any, row: Any, col: Any) -> Any:
    """Ask for the memory of an element before it is written.

    Parameters
    ----------
    out : ndarray of float32, two dimensions
        Where it is going to be written.
    row, col : int
        Which element.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        strides = cgutils.unpack_tuple(builder, array.strides)
        place = builder.add(builder.mul(args[1], strides[0]), builder.mul(args[2], strides[1]))
        pointer = builder.gep(builder.bitcast(array.data, _BYTE.as_pointer()), [place])
        kinds = [_BYTE.as_pointer(), *[ir.IntType(32)] * 3]
        call = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0"
        )
        # to be read, into the second level of the cache, as data
        builder.call(call, [pointer, *(ir.IntType(32)(k) for k in (0, 2, 1))])
        return context.get_dummy_value()

    return types.none(out, types.int64, types.int64), emit


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
        return _raise(context, builder, signature, args, way="far", masts=1)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_near(
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
    """Raise tangents by points between two samples, by differences of heights.

    Parameters
    ----------
    best, height, offsets, at, start, count, gap
        As for `raise_far`.
    sight : ndarray of float32
        Heights of the observers above the ground.
    weights : ndarray of float32
        For each sample: share of the second height, one over the distance, drop by curvature.
    base : int
        Added to all offsets; the ground of the first observer.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="near", masts=1)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_cell(
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
        As for `raise_near`.
    weights : ndarray of float32
        For each sample: part of a column, one over the distance, drop by curvature, part of a row, their product.
    gap : int
        From a row to the next.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="cell", masts=1)

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
        return _raise(context, builder, signature, args, way="pooled", masts=1)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_far_all(
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
    """As `raise_far` for `MASTS` observers above each place.

    Parameters
    ----------
    best, sight
        As for `raise_far`; those of the next observers follow `SPREAD` later.
    height, offsets, weights, at, base, start, count, gap
        As for `raise_far`.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="far", masts=MASTS)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_near_all(
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
    """As `raise_near` for `MASTS` observers above each place.

    Parameters
    ----------
    best, sight
        As for `raise_near`; those of the next observers follow `SPREAD` later.
    height, offsets, weights, at, base, start, count, gap
        As for `raise_near`.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="near", masts=MASTS)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_cell_all(
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
    """As `raise_cell` for `MASTS` observers above each place.

    Parameters
    ----------
    best, sight
        As for `raise_cell`; those of the next observers follow `SPREAD` later.
    height, offsets, weights, at, base, start, count, gap
        As for `raise_cell`.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="cell", masts=MASTS)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit


@intrinsic
def raise_pooled_all(
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
    """As `raise_pooled` for `MASTS` observers above each place.

    Parameters
    ----------
    best, sight
        As for `raise_pooled`; those of the next observers follow `SPREAD` later.
    height, offsets, weights, at, base, start, count, gap
        As for `raise_pooled`.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _raise(context, builder, signature, args, way="pooled", masts=MASTS)

    return types.none(best, sight, height, offsets, weights, *_SIGNATURE_TAIL), emit

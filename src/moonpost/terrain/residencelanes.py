# ruff: noqa: ARG001 (numba passes the types of all arguments)
"""Vector step of the residence look-up: turn squares of horizons by cell into squares by azimuth."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["LANES", "turn_square"]

LANES = 16
"""Side of a square."""

_INTEGER, _INDEX = ir.IntType(32), ir.IntType(64)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_LANES = ir.VectorType(_INTEGER, LANES)


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to a vector of floats in an array, which need not be aligned."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _FLOATS.as_pointer())


def _swapped(builder: Any, rows: list[Any], size: int) -> list[Any]:
    """Swap the blocks beside the diagonal, of one size, in all pairs of rows."""
    lanes = range(LANES)
    low = ir.Constant(_LANES, [lane - size + LANES if lane & size else lane for lane in lanes])
    high = ir.Constant(_LANES, [lane + LANES if lane & size else lane + size for lane in lanes])
    out = list(rows)
    for k in lanes:
        if not k & size:
            out[k] = builder.shuffle_vector(rows[k], rows[k + size], low)
            out[k + size] = builder.shuffle_vector(rows[k], rows[k + size], high)
    return out


@intrinsic
def turn_square(
    typing: Any, source: Any, target: Any, begin: Any, stride: Any, target_begin: Any, target_stride: Any
) -> Any:
    """Copy a square of 16 by 16 floats, rows becoming columns.

    Parameters
    ----------
    source, target : ndarray of float32
        Where to read and to write.
    begin, target_begin : int
        Index of the first number of the square in each.
    stride, target_stride : int
        From one row to the next in each.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index, hop, to, leap = args[2:]
        rows = []
        for k in range(LANES):
            at = builder.add(index, builder.mul(hop, _INDEX(k)))
            rows.append(builder.load(_place(context, builder, signature.args[0], args[0], at), align=4))
        for size in (1, 2, 4, 8):
            rows = _swapped(builder, rows, size)
        for k in range(LANES):
            at = builder.add(to, builder.mul(leap, _INDEX(k)))
            builder.store(rows[k], _place(context, builder, signature.args[1], args[1], at), align=4)
        return context.get_dummy_value()

    return types.none(source, target, *(types.int64,) * 4), emit

"""The graphics card: whether there is one, and its kernels, compiled when first used."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from moonpost.errors import MissingExtraError

__all__ = ["CELLS", "LANES", "OPTIONS", "PAD", "SHIFTS", "WARPS", "WIDE_LEVEL", "available", "card", "kernel"]

LANES = (16, 2)
"""Columns and rows of lanes in a warp."""
CELLS = 2
"""Observers of a lane."""
WARPS = (1, 8)
"""Columns and rows of warps in a block."""
PAD = 128
"""Cells without a height around the pairs of horizon.cu."""
WIDE_LEVEL = 9
"""Crossings of the widest windows, as a power of 2."""
SHIFTS = (1, 2, 3)
"""Cells of the grid on a side of a cell of the three planes of windows, as powers of 2."""
OPTIONS = {
    "LANES_X": LANES[0],
    "LANES_Y": LANES[1],
    "WARPS_X": WARPS[0],
    "WARPS_Y": WARPS[1],
    "BLOCKS": 5,
    "CELLS": CELLS,
    "AHEAD": 4,
    "WIDE_LEVEL": WIDE_LEVEL,
    "SHARED": 1,
    "SHIFT1": SHIFTS[0],
    "SHIFT2": SHIFTS[1],
    "SHIFT3": SHIFTS[2],
}
"""What the kernels are compiled with."""


def _missing(what: str) -> MissingExtraError:
    """The error of a machine that cannot compute this."""
    advice = "run: pip install moonpost[gpu] where there is an NVIDIA card, or compute on the processor"
    return MissingExtraError(what, where="horizon maps on a GPU", advice=advice)


@cache
def card() -> Any:
    """CuPy with a card that answers.

    Returns
    -------
    module
        CuPy.

    Raises
    ------
    MissingExtraError
        If there is no CuPy or no card.

    Examples
    --------
    >>> if available():
    ...     assert card().zeros(3).shape == (3,)
    """
    try:
        import cupy
    except ImportError as error:
        raise _missing("CuPy is not installed") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise _missing(f"no GPU answers ({error})") from error
    if count < 1:
        raise _missing("this machine has no GPU")
    return cupy


@cache
def _module(device: int, file: str) -> Any:
    """Compiled kernels of a file; one copy for each card."""
    del device
    source = files("moonpost.terrain").joinpath(file).read_text(encoding="utf-8")
    flags = ("-std=c++17", *(f"-D{name}={value}" for name, value in OPTIONS.items()))
    return card().RawModule(code=source, options=flags)


def kernel(name: str, file: str = "horizon.cu") -> Any:
    """Kernel of one of the source files on the card in use.

    Parameters
    ----------
    name : str
        Its name.
    file : str
        Source file in this folder.

    Returns
    -------
    cupy.RawKernel
        Ready to be launched.

    Raises
    ------
    MissingExtraError
        If there is no CuPy or no card.

    Examples
    --------
    >>> if available():
    ...     assert kernel("march").num_regs <= 64
    """
    return _module(card().cuda.Device().id, file).get_function(name)


def available() -> bool:
    """Whether horizon maps can be computed on a graphics card here.

    Returns
    -------
    bool
        True where CuPy is installed and a card answers.

    Examples
    --------
    >>> available() in (True, False)
    True
    """
    try:
        card()
    except MissingExtraError:
        return False
    return True

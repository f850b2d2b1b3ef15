"""Small things that the phases share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["longest_run", "text", "variable"]


def text(instant: Any) -> str | None:
    """ISO 8601 text of a UTC instant to the second; None stays None."""
    if instant is None or np.isnat(instant):
        return None
    rounded = np.datetime64(instant, "ms") + np.timedelta64(500, "ms")
    return str(rounded.astype("datetime64[s]")) + "Z"


def variable(
    dims: str | Sequence[str], values: Any, units: str, long_name: str, source: str, dtype: str = "f4"
) -> tuple[Any, Any, dict[str, str]]:
    """A variable of a dataset with its units, name and source."""
    return dims, np.asarray(values, dtype=dtype), {"units": units, "long_name": long_name, "source": source}


def longest_run(flags: npt.NDArray[np.bool_]) -> int:
    """Length of the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))

"""SPK segments of the types that only SPICE reads, through the optional package spiceypy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, MissingExtraError
from moonpost.sky.daf import Summary

__all__ = ["SpiceSegment"]

Floats = npt.NDArray[np.float64]
_LOCK = threading.Lock()


@dataclass(frozen=True)
class SpiceSegment:
    """An SPK segment evaluated by SPICE itself.

    Parameters
    ----------
    summary : Summary
        The segment.

    Raises
    ------
    MissingExtraError
        If spiceypy is not installed.

    Notes
    -----
    The segment is evaluated by its own descriptor; the file is never added to SPICE's global pool, so that
    almanacs stay apart from each other and from your own use of SPICE. One call per time: about 10 microseconds
    each.

    References
    ----------
    Acton et al. (2018), A look towards the future in the handling of space science mission geometry, Planet. Space
    Sci. 150, 9, doi:10.1016/j.pss.2017.02.013; Annex et al. (2020), SpiceyPy, J. Open Source Softw. 5, 2050,
    doi:10.21105/joss.02050.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.daf import read_summaries
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> sun = SpiceSegment(read_summaries(default_paths()[0], integers=6)[9])  # any type will do
    >>> sun.evaluate(np.zeros(2), rates=True).shape
    (6, 2)
    """

    summary: Summary

    def __post_init__(self) -> None:
        _spiceypy(self.summary)

    def evaluate(self, seconds: Floats, rates: bool) -> Floats:
        """Position [km] and, if asked, velocity [km/s] of the target from the centre.

        Parameters
        ----------
        seconds : ndarray, shape (n,)
            TDB seconds since J2000 [s].
        rates : bool
            Whether the velocity is wanted.

        Returns
        -------
        ndarray, shape (3, n) or (6, n)
            Position [km], then, if asked, velocity [km/s].

        Raises
        ------
        DataError
            If SPICE refuses the segment.
        """
        states = np.empty((6, seconds.size))
        with self._opened() as (spice, handle, descriptor):
            for i, second in enumerate(seconds.tolist()):
                states[:, i] = spice.spkpvn(handle, descriptor, second)[1]
        return states if rates else states[:3]

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, int, Any]]:
        """SPICE, a handle of the open file and the descriptor of this segment."""
        spice = _spiceypy(self.summary)
        with _LOCK:
            handle = None
            try:
                handle = spice.dafopr(str(self.summary.path))
                spice.dafbfs(handle)
                for _ in range(self.summary.number + 1):
                    spice.daffna()
                yield spice, handle, spice.dafgs(5)
            except spice.exceptions.SpiceyError as error:
                text = " ".join(str(getattr(error, "short", error)).split())
                raise DataError(
                    f"SPICE cannot read it ({text})",
                    where=self.summary.where,
                    advice="the file is damaged or of a type that this SPICE does not know",
                ) from error
            finally:
                if handle is not None:
                    spice.dafcls(handle)


def _spiceypy(summary: Summary) -> Any:
    """Import spiceypy, or say how to get it."""
    try:
        import spiceypy
    except ImportError as error:
        raise MissingExtraError(
            f"SPK type {summary.integers[3]} is read with spiceypy, which is not installed",
            where=summary.where,
            advice="pip install moonpost[spice]",
        ) from error
    return spiceypy

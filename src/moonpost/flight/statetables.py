"""Tables of states with interpolation, and the choice of their rows for a wanted accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.courses import Piece

__all__ = ["StateTable", "tabulated"]

Floats = npt.NDArray[np.float64]
Method = Literal["hermite", "lagrange"]
_MOST_WINDOW = 14
_SEARCH = (0.21, 0.5, 0.79)
_CHECK = (0.08, 0.3, 0.4, 0.62, 0.7, 0.93)
_SHARE, _MOST_SHARE = 0.5, 0.7
_SHORTEST_S = 1e-2
_ROUNDS = 60
_CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class StateTable:
    """States at epochs and the polynomials between them.

    Parameters
    ----------
    epochs_tdb_s : ndarray, shape (k,)
        TDB since J2000, ascending [s].
    states : ndarray, shape (k, 6)
        Positions [m] and velocities [m/s], or in other units of length.
    window : int, default 8
        Rows that a polynomial goes through; cut to the rows that there are.
    method : {"hermite", "lagrange"}, default "hermite"
        Through positions and velocities, degree 2 window - 1, the velocity being its derivative; or through each
        column by itself, degree window - 1.

    Raises
    ------
    InputError
        If there are fewer than two rows, epochs do not ascend or a number is not finite.

    Notes
    -----
    An even window has as many rows before the time as after, an odd one is centred on the nearest row; at the ends
    it is moved inwards. This is the rule of SPK types 8, 9, 12 and 13.

    References
    ----------
    NAIF, SPK Required Reading.

    Examples
    --------
    >>> t = np.linspace(0.0, 1.0, 8)
    >>> circle = np.stack([np.cos(t), np.sin(t), 0 * t, -np.sin(t), np.cos(t), 0 * t], axis=1)
    >>> abs(StateTable(t, circle).at(np.array([0.45]))[0, 0] - np.cos(0.45)) < 1e-15
    np.True_
    """

    epochs_tdb_s: Floats
    states: Floats
    window: int = 8
    method: Method = "hermite"

    def __post_init__(self) -> None:
        epochs = np.ascontiguousarray(self.epochs_tdb_s, dtype=np.float64)
        states = np.ascontiguousarray(self.states, dtype=np.float64)
        object.__setattr__(self, "epochs_tdb_s", epochs)
        object.__setattr__(self, "states", states)
        if epochs.ndim != 1 or states.shape != (epochs.size, 6) or epochs.size < 2:
            raise InputError(
                f"shapes {epochs.shape} and {states.shape}", where="state table", advice="give two or more states"
            )
        if not (np.isfinite(epochs).all() and np.isfinite(states).all()) or not (np.diff(epochs) > 0).all():
            raise InputError(
                "holds NaN, or epochs that do not ascend", where="state table", advice="give them in order"
            )
        if not (1 if self.method == "hermite" else 2) <= self.window <= 2 * _MOST_WINDOW:
            raise InputError(f"a window of {self.window} rows", where="state table", advice="give 2 to 28")
        object.__setattr__(self, "window", min(int(self.window), epochs.size))

    def at(self, tdb_s: Floats) -> Floats:
        """States at times between the first epoch and the last.

        Parameters
        ----------
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].

        Returns
        -------
        ndarray, shape (n, 6)
            In the units of the states.
        """
        from moonpost.flight.tablekernels import hermite, lagrange

        times = np.ascontiguousarray(tdb_s, dtype=np.float64)
        last = len(self.epochs_tdb_s)
        low = np.clip(np.searchsorted(self.epochs_tdb_s, times, side="right") - 1, 0, last - 2)
        if self.window % 2:
            nearer = times - self.epochs_tdb_s[low] > self.epochs_tdb_s[low + 1] - times
            low = low + nearer
            first = low - (self.window - 1) // 2
        else:
            first = low - self.window // 2 + 1
        firsts = np.clip(first, 0, last - self.window)
        between = hermite if self.method == "hermite" else lagrange
        found: Floats = between(times, firsts, self.window, self.epochs_tdb_s, self.states)
        return found


def tabulated(
    piece: Piece,
    tolerance_m: float = 1e-3,
    *,
    window: int = 8,
    method: Method = "hermite",
    snap: Callable[[Floats], Floats] | None = None,
    at_least: int = 33,
) -> tuple[StateTable, float]:
    """Rows, close together where the motion is quick, between which interpolation is as accurate as wanted.

    Parameters
    ----------
    piece : Piece
        A smooth part of a course.
    tolerance_m : float, default 1e-3
        Largest error of the position [m].
    window : int, default 8
        Rows that a polynomial goes through.
    method : {"hermite", "lagrange"}, default "hermite"
        The polynomials.
    snap : callable, optional
        Moves times inside the piece to those that a file can write, such as whole seconds.
    at_least : int, default 33
        Rows to begin with.

    Returns
    -------
    StateTable
        With the ends of the piece as first and last row.
    float
        Largest error found at six further times in every interval [m].

    Raises
    ------
    InputError
        If the tolerance is not positive.
    ModelError
        If it is not reached with rows 10 ms apart.

    Notes
    -----
    Intervals are halved until the error at three times in each is below half of the tolerance; then all are
    checked at six other times, and those that fail are halved again.

    Examples
    --------
    >>> circle = lambda t: 2e6 * np.stack([np.cos(t), np.sin(t), 0 * t, -np.sin(t), np.cos(t), 0 * t], axis=1)
    >>> table, error_m = tabulated(Piece(0.0, 6.0, circle))
    >>> error_m < 1e-3, len(table.epochs_tdb_s) < 60
    (True, True)
    """
    if not 0.0 < tolerance_m < np.inf:
        raise InputError(f"{tolerance_m} is no tolerance", where="tolerance_m", advice="give metres above 0")
    epochs = _snapped(np.linspace(piece.start_tdb_s, piece.stop_tdb_s, max(at_least, window)), snap)
    unsure = np.ones(len(epochs) - 1, dtype=bool)
    for _ in range(_ROUNDS):
        table = StateTable(epochs, _states(piece, epochs), window, method)
        wide = np.zeros(len(unsure), dtype=bool)
        wide[unsure] = _errors_m(piece, table, np.flatnonzero(unsure), _SEARCH) > _SHARE * tolerance_m
        if not wide.any():
            errors = _errors_m(piece, table, np.arange(len(unsure)), _CHECK)
            wide = errors > _MOST_SHARE * tolerance_m
            if not wide.any():
                return table, float(errors.max())
        finer = _halved(epochs, wide, snap)
        if len(finer) == len(epochs) or np.diff(epochs)[wide].min() < _SHORTEST_S:
            break
        # An interval is looked at again if a row of its windows is new.
        new = np.flatnonzero(~np.isin(finer, epochs))
        near = new[:, None] + np.arange(-window, window + 1)
        epochs, unsure = finer, np.zeros(len(finer) - 1, dtype=bool)
        unsure[np.unique(near[(near >= 0) & (near < len(unsure))])] = True
    raise ModelError(
        f"{tolerance_m:g} m is not reached by interpolation",
        where="flight",
        advice="allow a larger tolerance_m, or fly with a smaller rtol",
    )


def _states(piece: Piece, times: Floats) -> Floats:
    """States of a piece in parts that memory bears."""
    parts = [piece.states_at(times[low : low + _CHUNK]) for low in range(0, len(times), _CHUNK)]
    return np.concatenate(parts)


def _errors_m(piece: Piece, table: StateTable, rows: npt.NDArray[np.int64], shares: tuple[float, ...]) -> Floats:
    """Largest error of position at shares of the intervals after the rows."""
    worst = np.zeros(len(rows))
    width = np.diff(table.epochs_tdb_s)[rows]
    for share in shares:
        times = table.epochs_tdb_s[rows] + share * width
        found = np.concatenate([table.at(times[low : low + _CHUNK]) for low in range(0, len(times), _CHUNK)])
        worst = np.maximum(worst, np.linalg.norm((found - _states(piece, times))[:, :3], axis=1))
    return worst


def _snapped(epochs: Floats, snap: Callable[[Floats], Floats] | None) -> Floats:
    """Times moved to writable ones, the ends kept, each once."""
    if snap is None:
        return np.unique(epochs)
    inner = snap(epochs[1:-1])
    inner = inner[(inner > epochs[0]) & (inner < epochs[-1])]
    return np.unique(np.concatenate([epochs[:1], inner, epochs[-1:]]))


def _halved(epochs: Floats, wide: npt.NDArray[np.bool_], snap: Callable[[Floats], Floats] | None) -> Floats:
    """Epochs with the middles of the wide intervals among them."""
    low, high = epochs[:-1][wide], epochs[1:][wide]
    middles = 0.5 * (low + high)
    return _snapped(np.unique(np.concatenate([epochs, middles])), snap)

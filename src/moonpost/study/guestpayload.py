"""A guest payload as its owner describes it, and what is found about it on its host."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from moonpost.errors import InputError
from moonpost.partners.proposals import view_asked

__all__ = ["Guest", "GuestAnswer", "GuestCheck"]


@dataclass(frozen=True)
class Guest:
    """A guest payload as its owner describes it.

    Parameters
    ----------
    mass_kg : float
        Mass without margin [kg].
    day_w, night_w : float
        Power drawn while the host is in light, and while it is not [W].
    bit_day : float
        Data made in a day [bit/d].
    view : str
        What it has to see: empty for nothing; ``"earth:0.5"`` or ``"sun:0.5"`` for a part of the time;
        ``"sky:10"`` for all of the sky above an elevation [deg].
    operate_min_k, operate_max_k : float or None
        Between which temperatures it works [K].
    survive_min_k, survive_max_k : float or None
        Between which it survives; those of working if not given [K].
    inside : bool
        Whether it is in the host's warm box, or outside.

    Raises
    ------
    InputError
        If a number is negative or not finite, or ranges do not nest.

    Examples
    --------
    >>> Guest(5.0, day_w=10.0).night_w
    0.0
    """

    mass_kg: float
    day_w: float = 0.0
    night_w: float = 0.0
    bit_day: float = 0.0
    view: str = ""
    operate_min_k: float | None = None
    operate_max_k: float | None = None
    survive_min_k: float | None = None
    survive_max_k: float | None = None
    inside: bool = True

    def __post_init__(self) -> None:
        for name in ("mass_kg", "day_w", "night_w", "bit_day"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0) or (name == "mass_kg" and value == 0.0):
                raise InputError(f"{value}", where=name, advice="give a finite number from 0, a mass above 0")
        view_asked(self.view)
        ends = [self.least_k, self.operate_min_k, self.operate_max_k, self.most_k]
        known = [end for end in ends if end is not None]
        if not all(math.isfinite(end) and end > 0.0 for end in known) or known != sorted(known):
            raise InputError(
                f"{known} K",
                where="temperatures",
                advice="survive_min <= operate_min <= operate_max <= survive_max",
            )

    @property
    def least_k(self) -> float | None:
        """Coldest that it survives [K]."""
        return self.operate_min_k if self.survive_min_k is None else self.survive_min_k

    @property
    def most_k(self) -> float | None:
        """Warmest that it survives [K]."""
        return self.operate_max_k if self.survive_max_k is None else self.survive_max_k


@dataclass(frozen=True)
class GuestCheck:
    """One thing that a guest asks of its host.

    Parameters
    ----------
    what : str
        Mass, power by day, power by night, data, view, cold or warmth.
    asked, available : float or None
        What the guest asks for with margins, and what the host has; None if the plan does not tell.
    unit : str
        Of both.
    fits : bool or None
        Whether it fits; None if that cannot be told.
    spare : float or None
        What is left, as a part of what was asked for; for temperatures over 20 K. Negative if it lacks [1].
    why : str
        Where the numbers come from, in a sentence.

    Examples
    --------
    >>> GuestCheck("mass", 6.0, 10.0, "kg", True, 0.67, "offered").fits
    True
    """

    what: str
    asked: float | None
    available: float | None
    unit: str
    fits: bool | None
    spare: float | None
    why: str


@dataclass(frozen=True)
class GuestAnswer:
    """Whether a guest fits.

    Parameters
    ----------
    host, site : str
        The host and where it stands.
    fits : bool or None
        Whether all fits; None if nothing fails but something cannot be told.
    decides : GuestCheck or None
        The check that lacks most, or has least to spare.
    checks : tuple of GuestCheck
        All of them.
    assumptions : tuple of str
        What was taken for granted.

    Examples
    --------
    >>> from moonpost.study.guest import guest_fits  # see there
    """

    host: str
    site: str
    fits: bool | None
    decides: GuestCheck | None
    checks: tuple[GuestCheck, ...]
    assumptions: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        from dataclasses import asdict

        return asdict(self)

"""Link budgets: what arrives, what rate it carries, and with what margin."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.plan import Link

__all__ = [
    "DISH_EFFICIENCY",
    "LinkBudget",
    "achievable_rate_bit_s",
    "dish_gain_dbi",
    "free_space_loss_db",
    "link_budget",
]

Floats = npt.NDArray[np.float64]

DISH_EFFICIENCY = 0.6
"""Aperture efficiency assumed where only a dish's diameter is known; 0.55 to 0.7 is usual (Maral and Bousquet
2009, Satellite Communications Systems, 5th edition, section 5.2)."""

_LIGHT_SPEED_M_S = 299_792_458.0
_BOLTZMANN_DB = 10.0 * math.log10(1.380649e-23)


@dataclass(frozen=True)
class LinkBudget:
    """The budget of one link; a number is None where the figures behind it are missing.

    Parameters
    ----------
    link : str
        Name of the link.
    rate_bit_s : float
        Data rate that the link is to carry [bit/s].
    range_m : float
        Distance [m].
    free_space_loss_db : float
        [dB].
    transmit_gain_dbi, receive_gain_dbi : float or None
        Given, or from the dish [dBi].
    eirp_dbw : float or None
        Radiated power times gain [dBW].
    figure_of_merit_db_k : float or None
        Receive gain over system temperature [dB/K].
    losses_db : float
        Pointing, polarisation, implementation [dB].
    received_dbw : float or None
        Power after the receiving antenna [dBW].
    carrier_to_noise_db_hz : float or None
        Received power over noise density [dB Hz].
    ebn0_db, required_ebn0_db : float or None, float
        Energy per bit over noise density, achieved and needed [dB].
    margin_db : float or None
        Achieved less needed [dB].
    achievable_rate_bit_s : float or None
        Rate at which the margin is zero [bit/s].
    missing : tuple of str
        Figures that the plan does not give.
    assumptions : tuple of str
        What was assumed to get there.
    """

    link: str
    rate_bit_s: float
    range_m: float
    free_space_loss_db: float
    transmit_gain_dbi: float | None
    receive_gain_dbi: float | None
    eirp_dbw: float | None
    figure_of_merit_db_k: float | None
    losses_db: float
    received_dbw: float | None
    carrier_to_noise_db_hz: float | None
    ebn0_db: float | None
    required_ebn0_db: float
    margin_db: float | None
    achievable_rate_bit_s: float | None
    missing: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def closes(self) -> bool | None:
        """Whether the margin is not negative; None where it is not known.

        Returns
        -------
        bool or None
            True, False or unknown.
        """
        return None if self.margin_db is None else self.margin_db >= 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON.

        Returns
        -------
        dict
            One entry per field, and `closes`.
        """
        return {**asdict(self), "closes": self.closes}


def free_space_loss_db(frequency_hz: npt.ArrayLike, range_m: npt.ArrayLike) -> Floats:
    """Loss by spreading between isotropic antennas.

    Parameters
    ----------
    frequency_hz : array_like
        Carrier [Hz].
    range_m : array_like
        Distance [m].

    Returns
    -------
    ndarray
        20 log10(4 pi d f / c) [dB].

    Raises
    ------
    InputError
        If a value is not above zero.

    References
    ----------
    Friis (1946), A note on a simple transmission formula, Proc. IRE 34, 254-256, doi:10.1109/JRPROC.1946.234568.

    Examples
    --------
    >>> round(float(free_space_loss_db(8.4e9, 384_400e3)), 1)
    222.6
    """
    frequency, distance = _positive(frequency_hz, "frequency_hz"), _positive(range_m, "range_m")
    return np.asarray(20.0 * np.log10(4.0 * np.pi * distance * frequency / _LIGHT_SPEED_M_S))


def dish_gain_dbi(
    diameter_m: npt.ArrayLike, frequency_hz: npt.ArrayLike, efficiency: npt.ArrayLike = DISH_EFFICIENCY
) -> Floats:
    """Gain of a dish along its axis.

    Parameters
    ----------
    diameter_m : array_like
        Diameter [m].
    frequency_hz : array_like
        Carrier [Hz].
    efficiency : array_like
        Aperture efficiency, 0 to 1.

    Returns
    -------
    ndarray
        10 log10(efficiency (pi D f / c)^2) [dBi].

    Raises
    ------
    InputError
        If a value is not above zero, or an efficiency is above one.

    Examples
    --------
    >>> round(float(dish_gain_dbi(4.2, 8.45e9)), 1)
    49.2
    """
    diameter, frequency = _positive(diameter_m, "diameter_m"), _positive(frequency_hz, "frequency_hz")
    share = _positive(efficiency, "efficiency")
    if (share > 1.0).any():
        raise InputError("above one", where="efficiency", advice="give the aperture efficiency, 0.5 to 0.7")
    return np.asarray(10.0 * np.log10(share) + 20.0 * np.log10(np.pi * diameter * frequency / _LIGHT_SPEED_M_S))


def link_budget(link: Link, *, efficiency: float = DISH_EFFICIENCY, range_m: float | None = None) -> LinkBudget:
    """Budget of one link of a plan.

    Parameters
    ----------
    link : moonpost.plan.Link
        Row of the plan. A gain that is given goes before a dish.
    efficiency : float
        Aperture efficiency where only the dish is known.
    range_m : float, optional
        Another distance than the plan's longest [m].

    Returns
    -------
    LinkBudget
        All terms. What the plan does not give is listed in `missing`, never guessed, and what follows from it is
        None.

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    C/N0 = EIRP - L + G/T - losses - 10 log10 k; Eb/N0 = C/N0 - 10 log10 R; the margin is against the needed Eb/N0.
    Free space: no rain, no atmosphere, no multipath from the ground.

    References
    ----------
    Maral and Bousquet (2009), Satellite Communications Systems, 5th edition, chapter 5.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> (relay,) = [link for link in load_plan("ilrs").links if link.id == "ce4-queqiao"]
    >>> budget = link_budget(relay)
    >>> budget.closes, budget.missing
    (True, ())
    """
    assumptions: list[str] = []
    carrier = link.frequency_hz
    transmit = _gain(link.transmit_gain_dbi, link.transmit_dish_m, carrier, efficiency, "transmit", assumptions)
    receive = _gain(link.receive_gain_dbi, link.receive_dish_m, carrier, efficiency, "receive", assumptions)
    missing = [
        name
        for name, value in (
            ("transmit_power_w", link.transmit_power_w),
            ("transmit_gain_dbi or transmit_dish_m", transmit),
            ("receive_gain_dbi or receive_dish_m", receive),
            ("system_temperature_k", link.system_temperature_k),
        )
        if value is None
    ]
    distance = link.range_m if range_m is None else range_m
    loss = float(free_space_loss_db(link.frequency_hz, distance))
    eirp = _sum(_decibel(link.transmit_power_w), transmit)
    noise = _decibel(link.system_temperature_k)
    merit = _sum(receive, None if noise is None else -noise)
    received = _sum(eirp, receive, -loss - link.losses_db)
    density = _sum(eirp, merit, -loss - link.losses_db - _BOLTZMANN_DB)
    ebn0 = _sum(density, -10.0 * math.log10(link.rate_bit_s))
    return LinkBudget(
        link=link.id,
        rate_bit_s=link.rate_bit_s,
        range_m=distance,
        free_space_loss_db=loss,
        transmit_gain_dbi=transmit,
        receive_gain_dbi=receive,
        eirp_dbw=eirp,
        figure_of_merit_db_k=merit,
        losses_db=link.losses_db,
        received_dbw=received,
        carrier_to_noise_db_hz=density,
        ebn0_db=ebn0,
        required_ebn0_db=link.required_ebn0_db,
        margin_db=_sum(ebn0, -link.required_ebn0_db),
        achievable_rate_bit_s=None if density is None else 10.0 ** ((density - link.required_ebn0_db) / 10.0),
        missing=tuple(missing),
        assumptions=tuple(assumptions),
    )


def achievable_rate_bit_s(
    link: Link, range_m: npt.ArrayLike, *, margin_db: float = 3.0, efficiency: float = DISH_EFFICIENCY
) -> Floats:
    """Rate that a link carries at each distance with a margin.

    Parameters
    ----------
    link : moonpost.plan.Link
        Row of the plan.
    range_m : array_like
        Distances [m].
    margin_db : float
        Margin that is kept [dB].
    efficiency : float
        Aperture efficiency where only the dish is known.

    Returns
    -------
    ndarray
        [bit/s], in the shape of `range_m`. Not limited by what the radio can modulate.

    Raises
    ------
    InputError
        If figures are missing from the plan, or a distance is not above zero.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> link = load_plan("ilrs").links[0]
    >>> near, far = achievable_rate_bit_s(link, [4.0e7, 8.0e7])
    >>> round(float(near / far), 6)
    4.0
    """
    budget = link_budget(link, efficiency=efficiency)
    if budget.achievable_rate_bit_s is None:
        raise InputError(
            f"no {', '.join(budget.missing)}", where=f"links[{link.id}]", advice="add these figures to the plan"
        )
    ratio = budget.range_m / _positive(range_m, "range_m")
    return np.asarray(budget.achievable_rate_bit_s * 10.0 ** (-margin_db / 10.0) * ratio**2)


def _gain(
    gain_dbi: float | None,
    dish_m: float | None,
    frequency_hz: float,
    efficiency: float,
    end: str,
    assumptions: list[str],
) -> float | None:
    """Gain of one end, from the plan's gain or its dish."""
    if gain_dbi is not None:
        return gain_dbi
    if dish_m is None:
        return None
    assumptions.append(f"{end} dish of {dish_m:g} m with aperture efficiency {efficiency:g}")
    return float(dish_gain_dbi(dish_m, frequency_hz, efficiency))


def _sum(*terms: float | None) -> float | None:
    """Sum of decibels, None if one is missing."""
    known = [term for term in terms if term is not None]
    return math.fsum(known) if len(known) == len(terms) else None


def _decibel(value: float | None) -> float | None:
    return None if value is None else 10.0 * math.log10(value)


def _positive(values: npt.ArrayLike, where: str) -> Floats:
    """Array of finite numbers above zero."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("not a number", where=where, advice="give a number above zero") from error
    if not np.isfinite(array).all() or (array <= 0.0).any():
        raise InputError("not above zero", where=where, advice="give a finite number above zero")
    return array

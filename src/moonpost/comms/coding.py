"""Modulation and coding: what energy per bit each scheme needs, and which one a received signal carries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError

__all__ = ["CCSDS", "DVB_S2", "Coding", "Mode", "best_mode", "coding", "modes_of_rates", "modes_of_symbol_rate"]

Floats = npt.NDArray[np.float64]

_GREEN = "CCSDS 130.1-G-2 (2012), TM synchronization and channel coding, figures of sections 3 to 8"
_ETSI = "ETSI EN 302 307-1 (2014), table 13: packet error rate 1e-7, normal frames, no pilots"


@dataclass(frozen=True)
class Coding:
    """A modulation with an error-correcting code, and the energy per bit that it needs.

    Parameters
    ----------
    name : str
        Short name.
    efficiency_bit_symbol : float
        Bits of data in a symbol, overhead of code and frame taken off [bit].
    required_ebn0_db : float
        Energy per bit of data over noise density at the error rate of the source [dB].
    accuracy_db : float
        How well that number is known [dB].
    source : str
        Where it is from.

    Examples
    --------
    >>> coding("QPSK 1/2").required_ebn0_db
    1.05
    """

    name: str
    efficiency_bit_symbol: float
    required_ebn0_db: float
    accuracy_db: float
    source: str

    @property
    def required_esn0_db(self) -> float:
        """Energy per symbol over noise density that is needed.

        Returns
        -------
        float
            [dB]
        """
        return self.required_ebn0_db + 10.0 * math.log10(self.efficiency_bit_symbol)


@dataclass(frozen=True)
class Mode:
    """A rate that a radio can be set to.

    Parameters
    ----------
    rate_bit_s : float
        Data [bit/s].
    coding : Coding
        Its modulation and code.

    Raises
    ------
    InputError
        If the rate is not above zero.

    Examples
    --------
    >>> round(Mode(555e3, coding("convolutional")).required_db_hz, 2)
    61.94
    """

    rate_bit_s: float
    coding: Coding

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate_bit_s) and self.rate_bit_s > 0.0):
            raise InputError(f"{self.rate_bit_s!r} is no rate", where="rate_bit_s", advice="give one above zero")

    @property
    def required_db_hz(self) -> float:
        """Power over noise density at which the mode just works.

        Returns
        -------
        float
            [dB Hz]
        """
        return self.coding.required_ebn0_db + 10.0 * math.log10(self.rate_bit_s)


def _ccsds() -> tuple[Coding, ...]:
    """Codes of CCSDS 131.0-B on QPSK or BPSK; the energy is the same, the symbols are those of QPSK."""
    rows = (
        ("uncoded", 1.0, 9.6, 0.05, "Closed form: bit error rate 1e-5"),
        ("convolutional", 1.0 / 2.0, 4.5, 0.2, _GREEN + ", bit error rate 1e-5"),
        ("concatenated", 223.0 / 255.0 / 2.0, 2.6, 0.2, _GREEN + ", bit error rate 1e-6"),
        ("turbo 1/2", 1.0 / 2.0, 1.0, 0.2, _GREEN + ", 8920 bits, frame error rate 1e-4"),
        ("turbo 1/3", 1.0 / 3.0, 0.4, 0.2, _GREEN + ", 8920 bits, frame error rate 1e-4"),
        ("turbo 1/6", 1.0 / 6.0, -0.1, 0.2, _GREEN + ", 8920 bits, frame error rate 1e-4"),
        ("LDPC 1/2", 1.0 / 2.0, 1.0, 0.2, _GREEN + ", 16384 bits, word error rate 1e-6"),
        ("LDPC 7/8", 7136.0 / 8160.0, 4.0, 0.2, _GREEN + ", (8160, 7136), word error rate 1e-6"),
    )
    return tuple(Coding(name, 2.0 * rate, need, known, source) for name, rate, need, known, source in rows)


def _dvb_s2() -> tuple[Coding, ...]:
    """Rows of table 13: energy per symbol as printed; efficiency from the structure of the frame."""
    information = {
        "1/4": 16008, "1/3": 21408, "2/5": 25728, "1/2": 32208, "3/5": 38688, "2/3": 43040,
        "3/4": 48408, "4/5": 51648, "5/6": 53840, "8/9": 57472, "9/10": 58192,
    }  # fmt: skip
    rows: dict[str, tuple[int, dict[str, float]]] = {
        "QPSK": (2, {"1/4": -2.35, "1/3": -1.24, "2/5": -0.30, "1/2": 1.00, "3/5": 2.23, "2/3": 3.10, "3/4": 4.03,
                     "4/5": 4.68, "5/6": 5.18, "8/9": 6.20, "9/10": 6.42}),
        "8PSK": (3, {"3/5": 5.50, "2/3": 6.62, "3/4": 7.91, "5/6": 9.35, "8/9": 10.69, "9/10": 10.98}),
        "16APSK": (4, {"2/3": 8.97, "3/4": 10.21, "4/5": 11.03, "5/6": 11.61, "8/9": 12.89, "9/10": 13.13}),
        "32APSK": (5, {"3/4": 12.73, "4/5": 13.64, "5/6": 14.28, "8/9": 15.69, "9/10": 16.05}),
    }  # fmt: skip
    found = []
    for modulation, (bits, codes) in rows.items():
        for rate, esn0 in codes.items():
            efficiency = (information[rate] - 80) / (64800 / bits + 90)
            need = round(esn0 - 10.0 * math.log10(efficiency), 2)
            found.append(Coding(f"{modulation} {rate}", efficiency, need, 0.05, _ETSI))
    return tuple(found)


CCSDS = _ccsds()
"""Codes for telemetry (CCSDS 131.0-B), with thresholds read off the figures of its summary to 0.2 dB."""

DVB_S2 = _dvb_s2()
"""The 28 schemes of DVB-S2 for adaptive coding and modulation; real modems need 0.5 to 1 dB more."""


def coding(name: str) -> Coding:
    """Look up a scheme.

    Parameters
    ----------
    name : str
        Of `CCSDS` or `DVB_S2`, such as ``"concatenated"`` or ``"8PSK 3/4"``.

    Returns
    -------
    Coding

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> round(coding("8PSK 3/4").efficiency_bit_symbol, 6)
    2.228124
    """
    known = {row.name: row for row in (*CCSDS, *DVB_S2)}
    if name not in known:
        raise UnknownNameError(name, known, kind="coding")
    return known[name]


def modes_of_rates(rate_bit_s: npt.ArrayLike, scheme: Coding) -> tuple[Mode, ...]:
    """Modes of a radio that changes its rate and keeps its code.

    Parameters
    ----------
    rate_bit_s : array_like
        Rates [bit/s].
    scheme : Coding
        Modulation and code of all.

    Returns
    -------
    tuple of Mode

    Raises
    ------
    InputError
        If there is no rate, or one is not above zero.

    Examples
    --------
    >>> len(modes_of_rates([1.4e3, 50e3, 280e3, 555e3], coding("concatenated")))
    4
    """
    rates = np.atleast_1d(np.asarray(rate_bit_s, dtype=np.float64)).ravel()
    if not len(rates):
        raise InputError("no rates", where="rate_bit_s", advice="give at least one")
    return tuple(Mode(float(rate), scheme) for rate in rates)


def modes_of_symbol_rate(symbol_rate_hz: float, schemes: Sequence[Coding] = DVB_S2) -> tuple[Mode, ...]:
    """Modes of a radio that keeps its bandwidth and changes modulation and code.

    Parameters
    ----------
    symbol_rate_hz : float
        Symbols in a second [Hz]; the band is 1.05 to 1.35 times that wide.
    schemes : sequence of Coding, default DVB_S2
        What it can be set to.

    Returns
    -------
    tuple of Mode

    Raises
    ------
    InputError
        If there is no scheme, or the symbol rate is not above zero.

    Examples
    --------
    >>> round(modes_of_symbol_rate(50e6)[-1].rate_bit_s / 1e6)
    223
    """
    if not schemes:
        raise InputError("no schemes", where="schemes", advice="give at least one")
    return tuple(Mode(symbol_rate_hz * row.efficiency_bit_symbol, row) for row in schemes)


def best_mode(
    carrier_to_noise_db_hz: npt.ArrayLike, modes: Sequence[Mode], *, margin_db: float = 3.0
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Choose the fastest mode that works at each instant.

    Parameters
    ----------
    carrier_to_noise_db_hz : array_like
        Received power over noise density [dB Hz]; minus infinity where nothing arrives.
    modes : sequence of Mode
        What the radio can be set to.
    margin_db : float, default 3.0
        Margin that is kept [dB].

    Returns
    -------
    rate_bit_s : ndarray
        [bit/s]; 0 where no mode works.
    index : ndarray of int64
        Place of the mode in `modes`; -1 where none works.

    Raises
    ------
    InputError
        If there are no modes, or a number is NaN.

    Examples
    --------
    >>> rate, index = best_mode([40.0, 60.0, 80.0], modes_of_rates([1e4, 1e6], coding("turbo 1/2")))
    >>> rate.tolist(), index.tolist()
    ([0.0, 10000.0, 1000000.0], [-1, 0, 1])
    """
    density = np.asarray(carrier_to_noise_db_hz, dtype=np.float64)
    if not modes or np.isnan(density).any() or not math.isfinite(margin_db):
        raise InputError("no modes or NaN", where="best_mode", advice="give modes, and numbers or minus infinity")
    order = sorted(range(len(modes)), key=lambda k: (modes[k].required_db_hz, -modes[k].rate_bit_s))
    need = np.array([modes[k].required_db_hz for k in order])
    best, at = [-1], 0.0
    for k in order:
        best.append(k if modes[k].rate_bit_s > at else best[-1])
        at = max(at, modes[k].rate_bit_s)
    index = np.asarray(best)[np.searchsorted(need + margin_db, density, side="right")]
    rates = np.array([*(mode.rate_bit_s for mode in modes), 0.0])
    return np.asarray(rates[index]), np.asarray(index, dtype=np.int64)

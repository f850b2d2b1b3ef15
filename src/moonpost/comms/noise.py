"""Noise and beams: the Moon, the Sun and the air before an antenna, and what its aim costs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = [
    "BEAM_EFFICIENCY",
    "MOON_BRIGHTNESS_K",
    "air_loss_db",
    "air_noise_k",
    "beam_width_deg",
    "disc_noise_k",
    "disc_share",
    "pointing_loss_db",
    "sun_brightness_k",
]

Floats = npt.NDArray[np.float64]

BEAM_EFFICIENCY = 0.8
"""Share of the power that an antenna takes in through its main beam; 0.7 to 0.9 is usual."""

MOON_BRIGHTNESS_K = 225.0
"""Mean brightness temperature of the Moon's disc between 2 and 30 GHz [K]; it varies by 10 to 40 K with frequency
and phase (Krotikov and Troitskii 1964, Radio emission and nature of the Moon, Soviet Physics Uspekhi 6, 841)."""

_LIGHT_SPEED_M_S = 299_792_458.0
_AIR_K = 275.0
_LOWEST_DEG = 1.0
_FOUR_LN2 = 4.0 * np.log(2.0)


def beam_width_deg(diameter_m: npt.ArrayLike, frequency_hz: npt.ArrayLike) -> Floats:
    """Full width of a dish's beam at half power.

    Parameters
    ----------
    diameter_m : array_like
        Diameter [m].
    frequency_hz : array_like
        Carrier [Hz].

    Returns
    -------
    ndarray
        70 wavelengths over the diameter [deg].

    Raises
    ------
    InputError
        If a number is not above zero.

    References
    ----------
    Maral and Bousquet (2009), Satellite Communications Systems, 5th edition, section 5.2.

    Examples
    --------
    >>> round(float(beam_width_deg(35.0, 8.45e9)), 3)
    0.071
    """
    diameter = _at_least(diameter_m, "diameter_m", 0.0, above=True)
    frequency = _at_least(frequency_hz, "frequency_hz", 0.0, above=True)
    return np.asarray(70.0 * _LIGHT_SPEED_M_S / frequency / diameter)


def pointing_loss_db(error_deg: npt.ArrayLike, width_deg: npt.ArrayLike) -> Floats:
    """Loss by a beam that is off its target.

    Parameters
    ----------
    error_deg : array_like
        Angle between the beam's axis and the target [deg].
    width_deg : array_like
        Full width of the beam at half power [deg].

    Returns
    -------
    ndarray
        12 (error / width)^2 [dB]: 3 dB at half the width.

    Raises
    ------
    InputError
        If an error is beyond the width, where a beam is no parabola any more, or a number cannot be used.

    Examples
    --------
    >>> float(pointing_loss_db(0.1, 0.2)), round(float(pointing_loss_db(0.06, 0.6)), 2)
    (3.0, 0.12)
    """
    error = _at_least(error_deg, "error_deg", 0.0)
    width = _at_least(width_deg, "width_deg", 0.0, above=True)
    if (error > width).any():
        raise InputError(
            "an aim off by more than the width of the beam",
            where="error_deg",
            advice="point better, or take a smaller dish",
        )
    return np.asarray(12.0 * (error / width) ** 2)


def disc_share(offset_deg: npt.ArrayLike, radius_deg: npt.ArrayLike, width_deg: npt.ArrayLike) -> Floats:
    """Share of a main beam that a round disc fills.

    Parameters
    ----------
    offset_deg : array_like
        Angle between the beam's axis and the disc's centre [deg].
    radius_deg : array_like
        Radius of the disc [deg].
    width_deg : array_like
        Full width of the beam at half power [deg].

    Returns
    -------
    ndarray
        0 to 1, weighted by a Gaussian beam.

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    The integral of a round Gaussian over a disc off its centre is the distribution of a non-central chi-square
    with two degrees of freedom. Angles are taken as small.

    Examples
    --------
    >>> disc_share([0.0, 0.26, 1.0], 0.26, 0.07).round(3).tolist()
    [1.0, 0.477, 0.0]
    """
    from scipy.stats import ncx2

    offset = _at_least(offset_deg, "offset_deg", 0.0)
    radius = _at_least(radius_deg, "radius_deg", 0.0)
    width = _at_least(width_deg, "width_deg", 0.0, above=True)
    sigma2 = width**2 / (2.0 * _FOUR_LN2)
    far = offset - radius > 6.0 * width
    deep = radius - offset > 6.0 * width
    near = np.where(far | deep, 0.0, offset)
    share = ncx2.cdf(np.where(far | deep, 0.0, radius**2 / sigma2), 2, np.maximum(near**2 / sigma2, 1e-12))
    return np.asarray(np.where(deep, 1.0, np.where(far, 0.0, share)), dtype=np.float64)


def disc_noise_k(
    brightness_k: npt.ArrayLike,
    offset_deg: npt.ArrayLike,
    radius_deg: npt.ArrayLike,
    width_deg: npt.ArrayLike,
    beam_efficiency: float = BEAM_EFFICIENCY,
) -> Floats:
    """Noise that a warm disc in the beam adds, such as the Moon behind a lander or the Sun.

    Parameters
    ----------
    brightness_k : array_like
        Brightness temperature of the disc [K].
    offset_deg, radius_deg, width_deg : array_like
        As in `disc_share` [deg].
    beam_efficiency : float, default BEAM_EFFICIENCY
        Share of the power that comes in through the main beam.

    Returns
    -------
    ndarray
        [K]; what comes in through side lobes is left out.

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> round(float(disc_noise_k(MOON_BRIGHTNESS_K, 0.0, 0.26, 0.071)))
    180
    """
    if not 0.0 < beam_efficiency <= 1.0:
        raise InputError(f"{beam_efficiency!r}", where="beam_efficiency", advice="give a share, 0.7 to 0.9")
    bright = _at_least(brightness_k, "brightness_k", 0.0)
    return np.asarray(beam_efficiency * bright * disc_share(offset_deg, radius_deg, width_deg))


def sun_brightness_k(frequency_hz: npt.ArrayLike) -> Floats:
    """Brightness temperature of the Sun's disc without bursts.

    Parameters
    ----------
    frequency_hz : array_like
        1 to 40 GHz [Hz].

    Returns
    -------
    ndarray
        120,000 (f / GHz)^-0.75 [K].

    Raises
    ------
    InputError
        If a frequency is out of that range.

    References
    ----------
    Maral and Bousquet (2009), Satellite Communications Systems, 5th edition, section 5.5.

    Examples
    --------
    >>> round(float(sun_brightness_k(8.45e9)), -3)
    24000.0
    """
    frequency = _at_least(frequency_hz, "frequency_hz", 1e9)
    if (frequency > 40e9).any():
        raise InputError("above 40 GHz", where="frequency_hz", advice="give 1 to 40 GHz, or a brightness")
    return np.asarray(120_000.0 * (frequency / 1e9) ** -0.75)


def air_loss_db(elevation_deg: npt.ArrayLike, zenith_loss_db: float = 0.05) -> Floats:
    """Loss in the Earth's air on a slanting path.

    Parameters
    ----------
    elevation_deg : array_like
        Elevation at the ground station, 1 deg at least [deg].
    zenith_loss_db : float, default 0.05
        Loss straight up [dB]: 0.04 to 0.05 in clear air from 2 to 10 GHz, 0.2 to 0.5 at 26 GHz.

    Returns
    -------
    ndarray
        Loss over the sine of the elevation [dB]; flat layers, 2 % too much at 10 deg.

    Raises
    ------
    InputError
        If an elevation is below 1 deg or above 90 deg, or the loss is negative.

    References
    ----------
    ITU-R P.676-13 (2022), Attenuation by atmospheric gases.

    Examples
    --------
    >>> air_loss_db([90.0, 30.0]).round(3).tolist()
    [0.05, 0.1]
    """
    elevation = _at_least(elevation_deg, "elevation_deg", _LOWEST_DEG)
    if (elevation > 90.0).any():
        raise InputError("above 90 deg", where="elevation_deg", advice="give 1 to 90 deg")
    zenith = _at_least(zenith_loss_db, "zenith_loss_db", 0.0)
    return np.asarray(zenith / np.sin(np.deg2rad(elevation)))


def air_noise_k(loss_db: npt.ArrayLike) -> Floats:
    """Noise of the air that absorbs.

    Parameters
    ----------
    loss_db : array_like
        Loss in it [dB].

    Returns
    -------
    ndarray
        275 K (1 - 10^(-loss / 10)) [K].

    Raises
    ------
    InputError
        If a loss is negative.

    Examples
    --------
    >>> air_noise_k([0.05, 0.29]).round(1).tolist()
    [3.1, 17.8]
    """
    return np.asarray(_AIR_K * (1.0 - 10.0 ** (-_at_least(loss_db, "loss_db", 0.0) / 10.0)))


def _at_least(values: npt.ArrayLike, where: str, low: float, *, above: bool = False) -> Floats:
    """Finite numbers from `low` on, or above it."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("not a number", where=where, advice=f"give numbers from {low:g}") from error
    bad = ~np.isfinite(array) | (array <= low if above else array < low)
    if bad.any():
        raise InputError(
            f"{np.ravel(array[bad])[0]!r} cannot be used", where=where, advice=f"give numbers from {low:g}"
        )
    return array

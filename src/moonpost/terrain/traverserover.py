"""Rovers: what they can climb, how fast they drive, and what they draw and collect."""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moonpost.errors import DataError, InputError, UnknownNameError

__all__ = ["ROVERS", "Rover", "rover_named"]

_STEEPEST_DEG = 60.0


@dataclass(frozen=True)
class Rover:
    """A rover as traverse planning sees it.

    Parameters
    ----------
    name : str
        Name.
    mass_kg : float
        Mass [kg].
    speed_m_s : float
        Speed on level ground [m/s].
    max_slope_deg : float
        Steepest ground along the way, up or down [deg].
    max_cross_deg : float
        Steepest ground across the way [deg].
    speed_at_limit : float
        Speed at `max_slope_deg` over that on level ground, above 0 and at most 1.
    drive_power_w : float
        Power of driving on level ground, on top of `idle_power_w` [W].
    idle_power_w, sleep_power_w : float
        Power when standing awake and when asleep in the dark [W].
    drive_efficiency : float
        Share of electric energy that lifts the rover on a slope.
    array_power_w : float
        Output of the solar array with the whole disc in sight at 1 au, pointed at the Sun [W].
    battery_wh : float
        Energy of the full battery [Wh].
    least_charge : float
        Share of it below which the charge may never fall.
    array_height_m, antenna_height_m : float
        Height of the array and of the antenna above the ground [m].
    source : str
        Where the numbers come from, and which are assumed.

    Raises
    ------
    InputError
        If a number is not finite or out of range.

    Notes
    -----
    The speed falls linearly with the slope along the way, from `speed_m_s` on the level to `speed_at_limit` times
    that at the limit, the same up and down: a stand-in for slip, for want of a published law of these rovers. A
    leg takes ``(idle + drive) t + m g h / efficiency`` of energy with h the metres climbed and g 1.62 m/s2;
    nothing comes back downhill.

    Examples
    --------
    >>> rover = rover_named("yutu-2")
    >>> rover.mass_kg, round(rover.speed_m_s * 3600.0)
    (140.0, 200)
    """

    name: str
    mass_kg: float = 140.0
    speed_m_s: float = 200.0 / 3600.0
    max_slope_deg: float = 20.0
    max_cross_deg: float = 15.0
    speed_at_limit: float = 0.5
    drive_power_w: float = 60.0
    idle_power_w: float = 60.0
    sleep_power_w: float = 0.0
    drive_efficiency: float = 0.3
    array_power_w: float = 160.0
    battery_wh: float = 1000.0
    least_charge: float = 0.3
    array_height_m: float = 1.0
    antenna_height_m: float = 1.5
    source: str = ""

    def __post_init__(self) -> None:
        for field, low, high in (
            ("mass_kg", 0.0, 1e6),
            ("speed_m_s", 1e-4, 100.0),
            ("max_slope_deg", 0.1, _STEEPEST_DEG),
            ("max_cross_deg", 0.1, _STEEPEST_DEG),
            ("speed_at_limit", 0.01, 1.0),
            ("drive_power_w", 0.0, 1e6),
            ("idle_power_w", 0.0, 1e6),
            ("sleep_power_w", 0.0, 1e6),
            ("drive_efficiency", 0.01, 1.0),
            ("array_power_w", 0.0, 1e6),
            ("battery_wh", 0.0, 1e9),
            ("least_charge", 0.0, 1.0),
            ("array_height_m", 0.0, 100.0),
            ("antenna_height_m", 0.0, 100.0),
        ):
            value = getattr(self, field)
            good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not (good and low <= value <= high):
                raise InputError(
                    f"{value!r}", where=f"Rover.{field}", advice=f"give a number from {low:g} to {high:g}"
                )
            object.__setattr__(self, field, float(value))

    def speed_on(self, slope_deg: float) -> float:
        """Speed on a slope along the way.

        Parameters
        ----------
        slope_deg : float
            Slope, up or down [deg].

        Returns
        -------
        float
            Speed [m/s]; 0 beyond the limit.

        Examples
        --------
        >>> Rover("plain", speed_m_s=0.1, max_slope_deg=20.0, speed_at_limit=0.5).speed_on(-10.0)
        0.07500000000000001
        """
        share = abs(slope_deg) / self.max_slope_deg
        return self.speed_m_s * (1.0 - (1.0 - self.speed_at_limit) * share) if share <= 1.0 else 0.0

    def changed(self, **values: Any) -> Rover:
        """Make another rover that differs in some numbers.

        Parameters
        ----------
        **values
            New values by the name of the parameter; None leaves the old one.

        Returns
        -------
        Rover
            The other rover.

        Examples
        --------
        >>> rover_named("viper").changed(max_slope_deg=10.0, speed_m_s=None).max_slope_deg
        10.0
        """
        return dataclasses.replace(self, **{name: value for name, value in values.items() if value is not None})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Rover:
        """Read a rover from a TOML file whose keys are the parameters.

        Parameters
        ----------
        path : path-like
            The file; what it leaves out is as for ``"ilrs"``.

        Returns
        -------
        Rover
            The rover.

        Raises
        ------
        DataError
            If the file is missing, cannot be read, or holds a key that is no parameter.
        InputError
            If a number is of no use.
        """
        advice = "write keys such as 'speed_m_s = 0.1', one a line"
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"cannot be read ({error})", where=str(path), advice=advice) from error
        known = {field.name for field in dataclasses.fields(cls)}
        strange = sorted(set(data) - known)
        if strange:
            raise DataError(f"{strange[0]!r} is no parameter of a rover", where=str(path), advice=advice)
        return dataclasses.replace(ROVERS["ilrs"], **{"name": Path(path).stem, "source": str(path), **data})


ROVERS: dict[str, Rover] = {
    rover.name: rover
    for rover in (
        Rover(
            "ilrs",
            source="Mobility of Yutu-2 (140 kg, 200 m/h, 20 deg; press record of the CNSA, 2019). Assumed: cross "
            "slope, slow-down, all powers, battery, heights; heated by isotopes when asleep, as Yutu-2 is.",
        ),
        Rover(
            "yutu-2",
            sleep_power_w=0.0,
            source="140 kg, 200 m/h at most, 20 deg (press record of the CNSA, 2019). Assumed: the rest.",
        ),
        Rover(
            "viper",
            mass_kg=430.0,
            speed_m_s=0.2,
            max_slope_deg=15.0,
            max_cross_deg=15.0,
            drive_power_w=150.0,
            idle_power_w=180.0,
            sleep_power_w=70.0,
            array_power_w=450.0,
            battery_wh=5000.0,
            array_height_m=1.5,
            antenna_height_m=2.4,
            source="430 kg, 0.2 m/s, 450 W peak, 2.5 m high (NASA fact sheet, 2023); 15 deg (NASA, 2021). "
            "Assumed: the rest.",
        ),
    )
}
"""Rovers by name: ``ilrs`` (the default), ``yutu-2`` and ``viper``."""


def rover_named(name: str) -> Rover:
    """Find a rover by its name, or read the TOML file of that name.

    Parameters
    ----------
    name : str
        A key of `ROVERS`, or the path of a file that ends in ``.toml``.

    Returns
    -------
    Rover
        The rover.

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> rover_named("viper").max_slope_deg
    15.0
    """
    if str(name).endswith(".toml"):
        return Rover.load(name)
    if name not in ROVERS:
        raise UnknownNameError(str(name), ROVERS, kind="rover")
    return ROVERS[name]

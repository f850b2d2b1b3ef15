"""What is known of a mission that brings samples from the Moon: dates, masses, engines, orbits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from moonpost.errors import InputError
from moonpost.flight.entry import LANDING_PLACES, Interface, LandingPlace
from moonpost.sky.site import Site
from moonpost.sky.times import as_utc

__all__ = ["CHANGE_5", "EVENTS", "Engine", "SampleReturn"]

EVENTS = (
    "launch", "loi_1", "loi_2", "separation", "descent", "landing", "ascent", "docking", "tei_1", "tei_2", "entry",
    "capsule_landing",
)  # fmt: skip
"""Events of a sample return, in order; burns are dated by their ignition."""


@dataclass(frozen=True)
class Engine:
    """An engine, or several that burn together.

    Parameters
    ----------
    thrust_n : float
        Thrust [N].
    specific_impulse_s : float
        Specific impulse [s].

    Raises
    ------
    InputError
        If a number is not above zero.

    Examples
    --------
    >>> round(Engine(3000.0, 310.0).seconds(398.0, 8200.0))
    1020
    """

    thrust_n: float
    specific_impulse_s: float

    def __post_init__(self) -> None:
        for value in (self.thrust_n, self.specific_impulse_s):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"{value}", where="engine", advice="give thrust [N] and specific impulse [s]")

    @property
    def exhaust_m_s(self) -> float:
        """Speed of the exhaust [m/s].

        Returns
        -------
        float
        """
        from moonpost.flight.chain import STANDARD_GRAVITY_M_S2

        return STANDARD_GRAVITY_M_S2 * self.specific_impulse_s

    def mass_after_kg(self, delta_v_m_s: float, mass_kg: float) -> float:
        """Mass left by the rocket equation.

        Parameters
        ----------
        delta_v_m_s, mass_kg : float
            Change of velocity [m/s] and mass before it [kg].

        Returns
        -------
        float
            [kg]
        """
        return mass_kg * math.exp(-delta_v_m_s / self.exhaust_m_s)

    def seconds(self, delta_v_m_s: float, mass_kg: float) -> float:
        """How long it burns.

        Parameters
        ----------
        delta_v_m_s, mass_kg : float
            Change of velocity [m/s] and mass before it [kg].

        Returns
        -------
        float
            [s]
        """
        burnt = mass_kg - self.mass_after_kg(delta_v_m_s, mass_kg)
        return burnt * self.exhaust_m_s / self.thrust_n


@dataclass(frozen=True)
class SampleReturn:
    """A sample return with one orbiter, lander and ascender.

    Parameters
    ----------
    name, launch_site : str
        The mission, and a name of `moonpost.flight.launchsites`.
    dates : mapping
        UTC of each of `EVENTS`.
    site : Site
        Landing site on the Moon.
    place : LandingPlace
        Landing place on the Earth.
    interface : Interface
        Entry interface.
    launch_mass_kg : float
        Mass after injection to the Moon [kg].
    orbiter_kg, ascender_kg : float
        Masses of the orbiter, with what returns, and of the ascender at docking [kg].
    orbit_altitude_m, tei_altitude_m : float
        Altitudes of the circle round the Moon and of the last burn [m].
    descent_perilune_m : float
        Altitude at which the powered descent begins [m].
    ascent_apsides_m : tuple of float
        Perilune and apolune after the ascent [m].
    main, small, lander, ascender : Engine
        The orbiter's main engine, its small ones together, the lander's and the ascender's.
    loi_revolutions, tei_revolutions : int
        Revolutions between the two burns into orbit, and between the two out of it.
    burns_s : mapping
        Published durations of burns by event [s].
    sources : tuple of str
        Where the numbers are from.

    Raises
    ------
    InputError
        If a date is missing or the dates are not in order, or a number cannot be used.

    Examples
    --------
    >>> CHANGE_5.dates["landing"], CHANGE_5.launch_mass_kg
    ('2020-12-01T15:11', 8200.0)
    """

    name: str
    launch_site: str
    dates: Mapping[str, str]
    site: Site
    place: LandingPlace
    launch_mass_kg: float
    orbiter_kg: float
    ascender_kg: float
    orbit_altitude_m: float
    tei_altitude_m: float
    descent_perilune_m: float
    ascent_apsides_m: tuple[float, float]
    main: Engine
    small: Engine
    lander: Engine
    ascender: Engine
    loi_revolutions: int
    tei_revolutions: int
    interface: Interface = field(default_factory=Interface)
    burns_s: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = [name for name in EVENTS if name not in self.dates]
        if missing:
            raise InputError(f"no date of {missing[0]}", where="dates", advice=f"give {', '.join(EVENTS)}")
        moments = np.array([as_utc(self.dates[name]) for name in EVENTS]).ravel()
        if not (np.diff(moments) > np.timedelta64(0, "ms")).all():
            raise InputError("the dates are not in order", where="dates", advice=f"give {', '.join(EVENTS)}")
        masses = (self.orbiter_kg, self.ascender_kg, self.launch_mass_kg)
        if not (self.ascender_kg > 0.0 and self.orbiter_kg + self.ascender_kg < self.launch_mass_kg < math.inf):
            raise InputError(f"masses {masses} kg", where="masses", advice="give parts lighter than the whole")
        if min(self.loi_revolutions, self.tei_revolutions) < 1:
            raise InputError("revolutions", where="revolutions", advice="give 1 or more")


CHANGE_5 = SampleReturn(
    name="Chang'e 5",
    launch_site="Wenchang",
    dates=MappingProxyType(
        {
            "launch": "2020-11-23T20:30:12",
            "loi_1": "2020-11-28T12:58",
            "loi_2": "2020-11-29T12:23",
            "separation": "2020-11-29T20:40",
            "descent": "2020-12-01T14:57",
            "landing": "2020-12-01T15:11",
            "ascent": "2020-12-03T15:10",
            "docking": "2020-12-05T21:42",
            "tei_1": "2020-12-12T01:54",
            "tei_2": "2020-12-13T01:51",
            "entry": "2020-12-16T17:33",
            "capsule_landing": "2020-12-16T17:59",
        }
    ),
    site=Site(43.0576, -51.9161, -2570.0),
    place=LANDING_PLACES["siziwang"],
    launch_mass_kg=8200.0,
    orbiter_kg=2300.0,
    ascender_kg=400.0,
    orbit_altitude_m=200e3,
    tei_altitude_m=230e3,
    descent_perilune_m=15e3,
    ascent_apsides_m=(15e3, 180e3),
    main=Engine(3000.0, 310.0),
    small=Engine(600.0, 300.0),
    lander=Engine(7500.0, 310.0),
    ascender=Engine(3000.0, 310.0),
    loi_revolutions=3,
    tei_revolutions=3,
    burns_s=MappingProxyType({"loi_1": 1020.0, "tei_2": 1320.0, "descent": 840.0}),
    sources=(
        "dates, thrusts, durations and altitudes: CNSA and Xinhua as reported in the days of the mission",
        "masses at docking, 2.3 t and 400 kg, and entry at 17:33: CNSA (2020)",
        "ascent orbit of 15 x 180 km: as flown by the 2015 test (Li et al. 2015, from 18 x 180 km)",
        "specific impulses, and the revolutions between burns: estimates, explained in the case",
    ),
)
"""Chang'e 5 as published; what is estimated says so in its sources."""

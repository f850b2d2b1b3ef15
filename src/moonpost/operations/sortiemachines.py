"""Machines that go on sorties, and the light, ground and contact that they meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.operations.ways import HopEngine, Way
from moonpost.plan.elements import Activity, Element, Radioisotope, Storage, ThermalBox
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["SortieMachine", "SortieSky", "assumed_box", "example_machine"]

Floats = npt.NDArray[np.float64]

_SIGMA = 5.670374419e-8
_SOLAR_W_M2 = 1361.0
_WARM_K = 313.15
_NEVER_W = 1e12


@dataclass(frozen=True)
class SortieMachine:
    """What a sortie asks of a machine.

    Parameters
    ----------
    name : str
        Its name.
    mass_kg : float
        Mass at the start, propellant included [kg].
    ready_w, sleep_w : float
        Drawn while it waits awake in light, and asleep in the dark [W].
    work_w : float
        Drawn at the goal, all in all [W].
    storage : Storage
        Its store.
    box : ThermalBox
        Its warm box.
    isotope_w : float
        Heat of radioisotopes in the box [W].
    bus_efficiency : float
        From source to load [1].
    engine : HopEngine, optional
        If it hops.
    notes : tuple of str
        What was assumed.

    Raises
    ------
    InputError
        If a number is of no use.
    """

    name: str
    mass_kg: float
    ready_w: float
    sleep_w: float
    work_w: float
    storage: Storage
    box: ThermalBox
    isotope_w: float = 0.0
    bus_efficiency: float = 1.0
    engine: HopEngine | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("mass_kg", 0.1, 1e6),
            ("ready_w", 0.0, 1e6),
            ("sleep_w", 0.0, 1e6),
            ("work_w", 0.0, 1e6),
            ("isotope_w", 0.0, 1e6),
            ("bus_efficiency", 0.05, 1.0),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{value!r}", where=name, advice=f"give {low:g} to {high:g}")

    @classmethod
    def of_element(
        cls,
        element: Element,
        *,
        activities: Sequence[Activity] = (),
        engine: HopEngine | None = None,
        mass_kg: float | None = None,
        work_w: float | None = None,
        bus_efficiency: float = 1.0,
        years: float = 0.0,
    ) -> SortieMachine:
        """Take a machine from a plan, and say what had to be assumed.

        Parameters
        ----------
        element : Element
            The machine.
        activities : sequence of Activity
            Of the plan; the one of the element that needs light and has the most power tells that at the goal.
        engine : HopEngine, optional
            If it hops; its first tank, if the plan gives one, is the propellant where this is None.
        mass_kg : float, optional
            Mass at the start, propellant included [kg]; that of the plan and the propellant if not given.
        work_w : float, optional
            Drawn at the goal, all in all [W].
        bus_efficiency : float
            From source to load [1].
        years : float
            Age of its isotopes and store [years].

        Returns
        -------
        SortieMachine
            One copy of it.

        Raises
        ------
        ModelError
            If it has no store, or no mass is known.

        Examples
        --------
        >>> from moonpost.plan import load_plan
        >>> plan = load_plan("ilrs")
        >>> hopper = next(element for element in plan.elements if element.id == "ce7-hopper")
        >>> found = SortieMachine.of_element(
        ...     hopper, activities=plan.activities, engine=HopEngine(30.0), mass_kg=100.0
        ... )
        >>> found.work_w
        170.0
        """
        from moonpost.power.ageing import capacity_left
        from moonpost.power.isotopes import radioisotope_power_w
        from moonpost.power.loads import mode_in

        if element.storage is None:
            raise ModelError("has no store", where=element.id, advice="give the element a storage in the plan")
        notes = []
        if engine is None and element.tanks and element.kind == "hopper":
            engine = HopEngine(element.tanks[0].initial_kg)
        light, dark = mode_in(element, "light"), mode_in(element, "dark")
        ready = light.power_w if light else 0.0
        sleep = dark.power_w if dark else ready
        if work_w is None:
            own = [row for row in activities if row.element == element.id]
            most = max(own, key=lambda row: row.power_w, default=None)
            work_w = ready + (most.power_w if most else 0.0)
            notes.append(
                f"works at {work_w:g} W: {most.name} besides its light mode"
                if most
                else f"works at the {ready:g} W of its light mode"
            )
        if mass_kg is None:
            if element.best_mass_kg is None:
                raise ModelError("its mass is not in the plan", where=element.id, advice="give mass_kg")
            mass_kg = element.best_mass_kg + (engine.propellant_kg if engine else 0.0)
        sources = [item for item in element.generators if isinstance(item, Radioisotope)]
        heat = float(sum(radioisotope_power_w(item, np.array([years]))[1][0] for item in sources))
        box = element.thermal
        if box is None:
            box = assumed_box(mass_kg, work_w, heat)
            notes.append(
                f"its box is not in the plan; assumed {box.capacity_j_k / 1e3:.0f} kJ/K, a radiator of "
                f"{box.radiator_m2:.2f} m2 that closes to {box.closed_fraction:.0%}, {box.ground_w_k:g} W/K to "
                f"the ground, a heater of {box.heater_w:g} W"
            )
        fade = float(np.ravel(capacity_left(element.storage, years))[0])
        store = element.storage.model_copy(update={"capacity_wh": element.storage.capacity_wh * fade})
        return cls(
            element.name, mass_kg, ready, sleep, work_w, store, box, heat, bus_efficiency, engine, tuple(notes)
        )

    @property
    def usable_wh(self) -> float:
        """Energy of the full store that may be used [Wh].

        Returns
        -------
        float
        """
        return self.storage.capacity_wh * self.storage.depth_of_discharge

    def check_propellant(self, out_kg: float) -> None:
        """Refuse a way out that takes more than is on board.

        Parameters
        ----------
        out_kg : float
            Propellant of the way out [kg].

        Raises
        ------
        ModelError
            If it is more.
        """
        if self.engine is not None and out_kg > self.engine.propellant_kg:
            raise ModelError(
                f"the way out takes {out_kg:.1f} kg of propellant, {self.engine.propellant_kg:g} kg are on board",
                where=self.name,
                advice="choose a nearer goal, or give more propellant",
            )

    def changed(self, **values: Any) -> SortieMachine:
        """Make another machine that differs in some numbers.

        Parameters
        ----------
        **values
            New values by the name of the parameter.

        Returns
        -------
        SortieMachine
            The other machine.
        """
        return replace(self, **values)

    def numbers(self) -> Floats:
        """Numbers as the kernels take them.

        Returns
        -------
        ndarray, shape (17,)
            In the order of `moonpost.operations.sortiekernels`.
        """
        box, store = self.box, self.storage
        return np.array(
            [
                box.capacity_j_k,
                box.emissivity * _SIGMA * box.radiator_m2,
                box.ground_w_k,
                box.radioisotope_fraction * self.isotope_w,
                box.sunlit_m2,
                box.heater_w,
                box.heater_on_k,
                box.heater_off_k,
                box.electric_fraction,
                self.usable_wh,
                store.charge_efficiency,
                store.discharge_efficiency,
                self.bus_efficiency,
                _NEVER_W if store.charge_w is None else store.charge_w,
                0.0 if store.charge_min_k is None else store.charge_min_k,
                1e9 if store.charge_max_k is None else store.charge_max_k,
                box.closed_fraction,
            ]
        )

    def loads_w(self) -> Floats:
        """Loads awake and asleep at home, and three for a trip.

        Returns
        -------
        ndarray, shape (5,)
            [W]
        """
        return np.array([self.ready_w, self.sleep_w, self.ready_w, self.work_w, self.ready_w])

    def trip_loads_w(self, out: Way, back: Way) -> Floats:
        """Loads on the way out, at the goal and on the way back.

        Parameters
        ----------
        out, back : Way
            The ways.

        Returns
        -------
        ndarray, shape (3,)
            [W]
        """
        return np.array([self.ready_w + out.power_w, self.work_w, self.ready_w + back.power_w])

    def start_state(self, ground_k: float) -> Floats:
        """State at the start of a period: a full store, and the box where it settles awake.

        Parameters
        ----------
        ground_k : float
            Ground at that time [K].

        Returns
        -------
        ndarray, shape (7,)
            As the kernels take it.
        """
        box = self.box
        heat = box.electric_fraction * self.ready_w + box.radioisotope_fraction * self.isotope_w
        low, high = 20.0, 600.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            gone = box.emissivity * _SIGMA * box.radiator_m2 * middle**4 + box.ground_w_k * (middle - ground_k)
            low, high = (middle, high) if heat > gone else (low, middle)
        settled = min(max(0.5 * (low + high), box.heater_on_k if box.heater_w > 0.0 else 0.0), box.operate_max_k)
        return np.array([self.usable_wh, settled, 0.0, 0.0, 0.0, 0.0, 0.0])


def assumed_box(mass_kg: float, work_w: float, isotope_w: float) -> ThermalBox:
    """A warm box for a machine of which none is known.

    Parameters
    ----------
    mass_kg : float
        Mass [kg].
    work_w, isotope_w : float
        Electric power at work, and heat of radioisotopes [W].

    Returns
    -------
    ThermalBox
        Two fifths of the mass at 800 J/(kg K), a radiator with which work on cold ground brings it to 313 K,
        closed to a tenth when asleep, 0.1 W/K to the ground, a heater of 20 W.

    Examples
    --------
    >>> round(assumed_box(100.0, 170.0, 120.0).radiator_m2, 3)
    0.569
    """
    ground = 0.1
    heat = max(work_w + isotope_w - ground * (_WARM_K - 50.0), 5.0)
    area = heat / (0.85 * _SIGMA * _WARM_K**4)
    return ThermalBox(
        capacity_j_k=0.4 * mass_kg * 800.0, radiator_m2=area, closed_fraction=0.1, ground_w_k=ground, heater_w=20.0
    )


def example_machine() -> SortieMachine:
    """A small hopper with round numbers, for examples and tests.

    Returns
    -------
    SortieMachine
        100 kg with 25 kg of propellant, 2 kWh.

    Examples
    --------
    >>> example_machine().usable_wh
    1600.0
    """
    return SortieMachine(
        "example hopper",
        100.0,
        ready_w=20.0,
        sleep_w=4.0,
        work_w=80.0,
        storage=Storage(capacity_wh=2000.0),
        box=assumed_box(100.0, 80.0, 20.0),
        isotope_w=20.0,
        engine=HopEngine(25.0),
    )


@dataclass(frozen=True, eq=False)
class SortieSky:
    """Light, ground and contact at the start and at the goal, at even steps.

    Parameters
    ----------
    time : ndarray of datetime64[ms], shape (n,)
        Starts of the steps, UTC.
    step_s : float
        Their length [s].
    home_supply_w, away_supply_w : ndarray, shape (n,)
        Output of the sources at the start and at the goal [W].
    home_ground_k, away_ground_k : ndarray, shape (n,)
        Ground [K].
    home_sunlight_w_m2, away_sunlight_w_m2 : ndarray, shape (n,)
        Sunlight at normal incidence, the share of the disc in view counted [W/m2].
    contact : ndarray of bool, shape (n,), optional
        Whether there is contact.
    notes : tuple of str
        What was assumed.

    Raises
    ------
    InputError
        If a series does not fit, holds NaN or is negative.
    """

    time: npt.NDArray[np.datetime64]
    step_s: float
    home_supply_w: Floats
    home_ground_k: Floats
    home_sunlight_w_m2: Floats
    away_supply_w: Floats
    away_ground_k: Floats
    away_sunlight_w_m2: Floats
    contact: npt.NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.time)
        if count < 2 or not (math.isfinite(self.step_s) and self.step_s > 0.0):
            raise InputError(f"{count} steps of {self.step_s!r} s", where="time", advice="give 2 steps or more")
        for name in ("supply_w", "ground_k", "sunlight_w_m2"):
            for place in ("home", "away"):
                key = f"{place}_{name}"
                values = np.ascontiguousarray(np.broadcast_to(np.asarray(getattr(self, key), float), (count,)))
                if not (np.isfinite(values).all() and (values >= 0.0).all()):
                    raise InputError(
                        "holds NaN or numbers below 0", where=key, advice="give finite numbers from 0"
                    )
                object.__setattr__(self, key, values)
        if self.contact is not None and np.shape(self.contact) != (count,):
            raise InputError(f"shape {np.shape(self.contact)}", where="contact", advice=f"give ({count},)")

    @property
    def count(self) -> int:
        """Number of steps.

        Returns
        -------
        int
        """
        return len(self.time)

    @classmethod
    def steady(
        cls,
        start: TimeLike,
        hours: float,
        *,
        supply_w: float,
        home_k: float,
        away_k: float,
        step_s: float = 600.0,
        dark_after_h: float | None = None,
    ) -> SortieSky:
        """Steady light at the start, none at the goal.

        Parameters
        ----------
        start : date-like
            Begin, UTC.
        hours : float
            Length [h].
        supply_w : float
            Output at the start in light [W].
        home_k, away_k : float
            Ground at the start and at the goal [K].
        step_s : float
            Step [s].
        dark_after_h : float, optional
            Darkness at the start begins after this time [h]; never if not given.

        Returns
        -------
        SortieSky
            For examples and first estimates.

        Examples
        --------
        >>> SortieSky.steady("2030-01-01", 24.0, supply_w=100.0, home_k=200.0, away_k=40.0).count
        144
        """
        count = round(hours * 3600.0 / step_s)
        first = as_utc(start).reshape(-1)[0]
        time = first + np.arange(count) * np.timedelta64(round(step_s * 1e3), "ms")
        end_s = np.inf if dark_after_h is None else dark_after_h * 3600.0
        lit: Floats = np.where(np.arange(count) * step_s < end_s, 1.0, 0.0)
        nothing = np.zeros(count)
        ground_k: Floats = np.full(count, home_k, dtype=np.float64)
        cold_k: Floats = np.full(count, away_k, dtype=np.float64)
        return cls(time, step_s, supply_w * lit, ground_k, _SOLAR_W_M2 * lit, nothing, cold_k, nothing)

    def home(self) -> Floats:
        """Supply, ground and sunlight at the start.

        Returns
        -------
        ndarray, shape (3, n)
            [W], [K], [W/m2].
        """
        return np.stack([self.home_supply_w, self.home_ground_k, self.home_sunlight_w_m2])

    def away(self) -> Floats:
        """Supply, ground and sunlight at the goal.

        Returns
        -------
        ndarray, shape (3, n)
            [W], [K], [W/m2].
        """
        return np.stack([self.away_supply_w, self.away_ground_k, self.away_sunlight_w_m2])

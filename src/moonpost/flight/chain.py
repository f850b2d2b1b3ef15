"""Velocity changes one after the other, and the mass that is left after each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.plan.missions import DeltaV, Transfer, TransferStage

__all__ = ["STANDARD_GRAVITY_M_S2", "ChainResult", "Drop", "Leg", "fly_transfer", "propellant_fraction"]

STANDARD_GRAVITY_M_S2 = 9.80665
"""Standard acceleration of gravity [m/s2] (3rd CGPM, 1901), which turns specific impulse into exhaust speed."""

Case = Literal["nominal", "low", "high"]


@dataclass(frozen=True)
class Leg:
    """One velocity change of a chain.

    Parameters
    ----------
    stage : str
        The vehicle that flies it.
    delta_v : str
        Identifier of the velocity change.
    delta_v_m_s : float
        Velocity change [m/s].
    method : str
        ``literature`` for a cited input, ``flight`` for a computed one.
    source, confidence : str
        Where the velocity change is from and how far to trust it.
    mass_before_kg, propellant_kg, mass_after_kg : float
        Masses [kg]; `mass_after_kg` is before anything is dropped.
    """

    stage: str
    delta_v: str
    delta_v_m_s: float
    method: str
    source: str
    confidence: str
    mass_before_kg: float
    propellant_kg: float
    mass_after_kg: float


@dataclass(frozen=True)
class Drop:
    """A stage left behind after its last leg.

    Parameters
    ----------
    stage : str
        The vehicle.
    dry_mass_kg : float
        Its mass without propellant [kg].
    mass_after_kg : float
        Mass that goes on [kg].
    """

    stage: str
    dry_mass_kg: float
    mass_after_kg: float


@dataclass(frozen=True)
class ChainResult:
    """A chain of velocity changes and the masses along it.

    Parameters
    ----------
    transfer, destination : str
        The way flown and where it ends.
    case : {"nominal", "low", "high"}
        Which of the cited velocity changes were flown.
    start_mass_kg : float
        Mass after trans-lunar injection [kg].
    legs : tuple of Leg
        In order.
    drops : tuple of Drop
        Stages left behind, in order.
    delta_v_m_s : float
        Sum of the velocity changes [m/s].
    propellant_kg : float
        Propellant burnt [kg].
    arrival_mass_kg : float
        Mass after the last leg, with the stage that flew it [kg].
    final_mass_kg : float
        Mass after the last stage is taken off: what the chain delivers [kg].
    """

    transfer: str
    destination: str
    case: Case
    start_mass_kg: float
    legs: tuple[Leg, ...]
    drops: tuple[Drop, ...]
    delta_v_m_s: float
    propellant_kg: float
    arrival_mass_kg: float
    final_mass_kg: float

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def propellant_fraction(delta_v_m_s: float, isp_s: float) -> float:
    r"""Part of the mass that is burnt to change the velocity.

    Parameters
    ----------
    delta_v_m_s : float
        Velocity change [m/s], zero or more.
    isp_s : float
        Specific impulse [s].

    Returns
    -------
    float
        Propellant over the mass before the burn [1].

    Raises
    ------
    InputError
        If an argument is not finite, `delta_v_m_s` is negative or `isp_s` is not above zero.

    Notes
    -----
    :math:`1 - \exp(-\Delta v / (g_0 I_{sp}))` with :math:`g_0` = 9.80665 m/s2. Impulsive: gravity
    and steering losses have to be within the velocity change.

    References
    ----------
    Tsiolkovsky (1903), Exploration of outer space by means of reaction devices.

    Examples
    --------
    >>> round(propellant_fraction(950.0, 315.0), 4)
    0.2647
    """
    if not (math.isfinite(delta_v_m_s) and delta_v_m_s >= 0):
        raise InputError(f"{delta_v_m_s} m/s is no velocity change", where="delta_v_m_s", advice="give 0 or more")
    if not (math.isfinite(isp_s) and isp_s > 0):
        raise InputError(f"{isp_s} s is no specific impulse", where="isp_s", advice="give seconds above 0")
    return -math.expm1(-delta_v_m_s / (STANDARD_GRAVITY_M_S2 * isp_s))


def fly_transfer(
    transfer: Transfer, delta_v: Iterable[DeltaV], mass_kg: float, *, case: Case = "nominal"
) -> ChainResult:
    """Fly a transfer leg by leg and drop each stage after its last leg.

    Parameters
    ----------
    transfer : Transfer
        Stages with their legs, specific impulse and dry fraction.
    delta_v : iterable of DeltaV
        Rows that the legs name, such as ``plan.delta_v``.
    mass_kg : float
        Mass after trans-lunar injection [kg].
    case : {"nominal", "low", "high"}
        Fly the values, the lowest or the highest of each row; a row without a range keeps its value.

    Returns
    -------
    ChainResult

    Raises
    ------
    InputError
        If `mass_kg` is not above zero.
    UnknownNameError
        If a leg is not among the rows.
    ModelError
        If a stage is heavier than all that is left after its last leg; the message names the leg.

    Notes
    -----
    Each leg burns by the rocket equation. A stage's dry mass is its `dry_fraction` times the propellant
    that it burnt. One stack flies all legs: a part that waits in orbit for the return has to be a
    transfer of its own.

    Examples
    --------
    >>> from moonpost.plan.missions import DeltaV, Transfer
    >>> cited = dict(source="an example", confidence="C")
    >>> rows = [DeltaV(id="loi", name="Capture", delta_v_m_s=950, **cited),
    ...         DeltaV(id="descent", name="Descent", delta_v_m_s=2030, **cited)]
    >>> way = Transfer(id="land", name="One stage", destination="surface", **cited,
    ...                stages=[dict(name="lander", legs=("loi", "descent"), isp_s=311, dry_fraction=0.12)])
    >>> chain = fly_transfer(way, rows, 1000.0)
    >>> round(chain.arrival_mass_kg), round(chain.final_mass_kg)
    (376, 302)
    """
    if not (math.isfinite(mass_kg) and mass_kg > 0):
        raise InputError(
            f"{mass_kg} kg is no mass to fly", where=f"transfers[{transfer.id}]", advice="give kg above 0"
        )
    rows = {row.id: row for row in delta_v}
    mass = float(mass_kg)
    legs: list[Leg] = []
    drops: list[Drop] = []
    arrival = mass
    for stage in transfer.stages:
        flown = _stage_legs(transfer, stage, rows, mass, case)
        legs.extend(flown)
        arrival = flown[-1].mass_after_kg
        dry = stage.dry_fraction * sum(leg.propellant_kg for leg in flown)
        mass = arrival - dry
        if mass <= 0:
            raise ModelError(
                f"nothing is left after leg {flown[-1].delta_v!r}: the stage {stage.name!r} weighs {dry:.1f} kg "
                f"empty and only {arrival:.1f} kg of {mass_kg:.1f} kg arrive",
                where=f"transfers[{transfer.id}]",
                advice="lower dry_fraction or the velocity changes, raise isp_s, or split the legs among stages",
            )
        if dry > 0:
            drops.append(Drop(stage=stage.name, dry_mass_kg=dry, mass_after_kg=mass))
    return ChainResult(
        transfer=transfer.id,
        destination=transfer.destination,
        case=case,
        start_mass_kg=float(mass_kg),
        legs=tuple(legs),
        drops=tuple(drops),
        delta_v_m_s=math.fsum(leg.delta_v_m_s for leg in legs),
        propellant_kg=math.fsum(leg.propellant_kg for leg in legs),
        arrival_mass_kg=arrival,
        final_mass_kg=mass,
    )


def _stage_legs(
    transfer: Transfer, stage: TransferStage, rows: dict[str, DeltaV], mass: float, case: Case
) -> list[Leg]:
    """Legs of one stage, without dropping it."""
    legs = []
    for name in stage.legs:
        if name not in rows:
            raise UnknownNameError(name, rows, kind="velocity change", where=f"transfers[{transfer.id}]")
        row = rows[name]
        speed = _value(row, case)
        burnt = mass * propellant_fraction(speed, stage.isp_s)
        legs.append(
            Leg(
                stage=stage.name,
                delta_v=name,
                delta_v_m_s=speed,
                method=row.method,
                source=row.source,
                confidence=row.confidence,
                mass_before_kg=mass,
                propellant_kg=burnt,
                mass_after_kg=mass - burnt,
            )
        )
        mass -= burnt
    return legs


def _value(row: DeltaV, case: Case) -> float:
    """The row's velocity change in one case."""
    choice = {"nominal": None, "low": row.low_m_s, "high": row.high_m_s}[case]
    return row.delta_v_m_s if choice is None else choice

"""What each mission of a plan can land or bring into orbit, from its launcher and its chain."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from moonpost.errors import ModelError
from moonpost.flight.chain import Case, ChainResult, fly_transfer
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

__all__ = ["LandedMass", "landed_mass_kg", "mission_chain"]

_DESCENT = "descent"
_ASCENT = "ascent"


@dataclass(frozen=True)
class LandedMass:
    """Mass that a mission delivers, computed beside published.

    Parameters
    ----------
    mission, transfer, destination : str
        The mission, the way it flies and where that ends.
    place : {"surface", "orbit"}
        Where `arrival_kg` is: on the ground or in orbit. A return to Earth that lands on the way counts
        where it lands.
    injected_kg : float
        Mass after trans-lunar injection that the chain starts from [kg].
    injected_basis : str
        ``published launch mass``, ``estimated launch mass`` (confidence C) or ``launcher capacity``.
    arrival_kg, arrival_low_kg, arrival_high_kg : float or None
        Mass on arrival with the stage that flew there [kg]; None in the low column if the chain does not
        close with the highest velocity changes.
    delivered_kg, delivered_low_kg, delivered_high_kg : float or None
        The same without the dry mass of that stage [kg]. Where the transfer gives no dry mass the two are
        equal, and `payload_bound_kg` bounds the payload.
    published_landed_kg, published_payload_kg : float or None
        What the plan has from its sources [kg].
    payload_bound_kg : float or None
        Published payload fraction times `injected_kg` [kg].
    methods : tuple of str
        ``literature`` or ``flight``: where the velocity changes of the chain are from.
    note : str
        What a reader should know.
    """

    mission: str
    transfer: str
    destination: str
    place: str
    injected_kg: float
    injected_basis: str
    arrival_kg: float
    arrival_low_kg: float | None
    arrival_high_kg: float
    delivered_kg: float
    delivered_low_kg: float | None
    delivered_high_kg: float
    published_landed_kg: float | None
    published_payload_kg: float | None
    payload_bound_kg: float | None
    methods: tuple[str, ...]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def mission_chain(
    plan: Plan, mission: str | Mission, *, case: Case = "nominal", mass_kg: float | None = None
) -> ChainResult:
    """Chain of velocity changes of a mission, from injection to where it ends.

    Parameters
    ----------
    plan : Plan
        The plan with transfers, velocity changes and launchers.
    mission : str or Mission
        The mission or its identifier.
    case : {"nominal", "low", "high"}
        Which of the cited velocity changes to fly.
    mass_kg : float, optional
        Mass after injection [kg]; without it the published launch mass, else the launcher's capacity.

    Returns
    -------
    ChainResult

    Raises
    ------
    UnknownNameError
        If the plan has no such mission.
    ModelError
        If the mission has no transfer or no mass, or the chain does not close; the message says what is
        missing.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> chain = mission_chain(plan, "ce7")
    >>> {leg.method for leg in chain.legs}
    {'literature'}
    >>> chain.final_mass_kg <= chain.arrival_mass_kg < chain.start_mass_kg
    True
    """
    row = plan.mission(mission) if isinstance(mission, str) else mission
    where = f"missions[{row.id}]"
    if row.transfer is None:
        raise ModelError("no chain without a transfer", where=where, advice="name one of the plan's transfers")
    start = mass_kg if mass_kg is not None else _injected(plan, row)[0]
    return fly_transfer(plan.row("transfers", row.transfer), plan.delta_v, start, case=case)


def landed_mass_kg(plan: Plan, mission: str | Mission) -> LandedMass:
    """Mass that a mission lands or brings into orbit, with its range, beside the published one.

    Parameters
    ----------
    plan : Plan
        The plan.
    mission : str or Mission
        The mission or its identifier.

    Returns
    -------
    LandedMass

    Raises
    ------
    UnknownNameError
        If the plan has no such mission.
    ModelError
        If the mission has no transfer or no mass, or the chain does not close.

    Notes
    -----
    The chain starts with the published launch mass; without one, with the launcher's capacity. The low
    column flies the highest and the high column the lowest velocity changes of the literature. Legs whose
    identifier begins with ``descent`` and ``ascent`` tell where a sample return stands on the ground. Midcourse
    corrections, hovering, reserves and unusable propellant are left out unless the velocity changes
    hold them, so the computed mass is above what has been landed.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> row = landed_mass_kg(load_plan("ilrs"), "ce7")
    >>> row.arrival_low_kg <= row.arrival_kg <= row.arrival_high_kg
    True
    """
    row = plan.mission(mission) if isinstance(mission, str) else mission
    start, basis = _injected(plan, row)
    nominal = mission_chain(plan, row)
    best = mission_chain(plan, row, case="low")
    worst, note = _worst(plan, row)
    way = plan.row("transfers", nominal.transfer)
    on_ground = nominal.destination == "surface" or _touches_down(nominal)
    if nominal.destination == "earth":
        note = "; ".join(filter(None, [note, "one stack flies all legs, nothing waits in orbit"]))
    fraction = way.payload_fraction
    return LandedMass(
        mission=row.id,
        transfer=way.id,
        destination=way.destination,
        place="surface" if on_ground else "orbit",
        injected_kg=start,
        injected_basis=basis,
        arrival_kg=_arrival(nominal)[0],
        arrival_low_kg=None if worst is None else _arrival(worst)[0],
        arrival_high_kg=_arrival(best)[0],
        delivered_kg=_arrival(nominal)[1],
        delivered_low_kg=None if worst is None else _arrival(worst)[1],
        delivered_high_kg=_arrival(best)[1],
        published_landed_kg=row.landed_mass_kg,
        published_payload_kg=row.payload_mass_kg,
        payload_bound_kg=None if fraction is None else fraction * start,
        methods=tuple(sorted({leg.method for leg in nominal.legs})),
        note=note,
    )


def _injected(plan: Plan, row: Mission) -> tuple[float, str]:
    """Mass after injection and what it is taken from."""
    if row.launch_mass_kg is not None:
        return row.launch_mass_kg, "estimated launch mass" if row.confidence == "C" else "published launch mass"
    if row.launcher is not None:
        capacity = plan.row("launchers", row.launcher).capacity_kg
        if capacity is not None:
            return capacity, "launcher capacity"
    raise ModelError(
        "no mass after injection is known",
        where=f"missions[{row.id}]",
        advice="give launch_mass_kg, or a launcher with tli_mass_kg",
    )


def _worst(plan: Plan, row: Mission) -> tuple[ChainResult | None, str]:
    """The chain with the highest velocity changes, or None with the reason."""
    try:
        return mission_chain(plan, row, case="high"), ""
    except ModelError as error:
        return None, f"does not close with the highest velocity changes: {error.what}"


def _touches_down(chain: ChainResult) -> bool:
    """Whether a leg of the chain is a descent."""
    return any(leg.delta_v.startswith(_DESCENT) for leg in chain.legs)


def _arrival(chain: ChainResult) -> tuple[float, float]:
    """Mass on arrival, with and without the stage that flew there."""
    names = [leg.delta_v for leg in chain.legs]
    leaves = next((at for at, name in enumerate(names) if name.startswith(_ASCENT)), None)
    if leaves is None or not _touches_down(chain):
        return chain.arrival_mass_kg, chain.final_mass_kg
    last = chain.legs[leaves - 1]
    stays = chain.legs[leaves].stage != last.stage
    dry = next((drop.dry_mass_kg for drop in chain.drops if stays and drop.stage == last.stage), 0.0)
    return last.mass_after_kg, last.mass_after_kg - dry

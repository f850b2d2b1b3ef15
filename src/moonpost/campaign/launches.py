"""What each launcher lands by each way, and on which days it can leave."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight.chain import Case, ChainResult, fly_transfer
from moonpost.plan.missions import Launcher, Mission, Transfer
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation
from moonpost.power.loads import MATURITY_MARGIN

__all__ = ["FlightKind", "FlightKinds", "LanderFraction", "LeftOut", "flight_kinds", "lander_fraction",
    "mission_kind",
           "station_missions"]  # fmt: skip

_TO_COME = ("planned", "proposed")
_ASSUMED_PER_YEAR = 1.0


@dataclass(frozen=True)
class LeftOut:
    """Something that takes no part, with the reason.

    Parameters
    ----------
    id : str
        A launcher, an element or a mission of the plan.
    reason : str
        In words.

    Examples
    --------
    >>> LeftOut("angara-a5", "its mass to the Moon is not known").id
    'angara-a5'
    """

    id: str
    reason: str


@dataclass(frozen=True)
class LanderFraction:
    """Dry mass of a lander over the propellant that it burns.

    Parameters
    ----------
    best, low, high : float
        With the margin of its maturity [1].
    basis : str
        What it is taken from.

    Examples
    --------
    >>> LanderFraction(0.2, 0.15, 0.25, "given").best
    0.2
    """

    best: float
    low: float
    high: float
    basis: str


@dataclass(frozen=True)
class FlightKind:
    """A launcher on one way to the Moon, with what it brings.

    Parameters
    ----------
    launcher, name, transfer : str
        From the plan.
    injected_kg : float
        Mass after trans-lunar injection, with the reserve taken off [kg].
    arrival_kg, arrival_low_kg, arrival_high_kg : float or None
        Mass on arrival [kg], for the cited, highest and lowest velocity changes; None in the low column if the
        chain does not close.
    lander_kg : float
        Of it the dry mass of what lands [kg]; zero where modules fly themselves.
    cargo_kg, cargo_low_kg, cargo_high_kg : float or None
        Cargo [kg].
    limit : {"chain", "payload fraction"}
        What sets the cargo.
    landed_fraction : float
        Mass on arrival over mass after injection [1].
    volume_m3 : float or None
        Room for cargo [m3]; None if it is not known.
    available : str or None
        First date on which it can fly.
    per_year : float
        Most launches a year [1/year].
    per_year_assumed : bool
        Whether that is an assumption, as the plan has none.
    cost : float or None
        Of one launch, in the plan's unit.
    reliability : float or None
        Probability that the launch succeeds [1].
    source, confidence : str
        Of launcher and transfer; the lesser confidence of both.
    note : str
        What a reader should know.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = {row.launcher: row for row in flight_kinds(load_plan("ilrs")).kinds}
    >>> rows["cz-10"].cargo_low_kg < rows["cz-10"].cargo_kg < rows["cz-10"].arrival_kg
    True
    """

    launcher: str
    name: str
    transfer: str
    injected_kg: float
    arrival_kg: float
    arrival_low_kg: float | None
    arrival_high_kg: float
    lander_kg: float
    cargo_kg: float
    cargo_low_kg: float | None
    cargo_high_kg: float
    limit: str
    landed_fraction: float
    volume_m3: float | None
    available: str | None
    per_year: float
    per_year_assumed: bool
    cost: float | None
    reliability: float | None
    source: str
    confidence: str
    note: str

    @property
    def id(self) -> str:
        """Launcher and transfer in one name."""
        return f"{self.launcher} by {self.transfer}"


@dataclass(frozen=True)
class FlightKinds:
    """Launchers that can be used, and those that cannot.

    Parameters
    ----------
    kinds : tuple of FlightKind
        By cargo, the largest first; for each launcher the way that brings most.
    left_out : tuple of LeftOut
        Launchers that take no part.
    lander : LanderFraction or None
        Dry mass that was taken for landers; None where modules fly themselves or nothing is known of it.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> [row.id for row in flight_kinds(load_plan("ilrs")).left_out]
    ['angara-a5', 'soyuz-2-1b']
    """

    kinds: tuple[FlightKind, ...]
    left_out: tuple[LeftOut, ...]
    lander: LanderFraction | None

    def counting_on(self, end: str) -> FlightKinds:
        """The same with one end of each range in place of the best value.

        Parameters
        ----------
        end : {"low", "best", "high"}
            Which.

        Returns
        -------
        FlightKinds
            Launchers that bring nothing at that end are left out.

        Raises
        ------
        InputError
            If there is no such end.
        """
        if end not in ("low", "best", "high"):
            raise InputError(f"is {end!r}", where="end of the range", advice="use low, best or high")
        if end == "best":
            return self
        kept, left_out = [], list(self.left_out)
        for kind in self.kinds:
            cargo, arrival = kind.cargo_high_kg, kind.arrival_high_kg
            if end == "low":
                cargo, arrival = kind.cargo_low_kg or 0.0, kind.arrival_low_kg or 0.0
            if cargo > 0.0:
                kept.append(replace(kind, cargo_kg=cargo, arrival_kg=arrival))
            else:
                left_out.append(LeftOut(kind.launcher, f"it brings nothing at the {end} end of its range"))
        return replace(self, kinds=tuple(kept), left_out=tuple(left_out))

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def flight_kinds(
    plan: Plan,
    *,
    launchers: Collection[str] | None = None,
    transfers: Collection[str] | None = None,
    costs: Mapping[str, float] | None = None,
    per_year: Mapping[str, float] | None = None,
    capacities: Mapping[str, float] | None = None,
    reserve: float = 0.0,
    dry_fraction: float | None = None,
) -> FlightKinds:
    """Work out what each launcher brings to the station, each by its own chain of velocity changes.

    Parameters
    ----------
    plan : Plan
        The plan.
    launchers : collection of str, optional
        Those that may be used; all of the plan if not given.
    transfers : collection of str, optional
        Ways that may be flown; those of the missions that build the station if not given, and on the ground every
        other way that lands.
    costs, per_year, capacities : mapping of str to float, optional
        Cost of a launch, launches a year and mass to the Moon [kg] by launcher, before those of the plan.
    reserve : float, default 0.0
        Part of the launcher's capacity that is kept back [1].
    dry_fraction : float, optional
        Dry mass of a lander over its propellant [1]; see `lander_fraction` if not given.

    Returns
    -------
    FlightKinds

    Raises
    ------
    UnknownNameError
        If the plan has no such launcher or transfer.
    InputError
        If a number cannot be used.

    Notes
    -----
    Cargo is what arrives less the dry lander, and no more than the published payload fraction of the mass after
    injection. The lander's dry mass is a fixed part of the propellant that its chain burns. A stage whose dry
    fraction the transfer gives leaves that behind instead. Left out: that large stages are lighter in
    proportion, and packing.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = flight_kinds(load_plan("ilrs"), launchers=["cz-10"], dry_fraction=0.12)
    >>> found.kinds[0].limit
    'chain'
    """
    _check(plan, launchers, transfers, (costs, per_year, capacities), reserve, dry_fraction)
    ways = _ways(plan, transfers)
    lander = None
    if any(way.destination == "surface" for way in ways):
        lander = lander_fraction(plan, dry_fraction)
    kinds, left_out = [], []
    for row in plan.launchers:
        if launchers is not None and row.id not in launchers:
            continue
        capacity = (capacities or {}).get(row.id, row.capacity_kg)
        if capacity is None:
            left_out.append(LeftOut(row.id, "its mass to the Moon is not known"))
            continue
        if not ways:
            left_out.append(LeftOut(row.id, "no transfer of the plan leads to the station"))
            continue
        given = {
            "cost": (costs or {}).get(row.id, row.cost),
            "per_year": (per_year or {}).get(row.id, row.per_year),
        }
        found = [_kind(plan, row, way, capacity * (1.0 - reserve), lander, given) for way in ways]
        best = max((kind for kind in found if kind is not None), key=lambda kind: kind.cargo_kg, default=None)
        if best is None or best.cargo_kg <= 0.0:
            left_out.append(LeftOut(row.id, f"nothing is left of {capacity:,.0f} kg for cargo"))
        else:
            kinds.append(best)
    kinds.sort(key=lambda kind: (-kind.cargo_kg, kind.launcher))
    return FlightKinds(tuple(kinds), tuple(left_out), lander)


def lander_fraction(plan: Plan, given: float | None = None) -> LanderFraction | None:
    """Dry mass of the landers of a plan over the propellant that they burn.

    Parameters
    ----------
    plan : Plan
        The plan.
    given : float, optional
        Taken instead [1].

    Returns
    -------
    LanderFraction or None
        Mean of the landers of cargo missions still to fly, of all landing missions still to fly if there are
        none; None if no mass of a lander is known.

    Notes
    -----
    A lander's mass counts with the margin of its maturity (5, 10 or 20 %).

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = lander_fraction(load_plan("ilrs"))
    >>> 0.15 < found.low < found.best < found.high < 0.3
    True
    """
    if given is not None:
        return LanderFraction(given, given, given, "given")
    for wanted in ({"cargo"}, {"lander", "crew", "cargo"}):
        rows = [
            (mission.id, fractions)
            for mission in plan.missions
            if mission.kind in wanted and mission.status in _TO_COME
            for fractions in [_own_fraction(plan, mission)]
            if fractions is not None
        ]
        if rows:
            best, low, high = (math.fsum(row[k] for _, row in rows) / len(rows) for k in range(3))
            return LanderFraction(best, low, high, "landers of " + ", ".join(name for name, _ in rows))
    return None


def mission_kind(plan: Plan, mission: Mission, lander: LanderFraction | None) -> FlightKind | None:
    """What one mission of a plan brings, by its own launch mass, launcher and way.

    Parameters
    ----------
    plan : Plan
        The plan.
    mission : Mission
        One of its missions.
    lander : LanderFraction or None
        Dry mass of landers.

    Returns
    -------
    FlightKind or None
        None without a transfer or a mass after injection, or if the chain does not close.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> mission_kind(plan, plan.mission("ilrs-1"), lander_fraction(plan)).injected_kg
    24300.0
    """
    if mission.transfer is None:
        return None
    launcher = Launcher(
        id="unknown", name="not known", owner=mission.owner, source=mission.source, confidence=mission.confidence
    )
    if mission.launcher is not None:
        launcher = plan.row("launchers", mission.launcher)
    injected = mission.launch_mass_kg or launcher.capacity_kg
    if injected is None:
        return None
    given = {"cost": launcher.cost, "per_year": launcher.per_year}
    return _kind(plan, launcher, plan.row("transfers", mission.transfer), injected, lander, given)


def station_missions(plan: Plan) -> tuple[Mission, ...]:
    """Missions still to fly that bring something to the station.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    tuple of Mission
        For a base those that land at its site, or anywhere if they name no site; for a station in orbit those
        that bring an element of its bus.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> [row.id for row in station_missions(load_plan("ilrs-orbit"))]
    ['ilrs-1', 'ilrs-2', 'ilrs-3', 'ilrs-4', 'ilrs-5']
    """
    return tuple(row for row in plan.missions if row.status in _TO_COME and _builds(plan, row))


def _builds(plan: Plan, mission: Mission) -> bool:
    """Whether a mission goes to the station."""
    brought = [element for element in plan.elements if element.mission == mission.id]
    ends = None if mission.transfer is None else plan.row("transfers", mission.transfer).destination
    if isinstance(plan.station, SurfaceStation):
        near = mission.site == plan.station.site or (mission.site is None and mission.kind in ("cargo", "crew"))
        return bool(brought) and near and ends in ("surface", None)
    return ends in ("orbit", "halo") and any(element.bus == "station" for element in brought)


def _ways(plan: Plan, transfers: Collection[str] | None) -> tuple[Transfer, ...]:
    """Ways that may be flown."""
    if transfers is not None:
        return tuple(plan.row("transfers", name) for name in transfers)
    used = {row.transfer for row in station_missions(plan)}
    ground = isinstance(plan.station, SurfaceStation)
    return tuple(row for row in plan.transfers if row.id in used or (ground and row.destination == "surface"))


def _own_fraction(plan: Plan, mission: Mission) -> tuple[float, float, float] | None:
    """Dry lander over propellant of one mission: best, low, high."""
    landers = [row for row in plan.elements if row.mission == mission.id and row.kind == "lander"]
    if not landers or mission.transfer is None or any(row.best_mass_kg is None for row in landers):
        return None
    capacity = None if mission.launcher is None else plan.row("launchers", mission.launcher).capacity_kg
    injected = mission.launch_mass_kg or capacity
    way = plan.row("transfers", mission.transfer)
    if injected is None or way.destination != "surface":
        return None
    chain = _fly(plan, way, injected, "nominal")
    if chain is None:
        return None
    sums = [0.0, 0.0, 0.0]
    for row in landers:
        factor = row.count * (1.0 + MATURITY_MARGIN[row.maturity]) / chain.propellant_kg
        for k, mass in enumerate((row.best_mass_kg, row.mass_low_kg, row.mass_high_kg)):
            sums[k] += factor * (mass if mass is not None else row.best_mass_kg or 0.0)
    return sums[0], sums[1], sums[2]


def _fly(plan: Plan, way: Transfer, start_kg: float, case: Case) -> ChainResult | None:
    """A chain, or None if it does not close."""
    try:
        return fly_transfer(way, plan.delta_v, start_kg, case=case)
    except ModelError:
        return None


def _kind(
    plan: Plan,
    row: Launcher,
    way: Transfer,
    start_kg: float,
    lander: LanderFraction | None,
    given: Mapping[str, float | None],
) -> FlightKind | None:
    """A launcher on one way; None if its chain does not close."""
    nominal, worst, best = (_fly(plan, way, start_kg, case) for case in ("nominal", "high", "low"))
    if nominal is None or best is None:
        return None
    known = way.destination == "surface" and not any(stage.dry_fraction for stage in way.stages[-1:])
    shares = (lander.best, lander.high, lander.low) if known and lander is not None else (0.0, 0.0, 0.0)
    bound = math.inf if way.payload_fraction is None else way.payload_fraction * start_kg
    cargo, low, high = (
        None if chain is None else max(min(chain.final_mass_kg - share * chain.propellant_kg, bound), 0.0)
        for chain, share in zip((nominal, worst, best), shares, strict=True)
    )
    rate = given["per_year"]
    rooms = [room for room in (row.fairing_m3, way.cargo_m3) if room is not None]
    notes = []
    if known and lander is None:
        notes.append("no mass of a lander is known, so that all of the landed mass counts as cargo")
    if rate is None:
        notes.append(f"{_ASSUMED_PER_YEAR:g} launch a year is assumed")
    return FlightKind(
        launcher=row.id,
        name=row.name,
        transfer=way.id,
        injected_kg=start_kg,
        arrival_kg=nominal.arrival_mass_kg,
        arrival_low_kg=None if worst is None else worst.arrival_mass_kg,
        arrival_high_kg=best.arrival_mass_kg,
        lander_kg=nominal.arrival_mass_kg - nominal.final_mass_kg + shares[0] * nominal.propellant_kg,
        cargo_kg=cargo or 0.0,
        cargo_low_kg=low,
        cargo_high_kg=high or 0.0,
        limit="payload fraction" if cargo == bound else "chain",
        landed_fraction=nominal.arrival_mass_kg / start_kg,
        volume_m3=min(rooms, default=None),
        available=row.available,
        per_year=_ASSUMED_PER_YEAR if rate is None else rate,
        per_year_assumed=rate is None,
        cost=given["cost"],
        reliability=row.reliability,
        source=f"{row.source}; {way.source}",
        confidence=max(row.confidence, way.confidence),
        note="; ".join(notes),
    )


def _check(
    plan: Plan,
    launchers: Collection[str] | None,
    transfers: Collection[str] | None,
    numbers: Sequence[Mapping[str, float] | None],
    reserve: float,
    dry_fraction: float | None,
) -> None:
    """Refuse unknown names and numbers that cannot be used."""
    known = [row.id for row in plan.launchers]
    for name in [*(launchers or ()), *(name for given in numbers for name in given or ())]:
        if name not in known:
            raise UnknownNameError(name, known, kind="launcher", where=plan.path)
    ground = isinstance(plan.station, SurfaceStation)
    for name in transfers or ():
        ends = plan.row("transfers", name).destination
        if ends not in (("surface",) if ground else ("orbit", "halo")):
            raise InputError(
                f"ends at {ends}, not at the station", where=f"transfers[{name}]", advice="name another"
            )
    limits = (("cost", 0.0, 1e15), ("launches a year", 0.01, 100.0), ("capacity", 1.0, 1e7))
    for given, (where, least, most) in zip(numbers, limits, strict=True):
        for name, value in (given or {}).items():
            if not least <= value <= most:
                raise InputError(f"is {value!r}", where=f"{where} of {name}", advice=f"give {least:g} to {most:g}")
    if not 0.0 <= reserve < 1.0:
        raise InputError(f"is {reserve!r}", where="reserve", advice="give 0 or more and less than 1")
    if dry_fraction is not None and not 0.0 <= dry_fraction < 10.0:
        raise InputError(f"is {dry_fraction!r}", where="dry fraction", advice="give 0 to 10, as 0.2")

"""Phase "flight": the velocity changes of each mission and the mass that they leave."""

from __future__ import annotations

from moonpost.errors import ModelError
from moonpost.flight import ChainResult, LandedMass, landed_mass_kg, mission_chain
from moonpost.plan import Mission
from moonpost.study.context import Context, Phase
from moonpost.study.results import ChainRow, FlightResult, LegRow

__all__ = ["flight_phase"]


def flight_phase(context: Context) -> Phase:
    """Fly the cited velocity changes of every mission."""
    missions = context.plan.missions
    context.progress.start("flight", len(missions))
    rows = []
    for mission in missions:
        rows.append(_row(context, mission))
        context.progress.step(mission.name)
    return Phase(FlightResult(chains=tuple(rows)))


def _row(context: Context, mission: Mission) -> ChainRow:
    try:
        chain = mission_chain(context.plan, mission)
        mass = landed_mass_kg(context.plan, mission)
    except ModelError as error:
        return _unknown(context, mission, error)
    return _known(context, mission, chain, mass)


def _launcher(context: Context, mission: Mission) -> str | None:
    """Name of a mission's launcher."""
    return context.plan.row("launchers", mission.launcher).name if mission.launcher else None


def _known(context: Context, mission: Mission, chain: ChainResult, mass: LandedMass) -> ChainRow:
    return ChainRow(
        mission=mission.id,
        name=mission.name,
        launcher=_launcher(context, mission),
        transfer=mission.transfer,
        status=mission.status,
        start_mass_kg=mass.injected_kg,
        start_mass_basis=mass.injected_basis,
        legs=tuple(
            LegRow(
                leg=leg.delta_v,
                delta_v_m_s=leg.delta_v_m_s,
                mass_after_kg=leg.mass_after_kg,
                method=leg.method,
                source=leg.source,
            )
            for leg in chain.legs
        ),
        delta_v_m_s=chain.delta_v_m_s,
        end_mass_kg=mass.arrival_kg,
        end_mass_low_kg=mass.arrival_low_kg,
        end_mass_high_kg=mass.arrival_high_kg,
        published_end_mass_kg=mass.published_landed_kg,
        payload_bound_kg=mass.payload_bound_kg,
        note=mass.note,
    )


def _unknown(context: Context, mission: Mission, error: ModelError) -> ChainRow:
    return ChainRow(
        mission=mission.id,
        name=mission.name,
        launcher=_launcher(context, mission),
        transfer=mission.transfer,
        status=mission.status,
        start_mass_kg=mission.launch_mass_kg,
        start_mass_basis="published launch mass" if mission.launch_mass_kg else "not known",
        legs=(),
        delta_v_m_s=None,
        end_mass_kg=None,
        end_mass_low_kg=None,
        end_mass_high_kg=None,
        published_end_mass_kg=mission.landed_mass_kg,
        payload_bound_kg=None,
        note=error.what,
    )

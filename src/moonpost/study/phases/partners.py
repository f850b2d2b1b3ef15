"""Phase "partners": agreements, approvals, shares and objectives."""

from __future__ import annotations

import datetime as dt

from moonpost.campaign import objective_status
from moonpost.partners import agreement_states, approvals, element_contributions, shares
from moonpost.study.context import Context, Phase
from moonpost.study.results import AgreementRow, ApprovalRow, ObjectiveRow, PartnersResult, ShareRow

__all__ = ["partners_phase"]


def partners_phase(context: Context) -> Phase:
    """List what is agreed, approved and shared, as of today."""
    plan = context.plan
    today = dt.datetime.now(dt.UTC).date().isoformat()
    context.progress.start("partners", 1)
    founders = [partner.id for partner in plan.partners if partner.role == "founder"]
    standings = agreement_states(plan.agreements, today, founders=founders)
    names = {partner.id: partner.name for partner in plan.partners}
    result = PartnersResult(
        as_of_utc=today,
        agreements=tuple(
            AgreementRow(agreement=row.agreement, name=row.name, in_force=row.in_force, missing=row.missing)
            for row in standings
        ),
        approvals=tuple(
            ApprovalRow(
                kind="mission" if row.table == "missions" else "element",
                id=row.id,
                name=row.name,
                owner=row.owner,
                needed=row.needed,
                given=row.given,
                missing=() if row.settled else row.missing,
            )
            for row in approvals(plan, today)
        ),
        shares=_shares(context, names),
        objectives=tuple(
            ObjectiveRow(
                objective=row.objective,
                name=row.name,
                area=row.area,
                status=row.status,
                instruments=tuple(path.instrument for path in row.instruments),
                missions=tuple(dict.fromkeys(path.mission for path in row.instruments if path.mission)),
            )
            for row in objective_status(plan)
        ),
    )
    context.progress.step()
    return Phase(result)


def _shares(context: Context, names: dict[str, str]) -> tuple[ShareRow, ...]:
    """Shares of the mass of elements that reach the Moon."""
    contributions = element_contributions(context.plan.elements, context.plan.missions)
    if not any(row.amount for row in contributions):
        return ()
    return tuple(
        ShareRow(
            partner=row.owner,
            name=names.get(row.owner, row.owner),
            mass_kg=row.amount,
            share=row.share,
            share_low=row.share_low,
            share_high=row.share_high,
        )
        for row in shares(contributions).rows
    )

"""The phases of a study, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moonpost.study.context import Context, Phase
from moonpost.study.phases.build import build_phase
from moonpost.study.phases.design import design_phase
from moonpost.study.phases.flight import flight_phase
from moonpost.study.phases.operate import operate_phase
from moonpost.study.phases.partners import partners_phase
from moonpost.study.phases.site import site_phase
from moonpost.study.results import (
    BuildResult,
    DesignResult,
    FlightResult,
    OperateResult,
    PartnersResult,
    SiteResult,
)

__all__ = ["PHASES", "PhaseSpec"]


@dataclass(frozen=True)
class PhaseSpec:
    """A phase: the type of its result, and how it is computed.

    Parameters
    ----------
    model : type
        The result's model.
    compute : callable
        Takes the context with the phases it needs.
    needs : tuple of str
        Phases whose results it reads, in order.
    """

    model: Any
    compute: Callable[[Context], Phase]
    needs: tuple[str, ...] = ()


PHASES: dict[str, PhaseSpec] = {
    "site": PhaseSpec(SiteResult, site_phase),
    "flight": PhaseSpec(FlightResult, flight_phase),
    "design": PhaseSpec(DesignResult, design_phase, ("site", "flight")),
    "build": PhaseSpec(BuildResult, build_phase),
    "partners": PhaseSpec(PartnersResult, partners_phase),
    "operate": PhaseSpec(OperateResult, operate_phase, ("site", "flight", "design")),
}
"""The phases by name; each may read the results of those before it."""

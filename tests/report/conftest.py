"""Studies of a few months, run once, and their records with what a test wants changed."""

from __future__ import annotations

import pytest

import moonpost
from moonpost.plan import load_plan
from moonpost.study import Study


def _short_study(name: str) -> Study:
    plan = load_plan(name)
    return moonpost.study(plan.model_copy(update={"design": plan.design.model_copy(update={"years": 0.3})}))


@pytest.fixture(scope="session")
def surface() -> Study:
    """A third of a year at the bundled plan's ridge."""
    return _short_study("ilrs")


@pytest.fixture(scope="session")
def orbit() -> Study:
    """A third of a year in the bundled plan's orbit."""
    return _short_study("ilrs-orbit")


@pytest.fixture(scope="session")
def surface_page(surface: Study) -> str:
    from moonpost.report.render import page

    return page(surface.record, surface.series)


@pytest.fixture(scope="session")
def orbit_page(orbit: Study) -> str:
    from moonpost.report.render import page

    return page(orbit.record, orbit.series)

"""What a sample return may be made of, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import pytest

from moonpost.errors import InputError
from moonpost.flight.burns import Burn
from moonpost.flight.samplereturn import CHANGE_5, Engine


def test_an_engine_burns_as_a_burn_does() -> None:
    engine = Engine(3000.0, 310.0)
    burn = Burn("2030-01-01", 3000.0, 310.0, delta_v_m_s=398.0)
    assert engine.seconds(398.0, 8200.0) == pytest.approx(burn.seconds(8200.0), rel=1e-12)
    left = 8200.0 - burn.flow_kg_s * burn.seconds(8200.0)
    assert engine.mass_after_kg(398.0, 8200.0) == pytest.approx(left, rel=1e-12)


def test_three_kilonewtons_for_seventeen_minutes_are_a_capture_and_no_circle() -> None:
    """0.40 km/s at 8.2 t: half of what a circle asks for."""
    gained = Burn("2020-11-28", CHANGE_5.main.thrust_n, 310.0, duration_s=1020.0).velocity_m_s(8200.0)
    assert gained == pytest.approx(400.0, abs=5.0)


@pytest.mark.parametrize("numbers", [(0.0, 310.0), (3000.0, -1.0), (math.nan, 310.0)])
def test_engines_without_thrust_are_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(InputError):
        Engine(*numbers)


@pytest.mark.parametrize(
    "change",
    [
        {"dates": {name: date for name, date in CHANGE_5.dates.items() if name != "docking"}},
        {"dates": {**CHANGE_5.dates, "docking": "2020-12-01T00:00"}},
        {"orbiter_kg": 8000.0},
        {"ascender_kg": math.nan},
        {"loi_revolutions": 0},
    ],
)
def test_missions_that_do_not_fit_together_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        dataclasses.replace(CHANGE_5, **change)  # type: ignore[arg-type]

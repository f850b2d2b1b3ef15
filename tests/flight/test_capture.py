"""Captures: impulses by hand, stages flown through the field, finite burns that tend to impulses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.flight.capture import (
    approach,
    finite_insertion,
    impulsive_insertion,
    perilune_state,
    staged_insertion,
)
from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky import Almanac

GM = 4902.8001224453e9
NOON = "2030-01-05T12:00"
EXHAUST = 310.0 * 9.80665


@pytest.fixture(scope="module")
def env(almanac: Almanac) -> Environment:
    return Environment.make(almanac, "2030-01-01", "2030-01-10", degree=0)


def come(env: Environment, altitude_m: float = 200e3, mass_kg: float | None = 8200.0) -> State:
    return approach(env, NOON, altitude_m, 850.0, 60.0, mass_kg=mass_kg)


@settings(max_examples=20, deadline=None)
@given(low=st.floats(20e3, 2000e3), excess=st.floats(0.0, 1500.0), tilt=st.floats(0.0, 180.0))
def test_an_impulse_costs_what_energies_differ(env: Environment, low: float, excess: float, tilt: float) -> None:
    state = approach(env, NOON, low, excess, tilt, mass_kg=1000.0)
    done = impulsive_insertion(state, env, specific_impulse_s=310.0)
    radius = 1737.4e3 + low
    spent = math.sqrt(excess**2 + 2 * GM / radius) - math.sqrt(GM / radius)
    assert done.delta_v_m_s == pytest.approx(spent, rel=1e-9)
    assert done.apolune_altitude_m == pytest.approx(low, abs=0.5)
    assert done.inclination_deg == pytest.approx(tilt, abs=1e-6)
    assert done.after.mass_kg == pytest.approx(1000.0 * math.exp(-spent / EXHAUST))
    assert done.gravity_loss_m_s == 0.0
    assert done.burn_s == 0.0


def test_a_period_and_an_apolune_say_the_same(env: Environment) -> None:
    by_period = impulsive_insertion(come(env), env, period_s=12 * 3600.0)
    by_apolune = impulsive_insertion(come(env), env, apolune_altitude_m=by_period.apolune_altitude_m)
    assert by_apolune.period_s == pytest.approx(12 * 3600.0, rel=1e-9)
    assert by_apolune.delta_v_m_s == pytest.approx(by_period.delta_v_m_s, rel=1e-9)


def test_perilune_is_found_from_before_and_from_after(env: Environment) -> None:
    state = come(env)
    for hours in (-30.0, -1.0, 0.0, 1.0):
        moved = propagate(state, state.time_tdb_s + 3600.0 * hours, env).final
        found = perilune_state(moved, env)
        assert found.time_tdb_s == pytest.approx(state.time_tdb_s, abs=2e-3)
        assert found.position_m == pytest.approx(state.position_m, abs=5.0)


def test_stages_sum_to_the_impulse_where_only_the_moon_pulls(almanac: Almanac) -> None:
    alone = Environment.make(almanac, "2030-01-01", "2030-01-10", degree=0, bodies=())
    stages = staged_insertion(
        come(alone), alone, [("perilune", 8600e3), ("perilune", 1700e3), ("perilune", 200e3)]
    )
    whole = impulsive_insertion(come(alone), alone).delta_v_m_s
    assert sum(stage.delta_v_m_s for stage in stages) == pytest.approx(whole, abs=1e-3)
    assert stages[-1].apolune_altitude_m == pytest.approx(200e3, abs=1.0)


def test_a_stage_at_apolune_moves_perilune(env: Environment) -> None:
    stages = staged_insertion(come(env), env, [("perilune", 8600e3), ("apolune", 400e3), ("perilune", 400e3)])
    assert stages[1].perilune_altitude_m == pytest.approx(400e3, abs=1.0)
    assert stages[2].apolune_altitude_m == pytest.approx(400e3, abs=15e3)  # the Earth moves perilune meanwhile


@pytest.mark.parametrize("attitude", ["inertial", "velocity", "turning"])
def test_a_strong_engine_comes_near_the_impulse(env: Environment, attitude: str) -> None:
    done = finite_insertion(come(env), env, 3e6, 310.0, period_s=12 * 3600.0, attitude=attitude)  # type: ignore[arg-type]
    whole = impulsive_insertion(come(env), env, period_s=12 * 3600.0).delta_v_m_s
    assert done.burn_s < 2.0
    assert done.delta_v_m_s == pytest.approx(whole, abs=0.01)
    assert done.period_s == pytest.approx(12 * 3600.0, abs=0.1)


@pytest.mark.parametrize("attitude", ["inertial", "velocity", "turning"])
def test_a_weak_engine_loses_and_keeps_the_books(env: Environment, attitude: str) -> None:
    done = finite_insertion(come(env), env, 3000.0, 310.0, period_s=12 * 3600.0, attitude=attitude)  # type: ignore[arg-type]
    flow = 3000.0 / EXHAUST
    assert done.propellant_kg == pytest.approx(flow * done.burn_s, rel=1e-6)
    assert done.delta_v_m_s == pytest.approx(EXHAUST * math.log(8200.0 / (8200.0 - flow * done.burn_s)), rel=1e-6)
    assert 0.0 < done.gravity_loss_m_s < 40.0
    flown = propagate(done.before, done.after.time_tdb_s, env, burns=done.burns)
    assert flown.final.position_m == pytest.approx(done.after.position_m, abs=1e-2)
    assert 0.4 < done.lead_s / done.burn_s < 0.6


def test_burning_along_the_velocity_beats_a_fixed_direction(env: Environment) -> None:
    loss = {
        law: finite_insertion(come(env), env, 3000.0, 310.0, period_s=6 * 3600.0, attitude=law).gravity_loss_m_s  # type: ignore[arg-type]
        for law in ("inertial", "velocity", "turning")
    }
    assert loss["velocity"] < loss["turning"] < loss["inertial"]
    assert loss["turning"] - loss["velocity"] < 0.1 * loss["inertial"]


def test_no_neighbouring_burn_of_the_same_length_brakes_more(env: Environment) -> None:
    done = finite_insertion(come(env), env, 3000.0, 310.0, duration_s=900.0, attitude="velocity")
    early = propagate(come(env), done.before.time_tdb_s - 600.0, env).final
    for shift in (-60.0, 60.0):
        moved = [replace(burn, start=float(burn.start) + shift) for burn in done.burns]  # type: ignore[arg-type, type-var]
        final = propagate(early, done.after.time_tdb_s + shift, env, burns=moved).final  # type: ignore[arg-type]
        assert _energy(final) > _energy(done.after)


def test_perilune_and_apolune_are_met_together(env: Environment) -> None:
    for law in ("inertial", "turning"):
        done = finite_insertion(
            come(env), env, 3000.0, 310.0, apolune_altitude_m=5000e3, perilune_altitude_m=195e3, attitude=law
        )  # type: ignore[arg-type]
        assert done.perilune_altitude_m == pytest.approx(195e3, abs=30.0)
        assert done.apolune_altitude_m == pytest.approx(5000e3, abs=300.0)


def test_a_circle_is_met_by_a_turning_burn(env: Environment) -> None:
    done = finite_insertion(
        come(env, 210e3, 3700.0), env, 7500.0, 308.0, apolune_altitude_m=200e3, perilune_altitude_m=200e3,
        attitude="turning",
    )  # fmt: skip
    assert done.perilune_altitude_m == pytest.approx(200e3, abs=50.0)
    assert done.apolune_altitude_m == pytest.approx(200e3, abs=50.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "exactly one"),
        ({"duration_s": 10.0, "period_s": 4e4}, "exactly one"),
        ({"duration_s": math.nan}, "duration_s"),
        ({"duration_s": 1e6}, "whole mass"),
        ({"period_s": -1.0}, "period_s"),
        ({"period_s": 4e4, "attitude": "sideways"}, "no attitude"),
        ({"period_s": 4e4, "turn_deg_s": math.inf, "attitude": "turning"}, "no rate"),
        ({"apolune_altitude_m": 1e5, "perilune_altitude_m": 2e5}, "below perilune"),
    ],
)
def test_what_cannot_be_used_is_refused(env: Environment, change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        finite_insertion(come(env), env, 3000.0, 310.0, **change)  # type: ignore[arg-type]


def test_masses_engines_and_orbits_are_checked(env: Environment) -> None:
    with pytest.raises(InputError, match="needs the mass"):
        finite_insertion(come(env, mass_kg=None), env, 3000.0, 310.0, duration_s=10.0)
    with pytest.raises(InputError, match="thrust_n"):
        finite_insertion(come(env), env, 0.0, 310.0, duration_s=10.0)
    with pytest.raises(InputError, match="burn would last"):
        finite_insertion(come(env), env, 1e9, 310.0, period_s=12 * 3600.0)
    for thrust_n in (1500.0, 3000.0):
        with pytest.raises(ModelError, match="the Moon"):
            finite_insertion(come(env, 80e3), env, thrust_n, 310.0, period_s=7067.0, attitude="velocity")
    with pytest.raises(InputError, match="meet the Moon"):
        impulsive_insertion(come(env), env, period_s=1000.0)
    with pytest.raises(InputError, match="first stage"):
        staged_insertion(come(env), env, [("apolune", 1e6)])
    with pytest.raises(InputError, match="steps"):
        staged_insertion(come(env), env, [("perilune", math.nan)])
    with pytest.raises(InputError, match="no speed"):
        approach(env, NOON, 1e5, math.nan)
    with pytest.raises(ModelError, match="no perilune"):
        perilune_state(State(come(env).time_tdb_s, np.array([5e7, 0, 0]), np.array([1500.0, 1.0, 0])), env, 60.0)
    with pytest.raises(ModelError, match=r"no burn|ends on the Moon"):
        finite_insertion(come(env), env, 20.0, 310.0, period_s=12 * 3600.0)


def _energy(state: State) -> float:
    """Energy round the Moon for the mass."""
    return 0.5 * float(state.velocity_m_s @ state.velocity_m_s) - GM / float(np.linalg.norm(state.position_m))

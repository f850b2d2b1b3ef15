"""Velocity chains: mass is conserved, stages are dropped, what does not close says where."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight import fly_transfer, landed_mass_kg, mission_chain, propellant_fraction
from moonpost.plan import load_plan
from moonpost.plan.missions import DeltaV, Transfer

CITED = {"source": "made for this test", "confidence": "C"}


def rows(**values):
    return [DeltaV(id=name, name=name, delta_v_m_s=value, **CITED) for name, value in values.items()]


def way(*stages, destination="surface"):
    return Transfer(id="way", name="Way", destination=destination, stages=stages, **CITED)


def stage(legs, isp_s=311.0, dry_fraction=0.0, name="stage"):
    return {"name": name, "legs": legs, "isp_s": isp_s, "dry_fraction": dry_fraction}


def test_one_leg_by_hand():
    chain = fly_transfer(way(stage(["loi"])), rows(loi=950.0), 1000.0)
    assert chain.final_mass_kg == pytest.approx(1000.0 * math.exp(-950.0 / (9.80665 * 311.0)), rel=1e-12)
    assert chain.arrival_mass_kg == chain.final_mass_kg
    assert chain.drops == ()
    assert chain.legs[0].method == "literature"
    assert chain.legs[0].source == "made for this test"


def test_a_stage_is_dropped_after_its_last_leg():
    two = way(stage(["loi"], dry_fraction=0.1, name="tug"), stage(["descent"], dry_fraction=0.2, name="lander"))
    chain = fly_transfer(two, rows(loi=950.0, descent=2030.0), 1000.0)
    tug, lander = chain.drops
    assert tug.dry_mass_kg == pytest.approx(0.1 * chain.legs[0].propellant_kg)
    assert chain.legs[1].mass_before_kg == pytest.approx(tug.mass_after_kg)
    assert chain.final_mass_kg == pytest.approx(chain.arrival_mass_kg - lander.dry_mass_kg)


def test_what_does_not_close_names_the_leg():
    heavy = way(stage(["loi", "descent"], isp_s=220.0, dry_fraction=0.5, name="brick"))
    with pytest.raises(ModelError, match=r"transfers\[way\].*'descent'.*'brick'"):
        fly_transfer(heavy, rows(loi=950.0, descent=2030.0), 1000.0)


def test_an_unknown_leg():
    with pytest.raises(UnknownNameError, match="lio"):
        fly_transfer(way(stage(["lio"])), rows(loi=950.0), 1000.0)


@pytest.mark.parametrize("mass_kg", [0.0, -1.0, math.nan, math.inf])
def test_no_mass_to_fly(mass_kg):
    with pytest.raises(InputError):
        fly_transfer(way(stage(["loi"])), rows(loi=950.0), mass_kg)


@pytest.mark.parametrize(("delta_v_m_s", "isp_s"), [(-1.0, 300.0), (math.nan, 300.0), (1.0, 0.0), (1.0, math.inf)])
def test_no_propellant_fraction(delta_v_m_s, isp_s):
    with pytest.raises(InputError):
        propellant_fraction(delta_v_m_s, isp_s)


speeds = st.lists(st.floats(1.0, 3000.0), min_size=1, max_size=5)


@given(speeds, st.floats(150.0, 500.0), st.floats(10.0, 1e5))
def test_burns_add_up(values, isp_s, mass_kg):
    """Legs of one stage are one burn of their sum, and no mass is lost."""
    named = {f"leg-{index}": value for index, value in enumerate(values)}
    chain = fly_transfer(way(stage(list(named), isp_s)), rows(**named), mass_kg)
    assert chain.delta_v_m_s == pytest.approx(sum(values))
    assert chain.propellant_kg == pytest.approx(mass_kg * propellant_fraction(sum(values), isp_s), rel=1e-9)
    assert chain.final_mass_kg + chain.propellant_kg == pytest.approx(mass_kg, rel=1e-12)


@given(st.floats(0.0, 0.1), st.floats(0.0, 0.1), st.floats(100.0, 1e5))
def test_mass_is_conserved_with_drops(first, second, mass_kg):
    two = way(stage(["loi"], dry_fraction=first, name="a"), stage(["descent"], dry_fraction=second, name="b"))
    chain = fly_transfer(two, rows(loi=950.0, descent=2030.0), mass_kg)
    dropped = sum(drop.dry_mass_kg for drop in chain.drops)
    assert chain.final_mass_kg + chain.propellant_kg + dropped == pytest.approx(mass_kg, rel=1e-12)
    double = fly_transfer(two, rows(loi=950.0, descent=2030.0), 2.0 * mass_kg)
    assert double.final_mass_kg == pytest.approx(2.0 * chain.final_mass_kg, rel=1e-12)


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_missions_of_the_bundled_plans(name):
    plan = load_plan(name)
    known = [mission for mission in plan.missions if mission.transfer and mission.launch_mass_kg]
    assert len(known) > 3
    for mission in known:
        row = landed_mass_kg(plan, mission)
        assert row.arrival_low_kg <= row.arrival_kg <= row.arrival_high_kg < row.injected_kg
        assert row.delivered_kg <= row.arrival_kg
        assert row.methods == ("literature",)


def test_a_return_counts_where_it_stands_on_the_ground():
    plan = load_plan("ilrs")
    row = landed_mass_kg(plan, "ce5")
    chain = mission_chain(plan, "ce5")
    before_ascent = next(leg for leg in chain.legs if leg.delta_v == "ascent").mass_before_kg
    assert row.place == "surface"
    assert row.delivered_kg == pytest.approx(before_ascent)
    assert chain.final_mass_kg < before_ascent


def test_a_mission_without_what_it_takes():
    plan = load_plan("ilrs")
    with pytest.raises(ModelError, match="no chain without a transfer"):
        mission_chain(plan, plan.mission("ce4").model_copy(update={"transfer": None}))
    with pytest.raises(ModelError, match="no mass after injection"):
        mission_chain(plan, plan.mission("ce4").model_copy(update={"launch_mass_kg": None, "launcher": None}))
    with pytest.raises(UnknownNameError, match="ce44"):
        mission_chain(plan, "ce44")


def test_the_launcher_stands_in_for_a_mass_that_is_not_published():
    plan = load_plan("ilrs")
    row = landed_mass_kg(plan, plan.mission("ce7").model_copy(update={"launch_mass_kg": None}))
    assert row.injected_basis == "launcher capacity"
    assert row.injected_kg == plan.row("launchers", "cz-5").capacity_kg
    assert mission_chain(plan, "ce7", mass_kg=100.0).start_mass_kg == 100.0

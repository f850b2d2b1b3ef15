"""Assembly in steps: by hand, against an independent check, with too little energy, and whatever the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.campaign.assembly import assemble
from moonpost.campaign.assemblycheck import assembly_faults
from moonpost.campaign.assemblyenergy import assemble_with_energy, check_energy
from moonpost.campaign.assemblyrecord import Yard
from moonpost.campaign.build import build_order
from moonpost.campaign.errands import able_crews, errands_of
from moonpost.campaign.gantt import gantt_bars, steps_text
from moonpost.errors import InputError, ModelError
from moonpost.operations.placements import Setting
from moonpost.plan import Plan
from moonpost.study.assembling import build_in_steps

START = np.datetime64("2031-01-10", "ms")
HOUR = np.timedelta64(3_600_000, "ms")
SUNNY = {"kind": "solar", "rated_w": 2000.0, "mount": "two-axis", "mast_m": 2.0}
READY = [{"name": "on", "when": "always", "power_w": 50.0}]


def robot(speed_m_s: float = 0.1, payload_kg: float = 1000.0, reach_m: float = 2.0, **more: Any) -> dict[str, Any]:
    given = {"speed_m_s": speed_m_s, "drive_w": 300.0, "work_w": 200.0, "payload_kg": payload_kg}
    return {**given, "reach_m": reach_m, **more}


def work(*hours: float, **more: Any) -> dict[str, Any]:
    names = ("unload_h", "deploy_h", "connect_h", "commission_h")
    return {**dict(zip(names, hours, strict=False)), "needs": ["light"], "commission_needs": [], **more}


def at(east_m: float, north_m: float = 0.0) -> dict[str, float]:
    return {"east_m": east_m, "north_m": north_m}


def sky(plan: Plan, hours: int = 500, light: Any = 1.0, contacts: Any = None, start: Any = START) -> Setting:
    """A period with the light given by the hour, and Sun from the side."""
    time = start + np.arange(hours + 1) * HOUR
    sun = SimpleNamespace(
        time=time, azimuth_deg=np.zeros(hours + 1), elevation_deg=np.full(hours + 1, 1.0),
        distance_m=np.full(hours + 1, 1.496e11),
    )  # fmt: skip
    lit = np.broadcast_to(np.asarray(light, dtype=np.float64), hours + 1)
    return Setting(plan, sun, {2.0: lit, 10.0: lit}, contacts=contacts, site="ridge")


@pytest.fixture
def yard_of(plan_of: Any, a_mission: Any, an_element: Any) -> Callable[..., Plan]:
    """A plan of one mission with a lander 360 m east, a rover that works, and cargo."""

    def build(cargo: list[dict[str, Any]], **rover: Any) -> Plan:
        given = {
            "kind": "rover", "bus": "own", "position": at(0.0), "robot": robot(), "modes": READY,
            "generators": [SUNNY], "storage": {"capacity_wh": 20_000.0},
        }  # fmt: skip
        elements = [
            an_element("lander", "one", kind="lander", bus="own", position=at(360.0)),
            an_element("rover", "one", 500.0, **{**given, **rover}),
            *cargo,
        ]
        return plan_of([a_mission("one", "2031-01-05", site="ridge")], elements)

    return build


def yard(*names: str, **more: Any) -> Yard:
    return Yard(dict.fromkeys(names, START), ready={"rover": START}, robots=("rover",), **more)


def by_id(steps: Any) -> dict[str, Any]:
    return {step.id: step for step in steps}


def test_steps_by_hand(yard_of: Any, an_element: Any) -> None:
    # 360 m at 0.1 m/s is an hour: out, 2 h of unloading, back; the place is the site's point, so no way to deploy.
    plan = yard_of([an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 10.0))])
    found = assemble(plan, yard("mast"), sky(plan))
    steps = by_id(found.steps)
    hours = {name: (step.start - START) / HOUR for name, step in steps.items()}
    assert hours == {
        "mast.unload.come": 0.0, "mast.unload": 1.0, "mast.unload.drive": 3.0, "mast.deploy": 4.0,
        "mast.connect": 9.0, "mast.commission": 12.0,
    }  # fmt: skip
    assert found.ready["mast"] == START + 22 * HOUR
    assert found.slots == found.least_slots == 22
    assert found.optimal
    assert steps["mast.unload"].uses == ("robot:rover", "deck:one")
    assert steps["mast.connect"].uses == ("robot:rover", "bus:station")
    assert steps["mast.unload.drive"].energy_wh == pytest.approx(300.0)
    assert steps["mast.deploy"].energy_wh == pytest.approx(1000.0)
    assert steps["mast.commission"].robots == ()
    assert found.places["rover"] == (0.0, 0.0)
    assert assembly_faults(plan, yard("mast"), found.steps, sky(plan)) == []


def test_work_pauses_in_the_dark_and_out_of_contact(yard_of: Any, an_element: Any) -> None:
    plan = yard_of(
        [an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 0.0, 4.0, needs=["light"],
                                                                  commission_needs=["earth"]))]
    )  # fmt: skip
    light = np.ones(501)
    light[6:30] = 0.0  # of the 9 h of hands-on work 5 come before: slots 5 to 29 touch the dark
    contacts = np.array([[START, START + 40 * HOUR], [START + 50 * HOUR, START + 90 * HOUR]])
    setting = sky(plan, light=light, contacts=contacts)
    found = assemble(plan, yard("mast"), setting)
    steps = by_id(found.steps)
    deploy = [((a - START) / HOUR, (b - START) / HOUR) for a, b in steps["mast.deploy"].spells]
    assert deploy == [(4.0, 5.0), (30.0, 34.0)]
    assert (found.ready["mast"] - START) / HOUR == 38.0
    assert assembly_faults(plan, yard("mast"), found.steps, setting) == []
    dark = sky(plan, light=0.0)
    with pytest.raises(ModelError, match=r"needs 4 h in light and finds no room in 20\.83 days, which have 0 h"):
        assemble(plan, yard("mast"), dark)
    told = assembly_faults(plan, yard("mast"), found.steps, dark)
    assert [line for line in told if "in the dark" in line]


def test_what_is_required_comes_first(yard_of: Any, an_element: Any) -> None:
    plan = yard_of(
        [
            an_element("lab", "one", position=at(50.0), requires=["mast"], assembly=work(2.0, 2.0, 2.0, 9.0)),
            an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 30.0)),
        ]
    )
    found = assemble(plan, yard("lab", "mast"), sky(plan))
    steps = by_id(found.steps)
    assert steps["lab.commission"].start >= found.ready["mast"]
    assert steps["lab.connect"].start >= steps["mast.connect"].stop
    assert assembly_faults(plan, yard("lab", "mast"), found.steps, sky(plan)) == []


def test_two_robots_share_the_work(yard_of: Any, an_element: Any) -> None:
    cargo = [
        an_element(f"box{k}", "one", position=at(10.0 * k), assembly=work(0.0, 20.0, 0.0, 0.0)) for k in range(4)
    ]
    twin = an_element(
        "twin", "one", 500.0, kind="rover", bus="own", position=at(0.0), robot=robot(), modes=READY,
        generators=[SUNNY],
    )  # fmt: skip
    plan = yard_of([*cargo, twin])
    names = [f"box{k}" for k in range(4)]
    alone = assemble(plan, yard(*names), sky(plan))
    both = Yard(dict.fromkeys(names, START), {"rover": START, "twin": START}, ("rover", "twin"))
    shared = assemble(plan, both, sky(plan))
    assert shared.slots < 0.6 * alone.slots
    assert {name for step in shared.steps for name in step.robots} == {"rover", "twin"}
    assert assembly_faults(plan, both, shared.steps, sky(plan)) == []
    heavy = [an_element("slab", "one", 1800.0, position=at(5.0), assembly=work(4.0, 4.0, robots=2))]
    plan = yard_of([*heavy, twin])
    found = assemble(plan, replace(both, landed={"slab": START}), sky(plan))
    assert {step.robots for step in found.steps} == {("rover", "twin")}
    with pytest.raises(ModelError, match="needs 2 robots; there is only 1"):
        assemble(plan, yard("slab"), sky(plan))


def test_a_robot_of_the_same_landing_comes_first(yard_of: Any, an_element: Any) -> None:
    plan = yard_of(
        [an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 10.0))],
        assembly=work(1.0, 0.0, 0.0, 6.0, self_moving=True, robots=0),
    )
    found = assemble(plan, Yard({"mast": START, "rover": START}), sky(plan))
    steps = by_id(found.steps)
    assert steps["rover.unload"].robots == ("rover",)
    assert steps["rover.unload.drive"].work_h == pytest.approx(1.0)
    assert steps["mast.unload.come"].start >= found.ready["rover"]
    assert assembly_faults(plan, Yard({"mast": START, "rover": START}), found.steps, sky(plan)) == []


def test_the_crane_of_the_lander(yard_of: Any, an_element: Any) -> None:
    mast = an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 0.0, 0.0))
    plan = yard_of([mast])
    crane = plan.element("lander").model_copy(update={"robot": plan.element("rover").robot})
    plan = plan.model_copy(update={"elements": (crane, *plan.elements[1:])})
    found = assemble(plan, yard("mast"), sky(plan))
    steps = by_id(found.steps)
    assert steps["mast.unload"].robots == ("lander",)
    assert steps["mast.unload"].uses == ("robot:lander", "deck:one", "crane:lander")
    assert steps["mast.drive"].robots == ("rover",)
    assert assembly_faults(plan, yard("mast"), found.steps, sky(plan)) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"robot": robot(payload_kg=400.0)}, "carry 1000 kg; those that are there carry 400 kg"),
        ({"robot": robot(reach_m=1.0)}, "reach 1.5 m; those that are there reach 1 m"),
        ({"robot": None}, "needs 1 robot; there is none"),
    ],
)
def test_robots_that_cannot(yard_of: Any, an_element: Any, given: dict[str, Any], told: str) -> None:
    plan = yard_of([an_element("mast", "one", position=at(0.0), assembly=work(1.0, reach_m=1.5))], **given)
    crews, reason = able_crews(plan.element("mast"), [plan.element("rover")])
    assert crews == ()
    assert told in reason
    with pytest.raises(ModelError, match="mast"):
        assemble(plan, yard("mast"), sky(plan))


def test_too_little_energy_puts_work_off(yard_of: Any, an_element: Any) -> None:
    # 250 W of array, 50 W of mode and 400 W of work: 200 W short; 800 Wh last 4 h, then it has to charge again. An
    # hour each of driving out and back, at 350 W, comes before.
    weak = {
        "generators": [{**SUNNY, "rated_w": 250.0}],
        "storage": {
            "capacity_wh": 800.0,
            "depth_of_discharge": 1.0,
            "charge_efficiency": 1.0,
            "discharge_efficiency": 1.0,
        },
    }
    plan = yard_of(
        [an_element("mast", "one", position=at(0.0), assembly=work(0.0, 20.0, 0.0, 0.0))],
        **weak, robot=robot(work_w=400.0),
    )  # fmt: skip
    rules = plan.design.model_copy(update={"dust_loss": 0.0, "array_loss_per_year": 0.0, "bus_efficiency": 1.0})
    plan = plan.model_copy(update={"design": rules})
    setting = sky(plan)
    plain = assemble(plan, yard("mast"), setting)
    first = check_energy(plan, yard("mast"), plain, setting)
    assert plain.slots == 22
    assert not first.borne
    assert first.shortfalls[0].machine == "rover"
    assert (first.shortfalls[0].start - START) / HOUR == pytest.approx(2.0 + 600.0 / 200.0, abs=0.1)
    found, check, delays = assemble_with_energy(plan, yard("mast"), setting)
    assert check.borne
    assert delays
    # No order can be quicker: 20 h lack 200 W and 2 h lack 100 W, 4200 Wh in all; the store lends 800 and gains
    # 200 W of the array while the rover rests.
    least = 22 + (4200.0 - 800.0) / 200.0
    assert least <= found.slots <= 1.3 * least
    assert check.residual_relative < 1e-9
    assert assembly_faults(plan, yard("mast"), found.steps, setting) == []


def test_energy_that_never_suffices_is_refused(yard_of: Any, an_element: Any) -> None:
    plan = yard_of(
        [an_element("mast", "one", position=at(0.0), assembly=work(0.0, 20.0, 0.0, 0.0))],
        generators=[{**SUNNY, "rated_w": 60.0}], storage=None,
    )  # fmt: skip
    with pytest.raises(ModelError, match="the energy of rover does not bear it"):
        assemble_with_energy(plan, yard("mast"), sky(plan, hours=100))


def test_a_trial_waits_for_power(yard_of: Any, an_element: Any) -> None:
    """A laboratory on an array without store is not tried out in the dark, although it needs no light itself."""
    array = an_element(
        "array", "one", position=at(0.0), modes=[], generators=[SUNNY], assembly=work(1.0, 1.0, 1.0)
    )
    lab = an_element(
        "lab", "one", position=at(0.0), modes=[{"name": "on", "when": "always", "power_w": 100.0}],
        requires=["array"], assembly=work(1.0, 1.0, 1.0, 5.0),
    )  # fmt: skip
    plan = yard_of([array, lab])
    light = np.ones(501)
    light[14:40] = 0.0
    setting = sky(plan, light=light)
    both = yard("array", "lab")
    assert not check_energy(plan, both, assemble(plan, both, setting), setting).borne
    found, check, delays = assemble_with_energy(plan, both, setting)
    assert check.borne
    assert {row.machine for row in delays} == {"lab"}
    trial = by_id(found.steps)["lab.commission"]
    assert all(b <= START + 15 * HOUR or a >= START + 39 * HOUR for a, b in trial.spells)


def test_a_trial_that_takes_the_power_of_others_waits(yard_of: Any, an_element: Any) -> None:
    """The laboratory comes first when power is short, and the heater goes without: not while it is tried out."""
    heater = an_element("heater", "one", modes=[{"name": "on", "when": "dark", "power_w": 80.0}], priority=9)
    pile = an_element("pile", "one", modes=[], generators=[{"kind": "reactor", "electric_w": 150.0}])
    lab = an_element(
        "lab", "one", position=at(0.0), modes=[{"name": "on", "when": "always", "power_w": 100.0}], priority=1,
        assembly=work(1.0, 0.0, 0.0, 20.0),
    )  # fmt: skip
    plan = yard_of([heater, pile, lab])
    light = np.ones(501)
    light[10:40] = 0.0
    setting = sky(plan, light=light)
    given = Yard({"lab": START}, {"rover": START, "heater": START, "pile": START}, ("rover",))
    short = check_energy(plan, given, assemble(plan, given, setting), setting).shortfalls
    assert {(row.step, row.machine) for row in short} == {("lab.commission", "lab")}
    found, check, _ = assemble_with_energy(plan, given, setting)
    assert check.borne
    assert found.ready["lab"] > START + 40 * HOUR


def test_work_by_day_that_empties_the_store_for_the_night_is_shortened(yard_of: Any, an_element: Any) -> None:
    # 300 W of array carry 50 W of mode and 250 W of work's 400: 150 W come out of the store. It is full at dusk
    # only if the rover rests, with 2000 Wh; the night of 36 h takes 1800 Wh.
    plan = yard_of(
        [an_element("mast", "one", position=at(0.0), assembly=work(0.0, 6.0, 0.0, 0.0))],
        generators=[{**SUNNY, "rated_w": 300.0}], robot=robot(work_w=400.0),
        storage={"capacity_wh": 2000.0, "depth_of_discharge": 1.0, "charge_efficiency": 1.0,
                 "discharge_efficiency": 1.0},
    )  # fmt: skip
    rules = plan.design.model_copy(update={"dust_loss": 0.0, "array_loss_per_year": 0.0, "bus_efficiency": 1.0})
    plan = plan.model_copy(update={"design": rules})
    light = np.ones(501)
    light[9:45] = 0.0
    setting = sky(plan, light=light)
    first = check_energy(plan, yard("mast"), assemble(plan, yard("mast"), setting), setting)
    assert [row.text.split()[0] for row in first.shortfalls] == ["afterwards"]
    assert first.shortfalls[0].start < START + 9 * HOUR
    found, check, _ = assemble_with_energy(plan, yard("mast"), setting)
    assert check.borne
    assert found.ready["mast"] > START + 44 * HOUR


SEEDED: dict[str, Callable[[Any], Any]] = {
    "runs backwards|run backwards": lambda s: replace(s, spells=((s.stop, s.start),)),
    "does not begin and end": lambda s: replace(s, start=s.start - HOUR),
    "takes": lambda s: replace(s, spells=((s.start, s.start + HOUR // 2),), stop=s.start + HOUR // 2),
    "unload takes 2 h and has 1 h": lambda s: replace(s, work_h=1.0),
    "before mast has landed": lambda s: _moved(s, -300),
    "outside the period": lambda s: _moved(s, 5000),
    "needs 1 robots and has 0": lambda s: replace(s, robots=()),
    "is used by": lambda s: _moved(s, 8),
    "before .* has ended": lambda s: _moved(s, 3),
    "is for ghost|for lander, which has not landed": lambda s: replace(s, element="lander"),
}


def _moved(step: Any, hours: int) -> Any:
    spells = tuple((a + hours * HOUR, b + hours * HOUR) for a, b in step.spells)
    return replace(step, start=spells[0][0], stop=spells[-1][1], spells=spells)


@pytest.mark.parametrize("told", SEEDED)
def test_the_check_finds_seeded_faults(yard_of: Any, an_element: Any, told: str) -> None:
    plan = yard_of(
        [
            an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 10.0)),
            an_element("lab", "one", position=at(9.0), requires=["mast"], assembly=work(2.0, 5.0, 3.0, 10.0)),
        ]
    )
    found, setting = assemble(plan, yard("mast", "lab"), sky(plan)), sky(plan)
    assert assembly_faults(plan, yard("mast", "lab"), found.steps, setting) == []
    broken = [SEEDED[told](step) if step.id == "mast.unload" else step for step in found.steps]
    lines = assembly_faults(plan, yard("mast", "lab"), broken, setting)
    assert any(__import__("re").search(told, line) for line in lines), lines


def test_the_check_finds_robots_that_cannot_or_are_too_slow(yard_of: Any, an_element: Any) -> None:
    cargo = [an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 10.0))]
    plan, setting = yard_of(cargo), sky(yard_of(cargo))
    steps = assemble(plan, yard("mast"), setting).steps
    for changed, told in (
        ({"robot": robot(speed_m_s=0.05)}, "has 720 m to go and time for 360 m"),
        ({"robot": robot(payload_kg=900.0)}, "do not carry 1000 kg"),
    ):
        lines = assembly_faults(yard_of(cargo, **changed), yard("mast"), steps, setting)
        assert any(told in line for line in lines), lines
    late = yard("mast", free={"rover": START + 5 * HOUR})
    assert "mast.unload begins before rover is free" in assembly_faults(plan, late, steps, setting)
    unready = Yard({"mast": START}, {"rover": START + 9 * HOUR}, ("rover",))
    assert "mast.unload begins before rover works" in assembly_faults(plan, unready, steps, setting)
    gone = Yard({"mast": START}, {"rover": START})
    assert "mast.unload: rover is not a robot that is there" in assembly_faults(plan, gone, steps, setting)
    handed = [replace(s, robots=("lander",)) if s.id == "mast.unload.drive" else s for s in steps]
    lines = assembly_faults(plan, yard("mast"), handed, setting)
    assert "mast.unload is not done by the same robots throughout" in lines, lines
    silent = sky(plan, contacts=np.empty((0, 2), dtype="datetime64[ms]"))
    plan = yard_of(
        [an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 10.0, needs=["earth"]))]
    )
    assert any("out of contact" in line for line in assembly_faults(plan, yard("mast"), steps, silent))


machines = st.lists(
    st.tuples(
        st.integers(0, 6), st.integers(0, 30), st.integers(0, 6), st.integers(0, 40),
        st.sets(st.integers(0, 4), max_size=2), st.integers(1, 2), st.booleans(), st.integers(-500, 500),
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(machines, st.integers(0, 2**32 - 1))
def test_whatever_the_cargo_the_check_finds_nothing(
    yard_of: Any, an_element: Any, rows: list[Any], seed: int
) -> None:
    tried_out(yard_of, an_element, rows, seed)


@pytest.mark.soak
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(machines, st.integers(0, 2**32 - 1))
def test_whatever_the_cargo_at_length(yard_of: Any, an_element: Any, rows: list[Any], seed: int) -> None:
    tried_out(yard_of, an_element, rows, seed)


def tried_out(yard_of: Any, an_element: Any, rows: list[Any], seed: int) -> None:
    chance = np.random.default_rng(seed)
    cargo = [
        an_element(
            f"e{k}", "one", 300.0, position=at(float(row[7]), 20.0 * k), count=1 + (k == 3),
            requires=[f"e{need}" for need in sorted(row[4]) if need < k],
            assembly=work(*row[:4], robots=row[5], needs=["light", "earth"] if row[6] else ["light"],
                          commission_needs=["earth"] if row[6] else []),
        )
        for k, row in enumerate(rows)
    ]  # fmt: skip
    twin = an_element(
        "twin", "one", 500.0, kind="rover", bus="own", position=at(-30.0), robot=robot(0.2), modes=READY,
        generators=[SUNNY],
    )  # fmt: skip
    plan = yard_of([*cargo, twin])
    light = (chance.random(3001) < 0.9).astype(float)
    edges = START + np.cumsum(chance.integers(1, 30, 200)) * HOUR
    setting = sky(plan, 3000, light, edges.reshape(-1, 2))
    given = Yard(
        {f"e{k}": START + int(chance.integers(0, 50)) * HOUR for k in range(len(rows))},
        {"rover": START, "twin": START + 10 * HOUR},
        ("rover", "twin"),
        free={"rover": START + 7 * HOUR},
    )
    found = assemble(plan, given, setting, seconds=0.2)
    assert assembly_faults(plan, given, found.steps, setting) == []
    assert found.least_slots <= found.slots
    assert set(found.ready) == set(given.landed)
    for step in found.steps:
        held = sum((b - a) / HOUR for a, b in step.spells)
        assert held == pytest.approx(step.work_h, abs=1e-5)


def test_more_ways_to_share_than_are_tried_prove_nothing(yard_of: Any, an_element: Any) -> None:
    cargo = [an_element(f"box{k}", "one", position=at(5.0), assembly=work(0.0, 3.0, 0.0, 0.0)) for k in range(6)]
    twin = an_element("twin", "one", 500.0, kind="rover", bus="own", position=at(0.0), robot=robot())
    plan = yard_of([*cargo, twin])
    both = Yard({f"box{k}": START for k in range(6)}, {"rover": START, "twin": START}, ("rover", "twin"))
    found = assemble(plan, both, sky(plan), seconds=0.2)
    assert assembly_faults(plan, both, found.steps, sky(plan)) == []
    assert found.least_slots == 0
    assert not found.optimal
    # three boxes each: an hour out, an hour back, 3 h of work and a little way for every one
    assert found.slots <= 3 * 7


def test_chart_and_bars(yard_of: Any, an_element: Any) -> None:
    plan = yard_of([an_element("mast", "one", position=at(0.0), assembly=work(2.0, 5.0, 3.0, 10.0))])
    found = assemble(plan, yard("mast"), sky(plan))
    assert steps_text(found.steps, width=22).splitlines() == [
        "      2031-01-10  2031-01-10",
        "mast  >uu>dddddccctttttttttt",
    ]
    assert steps_text([]) == ""
    with pytest.raises(InputError, match="width"):
        steps_text(found.steps, width=5)
    bars = gantt_bars(build_order(plan), found.steps)
    kinds = [bar["kind"] for bar in bars if bar["element"] == "mast" and bar["step"]]
    assert kinds == ["drive", "unload", "drive", "deploy", "connect", "commission"]


def test_bad_input(yard_of: Any, an_element: Any) -> None:
    plan = yard_of([an_element("mast", "one", position=at(0.0))])
    with pytest.raises(InputError, match="no assembly"):
        assemble(plan, yard("mast"), sky(plan))
    assert errands_of(plan, plan.element("mast"), ["rover"], {}, {}) == ()
    assert assemble(plan, Yard({}), sky(plan)).steps == ()
    plan = plan.model_copy(update={"objectives": ()})
    for wrong in ({"case": "soon"}, {"contact": "radio"}, {"slot_s": 1.0}):
        with pytest.raises(InputError):
            build_in_steps(plan, **wrong)


@pytest.fixture
def grown(plan_of: Any, a_mission: Any, an_element: Any) -> Plan:
    """Two landings a year apart, the second with cargo for two robots."""
    rover = {"kind": "rover", "bus": "own", "robot": robot(), "modes": READY, "generators": [SUNNY],
             "storage": {"capacity_wh": 20_000.0}}  # fmt: skip
    walks = work(1.0, 0.0, 0.0, 6.0, self_moving=True, robots=0)
    elements = [
        an_element("mast", "one", position=at(0.0), generators=[SUNNY], assembly=work(2.0, 5.0, 3.0, 10.0)),
        an_element("slab", "one", 1800.0, position=at(5.0), assembly=work(2.0, 5.0, robots=2)),
        an_element("rover", "one", 500.0, position=at(0.0), assembly=walks, **rover),
        an_element("lab", "two", 900.0, position=at(30.0), requires=["mast", "slab"],
                   assembly=work(2.0, 5.0, 3.0, 40.0)),
        an_element("twin", "two", 500.0, position=at(9.0), assembly=walks, **rover),
        an_element("giant", "two", 9000.0, position=at(9.0), assembly=work(2.0)),
        an_element("crown", "two", 90.0, position=at(9.0), requires=["giant"], assembly=work(2.0)),
        an_element("tent", "two", 90.0, requires=["lab"]),
    ]  # fmt: skip
    missions = [
        a_mission("one", "2031-01-05", site="ridge"),
        a_mission("two", "2032-01-05/2032-03-05", site="ridge"),
    ]
    return plan_of(missions, elements, objectives=[])


def test_a_station_grows_landing_by_landing(grown: Plan) -> None:
    def look(site: str, start: Any, days: float) -> Setting:
        return sky(grown, round(24 * days), start=start)

    built = build_in_steps(grown, sky=look)
    assert [(stage.mission, stage.elements) for stage in built.stages] == [
        ("one", ("mast", "rover")), ("two", ("slab", "lab", "twin")),
    ]  # fmt: skip
    assert all(stage.optimal and stage.faults == () and stage.energy.borne for stage in built.stages)
    assert built.refused == {
        "giant": "needs 1 robot that carry 9000 kg; those that are there carry 1000 kg",
        "crown": "requires giant, which never works",
    }
    order = built.order
    assert order.step("slab").commissioning > "2032-01-10"
    assert order.step("lab").ready > order.step("slab").ready
    assert order.step("tent").commissioning == order.step("lab").ready
    assert order.step("giant").never == built.refused["giant"]
    assert [row.place for row in order.findings if row.severity == "error"] == [
        "elements[giant].assembly", "elements[crown].requires",
    ]  # fmt: skip
    late = build_in_steps(grown, sky=look, case="latest")
    gap = np.datetime64(late.order.step("lab").ready_latest[:-1]) - np.datetime64(order.step("lab").ready[:-1])
    assert gap / np.timedelta64(1, "D") == pytest.approx(60.99, abs=1.0)
    assert np.datetime64(late.order.step("lab").ready[:-1]) >= np.datetime64("2032-01-10")
    plain = build_in_steps(grown, steps=False)
    assert plain.steps == ()
    assert plain.order == build_order(grown)


def test_what_lacks_power_waits_for_the_next_landing(plan_of: Any, a_mission: Any, an_element: Any) -> None:
    rover = {"kind": "rover", "bus": "own", "position": at(0.0), "robot": robot(), "modes": READY,
             "generators": [SUNNY], "storage": {"capacity_wh": 20_000.0}}  # fmt: skip
    hungry = [{"name": "on", "when": "always", "power_w": 900.0}]
    plan = plan_of(
        [a_mission("one", "2031-01-05", site="ridge"), a_mission("two", "2032-01-05", site="ridge")],
        [
            an_element("rover", "one", 500.0, assembly=work(1.0, self_moving=True, robots=0), **rover),
            an_element("pile", "one", modes=[], generators=[{"kind": "reactor", "electric_w": 500.0}],
                       assembly=work(1.0, 1.0, 1.0)),
            an_element("lab", "one", modes=hungry, requires=["pile"], assembly=work(2.0, 1.0, 1.0, 9.0)),
            an_element("glove", "one", requires=["lab"], assembly=work(1.0)),
            an_element("pile-2", "two", modes=[], generators=[{"kind": "reactor", "electric_w": 900.0}],
                       assembly=work(1.0, 1.0, 1.0)),
        ],
        objectives=[],
    )  # fmt: skip
    built = build_in_steps(plan, sky=lambda site, start, days: sky(plan, round(24 * days), start=start))
    assert [(stage.mission, set(stage.elements)) for stage in built.stages] == [
        ("one", {"rover", "pile"}), ("two", {"lab", "glove", "pile-2"}),
    ]  # fmt: skip
    assert built.refused == {}
    trial = next(step for step in built.steps if step.id == "lab.commission")
    joined = next(step for step in built.steps if step.id == "pile-2.connect")
    assert trial.start >= joined.stop
    alone = plan.model_copy(update={"elements": plan.elements[:-1]})
    built = build_in_steps(alone, sky=lambda site, start, days: sky(alone, round(24 * days), start=start))
    assert set(built.refused) == {"lab", "glove"}
    assert built.refused["lab"].startswith("the energy of lab does not bear it")
    assert built.refused["glove"] == "requires lab, which never works"


def test_the_bundled_station_is_built() -> None:
    """Regression on the dates of today's plan; whether they can be kept is for the check and the simulation."""
    built = build_in_steps("ilrs", seconds=1.0)
    assert built.refused == {}
    assert [stage.mission for stage in built.stages] == ["ilrs-1", "ilrs-2", "ilrs-3", "ilrs-4", "ilrs-5"]
    for stage in built.stages:
        assert stage.faults == ()
        assert stage.energy.borne
        assert stage.energy.residual_relative < 1e-9
        assert stage.optimal
    assert built.order.step("command-centre").ready[:10] == "2031-02-16"
    assert {step.kind for step in built.steps} == {"come", "unload", "drive", "deploy", "connect", "commission"}

"""The search in space and time against searches of the plainest kind, on tiny grids under made-up skies."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.terrain.area import MapArea
from moonpost.terrain.traverseground import Ground
from moonpost.terrain.traverselimits import Limits
from moonpost.terrain.traverserover import Rover
from moonpost.terrain.traverserun import Run, Stop
from moonpost.terrain.traversetidy import tidied

STEP_S = 1800.0
CELL_M = 100.0
SIDE = 5
ROVER = Rover("test", speed_m_s=0.1, speed_at_limit=1.0, max_slope_deg=20.0, max_cross_deg=20.0)
MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)]


def made_sky(lit: np.ndarray, earth_up: np.ndarray | None = None) -> Any:
    """A sky of which the light of each cell and instant is given; shape (cells, instants)."""
    from moonpost.terrain.traversesky import Sky

    cells, instants = lit.shape
    up = np.ones(instants, bool) if earth_up is None else earth_up
    axes = np.tile(np.array([1, 0, 0, 0, 1, 0, 0, 0, 1], np.float32), (cells, 1))
    return Sky(
        horizon=np.zeros((cells, 1), np.int16),
        earth_horizon=np.zeros((cells, 1), np.int16),
        slot=np.zeros(4, np.int64),
        earth_slot=np.zeros(4, np.int64),
        axes=axes,
        sun=np.tile([0.0, 0.0, 1.0], (instants, 1)),
        earth=np.stack([np.ones(instants), np.zeros(instants), np.where(up, 0.1, -0.1)], axis=-1),
        sun_radius_deg=np.full(instants, 0.27),
        sunshine=np.ones(instants),
        allowed=np.ones(instants - 1, np.bool_),
        sun_seen=(1 + np.round(250 * lit)).astype(np.uint8),
        known=np.zeros((cells, instants), np.uint8),
    )


def made_run(
    lit: np.ndarray,
    *,
    start: int = 0,
    goal: int = SIDE * SIDE - 1,
    height_m: np.ndarray | None = None,
    rover: Rover = ROVER,
    limits: Limits | None = None,
    leaves_s: float = 0.0,
    moves: int = 8,
    leg_s: float | None = None,
    objective: Any = "arrival",
    earth_up: np.ndarray | None = None,
) -> Run:
    side = math.isqrt(lit.shape[0])
    area = MapArea.about(-90.0, 0.0, side * CELL_M, cell_m=CELL_M)
    ground = Ground.of_heights(area, np.zeros(area.shape) if height_m is None else height_m, rover, moves)
    if leg_s is not None:
        finite = np.isfinite(ground.leg_s)
        energy = (rover.idle_power_w + rover.drive_power_w) * leg_s / 3600.0
        ground = dataclasses.replace(
            ground,
            leg_s=np.where(finite, leg_s, np.inf).astype(np.float32),
            leg_wh=np.full(ground.leg_wh.shape, energy, np.float32),
        )
    first = np.datetime64("2030-01-01", "ms")
    run = Run(
        ground=ground,
        rover=rover,
        limits=limits or Limits(),
        start=start,
        goal=goal,
        time=first + np.arange(lit.shape[1]) * np.timedelta64(1_800_000, "ms"),
        leaves_s=leaves_s,
        objective=objective,
        almanac=None,
        options={},
        progress=lambda _, __: None,
        sky=made_sky(lit, earth_up),
        slack=0.0,
        charge_slack=0.0,
    )
    assert run.blocked() is None
    return run


def arrival(run: Run) -> float:
    stops = run.find()
    return stops[-1].arrived_s if stops else math.inf


def blinking(seed: int, share: float, steps: int, side: int = SIDE) -> np.ndarray:
    """Light that comes and goes in spells of some steps, cell by cell."""
    rng = np.random.default_rng(seed)
    spell = rng.integers(1, 5, size=(side * side, steps + 1))
    lit = np.zeros((side * side, steps + 1))
    for cell in range(side * side):
        states = rng.random(steps + 1) < share
        lit[cell] = np.repeat(states, spell[cell])[: steps + 1]
    return lit


def earliest(run: Run, lit: np.ndarray, least: float) -> float:
    """Earliest arrival by trying all starts of steps, a label for each cell (Dijkstra in time)."""
    side, steps = math.isqrt(lit.shape[0]), lit.shape[1] - 1

    def is_open(cell: int, k: int) -> bool:
        return bool(lit[cell, k] >= least and lit[cell, k + 1] >= least)

    done: dict[int, float] = {}
    waiting = {run.start: run.leaves_s}
    while waiting:
        cell = min(waiting, key=lambda c: waiting[c])
        now = waiting.pop(cell)
        done[cell] = now
        r, c = divmod(cell, side)
        for d, (dr, dc) in enumerate(MOVES[: run.ground.leg_s.shape[1]]):
            if not (0 <= r + dr < side and 0 <= c + dc < side):
                continue
            other, span = (r + dr) * side + c + dc, float(run.ground.leg_s[cell, d])
            if other in done or not math.isfinite(span):
                continue
            first = math.floor(now / STEP_S) + 1
            for leave in [now, *(STEP_S * k for k in range(first, steps))]:
                ks = range(math.floor(leave / STEP_S + 1e-9), math.ceil((leave + span) / STEP_S - 1e-9))
                if ks[-1] < steps and all(is_open(cell, k) and is_open(other, k) for k in ks):
                    waiting[other] = min(waiting.get(other, math.inf), leave + span)
                    break
    return done.get(run.goal, math.inf)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("moves", [4, 8])
def test_arrives_as_early_as_can_be(seed: int, moves: int) -> None:
    lit = blinking(seed, 0.55, 60)
    run = made_run(lit, moves=moves, leaves_s=600.0)
    expected = earliest(run, lit, run.limits.least_disc)
    assert arrival(run) == pytest.approx(expected, abs=1e-2)


def test_some_of_those_cases_wait_and_some_fail() -> None:
    found = [made_run(blinking(seed, 0.55, 60), leaves_s=600.0).find() for seed in range(25)]
    waits = [sum(stop.left_s - stop.arrived_s for stop in stops) for stops in found if stops]
    assert max(waits) > 10 * STEP_S
    assert any(not stops for stops in [made_run(blinking(s, 0.3, 30)).find() for s in range(10)])


State = tuple[float, float, float, float]


def after(run: Run, state: State, disc: float, load_w: float, energy_wh: float) -> State | None:
    """Charge, darkness, energy and shade one step later; None where a limit is broken."""
    rover, limit_h = run.rover, run.limits.longest_dark_h
    charge = min(state[0] + (rover.array_power_w * disc - load_w) * STEP_S / 3600.0, rover.battery_wh)
    dark = state[1] + STEP_S if disc < 0.01 else 0.0
    if charge < rover.least_charge * rover.battery_wh - 1e-9 or dark > 3600.0 * (limit_h or math.inf) + 1e-6:
        return None
    found = (charge, dark, state[2] + energy_wh, state[3] + (1.0 - disc) * STEP_S / 3600.0)
    return tuple(round(value, 9) for value in found)  # type: ignore[return-value]


def ways_on(run: Run, lit: np.ndarray, cell: int, k: int) -> list[tuple[int, float, float, float]]:
    """What can be done in a step: the next cell, disc fraction, load [W], energy of driving [Wh]."""
    side, rover = math.isqrt(lit.shape[0]), run.rover
    mean = 0.5 * (lit[cell, k] + lit[cell, k + 1])
    asleep = run.limits.sleeps and rover.array_power_w * mean < rover.idle_power_w
    ways = [(cell, mean, rover.sleep_power_w if asleep else rover.idle_power_w, 0.0)]
    r, c = divmod(cell, side)
    drive_w = rover.idle_power_w + rover.drive_power_w
    for dr, dc in MOVES[:4]:
        if 0 <= r + dr < side and 0 <= c + dc < side:
            other = (r + dr) * side + c + dc
            seen = [lit[one, at] for one in (cell, other) for at in (k, k + 1)]
            if min(seen) >= run.limits.least_disc:
                ways.append((other, sum(seen) / 4.0, drive_w, drive_w * STEP_S / 3600.0))
    return ways


def best_of(states: set[State]) -> set[State]:
    def beats(a: State, b: State) -> bool:
        return a != b and a[0] >= b[0] and all(x <= y for x, y in zip(a[1:], b[1:], strict=True))

    return {state for state in states if not any(beats(other, state) for other in states)}


def paretos(run: Run, lit: np.ndarray) -> tuple[float, float, float]:
    """Earliest arrival, least energy and least shade by listing all that can happen at the starts of steps."""
    level: dict[int, set[State]] = {run.start: {(run.rover.battery_wh * run.limits.start_charge, 0.0, 0.0, 0.0)}}
    ends = (math.inf, math.inf, math.inf)
    for k in range(lit.shape[1]):
        for state in level.get(run.goal, set()):
            ends = (min(ends[0], k * STEP_S), min(ends[1], state[2]), min(ends[2], state[3]))
        if k == lit.shape[1] - 1:
            break
        following: dict[int, set[State]] = {}
        for cell, states in level.items():
            for state, (other, disc, load, energy) in itertools.product(states, ways_on(run, lit, cell, k)):
                new = after(run, state, disc, load, energy)
                if new is not None:
                    following.setdefault(other, set()).add(new)
        level = {cell: best_of(states) for cell, states in following.items()}
    return ends


WEAK = Rover(
    "weak", speed_m_s=0.1, speed_at_limit=1.0, array_power_w=100.0, idle_power_w=30.0, drive_power_w=90.0,
    sleep_power_w=4.0, battery_wh=200.0, least_charge=0.25,
)  # fmt: skip
CASES = [
    Limits(least_disc=0.0),
    Limits(least_disc=0.0, longest_dark_h=2.0),
    Limits(least_disc=0.5, start_charge=0.5),
    Limits(least_disc=0.0, sleeps=False, start_charge=0.8),
    Limits(least_disc=0.0, sleeps=False, longest_dark_h=3.0),
]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("case", range(len(CASES)))
def test_battery_and_darkness_as_in_a_list_of_all_that_can_happen(seed: int, case: int) -> None:
    lit = blinking(100 + seed, 0.45, 30, side=4)
    if seed % 2:
        lit = (
            np.round(250.0 * lit * np.random.default_rng(seed).choice([0.2, 0.4, 0.6, 0.8, 1.0], lit.shape))
            / 250.0
        )
    goal = 15
    kwargs: dict[str, Any] = {"goal": goal, "rover": WEAK, "limits": CASES[case], "moves": 4, "leg_s": STEP_S}
    expected = paretos(made_run(lit, **kwargs), lit)
    assert arrival(made_run(lit, **kwargs)) == pytest.approx(expected[0])
    for objective, least in (("energy", expected[1]), ("light", expected[2])):
        run = made_run(lit, objective=objective, **kwargs)
        stops = run.find()
        if not math.isfinite(least):
            assert not stops
            continue
        cost = (len(stops) - 1) * 60.0 if objective == "energy" else shade_h(stops, lit)
        assert cost == pytest.approx(least, abs=1e-6)


def shade_h(stops: list[Stop], lit: np.ndarray) -> float:
    """Hours in shade of a way whose legs take one step each."""
    total = 0.0
    for stop, following in zip(stops, [*stops[1:], None], strict=True):
        for k in range(round(stop.arrived_s / STEP_S), round(stop.left_s / STEP_S)):
            total += (1.0 - 0.5 * (lit[stop.cell, k] + lit[stop.cell, k + 1])) * 0.5
        if following is not None:
            k = round(stop.left_s / STEP_S)
            total += (1.0 - np.mean([lit[c, a] for c in (stop.cell, following.cell) for a in (k, k + 1)])) * 0.5
    return total


def test_some_of_those_cases_bind() -> None:
    """The battery and the darkness decide in some cases, or the comparison above would show little."""
    free = Limits(least_disc=0.0)
    strong = WEAK.changed(battery_wh=1e6)
    differ = 0
    for seed in range(6):
        lit = blinking(100 + seed, 0.45, 30, side=4)
        kwargs: dict[str, Any] = {"goal": 15, "moves": 4, "leg_s": STEP_S}
        bound = arrival(made_run(lit, rover=WEAK, limits=CASES[4], **kwargs))
        differ += bound > arrival(made_run(lit, rover=strong, limits=free, **kwargs))
    assert differ >= 3


def test_a_moving_shadow_is_waited_for() -> None:
    """A shadow three columns wide comes from the goal; the rover meets it and waits until it has passed."""
    steps, side = 40, 12
    column = np.arange(side * side) % side
    left = side - 4 - np.arange(steps + 1) / 2.0
    lit = ~((column[:, None] >= left) & (column[:, None] < left + 3.0))
    start, goal = 6 * side, 6 * side + side - 1
    run = made_run(lit.astype(float), start=start, goal=goal, moves=4, limits=Limits(least_disc=1.0))
    stops = run.find()
    assert stops[-1].arrived_s == pytest.approx(earliest(run, lit.astype(float), 1.0), abs=1e-2)
    assert sum(stop.left_s - stop.arrived_s for stop in stops) > 2.0 * STEP_S


def test_the_earth_must_be_in_sight_when_driving() -> None:
    steps = 40
    earth_up = np.arange(steps + 1) >= 20
    lit = np.ones((SIDE * SIDE, steps + 1))
    free = arrival(made_run(lit))
    bound = arrival(made_run(lit, limits=Limits(earth_deg=0.0), earth_up=earth_up))
    assert bound == pytest.approx(free + 20 * STEP_S, abs=1e-2)


def test_hours_of_work_are_kept() -> None:
    lit = np.ones((SIDE * SIDE, 97))
    stops = made_run(lit, limits=Limits(work_utc_h=(8.0, 9.0)), moves=4).find()
    for stop in stops[:-1]:
        assert 8.0 * 3600.0 <= stop.left_s % 86400.0 < 9.0 * 3600.0
    night = made_run(lit, limits=Limits(work_utc_h=(22.0, 2.0)), moves=4).find()
    assert night[0].left_s == 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), later=st.floats(0.0, 20_000.0), share=st.floats(0.4, 0.9))
def test_a_later_departure_never_arrives_earlier(seed: int, later: float, share: float) -> None:
    lit = blinking(seed, share, 50)
    assert arrival(made_run(lit)) <= arrival(made_run(lit, leaves_s=later)) + 1e-3


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), more=st.floats(0.0, 1.0))
def test_a_tighter_limit_never_arrives_earlier(seed: int, more: float) -> None:
    rng = np.random.default_rng(seed)
    lit = np.clip(blinking(seed, 0.6, 50) * rng.uniform(0.4, 1.0, (SIDE * SIDE, 51)), 0.0, 1.0)
    loose = arrival(made_run(lit, limits=Limits(least_disc=0.3)))
    assert loose <= arrival(made_run(lit, limits=Limits(least_disc=0.3 + 0.7 * more))) + 1e-3
    steep = rng.uniform(0.0, 40.0, (SIDE, SIDE))
    gentle = ROVER.changed(max_slope_deg=60.0, max_cross_deg=60.0)
    runs = [
        arrival(made_run(lit, height_m=steep, rover=gentle.changed(max_cross_deg=limit))) for limit in (60.0, 35.0)
    ]
    assert runs[0] <= runs[1] + 1e-3


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_mirrored_world_has_the_mirrored_way(seed: int) -> None:
    lit = blinking(seed, 0.6, 50)
    turned = lit.reshape(SIDE, SIDE, -1).transpose(1, 0, 2).reshape(SIDE * SIDE, -1)
    assert arrival(made_run(lit, moves=16)) == pytest.approx(arrival(made_run(turned, moves=16)), abs=1e-2)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_more_light_never_arrives_later(seed: int) -> None:
    lit = blinking(seed, 0.5, 50)
    more = np.maximum(lit, blinking(seed + 1, 0.3, 50))
    assert arrival(made_run(more)) <= arrival(made_run(lit)) + 1e-3


def test_objectives_rank_as_they_should() -> None:
    """The way of each objective is best in its own measure."""
    lit = blinking(7, 0.5, 60, side=4)
    kwargs: dict[str, Any] = {"goal": 15, "rover": WEAK, "limits": CASES[0], "moves": 4, "leg_s": STEP_S}
    ways = {name: made_run(lit, objective=name, **kwargs).find() for name in ("arrival", "energy", "light")}
    assert all(ways.values())
    assert ways["arrival"][-1].arrived_s == min(way[-1].arrived_s for way in ways.values())
    assert len(ways["energy"]) == min(len(way) for way in ways.values())
    assert shade_h(ways["light"], lit) <= min(shade_h(way, lit) for way in ways.values()) + 1e-9


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(), "the goal never has 50% of the Sun's disc in sight"),
        (Limits(least_disc=0.0, work_utc_h=(3.0, 3.2)), "no step of time lies within the hours of work"),
    ],
)
def test_reasons_name_what_shuts_the_goal(limits: Limits, words: str) -> None:
    lit = np.ones((SIDE * SIDE, 41))
    lit[-1] = 0.0
    run = made_run(lit, limits=limits)
    assert run.find() == []
    assert words in " ".join(run.why())


def test_reasons_name_the_limit_that_binds() -> None:
    lit = np.ones((SIDE * SIDE, 41))
    lit.reshape(SIDE, SIDE, -1)[:, 2, :] = 0.0
    run = made_run(lit)
    assert run.find() == []
    assert "limit on light when driving; without it the goal is reached at 2030-01-01T0" in " ".join(run.why())
    lit[:] = 0.0
    tired = made_run(lit, limits=Limits(least_disc=0.0, start_charge=0.31))
    assert tired.find() == []
    assert "limit on battery" in " ".join(tired.why())


@pytest.mark.parametrize("seed", range(12))
def test_a_tidy_way_has_the_same_cells_and_arrival_and_fewer_stops(seed: int) -> None:
    lit = blinking(seed, 0.6, 60, side=8)
    run = made_run(lit, goal=63)
    stops = run.find()
    if not stops:
        return
    tidy = tidied(run, stops)

    def waits(way: list[Stop]) -> int:
        return sum(stop.left_s > stop.arrived_s + 1e-3 for stop in way)

    assert waits(tidy) <= waits(stops)
    assert [stop.cell for stop in tidy] == [stop.cell for stop in stops]
    assert tidy[-1].arrived_s == pytest.approx(stops[-1].arrived_s, abs=1e-2)
    for early, late, following in zip(stops[:-1], tidy[:-1], tidy[1:], strict=True):
        assert late.left_s >= max(early.left_s, late.arrived_s) - 1e-3
        assert following.arrived_s == pytest.approx(
            late.left_s + float(run.ground.leg_s[late.cell, late.move]), abs=1e-3
        )
        for k in range(math.floor(late.left_s / STEP_S + 1e-9), math.ceil(following.arrived_s / STEP_S - 1e-9)):
            assert min(lit[cell, at] for cell in (late.cell, following.cell) for at in (k, k + 1)) >= 0.5


def test_tidying_saves_stops_at_the_edge_of_a_receding_shadow() -> None:
    """The Sun comes up column by column: the search stops at each, the tidy way once, at the start."""
    side, steps = 10, 60
    column = np.arange(side * side) % side
    lit = (3.0 * column[:, None] <= np.arange(steps + 1)).astype(float)
    run = made_run(lit, start=5 * side, goal=5 * side + side - 1, moves=4, limits=Limits(least_disc=1.0))
    stops = run.find()
    tidy = tidied(run, stops)
    assert sum(stop.left_s > stop.arrived_s for stop in stops) >= side - 2
    assert [stop.left_s > stop.arrived_s for stop in tidy] == [True, *[False] * (side - 1)]
    assert tidy[-1].arrived_s == stops[-1].arrived_s


def test_tidying_never_breaks_the_battery() -> None:
    """Waiting where it starts would drain the battery, in the dim light there: the way stays as it was."""
    side, steps = 10, 60
    column = np.arange(side * side) % side
    lit = (3.0 * column[:, None] <= np.arange(steps + 1)).astype(float)
    lit[column == 0] = 0.3
    limits = Limits(least_disc=0.3, sleeps=False)
    run = made_run(lit, start=50, goal=59, moves=4, limits=limits, rover=ROVER.changed(battery_wh=100.0))
    stops = run.find()
    assert stops
    assert tidied(run, stops) == stops


def test_memory_grows_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    from moonpost.terrain import traverserun

    lit = blinking(3, 0.6, 60)
    roomy = arrival(made_run(lit))
    monkeypatch.setattr(traverserun, "_ROOM", 8)
    assert arrival(made_run(lit)) == roomy

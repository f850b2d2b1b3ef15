"""The mission clock: speed, changes of speed, the end of the span, speeds that cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.control.clock import MissionClock
from moonpost.errors import InputError

START = np.datetime64("2040-01-01T00:00", "us")


class Wall:
    """Wall time that a test turns."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@given(st.lists(st.tuples(st.floats(0.01, 1e5), st.floats(0.0, 1e4)), min_size=1, max_size=8))
def test_time_is_the_sum_of_speed_times_wall_and_never_goes_back(legs: list[tuple[float, float]]) -> None:
    wall = Wall()
    clock = MissionClock(START, 1.0, wall=wall)
    due_us, before = 0.0, clock.now()
    for speed, seconds in legs:
        clock.set_speed(speed)
        assert clock.now() == before  # a change of speed is no jump
        wall.s += seconds
        due_us += speed * seconds * 1e6
        assert clock.now() >= before
        before = clock.now()
    assert abs((before - START).astype(np.int64) - due_us) <= len(legs) * (1.0 + 1e5 * 1e6 * 1e4 * 2e-16)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e9, 100_001.0, True])
def test_speeds_that_cannot_be_used_are_refused(speed: float) -> None:
    with pytest.raises(InputError, match="speed"):
        MissionClock(START, speed)
    clock = MissionClock(START)
    with pytest.raises(InputError, match="speed"):
        clock.set_speed(speed)
    assert clock.speed == 1.0


def test_it_stops_at_the_end_and_says_so() -> None:
    wall = Wall()
    clock = MissionClock(START, 60.0, stop=START + np.timedelta64(1, "h"), wall=wall)
    wall.s += 59.0
    assert not clock.has_ended
    wall.s += 2.0
    assert clock.has_ended
    assert clock.now() == clock.stop
    with pytest.raises(InputError, match="ends before"):
        MissionClock(START, stop=START - np.timedelta64(1, "s"))


def test_it_runs_on_from_where_it_is_put() -> None:
    wall = Wall()
    clock = MissionClock(START, 10.0, wall=wall)
    wall.s += 500.0
    clock.restart(START)
    wall.s += 1.0
    assert clock.now() == START + np.timedelta64(10, "s")


@given(st.floats(1.0, 1e5), st.lists(st.floats(0.0, 500.0), min_size=1, max_size=6))
def test_it_slows_down_at_the_time_told_however_late_one_looks(speed: float, waits: list[float]) -> None:
    wall = Wall()
    clock = MissionClock(START, 1.0, wall=wall)
    until = START + np.timedelta64(36, "h")
    clock.set_speed(speed, until=until)
    fast_s = 36 * 3600.0 / speed
    passed_s = 0.0
    for wait_s in waits:
        wall.s += wait_s
        passed_s += wait_s
        due_s = passed_s * speed if passed_s < fast_s else 36 * 3600.0 + passed_s - fast_s
        assert abs((clock.now() - START) / np.timedelta64(1, "s") - due_s) < 1e-3
        if abs(passed_s - fast_s) > 1e-6:
            reached = passed_s > fast_s
            assert (clock.speed, clock.until) == ((1.0, None) if reached else (speed, until))


def test_where_it_slows_down_is_forgotten_at_the_next_speed_and_cannot_be_past() -> None:
    wall = Wall()
    clock = MissionClock(START, 10.0, wall=wall, stop=START + np.timedelta64(2, "D"))
    clock.set_speed(100.0, until=START + np.timedelta64(1, "D"))
    clock.set_speed(1000.0)
    wall.s += 100.0
    assert clock.speed == 1000.0
    for at in (START, clock.now()):
        with pytest.raises(InputError, match=r"until: .*is past.*give a time after 2040-01-02T03:46:40Z"):
            clock.set_speed(100.0, until=at)
    assert clock.speed == 1000.0
    clock.set_speed(1000.0, until=START + np.timedelta64(9, "D"))  # the span ends before
    wall.s += 1e4
    assert clock.now() == clock.stop

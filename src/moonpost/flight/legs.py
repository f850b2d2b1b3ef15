"""Legs of a flight: coasts and burns one after the other, with events searched as it goes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.burns import Burn, Impulse
from moonpost.flight.chain import STANDARD_GRAVITY_M_S2
from moonpost.flight.environment import Environment
from moonpost.flight.events import Crossing, Event, find_events, flat_crossings
from moonpost.flight.state import State
from moonpost.flight.trajectory import Firing, Trajectory

__all__ = ["Pilot"]

Floats = npt.NDArray[np.float64]
_SAME_S = 1e-3
_AT_START_S = 1e-6
_REACHED = 1


class Pilot:
    """Flies a state leg by leg and keeps what happened.

    Parameters
    ----------
    state : State
        Where the flight starts.
    env : Environment
        Forces.
    control : ndarray, shape (5,)
        Tolerances, longest step and method; see `moonpost.flight.stepkernels.advance`.
    events : Crossing or iterable
        What to look out for.
    dense : bool
        Whether to keep the dense output.
    most : int
        Most steps.
    """

    def __init__(
        self,
        state: State,
        env: Environment,
        control: Floats,
        events: Crossing | Iterable[Any],
        dense: bool,
        most: int,
    ) -> None:
        self._start, self._env, self._control, self._dense = state, env, control, dense
        self._crossings = flat_crossings(events)
        self._left = most
        self._now, self._vector, self._mass = 0.0, state.vector.copy(), state.mass_kg
        self._steps: list[Floats] = []
        self._coefficients: list[Floats] = []
        self._events: list[Event] = []
        self._firings: list[Firing] = []
        self._tail: tuple[Floats, Floats] | None = None
        self.ended = ""

    def fly(self, burns: Sequence[Burn | Impulse], stop_s: float) -> None:
        """Fly through burns to the end.

        Parameters
        ----------
        burns : sequence of Burn or Impulse
            In the order of time.
        stop_s : float
            Where to end, from the start [s].

        Raises
        ------
        DateError
            If a burn starts before the flight or the end of the burn before it.
        InputError
            If burns are flown back in time or without a mass.
        ModelError
            If the flight takes too many steps.
        """
        if burns and stop_s < 0.0:
            raise InputError("burns cannot be flown back in time", where="burns", advice="start before them")
        for burn in burns:
            if not isinstance(burn, Burn | Impulse):
                raise InputError(f"{burn!r} is no burn", where="burns", advice="give Burn(...) or Impulse(...)")
            begin = float(self._env.tdb_s(burn.start)) - self._start.time_tdb_s
            if begin < self._now - _SAME_S:
                raise DateError(
                    f"it starts {self._now - begin:.3f} s before the flight or the burn before it ends",
                    where="burn",
                    advice="give burns in the order of time, after the start",
                )
            if begin > stop_s:
                raise DateError(
                    f"it starts {begin - stop_s:.3f} s after the end of the flight",
                    where="burn",
                    advice="fly longer, or leave the burn out",
                )
            self._leg(max(begin, self._now), None)
            if self.ended:
                return
            if isinstance(burn, Impulse):
                self._kick(burn)
            else:
                self._fire(burn, stop_s)
            if self.ended:
                return
        self._leg(stop_s, None)
        self.ended = self.ended or "time"

    def trajectory(self) -> Trajectory:
        """What was flown.

        Returns
        -------
        Trajectory
        """
        steps = np.concatenate(self._steps) if self._steps else np.empty((0, 2))
        dense = np.concatenate(self._coefficients) if self._coefficients else np.empty((0, 8, 6))
        final = replace(
            self._start,
            time_tdb_s=self._start.time_tdb_s + self._now,
            position_m=self._vector[:3].copy(),
            velocity_m_s=self._vector[3:].copy(),
            mass_kg=self._mass,
        )
        if len(dense):
            elapsed = np.append(steps[:, 0], self._now)
            states = np.concatenate([dense[:, 0], self._vector[None]])
        else:
            steps = np.empty((0, 2))
            elapsed = np.array([0.0, self._now] if self._now else [0.0])
            states = np.array([self._start.vector, self._vector])[-len(elapsed) :]
        noted = tuple(self._events), tuple(self._firings)
        return Trajectory(self._start, final, self._env, elapsed, states, self.ended, *noted, steps, dense)

    def _kick(self, impulse: Impulse) -> None:
        """Change the velocity at once."""
        self._vector[3:] = impulse.after(self._vector[:3], self._vector[3:])
        self._mass = impulse.mass_after_kg(self._mass)
        self._tail = None

    def _fire(self, burn: Burn, stop_s: float) -> None:
        """Burn until its time, its cutoff or the end of the flight."""
        if self._mass is None:
            raise InputError("a burn needs the mass", where="state", advice="give mass_kg to the State")
        begin, before = self._now, self._mass
        self._tail = None
        self._leg(min(begin + burn.seconds(before), stop_s), burn)
        self._tail = None
        self._mass = before - burn.flow_kg_s * (self._now - begin)
        gained = burn.specific_impulse_s * STANDARD_GRAVITY_M_S2 * math.log(before / self._mass)
        self._firings.append(Firing(begin, self._now, before, self._mass, gained))

    def _leg(self, stop_s: float, burn: Burn | None) -> None:
        """Integrate to a time."""
        if stop_s == self._now:
            return
        from moonpost.flight.stepkernels import CHUNK, ENDINGS, advance

        numbers, options, places, table, _ = self._env.arrays()
        offset = self._start.time_tdb_s - self._env.series[0]
        if burn:
            _load(numbers, options, burn, self._mass or 0.0, offset + self._now)
        clock = np.array([self._now, 0.0, stop_s, offset, 0.0, 0.0])
        state = np.zeros((4, 1, 4))
        state[0, 0, :3], state[1, 0, :3] = self._vector[:3], self._vector[3:]
        wanted = self._dense or bool(self._crossings) or bool(burn and burn.cutoff)
        control = self._control.copy()
        if burn and burn.axes == "motion":
            control[4] = 0.0
        while True:
            room = CHUNK if wanted else 0
            steps, dense = np.empty((room, 2)), np.empty((room, 8, 6))
            most = min(CHUNK, self._left)
            code, taken = advance(clock, state, most, control, numbers, options, places, table, steps, dense)
            self._left -= taken
            self._now = float(clock[0])
            self._vector = np.concatenate([state[0, 0, :3], state[1, 0, :3]])
            if wanted and self._look(steps[:taken], dense[:taken], burn):
                return
            if code == _REACHED:
                return
            if code > _REACHED:
                self._finish(ENDINGS[code])
                return
            if self._left <= 0:
                raise ModelError("too many steps", where="propagate", advice="loosen rtol or fly a shorter way")

    def _finish(self, ended: str) -> None:
        """Note the end of a flight before its time."""
        self.ended = ended
        if ended.startswith("impact"):
            time = self._start.time_tdb_s + self._now
            self._events.append(Event(ended, self._now, time, self._vector.copy()))

    def _look(self, steps: Floats, dense: Floats, burn: Burn | None) -> bool:
        """Keep steps and look for events in them; true if one of them ends the leg or the flight."""
        found = self._found(steps, dense, burn)
        last = next((event for event, ends in found if ends), None)
        for event, _ in found:
            self._events.append(event)
            if event is last:
                break
        if last is not None:
            sign = math.copysign(1.0, steps[0, 1])
            count = max(1, int(np.searchsorted(sign * steps[:, 0], sign * last.elapsed_s, side="left")))
            steps, dense = steps[:count], dense[:count]
            self._now, self._vector = last.elapsed_s, last.state.copy()
            if not (burn and burn.cutoff and last.name in (burn.cutoff.rising, burn.cutoff.falling)):
                self.ended = last.name
        if self._dense:
            self._steps.append(steps.copy())
            self._coefficients.append(dense.copy())
        return last is not None

    def _found(self, steps: Floats, dense: Floats, burn: Burn | None) -> list[tuple[Event, bool]]:
        """New events in steps; the last step before them is looked at again for dips across its end."""
        crossings = [*self._crossings]
        if burn and burn.cutoff:
            crossings.append(burn.cutoff.ending())
        if not crossings or not len(steps):
            return []
        joined = (steps, dense)
        if self._tail is not None:
            joined = (np.concatenate([self._tail[0], steps]), np.concatenate([self._tail[1], dense]))
        found = find_events(crossings, self._env, self._start.time_tdb_s, self._now, *joined)
        self._tail = (steps[-1:].copy(), dense[-1:].copy())
        new: dict[tuple[str, int], tuple[Event, bool]] = {}
        for event, ends in found:
            if abs(event.elapsed_s) > _AT_START_S and not self._known(event):
                key = (event.name, round(event.elapsed_s / _SAME_S))
                new[key] = (event, ends or new.get(key, (event, False))[1])
        return list(new.values())

    def _known(self, event: Event) -> bool:
        """Whether an event was noted already."""
        recent = self._events[-4 * (len(self._crossings) + 1) :]
        return any(old.name == event.name and abs(old.elapsed_s - event.elapsed_s) < _SAME_S for old in recent)


def _load(numbers: Floats, options: npt.NDArray[np.int64], burn: Burn, mass_kg: float, ignition_s: float) -> None:
    """Write a burn into the numbers of a run."""
    from moonpost.flight.forcekernels import NUMBERS, OPTIONS

    numbers[NUMBERS["thrust_n"]] = burn.thrust_n
    numbers[NUMBERS["mass_kg"]] = mass_kg
    numbers[NUMBERS["flow_kg_s"]] = burn.flow_kg_s
    numbers[NUMBERS["ignition_s"]] = ignition_s
    numbers[NUMBERS["thrust_x"] : NUMBERS["thrust_x"] + 3] = burn.unit
    options[OPTIONS["burn"]] = 1 if burn.axes == "J2000" else 2

"""Alarms: raised when values leave their limits for long enough, listed until they are good again and seen."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.limits import CRITICAL, WARNING
from moonpost.errors import InputError, UnknownNameError
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.control.ground.alarmstore import AlarmStore

__all__ = ["Alarm", "AlarmRules", "Alarms"]

_States = npt.NDArray[np.int8]
_Times = npt.NDArray[np.datetime64]
_CYCLES = 5
_MOST_RUNS = 256
_COMMENT = 2000


@dataclass(frozen=True)
class AlarmRules:
    """How quickly alarms are raised and cleared.

    Parameters
    ----------
    persistence : int
        Samples in a row beyond a limit that raise an alarm.
    clearing : int
        Samples in a row within the narrower limits that clear it.
    deadband : float
        How much narrower those limits are, as a fraction of their width.
    quiet_s : float
        Of a value that raised five alarms within so many seconds, the fifth is cleared only after as long without
        a fault [s].

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> AlarmRules().clearing
    2
    """

    persistence: int = 1
    clearing: int = 2
    deadband: float = 0.01
    quiet_s: float = 3600.0

    def __post_init__(self) -> None:
        sound = self.persistence >= 1 and self.clearing >= 1 and 0.0 <= self.deadband < 0.5 and self.quiet_s >= 0.0
        if not sound:
            raise InputError(
                "cannot be used",
                where="rules of alarms",
                advice="give counts from 1 on, a deadband from 0 to 0.5 and seconds from 0 on",
            )


@dataclass(frozen=True)
class Alarm:
    """One alarm, from when it was raised until it is cleared and acknowledged.

    Parameters
    ----------
    id : int
        Its number, never given twice.
    key : str
        The parameter, or what of the ground is concerned, such as ``"ground.disk"``.
    state : int
        State now as `limit_states` tells it: -2, -1, 1, 2; 0 once it is cleared.
    since : numpy.datetime64
        UTC of the first sample that was out of limits.
    value : float
        Value that raised it or changed its state last; NaN where there is none.
    worst : int
        State farthest from good that it had.
    acknowledged_by : str
        Who acknowledged it; empty if nobody did.
    acknowledged_at : numpy.datetime64 or None
        UTC by the mission's clock.
    comment : str
        What they said.
    cleared : numpy.datetime64 or None
        UTC since when it is good again; None while it is not.
    count : int
        How often it was raised before anybody acknowledged it.
    late : bool
        Whether it was told by data that were played back, and is not of now.
    text : str
        What is wrong, where the key does not tell it.

    Examples
    --------
    >>> Alarm(1, "rover.box_k", -2, np.datetime64("2030-01-01", "us"), 210.0, -2).severity
    'critical'
    """

    id: int
    key: str
    state: int
    since: np.datetime64
    value: float
    worst: int
    acknowledged_by: str = ""
    acknowledged_at: np.datetime64 | None = None
    comment: str = ""
    cleared: np.datetime64 | None = None
    count: int = 1
    late: bool = False
    text: str = ""

    @property
    def severity(self) -> str:
        """``"warning"`` or ``"critical"``, by the worst state."""
        return "critical" if abs(self.worst) >= 2 else "warning"

    @property
    def is_listed(self) -> bool:
        """Whether it still calls for attention: not cleared, or not acknowledged."""
        return self.cleared is None or not self.acknowledged_by


@dataclass
class _Watch:
    """What is remembered of a parameter from batch to batch."""

    level: int = 0
    beyond: dict[int, tuple[int, np.datetime64]] = field(default_factory=dict)
    down: int = 0
    down_level: int = 0
    down_since: np.datetime64 | None = None
    last_bad: np.datetime64 | None = None
    raised: deque[np.datetime64] = field(default_factory=lambda: deque(maxlen=_CYCLES))

    @property
    def is_busy(self) -> bool:
        """Whether good samples change anything."""
        return self.level != 0 or any(count for count, _ in self.beyond.values())


@dataclass(frozen=True)
class _Run:
    """Samples in a row with the same strict and eased state."""

    strict: int
    eased: int
    size: int
    time: _Times
    value: float

    @property
    def first(self) -> np.datetime64:
        """When it begins."""
        return np.datetime64(self.time[0])

    @property
    def last(self) -> np.datetime64:
        """When it ends."""
        return np.datetime64(self.time[-1])


class Alarms:
    """All alarms of a ground station; safe to use from many threads.

    Parameters
    ----------
    rules : AlarmRules
        How quickly they are raised and cleared.
    store : AlarmStore or None
        Where they are kept; in memory alone if None.
    now : callable
        UTC by the mission's clock.

    Examples
    --------
    >>> alarms = Alarms()
    >>> alarms.tell("ground.disk", 2, "2030-01-01", "the disk is full")
    >>> alarms.acknowledge(alarms.active()[0].id, "li", "making space").acknowledged_by
    'li'
    >>> alarms.settle("ground.disk", "2030-01-02")
    >>> alarms.active(), alarms.history("2030-01-01", "2030-02-01")[0].cleared
    ((), np.datetime64('2030-01-02T00:00:00.000000'))
    """

    def __init__(
        self,
        rules: AlarmRules | None = None,
        store: AlarmStore | None = None,
        now: Callable[[], np.datetime64] | None = None,
    ) -> None:
        self.rules = rules or AlarmRules()
        self.changes = 0
        self.trouble = ""
        self._store = store
        self._now = now or (lambda: np.datetime64("now", "us"))
        self._lock = threading.RLock()
        self._saving = threading.Lock()
        self._watches: dict[str, _Watch] = {}
        self._open: dict[tuple[str, bool], Alarm] = {}
        self._closed: deque[Alarm] = deque(maxlen=10_000)
        self._unsaved: dict[int, Alarm] = {}
        self._last = 0
        self._load()

    def active(self) -> tuple[Alarm, ...]:
        """Alarms that are not cleared or not acknowledged, the worst and newest first."""
        with self._lock:
            found = [alarm for alarm in self._open.values() if alarm.is_listed]
        return tuple(sorted(found, key=lambda a: (a.cleared is not None, -abs(a.worst), -a.since.astype(int))))

    def alarm(self, id: int) -> Alarm:  # noqa: A002
        """The alarm of a number.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        with self._lock:
            here = [*self._open.values(), *self._unsaved.values(), *self._closed]
            found = next((alarm for alarm in here if alarm.id == id), None)
            if found is None and self._store is not None:
                found = self._store.one(id)
        if found is None:
            raise UnknownNameError(str(id), [str(alarm.id) for alarm in self.active()], kind="alarm")
        return found

    def acknowledge(self, id: int, user: str, comment: str = "") -> Alarm:  # noqa: A002
        """Say that somebody saw an alarm; it leaves the list once it is cleared, too.

        Parameters
        ----------
        id : int
            Its number.
        user : str
            Who saw it.
        comment : str
            What they say.

        Returns
        -------
        Alarm
            As it is now. One that was acknowledged before keeps who did so first.

        Raises
        ------
        UnknownNameError
            If there is no such alarm.
        InputError
            If no user is named or the comment is over 2,000 characters.
        """
        if not user or len(comment) > _COMMENT:
            raise InputError(
                "needs a user and at most 2,000 characters", where="acknowledgement", advice="give both"
            )
        with self._lock:
            alarm = self.alarm(id)
            if alarm.acknowledged_by:
                return alarm
            alarm = replace(alarm, acknowledged_by=user, acknowledged_at=self._now(), comment=comment)
            self._keep(alarm)
        self.save()
        return alarm

    def history(self, start: TimeLike, stop: TimeLike) -> tuple[Alarm, ...]:
        """Alarms that were up at any time of a period, by their beginning.

        Parameters
        ----------
        start, stop : datetime64, str or datetime
            The period in UTC, its end not included.

        Returns
        -------
        tuple of Alarm
        """
        first, last = _instant(start), _instant(stop)
        with self._lock:
            found = {alarm.id: alarm for alarm in (self._store.between(first, last) if self._store else ())}
            for alarm in (*self._closed, *self._open.values(), *self._unsaved.values()):
                if alarm.since < last and (alarm.cleared is None or alarm.cleared >= first):
                    found[alarm.id] = alarm
        return tuple(sorted(found.values(), key=lambda alarm: (alarm.since, alarm.id)))

    def tell(self, key: str, state: int, at: TimeLike, text: str, value: float = float("nan")) -> None:
        """Raise an alarm of the ground itself, or change it.

        Parameters
        ----------
        key : str
            What is concerned.
        state : int
            1 warning, 2 critical.
        at : datetime64, str or datetime
            UTC.
        text : str
            What is wrong.
        value : float
            A number that tells how much.
        """
        with self._lock:
            self._raise(key, state, _instant(at), value, text)

    def settle(self, key: str, at: TimeLike) -> None:
        """Clear an alarm of the ground; nothing happens if there is none."""
        with self._lock:
            self._clear(key, _instant(at))

    def is_up(self, key: str) -> bool:
        """Whether an alarm is raised and not cleared."""
        alarm = self._open.get((key, False))
        return alarm is not None and alarm.cleared is None

    def watch(self, key: str, time: _Times, values: npt.NDArray[np.generic], states: _States,
              eased: Callable[[], _States]) -> None:  # fmt: skip
        """Follow a parameter's states; only changes cost more than a look.

        Parameters
        ----------
        key : str
            The parameter.
        time, values, states : ndarray, (n,)
            Samples of now in order of time with their states.
        eased : callable
            Gives the states by narrower limits, asked for only if needed.
        """
        watch = self._watches.get(key)
        if not states.any() and (watch is None or not watch.is_busy):
            return
        with self._lock:
            watch = self._watches.setdefault(key, _Watch())
            for run in _runs(time, values, states, eased()):
                self._follow(key, watch, run)

    def tell_late(self, key: str, time: _Times, values: npt.NDArray[np.generic], states: _States) -> None:
        """Tell of samples out of limits that were played back: listed as cleared and late until acknowledged."""
        bad = np.flatnonzero((states != 0) & (np.abs(states.astype(int)) <= 2))
        if not bad.size:
            return
        row = bad[np.argmax(np.abs(states[bad]))]
        state, first, last = int(states[row]), time[bad[0]], time[bad[-1]]
        with self._lock:
            before = self._open.get((key, True))
            if before is None or before.acknowledged_by:
                self._last += 1
                self._keep(Alarm(self._last, key, 0, first, float(values[row]), state, cleared=last, late=True))
                return
            worse = abs(state) > abs(before.worst)
            ended = last if before.cleared is None else max(last, before.cleared)
            self._keep(replace(
                before, since=min(first, before.since), cleared=ended, count=before.count + 1,
                worst=state if worse else before.worst, value=float(values[row]) if worse else before.value,
            ))  # fmt: skip

    def save(self) -> bool:
        """Write what changed, and tell whether all is written; what cannot be written waits in memory."""
        if self._store is None:
            self._unsaved.clear()
            return True
        with self._saving:
            with self._lock:
                changed = dict(self._unsaved)
            if not changed:
                return True
            try:
                self._store.write(list(changed.values()))
            except Exception as error:  # whatever a database says: the alarm waits, and is written later
                self.trouble = f"alarms cannot be written: {error}"
                return False
            self.trouble = ""
            with self._lock:
                for number, alarm in changed.items():
                    if self._unsaved.get(number) is alarm:
                        del self._unsaved[number]
                return not self._unsaved

    def _follow(self, key: str, watch: _Watch, run: _Run) -> None:
        """Take one run of samples."""
        if run.strict or run.eased:
            watch.last_bad = run.last
        self._rise(key, watch, run)
        self._fall(key, watch, run)

    def _rise(self, key: str, watch: _Watch, run: _Run) -> None:
        """Raise or worsen once enough samples in a row are beyond a limit."""
        size, target = abs(run.strict), 0
        for level in (WARNING, CRITICAL):
            count, since = watch.beyond.get(level, (0, run.first))
            watch.beyond[level] = (
                (count + run.size, since if count else run.first) if size >= level else (0, since)
            )
            if watch.beyond[level][0] >= self.rules.persistence:
                target = level
        if target > abs(watch.level):
            since = watch.beyond[WARNING][1]
            if not watch.level:
                watch.raised.append(since)
            watch.level, watch.down = (target if run.strict > 0 else -target), 0
            self._raise(key, watch.level, since, run.value, "")

    def _fall(self, key: str, watch: _Watch, run: _Run) -> None:
        """Ease or clear once enough samples in a row are well within."""
        rest = run.size
        while rest and watch.level and abs(run.eased) < abs(watch.level):
            if not watch.down:
                watch.down_level, watch.down_since = run.eased, run.time[run.size - rest]
            elif abs(run.eased) > abs(watch.down_level):
                watch.down_level = run.eased
            needed = max(0, self.rules.clearing - watch.down)
            if rest < needed or (not watch.down_level and self._flaps(watch, run.last)):
                watch.down += rest
                return
            rest -= needed
            watch.level, watch.down = watch.down_level, 0
            if watch.level:
                self._raise(key, watch.level, run.first, run.value, "")
            else:
                self._clear(key, watch.down_since if watch.down_since is not None else run.first)
        if not rest:
            return
        watch.down = 0
        if abs(run.strict) == abs(watch.level) and run.strict != watch.level:
            watch.level = run.strict
            self._raise(key, run.strict, run.first, run.value, "")

    def _flaps(self, watch: _Watch, now: np.datetime64) -> bool:
        """Whether a value raised alarms so often that it has to be quiet first."""
        quiet = np.timedelta64(round(self.rules.quiet_s * 1e6), "us")
        if len(watch.raised) < _CYCLES or watch.last_bad is None or watch.raised[-1] - watch.raised[0] > quiet:
            return False
        return bool(now - watch.last_bad < quiet)

    def _raise(self, key: str, state: int, at: np.datetime64, value: float, text: str) -> None:
        """A new alarm, or another state of one that is listed."""
        before = self._open.get((key, False))
        if before is None or not before.is_listed:
            self._last += 1
            self._keep(Alarm(self._last, key, state, at, value, state, text=text))
            return
        again = before.cleared is not None
        worse = abs(state) > abs(before.worst)
        if not again and state == before.state and text == before.text:
            return
        alarm = replace(
            before, state=state, value=value, worst=state if worse else before.worst, cleared=None,
            count=before.count + again, text=text,
        )  # fmt: skip
        if worse:
            alarm = replace(alarm, acknowledged_by="", acknowledged_at=None, comment="")
        self._keep(alarm)

    def _clear(self, key: str, at: np.datetime64) -> None:
        """An alarm is good again."""
        before = self._open.get((key, False))
        if before is not None and before.cleared is None:
            self._keep(replace(before, state=0, cleared=max(at, before.since)))

    def _keep(self, alarm: Alarm) -> None:
        """Remember an alarm as it is now."""
        self.changes += 1
        self._unsaved[alarm.id] = alarm
        place = (alarm.key, alarm.late)
        current = self._open.get(place)
        if alarm.is_listed:
            self._open[place] = alarm
        elif current is not None and current.id == alarm.id:
            del self._open[place]
            if self._store is None:
                self._closed.append(alarm)

    def _load(self) -> None:
        """Take up alarms of before a restart."""
        if self._store is None:
            return
        self._last = self._store.last()
        for alarm in self._store.listed():
            self._open[alarm.key, alarm.late] = alarm
            if alarm.cleared is None and not alarm.late:
                self._watches[alarm.key] = _Watch(level=alarm.state)


def _runs(time: _Times, values: npt.NDArray[np.generic], strict: _States, eased: _States) -> list[_Run]:
    """Samples grouped by their states; values that are no numbers tell nothing. Of very many the last count."""
    there = np.abs(strict.astype(int)) <= 2
    time, values, strict, eased = time[there], values[there], strict[there], eased[there]
    eased = np.where(np.abs(eased.astype(int)) <= 2, eased, strict)
    ends = np.flatnonzero((np.diff(strict) != 0) | (np.diff(eased) != 0))
    firsts = np.concatenate(([0], ends + 1)) if strict.size else np.zeros(0, int)
    lasts = np.concatenate((ends, [strict.size - 1])) if strict.size else np.zeros(0, int)
    return [
        _Run(int(strict[a]), int(eased[a]), int(b - a + 1), time[a : b + 1], float(values[a]))
        for a, b in zip(firsts[-_MOST_RUNS:].tolist(), lasts[-_MOST_RUNS:].tolist(), strict=True)
    ]


def _instant(t: TimeLike) -> np.datetime64:
    """One instant."""
    if isinstance(t, np.datetime64):
        return t.astype("datetime64[us]")
    return np.datetime64(np.ravel(as_utc(t))[0], "us")

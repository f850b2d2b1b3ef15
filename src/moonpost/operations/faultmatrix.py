"""Each fault in each mode of a machine: what comes of it, when it is seen and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.operations.engine import run_station
from moonpost.operations.faults import FAULT_KINDS, MachineFault, possible
from moonpost.operations.montecarlo import RiskCase, awake_contacts
from moonpost.operations.recovery import Course, changes_of, courses_of, unreported
from moonpost.operations.simulation import simulate, station_models

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["MODES", "MatrixCell", "fault_matrix", "mode_instants"]

MODES = ("awake by day", "asleep by day", "awake at night", "asleep at night")
"""What a machine can be doing when a fault begins."""

_HOUR = np.timedelta64(3_600_000, "ms")
_TOLD = 5e-4


@dataclass(frozen=True)
class MatrixCell:
    """What comes of one fault that begins in one mode.

    Parameters
    ----------
    fault : MachineFault
        The fault.
    mode : str
        One of `MODES`.
    course : Course
        When it was seen, answered and over.
    lost_utc : datetime64[ms] or None
        When the machine was lost, if it was.
    served, awake, sent : float
        Energy served, hours awake and data sent, over those without the fault [1].
    lost_bit : float
        Data lost beyond those without the fault [bit].
    residual_relative : float
        Largest energy, heat, data or mass unaccounted for [1].
    finite : bool
        Whether every number of the simulation is finite.
    missing : tuple of str
        Steps of the fault that no event tells; none is right.

    Examples
    --------
    >>> from moonpost.operations.faultmatrix import fault_matrix  # see there
    """

    fault: MachineFault
    mode: str
    course: Course
    lost_utc: np.datetime64 | None
    served: float
    awake: float
    sent: float
    lost_bit: float
    residual_relative: float
    finite: bool
    missing: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """What comes of it, for people."""
        if self.lost_utc is not None:
            days = float((self.lost_utc - self.fault.time) / _HOUR) / 24.0
            return f"lost after {days:.1f} d"
        parts = [
            f"{100.0 * (share - 1.0):+.1f} % {name}"
            for name, share in (("energy", self.served), ("awake", self.awake), ("data", self.sent))
            if abs(share - 1.0) >= _TOLD
        ]
        if self.lost_bit >= 1e6:
            parts.append(f"{self.lost_bit / 1e6:,.0f} Mbit lost")
        return ", ".join(parts) if parts else "no harm"

    @property
    def recovery(self) -> str:
        """When it is seen, answered and over, in hours from its begin, as far as the machine lives, for people."""
        steps: tuple[tuple[str, str], ...] = (
            ("seen", "fault-detected"),
            ("answered", "recovery-begins"),
            ("over", "fault-ends"),
        )
        if self.lost_utc is not None:
            steps = tuple(step for step in steps if self.course.time_of(step[1]) < self.lost_utc)
        times = [
            f"{word} {self._after(kind):.0f} h" for word, kind in steps if not np.isnat(self.course.time_of(kind))
        ]
        if self.lost_utc is not None:
            times.append("too late" if not np.isnat(self.course.time_of("recovery-begins")) else "lost")
        elif np.isnat(self.course.time_of("fault-ends")):
            times.append("stays")
        return ", ".join(times)

    def _after(self, kind: str) -> float:
        return float((self.course.time_of(kind) - self.fault.time) / _HOUR)

    def to_dict(self) -> dict[str, Any]:
        """The cell as plain values, for JSON."""
        return self.course.to_dict() | {
            "mode": self.mode,
            "outcome": self.outcome,
            "served": self.served,
            "awake": self.awake,
            "sent": self.sent,
            "lost_bit": self.lost_bit,
            "residual_relative": self.residual_relative,
        }


def mode_instants(case: RiskCase, subject: str) -> dict[str, np.datetime64]:
    """An instant in each mode that a machine has without faults: the middle of the longest spell but the first.

    Parameters
    ----------
    case : RiskCase
        What is run.
    subject : str
        The machine.

    Returns
    -------
    dict of str to datetime64[ms]
        By the names of `MODES`; modes that it never has are absent.

    Raises
    ------
    ModelError
        If the machine is not there.

    Examples
    --------
    >>> from moonpost.operations.faultmatrix import fault_matrix  # see there
    """
    start, _ = case.period
    models, _, light = _models(case)
    for model in models:
        for arrival in model.arrivals:
            if arrival.element.id == subject:
                awake = awake_contacts([run_station(model)], None, start, model.span_s)[subject]
                lit = light[min(light)] > 0.0
                return _middles(case, awake, lit)
    raise ModelError(f"{subject} is not there", where="fault_matrix", advice="choose its site and a later period")


def fault_matrix(
    case: RiskCase,
    subject: str,
    kinds: Sequence[str] | None = None,
    *,
    modes: Sequence[str] = MODES,
    latency_h: float = 24.0,
    recovery: str | None = None,
) -> tuple[MatrixCell, ...]:
    """Let each fault begin in each mode of a machine, and follow what comes of it.

    Parameters
    ----------
    case : RiskCase
        What is run; its own faults and rates are passed over.
    subject : str
        The machine.
    kinds : sequence of str, optional
        Kinds of faults; all that the machine can have if not given.
    modes : sequence of str
        Modes, of `MODES`; those that the machine never has are passed over.
    latency_h : float
        From detection to command [h].
    recovery : str, optional
        What is done about them, such as ``"none"``; the usual procedure of each kind if not given.

    Returns
    -------
    tuple of MatrixCell
        Kind by kind, in each mode by mode.

    Raises
    ------
    ModelError
        If the machine is not there in the period.
    UnknownNameError, InputError
        If a kind is unknown or the machine cannot have it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2022-02-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.full(96, 30.0),
    ...     distance_m=np.full(96, 1.5e11))
    >>> light = np.tile(np.repeat([1.0, 0.0], 12), 4)
    >>> case = RiskCase(load_plan("ilrs"), sun, {1.0: light, 2.0: light}, site="ce4-site")
    >>> [cell.mode for cell in fault_matrix(case, "yutu-2", ["dust"], latency_h=2.0)]
    ['awake by day', 'awake at night']
    """
    instants = mode_instants(case, subject)
    start, _ = case.period
    names = tuple(kinds) if kinds is not None else possible(case.plan.element(subject))
    models, _, _ = _models(case)
    span_s = models[0].span_s
    windows = awake_contacts([run_station(model) for model in models], case.contacts, start, span_s)
    base = _simulated(case, ())
    found = []
    for name in names:
        for mode in modes:
            if mode in instants:
                size = FAULT_KINDS[name].size if name in FAULT_KINDS else None
                fault = MachineFault(name, subject, instants[mode], size, recovery, latency_h=latency_h)
                found.append(_cell(case, fault, mode, windows, base))
    return tuple(found)


def _models(case: RiskCase) -> Any:
    return station_models(
        case.plan,
        case.sun,
        case.light_by_mast,
        site=case.site,
        contacts=case.contacts,
        surface_k=case.surface_k,
        **case.options,
    )


def _simulated(case: RiskCase, changes: Sequence[Any]) -> Simulation:
    return simulate(
        case.plan,
        case.sun,
        case.light_by_mast,
        site=case.site,
        contacts=case.contacts,
        surface_k=case.surface_k,
        changes=changes,
        **case.options,
    )


def _middles(case: RiskCase, awake: npt.NDArray[np.int64], lit: npt.NDArray[np.bool_]) -> dict[str, np.datetime64]:
    """The middle of the longest spell of each mode, leaving out the first and last of all where there are more."""
    time = np.asarray(case.sun.time).astype("datetime64[ms]").astype(np.int64)
    step = int(time[1] - time[0])
    first, last = int(time[0]), int(time[-1]) + step
    rises = time[1:][lit[1:] != lit[:-1]]
    edges = np.unique(np.concatenate([[first, last], rises, awake.ravel()]).clip(first, last))
    middle = (edges[:-1] + edges[1:]) // 2
    is_awake = np.zeros(middle.size, dtype=np.bool_)
    for begin, end in awake.tolist():
        is_awake |= (middle >= begin) & (middle < end)
    is_lit = lit[np.minimum((middle - first) // step, lit.size - 1)]
    length = np.diff(edges)
    early = (middle > first + (last - first) // 8) & (middle < first + (last - first) // 2)
    found: dict[str, np.datetime64] = {}
    for name, up, sun in zip(MODES, (True, False, True, False), (True, True, False, False), strict=True):
        spells = (is_awake == up) & (is_lit == sun)
        chosen = spells & early if (spells & early).any() else spells
        if chosen.any():
            k = int(np.argmax(np.where(chosen, length, -1)))
            found[name] = np.datetime64(int(middle[k]), "ms")
    return found


def _cell(case: RiskCase, fault: MachineFault, mode: str, windows: Any, base: Simulation) -> MatrixCell:
    courses = courses_of(case.plan, [fault], windows)
    run = _simulated(case, changes_of(case.plan, courses))
    course = courses[0]
    lost = [event.time for event in run.events if event.kind == "machine-lost" and event.subject == course.subject]
    before, after = _sums(base, course.subject), _sums(run, course.subject)
    share = [b / a if a > 0 else 1.0 for a, b in zip(before[:3], after[:3], strict=True)]
    residuals = (
        run.energy_residual_relative,
        run.heat_residual_relative,
        run.data_residual_relative,
        run.mass_residual_relative,
    )
    return MatrixCell(
        fault=fault,
        mode=mode,
        course=course,
        lost_utc=lost[0] if lost else None,
        served=share[0],
        awake=share[1],
        sent=share[2],
        lost_bit=after[3] - before[3],
        residual_relative=max(residuals),
        finite=all(bool(np.isfinite(run.series[name].values).all()) for name in run.series),
        missing=tuple(unreported(courses, run.events, case.period[1])),
    )


def _sums(run: Simulation, subject: str) -> tuple[float, float, float, float]:
    """Energy served [Wh], hours awake, data sent and lost [bit] of a machine."""
    step_h = float(run.series.attrs["step_s"]) / 3600.0
    served = float(run.series["element_served_w"].sel(element=subject).sum()) * step_h
    data = [(row.sent_bit, row.lost_bit) for row in run.data if row.element == subject]
    sent, lost = data[0] if data else (0.0, 0.0)
    last = run.series["time"].values[-1].astype("datetime64[ms]")
    awake, since = 0.0, None
    for event in run.events:
        if event.subject == subject and event.kind == "wake":
            since = event.time
        elif event.subject == subject and event.kind in ("sleep", "machine-lost") and since is not None:
            awake, since = awake + float((event.time - since) / _HOUR), None
    if since is not None:
        awake += float((last - since) / _HOUR) + step_h
    return served, awake, sent, lost

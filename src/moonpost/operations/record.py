"""What a simulation leaves behind: series, events, balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.operations.balances import Balance, DataBalance, HeatBalance, MassBalance
from moonpost.operations.buses import BusFlows
from moonpost.operations.channels import VARIABLES, Channel
from moonpost.plan.model import Plan
from moonpost.power.series import SunView

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Simulation", "SimulationEvent", "balance_of", "dataset_of"]


@dataclass(frozen=True)
class SimulationEvent:
    """A row of the event table.

    Parameters
    ----------
    time : datetime64[ms]
        UTC.
    subject : str
        Mast, bus or element.
    kind : str
        ``sunrise``, ``sunset``, ``arrival``, ``contact-begins``, ``contact-ends``, ``reactor-end``,
        ``outage-begins``, ``outage-ends``, ``design-life-end``, the kind of a change (such as ``fault-begins``),
        or one of `moonpost.operations.codes.EVENTS`.
    text : str
        What happened, for people.
    data : mapping
        What happened, for programs.

    Examples
    --------
    >>> SimulationEvent(np.datetime64("2035-01-01", "ms"), "mast-2m", "sunrise", "Sun in view").to_dict()["time"]
    '2035-01-01T00:00:00.000Z'
    """

    time: np.datetime64
    subject: str
    kind: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, time as text, for JSON and CSV."""
        time = str(self.time.astype("datetime64[ms]")) + "Z"
        return {
            "time": time,
            "subject": self.subject,
            "kind": self.kind,
            "text": self.text,
            "data": dict(self.data),
        }


@dataclass(frozen=True)
class Simulation:
    """What happened in a simulated period.

    Parameters
    ----------
    series : xarray.Dataset
        Every series over ``time`` (UTC), and ``bus``, ``element`` or ``mast_m``, with ``units``, ``long_name``
        and ``source`` on each.
    events : tuple of SimulationEvent
        In order of time.
    channels : tuple of Channel
        The dictionary of the series.
    balances : tuple of Balance
        One per bus.
    absent : mapping of str to str
        Elements that are not in it, with the reason.
    site : str or None
        The site; None for a station in orbit.
    seed : int
        The seed given.
    heats, data, masses : tuple
        Balances of heat by box, of data by machine, of mass by tank.
    stretches : int
        How many stretches between events and knots were computed.
    statements : tuple of str
        What the result takes for granted, in sentences.

    Examples
    --------
    >>> from moonpost.operations.simulation import simulate  # see there
    """

    series: xr.Dataset = field(repr=False)
    events: tuple[SimulationEvent, ...] = field(repr=False)
    channels: tuple[Channel, ...] = field(repr=False)
    balances: tuple[Balance, ...]
    absent: Mapping[str, str]
    site: str | None
    seed: int
    heats: tuple[HeatBalance, ...] = ()
    data: tuple[DataBalance, ...] = ()
    masses: tuple[MassBalance, ...] = ()
    stretches: int = 0
    statements: tuple[str, ...] = ()

    @property
    def energy_residual_relative(self) -> float:
        """Largest relative residual of all buses [1]."""
        return max((balance.residual_relative for balance in self.balances), default=0.0)

    @property
    def heat_residual_relative(self) -> float:
        """Largest relative residual of all boxes [1]."""
        return max((balance.residual_relative for balance in self.heats), default=0.0)

    @property
    def data_residual_relative(self) -> float:
        """Largest relative residual of all machines that make data [1]."""
        return max((balance.residual_relative for balance in self.data), default=0.0)

    @property
    def mass_residual_relative(self) -> float:
        """Largest relative residual of all tanks [1]."""
        return max((balance.residual_relative for balance in self.masses), default=0.0)

    @property
    def event_counts(self) -> dict[str, int]:
        """Number of events by kind."""
        return dict(sorted(Counter(event.kind for event in self.events).items()))

    def to_dict(self) -> dict[str, Any]:
        """Balances, counts and what is absent as plain values, for JSON; the series go to NetCDF."""
        time = self.series["time"].values
        return {
            "site": self.site,
            "seed": self.seed,
            "start": str(time[0].astype("datetime64[s]")) + "Z",
            "step_s": float(self.series.attrs["step_s"]),
            "steps": int(time.size),
            "energy_residual_relative": self.energy_residual_relative,
            "heat_residual_relative": self.heat_residual_relative,
            "data_residual_relative": self.data_residual_relative,
            "mass_residual_relative": self.mass_residual_relative,
            "balances": [asdict(b) | {"served_fraction": b.served_fraction} for b in self.balances],
            "heat": [asdict(b) | {"residual_relative": b.residual_relative} for b in self.heats],
            "data": [asdict(b) | {"residual_relative": b.residual_relative} for b in self.data],
            "mass": [asdict(b) | {"residual_relative": b.residual_relative} for b in self.masses],
            "events": self.event_counts,
            "absent": dict(self.absent),
            "statements": list(self.statements),
        }


def balance_of(run: BusFlows) -> Balance:
    """The energy of one bus over the whole period, with a residual computed from the sums as well.

    Parameters
    ----------
    run : BusFlows
        What flowed on it.

    Returns
    -------
    Balance

    Examples
    --------
    >>> from moonpost.operations.simulation import simulate  # see there
    """
    total = run.total_wh
    served_wh = total["load"] - total["shed"]
    gone_wh = served_wh + total["spilled"] + total["bus_loss"] + total["storage_loss"] + run.final_wh
    in_play_wh = total["supply"] + total["load"] + run.imported_wh
    whole = abs(total["supply"] + run.imported_wh - gone_wh) / in_play_wh if in_play_wh > 0 else 0.0
    return Balance(
        bus=run.name,
        supplied_wh=total["supply"],
        imported_wh=run.imported_wh,
        served_wh=served_wh,
        spilled_wh=total["spilled"],
        bus_loss_wh=total["bus_loss"],
        storage_loss_wh=total["storage_loss"],
        stored_wh=run.final_wh,
        shed_wh=total["shed"],
        residual_relative=max(whole, run.residual_relative),
    )


def dataset_of(
    plan: Plan,
    sun: SunView,
    light: Mapping[float, npt.NDArray[np.float64]],
    runs: list[BusFlows],
    step_s: float,
    site: str | None,
    seed: int,
) -> xr.Dataset:
    """Every series with its units, label and source.

    Parameters
    ----------
    plan : Plan
        The plan.
    sun : SunView
        The Sun from the site, (n,).
    light : mapping of float to ndarray, (n,)
        Fraction of the solar disc in view by height above ground [m].
    runs : list of BusFlows
        What flowed on each bus.
    step_s : float
        Step [s].
    site : str or None
        The site; None for a station in orbit.
    seed : int
        The seed.

    Returns
    -------
    xarray.Dataset

    Examples
    --------
    >>> from moonpost.operations.simulation import simulate  # see there
    """
    import xarray as xr

    source = f"moonpost simulation of plan {plan.id} version {plan.version}"
    given = f"input to the {source}"
    data: dict[str, tuple[tuple[str, ...], Any, dict[str, str]]] = {}
    for name, variable in VARIABLES.items():
        labels = {"units": variable.unit, "long_name": variable.long_name, "description": variable.description}
        if variable.over == "sky":
            data[name] = (
                ("time",),
                np.asarray(getattr(sun, name.removeprefix("sun_"))),
                labels | {"source": given},
            )
        elif variable.over == "mast":
            data[name] = (("mast_m", "time"), np.stack(list(light.values())), labels | {"source": given})
        else:
            rows = _rows(name, variable.over, runs)
            if rows:
                data[name] = ((variable.over, "time"), np.stack(rows), labels | {"source": source})
    elements = [element for run in runs for element in run.element_load_w]
    more = {
        "box": ("Machine with a box", [name for run in runs for name in run.boxes]),
        "recorder": ("Machine with a recorder", [name for run in runs for name in run.recorders]),
        "tank": ("Tank", [name for run in runs for name in run.tanks]),
    }
    return xr.Dataset(
        data,
        coords={
            "time": ("time", sun.time.astype("datetime64[ns]"), {"long_name": "UTC"}),
            "mast_m": ("mast_m", list(light), {"units": "m", "long_name": "Height above ground"}),
            "bus": ("bus", [run.name for run in runs], {"long_name": "Bus"}),
            "element": ("element", elements, {"long_name": "Element"}),
        }
        | {name: (name, names, {"long_name": label}) for name, (label, names) in more.items() if names},
        attrs={
            "title": f"Power at {site or 'the orbital station'}: {plan.title}",
            "plan": plan.id,
            "plan_sha256": plan.sha256,
            "site": site or "",
            "step_s": step_s,
            "seed": seed,
        },
    )


_NAMES = {"element_working": "working"}


def _rows(name: str, over: str, runs: list[BusFlows]) -> list[npt.NDArray[np.float64]]:
    """One variable of all its subjects as rows."""
    if over == "element":
        return [row for run in runs for row in getattr(run, _NAMES.get(name, name)).values()]
    if over == "box":
        return [rows[name] for run in runs for rows in run.boxes.values()]
    if over == "recorder":
        return [rows[name] for run in runs for rows in run.recorders.values()]
    if over == "tank":
        return [row for run in runs for row in run.tanks.values()]
    if name == "stored_fraction":
        zero = np.zeros_like(runs[0].stored_wh)
        return [np.divide(run.stored_wh, run.usable_wh, out=zero.copy(), where=run.usable_wh > 0) for run in runs]
    return [np.asarray(getattr(run, name), dtype=np.float64) for run in runs]

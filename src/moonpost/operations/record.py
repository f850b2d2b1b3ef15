"""What a simulation leaves behind: series, events, balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.operations.buses import BusFlows
from moonpost.operations.channels import VARIABLES, Channel
from moonpost.plan.model import Plan
from moonpost.power.series import SunView

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Balance", "Simulation", "SimulationEvent", "balance_of", "dataset_of"]


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
        ``sunrise``, ``sunset``, ``storage-full``, ``storage-empty``, ``shed-begins``, ``shed-ends``,
        ``arrival``, ``reactor-end`` or ``design-life-end``.
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
class Balance:
    """The energy of one bus over the whole period. All energies [Wh].

    Parameters
    ----------
    bus : str
        The bus.
    supplied_wh, imported_wh : float
        What sources could give, and what stores held when they came.
    served_wh, spilled_wh, bus_loss_wh, storage_loss_wh, stored_wh : float
        Where it went: loads, unused, lost on the bus, lost in the store, still in the store.
    shed_wh : float
        Asked for and not given.
    residual_relative : float
        Largest energy unaccounted for in any step or in all, over the energy in play [1].

    Examples
    --------
    >>> Balance("station", 10.0, 0.0, 8.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0).served_fraction
    1.0
    """

    bus: str
    supplied_wh: float
    imported_wh: float
    served_wh: float
    spilled_wh: float
    bus_loss_wh: float
    storage_loss_wh: float
    stored_wh: float
    shed_wh: float
    residual_relative: float

    @property
    def served_fraction(self) -> float:
        """Energy served over energy asked for [1]; 1 if nothing was asked for."""
        asked_wh = self.served_wh + self.shed_wh
        return self.served_wh / asked_wh if asked_wh > 0 else 1.0


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

    @property
    def energy_residual_relative(self) -> float:
        """Largest relative residual of all buses [1]."""
        return max((balance.residual_relative for balance in self.balances), default=0.0)

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
            "balances": [asdict(b) | {"served_fraction": b.served_fraction} for b in self.balances],
            "events": self.event_counts,
            "absent": dict(self.absent),
        }


def balance_of(run: BusFlows, step_s: float) -> Balance:
    """The energy of one bus over the whole period, with a residual computed from the sums as well.

    Parameters
    ----------
    run : BusFlows
        What flowed on it.
    step_s : float
        Step [s].

    Returns
    -------
    Balance

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.operations.buses import arrival_of, groups_at, run_group
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> sun = SimpleNamespace(time=np.datetime64("2019-02-01", "ms") + np.arange(4) * np.timedelta64(3600, "s"),
    ...     azimuth_deg=np.zeros(4), elevation_deg=np.full(4, 30.0), distance_m=np.full(4, 1.5e11))
    >>> group = groups_at(plan, "ce4-site")[0][1]
    >>> there = (arrival_of(plan, group.elements[0], sun.time[0], 3600.0, 4),)
    >>> light = {1.0: np.ones(4)}
    >>> flows = run_group(plan, group, there, sun, light, 3600.0, margins=False, light_mode_above=0.0)
    >>> balance_of(flows, 3600.0).shed_wh
    0.0
    """
    step_h = step_s / 3600.0
    total = {
        name: float(np.sum(getattr(run, name))) * step_h
        for name in ("supply_w", "served_w", "spilled_w", "bus_loss_w", "storage_loss_w", "shed_w", "load_w")
    }
    gone_wh = total["served_w"] + total["spilled_w"] + total["bus_loss_w"] + total["storage_loss_w"] + run.final_wh
    in_play_wh = total["supply_w"] + total["load_w"] + run.imported_wh
    whole = abs(total["supply_w"] + run.imported_wh - gone_wh) / in_play_wh if in_play_wh > 0 else 0.0
    return Balance(
        bus=run.name,
        supplied_wh=total["supply_w"],
        imported_wh=run.imported_wh,
        served_wh=total["served_w"],
        spilled_wh=total["spilled_w"],
        bus_loss_wh=total["bus_loss_w"],
        storage_loss_wh=total["storage_loss_w"],
        stored_wh=run.final_wh,
        shed_wh=total["shed_w"],
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
    >>> from types import SimpleNamespace
    >>> from moonpost.operations.buses import arrival_of, groups_at, run_group
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> sun = SimpleNamespace(time=np.datetime64("2019-02-01", "ms") + np.arange(4) * np.timedelta64(3600, "s"),
    ...     azimuth_deg=np.zeros(4), elevation_deg=np.full(4, 30.0), distance_m=np.full(4, 1.5e11))
    >>> group = groups_at(plan, "ce4-site")[0][1]
    >>> there = (arrival_of(plan, group.elements[0], sun.time[0], 3600.0, 4),)
    >>> light = {1.0: np.ones(4)}
    >>> flows = run_group(plan, group, there, sun, light, 3600.0, margins=False, light_mode_above=0.0)
    >>> dataset_of(plan, sun, light, [flows], 3600.0, "ce4-site", 0)["supply_w"].attrs["units"]
    'W'
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
            data[name] = (
                (variable.over, "time"),
                _stacked(name, variable.over, runs),
                labels | {"source": source},
            )
    elements = [element for run in runs for element in run.element_load_w]
    return xr.Dataset(
        data,
        coords={
            "time": ("time", sun.time.astype("datetime64[ns]"), {"long_name": "UTC"}),
            "mast_m": ("mast_m", list(light), {"units": "m", "long_name": "Height above ground"}),
            "bus": ("bus", [run.name for run in runs], {"long_name": "Bus"}),
            "element": ("element", elements, {"long_name": "Element"}),
        },
        attrs={
            "title": f"Power at {site or 'the orbital station'}: {plan.title}",
            "plan": plan.id,
            "plan_sha256": plan.sha256,
            "site": site or "",
            "step_s": step_s,
            "seed": seed,
        },
    )


def _stacked(name: str, over: str, runs: list[BusFlows]) -> npt.NDArray[np.float64]:
    """One variable of all buses, or of all elements, as rows."""
    if over == "element":
        return np.stack([row for run in runs for row in _by_element(run, name).values()])
    rows = []
    for run in runs:
        if name == "stored_fraction":
            zero = np.zeros_like(run.stored_wh)
            rows.append(np.divide(run.stored_wh, run.usable_wh, out=zero, where=run.usable_wh > 0))
        else:
            rows.append(np.asarray(getattr(run, name), dtype=np.float64))
    return np.stack(rows)


def _by_element(run: BusFlows, name: str) -> Mapping[str, npt.NDArray[np.float64]]:
    """Series of a bus's elements; what is shed is shared in proportion to demand."""
    if name != "element_served_w":
        found: Mapping[str, npt.NDArray[np.float64]] = getattr(run, name)
        return found
    served = np.divide(run.served_w, run.load_w, out=np.ones_like(run.load_w), where=run.load_w > 0)
    return {element: load * served for element, load in run.element_load_w.items()}

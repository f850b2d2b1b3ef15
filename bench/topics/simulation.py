"""A year of a station from event to event beside the same models by steps of 60 s."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from measure import Table, best_s
from moonpost.operations.engine import run_station
from moonpost.operations.simulation import light_heights_m, simulate, station_models
from moonpost.operations.stepped import run_stepped
from moonpost.plan import load_plan
from moonpost.sky import Almanac, Site, times
from moonpost.terrain import HorizonProfile, illumination
from moonpost.terrain.profiles import shipped_profile

DAYS = 365.25
STEP_S = 3600.0


def table() -> Table:
    """Three stations."""
    rows = []
    for name, plan, sky in cases():
        models, _, _ = station_models(plan, **sky)
        laid_s, _ = best_s(lambda plan=plan, sky=sky: station_models(plan, **sky), 3)
        event_s, runs = best_s(lambda models=models: [run_station(model) for model in models], 5)
        step_s, steps = best_s(lambda models=models: [run_stepped(model) for model in models], 2)
        whole_s, found = best_s(lambda plan=plan, sky=sky: simulate(plan, **sky), 3)
        off = max(differences(run, stepped) for run, stepped in zip(runs, steps, strict=True))
        late = [order(run.events, stepped.events) for run, stepped in zip(runs, steps, strict=True)]
        rows.append(
            [
                name,
                str(sum(len(model.arrivals) for model in models)),
                f"{sum(len(run.events) for run in runs):,}",
                f"{found.stretches:,}",
                f"{1e3 * event_s:.1f} ms",
                f"{1e3 * step_s:.0f} ms",
                f"{step_s / event_s:.0f} x",
                f"{(step_s + laid_s) / (event_s + laid_s):.0f} x",
                f"{1e3 * whole_s:.0f} ms",
                f"{100.0 * off:.4f} %",
                ", ".join(late) if len(set(late)) > 1 else late[0],
            ]
        )
    return Table(
        topic="simulation",
        title="A year of a station, from event to event and by steps of 60 s",
        method=f"{DAYS:g} days at hourly Sun and light, 525,960 steps of 60 s. Both run the same rules of the "
        "same machines, compiled by numba, on the same series; the stepped run takes them as they are, the "
        "event-driven run as straight lines (tolerance 1e-4). It also samples every series hour by hour and makes "
        "events and balances; the stepped run makes sums and events only. The second ratio counts for both the "
        "time in which series are made from Sun and light.",
        head=[
            "case",
            "machines",
            "events",
            "stretches",
            "event-driven",
            "60 s steps",
            "ratio",
            "with series made",
            "whole `simulate`",
            "largest difference of an energy",
            "order of events",
        ],
        rows=rows,
        reading="Differences are of supplied, asked, shed, spilled and lost energy of each bus and of each "
        "heater, over the energy itself. Order: the largest time between two events that the steps tell in the "
        "other order, by bus; 0 s is the same order, and less than 60 s lies within one step.",
    )


def cases() -> list[tuple[str, Any, dict[str, Any]]]:
    """Name, plan and sky of each case."""
    almanac = Almanac.default()
    ilrs = load_plan("ilrs")

    def hours(start: str) -> Any:
        first = np.datetime64(start, "ms")
        return times(first, first + np.timedelta64(round(DAYS * 86400e3), "ms"), STEP_S)

    place = ilrs.station_sites()[0]
    profiles = {mast_m: shipped_profile(place.id, mast_m) for mast_m in light_heights_m(ilrs)}
    sun = almanac.sun(next(iter(profiles.values())).site, hours("2040-01-01"))
    ridge = {"sun": sun, "light_by_mast": {m: illumination(profile, sun) for m, profile in profiles.items()}}
    site = ilrs.site("ce4-site")
    flat = HorizonProfile.flat(Site(site.latitude_deg, site.longitude_deg))
    sun = almanac.sun(flat.site, hours("2022-01-01"))
    heights = light_heights_m(ilrs, "ce4-site")
    von_karman = {
        "sun": sun,
        "light_by_mast": dict.fromkeys(heights, illumination(flat, sun)),
        "site": "ce4-site",
    }
    made = stations()
    plain = made.sun_at(DAYS)
    boxes = {
        "sun": plain,
        "light_by_mast": made.light_of(plain),
        "surface_k": made.ground_of(plain),
        "contacts": made.daily_windows(plain),
    }
    return [
        ("bundled ILRS on its ridge, 2040", ilrs, ridge),
        ("Chang'e 4 and Yutu-2, 2022", ilrs, von_karman),
        ("station with boxes, recorders, tanks, sleep", made.whole_plan(), boxes),
    ]


def stations() -> ModuleType:
    """The made-up station of the tests."""
    path = Path(__file__).parents[2] / "tests" / "operations" / "stations.py"
    spec = importlib.util.spec_from_file_location("stations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(run: Any, stepped: Any) -> float:
    """Largest difference of an energy, over the energy."""
    pairs = [(run.total_wh[name], stepped.energy_wh[name]) for name in run.total_wh if name in stepped.energy_wh]
    pairs += [(heat.heater_wh, stepped.heat_wh[heat.element][0]) for heat in run.heats]
    least = 1e-6 * run.total_wh["load"]
    return max(abs(one - other) / max(one, other) for one, other in pairs if max(one, other) > least)


def order(one: Any, other: Any) -> str:
    """How far apart two events are at most that the other run tells the other way round."""
    pairs: list[tuple[float, float]] = []
    for kind in {(event.subject, event.kind) for event in (*one, *other)}:
        first, second = (
            [event.time_s for event in events if (event.subject, event.kind) == kind] for events in (one, other)
        )
        if len(first) != len(second):
            return f"{len(first)} and {len(second)} {kind[1]}"
        pairs += zip(first, second, strict=True)
    if not pairs:
        return "0 s"
    first_s, second_s = np.array(sorted(pairs)).T
    late = second_s < np.maximum.accumulate(second_s)
    return (
        f"{max((first_s[k] - first_s[np.argmax(second_s[:k])] for k in np.flatnonzero(late)), default=0.0):.0f} s"
    )

"""``moonpost operate panel``: which panel attitude lets a machine wake at the right time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.operations.panels import PanelAnswer
    from moonpost.operations.wakes import WakeThreshold
    from moonpost.sky import Almanac, Site
    from moonpost.terrain import HorizonProfile

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost operate``."""
    app.command("panel")(panel)


def panel(
    site: str = typer.Option(..., "--site", help="LAT,LON in degrees, east positive: --site=-45.457,177.589."),
    start: str = typer.Option(..., "--from", help="First day, UTC."),
    days: float = typer.Option(355.0, min=1.0, max=3660.0, help="Length of the period [d]."),
    events: Path | None = typer.Option(None, help="CSV of dated wakings: learn the threshold of current from it."),
    vehicle: str = typer.Option("rover", help="Whose wakings in that file."),
    record: str = typer.Option(
        "", help="TILT,AZIMUTH of its panel in the record [deg]; if not given, its tilt to the north is fitted."
    ),
    threshold: float | None = typer.Option(None, help="Instead of a record: output at which it wakes [W]."),
    rated: float | None = typer.Option(None, help="With --threshold: output at normal incidence at 1 au [W]."),
    threshold_error: float | None = typer.Option(None, help="Standard error of the threshold [W]."),
    wake_sun: float | None = typer.Option(None, help="Wanted: wake with the rising Sun at this elevation [deg]."),
    after_sunrise: float | None = typer.Option(None, help="Wanted: wake this long after sunrise [h]."),
    wake: list[str] = typer.Option([], help="Wanted: a time, UTC; one for each lunar day, may be repeated."),
    tilt: str = typer.Option("0:90", help="Tilts that it can take, LOW:HIGH [deg]."),
    azimuth: str = typer.Option("0:360", help="Azimuths that it can face, LOW:HIGH [deg]."),
    compare: str = typer.Option(
        "", help="TILT,AZIMUTH of another attitude to compare with [deg]; that of the record if not given."
    ),
    attitude_error: float | None = typer.Option(None, help="Standard error of tilt and heading [deg]."),
    profile: str = typer.Option("", help="Horizon profile (JSON), as saved; a level horizon if not given."),
    plot: str = typer.Option("", help="Draw wake times against tilt and azimuth: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Find the tilt and azimuth of a panel with which a machine wakes when it should.

    Example: moonpost operate panel --site=-45.4,177.6 --from 2027-01-01 --threshold 20 --rated 160 --wake-sun 5
    """
    from moonpost.cli.places import surface_site
    from moonpost.operations.panels import panel_attitude
    from moonpost.sky import Almanac
    from moonpost.terrain import HorizonProfile

    almanac, place = Almanac.default(), surface_site(site)
    current = _threshold(place, almanac, events, vehicle, record, (threshold, rated, threshold_error))
    other = _pair(compare, "--compare", ",") if compare else None
    if other is None and current.tilt_deg is not None and current.azimuth_deg is not None:
        other = current.tilt_deg, current.azimuth_deg
    skyline = HorizonProfile.load(profile) if profile else None
    found = panel_attitude(
        place,
        almanac,
        current,
        _wanted(place, almanac, (start, days), wake_sun, after_sunrise, wake, skyline),
        tilt_range_deg=_pair(tilt, "--tilt", ":"),
        azimuth_range_deg=_pair(azimuth, "--azimuth", ":"),
        profile=skyline,
        attitude_error_deg=attitude_error,
        compare_deg=other,
    )
    result = found.to_dict()
    if plot:
        from moonpost.report.figures.panel import panel_figure
        from moonpost.report.figures.style import save_figure

        result["plot"] = str(save_figure(panel_figure(found), plot))
    emit(result, as_json, lambda: _text(found))


def _threshold(
    site: Site,
    almanac: Almanac,
    events: Path | None,
    vehicle: str,
    record: str,
    powers_w: tuple[float | None, float | None, float | None],
) -> WakeThreshold:
    """The current at which it wakes, from a record or from powers."""
    from moonpost.operations.dormancy import read_events
    from moonpost.operations.wakes import WakeThreshold, learnt_threshold

    threshold_w, rated_w, error_w = powers_w
    if (events is None) == (threshold_w is None):
        raise InputError(
            "where does the threshold come from?", where="operate panel", advice="give --events or --threshold"
        )
    if threshold_w is not None:
        if rated_w is None:
            raise InputError("is needed with --threshold", where="--rated", advice="give the panel's full output")
        return WakeThreshold.of_power(threshold_w, rated_w, error_w)
    assert events is not None
    attitude: dict[str, float] = {}
    if record:
        attitude = dict(zip(("tilt_deg", "azimuth_deg"), _pair(record, "--record", ","), strict=True))
    return learnt_threshold(read_events(events), vehicle.lower(), site, almanac, **attitude)


def _wanted(
    site: Site,
    almanac: Almanac,
    period: tuple[str, float],
    wake_sun: float | None,
    after_sunrise: float | None,
    wake: list[str],
    profile: HorizonProfile | None,
) -> Any:
    """The wanted time of each lunar day."""
    import numpy as np

    from moonpost.operations.wakes import wanted_times
    from moonpost.sky import as_utc

    if (wake_sun is not None) + (after_sunrise is not None) + bool(wake) != 1:
        raise InputError(
            "give one of --wake-sun, --after-sunrise and --wake", where="operate panel", advice="--wake-sun 5"
        )
    if wake:
        return as_utc(wake)
    first = as_utc(period[0]).reshape(-1)[0]
    return wanted_times(
        site,
        almanac,
        first,
        first + np.timedelta64(round(period[1] * 86400e3), "ms"),
        sun_elevation_deg=wake_sun,
        after_sunrise_h=after_sunrise,
        profile=profile,
    )


def _pair(text: str, option: str, between: str) -> tuple[float, float]:
    """Two numbers."""
    try:
        first, second = (float(part) for part in text.split(between))
    except ValueError:
        raise InputError(
            f"{text!r} is not two numbers with {between!r} between", where=option, advice=f"write 10{between}20"
        ) from None
    if not (math.isfinite(first) and math.isfinite(second)):
        raise InputError(f"{text!r} is not finite", where=option, advice="give degrees")
    return first, second


def _text(found: PanelAnswer) -> str:
    """The answer for people."""
    threshold = found.threshold
    error = "" if threshold.sigma_share is None else f" +- {threshold.sigma_share:.4f}"
    lines = [
        f"tilt {found.tilt_deg:.1f} deg to azimuth {found.azimuth_deg:.1f} deg",
        f"wakes at {threshold.share:.4f}{error} of the full current ({threshold.source})",
        f"off the wanted times by {found.rms_miss_h:.2f} h rms, with uncertainty {found.expected_miss_h:.2f} h",
    ]
    if found.compared is not None:
        other = found.compared
        where = f"{other['tilt_deg']:.1f} deg to azimuth {other['azimuth_deg']:.1f} deg"
        lines.append(f"compared: {where} is off by {other['rms_miss_h']:.2f} h rms")
    head = ["wanted (UTC)", "wakes (UTC)", "off (h)", "+- (h)", "Sun (deg)", "Sun's azimuth (deg)"]
    keys = ["wanted_utc", "wake_utc", "miss_h", "sigma_h", "sun_elevation_deg", "sun_azimuth_deg"]
    lines += ["", table(head, [[row[key] for key in keys] for row in found.rows])]
    lines += [f"- {note}" for note in found.notes]
    return "\n".join(lines)

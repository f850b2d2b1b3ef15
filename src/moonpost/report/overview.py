"""The first screen: grade, verdicts, darkness, storage, margins, launches, approvals, assumptions, self-test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moonpost.report.parts import Cell, Column, Note, Picture, Table, mark, signed, table
from moonpost.report.readings import station_mast_m, worst_month
from moonpost.report.wording import UNKNOWN, day, energy, minute, names, number, percent, plural, quantity, ratio
from moonpost.study.results import LightRow, PublishedValue, SensitivityRow, StorageRow, StudyRecord, Verdict

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Banner",
    "Overview",
    "approvals",
    "banner",
    "darkness",
    "leading_assumptions",
    "mass_margins",
    "month_picture",
    "overview",
    "place",
    "storage_margins",
    "verdict_table",
]

TEN = 10
"""How many assumptions the first screen shows."""


@dataclass(frozen=True)
class Banner:
    """The grade of the results in one sentence that cannot be missed."""

    level: str
    title: str
    text: str


@dataclass(frozen=True)
class Overview:
    """All parts of the first screen."""

    banner: Banner
    verdicts: Table
    place: tuple[tuple[str, str], ...]
    darkness: Table
    month: Picture | None
    storage: Table
    masses: Table
    launches: Picture | None
    approvals: tuple[Note, ...]
    tornado: Picture | None
    assumptions: Table
    self_test: Table


def overview(record: StudyRecord, series: Mapping[str, xr.Dataset]) -> Overview:
    """Collect the first screen.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.

    Returns
    -------
    Overview
        Its parts.
    """
    return Overview(
        banner=banner(record),
        verdicts=verdict_table(record),
        place=place(record),
        darkness=darkness(record),
        month=month_picture(record, series),
        storage=storage_margins(record),
        masses=mass_margins(record),
        launches=_launches(record),
        approvals=approvals(record),
        tornado=_tornado(record),
        assumptions=_assumption_table(record),
        self_test=_self_test(record),
    )


def banner(record: StudyRecord) -> Banner:
    """Say what grade the results have and, where some are screening, which."""
    coarse = [row for row in record.site.rows if row.grade == "screening"]
    questions = " ".join(row.question for row in record.verdicts if row.grade == "screening")
    if record.site.kind == "orbit":
        text = "No terrain enters these results. The orbit is carried forward as an ellipse fixed in space."
        return Banner("fine", "Orbit grade", text)
    home = [row for row in record.site.rows if row.site == record.site.baseline]
    cell_m = max((row.resolution_m for row in home), default=0.0)
    if record.site.grade == "screening":
        text = (
            f"The heights round the baseline have cells of {number(cell_m)} m: near ridges that is too coarse for "
            "the horizon, and so for darkness, power and storage. Screening results: "
            f"{questions or 'all that rest on light.'}"
        )
        return Banner("stop", "Screening: do not size hardware", text)
    good = f"The baseline's own results rest on cells of {number(cell_m)} m and are of site grade."
    if coarse:
        sites = ", ".join(dict.fromkeys(row.name for row in coarse))
        cells = max(row.resolution_m for row in coarse)
        touched = questions or "the comparison of sites."
        text = f"Their heights have cells of {number(cells)} m. This touches: {touched} {good}"
        return Banner("partly", f"Screening: do not size hardware for {sites}", text)
    return Banner("fine", "Site grade", good)


def verdict_table(record: StudyRecord) -> Table:
    """One line for each question: the answer, whether it closes, by how much, and what limits it."""
    columns = (
        Column("Question"),
        Column("Answer"),
        Column("Closes", kind="mark"),
        Column("Margin"),
        Column("What limits it"),
    )
    rows = [(_question(row), row.answer, mark(row.closes), _margin(row), row.limit) for row in record.verdicts]
    return table("verdicts", "Verdicts", columns, rows)


def _question(row: Verdict) -> Cell:
    return Cell(
        row.question,
        "screening" if row.grade == "screening" else "",
        "screening" if row.grade == "screening" else "",
    )


def _margin(row: Verdict) -> Cell:
    text = row.margin
    if text.startswith("-"):
        return Cell("−" + text[1:], "negative")
    return Cell(text, "negative" if row.closes is False and text and not text.startswith("+") else "")


def place(record: StudyRecord) -> tuple[tuple[str, str], ...]:
    """Facts on the baseline site and its terrain, or on the orbit."""
    if record.site.orbit is not None:
        orbit = record.site.orbit
        return (
            ("Orbit", f"{number(orbit.perilune_altitude_km)} by {number(orbit.apolune_altitude_km)} km"),
            ("Inclination", f"{orbit.inclination_deg:g}° to the lunar equator"),
            ("Period", f"{orbit.period_h:.1f} h"),
            ("In sunlight", f"{percent(orbit.average_illumination, 1)} % of the time"),
            ("Earth in view", f"{percent(orbit.earth_visible, 1)} % of the time"),
            ("Without Earth", f"at most {60 * orbit.longest_earth_outage_h:.0f} min"),
            ("Source", orbit.source),
        )
    rows = [row for row in record.site.rows if row.site == record.site.baseline]
    if not rows:
        return (("Site", record.site.baseline),)
    row = rows[0]
    facts = [
        ("Site", row.name),
        (
            "Place",
            f"{latitude(row.latitude_deg)} {row.longitude_deg % 360:.2f}° E, height {number(row.height_m)} m",
        ),
        ("Terrain", f"{row.terrain}"),
        ("Cell at the site", f"{number(row.resolution_m)} m, grade “{row.grade}”"),
    ]
    if row.slope_deg is not None:
        facts.append(("Slope", f"{row.slope_deg:.0f}°"))
    return tuple(facts)


def latitude(latitude_deg: float) -> str:
    """A latitude with its hemisphere, such as ``89.44° S``."""
    return f"{abs(latitude_deg):.2f}° {'S' if latitude_deg < 0 else 'N'}"


def darkness(record: StudyRecord) -> Table:
    """Longest darkness, light and required storage at each height beside published values."""
    if record.site.orbit is not None:
        return _orbit_darkness(record)
    columns = (
        Column("Height", "m", "number"),
        Column("Quantity"),
        Column("This study, unit"),
        Column("Published, unit"),
    )
    rows = [
        cells
        for row in record.site.rows
        if row.site == record.site.baseline
        for cells in _darkness_rows(record, row)
    ]
    note = "Published values are for the point and height named, other years and other terrain."
    return table("darkness", "Darkness and storage beside published values", columns, rows, note=note)


def _orbit_darkness(record: StudyRecord) -> Table:
    orbit = record.site.orbit
    assert orbit is not None
    since = f"from {minute(orbit.longest_dark_start_utc)} UTC"
    rows = [("Longest darkness", Cell(f"{orbit.longest_dark_h:.1f} h", "", since))]
    if record.design.storage:
        rows.append(("Storage needed", Cell(f"{energy(record.design.storage[0].required_wh)} kWh")))
    columns = (Column("Quantity"), Column("This study, unit"))
    return table("darkness", "Darkness and storage", columns, rows, note="No published values for this orbit.")


def _darkness_rows(record: StudyRecord, row: LightRow) -> list[tuple[str | Cell, ...]]:
    height = f"{row.mast_m:g}"
    span = f"{day(row.longest_dark_start_utc)} to {day(row.longest_dark_stop_utc)}"
    found: list[tuple[str | Cell, ...]] = [
        (
            height,
            "Longest darkness",
            Cell(f"{row.longest_dark_d:.1f} d", "", span),
            _published(row, "longest_dark_d"),
        ),
        (
            height,
            "Average light",
            f"{percent(row.average_illumination, 1)} %",
            _published(row, "average_illumination"),
        ),
    ]
    need = _storage_at(record, row.mast_m)
    if need is not None:
        text = f"{energy(need.required_wh)} kWh" if need.sustainable else "sources too weak"
        found.append((height, "Storage needed", Cell(text, "", need.variant), UNKNOWN))
    return found


def _storage_at(record: StudyRecord, mast_m: float) -> StorageRow | None:
    """The storage for arrays at a height: the variant made for this comparison, else any at that height."""
    rows = [row for row in record.design.storage if abs(row.mast_m - mast_m) < 1e-9]
    return next((row for row in rows if row.variant.startswith("arrays at")), rows[0] if rows else None)


def _published(row: LightRow, name: str) -> Cell:
    """The nearest published value of a quantity."""
    found = next((item for item in row.published if item.quantity == name), None)
    return Cell(UNKNOWN) if found is None else published_cell(found)


def published_cell(found: PublishedValue) -> Cell:
    """A published value with its place and source."""
    _, unit, factor = quantity(found.quantity, found.unit)
    unit = "%" if unit.startswith("%") else unit
    where = found.place if found.distance_km < 0.05 else f"{found.place}, {found.distance_km:.1f} km away"
    digits = 1 if unit == "%" else 2
    return Cell(f"{number(found.value * factor, digits)} {unit}", "", f"{where}; {found.source.split(',')[0]}")


def month_picture(record: StudyRecord, series: Mapping[str, xr.Dataset]) -> Picture | None:
    """The lunar month in which the battery is lowest; None without series."""
    window = worst_month(record, series)
    if window is None or "site-light" not in series:
        return None
    start, stop = (str(end)[:10] for end in window)
    mast_m = station_mast_m(record, series)

    def draw(width_in: float) -> object:
        from moonpost.report.figures.month import month_figure

        return month_figure(record, series, width_in)

    where = (
        ""
        if record.site.orbit is not None
        else f" Sun and Earth at {mast_m:g} m above ground; shaded: no part of the Sun in view."
    )
    return Picture(
        name="month",
        title="The worst lunar month: Sun, Earth and battery",
        alt=f"Three panels over one axis of time, {start} to {stop} UTC: Sun, Earth and the battery's charge.",
        caption=f"The lunar month, {start} to {stop}, in which the station's battery falls lowest.{where}",
        draw=draw,
        width_in=7.0,
    )


def storage_margins(record: StudyRecord) -> Table:
    """Storage needed, planned and the margin, for each variant."""
    columns = (
        Column("Storage"),
        Column("Needed", "kWh", "number"),
        Column("Planned", "kWh", "number"),
        Column("Margin", "kWh", "number"),
        Column("Margin", "%", "number"),
    )
    rows = [
        (
            row.variant[:1].upper() + row.variant[1:],
            energy(row.required_wh) if row.sustainable else Cell("sources too weak", "negative"),
            energy(row.installed_wh),
            signed(row.margin_wh, energy(row.margin_wh, signed=True)),
            signed(row.margin, ratio(row.margin)),
        )
        for row in record.design.storage
    ]
    return table("storage-margins", "Storage margins", columns, rows)


def mass_margins(record: StudyRecord) -> Table:
    """Margins of launch and of delivered mass, for missions that have one."""
    columns = (
        Column("Mass"),
        Column("Launcher margin", "kg", "number"),
        Column("Delivery margin", "kg", "number"),
    )
    known = [
        row
        for row in record.design.mass_checks
        if row.launch_margin_kg is not None or row.delivered_margin_kg is not None
    ]
    rows = [
        (
            row.name,
            signed(row.launch_margin_kg, number(row.launch_margin_kg, signed=True)),
            signed(row.delivered_margin_kg, number(row.delivered_margin_kg, signed=True)),
        )
        for row in known
    ]
    missing = len(record.design.mass_checks) - len(known)
    note = f"{plural(missing, 'planned mission')} without published masses: no margin known." if missing else ""
    return table("mass-margins", "Mass margins of planned missions", columns, rows, note=note)


def _launches(record: StudyRecord) -> Picture | None:
    if not record.build.years:
        return None

    def draw(width_in: float) -> object:
        from moonpost.report.figures.build import launches_figure

        return launches_figure(record, width_in)

    kind = "landed" if any(row.landed_kg > 0 for row in record.build.years) else "launched"
    bound = any(row.payload_basis == "bound" for row in record.build.launches)
    return Picture(
        name="launches",
        title=f"Launches, {kind} and payload mass by year",
        alt=f"Bars of {kind} and payload mass in tonnes for each year, with the number of launches.",
        caption="* some masses of that year are not known and count as nothing."
        + (" Payload is an upper bound where the plan states only a payload fraction." if bound else ""),
        draw=draw,
        width_in=5.9,
    )


def approvals(record: StudyRecord) -> tuple[Note, ...]:
    """What waits for whom: one note for each set of partners that still have to approve."""
    known = names(record)
    waiting: dict[tuple[str, ...], list[str]] = {}
    for row in record.partners.approvals:
        if row.missing:
            waiting.setdefault(tuple(sorted(row.missing)), []).append(row.name)
    notes = []
    for parties, items in sorted(waiting.items(), key=lambda pair: -len(pair[1])):
        who = " and ".join(known.get(party, party) for party in parties)
        listed = list(dict.fromkeys(items))
        notes.append(Note((", ".join(listed),), f"{who}: {len(items)} to approve"))
    return tuple(notes)


def leading_assumptions(record: StudyRecord) -> tuple[SensitivityRow, ...]:
    """The ten assumptions that matter most.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    tuple of SensitivityRow
        First those that change the storage margin, the largest change first; then those that no single number
        stands for; then those that leave the storage as it is.
    """
    rows = record.design.sensitivity
    moving = sorted((row for row in rows if row.effect_wh), key=lambda row: -(row.effect_wh or 0.0))
    open_ = [row for row in rows if row.effect_wh is None]
    still = [row for row in rows if row.effect_wh == 0.0]
    return (*moving, *open_, *still)[:TEN]


def _tornado(record: StudyRecord) -> Picture | None:
    rows = [row for row in leading_assumptions(record) if row.effect_wh]
    if not rows or not record.design.storage:
        return None

    def draw(width_in: float) -> object:
        from moonpost.report.figures.assumptions import assumptions_figure

        return assumptions_figure(record, rows, width_in)

    return Picture(
        name="tornado",
        title="What the assumptions do to the storage margin",
        alt="Horizontal bars: storage margin in kWh with the low and the high value of each assumption.",
        caption="Solid line: the plan as it is. Left of the dashed line the planned storage is too small. "
        "The values at the ends are those tried.",
        draw=draw,
        width_in=5.9,
    )


def _assumption_table(record: StudyRecord) -> Table:
    columns = (
        Column("Assumption"),
        Column("Confidence"),
        Column("Largest effect on the storage margin", "kWh", "number"),
    )
    rows = [
        (row.text, Cell(row.confidence, f"grade-{row.confidence.lower()}"), _effect(row))
        for row in leading_assumptions(record)
    ]
    note = (
        "Confidence A: agency or peer-reviewed text; B: press or encyclopaedia; C: estimate. "
        "–: no single number of the plan stands for it."
    )
    return table("assumptions", "The ten assumptions that matter most", columns, rows, note=note)


def _effect(row: SensitivityRow) -> str:
    return energy(row.effect_wh) if row.effect_wh is None or row.effect_wh else "0"


def _self_test(record: StudyRecord) -> Table:
    columns = (
        Column("Reference case"),
        Column("Expected, unit"),
        Column("Obtained, unit"),
        Column("Tolerance, unit"),
        Column("Passes", kind="mark"),
    )
    rows = [
        (Cell(row.case, "", row.source), row.expected, row.obtained, row.tolerance, mark(row.passes))
        for row in record.self_test
    ]
    return table("self-test", "Self-test against reference cases", columns, rows)

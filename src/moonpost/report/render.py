"""The page: its sections in order, its figures drawn, set into the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moonpost.report.overview import overview
from moonpost.report.parts import Part, Picture, Section
from moonpost.report.wording import day, minute
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr
    from markupsafe import Markup

    from moonpost.terrain import Terrain

__all__ = ["Drawn", "draw", "page", "sections"]


@dataclass(frozen=True)
class Drawn:
    """A figure as markup, for a wide and for a narrow screen."""

    picture: Picture
    wide: Markup | str
    narrow: Markup | str
    width_px: int
    height_px: int

    kind = "drawn"


def sections(
    record: StudyRecord, series: Mapping[str, xr.Dataset], terrain: Terrain | None = None
) -> tuple[Section, ...]:
    """The sections below the first screen, those without content left out.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.
    terrain : Terrain, optional
        Finer heights for the map.

    Returns
    -------
    tuple of Section
        In the order of the page.
    """
    from moonpost.report import origins, parties, places, programme, running

    found = (
        places.site_section(record, series, terrain),
        places.light_section(record, series),
        running.dormancy_section(record),
        running.power_section(record, series),
        programme.build_section(record),
        programme.mass_section(record),
        running.contact_section(record),
        parties.partner_section(record),
        origins.assumption_section(record),
        origins.finding_section(record),
        origins.origin_section(record),
    )
    return tuple(section for section in found if section.shown)


def draw(picture: Picture) -> Drawn:
    """Draw a figure at its own width and at a phone's.

    Parameters
    ----------
    picture : Picture
        What to draw.

    Returns
    -------
    Drawn
        Inline SVG, or addresses of PNG data where it is dense.
    """
    from markupsafe import Markup

    from moonpost.report.figures.style import PHONE_IN, png_uri, svg_text

    wide, narrow = picture.draw(picture.width_in), picture.draw(PHONE_IN)
    width_px, height_px = (round(96 * float(side)) for side in wide.get_size_inches())  # type: ignore[attr-defined]
    if picture.dense:
        return Drawn(picture, png_uri(wide), png_uri(narrow), width_px, height_px)  # type: ignore[arg-type]
    return Drawn(
        picture,
        Markup(svg_text(wide, picture.name)),  # type: ignore[arg-type]  # noqa: S704 - matplotlib escapes text
        Markup(svg_text(narrow, f"{picture.name}-narrow")),  # type: ignore[arg-type]  # noqa: S704
        width_px,
        height_px,
    )


def page(record: StudyRecord, series: Mapping[str, xr.Dataset], *, terrain: Terrain | None = None) -> str:
    """Render the report of a study as the text of one HTML file.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series by name, as `moonpost.study.reading.load_series` gives them. Figures without a series are
        left out.
    terrain : Terrain, optional
        Heights for the map that are finer than the built-in ones.

    Returns
    -------
    str
        HTML without scripts and without addresses that would be loaded.

    Examples
    --------
    >>> from moonpost.study import load_study
    >>> text = page(load_study("out"), {})  # doctest: +SKIP
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("moonpost.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(day=day, minute=minute)
    first = overview(record, series)
    return environment.get_template("report.html").render(
        record=record,
        first=first,
        first_figures={
            name: draw(found) for name in ("month", "launches", "tornado") if (found := getattr(first, name))
        },
        sections=[
            (section, [_ready(part) for part in section.shown]) for section in sections(record, series, terrain)
        ],
    )


def _ready(part: Part) -> Part | Drawn:
    return draw(part) if isinstance(part, Picture) else part

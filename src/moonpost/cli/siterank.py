"""``moonpost site rank``: a plan's sites in order, and what the order hangs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from moonpost.cli.output import JSON, emit, phase, table
from moonpost.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the site verbs."""
    app.command("rank")(rank)


def rank(
    plan: Path = typer.Argument(help="A bundled plan or the path of a TOML file."),
    weights: str = typer.Option(
        "", help="Weights as CRITERION=WEIGHT with commas between; those of the report if not given."
    ),
    mast: float = typer.Option(None, help="Height above ground at which to compare [m]; the plan's highest."),
    as_json: bool = JSON,
) -> None:
    """Put a plan's sites in order by a weighted score, with the Pareto front and the order's sensitivity.

    Criteria: average_illumination, percent_lit, longest_light_d, earth_visible (more is better); longest_dark_d,
    longest_earth_outage_d, longest_dark_without_earth_d, slope_deg (less is better). "level at" is the weight of a
    criterion at which a site draws level with the first, the other weights in proportion.

    Example: moonpost site rank ilrs --weights average_illumination=2,longest_dark_d=1
    """
    from moonpost.study.ranking import WEIGHTS
    from moonpost.study.ranking import rank as order

    wanted = _weights(weights) if weights else WEIGHTS
    order((), wanted)  # bad weights are told before the sites are computed
    found = phase(str(plan), "site")
    if found.kind != "surface":
        raise InputError("the plan's station is in orbit", where=str(plan), advice="rank sites on the surface")
    heights = sorted({row.mast_m for row in found.rows})
    at = heights[-1] if mast is None else mast
    rows = [row for row in found.rows if row.mast_m == at]
    if not rows:
        raise InputError(
            f"no site was computed at {at:g} m",
            where="--mast",
            advice=f"give one of {', '.join(f'{height:g}' for height in heights)}",
        )
    ranked = order(rows, wanted)
    emit({"mast_m": at, "sites": ranked}, as_json, lambda: _text(ranked, rows, at))


def _weights(text: str) -> dict[str, float]:
    """Weights from ``NAME=NUMBER,...``."""
    found = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InputError(
                f"{part.strip()!r} is not a weight", where="--weights", advice="write longest_dark_d=0.5"
            ) from None
    return found


def _text(ranked: Any, rows: Any, mast_m: float) -> str:
    """The order for people, then the criteria behind it."""
    known = {row.site: row for row in rows}
    head = ["place", "site", "score", "first (%)", "places", "Pareto", "grade"]
    order = table(
        head,
        [
            [
                place,
                known[row.site].name,
                row.score,
                100.0 * row.first_share,
                f"{row.place_5}-{row.place_95}",
                not row.dominated_by,
                known[row.site].grade,
            ]
            for place, row in enumerate(ranked, start=1)
        ],
    )
    parts = table(
        ["site", "criterion", "value", "weight", "0 to 1", "level at"],
        [_part(known[row.site], row, name, first=not k) for row in ranked for k, name in enumerate(row.parts)],
    )
    note = "first: share of 2,000 random weightings in which a site is first; places: 5 to 95 % of them"
    return f"at {mast_m:g} m\n{order}\n{note}\n\n{parts}"


def _part(site: Any, row: Any, name: str, *, first: bool) -> list[Any]:
    """One criterion of one site; the site's name stands at the first."""
    return [
        site.name if first else "",
        name,
        getattr(site, name),
        row.weights[name],
        row.parts[name],
        row.overtakes[name],
    ]

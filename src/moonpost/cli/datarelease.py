"""``moonpost data-release``: who sees which data and from when, and labels for the archives."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import DataError, InputError, UnknownNameError

if TYPE_CHECKING:
    from moonpost.partners.pds4 import About, Content
    from moonpost.plan import Plan

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Who sees which data and from when; PDS4 labels."
)
_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")
_AT = typer.Option("", "--at", help="The day asked for, UTC; today if not given.")
_STATES = ("to-come", "embargoed", "partners", "public", "due", "never")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="data-release")


@_app.command("list")
def list_(
    plan: str = _PLAN,
    at: str = _AT,
    partner: str = typer.Option("", help="Tell what this partner may see; public for everybody."),
    state: str = typer.Option("", help="Only products that are " + ", ".join(_STATES) + "."),
    plot: Path | None = typer.Option(None, help="Also draw it into this .png, .svg or .pdf file."),
    as_json: bool = JSON,
) -> None:
    """List the data products of a plan: when they are taken, when partners and everybody see them.

    A range of dates counts to its end. due: the embargo is over and no publication is on record.

    Example: moonpost data-release list ilrs --at 2031-01-01 --partner egypt
    """
    from moonpost.partners import product_access, release_findings, releases
    from moonpost.plan import load_plan

    found = load_plan(plan)
    if state and state not in _STATES:
        raise UnknownNameError(state, _STATES, kind="state", where="--state")
    rows = [row for row in releases(found, at or None) if not state or row.state == state]
    if plot is not None:
        from moonpost.report.figures.releases import release_figure
        from moonpost.report.figures.style import save_figure

        save_figure(release_figure(rows, at or dt.datetime.now(dt.UTC).date().isoformat()), plot)
    for finding in release_findings(found):
        typer.echo(f"{finding.place}: {finding.text}", err=True)
    if not partner:
        cells = [
            [row.product, row.level, row.producer, row.collected, row.partners_from, row.public_from, row.state]
            for row in rows
        ]
        head = ["product", "level", "producer", "taken from", "partners from", "everybody from", "state"]
        emit([row.to_dict() for row in rows], as_json, lambda: table(head, cells))
        return
    answers = [product_access(found, row.product, partner, at or None) for row in rows]
    cells = [[row.product, row.answer, row.since, row.rule, row.text] for row in answers]
    head = ["product", f"{partner} may see it", "since", "rule", "why"]
    emit([row.to_dict() for row in answers], as_json, lambda: table(head, cells))


@_app.command("show")
def show(
    plan: str = _PLAN,
    name: str = typer.Argument(help="A data product or a sample of the plan."),
    at: str = _AT,
    partner: str = typer.Option("", help="Only this partner; public for everybody."),
    as_json: bool = JSON,
) -> None:
    """Tell who may see a data product, or borrow a sample, and from when, with the rule that decides.

    Example: moonpost data-release show ilrs mineral-maps --at 2027-06-01

    Example: moonpost data-release show ilrs ce5-sample --partner roscosmos
    """
    from moonpost.plan import load_plan

    found = load_plan(plan)
    products, samples = {row.id for row in found.products}, {row.id for row in found.samples}
    if name not in products | samples:
        raise UnknownNameError(name, products | samples, kind="data product or sample")
    if name in samples:
        _show_sample(found, name, partner, at, as_json)
        return
    from moonpost.partners import product_access, product_accesses

    answers = (
        (product_access(found, name, partner, at or None),)
        if partner
        else product_accesses(found, name, at or None)
    )
    cells = [[row.partner, row.answer, row.since, row.earliest, row.rule, row.text] for row in answers]
    head = ["partner", "may see it", "surely since", "earliest", "rule", "why"]
    emit([row.to_dict() for row in answers], as_json, lambda: table(head, cells))


def _show_sample(plan: Plan, name: str, partner: str, at: str, as_json: bool) -> None:
    from moonpost.partners.borrowing import sample_access, sample_accesses

    answers = (
        (sample_access(plan, name, partner, at or None),) if partner else sample_accesses(plan, name, at or None)
    )
    cells = [[row.partner, row.answer, row.since, row.soonest, row.rule, row.text] for row in answers]
    head = ["partner", "may borrow it", "since", "loan from", "rule", "why"]
    emit([row.to_dict() for row in answers], as_json, lambda: table(head, cells))


@_app.command("label")
def label(
    plan: str = _PLAN,
    product: str = typer.Argument(help="A data product of the plan; with --computed any name."),
    data: Path = typer.Argument(help="Maps (.tif), series or arrays (.nc), or a table (.csv)."),
    out: Path = typer.Option(Path(), "--out", help="Folder for data file and label."),
    computed: bool = typer.Option(False, help="Moonpost computed the data; no instrument took them."),
    version: str = typer.Option("1.0", "--version", help="Of the product; a later one keeps the history."),
    variables: str = typer.Option("", help="Which maps, series or columns, commas between; all if not given."),
    form: str = typer.Option("binary", help="Tables: binary, or delimited for CSV."),
    start: str = typer.Option("", "--from", help="First instant of the data, UTC, if the file does not tell."),
    stop: str = typer.Option("", "--to", help="Last instant of the data, UTC."),
    title: str = typer.Option("", help="One line; the product's name if not given."),
    change: str = typer.Option("First version.", help="What is new in this version."),
    date: str = typer.Option("", help="Day of this version, UTC; today if not given."),
    authority: str = typer.Option("urn:ros:rssa", help="Beginning of identifiers: that of the archive."),
    as_json: bool = JSON,
) -> None:
    """Write data with a PDS4 label (Information Model 1.20) beside them; nothing that is there is overwritten.

    Example: moonpost data-release label ilrs moonquake-series quakes.csv --form delimited --out archive

    Example: moonpost data-release label ilrs light-map illumination.tif --computed --out archive
    """
    from moonpost.partners.pds4 import check_label, read_content, write_product
    from moonpost.plan import load_plan

    if form not in ("binary", "delimited"):
        raise UnknownNameError(form, ("binary", "delimited"), kind="form", where="--form")
    found = load_plan(plan)
    names = [name.strip() for name in variables.split(",") if name.strip()]
    content = read_content(data, names, "delimited" if form == "delimited" else "binary")
    span = start or content.start, stop or content.stop
    if not all(span):
        raise InputError(f"{data.name} does not tell when its data begin and end", where="--from, --to")
    options = {"version": version, "authority": authority, "change": change, "date": date, "title": title}
    about = _about(found, product, content, span, options, computed)
    done = write_product(out, about, content.parts)
    check = check_label(done.label)
    if not check.sound:
        raise DataError(check.faults[0].text, where=str(done.label), advice="report this: the label is not sound")
    value = {
        "label": str(done.label),
        "data": str(done.data),
        "lid": done.lid,
        "version": done.version,
        "size_bytes": done.size_bytes,
        "md5": done.md5,
        "schema": check.schema,
    }
    emit(value, as_json, lambda: f"{done.label}\n{done.data}\n{done.lid}::{done.version}")


def _about(
    plan: Plan, product: str, content: Content, span: tuple[str, str], options: dict[str, str], computed: bool
) -> About:
    """What the label says, from the plan or for a result of Moonpost."""
    from moonpost.partners.pds4 import about_product, about_result

    if not computed:
        return about_product(plan, product, *span, sources=content.sources, **options)
    if any(row.id == product for row in plan.products):
        raise InputError(
            f"{product} is a product of an instrument",
            where="PRODUCT",
            advice="leave --computed out, or rename it",
        )
    options["title"] = options["title"] or content.title or product
    return about_result(plan, product, *span, sources=content.sources, **options)


@_app.command("record")
def record(
    place: str = typer.Argument(metavar="LEDGER", help="SQLite file, or postgresql://user@host:port/database."),
    labels: list[Path] = typer.Argument(help="Labels of what is released."),
    key: Path = typer.Option(..., "--key", help="Key of the party that releases them, as for 'ledger add'."),
    as_json: bool = JSON,
) -> None:
    """Record releases in the partners' ledger: identifier, version and digests of label and data.

    Example: moonpost data-release record station.db archive/light-map_v1.0.xml --key cnsa-0a1b2c3d.pem
    """
    from moonpost.cli.ledgerwrite import signer
    from moonpost.partners.ledger import Ledger
    from moonpost.partners.pds4 import record_releases

    with Ledger.open(place) as ledger:
        done = record_releases(ledger, signer(key, ledger.state()), labels)
    value = [{"entry": item.entry, "party": item.party, **item.body} for item in done]
    emit(
        value,
        as_json,
        lambda: "\n".join(f"entry {item.entry}: {item.party} released {item.name}" for item in done),
    )


@_app.command("check")
def check(
    labels: list[Path] = typer.Argument(help="Labels, or folders of labels."),
    schema: Path | None = typer.Option(
        None, help="XML Schema, such as the published PDS4_PDS_1K00.xsd; Moonpost's own subset if not given."
    ),
    ledger: str = typer.Option("", help="Ledger that has the releases: label and data must be what it says."),
    as_json: bool = JSON,
) -> None:
    """Check PDS4 labels against the schema, the model's further rules and their data; exit code 1 if unsound.

    Example: moonpost data-release check archive --schema PDS4_PDS_1K00.xsd
    """
    from dataclasses import replace

    from moonpost.partners.pds4 import check_label, check_recorded, recorded_releases

    paths = [path for given in labels for path in _labels(given)]
    found = [check_label(path, schema) for path in paths]
    if ledger:
        kept = recorded_releases(ledger)
        found = [
            replace(item, faults=(*item.faults, *check_recorded(kept, path)))
            for item, path in zip(found, paths, strict=True)
        ]
    cells = [[item.label, fault.line or None, fault.kind, fault.text] for item in found for fault in item.faults]

    def text() -> str:
        if cells:
            return table(["label", "line", "kind", "what"], cells)
        parts = sum(item.parts for item in found)
        return f"{len(found)} labels with {parts} arrays and tables: sound against {found[0].schema}"

    emit([item.to_dict() for item in found], as_json, text)
    if cells:
        raise typer.Exit(1)


def _labels(path: Path) -> list[Path]:
    """A label, or all labels of a folder."""
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("*.xml"))
    if not found:
        raise DataError("holds no label (*.xml)", where=str(path), advice="name a folder of labels")
    return found

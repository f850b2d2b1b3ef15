"""``moonpost data``: finer terrain products by name, fetched or imported."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from moonpost.cli.output import JSON, emit, table

__all__ = ["register"]

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Terrain products by name.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="data")


@_app.command("list")
def show(as_json: bool = JSON) -> None:
    """List terrain products, and which of them are here.

    A checksum is "published" where an independent record of it exists; else the first one seen is kept.

    Example: moonpost data list
    """
    from moonpost.terrain.products import data_folder, obtained, products

    here = obtained()
    rows = [
        {
            "name": product.name,
            "cell_m": product.cell_m,
            "to_latitude_deg": product.to_latitude_deg,
            "size_bytes": product.size_bytes,
            "checksum": "published" if product.sha256 else "first seen",
            "sha256": product.sha256 or here.get(product.name, {}).get("sha256"),
            "path": here.get(product.name, {}).get("path"),
            "licence": product.licence,
            "citation": product.citation,
            "url": product.url,
        }
        for product in products()
    ]
    known = {row["name"] for row in rows}
    rows += [
        {"to_latitude_deg": None, "checksum": record["checked"], "url": None, **_chosen(record)}
        for name, record in here.items()
        if name not in known
    ]
    emit(rows, as_json, lambda: _listing(rows, data_folder()))


def _chosen(record: dict[str, Any]) -> dict[str, Any]:
    """What the list shows of a file that is in no catalogue."""
    return {key: record[key] for key in ("name", "cell_m", "size_bytes", "sha256", "path", "licence", "citation")}


def _listing(rows: list[dict[str, Any]], folder: Path) -> str:
    """The list for people."""
    head = ["name", "cell (m)", "to (deg)", "size (MB)", "checksum", "here"]
    body = [
        [
            row["name"],
            row["cell_m"],
            row["to_latitude_deg"],
            row["size_bytes"] / 1e6 if row["size_bytes"] else None,
            row["checksum"],
            bool(row["path"]),
        ]
        for row in rows
    ]
    return f"{table(head, body)}\nfolder: {folder}\nuse one by its name: --terrain ldem_80s_20m"


@_app.command("fetch")
def fetch(
    name: str = typer.Argument(help="Name of a product, see: moonpost data list."), as_json: bool = JSON
) -> None:
    """Download a terrain product, check it and keep it.

    Example: moonpost data fetch ldem_80s_80m
    """
    from moonpost.terrain.products import fetch_product, find_product

    product = find_product(name)
    with _bar(product.name, sys.stderr.isatty()) as tell:
        record = fetch_product(product, tell)
    emit(record, as_json, lambda: _line(record))


@_app.command("import")
def take(
    file: Path = typer.Argument(help="The downloaded file; an image and its label lie side by side."),
    name: str = typer.Option(None, help="Name to keep it under, if not that of a known product."),
    as_json: bool = JSON,
) -> None:
    """Check a file that was downloaded elsewhere and keep it.

    Example: moonpost data import LDEM_80S_20M.IMG
    """
    from moonpost.terrain.products import import_product

    record = import_product(file, name)
    emit(record, as_json, lambda: _line(record))


def _line(record: dict[str, Any]) -> str:
    """What was kept, where and under which checksum."""
    return f"{record['name']}: {record['path']}\nSHA-256 {record['sha256']} ({record['checked']})"


@contextlib.contextmanager
def _bar(name: str, show_it: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callable that moves a bar of bytes."""
    if not show_it:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=28), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as display:
        task = display.add_task(name, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total or None)

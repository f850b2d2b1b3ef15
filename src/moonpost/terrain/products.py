"""Finer terrain products by name: where they come from, and a folder that keeps those obtained."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from moonpost.errors import DataError, UnknownNameError
from moonpost.files import atomic_folder, digest, write_json

__all__ = ["Product", "data_folder", "fetch_product", "find_product", "import_product", "obtained", "products"]

_RECORDS = "records.json"
_OFFLINE = "download it elsewhere and run: moonpost data import FILE"


@dataclass(frozen=True)
class Product:
    """A terrain product that can be fetched or imported by name.

    Parameters
    ----------
    name : str
        What it is asked for by.
    title : str
        What it is.
    url : str
        Where its heights are; of an image with a detached label the label lies beside it.
    cell_m : float
        Size of a cell [m].
    to_latitude_deg : float
        It reaches from the pole to this latitude [deg].
    size_bytes : int or None
        Size of the heights file, where it is known.
    sha256 : str or None
        Checksum of the heights file, where an independent record of it exists.
    licence, citation : str
        Terms of use, and what to cite.

    Examples
    --------
    >>> product = find_product("ldem_80s_20m")
    >>> product.cell_m, product.size_bytes
    (20.0, 1848320000)
    """

    name: str
    title: str
    url: str
    cell_m: float
    to_latitude_deg: float
    size_bytes: int | None
    sha256: str | None
    licence: str
    citation: str

    @property
    def file(self) -> str:
        """Name of the heights file."""
        return self.url.rsplit("/", 1)[1]

    @property
    def label_url(self) -> str | None:
        """Where the detached label is, if there is one."""
        return self.url[:-4] + ".lbl" if self.url.lower().endswith(".img") else None


def products() -> tuple[Product, ...]:
    """All products of the catalogue.

    Returns
    -------
    tuple of Product
        In the order of the catalogue.

    Examples
    --------
    >>> len(products()) > 10
    True
    """
    catalogue = tomllib.loads(files("moonpost.terrain").joinpath("products.toml").read_text(encoding="utf-8"))
    return tuple(_product(name, row, catalogue["sets"][row["set"]]) for name, row in catalogue["products"].items())


def _product(name: str, row: dict[str, Any], group: dict[str, Any]) -> Product:
    """One row of the catalogue."""
    return Product(
        name=name,
        title=group["title"],
        url=group["folder"] + row.get("file", f"{name}.img"),
        cell_m=row["cell_m"],
        to_latitude_deg=row["to_latitude_deg"],
        size_bytes=2 * row["cells"] ** 2 if "cells" in row else None,
        sha256=row.get("sha256"),
        licence=group["licence"],
        citation=group["citation"],
    )


def find_product(name: str) -> Product:
    """Find a product of the catalogue.

    Parameters
    ----------
    name : str
        Its name, in capitals or not.

    Returns
    -------
    Product
        The product.

    Raises
    ------
    UnknownNameError
        If there is none of this name.

    Examples
    --------
    >>> find_product("LDEM_875S_5M").cell_m
    5.0
    """
    known = {product.name: product for product in products()}
    if name.lower() not in known:
        raise UnknownNameError(name, tuple(known), kind="terrain product")
    return known[name.lower()]


def data_folder() -> Path:
    """Folder that keeps the products obtained.

    Returns
    -------
    pathlib.Path
        The folder named by the environment variable MOONPOST_CACHE, else the user's cache folder.

    Examples
    --------
    >>> data_folder().is_absolute()
    True
    """
    named = os.environ.get("MOONPOST_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("moonpost")).absolute()


def obtained(name: str | None = None) -> dict[str, dict[str, Any]]:
    """Records of the products that are in the folder.

    Parameters
    ----------
    name : str, optional
        Only this one.

    Returns
    -------
    dict
        By name: path to open, checksums, size, date and source. Products whose files are gone are left out.

    Raises
    ------
    DataError
        If the list of records cannot be read.

    Examples
    --------
    >>> isinstance(obtained(), dict)
    True
    """
    folder = data_folder()
    try:
        text = (folder / _RECORDS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        records = {key: dict(row) for key, row in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"the list of products cannot be read ({error})",
            where=str(folder / _RECORDS),
            advice="delete it and import the files of its folder again",
        ) from error
    for row in records.values():
        row["path"] = str(folder / row["open"])
    return {key: row for key, row in records.items() if Path(row["path"]).is_file() and name in (None, key)}


def fetch_product(product: Product, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Download a product into the folder and check it.

    Parameters
    ----------
    product : Product
        The product.
    progress : callable, optional
        Called with bytes so far and in all.

    Returns
    -------
    dict
        Its record, see `obtained`.

    Raises
    ------
    DataError
        If it cannot be downloaded, or is not what the catalogue says; nothing is kept then.

    Examples
    --------
    >>> import dataclasses
    >>> nowhere = dataclasses.replace(find_product("ldem_80s_80m"), url="http://127.0.0.1:9/a.img")
    >>> try:
    ...     fetch_product(nowhere)
    ... except DataError as error:
    ...     error.advice
    'download it elsewhere and run: moonpost data import FILE'
    """
    folder = data_folder()
    staging = folder / f".fetch-{product.name}"
    try:
        heights = _download(product.url, staging, product.sha256, progress)
        if product.label_url is not None:
            _download(product.label_url, staging, None, None)
        return _keep(product, heights, f"fetched from {product.url}")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _download(url: str, folder: Path, sha256: str | None, progress: Callable[[int, int], None] | None) -> Path:
    """Download one file through pooch."""
    import pooch
    import requests

    bar: Any = _Bar(progress) if progress else False
    try:
        found = pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            fname=url.rsplit("/", 1)[1],
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=bar, timeout=60),
        )
    except requests.RequestException as error:
        raise DataError(f"cannot be downloaded ({type(error).__name__})", where=url, advice=_OFFLINE) from error
    except ValueError as error:
        raise DataError(
            "its checksum is not that of the catalogue", where=url, advice=f"try again later, or {_OFFLINE}"
        ) from error
    return Path(found)


class _Bar:
    """What pooch tells of a download, handed on to a callable."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self.total, self._done, self._tell = 0, 0, tell

    def update(self, count: int) -> None:
        """Add bytes."""
        self._done += count
        self._tell(self._done, self.total)

    def reset(self) -> None:
        """Begin again."""
        self._done = 0

    def close(self) -> None:
        """Nothing to close."""


def import_product(path: str | os.PathLike[str], name: str | None = None) -> dict[str, Any]:
    """Take a product that was downloaded elsewhere into the folder, after the same checks.

    Parameters
    ----------
    path : path-like
        The heights file (or its label); of an image with a detached label both lie side by side.
    name : str, optional
        Name of the product; found from the file's name if not given. A file that is in no catalogue is kept
        under the name given.

    Returns
    -------
    dict
        Its record, see `obtained`.

    Raises
    ------
    DataError
        If it is missing, not what the catalogue says, not a map of the Moon's heights, of a name that is unknown
        while none is given, or if another file is kept under its name.

    Examples
    --------
    >>> try:
    ...     import_product("no/such/LDEM_80S_20M.IMG")
    ... except DataError as error:
    ...     error.what
    'is not a file'
    """
    given = Path(path)
    if given.suffix.lower() == ".lbl":
        given = _beside(given, ".img")
    if not given.is_file():
        raise DataError("is not a file", where=str(given), advice="give the path of the downloaded file")
    known = {product.name: product for product in products()}
    stem = (name or given.stem).lower()
    if stem not in known and name is None:
        raise DataError(
            f"{stem!r} is no product of the catalogue",
            where=str(given),
            advice="give it a name of your own with --name, or see: moonpost data list",
        )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", stem):
        raise DataError(f"{name!r} is not a name", where="name", advice="use letters, digits, _ . and -")
    return _keep(known.get(stem) or _own(stem, given), given, f"imported from {given.name}")


def _own(name: str, path: Path) -> Product:
    """A product of the user's own."""
    return Product(name, "imported by the user", f"./{path.name}", 0.0, 0.0, None, None, "", "")


def _beside(path: Path, suffix: str) -> Path:
    """The file of the same name with another suffix, in capitals or not."""
    for candidate in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if candidate.is_file():
            return candidate
    raise DataError(
        f"there is no {suffix} file beside it", where=str(path), advice="put image and label into one folder"
    )


def _keep(product: Product, heights: Path, how: str) -> dict[str, Any]:
    """Check the files of a product, then move or copy them into the folder and note them."""
    from moonpost.terrain.layer import Layer

    size = heights.stat().st_size
    if product.size_bytes is not None and size != product.size_bytes:
        raise DataError(
            f"has {size} bytes, {product.name} has {product.size_bytes}",
            where=str(heights),
            advice="download it again, or keep it under another name with --name",
        )
    found = digest(heights)
    if product.sha256 is not None and found != product.sha256:
        raise DataError(
            f"has SHA-256 {found[:16]}..., {product.name} has {product.sha256[:16]}...",
            where=str(heights),
            advice="download it again, or keep it under another name with --name",
        )
    parts = [heights]
    if heights.suffix.lower() == ".img":
        parts.append(_beside(heights, ".lbl"))
    label = parts[-1].name
    kept = obtained(product.name).get(product.name)
    if kept is not None and kept["sha256"] != found:
        raise DataError(
            f"another file is kept under this name (SHA-256 {kept['sha256'][:16]}...)",
            where=product.name,
            advice=f"import this one under another name with --name, or delete {Path(kept['path']).parent} first",
        )
    with atomic_folder(data_folder() / product.name) as folder:
        for part in parts:
            shutil.copyfile(part, folder / _name_in_label(part, parts[-1]))
        cell_m = Layer.open(folder / label).resolution_m
    record = {
        "name": product.name,
        "open": f"{product.name}/{label}",
        "cell_m": cell_m,
        "size_bytes": size,
        "sha256": found,
        "checked": "catalogue" if product.sha256 else "first seen",
        "source": how,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "licence": product.licence,
        "citation": product.citation,
    }
    previous = {key: {k: v for k, v in row.items() if k != "path"} for key, row in obtained().items()}
    write_json(data_folder() / _RECORDS, {**previous, product.name: record})
    return {**record, "path": str(data_folder() / str(record["open"]))}


def _name_in_label(part: Path, label: Path) -> str:
    """Name under which a label expects its image, since file systems tell capitals apart."""
    if part == label:
        return part.name
    text = label.read_text(encoding="latin-1")
    named = re.search(r"\^\w*IMAGE\s*=\s*\(?\s*\"([^\"]+)\"", text)
    return named.group(1) if named and named.group(1).lower() == part.name.lower() else part.name

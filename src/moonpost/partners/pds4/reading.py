"""Read PDS4 labels safely: no network, no entities, no document types."""

from __future__ import annotations

import os
from typing import Any

from moonpost.errors import DataError

__all__ = ["children", "find_text", "local_name", "read_tree"]

_LARGEST_BYTES = 50_000_000
_PDS = "{http://pds.nasa.gov/pds4/pds/v1}"


def read_tree(path: str | os.PathLike[str]) -> Any:
    """Read the root of a label.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    lxml.etree._Element
        Its root.

    Raises
    ------
    DataError
        If it cannot be read, is too large, is no XML or declares a document type.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.xml"
    ...     _ = path.write_text("<a/>")
    ...     read_tree(path).tag
    'a'
    """
    from lxml import etree

    try:
        if os.path.getsize(path) > _LARGEST_BYTES:
            raise DataError("is larger than 50 MB", where=str(path), advice="give a label")
        with open(path, "rb") as file:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
            tree = etree.parse(file, parser)
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror or error}", where=str(path), advice="check the path"
        ) from error
    except etree.XMLSyntaxError as error:
        raise DataError(f"is no XML: {error.msg}", where=str(path), advice="give a PDS4 label") from error
    if tree.docinfo.doctype:
        raise DataError("declares a document type", where=str(path), advice="labels have none: remove it")
    return tree.getroot()


def children(node: Any, path: str) -> list[Any]:
    """Elements of the PDS namespace below another.

    Parameters
    ----------
    node : lxml.etree._Element
        Where to begin.
    path : str
        Names with slashes between them.

    Returns
    -------
    list
        In the order of the label.

    Examples
    --------
    >>> from lxml import etree
    >>> children(etree.fromstring("<a/>"), "File")
    []
    """
    found: list[Any] = node.findall("/".join(_PDS + name for name in path.split("/")))
    return found


def find_text(node: Any, path: str) -> str:
    """Text of the first such element, white space joined; empty if there is none.

    Parameters
    ----------
    node : lxml.etree._Element
        Where to begin.
    path : str
        Names with slashes between them.

    Returns
    -------
    str

    Examples
    --------
    >>> from lxml import etree
    >>> find_text(etree.fromstring("<a/>"), "File/file_name")
    ''
    """
    found = children(node, path)
    return " ".join((found[0].text or "").split()) if found else ""


def local_name(node: Any) -> str:
    """Name of an element without its namespace.

    Parameters
    ----------
    node : lxml.etree._Element
        The element.

    Returns
    -------
    str

    Examples
    --------
    >>> from lxml import etree
    >>> local_name(etree.fromstring("<a xmlns='urn:b'/>"))
    'a'
    """
    return str(node.tag).rsplit("}", 1)[-1]

"""What rules need of an entry or an action, and how they refuse it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["RefusedError", "named", "need", "text_in"]


class RefusedError(Exception):
    """An entry or an action that the rules do not allow; its text is the reason.

    Examples
    --------
    >>> str(RefusedError("unknown change c"))
    'unknown change c'
    """


def need(condition: object, text: str) -> None:
    """Refuse unless a condition holds.

    Parameters
    ----------
    condition : object
        What has to be true.
    text : str
        The reason, if it is not.

    Raises
    ------
    RefusedError
        If it is not.

    Examples
    --------
    >>> need(1 < 2, "never told")
    """
    if not condition:
        raise RefusedError(text)


def text_in(body: Mapping[str, Any], name: str) -> str:
    """Text that a body must have under a name.

    Parameters
    ----------
    body : mapping
        What an entry says.
    name : str
        Of the field.

    Returns
    -------
    str

    Raises
    ------
    RefusedError
        If it is missing, empty or no text.

    Examples
    --------
    >>> text_in({"change": "mast"}, "change")
    'mast'
    """
    value = body.get(name)
    need(isinstance(value, str) and value, f"{name} is missing or no text")
    return str(value)


def named(value: Any, what: str) -> tuple[str, ...]:
    """Names of a list in which none stands twice.

    Parameters
    ----------
    value : object
        A list of texts.
    what : str
        What it lists, for the reason.

    Returns
    -------
    tuple of str

    Raises
    ------
    RefusedError
        If it is no list of different texts.

    Examples
    --------
    >>> named(["cn", "ru"], "parties")
    ('cn', 'ru')
    """
    sound = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    need(sound, f"{what} is no list of names")
    need(len(set(value)) == len(value), f"{what}: a name stands twice")
    return tuple(value)

"""What all verbs share: printing results for people or as JSON, and the group with a default verb."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

__all__ = ["JSON", "DefaultGroup", "emit", "phase", "plain", "table", "utc_text"]

JSON = typer.Option(False, "--json", help="Print JSON instead of text.")


class DefaultGroup(TyperGroup):
    """A group of verbs in which a first word that is no verb goes to the verb named ``plan``.

    So ``moonpost design PLAN`` and ``moonpost design regolith`` can both be written.
    """

    default = "plan"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default verb before a first word that names none."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def plain(value: Any) -> Any:
    """Turn a result into values that JSON can carry; NaN becomes null.

    Examples
    --------
    >>> plain({"a": (1, float("nan"))})
    {'a': [1, None]}
    """
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | int | bool) or value is None:
        return value
    if isinstance(value, Path):
        return str(value)
    return _plain_array(value)


def _plain_array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.datetime64):
        return utc_text(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, np.ndarray | list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def utc_text(instant: Any) -> str | None:
    """ISO 8601 text of a UTC instant to the second, or None for none.

    Examples
    --------
    >>> import numpy as np
    >>> utc_text(np.datetime64("2030-01-01T00:00:00.400", "ms"))
    '2030-01-01T00:00:00Z'
    """
    import numpy as np

    if instant is None or np.isnat(instant):
        return None
    rounded = np.datetime64(instant, "ms") + np.timedelta64(500, "ms")
    return str(rounded.astype("datetime64[s]")) + "Z"


def emit(value: Any, as_json: bool, text: Callable[[], str]) -> None:
    """Print a result as JSON, or as the text that `text` makes."""
    if as_json:
        typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(text())


def phase(plan: str, name: str) -> Any:
    """Run one phase of a plan, with progress bars on a terminal."""
    from moonpost.study import run_phase

    return run_phase(plan, name, progress=sys.stderr.isatty())


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Lay out rows in columns, numbers to the right.

    Examples
    --------
    >>> print(table(["site", "dark (d)"], [["ridge", 4.25], ["rim", 11.0]]))
    site   dark (d)
    -----  --------
    ridge      4.25
    rim       11.00
    """
    body = [[_cell(item) for item in row] for row in rows]
    widths = [max(len(str(head[i])), *(len(row[i][0]) for row in body), 1) for i in range(len(head))]
    right = [bool(body) and all(row[i][1] for row in body) for i in range(len(head))]
    lines = [
        "  ".join(_pad(str(name), widths[i], right[i]) for i, name in enumerate(head)),
        "  ".join("-" * width for width in widths),
    ]
    lines += ["  ".join(_pad(row[i][0], widths[i], right[i]) for i in range(len(head))) for row in body]
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> tuple[str, bool]:
    """A cell's text and whether it is a number."""
    if value is None:
        return "-", True
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if isinstance(value, float):
        return (f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"), True
    if isinstance(value, int):
        return f"{value:,}", True
    return str(value), False


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)

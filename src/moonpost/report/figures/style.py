"""The look that all figures share, and their way onto the page."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "DARK",
    "FULL_IN",
    "GREEN",
    "GREY",
    "HALF_IN",
    "INK",
    "LIGHT",
    "ORANGE",
    "PHONE_IN",
    "PURPLE",
    "RED",
    "SKY",
    "SPACE",
    "dates",
    "drawing",
    "owner_colours",
    "png_uri",
    "shade",
    "svg_text",
]

BLUE, SKY, GREEN, ORANGE = "#0072B2", "#56B4E9", "#009E73", "#E69F00"
RED, PURPLE, INK, GREY = "#D55E00", "#CC79A7", "#1D2733", "#5B6876"
DARK = "#C9D0DA"
"""Shade behind times without light."""
SPACE = "#16213A"

LIGHT = LinearSegmentedColormap.from_list("light", [SPACE, "#48608F", "#B9B08A", "#F6DE8D", "#FFF6CF"])
"""From no sunlight to the whole disc; its lightness rises all the way, so it reads without colour."""

FULL_IN, HALF_IN, PHONE_IN = 12.2, 5.9, 3.6
"""Widths of a figure over the page, of one of two side by side, and on a phone [inch of 96 CSS pixels]."""

_OWNERS = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY, "#7A6A00", "#444444")

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#8A94A0",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": "#E3E7EC",
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "legend.borderaxespad": 0.2,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "moonpost",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": GREY,
    "xtick.labelsize": 8.5,
    "ytick.color": GREY,
    "ytick.labelsize": 8.5,
}

P = ParamSpec("P")


@contextmanager
def _look() -> Iterator[None]:
    """Styles for the time of a drawing; letters that the measuring font lacks are drawn by the browser."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def drawing(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in the shared look, without touching anyone's settings."""

    @wraps(function)
    def draw(*args: P.args, **options: P.kwargs) -> Figure:
        with _look():
            return function(*args, **options)

    return draw


def dates(axis: Any, width_in: float, *, label: str = "Date [UTC]") -> None:
    """Set up a time axis: few ticks, labelled UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=max(4, int(width_in * 1.0)))
    axis.set_major_locator(locator)
    axis.set_major_formatter(
        ConciseDateFormatter(locator, show_offset=False, formats=_FORMATS, zero_formats=_ZEROS)
    )
    axis.set_label_text(label)


_FORMATS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"]
_ZEROS = ["", "%b\n%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]


def shade(axes: Any, time: npt.NDArray[Any], dark: npt.NDArray[np.bool_], **options: Any) -> None:
    """Shade the times at which `dark` is true, from top to bottom."""
    flags = np.concatenate(([0], dark.astype(np.int8), [0]))
    edges = np.flatnonzero(np.diff(flags))
    last = len(time) - 1
    look = {"color": DARK, "linewidth": 0, "zorder": 0, **options}
    for index, (start, stop) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        if index:
            look.pop("label", None)
        axes.axvspan(time[start], time[min(stop, last)], **look)


def owner_colours(owners: Iterator[str] | list[str]) -> dict[str, str]:
    """A colour for each owner, in the order in which they appear."""
    found: dict[str, str] = {}
    for owner in owners:
        found.setdefault(owner, _OWNERS[len(found) % len(_OWNERS)])
    return found


def png_uri(figure: Figure, *, scale: float = 2.0) -> str:
    """A figure as the text of a PNG data address, twice as fine as the screen.

    Parameters
    ----------
    figure : Figure
        The figure.
    scale : float
        Pixels for each CSS pixel.

    Returns
    -------
    str
        ``data:image/png;base64,...``.
    """
    buffer = io.BytesIO()
    with _look():
        figure.savefig(
            buffer, format="png", dpi=96 * scale, pil_kwargs={"optimize": True}, metadata={"Software": None}
        )
    return "data:image/png;base64," + base64.b64encode(_fewer_colours(buffer.getvalue())).decode("ascii")


def _fewer_colours(data: bytes) -> bytes:
    """The same picture in 256 colours: a third of the size, and no eye sees it at this density."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def svg_text(figure: Figure, name: str) -> str:
    """A figure as an inline SVG element whose text is text, and whose identifiers are its own.

    Parameters
    ----------
    figure : Figure
        The figure.
    name : str
        Put before every identifier in it, so that figures on one page never share one.

    Returns
    -------
    str
        The element, without prologue, namespaces or fixed size.
    """
    buffer = io.StringIO()
    with _look():
        figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"\n\s*", "\n", body)
    return f'<svg {box[0] if box else ""} focusable="false" aria-hidden="true">{body.strip()}'

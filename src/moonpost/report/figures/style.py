"""The look that all figures share, and their way onto the page."""

from __future__ import annotations

import base64
import io
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from moonpost.errors import InputError

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
    "legend_above",
    "owner_colours",
    "png_uri",
    "row_names",
    "save_figure",
    "shade",
    "short",
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
_ENDINGS = (".png", ".svg", ".pdf")
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


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file, as a whole or not at all.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : path-like
        A .png, .svg or .pdf file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the file ends otherwise.
    """
    from moonpost.files import atomic_path

    if Path(path).suffix.lower() not in _ENDINGS:
        raise InputError(
            f"ends in {Path(path).suffix!r}", where=str(path), advice=f"name it {', '.join(_ENDINGS)}"
        )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=144)
    return Path(path)


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    with _look():
        figure.set_dpi(96 * scale)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    # 256 colours: a third of the size, and at this density no eye sees it.
    picture = Image.fromarray(pixels).quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def legend_above(axes: Any, width_in: float, handles: Any = None) -> None:
    """Put a legend over the axes, in as many columns as fit into the width of the figure [inch]."""
    if handles is None:
        handles, _ = axes.get_legend_handles_labels()
    labels = [short(str(handle.get_label()), width_in, 0.6) for handle in handles]
    longest = max(map(len, labels), default=1)
    columns = max(1, min(len(handles), int((width_in - 0.7) / (0.5 + 0.075 * longest))))
    look = {"columnspacing": 1.2, "borderpad": 0.1, "ncols": columns}
    axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.0), **look)


def short(text: str, width_in: float, share: float = 0.3) -> str:
    """Cut a name that would take more than a share of a figure's width [inch]."""
    limit = max(12, int(share * width_in / 0.075))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def row_names(axes: Any, names: Sequence[str], width_in: float) -> None:
    """Name the rows of a bar chart: beside the axis, or above each bar where the figure is narrow."""
    narrow = width_in < 5.0
    beside = [""] * len(names) if narrow else [short(name, width_in) for name in names]
    axes.set_yticks(range(len(names)), beside)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(names) - 0.45, -0.9 if narrow else -0.55)
    if narrow:
        for k, name in enumerate(names):
            axes.annotate(
                short(name, width_in, 0.85),
                (0, k - 0.28),
                xycoords=("axes fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize=8.5,
                va="bottom",
                in_layout=False,
            )


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

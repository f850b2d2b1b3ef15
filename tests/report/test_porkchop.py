"""The porkchop plot: panels, axes with units, holes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.flight.transferends import Parking
from moonpost.flight.windows import Windows, scan_transfers
from moonpost.report.figures.porkchop import porkchop_figure, save_porkchop

DAYS = np.datetime64("2026-03-01", "ms") + np.arange(0, 28, 5) * np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def holed() -> Windows:
    """A month in which a plane of 20 deg does not always hold the Moon."""
    return scan_transfers(DAYS, np.linspace(3.5, 6.0, 4), Parking(inclination_deg=20.0))


def test_panels_name_what_they_show(holed: Windows) -> None:
    assert 0 < holed.converged.sum() < len(holed)
    figure = porkchop_figure(holed)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    titles = [axes.get_title(loc="left") for axes in panels]
    assert len(panels) == 8
    assert titles[0] == "TLI, short coast"
    assert titles[7] == "C3 at departure, long coast"
    assert panels[0].get_ylabel() == "Time of flight [d]"
    assert panels[4].get_xlabel() == "Departure [UTC]"
    bars = [axes.get_xlabel() for axes in figure.axes if axes not in panels]
    assert bars == ["TLI [km/s]", "LOI [km/s]", "TLI + LOI [km/s]", "C3 at departure [km²/s²]"]


def test_picture_is_kept(holed: Windows, tmp_path: Path) -> None:
    save_porkchop(holed, tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 20_000
    with pytest.raises(InputError, match=r"\.png"):
        save_porkchop(holed, tmp_path / "p.pdf")


def test_too_little_to_draw_is_refused() -> None:
    with pytest.raises(InputError, match="at least two"):
        porkchop_figure(scan_transfers(DAYS[:1], [4.0, 5.0]))
    with pytest.raises(InputError, match="no transfer"):
        porkchop_figure(scan_transfers(DAYS[:2], [4.0, 5.0], Parking(inclination_deg=1.0)))

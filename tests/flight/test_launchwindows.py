"""Windows from a site: lift-off, coast and transfer fit together, and the range is heeded."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.flight.launch import launch_times
from moonpost.flight.launchsites import LaunchSite, launch_site
from moonpost.flight.launchwindows import scan_launches
from moonpost.flight.state import State, tdb_seconds
from moonpost.flight.transferends import Parking
from moonpost.flight.windows import LAUNCH_ROW, ROW

DAYS = np.datetime64("2030-01-01", "ms") + np.arange(0, 28, 4) * np.timedelta64(1, "D")
SECOND = np.timedelta64(1, "s")


def test_lift_off_is_when_the_site_passes_through_the_plane() -> None:
    """Against `launch_times`, which follows the turning Earth for one state: to 8 s, where planes cut steeply."""
    site = launch_site("Kennedy")
    found = scan_launches(site, DAYS, [4.5], Parking(200e3, 36.0))
    assert found.converged.all()
    launches = found.launches
    assert launches is not None
    for cell in range(len(found)):
        place = np.unravel_index(cell, found.converged.shape)
        departure, lift = found.cell_departures[place], launches.utc[place]
        state = State(float(tdb_seconds(departure)), *np.split(found.targeted.departures[cell], 2), "earth")
        known = launch_times(state, site, lift - np.timedelta64(6, "h"))
        nearest = min(known, key=lambda launch: abs(launch.utc - lift))
        assert abs((nearest.utc - lift) / SECOND) < 8.0
        assert nearest.passing == ("descending" if launches.southbound[place] else "ascending")
        assert nearest.ground_azimuth_deg == pytest.approx(launches.azimuth_deg[place], abs=0.05)
        assert nearest.coast_s == pytest.approx(launches.coast_s[place], abs=5.0)
        spent = (departure - lift) / SECOND
        assert spent == pytest.approx(600.0 + launches.coast_s[place], abs=1.0)
        assert -3600.0 <= (lift - DAYS[place[0]]) / SECOND < 90000.0


def test_least_inclination_is_that_of_the_site() -> None:
    found = scan_launches(launch_site("Wenchang"), DAYS, [4.5], branches=["short"])
    assert found.converged.all()
    assert found.inclinations_deg.min() == pytest.approx(launch_site("Wenchang").geocentric_deg, abs=1e-5)
    assert found.inclinations_deg.max() > 24.0
    row = found.row(0)
    assert set(row) == {*ROW, *LAUNCH_ROW}


def test_the_range_is_heeded() -> None:
    """Kennedy may fly to 35 to 120 deg: 70 deg of inclination needs 20 or 160."""
    found = scan_launches(launch_site("Kennedy"), DAYS[:2], [4.5], Parking(200e3, 70.0))
    assert not found.converged.any()
    assert np.isnan(found.tli_m_s).all()
    row = found.row(0)
    assert "does not allow an azimuth" in row["reason"]
    assert row["launch"] is None
    free = LaunchSite("free", 28.608, -80.604)
    assert scan_launches(free, DAYS[:2], [4.5], Parking(200e3, 70.0)).converged.all()
    with pytest.raises(InputError, match="does not pass over"):
        scan_launches(launch_site("Vostochny"), DAYS[:1], [4.5], Parking(200e3, 28.5))
    with pytest.raises(InputError, match="ascent"):
        scan_launches(launch_site("Vostochny"), DAYS[:1], [4.5], ascent_s=-1.0)

"""The return of Chang'e 5 against what was published of it.

Events: ``missions/events.csv`` of the real data, each row with its source. Entry and separation: CNSA, 17 December
2020, "Chang'e 5's reentry capsule lands with moon samples": separated about 5,000 km above the southern Atlantic,
entered at 1:33 Beijing time. The burn is taken at its middle, 11 of about 22 minutes after its start.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from moonpost.flight.departures import LunarCircle
from moonpost.flight.entry import LANDING_PLACES, Entry
from moonpost.flight.entryaims import EntryAim
from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate
from moonpost.flight.returns import ReturnWindows, scan_returns
from moonpost.flight.state import State
from moonpost.flight.twoburns import two_burns
from moonpost.sky import Almanac

ENTRY = np.datetime64("2020-12-16T17:33", "ms")
TEI_ALTITUDE_M = 230e3
ORBIT = LunarCircle(TEI_ALTITUDE_M, 43.8)


@pytest.fixture(scope="module")
def events(moonpost_data: Path) -> dict[str, np.datetime64]:
    """Instants of Chang'e 5 by name."""
    with (moonpost_data / "missions" / "events.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["mission"] == "Chang'e 5"]
    return {row["event"]: np.datetime64(row["utc"], "ms") for row in rows}


@pytest.fixture(scope="module")
def departure(events: dict[str, np.datetime64]) -> np.datetime64:
    return events["TEI_2"] + np.timedelta64(11, "m")


@pytest.fixture(scope="module")
def flight_s(events: dict[str, np.datetime64], departure: np.datetime64) -> float:
    assert np.timedelta64(20, "m") < events["capsule_landing"] - ENTRY < np.timedelta64(30, "m")
    return float((ENTRY - departure) / np.timedelta64(1, "s"))


@pytest.fixture(scope="module")
def home(almanac: Almanac, departure: np.datetime64, flight_s: float) -> ReturnWindows:
    return scan_returns(almanac, departure, [flight_s], ORBIT, EntryAim(free="range"))


def test_change_5_comes_home(home: ReturnWindows) -> None:
    """0.83 to 0.88 km/s, two digits given; entry at 10.98 km/s, to 5 m/s as the angle is not published."""
    assert home.converged.all()
    assert home.reached.all()
    assert ((home.tei_m_s > 825.0) & (home.tei_m_s < 885.0)).all()
    for row in range(len(home)):
        assert home.entry(row).speed_m_s == pytest.approx(10_980.0, abs=5.0)
        assert 5_000e3 < home.range_m[row] < 7_500e3


def test_change_5_separates_above_the_southern_atlantic(home: ReturnWindows, almanac: Almanac) -> None:
    """5,000 km above it, which the real capsule was 20 minutes before entry (1:13 against 1:33 Beijing time)."""
    env = Environment.make(
        almanac, "2020-12-13", "2020-12-18", degree=0, bodies=("sun", "moon"), centre="earth",
        impact_radius_m={"earth": 0.0},
    )  # fmt: skip
    vector = home.entry_states[0]
    entry = State(float(home.entry_s[0]), vector[:3], vector[3:], "earth")
    apart = Entry.of(propagate(entry, entry.time_tdb_s - 1200.0, env).final)
    assert apart.altitude_m == pytest.approx(5_000e3, rel=0.05)
    assert -45.0 < apart.latitude_deg < -20.0
    assert -40.0 < apart.longitude_deg < 15.0


def test_a_branch_enters_over_27_n_52_e(almanac: Almanac, departure: np.datetime64, flight_s: float) -> None:
    """The way round that goes south past the point opposite to the Moon; it leads away from Siziwang Banner."""
    aim = EntryAim(place=None, inclination_deg=42.0, northbound=False)
    found = scan_returns(almanac, departure, [flight_s], LunarCircle(TEI_ALTITUDE_M, 90.0), aim)
    entry = found.entry(0)
    assert found.converged.all()
    assert (entry.latitude_deg, entry.longitude_deg) == pytest.approx((27.0, 52.0), abs=2.0)
    assert found.tei_m_s[0] == pytest.approx(867.0, abs=10.0)
    assert entry.speed_m_s == pytest.approx(10_980.0, abs=5.0)
    assert abs(entry.ranges_m(LANDING_PLACES["siziwang"])[1]) > 3_000e3


def test_tei_in_two_burns(
    home: ReturnWindows, almanac: Almanac, events: dict[str, np.datetime64], departure: np.datetime64
) -> None:
    """A day between the burns, perilune 200 km after the first and 230 km at the second, to the 20 km of rounding.

    Two ellipses of 12 h or three of 8 h lie within that; one of 24 h would have come from 130 to 150 km.
    """
    env = Environment.make(almanac, "2020-12-11T12:00", "2020-12-13T12:00", degree=20)
    first_s = float(env.tdb_s(events["TEI_1"])) + 300.0
    split = {count: two_burns(home.state(0), first_s, env, count) for count in (1, 2, 3)}
    for count in (2, 3):
        assert split[count].first_altitude_m == pytest.approx(200e3, abs=20e3)
        assert split[count].second_altitude_m == pytest.approx(TEI_ALTITUDE_M, abs=1.0)
        assert 0.82e3 < split[count].first_m_s + split[count].second_m_s < 0.88e3
    assert split[1].first_altitude_m < 160e3

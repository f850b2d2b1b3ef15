"""Panel attitudes: found by themselves again, over the real sky, with bad input refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.errors import InputError, ModelError
from moonpost.operations.dormancy import Event, EventTable
from moonpost.operations.panels import panel_attitude
from moonpost.operations.wakes import WakeThreshold, learnt_threshold, panel_normal, wake_rows, wanted_times
from moonpost.sky import Almanac, Site
from moonpost.terrain import HorizonProfile

SITE = Site(-45.457, 177.589)
PERIOD = ("2026-12-01", "2027-06-01")


@pytest.fixture(scope="module")
def wanted(almanac: Almanac) -> np.ndarray:
    return wanted_times(SITE, almanac, *PERIOD, sun_elevation_deg=5.0)


def test_a_horizontal_panel_wakes_at_one_elevation_of_the_sun(almanac: Almanac) -> None:
    # At 1 au a level panel gives 0.2 at 11.54 deg; the Sun's distance moves that by 3.4 % over the year.
    asked = wanted_times(SITE, almanac, *PERIOD, sun_elevation_deg=11.54)
    rows = wake_rows(SITE, almanac, WakeThreshold(0.2), 0.0, 123.0, asked)
    for row in rows:
        sun = almanac.sun(SITE, np.array([np.datetime64(row["wake_utc"].rstrip("Z"), "ms")]))
        share = float(sun.distance_factor[0] * np.sin(np.deg2rad(sun.elevation_deg[0])))
        assert share == pytest.approx(0.2, abs=1e-5)
        assert abs(row["miss_h"]) < 1.3


@settings(max_examples=5, deadline=None)
@given(tilt_deg=st.floats(5.0, 70.0), azimuth_deg=st.floats(20.0, 140.0), share=st.floats(0.3, 0.6))
def test_an_attitude_is_found_again_by_its_own_wake_times(
    tilt_deg: float, azimuth_deg: float, share: float
) -> None:
    almanac = Almanac.default()
    threshold = WakeThreshold(share)
    asked = wanted_times(SITE, almanac, "2026-12-01", "2027-03-10", sun_elevation_deg=20.0)
    rows = wake_rows(SITE, almanac, threshold, tilt_deg, azimuth_deg, asked)
    own = [row["wake_utc"] for row in rows if row["wake_utc"]]
    if not own:
        return
    found = panel_attitude(SITE, almanac, threshold, own, attitude_error_deg=0.0)
    # Others may wake at the same times; the times are what must come back, to the grid's half hour.
    assert found.rms_miss_h < 0.5


def test_turned_to_the_sunrise_it_wakes_earlier(almanac: Almanac, wanted: np.ndarray) -> None:
    threshold = WakeThreshold(0.2)
    miss = [
        np.mean([row["miss_h"] for row in wake_rows(SITE, almanac, threshold, 15.0, azimuth_deg, wanted)])
        for azimuth_deg in (85.0, 0.0, 265.0)
    ]
    assert miss[0] < miss[1] < miss[2]


def test_the_best_is_no_worse_than_any_of_the_map_and_uncertainty_counts(
    almanac: Almanac, wanted: np.ndarray
) -> None:
    found = panel_attitude(SITE, almanac, WakeThreshold(0.2, 0.02), wanted, compare_deg=(0.0, 0.0))
    assert found.compared is not None
    assert found.expected_miss_h < found.compared["expected_miss_h"]
    assert found.expected_miss_h > found.rms_miss_h
    for tilt_deg, azimuth_deg in ((10.0, 60.0), (5.0, 90.0), (40.0, 5.0)):
        rows = wake_rows(SITE, almanac, found.threshold, tilt_deg, azimuth_deg, wanted)
        parts = [row["miss_h"] ** 2 + row["sigma_h"] ** 2 for row in rows]
        assert np.sqrt(np.mean(parts)) > found.expected_miss_h - 0.05
    for row in found.rows:
        assert row["utc_earliest"] < row["wake_utc"] < row["utc_latest"]


def test_behind_a_mountain_it_cannot_wake_before_its_sunrise(almanac: Almanac) -> None:
    hill = HorizonProfile.flat(SITE, elevation_deg=8.0)
    asked = wanted_times(SITE, almanac, *PERIOD, after_sunrise_h=2.0, profile=hill)
    level = wanted_times(SITE, almanac, *PERIOD, after_sunrise_h=2.0)
    assert ((asked - level) / np.timedelta64(1, "h") > 20.0).all()
    found = panel_attitude(SITE, almanac, WakeThreshold(0.3), asked, profile=hill)
    assert found.rms_miss_h < 1.5
    assert min(row["sun_elevation_deg"] for row in found.rows) > 7.7


def test_limits_of_the_range_are_kept_and_told(almanac: Almanac, wanted: np.ndarray) -> None:
    found = panel_attitude(
        SITE, almanac, WakeThreshold(0.6), wanted, tilt_range_deg=(5.0, 20.0), azimuth_range_deg=(330.0, 390.0)
    )
    assert 5.0 <= found.tilt_deg <= 20.0
    assert found.azimuth_deg >= 330.0 or found.azimuth_deg <= 30.0
    assert any("end of its range" in note for note in found.notes)
    with pytest.raises(ModelError, match="no attitude in range"):
        panel_attitude(
            SITE, almanac, WakeThreshold(0.99), wanted, tilt_range_deg=(0.0, 5.0), azimuth_range_deg=(170.0, 190.0)
        )


def test_a_threshold_is_learnt_from_a_record_of_one_attitude(almanac: Almanac) -> None:
    asked = wanted_times(SITE, almanac, "2026-01-01", "2026-12-01", sun_elevation_deg=8.0)
    rows = wake_rows(SITE, almanac, WakeThreshold(0.25), 12.0, 70.0, asked)
    table = EventTable.of(
        Event("rover", "wake", utc=np.datetime64(row["wake_utc"].rstrip("Z"), "ms")) for row in rows
    )
    found = learnt_threshold(table, "rover", SITE, almanac, tilt_deg=12.0, azimuth_deg=70.0)
    assert found.share == pytest.approx(0.25, abs=1e-4)
    assert found.sigma_share == pytest.approx(0.0, abs=1e-4)
    with pytest.raises(InputError, match="one angle"):
        learnt_threshold(table, "rover", SITE, almanac, tilt_deg=12.0)
    with pytest.raises(ModelError, match="0 dated wakings"):
        learnt_threshold(table, "lander", SITE, almanac)


def test_normals() -> None:
    assert panel_normal(0.0, 77.0).tolist() == pytest.approx([1.0, 0.0, 0.0])
    assert panel_normal(90.0, 0.0).tolist() == pytest.approx([0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--threshold", "20", "--wake-sun", "5"], "--rated"),
        (["--wake-sun", "5"], "--events or --threshold"),
        (["--threshold", "nan", "--rated", "160", "--wake-sun", "5"], "above 0 W"),
        (["--threshold", "20", "--rated", "160"], "--wake-sun"),
        (["--threshold", "20", "--rated", "160", "--wake-sun", "5", "--tilt", "9"], "--tilt"),
        (["--threshold", "20", "--rated", "160", "--wake-sun", "89"], "does not pass"),
        (["--threshold", "20", "--rated", "160", "--wake", "2026-12-02", "--wake", "2026-12-03"], "one lunar day"),
    ],
)
def test_bad_input_is_told_in_one_line(options: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["operate", "panel", "--site=-45.4,177.6", "--from", "2026-12-01", *options])
    assert result.exit_code != 0
    assert told in str(result.exception)


def test_the_command_draws(tmp_path) -> None:  # type: ignore[no-untyped-def]
    picture = tmp_path / "panel.png"
    result = CliRunner().invoke(
        app,
        ["operate", "panel", "--site=-45.4,177.6", "--from", "2027-01-01", "--days", "70", "--threshold", "20",
         "--rated", "160", "--wake-sun", "5", "--plot", str(picture), "--json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 10_000

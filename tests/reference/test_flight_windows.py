"""Windows beside another program, and the field of the Moon, and published impulses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.transferends import Arrival, Parking
from moonpost.flight.transfers import transfer_environment
from moonpost.flight.windows import scan_transfers
from moonpost.sky import Almanac

DAY_S = 86400.0


def test_brahe_flies_the_departures_to_the_same_perilune(bh: Any, almanac: Almanac) -> None:
    """Three flights at its RKN1210 and 1e-12 with its own gravitational parameters: the perilune to 20 m.

    Moonpost is given brahe's parameters; both read DE440s. The state at the instant of perilune says how far
    off perilune is: r.v / v^2.
    """
    constants = {name: float(getattr(bh, f"GM_{name.upper()}")) for name in ("earth", "sun", "moon")}
    env = transfer_environment(almanac, "2030-01-01", "2030-01-25", gm_m3_s2=constants)
    dates = ["2030-01-02T06:00", "2030-01-09T18:00", "2030-01-17T00:00"]
    found = scan_transfers(dates, [4.5], Parking(200e3, 28.5), env=env, branches=["short"])
    assert found.converged.all()
    for row, start in enumerate(env.tdb_s(dates)):
        there = by_brahe(bh, found.targeted.departures[row], float(start), 4.5 * DAY_S)
        moon = env.body_state("moon", float(start) + 4.5 * DAY_S)[0]
        place, speed = there[:3] - moon[:3], there[3:] - moon[3:]
        assert np.linalg.norm(place) == pytest.approx(1837.4e3, abs=20.0)
        assert abs(place @ speed) / (speed @ speed) < 0.1
        assert np.linalg.norm(place - found.targeted.perilunes[row, :3]) < 200.0


def by_brahe(bh: Any, state: np.ndarray, start_tdb_s: float, lasting_s: float) -> Any:
    """Three point masses about the Earth."""
    source = bh.EphemerisSource.DE440s
    forces = bh.ForceModelConfig.for_body(
        bh.CentralBody.Earth,
        bh.GravityConfiguration.point_mass(),
        third_body=[
            bh.ThirdBodyConfiguration(body, ephemeris_source=source)
            for body in (bh.ThirdBody.SUN, bh.ThirdBody.MOON)
        ],
    )
    config = bh.NumericalPropagationConfig.with_method(bh.IntegrationMethod.RKN1210)
    epoch = bh.Epoch.from_datetime(2000, 1, 1, 12, 0, 0.0, 0.0, bh.TimeSystem.TDB) + start_tdb_s
    flight = bh.NumericalOrbitPropagator(
        epoch, np.asarray(state), config.with_rel_tol(1e-12).with_abs_tol(1e-7), forces
    )
    flight.set_trajectory_mode(bh.TrajectoryMode.DISABLED)
    flight.propagate_to(epoch + lasting_s)
    return np.asarray(flight.current_state())


@pytest.mark.parametrize(("degree", "far"), [(0, 300.0), (10, 20.0)])
def test_perilune_in_the_field_of_the_moon(almanac: Almanac, degree: int, far: float) -> None:
    """Flown about the Moon from 12 h before perilune on, by `propagate` with its events, in the field to 30x30.

    The figure of the Moon moves a perilune that was found with point masses by 0.1 km; with point masses it
    is found again to 5 m. Windows that are found in a field to 10x10 keep theirs to 20 m.
    """
    env = transfer_environment(almanac, "2030-01-01", "2030-01-15", degree=degree)
    near = Environment.make(almanac, "2030-01-01", "2030-01-15", degree=30)
    same = Environment.make(almanac, "2030-01-01", "2030-01-15", degree=degree)
    dates = ["2030-01-02", "2030-01-08"]
    found = scan_transfers(dates, [4.0], arrival=Arrival(100e3, 90.0), env=env)
    for row, start in enumerate(np.repeat(env.tdb_s(dates), 2)):
        begin = State(float(start), *np.split(found.targeted.departures[row], 2), "earth")
        before = propagate(begin, float(start) + 3.5 * DAY_S, env, rtol=1e-13).final.from_centre("moon", env)
        for made, tolerance in ((same, 5.0), (near, far)):
            flown = propagate(before, float(start) + 4.2 * DAY_S, made, rtol=1e-13, events=apsides())
            passages = [flown.at(before.time_tdb_s + event.elapsed_s)[0, :3] for event in flown.events]
            assert min(np.linalg.norm(passages, axis=1)) == pytest.approx(1837.4e3, abs=tolerance)


def test_published_budget_with_its_reserve(almanac: Almanac) -> None:
    """Published for a lunar campaign, with 5 % reserve: TLI 3.276 km/s from 407 km, LOI 0.952 km/s.

    A budget holds for any day, so it is compared with the dearest cell of a month at 3.5 to 6 days: TLI to 2 %,
    LOI to 5 %, as the height of the orbit at the Moon is not told.
    """
    days = np.datetime64("2030-01-01", "ms") + np.arange(0, 28, 3) * np.timedelta64(1, "D")
    found = scan_transfers(days, [3.5, 4.5, 6.0], Parking(407e3), almanac=almanac)
    assert 1.05e-3 * found.tli_m_s.max() == pytest.approx(3.276, rel=0.02)
    assert 1.05e-3 * found.loi_m_s.max() == pytest.approx(0.952, rel=0.05)

"""Flights against brahe (MIT), another program, on the same kernels, field and constants.

brahe 1.8 reads the same DE440s and lunar orientation, takes GRGM1200A from a file written here, and has the
gravitational parameters 398600.4415 (Earth) and 132712440041.9394 km3/s2 (Sun), which are given to Moonpost too.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GRGM1200A_LABEL_GM_M3_S2, GravityField
from moonpost.flight.propagate import propagate, propagate_batch
from moonpost.flight.state import State
from moonpost.sky import Almanac

START_TDB_S = 946728000.0
"""2030-01-01T00:00:00 TDB."""
DAY_S = 86400.0


def low_orbit() -> np.ndarray:
    """A circle of 100 km over the poles, at the crossing of the equator; the pole by IAU to 0.01 deg."""
    ascension, declination = np.radians([266.86, 65.64])
    level = np.cos(declination)
    pole = np.array([level * np.cos(ascension), level * np.sin(ascension), np.sin(declination)])
    outward = np.cross(pole, [0.0, 0.0, 1.0])
    radius = 1838e3
    return np.concatenate([radius * outward / np.linalg.norm(outward), np.sqrt(4902.800118e9 / radius) * pole])


def translunar() -> np.ndarray:
    """200 km above the Earth, just after an injection that leads past the Moon's distance in five days."""
    r, v = np.array([np.cos(0.5), np.sin(0.5), 0.0]), np.array([-np.sin(0.5), np.cos(0.5), 0.0]) * np.cos(0.4)
    return np.concatenate([6578e3 * r, 10930.0 * (v + np.sin(0.4) * np.eye(3)[2])])


@pytest.fixture(scope="module")
def coefficients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GRGM1200A to degree 50 in the form of the ICGEM."""
    field = GravityField.default(50)
    path = tmp_path_factory.mktemp("field") / "grgm1200a.gfc"
    head = {
        "product_type": "gravity_field",
        "modelname": "GRGM1200A",
        "earth_gravity_constant": repr(float(field.gm_m3_s2)),
        "radius": repr(float(field.radius_m)),
        "max_degree": 50,
        "errors": "no",
        "norm": "fully_normalized",
        "tide_system": "tide_free",
        "key": "L M C S",
        "end_of_head": "===",
    }
    lines = [f"{key} {value}" for key, value in head.items()] + ["gfc 0 0 1.0 0.0"]
    for n in range(1, 51):
        pairs = zip(field.cosine[n, : n + 1].tolist(), field.sine[n, : n + 1].tolist(), strict=True)
        lines += [f"gfc {n} {m} {cosine!r} {sine!r}" for m, (cosine, sine) in enumerate(pairs)]
    path.write_text("\n".join(lines) + "\n")
    return path


def their_constants(bh: Any, moon: bool = False) -> dict[str, float]:
    found = {"earth": float(bh.GM_EARTH), "sun": float(bh.GM_SUN)}
    return found | ({"moon": float(bh.GM_MOON)} if moon else {})


def by_brahe(
    bh: Any, state: np.ndarray, forces: Any, rtol: float, method: str = "RKN1210"
) -> Callable[[float], Any]:
    """A flight of brahe, ready to go; gives it back after so many seconds."""
    config = bh.NumericalPropagationConfig.with_method(getattr(bh.IntegrationMethod, method))
    config = config.with_rel_tol(rtol).with_abs_tol(1e-7)
    epoch = bh.Epoch.from_datetime(2030, 1, 1, 0, 0, 0.0, 0.0, bh.TimeSystem.TDB)
    flight = bh.NumericalOrbitPropagator(epoch, state, config, forces)
    flight.set_trajectory_mode(bh.TrajectoryMode.DISABLED)

    def fly(seconds: float) -> Any:
        flight.propagate_to(epoch + seconds)
        return np.asarray(flight.current_state())

    fly.flight, fly.epoch = flight, epoch  # type: ignore[attr-defined]
    return fly


def lunar_forces(bh: Any, coefficients: Path, degree: int) -> Any:
    model = bh.GravityModelType.from_file(str(coefficients))
    source = bh.EphemerisSource.DE440s
    return bh.ForceModelConfig.for_body(
        bh.CentralBody.Moon,
        bh.GravityConfiguration.spherical_harmonic(
            degree, degree, model_type=model, parallel=bh.ParallelMode.Never
        ),
        third_body=[
            bh.ThirdBodyConfiguration(body, ephemeris_source=source)
            for body in (bh.ThirdBody.SUN, bh.ThirdBody.EARTH)
        ],
    )


def earthly_forces(bh: Any) -> Any:
    source = bh.EphemerisSource.DE440s
    return bh.ForceModelConfig.for_body(
        bh.CentralBody.Earth,
        bh.GravityConfiguration.point_mass(),
        third_body=[
            bh.ThirdBodyConfiguration(body, ephemeris_source=source)
            for body in (bh.ThirdBody.SUN, bh.ThirdBody.MOON)
        ],
    )


def test_low_orbit_after_30_days(bh: Any, almanac: Almanac, coefficients: Path) -> None:
    """To 5 cm (both programs keep their own truncation below 1 cm), in less than half of the processor time."""
    env = Environment.make(
        almanac, START_TDB_S, START_TDB_S + 30 * DAY_S, rotate_field=False, gm_m3_s2=their_constants(bh)
    )
    state = State(START_TDB_S, *np.split(low_orbit(), 2))
    propagate(state, START_TDB_S + 60.0, env, dense=False, method="rkn1210")
    begun = time.process_time()
    ours = propagate(state, START_TDB_S + 30 * DAY_S, env, dense=False, method="rkn1210", rtol=1e-12).final
    spent = time.process_time() - begun
    forces = lunar_forces(bh, coefficients, 50)
    by_brahe(bh, low_orbit(), forces, 1e-12)(60.0)
    fly = by_brahe(bh, low_orbit(), forces, 1e-12)
    begun = time.process_time()
    theirs = fly(30 * DAY_S)
    their_time = time.process_time() - begun
    assert np.linalg.norm(ours.position_m - theirs[:3]) < 0.05
    assert np.linalg.norm(ours.velocity_m_s - theirs[3:]) < 5e-5
    exact = propagate(state, START_TDB_S + 30 * DAY_S, env, dense=False, method="rkn1210", rtol=1e-15).final
    assert np.linalg.norm(ours.position_m - exact.position_m) < 0.02
    assert their_time > 2.0 * spent
    dense = propagate(state, START_TDB_S + 30 * DAY_S, env, dense=False, rtol=1e-13).final
    assert np.linalg.norm(dense.position_m - theirs[:3]) < 0.5


def test_low_degree_costs_kilometres(bh: Any, almanac: Almanac, coefficients: Path) -> None:
    """10x10 in place of 50x50: 11 to 21 km after 30 days, in both programs alike."""
    state, stop = State(START_TDB_S, *np.split(low_orbit(), 2)), START_TDB_S + 30 * DAY_S
    ends = []
    for degree in (10, 50):
        env = Environment.make(
            almanac, START_TDB_S, stop, degree=degree, rotate_field=False, gm_m3_s2=their_constants(bh)
        )
        ends.append(propagate(state, stop, env, dense=False, method="rkn1210").final.position_m)
    assert 11e3 < np.linalg.norm(ends[1] - ends[0]) < 21e3
    theirs = by_brahe(bh, low_orbit(), lunar_forces(bh, coefficients, 10), 1e-12)(30 * DAY_S)
    assert np.linalg.norm(ends[0] - theirs[:3]) < 0.05


def test_translunar_flight_of_five_days(bh: Any, almanac: Almanac) -> None:
    """Three point masses with brahe's constants, to 0.3 m; at 1e-10 within 5 m of 1e-12."""
    env = Environment.make(
        almanac,
        START_TDB_S,
        START_TDB_S + 5 * DAY_S,
        degree=0,
        centre="earth",
        bodies=("sun", "moon"),
        gm_m3_s2=their_constants(bh, moon=True),
    )
    state, stop = State(START_TDB_S, *np.split(translunar(), 2), centre="earth"), START_TDB_S + 5 * DAY_S
    theirs = by_brahe(bh, translunar(), earthly_forces(bh), 1e-12)(5 * DAY_S)
    for method in ("dop853", "rkn1210"):
        found = {
            rtol: propagate(state, stop, env, rtol=rtol, dense=False, method=method).final
            for rtol in (1e-12, 1e-10)
        }  # type: ignore[arg-type]
        assert np.linalg.norm(found[1e-12].position_m - theirs[:3]) < 0.3
        assert np.linalg.norm(found[1e-10].position_m - found[1e-12].position_m) < 5.0


def test_translunar_batch_is_forty_times_faster(bh: Any, almanac: Almanac) -> None:
    """Processor time a flight, brahe's own parallel call on a few flights, ours on a thousand."""
    env = Environment.make(
        almanac,
        START_TDB_S,
        START_TDB_S + 5 * DAY_S,
        degree=0,
        centre="earth",
        bodies=("sun", "moon"),
        gm_m3_s2=their_constants(bh, moon=True),
    )
    rng = np.random.default_rng(7)
    states = translunar() + rng.normal(size=(1000, 6)) * [0, 0, 0, 1.0, 1.0, 1.0]
    propagate_batch(states[:1], START_TDB_S, START_TDB_S + 60.0, env)
    begun = time.process_time()
    ours = propagate_batch(states, START_TDB_S, START_TDB_S + 5 * DAY_S, env, rtol=1e-10)
    spent = (time.process_time() - begun) / 1000
    assert ours.arrived.all()
    flights = [by_brahe(bh, state, earthly_forces(bh), 1e-10, "DP54") for state in states[:4]]
    begun = time.process_time()
    bh.par_propagate_to([fly.flight for fly in flights], flights[0].epoch + 5 * DAY_S)  # type: ignore[attr-defined]
    their_time = (time.process_time() - begun) / 4
    for k, fly in enumerate(flights):
        assert np.linalg.norm(np.asarray(fly.flight.current_state())[:3] - ours.states[k, :3]) < 10.0  # type: ignore[attr-defined]
    assert their_time > 40.0 * spent


def test_frame_of_the_field_and_its_gm_count_in_metres(almanac: Almanac) -> None:
    """The turn of 0.30 arcsecond moves this orbit by 1 to 4 m in 30 days; the label's GM by 3 to 60 m.

    The second: 7.2e-6 of 4902.8 km3/s2 is 1.5e-9, half of it in the mean motion of 320 revolutions of 11,550 km.
    """
    state, stop = State(START_TDB_S, *np.split(low_orbit(), 2)), START_TDB_S + 30 * DAY_S
    env = Environment.make(almanac, START_TDB_S, stop)
    plain = dataclasses.replace(env, rotate_field=False)
    label = dataclasses.replace(env, gm_m3_s2=dict(env.gm_m3_s2) | {"moon": GRGM1200A_LABEL_GM_M3_S2})
    ends = [
        propagate(state, stop, made, dense=False, method="rkn1210").final.position_m
        for made in (env, plain, label)
    ]
    assert 1.0 < np.linalg.norm(ends[1] - ends[0]) < 4.0
    assert 3.0 < np.linalg.norm(ends[2] - ends[0]) < 60.0

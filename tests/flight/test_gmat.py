"""GMAT scripts: every object is made before it is used, numbers are those of the flight, coasts add up.

GMAT itself is not at hand here: the structure is checked, not the run.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError, OutputError
from moonpost.flight.burns import Burn, Impulse
from moonpost.flight.environment import Environment
from moonpost.flight.gmat import gmat_script, write_gmat
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.sunlight import Sunlight
from moonpost.flight.trajectory import Trajectory
from moonpost.sky import Almanac

START = 946728000.0
HOUR = 3600.0
BURNS = (
    Impulse(START + 1800.5, [20.0, -1.0, 3.0], specific_impulse_s=310.0),
    Burn(START + 4000.0, 400.0, 310.0, delta_v_m_s=8.0, direction="backward"),
    Impulse(START + 7000.0, [0.0, 5.0, 0.0], axes="J2000"),
)
KINDS = {
    "CoordinateSystem", "Spacecraft", "ChemicalTank", "ChemicalThruster", "FiniteBurn", "ImpulsiveBurn",
    "ForceModel", "Propagator", "ReportFile", "Variable",
}  # fmt: skip
GIVEN = {"Luna", "Earth", "Sun", "SolarSystem"}


@pytest.fixture(scope="module")
def flown(almanac: Almanac) -> Trajectory:
    env = Environment.make(almanac, START, START + 3 * HOUR, degree=12, sunlight=Sunlight(10.0, 1200.0, 1.4))
    low = State.circling(env, START, 100e3, 85.0, mass_kg=1200.0)
    return propagate(low, START + 3 * HOUR, env, burns=BURNS)


def values(script: str) -> dict[str, str]:
    """What each field is set to."""
    return dict(re.findall(r"^(\S+\.\S+) = (.*);$", script, re.M))


def created(script: str) -> dict[str, str]:
    return {name: kind for kind, name in re.findall(r"^Create (\w+) (\w+);$", script, re.M)}


def coasts(script: str) -> list[float]:
    """Seconds of propagation, loops unrolled."""
    found, times = [], 1
    for line in script.splitlines():
        if loop := re.fullmatch(r"For count = 1:1:(\d+);", line):
            times = int(loop[1])
        elif line == "EndFor;":
            times = 1
        elif step := re.search(r"ElapsedSecs = ([^}]*)}", line):
            found += [float(step[1])] * times
    return found


def check(script: str) -> None:
    """Every line is a statement, every object is made once and before it is used."""
    made = created(script)
    assert set(made.values()) <= KINDS
    assert len(made) == script.count("Create ")
    assert script.count("BeginMissionSequence;") == 1
    assert all(not line or line.startswith("%") or line.endswith(";") for line in script.splitlines())
    order = {name: script.index(f"Create {made[name]} {name};") for name in made}
    for match in re.finditer(r"^(\w+)\.(\S+) = (.*);$", script, re.M):
        owner, field, value = match.groups()
        assert owner in GIVEN or order[owner] < match.start()
        if field in ("FM", "Tank", "Tanks", "Thrusters"):
            assert set(re.findall(r"\w+", value)) <= set(made)
    sequence = script.partition("BeginMissionSequence;")[2]
    for burn in re.findall(r"(?:Maneuver|BeginFiniteBurn|EndFiniteBurn) (\w+)\(", sequence):
        assert made[burn] in ("ImpulsiveBurn", "FiniteBurn")
    assert sequence.count("BeginFiniteBurn") == sequence.count("EndFiniteBurn")
    assert sequence.count("For ") == sequence.count("EndFor;")


def test_a_flight_with_burns_is_written_whole(flown: Trajectory, tmp_path: Path) -> None:
    script = write_gmat(tmp_path / "tug.script", flown, burns=BURNS, name="Tug").read_text()
    check(script)
    fields = values(script)
    start = flown.start
    place = [float(fields[f"Tug.{axis}"]) for axis in ("X", "Y", "Z", "VX", "VY", "VZ")]
    assert np.array(place) == pytest.approx(start.vector / 1e3, rel=1e-14, abs=1e-12)
    assert (fields["Tug.DateFormat"], fields["Tug.Epoch"]) == ("TDBGregorian", "'01 Jan 2030 00:00:00.000'")
    assert (fields["Tug.CoordinateSystem"], fields["CraftFrame.Origin"], fields["CraftFrame.Axes"]) == (
        "CraftFrame",
        "Luna",
        "MJ2000Eq",
    )
    assert (fields["Forces.CentralBody"], fields["Forces.PointMasses"]) == ("Luna", "{Sun, Earth}")
    assert (fields["Forces.GravityField.Luna.Degree"], fields["Forces.GravityField.Luna.Order"]) == ("12", "12")
    assert fields["Forces.GravityField.Luna.PotentialFile"] == "'tug.cof'"
    assert fields["Luna.SpiceFrameId"] == "'MOON_PA'"
    assert float(fields["Luna.Mu"]) == 4902.8001224453
    assert (fields["Forces.SRP"], fields["Tug.SRPArea"], fields["Tug.Cr"]) == ("On", "10.0", "1.4")
    assert fields["States.Filename"] == "'tug.report'"
    used = start.mass_kg - flown.final.mass_kg  # type: ignore[operator]
    assert float(fields["Tug.DryMass"]) + float(fields["Tank.FuelMass"]) == pytest.approx(1200.0)
    assert used < float(fields["Tank.FuelMass"]) < 1.02 * used
    assert float(fields["Tank.FuelMass"]) < float(fields["Tank.Volume"]) * float(fields["Tank.FuelDensity"])


def test_the_field_goes_with_the_script(flown: Trajectory, tmp_path: Path) -> None:
    """Read by columns, as GMAT does."""
    write_gmat(tmp_path / "tug.script", flown, burns=BURNS, field_file="grgm900c.cof")
    assert not (tmp_path / "tug.cof").exists()
    write_gmat(tmp_path / "tug.script", flown, burns=BURNS)
    field = flown.env.field
    cosine, sine = np.zeros((13, 13)), np.zeros((13, 13))
    for line in (tmp_path / "tug.cof").read_text().splitlines():
        if line.startswith("POTFIELD"):
            assert (int(line[8:11]), int(line[11:14])) == (12, 12)
            assert [float(word) for word in line[14:].split()] == [0.0, field.gm_m3_s2, field.radius_m, 1.0]
        elif line.startswith("RECOEF"):
            n, m = int(line[8:11]), int(line[11:14])
            cosine[n, m], sine[n, m] = float(line[17:38]), float(line[38:59])
            assert len(line) == 59
    assert np.allclose(cosine, field.cosine, rtol=1e-14, atol=0.0)
    assert np.allclose(sine, field.sine, rtol=1e-14, atol=0.0)


def test_burns_are_those_of_the_flight_and_coasts_add_up(flown: Trajectory) -> None:
    script = gmat_script(flown, burns=BURNS, step_s=500.0)
    fields = values(script)
    assert [float(fields[f"Burn1.Element{k}"]) for k in (1, 2, 3)] == [0.02, -0.001, 0.003]
    assert (fields["Burn1.Axes"], fields["Burn1.Isp"], fields["Burn1.DecrementMass"]) == ("VNB", "310.0", "true")
    assert (fields["Burn3.Axes"], fields["Burn3.DecrementMass"]) == ("MJ2000Eq", "false")
    assert (fields["Engine2.C1"], fields["Engine2.K1"]) == ("400.0", "310.0")
    assert [float(fields[f"Engine2.ThrustDirection{k}"]) for k in (1, 2, 3)] == [-1.0, 0.0, 0.0]
    sequence = script.partition("BeginMissionSequence;")[2]
    before, _, rest = sequence.partition("Maneuver Burn1(Craft);")
    assert sum(coasts(before)) == pytest.approx(1800.5, abs=1e-9)
    until, _, rest = rest.partition("BeginFiniteBurn Burn2(Craft);")
    assert sum(coasts(until)) == pytest.approx(2199.5, abs=1e-9)
    burning = rest.partition("EndFiniteBurn Burn2(Craft);")[0]
    fired = flown.firings[0]
    assert sum(coasts(burning)) == pytest.approx(fired.stop_elapsed_s - fired.start_elapsed_s, abs=1e-9)
    assert sum(coasts(sequence)) == pytest.approx(3 * HOUR, abs=1e-9)
    assert max(coasts(sequence)) == 500.0


def test_other_environments(almanac: Almanac) -> None:
    plain = Environment.make(almanac, START - 7200.0, START, degree=0, bodies=())
    low = State.circling(plain, START - 0.1234567, 100e3, 90.0)
    script = gmat_script(propagate(low, START - 7200.0, plain))
    check(script)
    fields = values(script)
    assert "Forces.GravityField.Luna.Degree" not in fields
    assert fields["Forces.PointMasses"] == "{Luna}"
    assert fields["Craft.DateFormat"] == "TDBModJulian"
    day = float(fields["Craft.Epoch"].strip("'"))
    assert (day - 21545.0) * 86400.0 == pytest.approx(START - 0.1234567, abs=2e-6)
    assert "Propagate BackProp Fly(Craft)" in script
    assert sum(coasts(script)) == pytest.approx(-7199.8765433, abs=1e-6)
    earthly = Environment.make(
        almanac, START, START + HOUR, degree=4, centre="earth", bodies=("sun", "moon"), tides=True
    )
    state = State(START, np.array([6578e3, 0, 0]), np.array([0, 10.9e3, 800.0]), "earth")
    script = gmat_script(propagate(state, START + HOUR, earthly))
    check(script)
    assert values(script)["Forces.PointMasses"] == "{Earth, Sun, Luna}"
    assert "Left out: the field of the Moon" in script
    assert "Left out: the solid tide" in script
    assert "Not run in GMAT" in script


def test_burns_after_an_impact_are_left_out(almanac: Almanac) -> None:
    env = Environment.make(almanac, START, START + 12 * HOUR, degree=0)
    down = State.circling(env, START, 50e3, 90.0, mass_kg=500.0)
    burns = [
        Burn(START + 600.0, 400.0, 310.0, delta_v_m_s=60.0, direction="backward"),
        Burn(START + 9 * HOUR, 400.0, 310.0, duration_s=10.0),
        Impulse(START + 10 * HOUR, [1.0, 0, 0]),
    ]
    flown = propagate(down, START + 12 * HOUR, env, burns=burns)
    assert flown.impact is not None
    script = gmat_script(flown, burns=burns)
    check(script)
    assert "Burn2" not in script
    assert sum(coasts(script)) == pytest.approx(flown.duration_s, abs=1e-6)


def test_bad_arguments_are_refused(flown: Trajectory, tmp_path: Path) -> None:
    for words in (
        {"name": "two words"},
        {"name": "Luna"},
        {"name": "1st"},
        {"field_file": "it's"},
        {"field_file": ""},
        {"report_file": "a\nb"},
        {"step_s": 0.0},
        {"step_s": float("nan")},
        {"burns": BURNS[:1]},
        {"burns": ("burn",)},
    ):
        with pytest.raises(InputError):
            gmat_script(flown, **{"burns": BURNS, **words})
    with pytest.raises(OutputError):
        write_gmat(tmp_path, flown, burns=BURNS)

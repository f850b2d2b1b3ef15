"""Bad input to the flight verbs: one line that names the word at fault, exit code 2, nothing written."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

ORBIT = "flight orbit --altitude-km 100 --days 0.1"
WINDOWS = "flight windows --from 2030-01-01 --days 1"
TRANSFER = "flight transfer --depart 2030-01-10"
LAND = "flight land --site 43,-51 --from 2030-01-01 --days 5"
RETURN = "flight return --depart 2030-01-01"
CONTACTS = "flight contacts --altitude-km 100 --earth --days 1"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("flight orbit", "altitude"),
        ("flight orbit --altitude-km nan", "altitudes nan"),
        ("flight orbit --altitude-km 1e12", "altitudes 1e+15"),
        (f"{ORBIT} --inclination 181", "181"),
        (f"{ORBIT} --inclination=-10", "-10"),
        (f"{ORBIT} --node nan", "nan"),
        (f"{ORBIT} --gm moon=0", "--gm"),
        (f"{ORBIT} --gm moon=nan", "--gm"),
        (f"{ORBIT} --gm mars=42828", "mars"),
        (f"{ORBIT} --site 1,2", "--site"),
        (f"{ORBIT} --bodies sun,vulcan", "vulcan"),
        (f"{ORBIT} --degree 166", "166"),
        (f"{ORBIT} --scale GPS", "--scale"),
        (f"{ORBIT} --start 1800-01-01", "1849"),
        (f"{ORBIT} --start 2149-12-31 --days 60", "2150"),
        (f"{ORBIT} --start 2030-02-30", "2030-02-30"),
        (f"{ORBIT} --days nan", "--days"),
        (f"{ORBIT} --days 5000 --csv states.csv", "--days"),
        (f"{ORBIT} --rtol 0", "rtol"),
        (f"{ORBIT} --sunlight 1,0", "sunlight"),
        (f"{ORBIT} --csv states.csv --step-s 0", "--step-s"),
        (f"{ORBIT} --frame MARS", "MARS"),
        (f"{ORBIT} --spk out.bsp --spk-type 5", "--spk-type"),
        (f"{ORBIT} --kernels nowhere.bsp", "nowhere.bsp"),
        ("flight orbit --from-oem nowhere.oem", "nowhere.oem"),
        ("flight orbit --state=1,2,3,4,5,6", "inside the Moon"),
        ("flight orbit --state=1838000,0,0,0,0,1633 --days 1", "km/s, not m"),
        ("flight orbit --state=1838,0,0,0,0,1633 --days 1", "km/s, not m"),
        ("flight orbit --state=1838,0,0,0,nan,1.6 --days 1", "nan"),
        (f"{WINDOWS} --days 0", "days"),
        (f"{WINDOWS} --days nan", "days"),
        (f"{WINDOWS} --step-d 1e-9", "give"),
        (f"{WINDOWS} --tof-days 6:3:4", "6"),
        (f"{WINDOWS} --tof-days 3:6", "3:6"),
        (f"{WINDOWS} --tof-days 432000", "432000"),
        (f"{WINDOWS} --parking-km=-100", "parking"),
        (f"{WINDOWS} --parking-km nan", "parking"),
        (f"{WINDOWS} --side east", "east"),
        (f"{WINDOWS} --site Atlantis", "Atlantis"),
        (f"{WINDOWS} --tof-days 4 --plot out.jpg", "out.jpg"),
        ("flight windows --from 1800-01-01 --days 1", "1849"),
        (f"{WINDOWS} --tof-days inf:inf:1", "not finite"),
        (f"{WINDOWS} --tof-days nan", "not finite"),
        ("flight windows --from 2030-01-01 --days 1e9", "36600"),
        (f"{WINDOWS} --tof-days 4:5:3 --plot w.png", "at least two of each"),
        (f"{TRANSFER} --apolune-km 20", "--apolune-km"),
        (f"{ORBIT} --gm moon=inf", "not finite"),
        ("flight windows --from 2150-01-20 --days 5", "2150"),
        (f"{TRANSFER} --tof-days nan", "--tof-days"),
        (f"{TRANSFER} --tof-days 100", "time of flight"),
        (f"{TRANSFER} --free-return --low-energy", "--low-energy"),
        (f"{TRANSFER} --thrust-n 3000", "mass"),
        (f"{TRANSFER} --mass-kg 8200 --isp-s 0", "--isp-s"),
        (f"{TRANSFER} --mass-kg nan --thrust-n 3000", "--mass-kg"),
        (f"{TRANSFER} --apolune-km 1e9", "apolune"),
        ("flight transfer --depart 1700-01-01", "1849"),
        (f"{LAND} --site 91,0", "91"),
        (f"{LAND} --site nan,0", "nan"),
        (f"{LAND} --days=-5", "-5"),
        (f"{LAND} --sun 20:5", "sun"),
        (f"{LAND} --earth-days 1e9", "earth_days"),
        (f"{LAND} --profile nowhere.json", "nowhere.json"),
        (f"{LAND} --terrain nowhere.tif", "nowhere.tif"),
        (f"{LAND} --degree 500", "--degree"),
        (f"{LAND} --fix-height-m nan", "--fix-height-m"),
        (f"{LAND} --divert-m=-1", "--divert-m"),
        (f"{LAND} --area-km=-1", "--area-km"),
        (f"{LAND} --thrust-n 0", "thrust_n"),
        (f"{LAND} --perilune-km 200", "apolune_altitude_m"),
        (f"{RETURN} --from 2030-01-01", "--from"),
        (f"{RETURN} --tof-days 1000", "1 to 8 days"),
        (f"{RETURN} --tof-days 6:3:2", "6:3:2"),
        (f"{RETURN} --landing narnia", "narnia"),
        (f"{RETURN} --entry-angle 6", "flight_path_deg"),
        (f"{RETURN} --range-km nan", "range_m"),
        (f"{RETURN} --revolution-h 0.1", "period_s"),
        (f"{RETURN} --revolution-h 1e6", "revolution"),
        (f"{CONTACTS} --days 0", "--days"),
        (f"{CONTACTS} --satellites 0", "--satellites"),
        (f"{CONTACTS} --at-least 3", "--at-least"),
        (f"{CONTACTS} --station Nowhere", "Nowhere"),
        (f"{CONTACTS} --station kashi --plan nowhere", "nowhere"),
        (f"{CONTACTS} --plane ecliptic", "ecliptic"),
        (f"{CONTACTS} --inclination 200", "200"),
        ("flight contacts --orbit molniya --earth --days 1", "molniya"),
        ("flight contacts --state=1838000,0,0,0,0,1633 --earth --days 1", "km/s, not m"),
    ],
)
def test_one_line_and_exit_code_2(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = cli(*shlex.split(line))
    assert run.code == 2, run.out
    assert run.out == ""
    assert len(run.err.strip().splitlines()) == 1, run.err
    assert run.err.startswith("moonpost: ")
    assert named in run.err
    assert not list(tmp_path.iterdir())

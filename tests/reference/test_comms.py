"""Radio numbers from outside: free-space loss, Queqiao's rates, and contacts by skyfield.

Queqiao: rates and dish as published (Zhang et al. 2021, Space: Science and Technology, doi:10.34133/2021/3471608);
transmit power, antenna gain, temperature, threshold and losses of the bundled plan are partly estimates, marked so
in its rows. What is tested is that the published rate closes with a margin below 6 dB: a budget that is right to a
factor of four.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.comms import dish_gain_dbi, free_space_loss_db, link_budget, station_contacts
from moonpost.plan import load_plan
from moonpost.sky import Almanac, Site, times
from moonpost.sky.stations import GroundStation


def test_free_space_loss_to_the_moon() -> None:
    # 20 log10(4 pi 384,400 km 8.4 GHz / c), worked by hand.
    assert free_space_loss_db(8.4e9, 384_400e3) == pytest.approx(222.63, abs=0.01)


def test_queqiao_dish_in_x_band() -> None:
    # 4.2 m dish; published gain 44 dBi with its mesh losses, so an ideal 60 % dish of that size must reach it.
    assert 44.0 < dish_gain_dbi(4.2, 8.45e9) < 51.5


@pytest.mark.parametrize(("name", "rate_bit_s"), [("ce4-queqiao", 555e3), ("queqiao-earth", 10e6)])
def test_queqiao_rates_close(name: str, rate_bit_s: float) -> None:
    (link,) = [link for link in load_plan("ilrs").links if link.id == name]
    assert link.rate_bit_s == rate_bit_s
    budget = link_budget(link)
    assert budget.missing == ()
    assert budget.margin_db is not None
    assert 0.0 <= budget.margin_db < 6.0


@pytest.mark.parametrize(
    ("name", "latitude_deg", "longitude_deg"),
    [("Kashgar", 38.4214, 76.7144), ("Neuquen", -38.1914, -70.1495), ("Bear Lakes", 55.868206, 37.951675)],
)
def test_contacts_by_skyfield(
    moonpost_data: Path, almanac: Almanac, name: str, latitude_deg: float, longitude_deg: float
) -> None:
    # Tolerance 1 minute, as required of contact windows; skyfield steps through the same span minute by minute.
    from skyfield.api import PlanetaryConstants, load, load_file, wgs84

    kernels = load_file(str(moonpost_data / "kernels" / "de440s_1957_2061_sun_emb_earth_moon.bsp"))
    constants = PlanetaryConstants()
    with open(moonpost_data / "kernels" / "moon_de440_220930.tf", "rb") as file:
        constants.read_text(file)
    with open(moonpost_data / "kernels" / "moon_pa_de440_1957_2061.bpc", "rb") as file:
        constants.read_binary(file)
        constants.assignments["BODY301_RADII"] = np.array([1737.4] * 3)
        frame = constants.build_frame_named("MOON_ME_DE440_ME421")
        place = kernels["moon"] + constants.build_latlon_degrees(frame, -45.0, 20.0)
        minutes = times("2030-03-01", "2030-03-08T00:01", 60)
        scale = load.timescale(builtin=True)
        since = (minutes - np.datetime64("2030-03-01T00:00", "ms")) / np.timedelta64(86_400_000, "ms")
        t = scale.utc(2030, 3, 1 + since)
        antenna = kernels["earth"] + wgs84.latlon(latitude_deg, longitude_deg)
        elevation_deg = antenna.at(t).observe(place).apparent(deflectors=()).altaz()[0].degrees
    kernels.close()
    found = station_contacts(
        almanac,
        Site(-45.0, 20.0),
        GroundStation(name, latitude_deg, longitude_deg),
        times("2030-03-01", "2030-03-08T00:10", 600),
        mask_deg=10.0,
    )
    up = elevation_deg >= 10.0
    change = np.flatnonzero(up[1:] != up[:-1])
    ends = np.sort(np.concatenate([found.start, found.stop]))
    ends = ends[(ends > minutes[0]) & (ends < found.span[1])]
    assert len(ends) == len(change) >= 12
    middle = minutes[change] + np.timedelta64(30, "s")
    assert np.abs((ends - middle) / np.timedelta64(1, "s")).max() < 60

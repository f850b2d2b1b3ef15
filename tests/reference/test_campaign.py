"""The bundled campaign against published dates, masses and shares."""

import pytest

from moonpost.campaign import build_order, manifest, what_if
from moonpost.plan import load_plan


def test_launches_that_flew_with_their_masses():
    """Years and launch masses as published by CNSA and the press, exact: they are facts of the plan."""
    rows = {row.mission: row for row in manifest(load_plan("ilrs")).rows}
    published = {
        "queqiao": (2018, 448.7),
        "ce5": (2020, 8200.0),
        "queqiao-2": (2024, 1200.0),
        "ce6": (2024, 8350.0),
    }
    assert {name: (rows[name].year, rows[name].launched.kg) for name in published} == published
    assert {rows[name].launched.mark for name in published} == {"published"}


def test_the_launcher_is_never_rated_below_what_it_flew():
    """Chang'e 6 weighed 8,350 kg; Long March 5 is rated 8,200 kg, so the margin is zero and not -150 kg."""
    rows = {row.mission: row for row in manifest(load_plan("ilrs")).rows}
    assert rows["ce6"].capacity_margin_kg == pytest.approx(0.0)


def test_luna_25_launched_and_landed_nothing():
    """Launched 2023-08-10, lost 2023-08-19."""
    table = manifest(load_plan("ilrs"))
    row = next(row for row in table.rows if row.mission == "luna-25")
    assert row.landed.kg == 0.0
    assert next(year for year in table.years if year.year == 2023).launches == 1
    assert build_order(load_plan("ilrs")).step("luna-25").never == "its mission luna-25 is lost"


def test_the_payload_of_change_7_lies_below_the_published_upper_bound():
    """415 kg of 8,200 kg: far below 0.29 to 0.31, which is an upper bound."""
    row = next(row for row in manifest(load_plan("ilrs")).rows if row.mission == "ce7")
    assert row.payload.kg == 415.0
    assert row.payload.kg < 0.29 * row.launched.kg


def test_stage_two_begins_in_2031_and_the_reactor_comes_in_2035():
    """Roadmap of 2021: ILRS-1 to 5 from 2031 to 2035; the Russian power plant 2035-36."""
    order = build_order(load_plan("ilrs"))
    launches = {row.mission: (row.launch[:4], row.launch_latest[:4]) for row in order.missions if row.launch}
    assert all("2031" <= launches[f"ilrs-{number}"][0] <= "2035" for number in range(1, 6))
    assert launches["power-plant"] == ("2035", "2036")


def test_change_8_cancelled_is_carried_as_a_what_if():
    """Reported cancelled or reworked in 2026: its guests lose their host."""
    result = what_if(load_plan("ilrs"), cancel=["ce8"])
    assert {"ce8", "ce8-lander"} <= {row.id for row in result.broken}
    assert result.shares_after["cnsa"] < result.shares_before["cnsa"]

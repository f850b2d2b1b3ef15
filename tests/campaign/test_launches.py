"""What launchers land, when they can leave, and which are left out."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from moonpost.campaign.launchdates import granted, launch_dates
from moonpost.campaign.launches import flight_kinds, lander_fraction, station_missions
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import load_plan

BURNT = 1.0 - math.exp(-2980.0 / (9.80665 * 311.0))
BEGIN, END = dt.datetime(2031, 1, 1), dt.datetime(2032, 12, 31)
SMALL = {"id": "small", "name": "Small", "owner": "ru", "source": "made for this test", "confidence": "B"}


def with_lander(plan_of, a_mission, an_element, **more):
    """A plan with one cargo mission and its lander of 1,000 kg, new."""
    missions = [a_mission("one", "2031", launch_mass_kg=9000.0)]
    elements = [an_element("carrier", "one", 1000.0, kind="lander", bus="own"), an_element("load", "one", 500.0)]
    return plan_of(missions, elements, **more)


def test_cargo_is_what_lands_less_the_lander_in_proportion(plan_of, a_mission, an_element):
    plan = with_lander(plan_of, a_mission, an_element)
    share = 1200.0 / (9000.0 * BURNT)
    assert lander_fraction(plan).best == pytest.approx(share)
    (kind,) = flight_kinds(plan).kinds
    assert kind.arrival_kg == pytest.approx(10_000.0 * (1.0 - BURNT))
    assert kind.lander_kg == pytest.approx(10_000.0 * BURNT * share)
    assert kind.cargo_kg == pytest.approx(kind.arrival_kg - kind.lander_kg)
    assert kind.limit == "chain"
    assert kind.landed_fraction == pytest.approx(1.0 - BURNT)
    assert kind.cargo_low_kg < kind.cargo_kg < kind.cargo_high_kg


def test_the_published_payload_fraction_bounds_the_cargo(plan_of, a_mission, an_element):
    plan = with_lander(plan_of, a_mission, an_element)
    (kind,) = flight_kinds(plan, dry_fraction=0.0).kinds
    assert (kind.cargo_kg, kind.limit) == (3000.0, "payload fraction")
    (kept,) = flight_kinds(plan, dry_fraction=0.0, reserve=0.1).kinds
    assert kept.cargo_kg == pytest.approx(2700.0)


def test_one_end_of_the_range_can_be_counted_on():
    best = flight_kinds(load_plan("ilrs"), launchers=["cz-10"])
    low, high = best.counting_on("low").kinds[0], best.counting_on("high").kinds[0]
    assert low.cargo_kg == best.kinds[0].cargo_low_kg
    assert high.cargo_kg == best.kinds[0].cargo_high_kg
    assert best.counting_on("best") is best
    none = flight_kinds(load_plan("ilrs"), launchers=["cz-10"], dry_fraction=0.5).counting_on("low")
    assert "nothing at the low end" in none.left_out[-1].reason
    with pytest.raises(InputError):
        best.counting_on("worst")


def test_a_stage_that_is_left_behind_is_taken_off_once(plan_of, a_mission):
    stage = {"name": "lander", "legs": ["loi", "descent"], "isp_s": 311.0, "dry_fraction": 0.2}
    cited = {"source": "made for this test", "confidence": "B"}
    ways = [{"id": "land", "name": "Landing", "destination": "surface", "stages": [stage], **cited}]
    plan = plan_of([a_mission("one", "2031")], transfers=ways)
    (kind,) = flight_kinds(plan, dry_fraction=0.5).kinds
    assert kind.cargo_kg == pytest.approx(10_000.0 * (1.0 - BURNT - 0.2 * BURNT))
    assert kind.lander_kg == pytest.approx(2_000.0 * BURNT)


def test_no_known_lander_is_said(plan_of, a_mission):
    plan = plan_of([a_mission("one", "2031")])
    found = flight_kinds(plan)
    assert found.lander is None
    assert "no mass of a lander" in found.kinds[0].note
    assert granted(found, ()) == (
        "all of the landed mass is cargo, as no mass of a lander is known",
        "one launch a year of big, as the plan gives no number",
    )


def test_launchers_that_cannot_be_used_are_named(plan_of, a_mission):
    big = {**SMALL, "id": "big", "tli_mass_kg": 9000.0}
    plan = plan_of([a_mission("one", "2031")], launchers=[big, SMALL])
    found = flight_kinds(plan)
    assert [(row.id, row.reason) for row in found.left_out] == [("small", "its mass to the Moon is not known")]
    assert [row.launcher for row in flight_kinds(plan, capacities={"small": 9500.0}).kinds] == ["small", "big"]
    assert flight_kinds(plan, launchers=["small"]).kinds == ()
    heavy = flight_kinds(plan, dry_fraction=2.0)
    assert heavy.kinds == ()
    assert "nothing is left of 9,000 kg" in heavy.left_out[0].reason


def test_the_demonstrated_mass_counts_where_it_is_larger(plan_of, a_mission):
    big = {**SMALL, "id": "big", "tli_mass_kg": 9000.0, "tli_demonstrated_kg": 9500.0}
    assert flight_kinds(plan_of([a_mission("one", "2031")], launchers=[big])).kinds[0].injected_kg == 9500.0


def test_the_least_room_counts(plan_of, a_mission):
    big = {**SMALL, "id": "big", "tli_mass_kg": 9000.0, "fairing_m3": 80.0}
    assert flight_kinds(plan_of([a_mission("one", "2031")], launchers=[big])).kinds[0].volume_m3 == 80.0


def test_a_plan_without_a_way_there_leaves_all_out(plan_of, a_mission):
    found = flight_kinds(plan_of([a_mission("one", "2031", transfer=None)], transfers=[]))
    assert found.kinds == ()
    assert found.left_out[0].reason == "no transfer of the plan leads to the station"


def test_the_way_that_brings_most_is_taken():
    plan = load_plan("ilrs")
    assert {row.transfer for row in flight_kinds(plan).kinds} == {"one-way-landing"}
    by_halo = flight_kinds(plan, transfers=["landing-through-nrho"], launchers=["cz-10"]).kinds[0]
    direct = flight_kinds(plan, launchers=["cz-10"]).kinds[0]
    assert by_halo.cargo_kg < direct.cargo_kg


def test_missions_to_the_station():
    names = [row.id for row in station_missions(load_plan("ilrs"))]
    assert names == ["ilrs-1", "ilrs-2", "ilrs-3", "ilrs-4", "ilrs-5", "luna-30", "power-plant"]


@pytest.mark.parametrize(
    "options",
    [
        {"costs": {"big": -1.0}},
        {"costs": {"big": math.nan}},
        {"per_year": {"big": 0.0}},
        {"per_year": {"big": math.inf}},
        {"capacities": {"big": 0.0}},
        {"reserve": 1.0},
        {"reserve": math.nan},
        {"dry_fraction": -0.1},
        {"dry_fraction": math.nan},
    ],
)
def test_bad_numbers_are_named(plan_of, a_mission, options):
    with pytest.raises(InputError):
        flight_kinds(plan_of([a_mission("one", "2031")]), **options)


@pytest.mark.parametrize(
    "options",
    [{"launchers": ["none"]}, {"transfers": ["none"]}, {"costs": {"none": 1.0}}, {"per_year": {"x": 1.0}}],
)
def test_unknown_names_are_named(plan_of, a_mission, options):
    with pytest.raises(UnknownNameError):
        flight_kinds(plan_of([a_mission("one", "2031")]), **options)


def test_transfers_that_end_elsewhere_are_refused():
    with pytest.raises(InputError, match="ends at earth"):
        flight_kinds(load_plan("ilrs"), transfers=["sample-return"])


def test_launches_follow_the_rate_and_the_first_date(plan_of, a_mission):
    plan = plan_of([a_mission("one", "2031")])
    kinds = flight_kinds(plan, per_year={"big": 2.0}).kinds
    days = launch_dates(kinds, BEGIN, END, windows=False)
    assert [row.launch.date().isoformat() for row in days] == [
        "2031-01-01",
        "2031-07-02",
        "2032-01-01",
        "2032-07-01",
    ]
    assert [row.number for row in days] == [1, 2, 3, 4]
    assert all(row.arrival - row.launch == dt.timedelta(days=5) for row in days)
    late = {**SMALL, "id": "big", "tli_mass_kg": 9000.0, "available": "2032-06"}
    days = launch_dates(
        flight_kinds(plan_of([a_mission("one", "2031")], launchers=[late])).kinds, BEGIN, END, windows=False
    )
    assert [row.id for row in days] == ["big #1 2032-06-01"]


def test_windows_are_the_cheapest_days(plan_of, a_mission):
    kinds = flight_kinds(plan_of([a_mission("one", "2031")])).kinds
    days = launch_dates(kinds, BEGIN, END, search_days=10.0)
    assert len(days) == 2
    for row in days:
        ready = BEGIN + (row.number - 1) * dt.timedelta(days=365.25)
        assert ready <= row.launch < ready + dt.timedelta(days=10)
        assert row.arrival - row.launch == dt.timedelta(days=5)
    same = launch_dates(kinds, BEGIN, END, search_days=10.0)
    assert same == days


def test_a_launch_may_also_be_made_in_time_for_a_need(plan_of, a_mission):
    kinds = flight_kinds(plan_of([a_mission("one", "2031")])).kinds
    need, ready = dt.datetime(2031, 1, 12), dt.datetime(2031, 9, 1)
    days = launch_dates(kinds, BEGIN, dt.datetime(2031, 12, 1), needs=[need], readies=[ready])
    assert {row.number for row in days} == {1}
    assert len(days) == 3
    early, best, late = days
    assert early.arrival <= need < best.arrival
    assert ready - dt.timedelta(days=0.5) <= late.arrival <= ready + dt.timedelta(days=28)
    assert best.tli_m_s + best.loi_m_s <= early.tli_m_s + early.loi_m_s
    plain = launch_dates(kinds, BEGIN, dt.datetime(2031, 12, 1), readies=[ready], windows=False)
    assert [row.arrival for row in plain] == [BEGIN + dt.timedelta(days=5), ready]


def test_beyond_the_ephemerides_launches_are_on_the_first_day(plan_of, a_mission):
    found = flight_kinds(plan_of([a_mission("one", "2031")]))
    days = launch_dates(found.kinds, dt.datetime(2400, 1, 1), dt.datetime(2400, 12, 1))
    assert (days[0].launch, days[0].tli_m_s) == (dt.datetime(2400, 1, 1), None)
    assert "1 of 1 launches on the first day" in granted(found, days)[-1]


def test_periods_that_cannot_be_used_are_refused(plan_of, a_mission):
    kinds = flight_kinds(plan_of([a_mission("one", "2031")]), per_year={"big": 100.0}).kinds
    with pytest.raises(InputError, match="earlier date first"):
        launch_dates(kinds, END, BEGIN)
    with pytest.raises(InputError, match="at most 500"):
        launch_dates(kinds, BEGIN, dt.datetime(2040, 1, 1), windows=False)
    with pytest.raises(InputError, match="search_days"):
        launch_dates(kinds, BEGIN, END, search_days=math.nan)

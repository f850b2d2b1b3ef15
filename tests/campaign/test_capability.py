"""Capability against time: power, data, downlink, payload and objectives by hand."""

from __future__ import annotations

from typing import Any

import pytest

from moonpost.campaign import build_order, capability
from moonpost.plan import load_plan

CITED = {"source": "made for this test", "confidence": "C"}


def link(name: str, sender: str, receiver: str, rate_bit_s: float) -> dict[str, Any]:
    return {
        "id": name, "name": name, "sender": sender, "receiver": receiver, "frequency_hz": 8e9, "range_m": 4e8,
        "rate_bit_s": rate_bit_s, **CITED,
    }  # fmt: skip


def test_data_downlink_and_payload(plan_of: Any, a_mission: Any, an_element: Any) -> None:
    talks = [
        {"name": "on", "when": "light", "power_w": 9.0, "data_bit_s": 1000.0},
        {"name": "off", "when": "dark", "power_w": 1.0, "data_bit_s": 5.0},
    ]
    steady = [{"name": "on", "when": "always", "power_w": 9.0, "data_bit_s": 250.0}]
    plan = plan_of(
        [
            a_mission("one", "2031-01-01", site="ridge"),
            a_mission("two", "2032-01-01", kind="relay"),
            a_mission("far", "2033-01-01"),
        ],
        [
            an_element("lander", "one", 2000.0, kind="lander", bus="own"),
            an_element("mast", "one", 100.0, modes=talks, count=2),
            an_element("lab", "one", 700.0, modes=steady, bus="own"),
            an_element("relay", "two", 400.0, kind="relay", bus="own", modes=talks),
            an_element("probe", "far", 300.0, bus="own", modes=talks),
        ],
        ground_stations=[
            {"id": "dish", "name": "Dish", "owner": "cn", "latitude_deg": 40.0, "longitude_deg": 116.0,
             "height_m": 0.0, "antenna_m": 35.0, **CITED}
        ],
        links=[
            link("up", "mast", "relay", 3000.0), link("also", "lab", "relay", 2000.0),
            link("down", "relay", "dish", 4000.0), link("direct", "mast", "dish", 500.0),
            link("other", "probe", "dish", 9000.0),
        ],
    )  # fmt: skip
    first, second, third = capability(plan, build_order(plan))
    assert first.payload_kg == 2 * 100.0 + 700.0
    assert first.data_mbit_day == pytest.approx((2 * 1000.0 + 250.0) * 0.0864)
    assert first.downlink_mbit_day == pytest.approx(500.0 * 0.0864), "the relay is not there yet"
    assert second.downlink_mbit_day == pytest.approx(4500.0 * 0.0864), "the relay's own link is the narrow one"
    assert second.payload_kg == first.payload_kg
    assert third.data_mbit_day == first.data_mbit_day, "what stands elsewhere is no part of the station"
    assert third.downlink_mbit_day == second.downlink_mbit_day


def test_no_links(plan_of: Any, a_mission: Any, an_element: Any) -> None:
    plan = plan_of([a_mission("one", "2031-01-01")], [an_element("mast", "one")])
    (point,) = capability(plan, build_order(plan))
    assert (point.downlink_mbit_day, point.data_mbit_day, point.payload_kg) == (0.0, 0.0, 1000.0)


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_bundled_stations_grow(name: str) -> None:
    points = capability(load_plan(name), build_order(load_plan(name)))
    best = max(points, key=lambda point: point.payload_kg)
    assert best.payload_kg > 5000.0
    assert best.data_mbit_day > 0.0
    assert all(point.payload_kg <= point.mass_kg + 1e-6 for point in points)

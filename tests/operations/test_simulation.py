"""A station simulated: energy kept, elements there only when they have landed, events told."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.operations.simulation import light_heights_m, simulate
from moonpost.plan import load_plan
from moonpost.plan.model import Plan

SOURCED = {"source": "test", "confidence": "C"}
BATTERY = {"capacity_wh": 1000.0, "depth_of_discharge": 1.0, "charge_efficiency": 1.0, "discharge_efficiency": 1.0}


def element(name, mission="first", **fields):
    return {"id": name, "name": name, "owner": "a", "kind": "power", "mission": mission, "maturity": "flown"} | (
        SOURCED | fields
    )


def load(light_w, dark_w):
    return [
        {"name": "on", "when": "light", "power_w": light_w},
        {"name": "off", "when": "dark", "power_w": dark_w},
    ]


def plan_of(elements, missions=(), **design):
    rules = {"start": "2035", "dust_loss": 0.0, "array_loss_per_year": 0.0, "bus_efficiency": 1.0}
    mission = {"kind": "cargo", "status": "planned", "owner": "a", "site": "ridge"} | SOURCED
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge"} | SOURCED,
            "design": rules | SOURCED | design,
            "partners": [{"id": "a", "name": "A", "kind": "agency", "role": "founder"} | SOURCED],
            "sites": [
                {"id": "ridge", "name": "Ridge", "latitude_deg": -89.0, "longitude_deg": 0.0} | SOURCED,
                {"id": "plain", "name": "Plain", "latitude_deg": -45.0, "longitude_deg": 0.0} | SOURCED,
            ],
            "missions": [
                {"id": "first", "name": "First", "launch": "2030"} | mission,
                *({"name": m["id"]} | mission | m for m in missions),
            ],
            "elements": elements,
        }
    )


def sun_of(count, step_s=3600.0, start="2035-01-01"):
    return SimpleNamespace(
        time=np.datetime64(start, "ms") + np.arange(count) * np.timedelta64(int(step_s), "s"),
        azimuth_deg=np.linspace(0, 350, count),
        elevation_deg=np.full(count, 1.0),
        distance_m=np.full(count, 149_597_870_700.0),
    )


def array(rated_w, mast_m=10.0):
    return {"kind": "solar", "rated_w": rated_w, "mount": "two-axis", "mast_m": mast_m}


def test_a_day_and_a_night_by_hand():
    """6 h of light at 300 W for 100 W of load, then 8 h of dark with 50 W, on 500 Wh: 100 Wh are not there."""
    plan = plan_of(
        [element("plant", bus="station", modes=load(100.0, 75.0), generators=[array(300.0)],
                 storage=BATTERY | {"capacity_wh": 500.0})]
    )  # fmt: skip
    light = [1.0] * 6 + [0.0] * 8 + [1.0] * 2
    run = simulate(plan, sun_of(16), {10.0: light})
    series = run.series.sel(bus="station")
    assert series["stored_wh"].values.tolist() == [500.0] * 7 + [425, 350, 275, 200, 125, 50, 0, 0, 200]
    assert series["spilled_w"].values.tolist() == [200.0] * 6 + [0.0] * 10
    assert series["shed_w"].values.tolist() == [0.0] * 12 + [25.0, 75.0, 0.0, 0.0]
    told = [(str(e.time)[11:16], e.kind) for e in run.events if e.kind != "arrival" and e.subject != "plant"]
    assert told == [
        ("06:00", "sunset"), ("12:40", "shed-begins"), ("12:40", "storage-empty"), ("14:00", "sunrise"),
        ("14:00", "shed-ends"),
    ]  # fmt: skip
    balance = run.balances[0]
    assert balance.shed_wh == pytest.approx(100.0)
    assert balance.stored_wh == pytest.approx(400.0)
    assert run.energy_residual_relative < 1e-12


@settings(max_examples=25, deadline=None)
@given(
    light=st.lists(st.floats(0, 1), min_size=2, max_size=60),
    step_s=st.sampled_from([60, 600, 3600, 86_400]),
    charge=st.floats(0.4, 1),
    discharge=st.floats(0.4, 1),
    bus=st.floats(0.6, 1),
    margins=st.booleans(),
)
def test_every_bus_keeps_its_energy(light, step_s, charge, discharge, bus, margins):
    battery = BATTERY | {"charge_efficiency": charge, "discharge_efficiency": discharge}
    late = "2035-01-01T06:00Z"
    plan = plan_of(
        [
            element("plant", bus="station", modes=load(300.0, 200.0), generators=[array(900.0)], storage=battery),
            element("more", "second", bus="station", storage=BATTERY | {"charge_efficiency": 0.5}),
            element("rover", modes=load(20.0, 5.0), generators=[array(60.0, 2.0)], storage=battery, count=2),
            element("bare", modes=load(20.0, 5.0), generators=[array(10.0, 2.0)]),
        ],
        [{"id": "second", "launch": late}],
        bus_efficiency=bus,
    )  # fmt: skip
    half = [0.5 * value for value in light]
    run = simulate(plan, sun_of(len(light), step_s), {10.0: light, 2.0: half}, margins=margins)
    assert run.energy_residual_relative < 1e-9
    for name, values in run.series.data_vars.items():
        assert np.isfinite(values.values).all(), name
    assert (run.series["stored_wh"] <= run.series["usable_wh"] * (1 + 1e-12)).all()
    assert {b.bus for b in run.balances} == {"station", "rover", "bare"}


def test_element_sums_are_the_bus():
    plan = plan_of(
        [
            element("plant", bus="station", modes=load(30.0, 20.0), generators=[array(100.0)]),
            element("lab", bus="station", modes=load(60.0, 10.0), count=2),
        ]
    )
    run = simulate(plan, sun_of(6), {10.0: [1, 1, 0.5, 0.2, 0, 0]})
    for bus_name, name in (
        ("supply_w", "element_supply_w"),
        ("load_w", "element_load_w"),
        ("served_w", "element_served_w"),
    ):
        total = run.series[name].sum("element").values
        assert total == pytest.approx(run.series[bus_name].sel(bus="station").values, abs=1e-9)


def test_an_element_is_there_only_once_it_has_landed():
    plan = plan_of(
        [
            element("plant", bus="station", generators=[array(100.0)], modes=load(10.0, 0.0), storage=BATTERY),
            element(
                "lab", "later", bus="station", modes=load(40.0, 40.0), storage=BATTERY | {"capacity_wh": 70.0}
            ),
            element("never", "much-later", bus="station", modes=load(1e6, 1e6)),
            element("gone", "crash", bus="station", modes=load(1e6, 1e6)),
        ],
        [
            {"id": "later", "launch": "2034", "landing": "2035-01-01T03:30Z"},
            {"id": "much-later", "launch": "2035/2036"},
            {"id": "crash", "launch": "2031", "status": "lost"},
        ],
    )
    run = simulate(plan, sun_of(8), {10.0: [1.0] * 8})
    assert run.series["element_load_w"].sel(element="lab").values.tolist() == [0.0] * 4 + [40.0] * 4
    assert run.series["usable_wh"].sel(bus="station").values.tolist() == [1000.0] * 4 + [1070.0] * 4
    assert run.balances[0].imported_wh == 1070.0
    assert run.energy_residual_relative < 1e-12
    assert set(run.absent) == {"never", "gone"}
    assert "2036-12-31" in run.absent["never"]
    assert [(e.subject, str(e.time)[:16]) for e in run.events if e.kind == "arrival"] == [
        ("lab", "2035-01-01T03:30")
    ]


def test_reactor_end_of_life_is_told_and_felt():
    plan = plan_of(
        [
            element("plant", bus="station", modes=load(10.0, 10.0), life_years=4.0,
                    generators=[{"kind": "reactor", "electric_w": 50.0, "life_years": 4.0}])
        ],
        [],
    )  # fmt: skip
    sun = sun_of(40, 3600.0, "2034-12-31T00:00")
    run = simulate(plan, sun, {2.0: [0.0] * 40})
    ends = [event for event in run.events if event.kind in ("reactor-end", "design-life-end")]
    assert [event.kind for event in ends] == ["design-life-end", "reactor-end"]
    supply = run.series["supply_w"].sel(bus="station")
    assert set(supply.values) == {0.0, 50.0}
    assert supply.sel(time=slice(None, str(ends[0].time))).min() == 50.0
    assert [e.kind for e in run.events][-1] == "shed-begins"


def test_what_stands_elsewhere_is_left_to_its_own_light():
    plan = plan_of(
        [
            element("plant", bus="station", generators=[array(100.0)]),
            element("scout", "afar", generators=[array(50.0, 1.0)], modes=load(10.0, 0.0)),
            element("box"),
        ],
        [{"id": "afar", "launch": "2030", "site": "plain"}],
    )
    assert light_heights_m(plan) == (10.0,)
    assert light_heights_m(plan, "plain") == (1.0,)
    home = simulate(plan, sun_of(3), {10.0: [1.0] * 3})
    assert set(home.absent) == {"scout", "box"}
    there = simulate(plan, sun_of(3), {1.0: [1.0] * 3}, site="plain")
    assert set(there.absent) == {"plant", "box"}
    assert there.series["bus"].values.tolist() == ["scout"]
    with pytest.raises(UnknownNameError, match="crater"):
        simulate(plan, sun_of(3), {1.0: [1.0] * 3}, site="crater")


def test_powered_by_shares_the_host_bus():
    plan = plan_of(
        [
            element("host", generators=[array(100.0)]),
            element("guest", modes=load(30.0, 30.0), powered_by="host"),
        ]
    )
    run = simulate(plan, sun_of(2), {10.0: [1.0, 0.0]})
    assert run.series["bus"].values.tolist() == ["host"]
    assert run.series["shed_w"].values.tolist() == [[0.0, 30.0]]


def test_same_seed_same_result():
    plan = load_plan("ilrs")
    sun = sun_of(200, 3600.0, "2038-01-01")
    light = {mast_m: np.linspace(1, 0, 200) for mast_m in light_heights_m(plan)}
    one, two = (simulate(plan, sun, light, seed=7) for _ in range(2))
    assert one.series.identical(two.series)
    assert one.events == two.events
    assert one.to_dict() == two.to_dict()
    assert one.energy_residual_relative < 1e-9


def test_series_carry_units_and_channels_cover_them():
    plan = load_plan("ilrs")
    sun = sun_of(48, 3600.0, "2038-01-01")
    run = simulate(plan, sun, {mast_m: np.ones(48) for mast_m in light_heights_m(plan)})
    for name, variable in run.series.data_vars.items():
        assert {"units", "long_name", "source"} <= set(variable.attrs), name
    keys = {channel.key for channel in run.channels}
    assert len(keys) == len(run.channels)
    for bus in run.series["bus"].values:
        assert {f"{bus}.{name}" for name in run.series.data_vars if run.series[name].dims[0] == "bus"} <= keys


def test_series_survive_netcdf(tmp_path):
    pytest.importorskip("h5py", reason="h5netcdf writes through h5py, which is not installed")
    import xarray as xr

    plan = plan_of([element("plant", bus="station", modes=load(5.0, 5.0), generators=[array(100.0)])])
    run = simulate(plan, sun_of(4), {10.0: [1.0, 0.5, 0.0, 0.0]})
    run.series.to_netcdf(tmp_path / "series.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "series.nc", engine="h5netcdf") as back:
        assert back["stored_wh"].attrs["units"] == "Wh"
        xr.testing.assert_allclose(back.load(), run.series)


def test_dark_modes_while_the_sun_only_grazes():
    plan = plan_of([element("plant", bus="station", modes=load(50.0, 5.0), generators=[array(100.0)])])
    run = simulate(plan, sun_of(3), {10.0: [0.3, 0.6, 0.0]}, light_mode_above=0.5)
    assert run.series["load_w"].values.tolist() == [[5.0, 50.0, 5.0]]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"light_by_mast": {2.0: [1.0, 1.0]}}, "10 m"),
        ({"light_by_mast": {10.0: [1.0, np.nan]}}, "light_by_mast"),
        ({"light_by_mast": {10.0: [1.0]}}, "light_by_mast"),
        ({"step_s": 60.0}, "step_s"),
        ({"light_mode_above": 1.0}, "above"),
    ],
)
def test_bad_input_is_refused(changes, named):
    plan = plan_of([element("plant", bus="station", generators=[array(100.0)])])
    with pytest.raises(InputError, match=named):
        simulate(**({"plan": plan, "sun": sun_of(2), "light_by_mast": {10.0: [1.0, 1.0]}} | changes))


def test_a_period_before_anything_has_landed():
    plan = plan_of([element("plant", bus="station", generators=[array(100.0)])])
    with pytest.raises(ModelError, match="ridge"):
        simulate(plan, sun_of(2, start="2020-01-01"), {10.0: [1.0, 1.0]})


def test_importing_the_room_loads_no_heavy_library():
    code = (
        "import sys, moonpost.power, moonpost.design, moonpost.operations.simulation;"
        "print(sorted({'numba', 'xarray', 'matplotlib', 'rasterio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

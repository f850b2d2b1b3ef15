"""Every figure: axes labelled with units at both widths, and what it draws taken rightly from the series."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from moonpost.errors import InputError
from moonpost.report.figures.build import gantt_figure
from moonpost.report.figures.dormancy import dormancy_figure
from moonpost.report.figures.partners import shares_figure
from moonpost.report.figures.polar import polar_place
from moonpost.report.figures.style import PHONE_IN, png_uri, save_figure, svg_text
from moonpost.report.overview import overview
from moonpost.report.parts import Picture
from moonpost.report.readings import awake_spells, daily, dormancy_span, month_edges, sun_at, sun_band, worst_month
from moonpost.report.render import sections
from moonpost.sky import Almanac, Site
from moonpost.study.results import DormancyRow
from moonpost.terrain import Terrain

CATEGORIES = {"Assumption", "Element", "Machine", "Partner", "Transfer"}


def pictures(study) -> dict[str, Picture]:
    first = overview(study.record, study.series)
    found = [part for section in sections(study.record, study.series) for part in section.shown]
    found += [first.month, first.launches, first.tornado]
    return {part.name: part for part in found if isinstance(part, Picture)}


def unlabelled(figure) -> list[str]:
    """Axes without a label, or with a label that is neither a category nor ends in a unit."""
    faults = []
    for k, axes in enumerate(figure.axes):
        for axis, ticks in ((axes.xaxis, "labelbottom"), (axes.yaxis, "labelleft")):
            label = axis.get_label_text()
            shown = axis.get_tick_params().get(ticks, True) and any(axis.get_ticklocs()) and axes.axison
            shared = not shown and not label
            bar = axes.get_label() == "<colorbar>" and not label
            if not (label in CATEGORIES or re.search(r"\[[^\]]+\]$", label) or shared or bar):
                faults.append(f"axes {k}: {label!r}")
    return faults


NAMES = {
    "surface": {
        "map",
        "light-year",
        "light-period",
        "dormancy",
        "power",
        "gantt",
        "capability",
        "chains",
        "shares",
    }
    | {"month", "launches", "tornado", "horizon-glaeser-spot-1", "horizon-connecting-ridge"},
    "orbit": {"shadow", "power", "gantt", "capability", "chains", "month", "launches", "tornado"},
}


@pytest.mark.parametrize("kind", ["surface", "orbit"])
def test_the_figures_of_the_report_are_there(kind, request):
    assert NAMES[kind] <= set(pictures(request.getfixturevalue(kind)))


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("kind", ["surface", "orbit"])
def test_every_axis_has_a_label_with_its_unit(kind, wide, request):
    for name, picture in pictures(request.getfixturevalue(kind)).items():
        figure = picture.draw(picture.width_in if wide else PHONE_IN)
        assert figure.axes, name
        assert not unlabelled(figure), name


def test_the_check_for_labels_finds_a_bare_axis():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4])
    axes.set_xlabel("Time [h]")
    assert unlabelled(figure) == ["axes 0: ''"]
    axes.set_ylabel("Mass")
    assert unlabelled(figure) == ["axes 0: 'Mass'"]
    axes.set_ylabel("Mass [kg]")
    assert not unlabelled(figure)


def test_drawing_leaves_the_settings_of_others_alone(surface):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = pictures(surface)["gantt"].draw(8.0)
        svg_text(figure, "gantt")
    assert dict(mpl.rcParams) == before


def test_svg_is_inline_with_its_own_identifiers_and_png_is_an_address(surface):
    figure = pictures(surface)["shares"].draw(6.0)
    text = svg_text(figure, "shares")
    assert text.startswith("<svg viewBox=")
    assert "http" not in text
    assert set(re.findall(r'id="(\w+)-', text)) == {"shares"}
    assert svg_text(pictures(surface)["shares"].draw(6.0), "shares") == text
    assert png_uri(figure).startswith("data:image/png;base64,iVBOR")


def test_the_sun_at_another_site_is_that_of_the_almanac(surface):
    light = surface.series["site-light"].isel(time=slice(0, 2400, 100))
    almanac = Almanac.default()
    for row in {row.site: row for row in surface.record.site.rows}.values():
        azimuth_deg, elevation_deg = sun_at(surface.record, light, row)
        sun = almanac.sun(Site(row.latitude_deg, row.longitude_deg, row.height_m), light["time"].values)
        # 0.0014 deg of parallax, and series stored to single precision.
        np.testing.assert_allclose(elevation_deg, sun.elevation_deg, atol=0.002)
        apart = (azimuth_deg - sun.azimuth_deg + 180.0) % 360.0 - 180.0
        assert np.max(np.abs(apart) * np.cos(np.deg2rad(elevation_deg))) < 0.005


def test_months_begin_at_local_noon_when_the_sun_is_highest(surface):
    light = surface.series["site-light"]
    edges = month_edges(light, -89.44)
    assert len(edges) in {3, 4}
    azimuth = light["sun_azimuth_deg"].values[edges]
    assert np.all(np.minimum(azimuth, 360.0 - azimuth) < 0.6)
    days = np.diff(light["time"].values[edges]) / np.timedelta64(1, "D")
    assert np.all(np.abs(days - 29.53) < 0.5)


def test_the_worst_month_is_a_lunar_month_about_the_lowest_charge(surface):
    start, stop = worst_month(surface.record, surface.series)
    year = surface.series["operate-year"]
    charge = year["stored_fraction"].sel(bus="station").values
    assert start <= year["time"].values[int(np.argmin(charge))] <= stop
    assert (stop - start) / np.timedelta64(1, "h") == pytest.approx(29.530589 * 24, abs=1.0)
    assert worst_month(surface.record, {}) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80))
def test_daily_values_keep_the_mean_and_the_extremes(values):
    time = np.datetime64("2030-01-01T05:00", "s") + np.arange(len(values)) * np.timedelta64(3600, "s")
    array = np.array(values)
    day, mean, least, most = daily(time, array)
    assert len(day) == len(set(time.astype("datetime64[D]").tolist()))
    assert least.min() == array.min()
    assert most.max() == array.max()
    assert np.all(least <= mean + 1e-6)
    assert np.all(mean <= most + 1e-6)


def test_the_suns_band_holds_the_sun_and_is_empty_where_it_never_comes():
    azimuth = np.array([10.0, 10.5, 359.9, 100.0])
    elevation = np.array([1.0, -2.0, 5.0, 0.5])
    middle, lowest, highest = sun_band(azimuth, elevation, 2.0)
    k = int(np.flatnonzero(middle == 11.0)[0])
    assert (lowest[k], highest[k]) == (-2.0, 1.0)
    assert highest[-1] == 5.0
    assert np.isnan(lowest[20])


def _event(day: int, event: str, utc: str) -> DormancyRow:
    return DormancyRow(
        vehicle="rover", name="Rover", lunar_day=day, event=event, utc=utc, sun_elevation_deg=1.0, basis="test"
    )


def test_a_machine_is_awake_from_waking_to_sleeping_and_at_the_ends_of_the_year(surface):
    operate = surface.record.operate.model_copy(
        update={
            "year_start_utc": "2035-01-01T00:00:00Z",
            "year_stop_utc": "2035-12-31T00:00:00Z",
            "dormancy": (
                _event(5, "sleep", "2035-01-10T00:00:00Z"),
                _event(6, "wake", "2035-01-24T00:00:00Z"),
                _event(6, "sleep", "2035-02-08T00:00:00Z"),
                _event(7, "wake", "2035-02-22T00:00:00Z"),
            ),
        }
    )
    (machine,) = awake_spells(surface.record.model_copy(update={"operate": operate}))
    spells = [(str(start)[:10], str(stop)[:10], number) for start, stop, number in machine.awake]
    assert spells == [
        ("2035-01-01", "2035-01-10", 5),
        ("2035-01-24", "2035-02-08", 6),
        ("2035-02-22", "2035-12-31", 7),
    ]


def test_sleep_and_wake_outside_the_year_in_detail_are_shown_over_their_own_year(surface):
    operate = surface.record.operate.model_copy(
        update={
            "start_utc": "2035-01-01T00:00:00Z",
            "year_start_utc": "2047-09-22T00:00:00Z",
            "year_stop_utc": "2048-09-21T00:00:00Z",
            "dormancy": (_event(5, "sleep", "2035-02-10T00:00:00Z"), _event(6, "wake", "2035-02-24T00:00:00Z")),
        }
    )
    record = surface.record.model_copy(update={"operate": operate})
    first, last = dormancy_span(record)
    assert (str(first)[:10], str(last)[:10]) == ("2035-01-01", "2036-01-01")
    figure = dormancy_figure(record, 8.0)
    svg_text(figure, "dormancy")
    assert not unlabelled(figure)


@pytest.mark.parametrize("width_in", [PHONE_IN, 8.0])
def test_long_names_never_leave_a_figure_without_room(surface, width_in):
    name = "Joint Interagency Programme Office for the Exploration and Utilisation of Everything " * 2
    shares = tuple(row.model_copy(update={"name": name}) for row in surface.record.partners.shares)
    partners = surface.record.partners.model_copy(update={"shares": shares})
    gantt = tuple(row.model_copy(update={"name": name}) for row in surface.record.build.gantt)
    build = surface.record.build.model_copy(update={"gantt": gantt})
    record = surface.record.model_copy(update={"partners": partners, "build": build})
    for draw in (shares_figure, gantt_figure):
        figure = draw(record, width_in)
        svg_text(figure, "long")
        assert figure.axes[0].get_position().width > 0.4


@pytest.mark.parametrize(("pole", "side"), [("south", -1.0), ("north", 1.0)])
def test_sites_lie_on_the_map_where_the_relief_has_them(pole, side):
    window = Terrain.default(pole).window((side * 89.0, 40.0), half_width_m=20e3, pixels=5)
    for i, j in ((0, 0), (1, 3), (4, 2)):
        x_m, y_m = polar_place(window.latitude_deg[i, j], window.longitude_deg[i, j])
        assert x_m == pytest.approx(window.x_m[j], abs=1e-3)
        assert y_m == pytest.approx(window.y_m[i], abs=1e-3)


@pytest.mark.parametrize("name", ["one.gif", "one.xyz", "one"])
def test_pictures_of_other_kinds_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"name it \.png"):
        save_figure(Figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())

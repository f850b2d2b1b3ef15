"""Map pictures: nothing cut off or overlapping, scale and directions right, the same bytes each time."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from moonpost.errors import InputError
from moonpost.report.mapfigure import draw_map, save_map
from moonpost.report.mapgraticule import graticule
from moonpost.report.maplook import map_look, relief_shade
from moonpost.report.mapmarks import extent_m
from moonpost.report.mapsheet import MapSheet
from moonpost.terrain.area import MapArea

AREAS = {
    "south pole": MapArea.about(-90.0, 0.0, 528e3, cell_m=8000.0),
    "north pole off the middle": MapArea.about(88.5, 120.0, 200e3, 150e3, cell_m=2000.0),
    "near the south pole": MapArea.about(-89.4, 222.0, 10e3, cell_m=100.0),
    "north": MapArea.about(82.0, 60.0, 200e3, 300e3, cell_m=4000.0),
    "oblique": MapArea.about(-43.3, -11.2, 300e3, 120e3, cell_m=3000.0),
    "date line": MapArea.about(5.0, 179.9, 60e3, cell_m=1000.0),
    "tall": MapArea.about(20.0, 30.0, 40e3, 200e3, cell_m=2000.0),
    "fine": MapArea.about(-89.4, 222.0, 700.0, cell_m=10.0),
    "small": MapArea.about(-70.3, 30.0, 600.0, cell_m=10.0),
}


def chart(area, name="slope_deg", units="deg", long_name="slope over 80 m", **attrs):
    row, col = np.indices(area.shape)
    values = 20.0 + 15.0 * np.sin(row / 9.0) * np.cos(col / 7.0)
    values[:2] = np.nan
    return area.array(values, name=name, units=units, long_name=long_name, source="made up", **attrs)


def texts(figure):
    """Every piece of text that is drawn, with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = []
    for item in figure.findobj(mpl.text.Text):
        if item.get_visible() and item.get_text().strip():
            shown = item.axes is None or item.axes.get_visible()
            box = item.get_window_extent(renderer)
            if shown and box.width > 0:
                found.append((item.get_text(), box))
    return found


@pytest.mark.parametrize("width_in", [3.2, 5.0, 7.5, 12.0])
@pytest.mark.parametrize("name", AREAS)
def test_no_text_is_cut_off_or_lies_on_another(name, width_in):
    area = AREAS[name]
    centre = area.centre
    places = {"Base": (centre.latitude_deg, centre.longitude_deg)}
    figure = draw_map(chart(area), places=places, title="A map with a heading of some length", width_in=width_in)
    width, height = figure.canvas.get_width_height()
    found = texts(figure)
    for text, box in found:
        assert box.x0 >= -1, f"{text!r} leaves the page on the left"
        assert box.x1 <= width + 1, f"{text!r} leaves the page on the right"
        assert box.y0 >= -1, f"{text!r} leaves the page at the foot"
        assert box.y1 <= height + 1, f"{text!r} leaves the page at the head"
    for axes in figure.axes:
        if axes.get_label() == "colours":
            found.append(("the colour bar", axes.get_window_extent()))
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert not (across > 2 and up > 2), f"{one!r} lies on {other!r}"


@pytest.mark.parametrize("name", AREAS)
def test_lines_of_the_graticule_are_where_they_say(name):
    """Their points, turned back into places by the map grid's own inverse."""
    area = AREAS[name]
    left, right, bottom, top = extent_m(area)
    lines = graticule(area)
    assert len([line for line in lines.lines if line.meridian]) >= 2
    assert len([line for line in lines.lines if not line.meridian]) >= 1
    for line in lines.lines:
        inside = (line.x_m > left) & (line.x_m < right) & (line.y_m > bottom) & (line.y_m < top)
        number = float(line.label.split("°")[0])
        for x, y in zip(line.x_m[inside][::80], line.y_m[inside][::80], strict=True):
            place = MapArea(area.wkt, np.array([x]), np.array([y]), area.cell_m).centre
            if line.meridian and abs(place.latitude_deg) < 89.999:
                assert (place.longitude_deg - number + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=0.006)
            elif not line.meridian:
                side = -1.0 if line.label.endswith("S") else 1.0
                assert place.latitude_deg == pytest.approx(side * number, abs=0.0006)
        for x, y, side in line.ends:
            edge = {"left": x - left, "right": x - right, "bottom": y - bottom, "top": y - top}[side]
            assert abs(edge) < 1e-6 * (right - left)


def test_the_pole_is_marked_where_it_is_on_the_map():
    assert graticule(AREAS["south pole"]).pole == pytest.approx((0.0, 0.0), abs=1e-6)
    assert graticule(AREAS["north pole off the middle"]).pole is not None
    assert graticule(AREAS["near the south pole"]).pole is None


def scale_bar(figure):
    """Length of the bar in pixels, and what it says in metres."""
    FigureCanvasAgg(figure).draw()
    axes = next(axes for axes in figure.axes if axes.get_label() == "scale")
    pixels = sum(bar.get_window_extent().width for bar in axes.patches)
    words = axes.texts[-1].get_text().split()
    return pixels, float(words[0]) * (1000.0 if words[1] == "km" else 1.0)


@pytest.mark.parametrize("name", AREAS)
@pytest.mark.parametrize("width_in", [3.2, 7.5])
def test_the_scale_bar_is_true_at_the_middle(name, width_in):
    area = AREAS[name]
    figure = draw_map(chart(area), width_in=width_in)
    pixels, metres = scale_bar(figure)
    frame = next(axes for axes in figure.axes if axes.get_label() == "map")
    width = frame.get_window_extent().width
    middle = area.centre
    ground = area.shape[1] * area.cell_m / float(area.scale(middle.latitude_deg, middle.longitude_deg))
    assert pixels / width == pytest.approx(metres / ground, rel=0.03)
    assert 0.04 < pixels / (figure.get_figwidth() * figure.dpi) < 0.5


def arrows(figure):
    """Directions of the arrows by their words, clockwise from up [deg]."""
    axes = next(axes for axes in figure.axes if axes.get_label() == "direction")
    notes = [item for item in axes.texts if isinstance(item, mpl.text.Annotation)]
    words = [item.get_text() for item in axes.texts if not isinstance(item, mpl.text.Annotation)]
    found = {}
    for note, word in zip(notes, words, strict=True):
        (x, y), (a, b) = note.xy, note.xyann
        found[word] = float(np.degrees(np.arctan2(x - a, y - b)))
    return found


def test_arrows_point_north_and_to_the_side_of_the_earth():
    assert arrows(draw_map(chart(AREAS["south pole"]))) == {"0° (Earth)": pytest.approx(0.0, abs=1e-6)}
    north = arrows(draw_map(chart(AREAS["north pole off the middle"])))
    assert abs(north["0° (Earth)"]) == pytest.approx(180.0)
    near = arrows(draw_map(chart(AREAS["near the south pole"])))
    assert near["Earth"] == pytest.approx(0.0, abs=1e-6)
    middle = AREAS["near the south pole"].centre.longitude_deg
    assert (near["N"] - middle + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=0.5)
    assert arrows(draw_map(chart(AREAS["oblique"]))) == {"N": pytest.approx(0.0, abs=0.5)}


def test_the_same_map_gives_the_same_bytes_and_touches_no_settings(tmp_path):
    before = dict(mpl.rcParams)
    area = AREAS["near the south pole"]
    relief = chart(area, name="height_m", units="m", long_name="height")
    first = save_map(tmp_path / "a.png", chart(area), relief=relief, places={"A": (-89.4, 222.0)})
    second = save_map(tmp_path / "b.png", chart(area), relief=relief, places={"A": (-89.4, 222.0)})
    assert first.read_bytes() == second.read_bytes()
    assert dict(mpl.rcParams) == before
    with Image.open(first) as picture:
        assert picture.width == round(7.5 * 150)
        assert not {"Software", "Creation Time"} & set(picture.info)


def test_colours_show_the_values_and_missing_cells_are_grey(tmp_path):
    area = MapArea.about(0.0, 0.0, 400.0, cell_m=100.0)
    values = np.array([[0.0, 10.0], [20.0, np.nan]]).repeat(2, axis=0).repeat(2, axis=1)
    data = area.array(values, name="slope_deg", units="deg", long_name="slope", source="made up")
    look = map_look(data)
    path = save_map(tmp_path / "a.png", data, width_in=5.0)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    figure = draw_map(data, width_in=5.0)
    figure.set_dpi(150)
    box = next(axes for axes in figure.axes if axes.get_label() == "map").get_window_extent()
    for row, col in ((0, 0), (0, 3), (3, 0)):
        x = round(box.x0 + (col + 0.5) / 4 * box.width)
        y = pixels.shape[0] - round(box.y1 - (row + 0.5) / 4 * box.height)
        expected = 255.0 * np.array(look.colours(look.norm(values[row, col]))[:3])
        patch = pixels[y - 20 : y + 21, x - 20 : x + 21].reshape(-1, 3)
        assert np.abs(np.median(patch, axis=0) - expected).max() < 3, "the middle of a cell, lines apart"
    x, y = round(box.x0 + 0.9 * box.width), pixels.shape[0] - round(box.y0 + 0.1 * box.height)
    assert tuple(pixels[y, x]) == (0xC9, 0xCE, 0xD6)


def test_looks_fit_their_quantity():
    area = AREAS["oblique"]
    light = chart(area, name="average_illumination", units="1", long_name="average illumination") / 100.0
    light.attrs = chart(area, name="average_illumination", units="1", long_name="average illumination").attrs
    look = map_look(light)
    assert look.label == "Average illumination [%]"
    assert (look.norm.vmin, look.norm.vmax) == (0.0, 100.0)
    gain = chart(area, name="longest_dark_d_gain", units="d", long_name="gain") - 20.0
    gain.attrs = chart(area, units="d").attrs
    assert map_look(gain).norm(0.0) == pytest.approx(0.5)
    far = chart(area, name="haven_distance_m", units="m", long_name="way") * 1000.0
    far.attrs = chart(area, units="m", long_name="way").attrs
    assert map_look(far).label == "Way [km]"
    assert map_look(chart(area, name="height_m", units="m", long_name="height")).label == "Height [m]"
    assert map_look(chart(area), limits=(0.0, 10.0)).extend == "max"
    long_tail = chart(area)
    long_tail[5, 5] = 500.0
    assert map_look(long_tail).extend == "max"
    assert map_look(long_tail).norm.vmax < 40.0
    coded = area.array(np.full(area.shape, 255, np.uint8), name="psr", units="1", long_name="x", source="y")
    coded[10:] = 1
    assert map_look(coded).mask
    assert np.isnan(map_look(coded).values[0]).all()


@pytest.mark.parametrize("colours", ["viridis", "cividis", "inferno", "inferno_r", "viridis_r"])
def test_sequential_scales_grow_evenly_in_lightness(colours):
    """Relative luminance of the sRGB colours rises or falls all the way: readable in grey and by all eyes."""
    rgb = mpl.colormaps[colours](np.linspace(0.0, 1.0, 64))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    steps = np.diff(linear @ [0.2126, 0.7152, 0.0722])
    assert (steps > -1e-3).all() or (steps < 1e-3).all()


def test_relief_is_lit_from_the_upper_left():
    row, col = np.mgrid[-20:21, -20:21]
    hill = 10.0 * np.maximum(0.0, 15.0 - np.hypot(row, col))
    shade = relief_shade(hill, 10.0)
    assert shade[14, 14] > 0.7 > 0.5 > shade[26, 26]
    assert shade[0, 0] == pytest.approx(0.6)


def test_truths_are_laid_over_the_relief_with_a_legend():
    area = AREAS["near the south pole"]
    row, _ = np.indices(area.shape)
    shadow = area.array(row > 50, name="psr", units="1", long_name="permanent shadow", source="made up")
    relief = chart(area, name="height_m", units="m", long_name="height")
    figure = draw_map(shadow, relief=relief, outline=shadow, routes={"Traverse": ([-89.5, -89.4], [220.0, 222.0])})
    assert [axes.get_label() for axes in figure.axes] == ["map", "scale", "direction"]
    words = [text for text, _ in texts(figure)]
    assert {"Permanent shadow", "Edge of permanent shadow", "Traverse"} <= set(words)


def test_places_off_the_map_are_left_out():
    area = AREAS["near the south pole"]
    words = [
        text for text, _ in texts(draw_map(chart(area), places={"Here": (-89.4, 222.0), "There": (-80.0, 0.0)}))
    ]
    assert "Here" in words
    assert "There" not in words


def test_the_mast_and_the_station_are_told():
    area = AREAS["oblique"]
    data = chart(area, name="station_visible", units="1", long_name="time in sight")
    data = data.assign_coords(mast=2.0, station="Kashi", spatial_ref=0)
    words = " ".join(text for text, _ in texts(draw_map(data))).replace("\n", " ")
    assert "Time in sight, 2 m above the ground, Kashi" in words


def test_spells_over_decades_get_a_logarithmic_scale_and_zeros_its_end():
    area = AREAS["oblique"]
    data = chart(area, name="longest_dark_d", units="d", long_name="dark")
    data[:] = 10.0 ** (np.indices(area.shape)[1] / 33.0 - 0.5)
    data[3, 3] = 0.0
    look = map_look(data)
    assert look.label == "Longest darkness [d]"
    assert isinstance(look.norm, mpl.colors.LogNorm)
    assert look.values[3, 3] == look.norm.vmin
    assert not np.ma.getmaskarray(look.norm(look.values)).any()
    assert not isinstance(map_look(data, limits=(0.0, 30.0)).norm, mpl.colors.LogNorm)
    words = [text for text, _ in texts(draw_map(data))]
    assert {"1", "2", "5", "10", "20", "50"} <= set(words)
    assert not any("$" in text for text in words)


def test_origin_grade_and_period_are_told():
    data = chart(AREAS["oblique"], grade="screening", period="2020-01-01 to 2039-01-01")
    words = " ".join(text for text, _ in texts(draw_map(data, note="Not for landing"))).replace("\n", " ")
    for part in ("Not for landing", "Source: made up", "grade: screening", "2039", "cells of 3 km", "oblique"):
        assert part in words
    words = " ".join(text for text, _ in texts(draw_map(chart(AREAS["small"])))).replace("\n", " ")
    assert "polar stereographic" in words


def test_large_maps_are_thinned_by_means():
    area = MapArea.about(-90.0, 0.0, 250e3, cell_m=100.0)
    data = area.array(
        np.indices(area.shape)[1].astype("f4"), name="slope_deg", units="deg", long_name="x", source="y"
    )
    figure = draw_map(data)
    image = next(axes for axes in figure.axes if axes.get_label() == "map").get_images()[0]
    assert max(image.get_array().shape[:2]) <= 2400
    assert image.get_extent()[1] - image.get_extent()[0] == pytest.approx(250e3, rel=1e-3)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [({"width_in": 2.0}, "width_in"), ({"limits": (5.0, 1.0)}, "slope_deg"), ({"width_in": np.nan}, "width_in")],
)
def test_refuses_arguments_of_no_use(wrong, where):
    with pytest.raises(InputError, match=where):
        draw_map(chart(AREAS["small"]), **wrong)


def test_refuses_what_is_no_map(tmp_path):
    area = AREAS["small"]
    cube = area.array(
        np.zeros((2, *area.shape)), name="cube", units="1", long_name="x", source="y", dims=("mast", "y", "x")
    )
    with pytest.raises(InputError, match="one map"):
        draw_map(cube)
    with pytest.raises(InputError, match="no finite value"):
        draw_map(chart(area) * np.nan)
    with pytest.raises(InputError, match=r"\.png"):
        save_map(tmp_path / "a.jpg", chart(area))
    with pytest.raises(InputError, match="dpi"):
        save_map(tmp_path / "a.png", chart(area), dpi=5)
    assert list(tmp_path.iterdir()) == []


def test_pages_grow_with_what_is_on_them():
    plain = MapSheet.make(1.0, 7.5, bar_lines=1, title_lines=1, foot_lines=1, entries=0)
    full = MapSheet.make(1.0, 7.5, bar_lines=1, title_lines=2, foot_lines=3, entries=7)
    assert full.height_in > plain.height_in + 0.5
    assert full.map_in[2:] == plain.map_in[2:]
    tall = MapSheet.make(5.0, 7.5, bar_lines=1, title_lines=1, foot_lines=1, entries=0)
    assert tall.width_in < 7.5
    assert tall.map_in[3] == pytest.approx(9.0)

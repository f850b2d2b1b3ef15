"""PDS4 products: written, valid, read back by pds4-tools with equal arrays; what is wrong is found."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pds4_tools
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lxml import etree

from moonpost.errors import DataError, DateError, InputError, OutputError, UnknownNameError
from moonpost.partners.pds4 import (
    AUTHORITIES,
    MODEL_VERSION,
    NAMESPACE,
    About,
    ArrayPart,
    TablePart,
    Written,
    about_product,
    about_result,
    array_parts,
    check_label,
    own_schema,
    read_content,
    table_part,
    write_product,
)
from moonpost.plan import load_plan

PLAN = load_plan("ilrs")
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOURS = np.datetime64("2030-01-01T00:00", "ms") + np.arange(5) * np.timedelta64(3_600_000, "ms")


def about(name: str = "example", version: str = "1.0", **more: Any) -> About:
    return about_result(
        PLAN, name, "2030-01-01", "2030-02-01", title="Example", version=version, date="2031-01-01", **more
    )


def written(folder: Path, parts: Any = None, **more: Any) -> Written:
    made = [ArrayPart("light", np.arange(12.0, dtype=np.float32).reshape(3, 4), "1")] if parts is None else parts
    return write_product(folder, about(**more), made)


def structures(done: Written) -> Any:
    return pds4_tools.read(str(done.label), quiet=True)


def kinds(done: Written) -> set[str]:
    return {fault.kind for fault in check_label(done.label).faults}


# ------------------------------------------------------------------------------------------ written and read


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "<u2", ">i2", "<i4", "<u4", ">i8", "<u8", "<f4", ">f8", "<c8", "<c16", "?"]
)
def test_arrays_of_every_type_come_back_equal(tmp_path: Path, dtype: str) -> None:
    values = (np.arange(60) % 2 if dtype == "?" else np.arange(60) * 3 - (0 if "u" in dtype else 40)).astype(dtype)
    done = written(tmp_path, [ArrayPart("one", values.reshape(6, 10)), ArrayPart("two", values.reshape(3, 4, 5))])
    assert check_label(done.label).sound
    first, second = structures(done)
    assert np.array_equal(first.data, values.reshape(6, 10))
    assert np.array_equal(second.data, values.reshape(3, 4, 5))
    assert (first.type, second.type) == ("Array_2D_Image", "Array_3D")
    assert [axis["elements"] for axis in second.meta_data.get_axis_arrays()] == [3, 4, 5]


FLOATS = hnp.arrays(
    st.sampled_from([np.dtype("f4"), np.dtype("f8")]),
    hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
    elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6, width=32)),
)


@SLOW
@given(values=FLOATS)
def test_missing_values_are_told_and_come_back(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    done = written(tmp_path_factory.mktemp("a"), [ArrayPart("light", values)])
    assert check_label(done.label).sound
    (found,) = structures(done)
    back = found.as_masked().data
    gaps = np.isnan(values)
    assert np.array_equal(np.ma.getmaskarray(back), gaps)
    assert np.array_equal(np.asarray(back)[~gaps], values[~gaps])


ROWS = st.integers(1, 6)


@SLOW
@given(data=st.data(), count=ROWS, form=st.sampled_from(["binary", "delimited"]))
def test_tables_come_back_equal(
    tmp_path_factory: pytest.TempPathFactory, data: Any, count: int, form: str
) -> None:
    def drawn(elements: Any) -> list[Any]:
        return data.draw(st.lists(elements, min_size=count, max_size=count))

    text = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"'), max_size=6)
    columns = {
        "real": np.array(drawn(st.floats(allow_nan=True, allow_infinity=False, width=64))),
        "small": np.array(drawn(st.floats(-1e6, 1e6, width=32)), dtype=np.float32),
        "whole": np.array(drawn(st.integers(-(2**62), 2**62)), dtype=np.int64),
        "flag": np.array(drawn(st.booleans())),
        "word": np.array(drawn(text)),
        "when": np.array(
            [
                np.datetime64(item, "ms")
                for item in drawn(st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2100, 1, 1)))
            ]
        ),
    }
    done = written(tmp_path_factory.mktemp("t"), TablePart(columns, form=form))
    assert check_label(done.label).sound
    table = next(item for item in structures(done) if item.is_table())
    for name in ("real", "small", "whole", "flag"):
        back = table.as_masked().field(name) if name == "real" else table.field(name)
        mask = np.isnan(columns[name]) if name == "real" else np.zeros(count, dtype=bool)
        assert np.array_equal(np.ma.getmaskarray(back), mask)
        assert np.array_equal(np.asarray(back)[~mask], columns[name][~mask])
    assert [str(item) for item in table.field("when")] == [f"{item}Z" for item in columns["when"]]
    assert [str(item).strip() for item in table.field("word")] == list(columns["word"])


def test_a_map_of_light_is_labelled(tmp_path: Path) -> None:
    from moonpost.sky import Almanac
    from moonpost.terrain import MapArea, Terrain
    from moonpost.terrain.maps import site_maps
    from moonpost.terrain.rasters import write_geotiff

    area = MapArea.about(-89.45, 222.8, 4000.0, cell_m=500.0)
    found = site_maps(
        Terrain.default("south"),
        area,
        Almanac.default(),
        "2030-01-01",
        "2030-01-15",
        maps=("illumination",),
        mast_m=(2.0, 10.0),
        azimuths=72,
    )
    path = write_geotiff(tmp_path / "light.tif", found[["average_illumination"]])
    content = read_content(path)
    assert (content.start[:10], content.stop[:10]) == ("2030-01-01", "2030-01-15")
    made = about_result(
        PLAN, "light-map", content.start, content.stop, title=content.title, sources=content.sources
    )
    done = write_product(tmp_path / "archive", made, content.parts)
    assert check_label(done.label).sound
    (back,) = structures(done)
    values = found["average_illumination"].values
    assert values.shape == (2, *area.shape)
    assert np.array_equal(back.data, values)
    assert back.type == "Array_3D"
    text = done.label.read_text("ascii")
    assert "South Polar" in text
    assert "mast: 2, 10" in text
    assert "no instrument took these data" in text


@pytest.mark.parametrize("form", ["binary", "delimited"])
def test_a_simulated_series_is_labelled(tmp_path: Path, form: Any) -> None:
    from moonpost.study import simulate_plan

    series = simulate_plan(PLAN, "2040-01-01", 1.0).series
    table = table_part(series, ("supply_w", "light_fraction"), form)
    made = about_result(PLAN, "power", series["time"].values[0], series["time"].values[-1], title="Power")
    done = write_product(tmp_path, made, table)
    assert check_label(done.label).sound
    back = next(item for item in structures(done) if item.is_table())
    for k, bus in enumerate(series["bus"].values):
        assert np.array_equal(back.field(f"supply_w {bus}"), series["supply_w"].values[k])
    for k, mast in enumerate(series["mast_m"].values):
        assert np.array_equal(back.field(f"light_fraction {mast}"), series["light_fraction"].values[k])
    assert back.field("supply_w station").meta_data["unit"] == "W"


def test_coded_maps_keep_their_scale_and_constant(tmp_path: Path) -> None:
    stored = np.array([[0, 50, 100], [255, 1, 2]], dtype=np.uint8)
    part = ArrayPart("share", stored, "1", kind="Array_2D_Map", scaling_factor=0.01, value_offset=1.0, missing=255)
    (back,) = structures(written(tmp_path, [part]))
    shown = back.as_masked().data
    assert np.ma.getmaskarray(shown).tolist() == [[False] * 3, [True, False, False]]
    assert np.allclose(np.ma.compressed(shown), [1.0, 1.5, 2.0, 1.01, 1.02])


def test_the_label_of_a_plans_product_names_its_context(tmp_path: Path) -> None:
    made = about_product(
        PLAN,
        "water-spectra",
        "2027-01-01",
        "2027-02-01",
        authority="urn:esa:psa",
        date="2027-06-01",
        comment="Held.",
    )
    done = write_product(tmp_path, made, TablePart({"ice_percent": [0.5, 1.5]}, {"ice_percent": "%"}))
    assert check_label(done.label).sound
    label = structures(done).label
    find = label.findtext
    assert find("Identification_Area/logical_identifier") == "urn:esa:psa:ilrs:data-calibrated:water-spectra"
    assert find("Identification_Area/information_model_version") == MODEL_VERSION
    assert find("Observation_Area/Primary_Result_Summary/processing_level") == "Calibrated"
    assert find("Observation_Area/Target_Identification/name") == "Moon"
    parts = label.findall("Observation_Area/Observing_System/Observing_System_Component")
    assert [part.findtext("type") for part in parts] == ["Host", "Instrument"]
    assert parts[1].findtext("Internal_Reference/lid_reference").endswith("ce7-hopper.water-analyser")
    assert label.findall("Observation_Area/Investigation_Area")[0].findtext("name") == "Chang'e 7"
    who = "China National Space Administration, State Space Corporation Roscosmos at once"
    when = "all partners from 2027-07-31, everybody from 2028-02-01"
    assert find("Observation_Area/comment") == f"Held. {who}, {when}."


def test_a_published_product_is_cited(tmp_path: Path) -> None:
    rows = tuple(
        row.model_copy(update={"published": "2028-03"}) if row.id == "water-spectra" else row
        for row in PLAN.products
    )
    plan = PLAN.model_copy(update={"products": rows})
    made = about_product(plan, "water-spectra", "2027-01-01", "2027-02-01")
    done = write_product(tmp_path, made, TablePart({"ice_percent": [0.5]}))
    assert check_label(done.label).sound
    label = structures(done).label
    citation = label.find("Identification_Area/Citation_Information")
    assert citation.findtext("publication_year") == "2028"
    assert citation.findtext("author_list") == "China National Space Administration"
    assert citation.findtext("keyword") == "lunar geology"
    assert label.findtext("Observation_Area/comment") == "Published 2028-03."


def test_a_citation_has_at_most_five_thousand_letters(tmp_path: Path) -> None:
    fits = dataclasses.replace(about(), year=2031, authors="Nobody", description="a b" * 2500)
    done = write_product(tmp_path, fits, [ArrayPart("a", np.eye(2))])
    assert check_label(done.label).sound
    assert changed(done, ("<description>a ba b", "<description>ab ba b")) == [
        "the description of a citation has more than 5000 characters"
    ]
    more = dataclasses.replace(fits, lid=f"{fits.lid}-b", description="a b" * 2500 + "c")
    with pytest.raises(InputError, match="too long to be cited"):
        write_product(tmp_path, more, [ArrayPart("a", np.eye(2))])
    assert len(list(tmp_path.iterdir())) == 2


# ------------------------------------------------------------------------------------------ versions


def test_a_later_version_keeps_the_history_and_the_older_files(tmp_path: Path) -> None:
    first = written(tmp_path, change="First.")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = written(tmp_path, version="1.10", change="Longer.")
    third = written(tmp_path, version="2.0", change="Recomputed.")
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert first.label != second.label != third.label
    details = structures(third).label.findall("Identification_Area/Modification_History/Modification_Detail")
    assert [item.findtext("version_id") for item in details] == ["1.0", "1.10", "2.0"]
    assert [item.findtext("description") for item in details] == ["First.", "Longer.", "Recomputed."]
    for stale in ("1.0", "1.9", "2.0"):
        with pytest.raises(InputError, match="not after"):
            written(tmp_path, version=stale)
    assert len(list(tmp_path.iterdir())) == 6


def test_a_folder_with_another_products_label_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    made = about_result(
        PLAN, "example", "2030-01-01", "2031-01-01", title="Other", version="3.0", authority="urn:esa:psa"
    )
    with pytest.raises(DataError, match="label of urn:ros"):
        write_product(tmp_path, made, [ArrayPart("a", np.eye(2))])


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("moonpost.partners.pds4.label.label_text", broken)
        with pytest.raises(RuntimeError):
            written(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        written(tmp_path / "file" / "below")


# ------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ArrayPart("a", np.arange(3)), "shape"),
        (lambda: ArrayPart("a", np.empty((0, 3))), "shape"),
        (lambda: ArrayPart("a", np.array([[np.inf, 1.0]])), "infinite"),
        (lambda: ArrayPart("a", np.array([["x", "y"]])), "type"),
        (lambda: ArrayPart("a", np.array([[complex(np.nan), 1j]])), "complex"),
        (lambda: ArrayPart("a", np.eye(2), axes=("Line", "Line")), "axes"),
        (lambda: ArrayPart("a", np.ones((2, 2, 2)), kind="Array_2D_Map"), "two axes"),
        (lambda: ArrayPart("a", np.eye(2), kind="Array_3D_Image"), "three axes"),
        (lambda: ArrayPart("a", np.eye(2), kind="Array_2D_Photo"), "Array_2D_Photo"),
        (lambda: ArrayPart("a", np.eye(2), axes=("y", "x"), kind="Array_2D_Image"), "axes y and x"),
        (lambda: ArrayPart("a", np.eye(2, dtype=np.uint8), missing=300), "uint8"),
        (lambda: TablePart({}), "rows"),
        (lambda: TablePart({"a": [1], "b": [1, 2]}), "rows"),
        (lambda: TablePart({"a": [1], "A": [1]}), "one name"),
        (lambda: TablePart({"a,b": [1]}), "head"),
        (lambda: TablePart({"a": ['say "x"']}), "stored"),
        (lambda: TablePart({"a": [" x"]}), "stored"),
        (lambda: TablePart({"a": np.array(["NaT"], dtype="datetime64[ms]")}), "instant"),
        (lambda: TablePart({"a": [1.0]}, {"b": "W"}), "no column"),
        (lambda: TablePart({"a": [np.inf]}, form="delimited"), "infinite"),
        (lambda: TablePart({"a": [1]}, form="text"), "binary or delimited"),  # type: ignore[arg-type]
    ],
)
def test_what_pds4_cannot_hold_is_refused(make: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        make()


def test_names_versions_and_dates_are_checked(tmp_path: Path) -> None:
    for bad in ("Light Map", "a:b", "", "../up", "äh"):
        with pytest.raises(InputError, match="identifier"):
            about(bad)
    for bad in ("1", "1.0.0", "v1.0", "0.0", "01.0"):
        with pytest.raises(InputError, match="version"):
            about(version=bad)
    for bad in ("urn:esa", "esa:psa:x", "urn:ESA:psa"):
        with pytest.raises(InputError, match="authority"):
            about(authority=bad)
    with pytest.raises(DateError, match="before they begin"):
        about_result(PLAN, "a", "2031-01-01", "2030-01-01", title="x")
    with pytest.raises(DateError):
        about_result(PLAN, "a", "2030-02-30", "2031-01-01", title="x")
    with pytest.raises(UnknownNameError):
        about_product(PLAN, "nothing", "2030-01-01", "2031-01-01")
    with pytest.raises(InputError, match="ASCII"):
        write_product(tmp_path, about(change="月"), [ArrayPart("a", np.eye(2))])
    with pytest.raises(InputError, match="at least one"):
        write_product(tmp_path, about(), [])
    assert list(tmp_path.iterdir()) == []


def test_texts_that_a_label_cannot_hold_are_refused_not_cut(tmp_path: Path) -> None:
    long = about_result(PLAN, "a", "2030-01-01", "2031-01-01", title="x" * 256)
    with pytest.raises(InputError, match="256 characters"):
        write_product(tmp_path, long, [ArrayPart("a", np.eye(2))])
    with pytest.raises(InputError, match="characters"):
        written(tmp_path, [ArrayPart("a" * 300, np.eye(2))])
    with pytest.raises(DateError):
        write_product(tmp_path, about(), [ArrayPart("a", np.eye(2))], created="noon")
    assert list(tmp_path.iterdir()) == []
    done = write_product(tmp_path, about(), [ArrayPart("a", np.eye(2))], created="2031-05-01T12:00Z")
    assert structures(done).label.findtext(".//creation_date_time") == "2031-05-01T12:00:00.000Z"
    assert check_label(done.label).sound


def test_accents_and_signs_are_made_plain(tmp_path: Path) -> None:
    done = write_product(tmp_path, about(change="Türkiye’s 5° — fine"), [ArrayPart("a", np.eye(2))])
    details = structures(done).label.findall("Identification_Area/Modification_History/Modification_Detail")
    assert details[0].findtext("description") == "Turkiye's 5 deg - fine"


# ------------------------------------------------------------------------------------------ checked


def test_every_required_element_is_missed(tmp_path: Path) -> None:
    done = written(tmp_path, TablePart({"a": [1.0, np.nan], "b": ["x", "y"]}, {"a": "W"}, {"a": "Load"}))
    tree = etree.parse(str(done.label))
    count = len(list(tree.getroot().iter("{*}*")))
    optional = {
        *("Modification_History", "Primary_Result_Summary", "Reference_List", "External_Reference", "file_size"),
        *("records", "md5_checksum", "field_number", "unit", "description", "name", "Special_Constants"),
        *("missing_constant", "Internal_Reference"),
    }
    missed, passed = 0, set()
    for k in range(1, count):
        other = copy.deepcopy(tree)
        node = list(other.getroot().iter("{*}*"))[k]
        node.getparent().remove(node)
        other.write(str(done.label))
        if check_label(done.label).sound:
            passed.add(etree.QName(node).localname)
        else:
            missed += 1
    assert passed <= optional
    assert missed > 30


def test_elements_in_another_order_are_found(tmp_path: Path) -> None:
    done = written(tmp_path)
    tree = etree.parse(str(done.label))
    area = tree.find(f"{{{NAMESPACE}}}Identification_Area")
    area.insert(0, area[1])
    tree.write(str(done.label))
    assert kinds(done) == {"schema"}


@pytest.mark.parametrize(
    ("old", "new", "kind", "text"),
    [
        ("<version_id>1.0", "<version_id>1", "schema", "version_id"),
        (">Derived<", ">derived<", "schema", "processing_level"),
        (">Engineering<", ">Fun<", "schema", "purpose"),
        ("IEEE754LSBSingle", "IEEE754Single", "schema", "data_type"),
        ("2030-02-01T00:00:00.000Z", "2030-02-01T25:00:00.000Z", "schema", "stop_date_time"),
        ("2030-02-01T00:00:00.000Z", "2030-02-30T00:00:00.000Z", "rule", "calendar"),
        ("2030-02-01T00:00:00.000Z", "2029-02-01T00:00:00.000Z", "rule", "before they begin"),
        ("urn:ros:rssa:ilrs:data-derived:example", "urn:ros:rssa:ilrs:example", "rule", "form"),
        ("urn:ros:rssa:ilrs:data-derived:example", "urn:xyz:abc:ilrs:data-derived:example", "rule", "begins"),
        ("urn:ros:rssa:ilrs:data-derived:example", "urn:ros:rssa:ILRS:data-derived:example", "schema", "pattern"),
        ("<axes>2", "<axes>3", "rule", "axes is 3"),
        ("<axis_name>Line", "<axis_name>Row", "rule", "Line and Sample"),
        ("<sequence_number>2", "<sequence_number>1", "rule", "sequence"),
        ("data_to_target", "data_to_moon", "rule", "reference_type"),
        ("Last Index Fastest", "First Index Fastest", "schema", "axis_index_order"),
        ('<file_size unit="byte">48', '<file_size unit="byte">47', "size", "47"),
        ('<file_size unit="byte">48', '<file_size unit="bit">48', "schema", "unit"),
        ("example_v1.0.img", "example_v1.1.img", "file", "not there"),
        ("example_v1.0.img", "../example_v1.0.img", "file", "plain"),
        ("<elements>4", "<elements>5", "extent", "60"),
        ('<offset unit="byte">0', '<offset unit="byte">8', "extent", "56"),
    ],
)
def test_what_is_wrong_with_a_label_is_named(tmp_path: Path, old: str, new: str, kind: str, text: str) -> None:
    done = written(tmp_path)
    label = done.label.read_text("utf-8")
    assert old in label
    done.label.write_text(label.replace(old, new, 1), "utf-8")
    found = check_label(done.label)
    assert kind in {fault.kind for fault in found.faults}
    assert any(text in fault.text for fault in found.faults if fault.kind == kind), found.faults
    assert not found.sound


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('<field_location unit="byte">9', '<field_location unit="byte">8', "overlaps"),
        ('<field_length unit="byte">8', '<field_length unit="byte">4', "type 8"),
        ("<fields>2", "<fields>3", "fields is 3"),
        ("<field_number>2", "<field_number>1", "one number"),
        ('<record_length unit="byte">9', '<record_length unit="byte">8', "end of the record"),
    ],
)
def test_records_that_do_not_add_up_are_found(tmp_path: Path, old: str, new: str, text: str) -> None:
    done = written(tmp_path, TablePart({"a": [1.0, 2.0], "b": ["x", "y"]}))
    label = done.label.read_text("utf-8")
    assert old in label
    done.label.write_text(label.replace(old, new, 1), "utf-8")
    assert any(text in fault.text for fault in check_label(done.label).faults)


def changed(done: Written, *swaps: tuple[str, str]) -> list[str]:
    """Faults of a label after a change of its text; of the data there are none."""
    label = done.label.read_text("utf-8")
    for old, new in swaps:
        assert old in label
        label = label.replace(old, new, 1)
    done.label.write_text(label, "utf-8")
    return [fault.text for fault in check_label(done.label).faults]


STATISTICS = "".join(
    f"<{name}>{value}</{name}>"
    for name, value in {
        "local_identifier": "s",
        "maximum": 1,
        "minimum": 0,
        "mean": 0.5,
        "standard_deviation": 0,
    }.items()
)
SOURCES = """<Source_Product_Internal><lidvid_reference>urn:esa:psa:a:b:c::1.0</lidvid_reference>
  <reference_type>data_to_raw_source_product</reference_type></Source_Product_Internal>
<Source_Product_External><external_source_product_identifier>x</external_source_product_identifier>
  <reference_type>data_to_raw_source_product</reference_type><doi>10.1/a</doi></Source_Product_External>"""
REFERENCE = """<Internal_Reference><lid_reference>urn:isro:isda:a:b:c</lid_reference>
  <reference_type>data_to_document</reference_type></Internal_Reference>"""
FACETS = """<Science_Facets><wavelength_range>Radio</wavelength_range><domain>Surface</domain>
  <discipline_name>Fields</discipline_name><facet1>Magnetic</facet1><facet2>Waves</facet2></Science_Facets>"""
NIL = '<start_date_time xsi:nil="true" nilReason="unknown missing"/>'
BEGIN = "<start_date_time>2030-01-01T00:00:00.000Z</start_date_time>"
LEVEL = "<processing_level>Derived</processing_level>"
AFTER = "no instrument took these data.</description>\n    </Primary"


@pytest.mark.parametrize(
    "swap",
    [
        ("<modification_date>2031-01-01", "<modification_date>2031-01-01T12:30:05.25Z"),
        ("<modification_date>2031-01-01", "<modification_date>2031-02"),
        ("<type>Satellite", "<type>Dust"),
        ("</axis_name>", "</axis_name><local_identifier>axis</local_identifier>"),
        (
            "<Object_Statistics>",
            f"<Special_Constants>{'<missing_constant>-1</missing_constant>'}"
            "<valid_maximum>9</valid_maximum><high_instrument_saturation>10</high_instrument_saturation>"
            "<valid_minimum>0</valid_minimum><low_representation_saturation>-3</low_representation_saturation>"
            "</Special_Constants><Object_Statistics>",
        ),
        ("</mean>", "</mean><median>5.</median><maximum_scaled_value>+1e1</maximum_scaled_value>"),
        ("</External_Reference>\n  </Reference_List>", f"</External_Reference>{SOURCES}</Reference_List>"),
        ("<Reference_List>", f"<Reference_List>{REFERENCE}"),
        (BEGIN, NIL),
        (BEGIN, BEGIN.replace("2030-01-01T00:00:00.000Z", "2016-12-31T23:59:60Z")),
        (AFTER, AFTER.replace("    </Primary", FACETS + "</Primary")),
        ("</md5_checksum>", "</md5_checksum><file_URL>https://example.org/a</file_URL>"),
    ],
)
def test_what_the_model_permits_is_no_fault(tmp_path: Path, swap: tuple[str, str]) -> None:
    assert changed(written(tmp_path), swap) == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("<information_model_version>1.20", "<information_model_version>1.21", "1.21.0.0"),
        ("<modification_date>2031-01-01", "<modification_date>2031-02-29", "modification_date"),
        ("2030-02-01T00:00:00.000Z", "2030-06-30T23:59:60Z", "stop_date_time"),
        ("2030-02-01T00:00:00.000Z", "2030-02-01T00:00:00.000", "stop_date_time"),
        (BEGIN, NIL.replace(' nilReason="unknown missing"', ""), "nilReason"),
        ("<start_date_time>", '<start_date_time nilReason="unknown" xsi:nil="false">', "nilReason"),
        ("<type>Satellite", "<type>Moon", "Moon"),
        ("<axis_name>Line", "<axis_name>L\u00edne", "axis_name"),
        ("<elements>4", "<elements>+4", "elements"),
        ("</sequence_number>", "7</sequence_number>", "sequence_number"),
        ("<mean>", "<mean>1e400</mean><median>", "mean"),
        ("<reference_type>data_to_target", "<reference_type>data_to_investigation", "data_to_target"),
        ("urn:nasa:pds:context:target", "urn:xyz:abc:context:target", "begins with none"),
        ("<Reference_List>", "<Reference_List>" + REFERENCE.replace("document", "letter"), "data_to_letter"),
        (
            "</External_Reference>\n  </Reference_List>",
            "</External_Reference>" + SOURCES.replace("<doi>10.1/a</doi>", "") + "</Reference_List>",
            "doi",
        ),
        (AFTER, AFTER.replace("    </Primary", FACETS.replace("Waves", "Ions") + "</Primary"), "facet2 Ions"),
        (AFTER, AFTER.replace("    </Primary", FACETS.replace("Fields", "Geosciences") + "</Primary"), "has none"),
        ("<purpose>", "<type>Chart</type><purpose>", "Chart"),
    ],
)
def test_what_the_model_refuses_is_a_fault(tmp_path: Path, old: str, new: str, text: str) -> None:
    faults = changed(written(tmp_path), (old, new))
    assert any(text in fault for fault in faults), faults


def test_the_root_has_no_prefix(tmp_path: Path) -> None:
    done = written(tmp_path)
    tree = etree.parse(str(done.label)).getroot()
    other = etree.Element(tree.tag, nsmap={"pds": NAMESPACE, "xsi": tree.nsmap["xsi"]})
    other.extend(tree)
    done.label.write_bytes(etree.tostring(other))
    assert [fault.text for fault in check_label(done.label).faults] == [
        "the root is written pds:Product_Observational, and must be without a prefix"
    ]


def test_the_axes_of_an_image_stand_in_order(tmp_path: Path) -> None:
    done = written(tmp_path)
    swaps = (("<sequence_number>1", "<sequence_number>9"), ("<sequence_number>2", "<sequence_number>1"))
    faults = changed(done, *swaps, ("<sequence_number>9", "<sequence_number>2"))
    assert any("order of their sequence" in fault for fault in faults)


SAMPLED = """<Uniformly_Sampled><sampling_parameter_name>time</sampling_parameter_name>
<sampling_parameter_interval>1</sampling_parameter_interval><sampling_parameter_unit>s</sampling_parameter_unit>
<first_sampling_parameter_value>0</first_sampling_parameter_value>
<last_sampling_parameter_value>1</last_sampling_parameter_value>
<sampling_parameter_scale>Linear</sampling_parameter_scale></Uniformly_Sampled>"""


@pytest.mark.parametrize(
    ("old", "new", "sound"),
    [
        ("<Record_Delimited>", f"{SAMPLED}<Record_Delimited>", True),
        ("<Record_Delimited>", SAMPLED.replace("Linear", "Exponential") + "<Record_Delimited>", False),
        (
            "<Record_Delimited>",
            SAMPLED.replace("Linear<", "Exponential<").replace(
                "</Uniformly", "<sampling_parameter_base>2</sampling_parameter_base></Uniformly"
            )
            + "<Record_Delimited>",
            True,
        ),
        (">Comma<", ">comma<", True),
        (">Comma<", ">Blank<", False),
        (">Carriage-Return Line-Feed<", ">carriage-return line-feed<", True),
        ("ASCII_Real", "ASCII_Numeric_Base16", True),
        ("ASCII_Real", "ASCII_Date", False),
        ("</maximum_field_length>", "</maximum_field_length><field_format>%6.2f</field_format>", True),
        ("</maximum_field_length>", "</maximum_field_length><field_format>F6.2</field_format>", False),
        ("<parsing_standard_id>PDS DSV 1", "<parsing_standard_id>PDS DSV 2", False),
        ('<object_length unit="byte">5', '<object_length unit="byte">0', False),
    ],
)
def test_delimited_tables_are_checked_as_the_model_has_them(
    tmp_path: Path, old: str, new: str, sound: bool
) -> None:
    done = written(tmp_path, TablePart({"a": [1.5, 2.0], "b": ["x", "y"]}, form="delimited"))
    assert (changed(done, (old, new)) == []) is sound


@pytest.mark.parametrize(("field_format", "sound"), [("%5d", True), ("%6d", False)])
def test_a_validation_format_is_the_field_format(tmp_path: Path, field_format: str, sound: bool) -> None:
    done = written(tmp_path, TablePart({"word": ["x", "y"]}))
    assert done.size_bytes == 2
    text = done.label.read_text("utf-8").replace("Table_Binary", "Table_Character")
    text = text.replace("Record_Binary", "Record_Character").replace("Field_Binary", "Field_Character")
    text = text.replace("<Record_C", "<record_delimiter>Line-Feed</record_delimiter><Record_C")
    formats = f"<field_format>{field_format}</field_format><validation_format>%5d</validation_format>"
    done.label.write_text(text.replace("</field_length>", f"</field_length>{formats}"), "utf-8")
    faults = [fault.text for fault in check_label(done.label).faults]
    assert faults == ([] if sound else ["validation_format %5d is not the field_format"])


def test_days_of_the_schema_are_those_of_the_calendar() -> None:
    own = own_schema().read_text("utf-8")
    probe = '<xs:element name="day" type="p:date"/><xs:element name="at" type="p:instant"/></xs:schema>'
    rules = etree.XMLSchema(etree.fromstring(own.replace("</xs:schema>", probe).encode()))

    def valid(tag: str, text: str) -> bool:
        node = etree.Element(f"{{{NAMESPACE}}}{tag}")
        node.text = text
        return bool(rules.validate(node))

    for year in (1900, 2000, 2023, 2024, 2096):
        for month in range(14):
            for day in range(33):
                try:
                    dt.date(year, month, day)
                    real = True
                except ValueError:
                    real = False
                text = f"{year}-{month:02d}-{day:02d}"
                assert valid("day", text) is real, text
                assert valid("at", f"{text}T23:59:59.5Z") is real, text
    assert all(valid("day", text) for text in ("2030", "2030-05", "2030-05-06Z"))
    assert all(valid("at", text) for text in ("2030Z", "2030-05-06T07Z", "2015-06-30T23:59:60.5Z"))
    wrong = ("2030-05-06T07", "2015-06-30T23:58:60Z", "2014-06-30T23:59:60Z", "2030-05-06T24:00Z", " 2030Z")
    assert not any(valid("at", text) for text in wrong)


def test_arrays_with_axes_of_their_own_are_no_images(tmp_path: Path) -> None:
    done = written(tmp_path, [ArrayPart("a", np.eye(2), axes=("azimuth", "mast"))])
    assert check_label(done.label).sound
    assert structures(done)[0].type == "Array_2D"


def test_a_mean_beyond_the_largest_number_is_left_out(tmp_path: Path) -> None:
    done = written(tmp_path, [ArrayPart("a", np.full((2, 2), 1.7e308))])
    assert check_label(done.label).sound
    assert "<mean>" not in done.label.read_text("ascii")


def test_every_changed_bit_of_the_data_is_found(tmp_path: Path) -> None:
    done = written(tmp_path, [ArrayPart("a", np.eye(2, 3, dtype=np.uint8))])
    good = done.data.read_bytes()
    for k in range(len(good) * 8):
        bad = bytearray(good)
        bad[k // 8] ^= 1 << k % 8
        done.data.write_bytes(bytes(bad))
        assert kinds(done) == {"checksum"}
    done.data.write_bytes(good[:-1])
    assert kinds(done) == {"size", "checksum", "extent"}
    done.data.unlink()
    assert kinds(done) == {"file"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<Product_Observational>",
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    ],
)
def test_files_that_are_no_labels_are_faults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    (fault,) = check_label(path).faults
    assert fault.kind == "xml"
    assert "root:" not in fault.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_labels_never_end_in_an_error(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    folder = tmp_path_factory.mktemp("d")
    done = written(folder, TablePart({"a": [1.0, 2.0], "b": ["x", "y"]}))
    text = bytearray(done.label.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        if data.draw(st.booleans()):
            text[place] = data.draw(st.integers(0, 255))
        else:
            del text[place : place + data.draw(st.integers(1, 200))]
    done.label.write_bytes(bytes(text))
    assert isinstance(check_label(done.label).faults, tuple)


def test_other_roots_are_faults_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<a/>")
    assert {fault.kind for fault in check_label(path).faults} == {"schema"}


def test_another_schema_can_be_named(tmp_path: Path) -> None:
    done = written(tmp_path)
    strict = tmp_path / "strict.xsd"
    strict.write_text(own_schema().read_text().replace('<xs:enumeration value="Engineering"/>', ""))
    found = check_label(done.label, strict)
    assert (found.schema, {fault.kind for fault in found.faults}) == (str(strict), {"schema"})
    for bad in ("no.xsd", "example_v1.0.img"):
        with pytest.raises(DataError):
            check_label(done.label, tmp_path / bad)
    with pytest.raises(DataError, match="no file"):
        check_label(tmp_path / "none.xml")


def test_identifiers_begin_as_the_model_permits() -> None:
    for authority in AUTHORITIES:
        assert about(authority=authority).lid.startswith(f"{authority}:ilrs:")


# ------------------------------------------------------------------------------------------ files read


def test_tables_are_typed_by_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time,n,x,y,word\n2030-01-01T00:00:00Z,1,1.5,,a\n2030-01-01T06:00Z,-2,nan,2e3,1_0\n")
    content = read_content(path, form="delimited")
    assert (content.start, content.stop) == ("2030-01-01T00:00:00.000Z", "2030-01-01T06:00:00.000Z")
    types = {item.name: item.data_type for item in content.parts.fields}  # type: ignore[union-attr]
    assert types == {
        "time": "ASCII_Date_Time_YMD_UTC",
        "n": "ASCII_Integer",
        "x": "ASCII_Real",
        "y": "ASCII_Real",
        "word": "ASCII_String",
    }
    assert [item.name for item in read_content(path, ["x", "n"]).parts.fields] == ["n", "x"]  # type: ignore[union-attr]
    with pytest.raises(UnknownNameError, match="column"):
        read_content(path, ["z"])


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"a,b\n1\n", "1 fields"),
        ("a.csv", b"a\n", "no rows"),
        ("a.csv", b"a,a\n1,2\n", "one name"),
        ("a.csv", b"\xff\xfe\x00", "CSV"),
        ("a.nc", b"no netcdf", "NetCDF"),
        ("a.tif", b"no tiff", "tif"),
        ("a.xyz", b"", "kind"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=match):
        read_content(path)


def test_arrays_without_time_are_stored_as_they_stand(tmp_path: Path) -> None:
    import xarray as xr

    values = np.arange(6.0).reshape(2, 3)
    data = xr.Dataset(
        {"horizon_deg": (("profile", "azimuth_deg"), values, {"units": "deg", "long_name": "horizon"})},
        coords={"profile": ["ridge", "rim"], "azimuth_deg": [0.0, 120.0, 240.0]},
    )
    data.to_netcdf(tmp_path / "h.nc", engine="h5netcdf")
    content = read_content(tmp_path / "h.nc")
    assert (content.start, content.stop) == ("", "")
    done = written(tmp_path, content.parts)
    assert check_label(done.label).sound
    (back,) = structures(done)
    assert back.type == "Array_2D"
    assert np.array_equal(back.data, values)
    assert [axis["axis_name"] for axis in back.meta_data.get_axis_arrays()] == ["profile", "azimuth_deg"]
    assert "profile: ridge, rim; azimuth_deg: 0.0, 120.0, 240.0" in done.label.read_text()
    xr.Dataset({"a": ("x", values[0])}).to_netcdf(tmp_path / "one.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="neither"):
        read_content(tmp_path / "one.nc")


def test_maps_and_series_are_chosen_by_name() -> None:
    import xarray as xr

    from moonpost.terrain import MapArea

    area = MapArea.about(-90.0, 0.0, 300.0, cell_m=100.0)
    made = {
        name: area.array(np.ones(area.shape), name=name, units="1", long_name=name, source="s") for name in "ab"
    }
    maps = xr.Dataset(made)
    assert [part.name for part in array_parts(maps, ["b"])] == ["b"]
    with pytest.raises(UnknownNameError):
        array_parts(maps, ["c"])
    with pytest.raises(InputError, match="no map"):
        array_parts(xr.Dataset({"a": ("t", [1.0])}))
    series = xr.Dataset({"a": ("time", np.arange(5.0))}, coords={"time": HOURS.astype("datetime64[ns]")})
    assert list(table_part(series).columns) == ["time", "a"]
    with pytest.raises(InputError, match="time"):
        table_part(maps)

"""Records and fields that a label tells otherwise than its file has them are found; masked values are no data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.partners.pds4 import ArrayPart, TablePart, about_result, check_label, write_product
from moonpost.plan import load_plan


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("<records>2</records>\n      <record_del", "<records>3</records>\n      <record_del", "has 2 records"),
        (">Comma<", ">Semicolon<", "record 1 of series has 1 fields, the label says 2"),
    ],
)
def test_records_of_delimited_tables_are_counted(tmp_path: Path, old: str, new: str, text: str) -> None:
    table = TablePart({"a": [1.0, 2.0], "b": ["x, y", "z"]}, name="series", form="delimited")
    about = about_result(load_plan("ilrs"), "example", "2030-01-01", "2030-01-02", title="Example")
    done = write_product(tmp_path, about, table)
    assert check_label(done.label).sound
    label = done.label.read_text("utf-8")
    assert old in label
    done.label.write_text(label.replace(old, new, 1), "utf-8")
    assert any(text in fault.text for fault in check_label(done.label).faults)


def test_a_half_record_is_found(tmp_path: Path) -> None:
    table = TablePart({"a": [1.0, 2.0]}, name="series", form="delimited")
    about = about_result(load_plan("ilrs"), "example", "2030-01-01", "2030-01-02", title="Example")
    done = write_product(tmp_path, about, table)
    done.data.write_bytes(done.data.read_bytes()[:-2] + b"00")
    told = [fault.text for fault in check_label(done.label).faults]
    assert any(text.startswith("the last record of series") for text in told)


def test_masked_values_are_not_written_as_data() -> None:
    with pytest.raises(InputError, match="masked"):
        ArrayPart("x", np.ma.masked_array([[1.0, 2.0]], [[False, True]]))
    assert ArrayPart("x", np.ma.masked_array([[1.0, 2.0]])).size_bytes == 16

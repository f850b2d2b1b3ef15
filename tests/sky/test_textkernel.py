"""Text kernels: assignments, lists, quotes, Fortran numbers, dates."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import DataError
from moonpost.sky.textkernel import leap_seconds, read_variables

SAMPLE = r"""KPL/FK
IGNORED = 5
   \begindata
   FRAME_1_NAME = 'IT''S A FRAME'
   NUMBERS      = ( 1, 2.5  1.657D-3
                    -4E2 )
   NUMBERS     += 7
   \begintext
ALSO_IGNORED = 6
   \begindata
   DELTET/DELTA_AT = ( 10, @1972-JAN-1
                       11, @1972-JUL-1 )
"""


def test_variables(tmp_path):
    path = tmp_path / "a.tf"
    path.write_text(SAMPLE)
    found = read_variables(path)
    assert found["FRAME_1_NAME"] == ["IT'S A FRAME"]
    assert found["NUMBERS"] == [1.0, 2.5, 1.657e-3, -400.0, 7.0]
    assert not {"IGNORED", "ALSO_IGNORED"} & set(found)
    scale = leap_seconds(found, "a.tls")
    assert scale.tai_minus_utc_s == (10.0, 11.0)
    assert scale.since[1] == np.datetime64("1972-07-01")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [10.0],
        [10.0, "1972"],
        ["x", "@1972-JAN-1"],
        [10.0, "@1972-JAN-1", 11.0, "@1971-JAN-1"],
        [1.0, "@1972-FEB-31"],
    ],
)
def test_a_bad_table_of_leap_seconds_is_refused(rows):
    with pytest.raises(DataError, match="DELTA_AT"):
        leap_seconds({"DELTET/DELTA_AT": rows}, "bad.tls")


def test_binary_and_empty_files_are_refused(tmp_path):
    path = tmp_path / "a.tf"
    for content in (b"\xff\xfe\x00", b"KPL/FK\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.tf"):
            read_variables(path)

"""Reading tables of dated events."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import DataError
from moonpost.operations.dormancy import Event, EventTable, read_events

HEADER = "lunar_day,vehicle,event,beijing_time,utc,precision,cum_m,source"


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "events.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def utc(text: str) -> np.datetime64:
    return np.datetime64(text, "ms")


def test_minutes_and_about(tmp_path: Path) -> None:
    events = read_events(
        table(
            tmp_path,
            "2,rover,wake,2019-01-29 20:00,2019-01-29T12:00,about,,a",
            "2,lander,wake,2019-01-30 20:39,2019-01-30T12:39,min,,b",
        )
    )
    (rover,), (lander,) = events.select("rover", "wake"), events.select("lander", "wake")
    assert rover.utc == utc("2019-01-29T12:00")
    assert rover.spread_h > lander.spread_h > 0
    assert lander.lunar_day == 2
    assert lander.line == 3


def test_missing_utc_is_taken_from_beijing_time(tmp_path: Path) -> None:
    events = read_events(table(tmp_path, "2,rover,wake,2019-01-30 01:30,,min,,a"))
    assert events.events[0].utc == utc("2019-01-29T17:30")


@pytest.mark.parametrize(
    ("precision", "first", "last"),
    [
        ("day", "2019-06-08T16:00", "2019-06-09T16:00"),
        ("day(late BJT)", "2019-06-09T10:00", "2019-06-09T16:00"),
        ("day(morning BJT)", "2019-06-08T16:00", "2019-06-09T04:00"),
        ("", "2019-06-08T16:00", "2019-06-09T16:00"),
    ],
)
def test_a_bare_date_is_a_day_in_beijing(tmp_path: Path, precision: str, first: str, last: str) -> None:
    event = read_events(table(tmp_path, f"6,rover,sleep,2019-06-09,2019-06-09,{precision},,a")).events[0]
    assert (event.utc, event.earliest, event.latest) == (None, utc(first), utc(last))


def test_a_bare_utc_date_is_a_day_in_utc(tmp_path: Path) -> None:
    event = read_events(
        table(tmp_path, "rover,sleep,2019-06-09,day", header="vehicle,event,utc,precision")
    ).events[0]
    assert (event.earliest, event.latest) == (utc("2019-06-09T00:00"), utc("2019-06-10T00:00"))


def test_a_report_bounds_from_above_only(tmp_path: Path) -> None:
    event = read_events(table(tmp_path, "6,rover,sleep,2019-12-04,2019-12-04,reported (by 6 Dec),,a")).events[0]
    assert (event.utc, event.earliest, event.latest) == (None, None, utc("2019-12-04T16:00"))


def test_both_means_every_vehicle_named(tmp_path: Path) -> None:
    events = read_events(
        table(
            tmp_path,
            "1,hopper,landing,,2030-01-01T00:00,min,,a",
            "1,rover,wake,,2030-02-01T00:00,min,,a",
            "1,both,sleep,,2030-01-09,day,,a",
        )
    )
    assert events.vehicles == ("hopper", "rover")
    assert [row.vehicle for row in events.events if row.event == "sleep"] == ["hopper", "rover"]


def test_comments_blank_lines_extra_and_missing_columns(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "# corrected in May",
        "",
        "rover,WAKE,2030-02-01T00:00Z,extra,more",
        "rover,sleep,",
        header="\ufeffVehicle, Event ,utc,remark",
    )
    events = read_events(path)
    assert [row.event for row in events.events] == ["sleep", "wake"]
    assert events.notes == ("line 5: rover sleep has no date and is not used",)


def test_order_of_rows_does_not_matter(tmp_path: Path, moonpost_data: Path) -> None:
    source = moonpost_data / "missions" / "change4_events_2019_2020.csv"
    header, *rows = source.read_text(encoding="utf-8").splitlines()
    shuffled = rows.copy()
    random.Random(4).shuffle(shuffled)

    def plain(events: EventTable) -> list[tuple[object, ...]]:
        return [(e.vehicle, e.event, e.utc, e.earliest, e.latest, e.lunar_day) for e in events.events]

    assert plain(read_events(table(tmp_path, *shuffled, header=header))) == plain(read_events(source))


def test_all_faulty_rows_in_one_error(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "2,rover,wake,2019-01-29 20:00,2019-01-29T12:00,min,,good",
        "2,rover,wake,,yesterday,min,,a",
        "two,rover,wake,,2019-01-29T12:00,min,,a",
        "2,rover,wake,2019-01-29 20:00,2019-01-29T20:00,min,,time zone",
        "2,,wake,,2019-01-29T12:00,min,,a",
        "2,rover,wake,,2019-01-29T12:00,perhaps,,a",
        "0,rover,wake,,2019-01-29T12:00,min,,a",
    )
    with pytest.raises(DataError) as caught:
        read_events(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    assert "6 faulty rows" in text
    for line in ("line 3:", "line 4:", "line 5:", "line 6:", "line 7:", "and 1 more"):
        assert line in text
    assert "line 2:" not in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no header"),
        (b"a,b\n1,2\n", "no column vehicle, event, utc"),
        (b"vehicle,event,utc\n", "no rows"),
        (b"\xff\xfe\x00\x01binary", "UTF-8"),
    ],
)
def test_files_that_are_no_event_tables(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_events(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_events(tmp_path / "none.csv")


def test_both_without_names_means_lander_and_rover() -> None:
    assert EventTable.of([Event("both", "wake", utc=utc("2030-01-01"))]).vehicles == ("lander", "rover")

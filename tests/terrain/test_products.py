"""Terrain products by name: fetched through the loopback, imported, and refused when they are wrong."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import DataError
from moonpost.files import digest
from moonpost.terrain import Terrain
from moonpost.terrain.products import (
    data_folder,
    fetch_product,
    find_product,
    import_product,
    obtained,
    products,
)

LABEL = """PDS_VERSION_ID = "PDS3"
DATA_SET_ID = "LRO-L-LOLA-4-GDR-V1.0"
PRODUCT_ID = "SMALL"
INSTRUMENT_ID = "LOLA"
TARGET_NAME = MOON
OBJECT = UNCOMPRESSED_FILE
FILE_NAME = "SMALL.IMG"
RECORD_TYPE = FIXED_LENGTH
RECORD_BYTES = 64
FILE_RECORDS = 32
^IMAGE = "SMALL.IMG"
OBJECT = IMAGE
  LINES = 32
  LINE_SAMPLES = 32
  SAMPLE_TYPE = LSB_INTEGER
  SAMPLE_BITS = 16
  UNIT = METER
  SCALING_FACTOR = 0.5
  OFFSET = 1737400.
END_OBJECT = IMAGE
END_OBJECT = UNCOMPRESSED_FILE
OBJECT = IMAGE_MAP_PROJECTION
 MAP_PROJECTION_TYPE = "POLAR STEREOGRAPHIC"
 A_AXIS_RADIUS = 1737.4 <km>
 B_AXIS_RADIUS = 1737.4 <km>
 C_AXIS_RADIUS = 1737.4 <km>
 POSITIVE_LONGITUDE_DIRECTION = "EAST"
 CENTER_LATITUDE = -90 <deg>
 CENTER_LONGITUDE = 0 <deg>
 LINE_FIRST_PIXEL = 1
 LINE_LAST_PIXEL = 32
 SAMPLE_FIRST_PIXEL = 1
 SAMPLE_LAST_PIXEL = 32
 MAP_PROJECTION_ROTATION = 0.0
 MAP_SCALE = 20 <m/pix>
 LINE_PROJECTION_OFFSET = 15.5 <pix>
 SAMPLE_PROJECTION_OFFSET = 15.5 <pix>
END_OBJECT = IMAGE_MAP_PROJECTION
END
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOONPOST_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Image and label as an archive serves them: file names in small letters, the label's in capitals."""
    place = tmp_path / "shelf"
    place.mkdir()
    heights = (np.arange(32 * 32).reshape(32, 32) - 500).astype("<i2")
    heights.tofile(place / "small.img")
    (place / "small.lbl").write_text(LABEL.replace("\n", "\r\n"), encoding="ascii")
    return place


@pytest.fixture
def server(shelf: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(shelf))) as web:
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}/small.img"
        web.shutdown()
        thread.join()


def small(url: str) -> object:
    return dataclasses.replace(find_product("ldem_80s_20m"), name="small", url=url, size_bytes=2048, sha256=None)


def test_fetch_keeps_what_terrain_can_open(server: str, shelf: Path) -> None:
    seen: list[tuple[int, int]] = []
    record = fetch_product(small(server), lambda done, total: seen.append((done, total)))
    assert record["sha256"] == digest(shelf / "small.img")
    assert record["checked"] == "first seen"
    assert seen[-1][0] == 2048
    layer = Terrain.open(obtained("small")["small"]["path"]).layers[0]
    assert layer.resolution_m == 20.0
    assert layer.grids()[0].heights_m[0, :2].tolist() == [-250.0, -249.5]


def test_fetch_refuses_another_checksum(server: str) -> None:
    wrong = dataclasses.replace(small(server), sha256="0" * 64)
    with pytest.raises(DataError, match="checksum"):
        fetch_product(wrong)
    assert not obtained()


def test_fetch_without_network_says_what_to_do() -> None:
    with pytest.raises(DataError, match="data import"):
        fetch_product(small("http://127.0.0.1:9/small.img"))
    assert not obtained()
    assert not list(data_folder().glob(".fetch*"))


def test_import_of_a_file_of_the_wrong_size_is_refused(shelf: Path) -> None:
    (shelf / "small.img").rename(shelf / "ldem_80s_20m.img")
    with pytest.raises(DataError, match=r"2048 bytes.*1848320000"):
        import_product(shelf / "ldem_80s_20m.img")
    assert not obtained()


def test_import_under_an_own_name_from_the_label(shelf: Path) -> None:
    record = import_product(shelf / "small.lbl", "ridge")
    assert record["cell_m"] == 20.0
    assert list(obtained()) == ["ridge"]
    again = import_product(shelf / "small.img", "ridge")
    assert again["sha256"] == record["sha256"]
    (np.fromfile(shelf / "small.img", "<i2") + 1).astype("<i2").tofile(shelf / "small.img")
    with pytest.raises(DataError, match="another file is kept"):
        import_product(shelf / "small.img", "ridge")
    assert obtained()["ridge"]["sha256"] == record["sha256"]


def test_import_of_an_unknown_file_asks_for_a_name(shelf: Path) -> None:
    with pytest.raises(DataError, match="--name"):
        import_product(shelf / "small.img")
    (shelf / "small.lbl").unlink()
    with pytest.raises(DataError, match=r"\.lbl"):
        import_product(shelf / "small.img", "ridge")
    with pytest.raises(DataError, match="is not a file"):
        import_product(shelf / "none.tif", "ridge")


def test_what_is_not_the_moon_is_not_kept(shelf: Path) -> None:
    (shelf / "small.lbl").write_text(LABEL.replace("1737.4", "6378.1"), encoding="ascii")
    with pytest.raises(DataError):
        import_product(shelf / "small.img", "ridge")
    assert not obtained()
    assert not (data_folder() / "ridge").exists()


def test_a_torn_list_is_an_error_with_advice(shelf: Path) -> None:
    import_product(shelf / "small.img", "ridge")
    (data_folder() / "records.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="import the files"):
        obtained()


def test_catalogue_sizes_follow_from_the_grids() -> None:
    # 1 840 545 792 and 1 848 320 000 bytes: sizes of LDEM_875S_5M.IMG and LDEM_80S_20M.IMG on the PDS node.
    assert find_product("ldem_875s_5m").size_bytes == 1_840_545_792
    assert find_product("ldem_80s_20m").size_bytes == 1_848_320_000
    for product in products():
        assert product.url.startswith("https://")
        assert product.licence
        assert product.citation
        assert json.dumps(dataclasses.asdict(product))

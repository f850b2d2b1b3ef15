"""The study's server gives the study's files to this machine and nothing else."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from moonpost.control import StudyServer
from moonpost.errors import DataError, InputError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StudyServer]:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.html").write_text("<h1>report</h1>")
    (folder / ".hidden").write_text("secret")
    (folder / "tables").mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    with StudyServer(folder, port=0) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def get(server: StudyServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(server.address + path) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_start_page_and_health(server: StudyServer) -> None:
    assert get(server, "") == (200, "<h1>report</h1>")
    assert json.loads(get(server, "healthz")[1]) == {"status": "ok"}
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "path", ["../outside.txt", "%2e%2e/outside.txt", ".hidden", "%2ehidden", "tables/", "none"]
)
def test_nothing_else_is_given(server: StudyServer, path: str) -> None:
    code, body = get(server, path)
    assert code == 404
    assert "secret" not in body


def test_folder_without_report_and_taken_port(tmp_path: Path, server: StudyServer) -> None:
    with pytest.raises(DataError, match="holds no report"):
        StudyServer(tmp_path, port=0)
    with pytest.raises(InputError, match="cannot listen"):
        StudyServer(tmp_path / "out", port=int(server.server_address[1]))

"""A real mission control in its own process, and Chromium to look at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).parents[2] / "src/moonpost/control/web/static"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
RUN = [sys.executable, "-c", "from moonpost.cli.main import main; main()"]
START = "2040-06-22T02:30"  # lunar night at 2 m; the Sun rises there at 03:52, and the rovers wake


@dataclass
class Person:
    """Somebody who may sign in."""

    name: str
    partner: str
    password: str


@dataclass
class Server:
    """Mission control that runs."""

    address: str
    people: dict[str, Person]
    process: subprocess.Popen[str]


def _run(*words: str) -> str:
    return subprocess.run([*RUN, *words], check=True, capture_output=True, text=True, timeout=60).stdout


def _add(folder: Path, name: str, partner: str) -> Person:
    words = ["control", "user", "add", name, "--data", str(folder), "--partner", partner]
    told = _run(*words, "--role", "operator", "--role", "approver")
    found = re.search(r"shown this once: (\S+)", told)
    assert found, told
    return Person(name, partner, found.group(1))


@pytest.fixture(scope="session")
def built() -> Path:
    """Folder of the displays."""
    if not (STATIC / "index.html").is_file():
        pytest.skip("the displays are not built: install Node 18.14 or later, then run make client")
    return STATIC


@pytest.fixture(scope="session")
def chromium(built: Path) -> str:
    """Path of Chromium, with the displays built."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    return CHROMIUM


@pytest.fixture(scope="module")
def server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`moonpost serve` with two people of two partners."""
    folder = tmp_path_factory.mktemp("mission")
    people = {name: _add(folder, name, partner) for name, partner in (("li", "cnsa"), ("ivan", "roscosmos"))}
    words = [
        "serve",
        "ilrs",
        "--data",
        str(folder),
        "--port",
        "0",
        "--start",
        START,
        "--days",
        "60",
        "--speed",
        "10",
    ]
    log = (folder / "server.log").open("w+")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([*RUN, *words], stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.match(r"(https?://\S+?)/? ", line)
    if not found:
        process.kill()
        process.wait(30)
        log.seek(0)
        pytest.fail(f"the server told no address: {line!r}\n{log.read()}")
    yield Server(found.group(1), people, process)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)  # how it ends is tested with the server
    finally:
        process.kill()
        process.stdout.close()
        log.close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def shots(tmp_path: Path) -> Callable[[Any, str], Path]:
    """Takes a picture of a page: into MOONPOST_SCREENSHOTS if that is set, else beside the test's files."""
    folder = Path(os.environ.get("MOONPOST_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Any, name: str) -> Path:
        file = folder / f"{name}.png"
        page.screenshot(path=str(file))
        return file

    return take

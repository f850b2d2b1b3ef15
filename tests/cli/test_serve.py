"""``moonpost serve`` as others script it: fixed options and paths, exit codes, signals, a kill and a restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.archive import Archive
from moonpost.control.database import Database
from moonpost.control.users import Users

ENV = {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"}


class Served:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *words: object) -> None:
        command = [
            sys.executable,
            "-m",
            "moonpost",
            "serve",
            *map(str, words),
            "--data",
            str(folder),
            "--port",
            "0",
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.address = self.line.split()[0] if self.line else ""

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.address + path, timeout=120) as answer:
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def health(self) -> tuple[int, dict[str, Any]]:
        status, body = self.get("healthz")
        return status, json.loads(body)

    def end(self, number: int = signal.SIGTERM, limit_s: float = 30.0) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=limit_s)
        return self.process.returncode, err


@contextmanager
def served(folder: Path, *words: object) -> Iterator[Served]:
    server = Served(folder, *words)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def test_it_answers_as_fixed_survives_a_kill_and_ends_well(cli: Any, tmp_path: Path) -> None:
    """One server from an empty folder, killed; another in the same folder with TLS, stopped."""
    folder = tmp_path / "new" / "mission"
    words = ("ilrs-orbit", "--speed", 50_000, "--start", "2035-01-01", "--days", 20)
    with served(folder, *words) as server:
        assert server.line.startswith("http://127.0.0.1:")
        status, told = server.health()
        assert (status, told["status"]) in ((503, "starting"), (200, "ok"))
        check_fixed_paths(server)
        check_taken(cli, server, folder, tmp_path / "other")
        until = time.monotonic() + 30.0
        while not (folder / "reached.json").exists() and time.monotonic() < until:
            time.sleep(0.1)
        server.process.send_signal(signal.SIGKILL)
        _, err = server.process.communicate()
        assert "moonpost control user add" in err
        assert "Traceback" not in err
    noted = json.loads((folder / "reached.json").read_text())["time_us"]
    assert noted > np.datetime64("2035-01-01", "us").astype(np.int64)

    certificate, key = make_certificate(tmp_path)
    with Database.open(folder / "control.sqlite") as database:
        password = Users(database).add("li", "cnsa", ["operator"])
    with served(folder, *words[:3], "--tls-cert", certificate, "--tls-key", key) as server:  # the rest as before
        check_login(server, certificate, password)
        code, err = server.end(signal.SIGINT)
        assert code == 0, err
        assert "nobody can log in" not in err
        assert "Traceback" not in err
    assert json.loads((folder / "reached.json").read_text())["time_us"] > noted
    with Archive.open(folder / "archive", lambda *_: {}, read_only=True) as archive:
        packets = list(archive.packets("1970-01-01", "2100-01-01", apid=1))
    time_us = np.unique(np.concatenate([part.time for part in packets]).astype(np.int64))
    assert np.unique(np.diff(time_us)).size == 1  # no step is missing


def test_sigterm_while_it_is_starting_ends_it_well(tmp_path: Path) -> None:
    with served(tmp_path, "ilrs") as server:
        code, err = server.end(signal.SIGTERM)
    assert code == 0, err
    assert "Traceback" not in err


def check_fixed_paths(server: Served) -> None:
    assert server.get("public")[0] == 200  # waits until it is ready
    status, told = server.health()
    assert (status, told["status"]) == (200, "ok")
    assert server.get("public/feed.atom")[0] == 200
    assert b"moonpost" in server.get("metrics")[1]
    paths = json.loads(server.get("openapi.json")[1])["paths"]
    assert {"/api/clock", "/api/channels", "/api/commands", "/healthz"} <= paths.keys()
    for path in ("api", "api/clock", "api/channels", "api/none", "api/live"):
        assert server.get(path)[0] == 401, path
    assert server.get("")[0] == 200


def check_taken(cli: Any, server: Served, folder: Path, other: Path) -> None:
    """Neither its folder nor its port can be had by a second server."""
    second = cli("serve", "ilrs-orbit", "--data", folder, "--port", 0)
    assert (second.code, second.out) == (2, "")
    assert "another server runs" in second.err
    assert len(second.err.splitlines()) == 1
    port = server.address.rstrip("/").rpartition(":")[2]
    taken = cli("serve", "ilrs-orbit", "--data", other, "--port", port)
    assert (taken.code, len(taken.err.splitlines())) == (2, 1)
    assert "cannot listen" in taken.err


def check_login(server: Served, certificate: Path, password: str) -> None:
    assert server.address.startswith("https://")
    context = ssl.create_default_context(cafile=str(certificate))
    body = json.dumps({"name": "li", "password": password}).encode()
    host = server.address.replace("127.0.0.1", "localhost")
    request = urllib.request.Request(host + "login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=context, timeout=120) as answer:
        assert json.loads(answer.read())["partner"] == "cnsa"
        assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "1e9", "fast"])
def test_speeds_that_cannot_be_used(cli: Any, tmp_path: Path, speed: str) -> None:
    ended = cli("serve", "ilrs", "--data", tmp_path / "m", "--port", 0, f"--speed={speed}")
    assert ended.code == 2
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1
    assert not (tmp_path / "m" / "archive").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-plan",),
        ("ilrs", "--at", "nowhere"),
        ("ilrs", "--port", "70000"),
        ("ilrs", "--start", "nan"),
        ("ilrs", "--host", "no.such.host.invalid"),
        ("ilrs", "--command-port", "0"),
        ("ilrs", "--tls-cert", "none.pem"),
        ("ilrs", "--oidc-issuer", "https://example.org"),
        ("ilrs", "--xtce", "none.xml", "--telemetry-to", "nothing"),
        ("ilrs", "--database", "oracle://x"),
    ],
)
def test_words_that_cannot_be_used(cli: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = cli("serve", *words, "--data", tmp_path / "m", *([] if "--port" in words else ["--port", 0]))
    assert ended.code == 2, ended
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1


def test_what_fails_after_it_listens_ends_it_with_one_line(cli: Any, tmp_path: Path) -> None:
    words = ("serve", "ilrs-orbit", "--data", tmp_path, "--port", 0, "--start")
    for start in ("1700-01-01", "1700-01-02"):  # nothing of the first try stands in the way of the second
        ended = cli(*words, start)
        assert ended.code == 2
        assert len(ended.err.splitlines()) == 1, ended.err
        assert "another" not in ended.err


def test_a_port_that_another_holds_is_told(cli: Any, tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        ended = cli("serve", "ilrs-orbit", "--data", tmp_path, "--port", 0, "--telemetry-port", port)
    assert ended.code == 2
    assert "cannot listen" in ended.err


def make_certificate(folder: Path) -> tuple[Path, Path]:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, secret

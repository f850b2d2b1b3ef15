"""A real server with TLS: cookies for TLS alone, websockets refused with a status, paths as they are written."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from types import SimpleNamespace

import httpx2 as httpx
import numpy as np
import pytest
import uvicorn
from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from moonpost.control.clock import MissionClock
from moonpost.control.database import Database
from moonpost.control.policy import Policy
from moonpost.control.settings import Settings
from moonpost.control.users import Users
from moonpost.control.web.app import create_app
from moonpost.plan import load_plan

PASSWORD = "six-mellow-craters"


def certificate(folder):
    """A certificate of our own for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now, hour = dt.datetime.now(dt.UTC), dt.timedelta(hours=1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - hour).not_valid_after(now + hour)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(form))
    (folder / "key.pem").write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certificate(folder)
    settings = Settings(tls_cert=cert, tls_key=key)
    with Database.open(folder / "control.sqlite") as database:
        users = Users(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        users.add("wang", "cnsa", ["operator"], PASSWORD)
        plan, clock = load_plan("ilrs"), MissionClock(np.datetime64("2040-01-01"))
        mission = SimpleNamespace(
            database=database, users=users, policy=Policy.default(plan), plan=plan, clock=clock
        )
        app = create_app(mission, settings)
        config = uvicorn.Config(app, ssl_certfile=cert, ssl_keyfile=key, lifespan="off", log_level="error",
                                ws="websockets-sansio", proxy_headers=False, server_header=False)  # fmt: skip
        bound = socket.create_server(("127.0.0.1", 0))
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        trusted = ssl.create_default_context(cafile=str(cert))
        yield SimpleNamespace(port=bound.getsockname()[1], trusted=trusted)
        running.should_exit = True
        thread.join()
        bound.close()


def test_a_session_lives_in_a_cookie_for_tls_alone(server):
    with httpx.Client(verify=server.trusted, base_url=f"https://127.0.0.1:{server.port}") as client:
        answer = client.post("/login", json={"name": "wang", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-moonpost_session=")
        assert "Secure" in cookie
        assert client.get("/api/me").json()["name"] == "wang"
        assert answer.headers["strict-transport-security"]
        assert "server" not in answer.headers


def raw(server, head):
    """Status and body of the answer to a request as it is written here."""
    plain = socket.create_connection(("127.0.0.1", server.port))
    with server.trusted.wrap_socket(plain, server_hostname="127.0.0.1") as link:
        link.sendall(head.replace("\n", "\r\n").encode())
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize(
    "path", ["/api", "/api/me", "/%61pi/me", "/api%2Fme", "/api/%2e%2e/public", "/api/me?x=%00", "/api/%ff"]
)
def test_no_way_of_writing_a_path_goes_round_the_gate(server, path):
    status, _ = raw(server, f"GET {path} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n\n")
    assert status == 401


@pytest.mark.parametrize(
    "path", ["//api/me", "/API/me", "/./api/me", "/x/../api/me", "/static/../api/me", "/api;/me"]
)
def test_paths_that_are_none_of_ours_lead_nowhere(server, path):
    status, answer = raw(server, f"GET {path} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n\n")
    assert status in {401, 404}
    assert b"csrf" not in answer


def test_a_websocket_is_refused_with_a_status_at_its_handshake(server):
    url = f"wss://127.0.0.1:{server.port}/api/live"
    for headers, status in (({}, 401), ({"Origin": "https://evil.example"}, 403)):
        with pytest.raises(InvalidStatus) as stop:
            connect(url, ssl=server.trusted, additional_headers=headers)
        assert stop.value.response.status_code == status

"""Single sign-on against a provider of our own, which signs with RS256 and can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from moonpost.control.database import Database
from moonpost.control.policy import Policy
from moonpost.control.settings import Oidc, Settings, secret
from moonpost.control.users import Users
from moonpost.control.web import oidc
from moonpost.control.web.app import create_app
from moonpost.errors import DataError, InputError
from moonpost.plan import load_plan

ISSUER = "https://id.example"
KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})


class Provider(httpx.AsyncBaseTransport):
    """A provider of OpenID Connect, as far as the code flow needs one."""

    def __init__(self):
        self.claims = {"preferred_username": "wang", "email": "li@id.example", "email_verified": False}
        self.issuer, self.key, self.header = ISSUER, KEY, {"alg": "RS256", "kid": "one"}
        self.audience, self.nonce, self.age_s = "moonpost", None, 0
        self.asked, self.up = {}, True

    async def handle_async_request(self, request):
        if not self.up:
            raise httpx.ConnectError("no route")
        path = request.url.path
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={
                "issuer": self.issuer, "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }, request=request)  # fmt: skip
        if path == "/keys":
            return httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]}, request=request)
        assert path == "/token"
        form = parse_qs((await request.aread()).decode())
        challenge = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        assert base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == self.asked["code_challenge"][0]
        return httpx.Response(
            200, json={"access_token": "a", "token_type": "Bearer", "id_token": self._token()}, request=request
        )

    def _token(self):
        now = int(time.time()) - self.age_s
        claims = {"iss": self.issuer, "aud": self.audience, "sub": "1", "iat": now, "exp": now + 300,
                  "nonce": self.nonce or self.asked["nonce"][0], **self.claims}  # fmt: skip
        if self.header["alg"] == "none":
            parts = [json.dumps(part).encode() for part in (self.header, claims)]
            return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])


@pytest.fixture(scope="module")
def plan():
    return load_plan("ilrs")


@pytest.fixture
def server(tmp_path, plan, monkeypatch):
    provider = Provider()
    real = oidc.router
    monkeypatch.setattr(oidc, "router", lambda settings: real(settings, transport=provider))
    with Database.open(tmp_path / "control.sqlite") as database:
        users = Users(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        users.add("wang", "cnsa", ["operator"], sso=True)
        mission = SimpleNamespace(database=database, users=users, policy=Policy.default(plan), plan=plan)

        def client(claim="preferred_username"):
            settings = Settings(oidc=Oidc(ISSUER, "moonpost", "s3cret", claim))
            return TestClient(create_app(mission, settings), follow_redirects=False)

        yield SimpleNamespace(provider=provider, users=users, client=client)


def sign_on(server, client):
    """Go to the provider and come back."""
    away = client.get("/login/oidc")
    assert away.status_code == 302, away.text
    server.provider.asked = parse_qs(urlsplit(away.headers["location"]).query)
    state = server.provider.asked["state"][0]
    return client.get("/login/oidc/callback", params={"code": "c", "state": state})


def test_somebody_on_record_comes_in(server):
    client = server.client()
    assert client.get("/login").json() == {"password": True, "oidc": "/login/oidc"}
    back = sign_on(server, client)
    assert (back.status_code, back.headers["location"]) == (303, "/")
    assert client.get("/api/me").json()["name"] == "wang"
    asked = server.provider.asked
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://testserver/login/oidc/callback"]
    assert client.post("/login", json={"name": "wang", "password": ""}).status_code == 401


def test_somebody_who_is_not_on_record_or_is_disabled_does_not(server):
    server.provider.claims = {"preferred_username": "mallory"}
    assert sign_on(server, server.client()).status_code == 403
    server.provider.claims = {"preferred_username": "wang"}
    server.users.disable("wang")
    assert sign_on(server, server.client()).status_code == 403


def test_an_address_that_the_provider_did_not_verify_is_no_name(server):
    server.users.add("li@id.example", "cnsa", ["operator"], sso=True)
    client = server.client("email")
    assert sign_on(server, client).status_code == 403
    server.provider.claims["email_verified"] = True
    assert sign_on(server, client).status_code == 303
    assert client.get("/api/me").json()["name"] == "li@id.example"


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "another"},
        {"nonce": "another"},
        {"age_s": 3600},
        {"key": RSAKey.generate_key(2048, parameters={"kid": "one"})},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}, "key": OctKey.import_key("s3cret-that-is-long-enough-for-hs256")},
        {"claims": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_tokens_that_are_forged_or_not_for_us_are_refused(server, change):
    for name, value in change.items():
        setattr(server.provider, name, value)
    client = server.client()
    assert sign_on(server, client).status_code == 403
    assert client.get("/api/me").status_code == 401


def test_a_provider_with_another_issuer_or_none_at_all_is_told(server):
    server.provider.issuer = "https://evil.example"
    assert server.client().get("/login/oidc").status_code == 424
    server.provider.up = False
    answer = server.client().get("/login/oidc")
    assert answer.status_code == 424
    assert answer.json()["do"] == "log in by password"


def test_an_answer_counts_once_and_for_the_browser_that_asked(server):
    client, other = server.client(), server.client()
    client.get("/login/oidc")
    away = client.get("/login/oidc")
    server.provider.asked = parse_qs(urlsplit(away.headers["location"]).query)
    params = {"code": "c", "state": server.provider.asked["state"][0]}
    assert other.get("/login/oidc/callback", params=params).status_code == 400
    assert client.get("/login/oidc/callback", params={**params, "state": "x"}).status_code == 403
    assert client.get("/login/oidc/callback", params=params).status_code == 400  # used up


def test_secrets_come_from_the_environment_or_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    assert secret("OIDC_SECRET", {"MOONPOST_OIDC_SECRET_FILE": str(file)}) == "from-file"
    assert secret("OIDC_SECRET", {}) is None
    with pytest.raises(InputError, match="is given twice"):
        secret("OIDC_SECRET", {"MOONPOST_OIDC_SECRET_FILE": str(file), "MOONPOST_OIDC_SECRET": "x"})
    with pytest.raises(DataError, match="cannot be read"):
        secret("OIDC_SECRET", {"MOONPOST_OIDC_SECRET_FILE": str(tmp_path / "none")})
    file.write_text(" \n")
    with pytest.raises(DataError, match="is empty"):
        secret("OIDC_SECRET", {"MOONPOST_OIDC_SECRET_FILE": str(file)})
    assert "s3cret" not in repr(Settings(oidc=Oidc(ISSUER, "moonpost", "s3cret")))

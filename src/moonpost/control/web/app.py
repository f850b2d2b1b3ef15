"""The whole server: the gate, the routes of all parts, one shape for errors, and a complete OpenAPI document."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from moonpost.control.settings import Settings
from moonpost.control.web.gate import Gate
from moonpost.control.web.metrics import Metrics
from moonpost.control.web.security import Problem, RefusalError
from moonpost.control.web.sessions import Sessions
from moonpost.errors import MissingExtraError, MoonpostError, OutputError, UnknownNameError

__all__ = ["create_app"]

_ROUTES = (
    "routes.session", "routes.health", "routes.public", "routes.users", "routes.telemetry", "routes.alarms",
    "routes.clock", "routes.commands", "routes.timeline", "routes.maps", "live", "routes.pages",
)  # fmt: skip
"""Modules beside this one that may give ``router(mission)``, in order."""

_PROBLEMS = {
    400: "The request cannot be used.",
    401: "Nobody is logged in.",
    403: "The policy does not permit it, or the request comes from elsewhere.",
    404: "There is no such thing.",
    409: "It cannot be done in the state that things are in.",
    413: "The body is too large.",
    422: "A value is missing or cannot be used.",
    429: "Too many requests; Retry-After tells how long to wait.",
    503: "The server cannot do it now, such as with a full disk.",
}


def create_app(mission: Any, settings: Settings | None = None) -> FastAPI:
    """Make the server of a mission.

    Parameters
    ----------
    mission : MissionControl
        Needs ``database``, ``users`` and ``policy``; each part's routes use what they need beside these.
    settings : Settings, optional
        How the server runs.

    Returns
    -------
    fastapi.FastAPI
        With ``state.mission``, ``state.settings``, ``state.sessions`` and ``state.metrics``.
    """
    chosen = settings or Settings()
    app = FastAPI(
        title="Moonpost mission control",
        version=_version(),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.mission, app.state.settings = mission, chosen
    app.state.metrics = Metrics(mission)
    app.state.sessions = Sessions(mission.database, mission.users, idle_s=chosen.idle_s, age_s=chosen.age_s)
    for name in _ROUTES:
        module = f"moonpost.control.web.{name}"
        if importlib.util.find_spec(module) is not None:
            app.include_router(importlib.import_module(module).router(mission))
    if chosen.oidc is not None:
        from moonpost.control.web import oidc

        app.include_router(oidc.router(chosen))
    _answer_errors(app)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    app.add_middleware(Gate, sessions=app.state.sessions, settings=chosen, metrics=app.state.metrics)
    return app


def _version() -> str:
    from importlib.metadata import version

    return version("moonpost")


def _status(error: MoonpostError) -> int:
    if isinstance(error, RefusalError):
        return error.status
    if isinstance(error, UnknownNameError):
        return 404
    return 503 if isinstance(error, OutputError | MissingExtraError) else 422


def _problem(status: int, what: str, where: str = "", do: str = "", **headers: str) -> JSONResponse:
    content = Problem(what=_text(what), where=_text(where), do=_text(do)).model_dump()
    return JSONResponse(content, status_code=status, headers=headers or None)


def _text(value: str) -> str:
    """Text that can be sent, whatever was in the request."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(MoonpostError)
    def ours(_: Request, error: MoonpostError) -> JSONResponse:
        headers = error.headers if isinstance(error, RefusalError) else {}
        return _problem(_status(error), error.what, error.where, error.advice, **headers)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return _problem(422, str(first["msg"]), where, "see /openapi.json for what is expected")

    @app.exception_handler(Exception)
    def failed(_: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
        return _problem(500, "the server failed", do="tell whoever runs it; its log says why")

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, str(error.detail), **dict(error.headers or {}))


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the errors that every route may answer."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema()
    document["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "moonpost_session"}
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            answers = operation["responses"]
            answers.pop("422", None)
            private = path.startswith("/api")
            for status, text in _PROBLEMS.items():
                if private or status in {400, 403, 404, 413, 422, 429, 503}:
                    answers.setdefault(str(status), _answer(text))
            if private:
                operation["security"] = [{"session": []}]
    app.openapi_schema = document
    return document


def _answer(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}

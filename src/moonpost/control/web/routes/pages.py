"""``GET /`` and ``GET /static/...``: the client as it was built, or what to do if it was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from moonpost.control.web.security import RefusalError

__all__ = ["router"]

_BUILT = Path(__file__).resolve().parents[1] / "static"
_MISSING = """Moonpost mission control runs, but its displays have not been built here.

With Node 18.14 or later, in the folder of the source code:

    make client

then load this page again. What works without them:

    /public         the public status page
    /openapi.json   what programs can ask for
"""


def router(mission: Any) -> APIRouter:  # noqa: ARG001
    """Routes of the client's files; everybody may have them, for they hold nothing of the station.

    Parameters
    ----------
    mission : MissionControl
        Not used.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/", methods=["GET", "HEAD"])
    def index(request: Request) -> Response:
        """Give the page on which everything else is."""
        page = _folder(request) / "index.html"
        if not page.is_file():
            return PlainTextResponse(_MISSING)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    @routes.api_route("/static/{path:path}", methods=["GET", "HEAD"])
    def static(path: str, request: Request) -> Response:
        """Give one file of the client."""
        folder = _folder(request).resolve()
        try:
            file = (folder / path).resolve()
            found = file.is_relative_to(folder) and file.is_file()
        except (OSError, ValueError):
            found = False
        if not found:
            raise RefusalError(404, "there is no such file", advice="run make client in the source code")
        return FileResponse(file, headers={"Cache-Control": "no-cache"})

    @routes.get("/favicon.ico")
    def icon(request: Request) -> Response:
        """Give the icon, if there is one."""
        file = _folder(request) / "icon.svg"
        return FileResponse(file) if file.is_file() else Response(status_code=204)

    return routes


def _folder(request: Request) -> Path:
    chosen = request.app.state.settings.static
    return _BUILT if chosen is None else Path(chosen)

"""Serve the folder of a study over HTTP, to this machine unless told otherwise."""

from __future__ import annotations

import json
import os
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from moonpost.errors import DataError, InputError

__all__ = ["StudyServer", "serve"]

_START = "/report.html"


class _Handler(SimpleHTTPRequestHandler):
    """Give files of one folder, read only; no listings, no hidden files."""

    server_version = "moonpost"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a request for the start page, the health of the server, or a file."""
        path = unquote(self.path.partition("?")[0])
        if path == "/":
            self.path = _START
        elif path == "/healthz":
            self._health()
            return
        elif any(part.startswith(".") for part in Path(path).parts[1:]):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        super().do_GET()

    def _health(self) -> None:
        body = json.dumps({"status": "ok"}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def list_directory(self, path: str | os.PathLike[str]) -> Any:  # noqa: ARG002
        """Refuse to list a folder."""
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def end_headers(self) -> None:
        """Add headers that keep the page to itself."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline' data:")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""


class StudyServer(ThreadingHTTPServer):
    """HTTP server of one study's folder.

    Parameters
    ----------
    folder : path-like
        A folder that ``moonpost study`` wrote.
    host : str
        Address to bind to.
    port : int
        Port, 0 for any free one.

    Raises
    ------
    DataError
        If the folder holds no report.
    InputError
        If the address cannot be bound.
    """

    daemon_threads = True

    def __init__(self, folder: str | os.PathLike[str], host: str = "127.0.0.1", port: int = 8000) -> None:
        path = Path(folder)
        if not (path / _START[1:]).is_file():
            raise DataError("holds no report", where=str(path), advice="run 'moonpost study PLAN --out' first")
        try:
            super().__init__((host, port), partial(_Handler, directory=str(path)))
        except (OSError, OverflowError) as error:
            raise InputError(
                f"cannot listen there: {error}", where=f"{host}:{port}", advice="choose another --host or --port"
            ) from error

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host, port = self.server_address[0], self.server_address[1]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}/"


def serve(folder: str | os.PathLike[str], host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve a study until interrupted.

    Parameters
    ----------
    folder : path-like
        A folder that ``moonpost study`` wrote.
    host : str
        Address to bind to; the default can be reached from this machine alone.
    port : int
        Port.

    Raises
    ------
    DataError, InputError
        As in `StudyServer`.
    """
    with StudyServer(folder, host, port) as server:
        server.serve_forever()

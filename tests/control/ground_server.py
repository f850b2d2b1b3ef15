"""A small server of a ground alone, for the test that kills it: telemetry by TCP, counts by HTTP."""

from __future__ import annotations

import contextlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moonpost.control.database import Database
from moonpost.control.ground import Ground
from moonpost.control.ground.sockets import TelemetryPort
from moonpost.control.packets import FrameLayout, read_xtce


def serve(folder: str, xtce: str) -> None:
    """Serve until killed."""
    with (
        Database.open(folder + "/control.sqlite") as database,
        Ground.open(folder + "/archive", read_xtce(xtce), layout=FrameLayout(), database=database) as ground,
        TelemetryPort("127.0.0.1", 0, ground, form="packets") as port,
    ):

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = f"moonpost_telemetry_acknowledged_packets_total {ground.status()['acknowledged']}.0\n"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            print(f"telemetry: {port.address}\nhttp://127.0.0.1:{server.server_address[1]}/", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])

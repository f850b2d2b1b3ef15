"""Look at CZML in CesiumJS: ``python tools/czml_look.py a.czml --cesium FOLDER --at DATE --at DATE --out FOLDER``.

Draws the flights of a CZML file round a globe of the Moon in a headless Chromium, one picture for each date, and
writes beside them ``places.json``: where Cesium puts each flight at these dates, in the axes of the globe. Cesium
is not part of Moonpost: ``npm install --ignore-scripts cesium`` in an empty folder, and give its
``node_modules/cesium``.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
PAGE = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="/cesium/Widgets/widgets.css">
<style>html,body,#c{margin:0;width:100%;height:100%;overflow:hidden;background:#000}</style>
<div id="c"></div>
<script>window.CESIUM_BASE_URL = "/cesium/";</script>
<script src="/cesium/Cesium.js"></script>
<script>
const C = Cesium, E = C.Ellipsoid.MOON, job = JSON.parse('@JOB@');
C.Ellipsoid.default = E;
const moon = new C.IauOrientationAxes();
C.Transforms.computeIcrfToCentralBodyFixedMatrix = (date, result) => moon.evaluate(date, result);
const send = (name, body) => fetch("/result/" + name, {method: "POST", body});

function map() {
  const canvas = document.createElement("canvas"), w = canvas.width = 2048, h = canvas.height = 1024;
  const g = canvas.getContext("2d");
  g.fillStyle = "#6f6f6b"; g.fillRect(0, 0, w, h);
  let seed = 11;
  const next = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let i = 0; i < 700; i++) {
    const x = next() * w, y = next() * h, r = 2 + 30 * next() ** 3, shade = 80 + 70 * next();
    g.fillStyle = `rgba(${shade},${shade},${shade},0.5)`;
    g.beginPath(); g.arc(x, y, r, 0, 7); g.fill();
  }
  g.lineWidth = 2;
  for (let i = 0; i <= 12; i++) {
    g.strokeStyle = i === 6 ? "#ff5a3c" : "rgba(160,200,255,0.55)";
    g.beginPath(); g.moveTo(i * w / 12, 0); g.lineTo(i * w / 12, h); g.stroke();
  }
  for (let i = 1; i < 6; i++) {
    g.strokeStyle = i === 3 ? "#ff5a3c" : "rgba(160,200,255,0.55)";
    g.beginPath(); g.moveTo(0, i * h / 6); g.lineTo(w, i * h / 6); g.stroke();
  }
  return canvas.toDataURL();
}

(async () => {
  const image = await C.SingleTileImageryProvider.fromUrl(map(), {rectangle: C.Rectangle.MAX_VALUE, ellipsoid: E});
  const viewer = new C.Viewer("c", {
    globe: new C.Globe(E), baseLayer: new C.ImageryLayer(image), ellipsoid: E,
    terrainProvider: new C.EllipsoidTerrainProvider({ellipsoid: E}),
    mapProjection: new C.GeographicProjection(E), baseLayerPicker: false, geocoder: false, homeButton: false,
    sceneModePicker: false, navigationHelpButton: false, fullscreenButton: false, infoBox: false,
    selectionIndicator: false, animation: true, timeline: true, skyAtmosphere: false, skyBox: false,
    useDefaultRenderLoop: false, contextOptions: {webgl: {preserveDrawingBuffer: true}},
  });
  viewer.scene.globe.showGroundAtmosphere = false;
  viewer.scene.globe.enableLighting = false;
  viewer.scene.globe.maximumScreenSpaceError = 0.5;
  const source = await viewer.dataSources.add(C.CzmlDataSource.load("/flights.czml"));
  viewer.clock.shouldAnimate = false;
  const [east, north, distance] = job.view;
  viewer.camera.setView({destination: C.Cartesian3.fromDegrees(east, north, distance, E)});
  const places = {version: C.VERSION, radius_m: viewer.scene.globe.ellipsoid.maximumRadius, dates: {}};
  for (const [k, date] of job.dates.entries()) {
    const time = C.JulianDate.fromIso8601(date);
    viewer.clock.currentTime = time;
    for (let i = 0; i < 200; i++) {
      viewer.resize(); viewer.render();
      if (i > 30 && viewer.scene.globe.tilesLoaded) break;
      await new Promise((done) => setTimeout(done, 20));
    }
    const at = places.dates[date] = {};
    for (const entity of source.entities.values) {
      const place = entity.position && entity.position.getValueInReferenceFrame(time, C.ReferenceFrame.FIXED);
      if (place) at[entity.id] = [place.x, place.y, place.z];
    }
    const sheet = document.createElement("canvas"), g = sheet.getContext("2d");
    [sheet.width, sheet.height] = [viewer.canvas.width, viewer.canvas.height];
    g.drawImage(viewer.canvas, 0, 0);
    g.font = "20px sans-serif"; g.fillStyle = "#fff";
    g.fillText(date.replace("T", " ").replace("Z", " UTC"), 16, 32);
    await send(`picture-${k + 1}.png`, sheet.toDataURL("image/png"));
  }
  await send("places.json", JSON.stringify(places));
})().catch((error) => send("error", String(error.stack || error)));
</script>
"""


class Server(http.server.ThreadingHTTPServer):
    """Gives the page, Cesium and the CZML; takes what the page sends."""

    def __init__(self, page: str, czml: Path, cesium: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.page, self.czml, self.cesium = page, czml, cesium
        self.results: dict[str, str] = {}
        self.done = threading.Event()


class Handler(http.server.SimpleHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Give a file."""
        if self.path.startswith("/cesium/"):
            self.directory = str(self.server.cesium / "Build")
            self.path = "/Cesium/" + self.path.removeprefix("/cesium/")
            super().do_GET()
            return
        texts = {"/": ("text/html", self.server.page), "/flights.czml": ("application/json", None)}
        if self.path not in texts:
            self.send_error(404)
            return
        kind, text = texts[self.path]
        body = self.server.czml.read_bytes() if text is None else text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take a result."""
        name = self.path.rpartition("/")[2]
        self.server.results[name] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()
        if name in ("places.json", "error"):
            self.server.done.set()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def look(
    czml: Path,
    cesium: Path,
    dates: list[str],
    out: Path,
    *,
    view: tuple[float, float, float] = (20.0, 10.0, 5.5e6),
    chromium: str = "chromium",
    size: tuple[int, int] = (1000, 760),
    timeout_s: float = 180.0,
) -> dict[str, Any]:
    """Draw the flights at dates; give where Cesium puts them. View: longitude, latitude [deg], height [m]."""
    program = shutil.which(chromium)
    if program is None or not (cesium / "Build" / "Cesium" / "Cesium.js").is_file():
        raise SystemExit("Chromium or Cesium is missing: see the head of this file")
    out.mkdir(parents=True, exist_ok=True)
    server = Server(PAGE.replace("@JOB@", json.dumps({"dates": dates, "view": view})), czml, cesium)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        words = [program, *FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"]
        browser = subprocess.Popen(
            [*words, "--remote-debugging-port=0", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            ended = server.done.wait(timeout_s)
        finally:
            browser.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                browser.wait(10)
            browser.kill()
            browser.wait()
            server.shutdown()
            server.server_close()
    if not ended or "error" in server.results:
        raise SystemExit(f"Cesium drew nothing: {server.results.get('error', 'no answer in time')}")
    for name, text in server.results.items():
        data = base64.b64decode(text.partition(",")[2]) if name.endswith(".png") else text.encode()
        (out / name).write_bytes(data)
    found: dict[str, Any] = json.loads(server.results["places.json"])
    return found


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("czml", type=Path)
    parser.add_argument(
        "--cesium", type=Path, required=True, help="folder of the npm package, node_modules/cesium"
    )
    parser.add_argument("--at", action="append", required=True, help="date in UTC, such as 2030-01-01T00:10:00Z")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument(
        "--view", default="20,10,5.5e6", help="longitude, latitude [deg], height [m] of the camera"
    )
    parser.add_argument("--size", default="1000,760", help="width, height of the window [pixels]")
    parser.add_argument("--chromium", default="chromium")
    words = parser.parse_args()
    east, north, height = (float(part) for part in words.view.split(","))
    wide, high = (int(part) for part in words.size.split(","))
    found = look(
        words.czml,
        words.cesium,
        words.at,
        words.out,
        view=(east, north, height),
        chromium=words.chromium,
        size=(wide, high),
    )
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

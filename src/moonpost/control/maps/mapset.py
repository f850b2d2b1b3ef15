"""All maps of a mission: pictures made once and kept in its folder, machines, tracks, the globe."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.maps.globe import GLOBE_CELL_DEG, GLOBE_SOURCE, globe_relief, orbits_at, overhead
from moonpost.control.maps.motion import drives_of, moved
from moonpost.control.maps.places import machines_on, place_of, read_tracks
from moonpost.control.maps.polar import SYSTEMS, PolarGround, grounds_of, relief_pixels, shadow_pixels, sun_share
from moonpost.control.timeline.execution import status_of
from moonpost.errors import MoonpostError, UnknownNameError
from moonpost.files import atomic_path
from moonpost.plan import Plan
from moonpost.sky import Almanac

if TYPE_CHECKING:
    from moonpost.control.timeline.execution import Evidence
    from moonpost.operations.placements import Placement

__all__ = ["MapSet", "Picture"]

_VERSION = "2"
_LIGHT_STEP_MS = 1_800_000
_ORBIT_STEP_MS = 60_000
_KEPT_LIGHTS = 48
_MAST_M = 2.0
_CARRIED_OUT = ("done", "running", "stopped")


@dataclass(frozen=True)
class Picture:
    """A picture with what tells it from others.

    Parameters
    ----------
    octets : bytes
        PNG.
    tag : str
        Changes when the picture does.

    Examples
    --------
    >>> Picture(b"", "a").tag
    'a'
    """

    octets: bytes
    tag: str


class MapSet:
    """Maps of a mission. It may be asked from several threads.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : path-like
        The mission's folder: pictures are kept in ``maps``, tracks are read from ``tracks``.
    site : str, optional
        A site of the plan; the station's if not given.
    almanac : Almanac, optional
        Ephemerides; those that come with Moonpost if not given.

    Notes
    -----
    Pictures of light are of every half hour of mission time; the newest 48 of a layer are kept.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.plan import load_plan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     maps = MapSet(load_plan("ilrs"), folder)
    ...     relief = maps.picture("relief", np.datetime64("2035-01-10"))
    ...     again = MapSet(load_plan("ilrs"), folder).picture("relief", np.datetime64("2035-01-10"))
    >>> relief.octets[1:4], relief == again
    (b'PNG', True)
    """

    def __init__(
        self, plan: Plan, folder: Any, *, site: str | None = None, almanac: Almanac | None = None
    ) -> None:
        self.plan, self.folder, self.site = plan, Path(folder), site
        self.almanac = almanac or Almanac.default()
        self._lock = threading.Lock()
        self._makers = {kind: threading.Lock() for kind in ("relief", "light", "globe")}
        self._grounds: tuple[PolarGround, ...] | None = None
        self._kept: OrderedDict[str, Picture] = OrderedDict()
        self._orbits: tuple[int, list[dict[str, Any]]] | None = None

    def grounds(self) -> tuple[PolarGround, ...]:
        """Heights of the maps.

        Returns
        -------
        tuple of PolarGround
        """
        if self._grounds is None:
            self._grounds = grounds_of(self.plan, self.plan.site(self.site) if self.site else None)
        return self._grounds

    def describe(self, t: np.datetime64) -> dict[str, Any]:
        """What maps there are: system, extents, layers, where heights come from.

        Parameters
        ----------
        t : datetime64
            UTC, for the layers of light.

        Returns
        -------
        dict
        """
        layers = []
        for ground in self.grounds():
            base = {"extent_m": list(ground.extent_m), "cell_m": ground.cell_m, "source": ground.source}
            ending = "" if ground.name == "polar" else f"-{ground.name}"
            cells = f"{ground.cell_m:g} m cells, heights of {ground.resolution_m:g} m"
            layers.append({"id": f"relief{ending}", "kind": "relief", "label": f"Relief, {cells}", **base})
            text = (
                f"Sun in view {_MAST_M:g} m above the ground, over relief of {ground.cell_m:g} m cells to 300 km; "
                "what is smaller than a cell, and eclipses, are not in it"
            )
            layers.append(
                {"id": f"light{ending}", "kind": "light", "label": "Light now", "text": text,
                 "step_ms": _LIGHT_STEP_MS, "time_ms": _step(t, _LIGHT_STEP_MS), **base}
            )  # fmt: skip
        pole = self.grounds()[0].pole
        place = self.plan.site(self.site) if self.site else next(iter(self.plan.station_sites()), None)
        return {
            "pole": pole,
            "system": SYSTEMS[pole],
            "proj4": f"+proj=stere +lat_0={-90 if pole == 'south' else 90} +lon_0=0 +k=1 +x_0=0 +y_0=0 +R=1737400 "
            "+units=m +no_defs",
            "extent_m": list(self.grounds()[0].extent_m),
            "site": None
            if place is None
            else {"id": place.id, "name": place.name, "latitude_deg": place.latitude_deg,
                  "longitude_deg": place.longitude_deg},
            "layers": layers,
        }  # fmt: skip

    def picture(self, layer: str, t: np.datetime64) -> Picture:
        """A layer as a picture, from the folder if it was made before.

        Parameters
        ----------
        layer : str
            ``relief``, ``light``, the same with ``-near``, or ``globe``.
        t : datetime64
            UTC, for light.

        Returns
        -------
        Picture

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        DateError
            If the date lies outside the kernels.
        """
        if layer == "globe":
            return self._stored("globe", "globe", lambda: _png(globe_relief()))
        kind, _, name = layer.partition("-")
        ground = next((row for row in self.grounds() if row.name == (name or "polar")), None)
        if ground is None or kind not in ("relief", "light"):
            known = [f"{kind}{'' if g.name == 'polar' else '-' + g.name}" for g in self.grounds()
                     for kind in ("relief", "light")]  # fmt: skip
            raise UnknownNameError(layer, [*known, "globe"], kind="layer", where="map")
        origin = f"{ground.source}-{ground.extent_m}-{ground.height_m.shape}"
        if kind == "relief":
            return self._stored(layer, origin, lambda: _png(relief_pixels(ground.height_m, ground.cell_m)))
        at = _step(t, _LIGHT_STEP_MS)

        def drawn() -> bytes:
            share = sun_share(ground, self.almanac, np.datetime64(at, "ms"), mast_m=_MAST_M)
            return _png(shadow_pixels(share), level=3)

        return self._stored(f"{layer}-{at}", origin, drawn)

    def machines(
        self, t: np.datetime64, placements: Sequence[Placement] = (), evidence: Sequence[Evidence] = ()
    ) -> dict[str, Any]:
        """Machines and tracks on the map.

        Parameters
        ----------
        t : datetime64
            UTC.
        placements : sequence of Placement
            The schedule: machines with a track and with drives in it stand where these have brought them.
        evidence : sequence of Evidence
            What is known of executions.

        Returns
        -------
        dict
            ``machines`` and ``tracks``, see `moonpost.control.maps.places`. A machine that drives has ``planned``:
            how far it is on which track, how many drives have begun by the schedule and of how many of these it is
            known that they were carried out; its track has the points ``behind`` and ``ahead``.

        Notes
        -----
        A place along a track is driven time so far times the speed of the track, else of the plan's robot. It is
        planned, not measured. Of several tracks of a machine the first by name is driven.
        """
        pole = self.grounds()[0].pole
        machines = {row["id"]: row for row in machines_on(self.plan, pole, t, self.site)}
        tracks = read_tracks(self.folder, self.plan, pole)
        for track in tracks:
            row = machines.get(track["element"])
            if row is not None and row["there"] and "planned" not in row:
                self._drive(row, track, placements, evidence, t, pole)
            track["length_m"] = round(track.pop("along_m")[-1], 1)
        return {"machines": list(machines.values()), "tracks": tracks}

    def _drive(
        self,
        row: dict[str, Any],
        track: dict[str, Any],
        placements: Sequence[Placement],
        evidence: Sequence[Evidence],
        t: np.datetime64,
        pole: str,
    ) -> None:
        """Put a machine where its drives have brought it, if there are any and its speed is known."""
        drives = drives_of(self.plan, placements, row["id"], track["activity"])
        robot = self.plan.element(row["id"]).robot
        speed_m_s = track["speed_m_s"] or (robot.speed_m_s if robot else None)
        if not drives or speed_m_s is None:
            return
        told = moved(track, speed_m_s, drives, t)
        track["behind"], track["ahead"] = told.pop("behind"), told.pop("ahead")
        begun = [one for one in drives if one.start <= t]
        known = sum(status_of(one, evidence, t)[0] in _CARRIED_OUT for one in begun)
        row["planned"] = {**told, "drives": len(begun), "carried_out": known}
        row["x_m"], row["y_m"] = track["ahead"][0]
        latitude, longitude = place_of(row["x_m"], row["y_m"], pole)
        row["latitude_deg"], row["longitude_deg"] = round(latitude, 6), round(longitude, 6)

    def globe(self, t: np.datetime64) -> dict[str, Any]:
        """Sun and Earth overhead, orbits and the site, for a globe.

        Parameters
        ----------
        t : datetime64
            UTC.

        Returns
        -------
        dict

        Raises
        ------
        DateError
            If the date lies outside the kernels.
        """
        at = _step(t, _ORBIT_STEP_MS)
        with self._lock:
            if self._orbits is None or self._orbits[0] != at:
                self._orbits = (at, orbits_at(self.plan, self.almanac, np.datetime64(at, "ms")))
            orbits = self._orbits[1]
        place = self.plan.site(self.site) if self.site else next(iter(self.plan.station_sites()), None)
        return {
            "time_ms": at,
            "radius_km": 1737.4,
            "texture": {"href": "/api/map/globe.png", "cell_deg": GLOBE_CELL_DEG, "source": GLOBE_SOURCE},
            **overhead(self.almanac, np.datetime64(at, "ms")),
            "orbits": orbits,
            "sites": [
                {"id": row.id, "name": row.name, "use": row.use, "latitude_deg": row.latitude_deg,
                 "longitude_deg": row.longitude_deg, "station": place is not None and row.id == place.id}
                for row in self.plan.sites
            ],
        }  # fmt: skip

    def _stored(self, name: str, origin: str, make: Callable[[], bytes]) -> Picture:
        """A picture from memory, from the folder, or made now; of each kind one at a time."""
        tag = hashlib.sha256(f"{_VERSION}|{name}|{origin}".encode()).hexdigest()[:16]
        with self._makers[name.partition("-")[0]]:
            with self._lock:
                if tag in self._kept:
                    self._kept.move_to_end(tag)
                    return self._kept[tag]
            path = self.folder / "maps" / f"{name}-{tag}.png"
            octets = path.read_bytes() if path.is_file() else b""
            if not octets:
                octets = make()
                self._write(path, octets)
            with self._lock:
                found = self._kept[tag] = Picture(octets, tag)
                while len(self._kept) > _KEPT_LIGHTS:
                    self._kept.popitem(last=False)
            return found

    def _write(self, path: Path, octets: bytes) -> None:
        """Keep a picture; a disk that takes none is no reason to show none."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                temporary.write_bytes(octets)
            lights = sorted(path.parent.glob("light-*.png"), key=lambda row: row.stat().st_mtime)
            for old in lights[:-_KEPT_LIGHTS]:
                old.unlink(missing_ok=True)
        except (OSError, MoonpostError):
            return


def _step(t: np.datetime64, step_ms: int) -> int:
    """The step that an instant lies in [ms]."""
    return int(t.astype("datetime64[ms]").astype(np.int64)) // step_ms * step_ms


def _png(pixels: npt.NDArray[np.uint8], level: int = 6) -> bytes:
    """Grey pixels (rows, columns), or coloured ones with opacity (rows, columns, 4), as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=level)
    return file.getvalue()

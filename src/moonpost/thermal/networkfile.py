"""Equipment from a TOML file: its parts, how its surfaces look, and the place where it stands."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError
from moonpost.thermal.equipment import NetworkRun, simulate_network
from moonpost.thermal.materials import HAYNE_2017
from moonpost.thermal.network import Blanket, Heater, HeatSource, HeatSwitch, Network, Node, Surface, ThermalLink
from moonpost.thermal.regolith import LUNAR_DAY_S, SOLAR_CONSTANT_W_M2, regolith
from moonpost.thermal.sunpath import SunPath, incidence_cosine

__all__ = ["EquipmentCase", "read_case"]

Floats = npt.NDArray[np.float64]

_PARTS: dict[str, type[Any]] = {
    "node": Node,
    "link": ThermalLink,
    "surface": Surface,
    "blanket": Blanket,
    "switch": HeatSwitch,
    "heater": Heater,
    "source": HeatSource,
}
_WHOLE = {
    "node": "nodes",
    "link": "links",
    "surface": "surfaces",
    "blanket": "blankets",
    "switch": "switches",
    "heater": "heaters",
    "source": "sources",
}
_PLACE = {"latitude_deg": 0.0, "days": 59.0611777, "step_s": 3600.0, "background_w_m2": 0.0, "albedo": 0.12}


@dataclass(frozen=True)
class EquipmentCase:
    """Equipment on level ground at a latitude.

    Parameters
    ----------
    network : Network
        The equipment.
    tilts : dict of str to tuple of two floats
        Slope and aspect of surfaces [deg]; a surface or blanket without one looks to all sides.
    dissipation_w : dict of str to tuple of two floats
        Heat of devices by node while the Sun is up, and while it is down [W].
    latitude_deg : float
        Where it stands [deg].
    days : float
        Length of the run [d].
    step_s : float
        Spacing of the input [s].
    background_w_m2, albedo : float
        Of the ground, as for `regolith`.
    start_k : float, optional
        Temperature of all nodes at the start [K].
    """

    network: Network
    tilts: dict[str, tuple[float, float]]
    dissipation_w: dict[str, tuple[float, float]]
    latitude_deg: float
    days: float
    step_s: float
    background_w_m2: float
    albedo: float
    start_k: float | None = None

    def local_time_h(self) -> Floats:
        """Local solar time in the middle of the steps, from sunset on.

        Returns
        -------
        ndarray, shape (steps,)
            [h].
        """
        steps = round(self.days * 86400.0 / self.step_s)
        if not 1 <= steps <= 5_000_000:
            raise InputError(f"{steps} steps", where="days", advice="give a run of 1 to 5 million steps")
        return np.asarray((18.0 + (np.arange(steps) + 0.5) * self.step_s / LUNAR_DAY_S * 24.0) % 24.0)

    def surroundings(self) -> tuple[Floats, dict[str, Floats], dict[str, Floats]]:
        """Ground, sunlight on the surfaces and dissipation through the run.

        Returns
        -------
        ground_k : ndarray, shape (steps,)
            Temperature of the lunar surface [K].
        sunlight_w_m2, dissipation_w : dict of str to ndarray
            As `simulate_network` takes them.

        Notes
        -----
        A level horizon and the Sun at 1 au over the equator. A surface that looks to all sides gets a quarter of
        the sunlight, as a sphere does. The ground scatters its albedo's share onto what sees it.
        """
        hour = self.local_time_h()
        day = regolith(self.latitude_deg, albedo=self.albedo, background_w_m2=self.background_w_m2, steps=720)
        path = SunPath.lunar_day(720)
        latitude = np.deg2rad(self.latitude_deg)
        x, y, z = path.direction.T
        up, north = np.cos(latitude) * x + np.sin(latitude) * z, np.cos(latitude) * z - np.sin(latitude) * x
        nodes = (np.arange(720) + 0.5) / 30.0
        sine, along, east = (np.interp(hour, nodes, part, period=24.0) for part in (up, north, y))
        elevation = np.rad2deg(np.arcsin(np.clip(sine, -1.0, 1.0)))
        azimuth = np.rad2deg(np.arctan2(east, along))
        lit = elevation > 0.0
        given = SOLAR_CONSTANT_W_M2 * np.maximum(sine, 0.0)
        scattered = given * np.minimum(HAYNE_2017.incidence_albedo(np.maximum(sine, 0.0)), 1.0)
        light = {}
        for surface in self.network.all_surfaces:
            if surface.name in self.tilts:
                cosine = np.maximum(incidence_cosine(azimuth, elevation, *self.tilts[surface.name]), 0.0)
            else:
                cosine = np.full(hour.shape, 0.25)
            light[surface.name] = SOLAR_CONSTANT_W_M2 * cosine * lit + surface.ground_view * scattered
        power = {name: np.where(lit, *pair) for name, pair in self.dissipation_w.items()}
        return day.surface_at_k(hour), light, power

    def simulate(self) -> NetworkRun:
        """Run the equipment through its days.

        Returns
        -------
        NetworkRun
            Temperatures, powers, events.
        """
        ground, light, power = self.surroundings()
        return simulate_network(
            self.network,
            self.step_s,
            ground,
            sunlight_w_m2=light,
            dissipation_w=power,
            start_k=self.start_k,
        )


def read_case(path: str | os.PathLike[str]) -> EquipmentCase:
    """Read equipment from a TOML file.

    Parameters
    ----------
    path : path-like
        The file: a table `place` (latitude_deg, days, step_s, background_w_m2, albedo, start_k), tables `node`,
        `link`, `surface`, `blanket`, `switch`, `heater` and `source` with the parameters of the classes, and
        `dissipation_w` with a number or `[day, night]` for each node. A surface may give `slope_deg` and
        `aspect_deg` in place of its views.

    Returns
    -------
    EquipmentCase
        The equipment.

    Raises
    ------
    DataError
        If the file cannot be read or is not TOML.
    InputError
        If a key is not known, a value is missing or out of range.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            data = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(
            f"cannot be read ({error})", where=str(path), advice="check the path and the TOML"
        ) from error
    unknown = sorted(set(data) - set(_PARTS) - {"place", "dissipation_w", "ground_emissivity"})
    if unknown:
        known = ", ".join(sorted({*_PARTS, "place", "dissipation_w", "ground_emissivity"}))
        raise InputError(f"unknown {', '.join(unknown)}", where=str(path), advice=f"use {known}")
    tilts: dict[str, tuple[float, float]] = {}
    parts: dict[str, list[Any]] = {_WHOLE[kind]: [] for kind in _PARTS}
    for kind, make in _PARTS.items():
        rows = data.get(kind, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError("is not a list of tables", where=kind, advice=f"write [[{kind}]]")
        for number, row in enumerate(rows, start=1):
            given = _oriented(dict(row), tilts) if kind in ("surface", "blanket") else dict(row)
            parts[_WHOLE[kind]].append(_part(make, given, f"{kind} {number}"))
    place = _place(data.get("place", {}))
    network = Network(**parts, ground_emissivity=_number(data.get("ground_emissivity", 0.95), "ground_emissivity"))
    return EquipmentCase(network, tilts, _dissipation(data.get("dissipation_w", {})), **place)


def _number(value: Any, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"{value!r} is not a number", where=where, advice="give a finite number")
    return float(value)


def _part(make: type[Any], row: Mapping[str, Any], where: str) -> Any:
    """One part of a network from its table."""
    fields = make.__dataclass_fields__
    for key, value in row.items():
        if key not in fields:
            raise InputError(f"unknown {key!r}", where=where, advice=f"use {', '.join(fields)}")
        text = fields[key].type == "str"
        if text and not isinstance(value, str):
            raise InputError(f"{key} is not a text", where=where, advice="write a name in quotes")
        if not text:
            for item in value if isinstance(value, list) else [value]:
                _number(item, f"{where}, {key}")
    try:
        return make(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
    except TypeError as error:
        raise InputError(f"lacks a value ({error})", where=where, advice=f"give {', '.join(fields)}") from error


def _oriented(row: dict[str, Any], tilts: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Turn the orientation of a surface into views of sky and ground, and keep it."""
    if "slope_deg" not in row and "aspect_deg" not in row:
        row.setdefault("sky_view", 0.5)
        row.setdefault("ground_view", 0.5)
        return row
    where = f"surface {row.get('name')}"
    slope, aspect = _number(row.pop("slope_deg", 0.0), where), _number(row.pop("aspect_deg", 0.0), where)
    incidence_cosine(0.0, 0.0, slope, aspect)
    tilts[str(row.get("name"))] = (slope, aspect)
    sky = 0.5 * (1.0 + np.cos(np.deg2rad(slope)))
    row.setdefault("sky_view", float(sky))
    row.setdefault("ground_view", float(1.0 - sky))
    return row


def _place(given: Any) -> dict[str, float]:
    """The table of the place, with what it leaves out."""
    if not isinstance(given, dict):
        raise InputError("is not a table", where="place", advice="write [place]")
    unknown = sorted(set(given) - set(_PLACE) - {"start_k"})
    if unknown:
        raise InputError(
            f"unknown {', '.join(unknown)}", where="place", advice=f"use {', '.join(_PLACE)}, start_k"
        )
    found = {**_PLACE, **{key: _number(value, f"place, {key}") for key, value in given.items()}}
    if not (found["days"] > 0.0 and found["step_s"] > 0.0):
        raise InputError("days and step_s must be above 0", where="place", advice="give a run and its step")
    return found


def _dissipation(given: Any) -> dict[str, tuple[float, float]]:
    """Heat by day and by night of each node."""
    if not isinstance(given, dict):
        raise InputError("is not a table", where="dissipation_w", advice="write [dissipation_w]")
    found = {}
    for name, value in given.items():
        pair = value if isinstance(value, list) else [value, value]
        if len(pair) != 2:
            raise InputError(
                "is neither a number nor two", where=f"dissipation_w.{name}", advice="give [day, night]"
            )
        found[name] = (_number(pair[0], name), _number(pair[1], name))
    return found

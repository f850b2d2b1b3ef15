"""The station in the loop: simulated, commanded and heard over real packets."""

from __future__ import annotations

from moonpost.control.station.correlation import Correlation, correlate
from moonpost.control.station.station import Station
from moonpost.control.station.ways import ContactWindow

__all__ = ["ContactWindow", "Correlation", "Station", "correlate"]

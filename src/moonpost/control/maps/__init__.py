"""Maps of mission control: the polar ground with relief, light and machines, and the Moon with its orbiters."""

from __future__ import annotations

from moonpost.control.maps.mapset import MapSet, Picture

__all__ = ["MapSet", "Picture"]

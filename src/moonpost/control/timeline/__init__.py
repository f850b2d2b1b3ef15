"""The timeline of the station: where its lunar day stands, what is planned, what happens, and what if."""

from __future__ import annotations

from moonpost.control.timeline.lunarday import LunarClock, LunarMoment

__all__ = ["LunarClock", "LunarMoment"]

"""The timeline of the station: where its lunar day stands, what is planned, what happens, and what if."""

from __future__ import annotations

from moonpost.control.timeline.execution import Evidence
from moonpost.control.timeline.items import Item, Row
from moonpost.control.timeline.lunarday import LunarClock, LunarMoment
from moonpost.control.timeline.timeline import Timeline
from moonpost.control.timeline.whatif import Edit, Finding

__all__ = ["Edit", "Evidence", "Finding", "Item", "LunarClock", "LunarMoment", "Row", "Timeline"]

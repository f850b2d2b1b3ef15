"""Ground segment: telemetry from any source into the archive, live values, alarms, ports for outside stations."""

from __future__ import annotations

from moonpost.control.ground.alarms import Alarm, AlarmRules, Alarms
from moonpost.control.ground.ground import Ground, Received
from moonpost.control.ground.live import LiveBatch, Report

__all__ = ["Alarm", "AlarmRules", "Alarms", "Ground", "LiveBatch", "Received", "Report"]

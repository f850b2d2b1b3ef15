"""Commands that need the right people: asked for, approved, released, verified, and on record."""

from moonpost.control.commands.audit import Audit, AuditEntry
from moonpost.control.commands.commanding import Commanding
from moonpost.control.commands.hazards import StationWatch
from moonpost.control.commands.model import STATES, Approval, Command, CommandRefusedError, Stage
from moonpost.control.commands.queue import QUEUE_STATES, Queue
from moonpost.control.commands.rules import Rules, lending_record

__all__ = [
    "QUEUE_STATES",
    "STATES",
    "Approval",
    "Audit",
    "AuditEntry",
    "Command",
    "CommandRefusedError",
    "Commanding",
    "Queue",
    "Rules",
    "Stage",
    "StationWatch",
    "lending_record",
]

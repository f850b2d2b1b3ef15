"""The channels of a mission as its displays know them: what they mean, whose they are, where their limits lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moonpost.control.eventbook import is_report
from moonpost.control.packets.calibration import Enumeration, Instant
from moonpost.plan import Plan

if TYPE_CHECKING:
    from moonpost.control.packets.dictionary import Dictionary, Parameter
    from moonpost.control.packets.limits import Limits

__all__ = ["DisplayChannel", "display_channels"]

_HEADER = "ccsds_"


@dataclass(frozen=True)
class DisplayChannel:
    """A parameter of telemetry that can be shown.

    Parameters
    ----------
    key : str
        Its name in the dictionary, such as ``survey-rover.load_w``.
    subject : str
        What it is of: a machine, a bus, a mast, the sky.
    unit : str
        Its unit, empty if it has none.
    description : str
        What it is.
    owner : str or None
        Partner that owns the machine; None for what all share.
    limits : mapping of str to float or None
        ``warning_low``, ``warning_high``, ``critical_low`` and ``critical_high``.
    contexts : tuple of mapping
        Limits that replace them while ``when`` holds.
    labels : mapping of int to str
        Meaning of numbers; empty for measured values.
    packet : str
        Packet that carries it.

    Examples
    --------
    >>> DisplayChannel("rover.box_k", "rover", "K", "Temperature of its box.", "cnsa").to_dict()["unit"]
    'K'
    """

    key: str
    subject: str
    unit: str
    description: str
    owner: str | None
    limits: Mapping[str, float | None] = field(default_factory=dict)
    contexts: tuple[Mapping[str, Any], ...] = ()
    labels: Mapping[int, str] = field(default_factory=dict)
    packet: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The channel as plain values for JSON.

        Returns
        -------
        dict
        """
        return {
            "key": self.key,
            "subject": self.subject,
            "unit": self.unit,
            "description": self.description,
            "owner": self.owner,
            "limits": dict(self.limits),
            "contexts": [dict(context) for context in self.contexts],
            "labels": {str(number): label for number, label in self.labels.items()},
            "packet": self.packet,
        }


def display_channels(dictionary: Dictionary, plan: Plan) -> dict[str, DisplayChannel]:
    """The channels of a dictionary by key, in its order.

    Parameters
    ----------
    dictionary : Dictionary
        Of a station.
    plan : Plan
        Whose machines they are of.

    Returns
    -------
    dict of str to DisplayChannel
        Numbers and labels; reports, headers, times, texts and octets are left out.

    Examples
    --------
    >>> from moonpost.control.packets import station_dictionary
    >>> from moonpost.operations.channels import Channel
    >>> from moonpost.plan import load_plan
    >>> rows = [Channel("survey-rover.load_w", "W", None, 90.0, "What the loads ask for.")]
    >>> found = display_channels(station_dictionary(rows), load_plan("ilrs"))
    >>> found["survey-rover.load_w"].owner, found["survey-rover.load_w"].limits["warning_high"]
    ('roscosmos', 90.0)
    """
    owners = {element.id: element.owner for element in plan.elements}
    found: dict[str, DisplayChannel] = {}
    for packet in dictionary.packets:
        if is_report(packet):
            continue
        for item in packet.items:
            parameter = dictionary.parameter(item.parameter)
            if parameter.name in found or not _is_shown(parameter):
                continue
            subject = parameter.name.rpartition(".")[0] or packet.name
            found[parameter.name] = _channel(parameter, subject, owners.get(subject), packet.name)
    return found


def _is_shown(parameter: Parameter) -> bool:
    """Whether it is a number or a label that a plot can show."""
    return (
        not parameter.name.startswith(_HEADER)
        and parameter.encoding.kind in ("unsigned", "signed", "float")
        and not isinstance(parameter.calibration, Instant)
    )


def _channel(parameter: Parameter, subject: str, owner: str | None, packet: str) -> DisplayChannel:
    contexts = tuple(
        {
            "when": [f"{one.parameter} {one.operator} {one.value}" for one in context.when],
            "limits": _limits(context.limits),
        }
        for context in parameter.contexts
    )
    labels = parameter.calibration.labels if isinstance(parameter.calibration, Enumeration) else {}
    return DisplayChannel(
        parameter.name, subject, parameter.unit, parameter.description, owner,
        _limits(parameter.limits), contexts, dict(labels), packet,
    )  # fmt: skip


def _limits(limits: Limits | None) -> dict[str, float | None]:
    names = ("warning_low", "warning_high", "critical_low", "critical_high")
    return {name: None if limits is None else getattr(limits, name) for name in names}

"""Verifiers of telecommands in XTCE: which report of service 1 tells that a stage of a command was reached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from moonpost.control.packets.xtce_writing import add, token

if TYPE_CHECKING:
    from lxml.etree import _Element

    from moonpost.control.packets.dictionary import Dictionary
    from moonpost.control.packets.telecommands import CommandLayout

__all__ = ["SENT_COUNT", "add_verifiers", "verification_reports"]

SENT_COUNT = "/yamcs/cmdHist/ccsds-seqcount"
"""Where Yamcs keeps the sequence count of a command that it sent; XTCE has no name for it."""

_SERVICE, _SUBSERVICE, _CODE = "pus_service", "pus_subservice", "failure_code"
_APID, _COUNT = "request_apid", "request_count"
_FAILURES = (2, 4, 6, 8)
_STAGES = (("AcceptedVerifier", "Accepted", (1,)), ("CompleteVerifier", "Complete", (7,)),
           ("FailedVerifier", "Failed", _FAILURES))  # fmt: skip
_WINDOW = "P1D"


def verification_reports(dictionary: Dictionary) -> frozenset[int]:
    """Kinds of reports of service 1 that a dictionary has and that tell which command they are about.

    Parameters
    ----------
    dictionary : Dictionary
        What packets hold.

    Returns
    -------
    frozenset of int
        Subservices.

    Examples
    --------
    >>> from moonpost.control.packets.dictionary import HEADER, Dictionary
    >>> verification_reports(Dictionary("station", HEADER, ()))
    frozenset()
    """
    found = set()
    for packet in dictionary.packets:
        told = {one.parameter: one.value for one in packet.criteria if one.operator == "=="}
        names, kind = {item.parameter for item in packet.items}, told.get(_SUBSERVICE)
        needed = {_APID, _COUNT, _CODE} if kind in _FAILURES else {_APID, _COUNT}
        if told.get(_SERVICE) == 1 and isinstance(kind, int) and needed <= names:
            found.add(kind)
    return frozenset(found)


def add_verifiers(row: _Element, command: CommandLayout, reports: frozenset[int]) -> None:
    """Tell which reports verify a command.

    Parameters
    ----------
    row : lxml element
        The command.
    command : CommandLayout
        The same.
    reports : frozenset of int
        Kinds of reports of service 1 that there are.

    Notes
    -----
    A report is this command's if the APID and the sequence count that it tells are those of the command. The count
    is known to who sent it only: it is compared with what Yamcs keeps under `SENT_COUNT`, and programs that do not
    know that name cannot use these verifiers. Stages that our commands do not ask for (start and progress) have
    none. A stage that is not reached within a day is given up.
    """
    stages = [(tag, stage, [kind for kind in kinds if kind in reports]) for tag, stage, kinds in _STAGES]
    if not any(kinds for _, _, kinds in stages):
        return
    rows = add(row, "VerifierSet")
    for tag, stage, kinds in stages:
        if kinds:
            verifier = add(rows, tag, name=stage)
            _expression(verifier, command.apid, kinds)
            add(verifier, "CheckWindow", timeToStopChecking=_WINDOW, timeWindowIsRelativeTo="commandRelease")
            if stage == "Failed":
                add(verifier, "ReturnParmRef", parameterRef=token(_CODE))


def _expression(verifier: _Element, apid: int, kinds: Iterable[int]) -> None:
    """Whether a report is of one of these kinds and about this command."""
    every = add(add(verifier, "BooleanExpression"), "ANDedConditions")
    _condition(every, _SERVICE, 1)
    one, *others = kinds
    any_of = add(every, "ORedConditions") if others else every
    for kind in (one, *others):
        _condition(any_of, _SUBSERVICE, kind)
    _condition(every, _APID, apid)
    _condition(every, _COUNT, SENT_COUNT)


def _condition(rows: _Element, name: str, value: int | str) -> None:
    """A comparison with a number, or with another parameter."""
    row = add(rows, "Condition")
    add(row, "ParameterInstanceRef", parameterRef=token(name))
    add(row, "ComparisonOperator").text = "=="
    if isinstance(value, str):
        add(row, "ParameterInstanceRef", parameterRef=value)
    else:
        add(row, "Value").text = str(value)

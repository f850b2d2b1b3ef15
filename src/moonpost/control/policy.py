"""Who may do what: decided by one file of Cedar that people can read and change."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from moonpost.control.users import User
from moonpost.errors import DataError, UnknownNameError
from moonpost.files import atomic_path
from moonpost.plan import Plan

__all__ = ["ACTIONS", "Decision", "Policy"]

ACTIONS = (
    "telemetry.read", "timeline.read", "timeline.edit", "alarm.acknowledge", "command.request", "command.approve",
    "command.release", "audit.read", "clock.set", "user.manage",
)  # fmt: skip
"""What can be done."""

_SHARED = re.compile(r"station|sky|mast-.*|ground|contact|clock|relay|verification|queue|store|time")
"""Subjects of channels that are no machines of the plan."""
_ADVICE = "correct the file, or move it away and start again: the package's own policy is then copied there"


@dataclass(frozen=True)
class Decision:
    """Whether something may be done, and by which rule.

    Parameters
    ----------
    allowed : bool
        Whether it may be done.
    reason : str
        The name of the rule that permits or forbids it, or that none permits it.
    """

    allowed: bool
    reason: str


class Policy:
    """The policy of one station.

    Parameters
    ----------
    text : str
        Rules in Cedar.
    plan : Plan
        Whose machines they speak of.
    where : str
        Where the text is from, for messages.

    Raises
    ------
    DataError
        If the text is no policy, or names what does not exist.

    Notes
    -----
    Resources are mappings: ``element`` (identifier of the plan), or ``shared``, ``owner``, ``partners`` and
    ``approvers`` given outright; ``significance`` and ``requester`` of commands. An empty mapping is the station
    as a whole.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> policy = Policy.default(load_plan("ilrs"))
    >>> wang = User("wang", "cnsa", frozenset({"operator"}))
    >>> policy.allowed(wang, "command.request", policy.channel("survey-rover.load_w")).allowed
    False
    >>> policy.allowed(wang, "telemetry.read", policy.channel("station.stored_wh")).reason
    'what all share is read by all'
    """

    def __init__(self, text: str, plan: Plan, *, where: str = "policy") -> None:
        import cedarpy

        self._cedar = cedarpy
        self._elements = {element.id: element for element in plan.elements}
        self._schema = files("moonpost.control").joinpath("policy.cedarschema").read_text(encoding="utf-8")
        _validate(cedarpy, text, self._schema, where)
        self._policies = cedarpy.PolicySet.from_str(text)
        self._decide = lru_cache(maxsize=65536)(self._decided)

    @classmethod
    def default(cls, plan: Plan) -> Policy:
        """The package's own policy.

        Parameters
        ----------
        plan : Plan
            Whose machines it speaks of.

        Returns
        -------
        Policy
        """
        return cls(_own(), plan)

    @classmethod
    def open(cls, path: str | os.PathLike[str], plan: Plan) -> Policy:
        """The policy of a file, which is made from the package's own if it is not there.

        Parameters
        ----------
        path : path-like
            The file.
        plan : Plan
            Whose machines it speaks of.

        Returns
        -------
        Policy

        Raises
        ------
        DataError
            If it cannot be read, or is no policy.
        OutputError
            If it is not there and cannot be written.
        """
        file = Path(path)
        if not file.exists():
            with atomic_path(file) as temporary:
                temporary.write_text(_own(), encoding="utf-8")
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError("cannot be read as text", where=str(file), advice=_ADVICE) from error
        return cls(text, plan, where=str(file))

    def allowed(self, user: User, action: str, resource: Mapping[str, Any] | None = None) -> Decision:
        """Decide whether a user may do something.

        Parameters
        ----------
        user : User
            Who wants to.
        action : str
            Of `ACTIONS`.
        resource : mapping, optional
            What it is done to; see the notes of the class. The station as a whole if absent.

        Returns
        -------
        Decision

        Raises
        ------
        UnknownNameError
            If there is no such action.
        """
        if action not in ACTIONS:
            raise UnknownNameError(action, ACTIONS, kind="action")
        return self._decide(user, action, _frozen(self._thing(resource or {})))

    def element(self, identifier: str | None, partners: Iterable[str] = ()) -> dict[str, Any]:
        """The resource of a machine.

        Parameters
        ----------
        identifier : str or None
            Of the plan, or a part of the station that all share; None for the station as a whole. What is neither
            is nobody's: by the package's own policy only administrators read it.
        partners : iterable of str
            More partners who run it, by an agreement in the ledger.

        Returns
        -------
        dict
            With ``id``, ``shared``, ``owner``, ``partners`` and ``approvers``.
        """
        element = self._elements.get(identifier or "")
        if element is None:
            name = identifier or "station"
            return {"id": name, "shared": bool(_SHARED.fullmatch(name)), "partners": tuple(partners)}
        shared = element.bus == "station"
        runs = {element.owner, *partners, *(element.approvers if shared else ())}
        return {
            "approvers": element.approvers,
            "id": element.id, "shared": shared, "owner": element.owner, "partners": tuple(sorted(runs))
        }  # fmt: skip

    def channel(self, key: str) -> dict[str, Any]:
        """The resource of a channel of telemetry: its machine's, or the whole station's.

        Parameters
        ----------
        key : str
            Such as ``survey-rover.load_w``.

        Returns
        -------
        dict
            As `element` gives it.
        """
        return self.element(key.partition(".")[0])

    def readable(self, user: User, keys: Iterable[str]) -> tuple[str, ...]:
        """Those channels that a user may read, in their order.

        Parameters
        ----------
        user : User
            Who reads.
        keys : iterable of str
            Keys of channels.

        Returns
        -------
        tuple of str
        """
        return tuple(key for key in keys if self.allowed(user, "telemetry.read", self.channel(key)).allowed)

    def _thing(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The resource with all that the policy may ask of it."""
        named = resource.get("element")
        base = self.element(str(named)) if named is not None else {"id": "station", "shared": named is None}
        thing = {**base, **{key: value for key, value in resource.items() if key != "element"}}
        for key in _SETS:
            thing[key] = tuple(sorted(thing.get(key, ())))
        return {key: thing[key] for key in _FIELDS if thing.get(key) is not None}

    def _decided(self, user: User, action: str, thing: tuple[tuple[str, Any], ...]) -> Decision:
        fields = dict(thing)
        uid = {"type": "Thing", "id": str(fields["id"])}
        attributes: dict[str, Any] = {
            "id": str(fields["id"]), "shared": bool(fields.get("shared", False)),
            **{key: [_uid("Partner", name) for name in fields[key]] for key in _SETS},
        }  # fmt: skip
        for key, kind in (("owner", "Partner"), ("requester", "User")):
            if key in fields:
                attributes[key] = _uid(kind, fields[key])
        if "significance" in fields:
            attributes["significance"] = str(fields["significance"])
        roles = sorted(user.roles)
        principal = {
            "uid": {"type": "User", "id": user.name}, "attrs": {"partner": _uid("Partner", user.partner)},
            "parents": [{"type": "Role", "id": role} for role in roles],
        }  # fmt: skip
        entities = [principal, {"uid": uid, "attrs": attributes, "parents": []}]
        entities += [{"uid": {"type": "Role", "id": role}, "attrs": {}, "parents": []} for role in roles]
        request = {
            "principal": {"type": "User", "id": user.name}, "action": {"type": "Action", "id": action},
            "resource": uid, "context": {},
        }  # fmt: skip
        answer = self._cedar.is_authorized(request, self._policies, json.dumps(entities))
        if answer.diagnostics.errors:
            return Decision(False, f"the policy has no answer: {' '.join(answer.diagnostics.errors)}")
        names = answer.diagnostics.id_annotations_by_reason
        rules = [names.get(rule, rule) for rule in answer.diagnostics.reasons]
        return Decision(answer.allowed, "; ".join(sorted(rules)) or f"no rule permits {action} to this user")


_SETS = ("partners", "approvers")
_FIELDS = ("id", "shared", "owner", *_SETS, "significance", "requester")


def _uid(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": str(name)}}


def _frozen(thing: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(thing.items())


def _own() -> str:
    return files("moonpost.control").joinpath("policy.cedar").read_text(encoding="utf-8")


def _validate(cedarpy: Any, text: str, schema: str, where: str) -> None:
    """Refuse what is no policy, with the first thing that is wrong about it."""
    try:
        if not len(cedarpy.PolicySet.from_str(text)):
            raise DataError("holds no rule", where=where, advice=_ADVICE)
        result = cedarpy.validate_policies(text, schema)
        named = result.id_annotations_by_policy_id
        faults = [f"{named.get(fault.policy_id, '')}: {fault.error}".removeprefix(": ") for fault in result.errors]
    except DataError:
        raise
    except ValueError as error:
        faults = [str(error)]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DataError(
            f"is no policy that can be used: {' '.join(faults[0].split())}{more}", where=where, advice=_ADVICE
        )

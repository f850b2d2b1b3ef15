"""A round of sample loans replayed: stored in two places, asked for, reviewed, granted, agreed, lent."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

from moonpost.errors import DataError, ModelError
from moonpost.files import read_toml
from moonpost.partners.samples import Custody, milligrams
from moonpost.plan.model import Plan

__all__ = ["SampleRound", "bundled_round", "replay_round"]

_EXPERTS = tuple(
    {"name": f"Expert {number}", "institute": f"Academy {number} (synthetic)", "country": "China"}
    for number in range(1, 10)
)
_DATES = ("asked", "reviewed", "granted", "agreed", "lent", "due")


@dataclass(frozen=True)
class SampleRound:
    """A round from the store to the borrowers.

    Parameters
    ----------
    custody : Custody
        Where every milligram is.
    actions : tuple of dict
        Every step, as `moonpost.partners.records.write_steps` takes them.
    refused : tuple of tuple of str
        What was refused, each with the reason.
    applications, investigators, institutes : int
        Requests; those who got a loan; their institutes.
    lent_mg : int
        Mass lent [mg].

    Examples
    --------
    >>> SampleRound(Custody(), (), (), 0, 0, 0, 0).lent_mg
    0
    """

    custody: Custody
    actions: tuple[dict[str, Any], ...]
    refused: tuple[tuple[str, str], ...]
    applications: int
    investigators: int
    institutes: int
    lent_mg: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
        """
        book = self.custody
        return {
            "applications": self.applications,
            "investigators": self.investigators,
            "institutes": self.institutes,
            "lent_mg": self.lent_mg,
            "received_mg": book.received_mg,
            "kept_mg": book.kept_mg,
            "residual_mg": book.residual_mg,
            "stores_mg": book.stores(),
            "loans": [row for row in book.to_rows() if row["borrower"]],
            "requests": [
                {"request": row.id, "institute": row.investigator.institute, "mass_mg": row.mass_mg,
                 "granted_mg": row.granted_mg, "state": row.state, "agree_by": str(row.agree_by or "")}
                for row in book.requests.values()
            ],
            "refused": [{"what": what, "why": why} for what, why in self.refused],
        }  # fmt: skip


def bundled_round() -> dict[str, Any]:
    """Tables of the synthetic requests for the round of April 2022.

    Returns
    -------
    dict
        ``round``, ``parts_mg`` and ``requests``; marked as synthetic.

    Examples
    --------
    >>> tables = bundled_round()
    >>> len(tables["requests"]), tables["round"]["synthetic"]
    (37, True)
    """
    with as_file(files("moonpost.partners") / "bundled" / "round-2022.toml") as path:
        return read_toml(path, "file of a sample round")


def replay_round(plan: Plan, tables: Mapping[str, Any] | str | os.PathLike[str] | None = None) -> SampleRound:
    """Play a round of loans: the sample is stored by use, requests are reviewed, granted, agreed and lent.

    Parameters
    ----------
    plan : Plan
        With the sample in its table ``samples``.
    tables : mapping or path-like, optional
        ``round`` with sample, stores and dates, ``parts_mg`` by use, ``requests`` with verdicts; a TOML file of
        these; the synthetic ones for April 2022 if not given.

    Returns
    -------
    SampleRound

    Raises
    ------
    UnknownNameError
        If the plan has no such sample.
    DataError
        If a table lacks something.
    ModelError
        If the sample cannot be stored as told.

    Notes
    -----
    A request that more experts approve than reject is granted as asked. What the rules refuse, such as an
    agreement after its ten working days, has no loan and is told.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = replay_round(load_plan("ilrs"))
    >>> found.applications, found.investigators, found.institutes, found.lent_mg
    (37, 18, 11, 8768)
    """
    told = (
        tables
        if isinstance(tables, Mapping)
        else bundled_round()
        if tables is None
        else read_toml(tables, "round")
    )
    try:
        play = _Round(plan, told)
        play.store()
        play.ask()
        play.lend()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, ModelError | DataError):
            raise
        where = str(tables) if isinstance(tables, str | os.PathLike) else "round"
        raise DataError(
            f"lacks something or has it wrong ({error})", where=where, advice="see the guide"
        ) from error
    return play.found()


class _Round:
    """Steps of a round one after another, with what was refused."""

    def __init__(self, plan: Plan, told: Mapping[str, Any]) -> None:
        self.rule, self.parts, self.requests = told["round"], dict(told["parts_mg"]), list(told["requests"])
        self.sample = plan.row("samples", self.rule["sample"])
        self.day = {name: str(self.rule[name]) for name in _DATES}
        self.book = Custody()
        self.actions: list[dict[str, Any]] = []
        self.refused: list[tuple[str, str]] = []

    def take(self, action: dict[str, Any], what: str, *, must: bool = False) -> bool:
        refusal = self.book.apply(action)
        if refusal and must:
            raise ModelError(refusal, where=what, advice="correct the parts of the sample")
        if refusal:
            self.refused.append((what, refusal))
            return False
        self.actions.append(action)
        return True

    def store(self) -> None:
        """The whole sample comes in and is split by use, the backup into the other store."""
        name, main, date = self.sample.id, str(self.rule["store"]), str(self.sample.returned or self.day["asked"])
        whole = {"do": "receive", "sample": name, "mass_mg": milligrams(self.sample.mass_g), "store": main}
        self.take({**whole, "use": "permanent", "date": date}, name, must=True)
        parts = [
            {"sample": f"{name}-{use}", "mass_mg": mass, "use": use,
             "store": str(self.rule["backup"]) if use == "backup" else main}
            for use, mass in self.parts.items()
        ]  # fmt: skip
        self.take({"do": "split", "sample": name, "parts": parts, "date": date}, f"split of {name}", must=True)

    def ask(self) -> None:
        """Requests with their reviews; experts take turns, those of the asking institute stand back."""
        for number, row in enumerate(self.requests):
            what = f"request {row['id']}"
            action = {"do": "request", "request": row["id"], "investigator": dict(row["investigator"])}
            action |= {"sample": self.sample.id, "mass_mg": row["mass_mg"], "date": self.day["asked"]}
            if not self.take(action, what):
                continue
            free = [one for one in _EXPERTS if one["institute"] != row["investigator"]["institute"]]
            for turn, verdict in enumerate(row["verdicts"]):
                expert = free[(number + turn) % len(free)]
                review = {"do": "review", "request": row["id"], "reviewer": dict(expert), "verdict": verdict}
                self.take({**review, "date": self.day["reviewed"]}, f"review of {row['id']}")

    def lend(self) -> None:
        """What experts approve is granted, agreed, cut off and lent."""
        lots = []
        for row in self.requests:
            name = row["id"]
            request = self.book.requests.get(name)
            if request is None:
                continue
            votes = [verdict for _, verdict, _ in request.reviews]
            if votes.count("approve") <= votes.count("reject"):
                self.take({"do": "turn-down", "request": name, "date": self.day["granted"]}, name)
                continue
            grant = {"do": "grant", "request": name, "mass_mg": row["mass_mg"], "date": self.day["granted"]}
            agreed = str(row.get("agreed", self.day["agreed"]))
            if self.take(grant, name) and self.take({"do": "agree", "request": name, "date": agreed}, name):
                lots.append((name, row["mass_mg"], row["investigator"]["institute"]))
        self._cut(lots)

    def _cut(self, lots: Sequence[tuple[str, int, str]]) -> None:
        """Lots off the research part, each to its borrower, in the order of the requests while it lasts."""
        stock = f"{self.sample.id}-research"
        rest, kept = self.book.pieces[stock].mass_mg, []
        for name, mass, institute in lots:
            if mass > rest:
                self.refused.append((f"loan {name}", f"{mass} mg are granted, {rest} mg of {stock} are left"))
                continue
            kept.append((name, institute))
            rest -= mass
        if not kept:
            return
        parts: list[dict[str, Any]] = [
            {"sample": f"{stock}-{name}", "mass_mg": mass} for name, mass, _ in lots if name in dict(kept)
        ]
        parts += [{"sample": f"{stock}-rest", "mass_mg": rest}] if rest else []
        cut = {"do": "split", "sample": stock, "parts": parts, "date": self.day["lent"]}
        if not self.take(cut, f"split of {stock}"):
            return
        for name, institute in kept:
            loan = {"do": "lend", "sample": f"{stock}-{name}", "borrower": institute, "request": name}
            self.take({**loan, "date": self.day["lent"], "due": self.day["due"]}, f"loan {name}")

    def found(self) -> SampleRound:
        lent = [row for row in self.book.requests.values() if row.lent_mg]
        return SampleRound(
            self.book,
            tuple(self.actions),
            tuple(self.refused),
            len(self.book.requests),
            len({row.investigator.name for row in lent}),
            len({row.investigator.institute for row in lent}),
            self.book.lent_mg(),
        )

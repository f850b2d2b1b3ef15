"""Samples in custody: received, split, moved, lent and returned, to the milligram."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from moonpost.errors import DateError, InputError
from moonpost.partners.dates import Day, end_of, instant
from moonpost.partners.needs import RefusedError, need
from moonpost.partners.proposals import same_name
from moonpost.partners.samplerequests import (
    REQUEST_ACTIONS,
    SampleRequest,
    not_before,
    request_of,
    whole,
    word,
)
from moonpost.plan.missions import Sample

__all__ = ["ACTIONS", "USES", "Custody", "Loan", "Piece", "custody_of", "milligrams"]

USES = ("permanent", "backup", "research", "public")
"""What a piece is kept for, after the procedure of the China National Space Administration of 2020-12-17."""

_DIGITS = 20


@dataclass
class Loan:
    """A piece that is with a borrower.

    Parameters
    ----------
    borrower : str
        Institute or person.
    due : str
        Date by which it is to be back.
    agreement : str
        Under which it was lent.
    date : str
        Since when; empty if that was not told.

    Examples
    --------
    >>> Loan("institute", "2023-07", "2022-1").borrower
    'institute'
    """

    borrower: str
    due: str
    agreement: str = ""
    date: str = ""


@dataclass
class Piece:
    """A sample or a part of one.

    Parameters
    ----------
    id : str
        Its identifier.
    mass_mg : int
        What is left of it [mg].
    parent : str or None
        What it was split from.
    store : str
        Where it is kept, or belongs while it is lent.
    use : str
        One of `USES`.
    loan : Loan or None
        With whom it is.
    since : str
        Date of the last action on it that told one.

    Examples
    --------
    >>> Piece("ce5", 1_731_000, None, "beijing", "permanent").loan is None
    True
    """

    id: str
    mass_mg: int
    parent: str | None
    store: str
    use: str
    loan: Loan | None = None
    since: str = ""


@dataclass
class Custody:
    """All pieces, and where every milligram went.

    Parameters
    ----------
    pieces : dict of str to Piece
        By identifier; what was split is gone from here.
    received_mg : int
        Brought in [mg].
    consumed_mg : int
        Used up in research [mg].
    lost_mg : int
        Lost and written off, such as dust of a cut [mg].
    requests : dict of str to SampleRequest
        Requests to borrow, by identifier.
    log : list of dict
        Every action that was done, in order.

    Notes
    -----
    `received_mg` = sum of all pieces + `consumed_mg` + `lost_mg`, in whole milligrams, after every action.

    Examples
    --------
    >>> book = Custody()
    >>> book.apply({"do": "receive", "sample": "ce5", "mass_mg": 1731000, "store": "beijing", "use": "permanent"})
    ''
    >>> parts = [{"sample": "a", "mass_mg": 1500000}, {"sample": "b", "mass_mg": 230999}]
    >>> book.apply({"do": "split", "sample": "ce5", "parts": parts})
    'the parts weigh 1730999 mg, with a loss of 0 mg, and the piece 1731000 mg'
    """

    pieces: dict[str, Piece] = field(default_factory=dict)
    received_mg: int = 0
    consumed_mg: int = 0
    lost_mg: int = 0
    requests: dict[str, SampleRequest] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    _parents: dict[str, str | None] = field(default_factory=dict)
    _keepers: dict[str, str] = field(default_factory=dict)

    @property
    def kept_mg(self) -> int:
        """Mass of all pieces [mg]."""
        return sum(piece.mass_mg for piece in self.pieces.values())

    @property
    def residual_mg(self) -> int:
        """What is unaccounted for [mg]; zero always."""
        return self.received_mg - self.kept_mg - self.consumed_mg - self.lost_mg

    def lent_mg(self) -> int:
        """Mass that is with borrowers [mg]."""
        return sum(piece.mass_mg for piece in self.pieces.values() if piece.loan)

    def known(self, name: str) -> bool:
        """Whether a piece of this name is or was here.

        Parameters
        ----------
        name : str
            Identifier.

        Returns
        -------
        bool
        """
        return name in self._parents

    def line_of(self, name: str) -> tuple[str, ...]:
        """A piece and what it was split from, up to the sample that came in.

        Parameters
        ----------
        name : str
            Identifier of a piece that is or was here.

        Returns
        -------
        tuple of str
        """
        found: list[str] = []
        at: str | None = name
        while at is not None and at in self._parents:
            found.append(at)
            at = self._parents[at]
        return tuple(found)

    def trace(self, name: str) -> tuple[dict[str, Any], ...]:
        """Every action on a piece and on what it was split from: its chain of custody.

        Parameters
        ----------
        name : str
            Identifier of a piece that is or was here.

        Returns
        -------
        tuple of dict
            As they were done, in order.
        """
        line = set(self.line_of(name))
        return tuple(row for row in self.log if row.get("sample") in line and row["do"] not in REQUEST_ACTIONS)

    def stores(self) -> dict[str, int]:
        """Mass that belongs to each store, lent pieces among it [mg]."""
        found: dict[str, int] = {}
        for piece in self.pieces.values():
            found[piece.store] = found.get(piece.store, 0) + piece.mass_mg
        return found

    def findings(self, at: Day = None) -> tuple[str, ...]:
        """What custody should look at: backups beside what they back up, loans without request, dates that passed.

        Parameters
        ----------
        at : str, datetime.date or datetime.datetime, optional
            The day; dates are not looked at if not given.

        Returns
        -------
        tuple of str
        """
        kept: dict[tuple[str, str], set[str]] = {}
        for piece in self.pieces.values():
            kept.setdefault((self.line_of(piece.id)[-1], piece.use), set()).add(piece.store)
        found = []
        for name in sorted({name for name, _ in kept}):
            both = kept.get((name, "permanent"), set()) & kept.get((name, "backup"), set())
            found += [f"{name}: backup and permanent pieces are both in {store}" for store in sorted(both)]
        found += [f"{p.id}: lent to {p.loan.borrower} without a request on record"
                  for p in self.pieces.values() if p.loan and p.loan.agreement not in self.requests]  # fmt: skip
        if at is None:
            return tuple(found)
        day = instant(at)
        found += [f"{p.id}: due on {p.loan.due} from {p.loan.borrower}" for p in self.overdue(at) if p.loan]
        found += [
            f"request {row.id}: granted on {row.decided}, not agreed by {row.agree_by}"
            for row in self.requests.values()
            if day is not None and row.lapsed(day.date().isoformat())
        ]
        return tuple(found)

    def overdue(self, at: Day) -> tuple[Piece, ...]:
        """Pieces that should be back by now.

        Parameters
        ----------
        at : str, datetime.date or datetime.datetime
            The day.

        Returns
        -------
        tuple of Piece
            Those whose due date has wholly passed.
        """
        limit = instant(at)
        return tuple(
            p for p in self.pieces.values() if p.loan and limit is not None and end_of(p.loan.due) < limit
        )

    def apply(self, action: Mapping[str, Any], party: str = "") -> str:
        """Take an action in, or tell why it is not allowed.

        Parameters
        ----------
        action : mapping
            ``do`` and what it needs: see `ACTIONS`.
        party : str
            Who signed it, where that is known: what one party received no other splits, moves, lends or grants;
            anyone may ask for it.

        Returns
        -------
        str
            Empty if it was done; else the reason, and nothing has changed.
        """
        handler = ACTIONS.get(str(action.get("do"))) if isinstance(action, Mapping) else None
        if handler is None:
            return f"it does none of {', '.join(ACTIONS)}"
        try:
            keeper = self._keeper(action)
            need(not (party and keeper) or party == keeper, f"{party} does not keep it, {keeper} does")
            handler(self, action)
        except RefusedError as refusal:
            return str(refusal)
        except (KeyError, TypeError, DateError, InputError, AttributeError) as error:
            return f"it lacks something or has it wrong ({error})"
        self.log.append(dict(action))
        if action["do"] == "receive":
            self._keepers[action["sample"]] = party
        elif action["do"] == "split":
            self._keepers.update({part["sample"]: keeper for part in action["parts"]})
        return ""

    def _keeper(self, action: Mapping[str, Any]) -> str:
        """Who alone may do this, as far as that is known; empty where anyone may."""
        if action["do"] in ("receive", "request"):
            return ""
        name = action.get("sample")
        if action["do"] in REQUEST_ACTIONS:
            name = request_of(self, action).sample
        return self._keepers.get(name, "") if isinstance(name, str) else ""

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain rows of all pieces, for JSON.

        Returns
        -------
        list of dict
        """
        return [
            {
                "sample": piece.id,
                "mass_mg": piece.mass_mg,
                "parent": piece.parent,
                "store": piece.store,
                "use": piece.use,
                "borrower": piece.loan.borrower if piece.loan else None,
                "due": piece.loan.due if piece.loan else None,
            }
            for piece in self.pieces.values()
        ]


def milligrams(mass_g: float | str) -> int:
    """Whole milligrams of a mass in grams.

    Parameters
    ----------
    mass_g : float or str
        Mass, or its decimal text [g].

    Returns
    -------
    int

    Raises
    ------
    InputError
        If it is not above zero, or has parts of a milligram.

    Examples
    --------
    >>> milligrams(8.768)
    8768
    """
    try:
        grams = Decimal(str(mass_g))
    except InvalidOperation:
        grams = Decimal(0)
    mass_mg = Fraction(grams) * 1000 if grams.is_finite() and abs(grams.adjusted()) < _DIGITS else Fraction(0)
    if not (0 < mass_mg < 2**53 and mass_mg.denominator == 1):
        raise InputError(f"{mass_g} g", where="mass_g", advice="give a mass above zero in whole milligrams")
    return int(mass_mg)


def custody_of(samples: Iterable[Sample], store: str = "store", backup: str = "backup store") -> Custody:
    """Begin custody with the samples of a plan, each whole in the permanent store.

    Parameters
    ----------
    samples : iterable of Sample
        Such as ``plan.samples``.
    store, backup : str
        Names of the two stores; nothing is in the second yet.

    Returns
    -------
    Custody

    Raises
    ------
    InputError
        If a sample stands twice.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> custody_of(load_plan("ilrs").samples).received_mg
    3666300
    """
    book = Custody()
    for row in samples:
        action = {
            "do": "receive",
            "sample": row.id,
            "mass_mg": milligrams(row.mass_g),
            "store": store,
            "use": USES[0],
        }
        if refusal := book.apply(action):
            raise InputError(refusal, where=f"samples[{row.id}]", advice=f"correct the row; {backup} stays empty")
    return book


def _piece(book: Custody, action: Mapping[str, Any], *, home: bool = True) -> Piece:
    """The piece that an action speaks of; at home unless told otherwise."""
    name = word(action, "sample")
    need(name in book.pieces, f"there is no piece {name}")
    piece = book.pieces[name]
    need(not home or piece.loan is None, f"{name} is lent")
    return piece


def _date(action: Mapping[str, Any], piece: Piece | None = None) -> str:
    """The date of an action, if it tells one, not before the last on the piece."""
    if "date" not in action:
        return piece.since if piece else ""
    date = word(action, "date")
    end_of(date)
    return not_before(date, piece.since, f"the last action on {piece.id}") if piece else date


def _add(book: Custody, piece: Piece) -> None:
    book.pieces[piece.id] = piece
    book._parents[piece.id] = piece.parent


def _receive(book: Custody, action: Mapping[str, Any]) -> None:
    """A sample comes in."""
    name, mass_mg, use, date = word(action, "sample"), whole(action), word(action, "use"), _date(action)
    need(not book.known(name), f"{name} was used as a name already")
    need(use in USES, f"use is none of {', '.join(USES)}")
    _add(book, Piece(name, mass_mg, None, word(action, "store"), use, since=date))
    book.received_mg += mass_mg


def _split(book: Custody, action: Mapping[str, Any]) -> None:
    """A piece becomes parts that weigh as much, but for a loss that is told."""
    piece, parts, lost_mg = _piece(book, action), action["parts"], 0
    date = _date(action, piece)
    if "loss_mg" in action:
        lost_mg = whole(action, "loss_mg", 0)
    need(isinstance(parts, list) and parts, "there are no parts")
    names = [word(part, "sample") for part in parts]
    masses = [whole(part) for part in parts]
    uses = [part.get("use", piece.use) for part in parts]
    need(len(set(names)) == len(names) and not any(map(book.known, names)), "a part's name was used already")
    need(all(use in USES for use in uses), f"use is none of {', '.join(USES)}")
    need(
        sum(masses) + lost_mg == piece.mass_mg,
        f"the parts weigh {sum(masses)} mg, with a loss of {lost_mg} mg, and the piece {piece.mass_mg} mg",
    )
    stores = [word(part, "store") if "store" in part else piece.store for part in parts]
    del book.pieces[piece.id]
    book.lost_mg += lost_mg
    for name, mass_mg, use, store in zip(names, masses, uses, stores, strict=True):
        _add(book, Piece(name, mass_mg, piece.id, store, use, since=date))


def _move(book: Custody, action: Mapping[str, Any]) -> None:
    """A piece goes to another store."""
    piece = _piece(book, action)
    store, date = word(action, "store"), _date(action, piece)
    piece.store, piece.since = store, date


def _lend(book: Custody, action: Mapping[str, Any]) -> None:
    """A piece for research or the public goes to a borrower until a date."""
    piece = _piece(book, action)
    need(piece.use in ("research", "public"), f"{piece.id} is kept for {piece.use} use and is not lent")
    due, borrower, date = word(action, "due"), word(action, "borrower"), _date(action, piece)
    end_of(due)
    if date:
        not_before(due, date, "the loan")
    agreement = action.get("agreement", action.get("request", ""))
    need(isinstance(agreement, str), "agreement is no text")
    if "request" in action:
        _under_request(book, action, piece, borrower)
    piece.loan, piece.since = Loan(borrower, due, agreement, date), date


def _under_request(book: Custody, action: Mapping[str, Any], piece: Piece, borrower: str) -> None:
    """A loan under a request keeps to what was granted and agreed."""
    row = request_of(book, action)
    need(row.agreed, f"request {row.id} has no agreement")
    not_before(word(action, "date"), row.agreed, "the agreement")
    need(piece.use == row.use, f"{piece.id} is for {piece.use} use, the request for {row.use}")
    need(row.sample in book.line_of(piece.id), f"{piece.id} is no part of {row.sample}")
    institute = row.investigator.institute
    need(same_name(borrower) == same_name(institute), f"{borrower} did not ask for it, {institute} did")
    left = row.granted_mg - row.lent_mg
    need(piece.mass_mg <= left, f"{piece.id} weighs {piece.mass_mg} mg, {left} mg of the grant are left")
    book.requests[row.id] = replace(row, lent_mg=row.lent_mg + piece.mass_mg)


def _extend(book: Custody, action: Mapping[str, Any]) -> None:
    """A borrower may keep a piece longer."""
    piece = _piece(book, action, home=False)
    need(piece.loan is not None, f"{piece.id} is not lent")
    assert piece.loan is not None
    due, date = word(action, "due"), _date(action, piece)
    need(end_of(due) > end_of(piece.loan.due), f"{due} is not later than {piece.loan.due}")
    piece.loan, piece.since = replace(piece.loan, due=due), date


def _give_back(book: Custody, action: Mapping[str, Any]) -> None:
    """A borrower returns what it did not use up."""
    piece = _piece(book, action, home=False)
    need(piece.loan is not None, f"{piece.id} is not lent")
    back_mg, consumed_mg, date = whole(action, "mass_mg", 0), 0, _date(action, piece)
    if "consumed_mg" in action:
        consumed_mg = whole(action, "consumed_mg", 0)
    lost_mg = whole(action, "loss_mg", 0) if "loss_mg" in action else 0
    need(
        back_mg + consumed_mg + lost_mg == piece.mass_mg,
        f"{back_mg} mg returned, {consumed_mg} used up and {lost_mg} lost are not the {piece.mass_mg} mg lent",
    )
    piece.loan, piece.mass_mg, piece.since = None, back_mg, date
    book.consumed_mg += consumed_mg
    book.lost_mg += lost_mg
    if back_mg == 0:
        del book.pieces[piece.id]


ACTIONS: Mapping[str, Callable[[Custody, Mapping[str, Any]], None]] = {
    "receive": _receive,
    "split": _split,
    "move": _move,
    "lend": _lend,
    "extend": _extend,
    "return": _give_back,
    **REQUEST_ACTIONS,
}
"""What can be done, each with what it needs:

``receive``: sample, mass_mg, store, use. ``split``: sample, parts (sample, mass_mg; use, store), loss_mg.
``move``: sample, store. ``lend``: sample, borrower, due; request, agreement. ``extend``: sample, due.
``return``: sample, mass_mg, consumed_mg, loss_mg. All take a date, which does not run backwards for a piece; a
loan under a request needs it. Requests: see `moonpost.partners.samplerequests.REQUEST_ACTIONS`.
"""

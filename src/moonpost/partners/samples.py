"""Samples in custody: received, split, moved, lent and returned, to the milligram."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moonpost.errors import DateError, InputError
from moonpost.partners.dates import Day, end_of, instant
from moonpost.plan.missions import Sample

__all__ = ["ACTIONS", "USES", "Custody", "Loan", "Piece", "custody_of", "milligrams"]

USES = ("permanent", "backup", "research", "public")
"""What a piece is kept for, after the procedure of the China National Space Administration of 2020-12-17."""


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

    Examples
    --------
    >>> Loan("institute", "2023-07", "2022-1").borrower
    'institute'
    """

    borrower: str
    due: str
    agreement: str = ""


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


class _RefusedError(Exception):
    """An action that custody does not allow."""


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
    _names: set[str] = field(default_factory=set)

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

    def apply(self, action: Mapping[str, Any]) -> str:
        """Take an action in, or tell why it is not allowed.

        Parameters
        ----------
        action : mapping
            ``do`` and what it needs: see `ACTIONS`.

        Returns
        -------
        str
            Empty if it was done; else the reason, and nothing has changed.
        """
        handler = ACTIONS.get(str(action.get("do"))) if isinstance(action, Mapping) else None
        if handler is None:
            return f"it does none of {', '.join(ACTIONS)}"
        try:
            handler(self, action)
        except _RefusedError as refusal:
            return str(refusal)
        except (KeyError, TypeError, DateError) as error:
            return f"it lacks something or has it wrong ({error})"
        return ""

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


def milligrams(mass_g: float) -> int:
    """Whole milligrams of a mass in grams.

    Parameters
    ----------
    mass_g : float
        Mass [g].

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
    mass_mg = round(mass_g * 1000.0) if -1e12 < mass_g < 1e12 else 0
    if mass_mg <= 0 or abs(mass_mg - mass_g * 1000.0) > 1e-6 * mass_mg:
        raise InputError(f"{mass_g!r} g", where="mass_g", advice="give a mass above zero in whole milligrams")
    return mass_mg


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


def _need(condition: object, text: str) -> None:
    if not condition:
        raise _RefusedError(text)


def _mass(action: Mapping[str, Any], name: str = "mass_mg", least: int = 1) -> int:
    """A whole number of milligrams."""
    value = action[name]
    _need(type(value) is int and value >= least, f"{name} is no whole number of milligrams from {least}")
    return int(value)


def _word(action: Mapping[str, Any], name: str) -> str:
    value = action[name]
    _need(isinstance(value, str) and value.strip(), f"{name} is no text")
    return str(value)


def _piece(book: Custody, action: Mapping[str, Any], *, home: bool = True) -> Piece:
    """The piece that an action speaks of; at home unless told otherwise."""
    name = _word(action, "sample")
    _need(name in book.pieces, f"there is no piece {name}")
    piece = book.pieces[name]
    _need(not home or piece.loan is None, f"{name} is lent")
    return piece


def _add(book: Custody, piece: Piece) -> None:
    book.pieces[piece.id] = piece
    book._names.add(piece.id)


def _receive(book: Custody, action: Mapping[str, Any]) -> None:
    """A sample comes in."""
    name, mass_mg, use = _word(action, "sample"), _mass(action), _word(action, "use")
    _need(name not in book._names, f"{name} was used as a name already")
    _need(use in USES, f"use is none of {', '.join(USES)}")
    _add(book, Piece(name, mass_mg, None, _word(action, "store"), use))
    book.received_mg += mass_mg


def _split(book: Custody, action: Mapping[str, Any]) -> None:
    """A piece becomes parts that weigh as much, but for a loss that is told."""
    piece, parts, lost_mg = _piece(book, action), action["parts"], 0
    if "loss_mg" in action:
        lost_mg = _mass(action, "loss_mg", 0)
    _need(isinstance(parts, list) and parts, "there are no parts")
    names = [_word(part, "sample") for part in parts]
    masses = [_mass(part) for part in parts]
    uses = [part.get("use", piece.use) for part in parts]
    _need(len(set(names)) == len(names) and not set(names) & book._names, "a part's name was used already")
    _need(set(uses) <= set(USES), f"use is none of {', '.join(USES)}")
    _need(
        sum(masses) + lost_mg == piece.mass_mg,
        f"the parts weigh {sum(masses)} mg, with a loss of {lost_mg} mg, and the piece {piece.mass_mg} mg",
    )
    stores = [_word(part, "store") if "store" in part else piece.store for part in parts]
    del book.pieces[piece.id]
    book.lost_mg += lost_mg
    for name, mass_mg, use, store in zip(names, masses, uses, stores, strict=True):
        _add(book, Piece(name, mass_mg, piece.id, store, use))


def _move(book: Custody, action: Mapping[str, Any]) -> None:
    """A piece goes to another store."""
    _piece(book, action).store = _word(action, "store")


def _lend(book: Custody, action: Mapping[str, Any]) -> None:
    """A piece for research or the public goes to a borrower until a date."""
    piece = _piece(book, action)
    _need(piece.use in ("research", "public"), f"{piece.id} is kept for {piece.use} use and is not lent")
    due = _word(action, "due")
    end_of(due)
    piece.loan = Loan(_word(action, "borrower"), due, str(action.get("agreement", "")))


def _give_back(book: Custody, action: Mapping[str, Any]) -> None:
    """A borrower returns what it did not use up."""
    piece = _piece(book, action, home=False)
    _need(piece.loan is not None, f"{piece.id} is not lent")
    back_mg, consumed_mg = _mass(action, "mass_mg", 0), 0
    if "consumed_mg" in action:
        consumed_mg = _mass(action, "consumed_mg", 0)
    lost_mg = _mass(action, "loss_mg", 0) if "loss_mg" in action else 0
    _need(
        back_mg + consumed_mg + lost_mg == piece.mass_mg,
        f"{back_mg} mg returned, {consumed_mg} used up and {lost_mg} lost are not the {piece.mass_mg} mg lent",
    )
    piece.loan, piece.mass_mg = None, back_mg
    book.consumed_mg += consumed_mg
    book.lost_mg += lost_mg
    if back_mg == 0:
        del book.pieces[piece.id]


ACTIONS: Mapping[str, Callable[[Custody, Mapping[str, Any]], None]] = {
    "receive": _receive,
    "split": _split,
    "move": _move,
    "lend": _lend,
    "return": _give_back,
}
"""What can be done, each with what it needs:

``receive``: sample, mass_mg, store, use. ``split``: sample, parts (sample, mass_mg; use, store), loss_mg.
``move``: sample, store. ``lend``: sample, borrower, due. ``return``: sample, mass_mg, consumed_mg, loss_mg.
"""

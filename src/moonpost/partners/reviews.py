"""Expert reviews of proposals: who may review what, how scores become a ranking, who reviews what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from moonpost.errors import InputError, ModelError
from moonpost.partners.proposals import Person, Proposal, same_name

__all__ = [
    "ALWAYS",
    "CONFLICTS",
    "Ranked",
    "Review",
    "assign_reviewers",
    "conflicts_of",
    "ranking",
    "score_of",
]

CONFLICTS = ("own", "co-proposer", "institute", "country", "rival")
"""Kinds of conflict of interest: own proposal; co-proposer, here or with one of the team in another proposal of
the call; same institute; same country; a proposal of one's own in the same call."""

ALWAYS = ("own", "co-proposer", "institute")
"""Those that hold for every call; the others may be asked for."""

_MOST = 100


@dataclass(frozen=True)
class Review:
    """One review.

    Parameters
    ----------
    reviewer, proposal : str
        Identifiers.
    scores : mapping of str to int
        From 0 to 100 by criterion.
    date : str
        When it was given, UTC.
    text : str
        What the reviewer says.

    Examples
    --------
    >>> Review("r1", "dust", {"science": 80}, "2024-02-01").scores["science"]
    80
    """

    reviewer: str
    proposal: str
    scores: Mapping[str, int]
    date: str = ""
    text: str = ""


@dataclass(frozen=True)
class Ranked:
    """A proposal in the ranking.

    Parameters
    ----------
    proposal : str
        Identifier.
    rank : int
        From 1; equal scores share the better rank.
    score : Fraction
        Mean of its reviews, from 0 to 100 [1].
    spread : float
        Standard deviation of its reviews, 0 with one [1].
    reviews : int
        How many there are.
    best_rank, worst_rank : int
        Its ranks if any one reviewer of the call had not been asked.

    Examples
    --------
    >>> ranking([Review("r1", "dust", {"science": 80}, "2024-02-01")], {"science": 1})[0].rank
    1
    """

    proposal: str
    rank: int
    score: Fraction
    spread: float
    reviews: int
    best_rank: int
    worst_rank: int


def conflicts_of(
    reviewer: Person, proposal: Proposal, proposals: Iterable[Proposal], rules: Iterable[str] = ALWAYS
) -> tuple[str, ...]:
    """Why a person must not review a proposal.

    Parameters
    ----------
    reviewer : Person
        Who is to review.
    proposal : Proposal
        What is to be reviewed.
    proposals : iterable of Proposal
        All proposals of the call, withdrawn ones too.
    rules : iterable of str
        Kinds of `CONFLICTS` that hold.

    Returns
    -------
    tuple of str
        A sentence for each conflict, each beginning with its kind; empty if there is none.

    Raises
    ------
    InputError
        If a rule is unknown.

    Notes
    -----
    Names are compared without regard to case and spaces. Persons are known by name alone, so that a person who
    changed institutes is still found.

    Examples
    --------
    >>> lead = Person("A. Example", "Institute of Dust", "Utopia")
    >>> dust = Proposal("dust", "Dust counter", lead, 2.5)
    >>> conflicts_of(Person("B. Example", "institute of dust", "Utopia"), dust, [dust])
    ('institute: Institute of Dust proposes it too',)
    """
    return _conflicts(reviewer, proposal, _by_person(proposals), rules)


def _by_person(proposals: Iterable[Proposal]) -> dict[str, list[Proposal]]:
    """Proposals by the names of those who propose them."""
    found: dict[str, list[Proposal]] = {}
    for row in proposals:
        for name in {same_name(person.name) for person in row.people}:
            found.setdefault(name, []).append(row)
    return found


def _conflicts(
    reviewer: Person, proposal: Proposal, known: Mapping[str, list[Proposal]], rules: Iterable[str]
) -> tuple[str, ...]:
    """Conflicts of a reviewer, with the proposals of everybody at hand."""
    asked = set(rules)
    if not asked <= set(CONFLICTS):
        raise InputError(
            f"unknown rule {', '.join(sorted(asked - set(CONFLICTS)))}",
            where="conflicts",
            advice=f"use {', '.join(CONFLICTS)}",
        )
    me = same_name(reviewer.name)
    mine = known.get(me, [])
    team = {same_name(person.name) for person in proposal.people}
    shared = [row for row in mine if team & {same_name(person.name) for person in row.people} - {me}]
    found = {}
    if me == same_name(proposal.lead.name):
        found["own"] = f"{reviewer.name} leads it"
    elif me in team:
        found["co-proposer"] = f"{reviewer.name} proposes it too"
    elif shared:
        found["co-proposer"] = f"{reviewer.name} proposes {shared[0].id} with one of its team"
    for name in ("institute", "country"):
        own = same_name(getattr(reviewer, name))
        same = next((p for p in proposal.people if same_name(getattr(p, name)) == own), None)
        if same is not None:
            found[name] = f"{getattr(same, name)} proposes it too"
    rival = next((row for row in mine if row.id != proposal.id), None)
    if rival is not None:
        found["rival"] = f"{reviewer.name} has {rival.id} in the same call"
    return tuple(f"{kind}: {found[kind]}" for kind in CONFLICTS if kind in found and kind in asked)


def score_of(review: Review, criteria: Mapping[str, int]) -> Fraction:
    """Weighted score of one review, exactly.

    Parameters
    ----------
    review : Review
        With a score for every criterion.
    criteria : mapping of str to int
        Weight of each criterion, above 0.

    Returns
    -------
    Fraction
        From 0 to 100 [1].

    Raises
    ------
    InputError
        If a criterion is missing or unknown, or a score is no whole number from 0 to 100.

    Examples
    --------
    >>> score_of(Review("r1", "dust", {"science": 80, "cost": 60}), {"science": 3, "cost": 1})
    Fraction(75, 1)
    """
    where = f"review of {review.proposal} by {review.reviewer}"
    if not criteria or any(type(weight) is not int or weight <= 0 for weight in criteria.values()):
        raise InputError(
            "weights are no whole numbers above 0", where="criteria", advice="give such as science = 2"
        )
    if set(review.scores) != set(criteria):
        raise InputError(
            f"scores {', '.join(sorted(review.scores)) or 'nothing'}",
            where=where,
            advice=f"score {', '.join(criteria)}",
        )
    if any(type(score) is not int or not 0 <= score <= _MOST for score in review.scores.values()):
        raise InputError("a score is out of range", where=where, advice=f"give whole numbers from 0 to {_MOST}")
    total = sum(criteria[name] * score for name, score in review.scores.items())
    return Fraction(total, sum(criteria.values()))


def ranking(reviews: Sequence[Review], criteria: Mapping[str, int]) -> tuple[Ranked, ...]:
    """Rank proposals by the mean of their reviews.

    Parameters
    ----------
    reviews : sequence of Review
        At most one for each reviewer and proposal.
    criteria : mapping of str to int
        Weight of each criterion.

    Returns
    -------
    tuple of Ranked
        Best first; equal scores in the order of identifiers. Proposals without a review are not in it.

    Raises
    ------
    InputError
        If a review cannot be scored, or a reviewer reviews a proposal twice.

    Notes
    -----
    Scores are fractions, so equal means are equal. The ranks without any one reviewer tell how much hangs on a
    single voice; a proposal that only this reviewer has seen keeps its place out of that count.

    Examples
    --------
    >>> rows = [Review("r1", "a", {"s": 50}), Review("r2", "a", {"s": 60}), Review("r1", "b", {"s": 70})]
    >>> [(row.proposal, row.rank, float(row.score)) for row in ranking(rows, {"s": 1})]
    [('b', 1, 70.0), ('a', 2, 55.0)]
    """
    scored: dict[str, dict[str, Fraction]] = {}
    for review in reviews:
        own = scored.setdefault(review.proposal, {})
        if review.reviewer in own:
            raise InputError(
                f"{review.reviewer} reviews {review.proposal} twice", where="reviews", advice="keep one of them"
            )
        own[review.reviewer] = score_of(review, criteria)
    ranks = _ranks(scored, None)
    others = [_ranks(scored, name) for name in sorted({review.reviewer for review in reviews})]
    rows = []
    for name, own in scored.items():
        seen = [ranks[name], *(table[name] for table in others if name in table)]
        mean = sum(own.values(), Fraction(0)) / len(own)
        var = sum(((value - mean) ** 2 for value in own.values()), Fraction(0)) / max(len(own) - 1, 1)
        rows.append(Ranked(name, ranks[name], mean, float(var) ** 0.5, len(own), min(seen), max(seen)))
    return tuple(sorted(rows, key=lambda row: (row.rank, row.proposal)))


def _ranks(scored: Mapping[str, Mapping[str, Fraction]], without: str | None) -> dict[str, int]:
    """Rank of each proposal without one reviewer."""
    means = {}
    for name, own in scored.items():
        kept = [value for reviewer, value in own.items() if reviewer != without]
        if kept:
            means[name] = sum(kept, Fraction(0)) / len(kept)
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}


def assign_reviewers(
    proposals: Sequence[Proposal],
    reviewers: Mapping[str, Person],
    *,
    each: int = 3,
    rules: Iterable[str] = ALWAYS,
    everything: Sequence[Proposal] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Give every proposal its reviewers without conflicts, with the largest load as small as possible.

    Parameters
    ----------
    proposals : sequence of Proposal
        Those to be reviewed.
    reviewers : mapping of str to Person
        By identifier.
    each : int, default 3
        Reviews of each proposal.
    rules : iterable of str
        Kinds of `CONFLICTS` that hold.
    everything : sequence of Proposal, optional
        All proposals of the call, for conflicts; `proposals` if not given.

    Returns
    -------
    dict of str to tuple of str
        Identifiers of reviewers by proposal.

    Raises
    ------
    InputError
        If `each` is no number above 0.
    ModelError
        If a proposal has too few reviewers without a conflict; it is named.

    Notes
    -----
    A maximum flow from proposals to reviewers; the load that each reviewer may bear grows until the flow serves
    all, so the largest load is the least possible.

    Examples
    --------
    >>> dust = Proposal("dust", "Dust counter", Person("A. Example", "Institute of Dust", "Utopia"), 2.5)
    >>> assign_reviewers([dust], {"r1": Person("B. Example", "Academy", "Arcadia")}, each=1)
    {'dust': ('r1',)}
    """
    if type(each) is not int or each < 1:
        raise InputError(f"{each!r}", where="each", advice="give a whole number above 0")
    if not proposals:
        return {}
    known, kept = _by_person(everything or proposals), list(rules)
    free = {
        row.id: [name for name, who in reviewers.items() if not _conflicts(who, row, known, kept)]
        for row in proposals
    }
    for name, open_to in free.items():
        if len(open_to) < each:
            raise ModelError(
                f"{name} has {len(open_to)} reviewers without a conflict of interest, {each} are asked for",
                where="reviewers",
                advice="name more reviewers from other institutes",
            )
    names = list(reviewers)
    least = -(-each * len(free) // max(len(names), 1))
    for load in range(max(least, 1), max(len(free), 1) + 1):
        found = _flow(free, names, each, load)
        if found is not None:
            return found
    raise AssertionError("a load of all proposals serves all")  # pragma: no cover


def _flow(
    free: Mapping[str, list[str]], names: list[str], each: int, load: int
) -> dict[str, tuple[str, ...]] | None:
    """Reviewers of each proposal if nobody has more than a load; None if that is not enough."""
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    rows = list(free)
    size = len(rows) + len(names) + 2
    end = size - 1
    links = [(0, 1 + i, each) for i in range(len(rows))]
    links += [(1 + len(rows) + k, end, load) for k in range(len(names))]
    links += [(1 + i, 1 + len(rows) + names.index(name), 1) for i, row in enumerate(rows) for name in free[row]]
    start, stop, most = (np.array(column, dtype=np.int32) for column in zip(*links, strict=True))
    found = maximum_flow(csr_array((most, (start, stop)), shape=(size, size)), 0, end)
    if found.flow_value < each * len(rows):
        return None
    flow = found.flow.toarray()
    return {
        row: tuple(name for k, name in enumerate(names) if flow[1 + i, 1 + len(rows) + k] > 0)
        for i, row in enumerate(rows)
    }

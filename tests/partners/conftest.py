"""A small plan, keys for its parties and a ledger begun from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moonpost.partners.ledger import Ledger, LedgerState, PartyKey, genesis_body, new_key
from moonpost.partners.ledger.entries import NO_ENTRY, Entry
from moonpost.plan import Plan, load_plan

PARTIES = ("cnsa", "roscosmos", "venezuela", "egypt")


@pytest.fixture(scope="session")
def small_plan() -> Plan:
    """Four partners, one mission, three elements and the intergovernmental agreement of the bundled plan."""
    whole = load_plan("ilrs")
    return whole.model_copy(
        update={
            "partners": tuple(p for p in whole.partners if p.id in PARTIES),
            "missions": tuple(m for m in whole.missions if m.id == "ce8"),
            "elements": tuple(e for e in whole.elements if e.id in ("reactor", "ce8-lander", "yutu-2")),
            "agreements": tuple(a for a in whole.agreements if a.id == "intergovernmental-agreement"),
        }
    )


@pytest.fixture(scope="session")
def party_keys(small_plan: Plan) -> dict[str, PartyKey]:
    return {partner.id: new_key(partner.id) for partner in small_plan.partners}


@pytest.fixture
def book(tmp_path: Path, small_plan: Plan, party_keys: dict[str, PartyKey]) -> Iterator[Ledger]:
    with Ledger.begin(str(tmp_path / "station.db"), small_plan, party_keys) as made:
        yield made


@pytest.fixture(scope="session")
def begun(small_plan: Plan, party_keys: dict[str, PartyKey]) -> Callable[..., LedgerState]:
    """Make a state as it is after a genesis entry; agreements may be given."""

    def begin(agreements: list[dict[str, Any]] | None = None) -> LedgerState:
        body = genesis_body(small_plan, {party: key.public for party, key in party_keys.items()})
        if agreements is not None:
            body["agreements"] = agreements
        state = LedgerState()
        refusal = state.apply(
            Entry("00" * 16, 0, NO_ENTRY, "2026-01-01T00:00:00Z", "genesis", "cnsa", "", body, "", "")
        )
        assert not refusal, refusal
        return state

    return begin


@pytest.fixture(scope="session")
def say() -> Callable[..., str]:
    """Let a state take in what a party says; give the refusal. Signatures are checked before, by the verifier."""

    def speak(
        state: LedgerState,
        number: int,
        party: str,
        kind: str,
        body: dict[str, Any],
        time: str = "2026-01-02T00:00:00Z",
    ) -> str:
        return state.apply(Entry(state.ledger, number, NO_ENTRY, time, kind, party, "", body, "", ""))

    return speak

"""A ledger that any partner can check alone: signed entries in a chain, rules replayed from them."""

from __future__ import annotations

from moonpost.partners.ledger.baselines import Departure, baseline_of, change_request, departures
from moonpost.partners.ledger.book import Ledger
from moonpost.partners.ledger.checkpoints import Checkpoint, Trust, read_checkpoint, read_trust, sign_checkpoint
from moonpost.partners.ledger.copies import Branch, Comparison, compare_ledgers, copy_lines, update_ledger
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.ledger.genesis import genesis_body
from moonpost.partners.ledger.keys import PartyKey, key_folder, key_id, load_key, new_key, save_key
from moonpost.partners.ledger.replay import Replay, Waiting, replay_agreements
from moonpost.partners.ledger.rules import AgreementState, ChangeState, LedgerState, proof_message
from moonpost.partners.ledger.transfer import import_ledger, verify_ledger
from moonpost.partners.ledger.verify import Fault, Verification, verify_lines

__all__ = [
    "AgreementState",
    "Branch",
    "ChangeState",
    "Checkpoint",
    "Comparison",
    "Departure",
    "Entry",
    "Fault",
    "Ledger",
    "LedgerState",
    "PartyKey",
    "Replay",
    "Trust",
    "Verification",
    "Waiting",
    "baseline_of",
    "change_request",
    "compare_ledgers",
    "copy_lines",
    "departures",
    "genesis_body",
    "import_ledger",
    "key_folder",
    "key_id",
    "load_key",
    "new_key",
    "proof_message",
    "read_checkpoint",
    "read_trust",
    "replay_agreements",
    "save_key",
    "sign_checkpoint",
    "update_ledger",
    "verify_ledger",
    "verify_lines",
]

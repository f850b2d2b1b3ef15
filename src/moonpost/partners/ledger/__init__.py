"""A ledger that any partner can check alone: signed entries in a chain, rules replayed from them."""

from __future__ import annotations

from moonpost.partners.ledger.book import Ledger, genesis_body, import_ledger, verify_ledger
from moonpost.partners.ledger.checkpoints import Checkpoint, Trust, read_checkpoint, read_trust, sign_checkpoint
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.ledger.keys import PartyKey, key_folder, key_id, load_key, new_key, save_key
from moonpost.partners.ledger.rules import AgreementState, ChangeState, LedgerState, proof_message
from moonpost.partners.ledger.verify import Fault, Verification, verify_lines

__all__ = [
    "AgreementState",
    "ChangeState",
    "Checkpoint",
    "Entry",
    "Fault",
    "Ledger",
    "LedgerState",
    "PartyKey",
    "Trust",
    "Verification",
    "genesis_body",
    "import_ledger",
    "key_folder",
    "key_id",
    "load_key",
    "new_key",
    "proof_message",
    "read_checkpoint",
    "read_trust",
    "save_key",
    "sign_checkpoint",
    "verify_ledger",
    "verify_lines",
]

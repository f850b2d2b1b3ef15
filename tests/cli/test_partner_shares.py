"""``moonpost partner entitlements | balance | use``."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from moonpost.cli.main import app
from moonpost.errors import DataError, UnknownNameError


def _run(*words):
    result = CliRunner().invoke(app, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_entitlements_and_balance_as_json():
    found = json.loads(_run("partner", "entitlements", "ilrs", "--at", "2037", "--resource", "data", "--json"))
    assert sum(found["after_barter"].values()) == pytest.approx(1.0)
    told = json.loads(_run("partner", "balance", "ilrs", "--at", "2037", "--json"))
    assert {row["partner"] for row in told["partners"]} >= {"cnsa", "roscosmos"}


def test_balance_as_text_and_picture(tmp_path):
    text = _run("partner", "balance", "ilrs", "--at", "2037", "--plot", str(tmp_path / "balance.png"))
    assert "cnsa" in text
    assert (tmp_path / "balance.png").read_bytes()[:4] == b"\x89PNG"
    assert "rule: mass" in _run("partner", "entitlements", "ilrs", "--at", "2037")


def test_wrong_words_are_refused(tmp_path):
    with pytest.raises(UnknownNameError):
        _run("partner", "entitlements", "ilrs", "--resource", "money")
    broken = tmp_path / "s.json"
    broken.write_text("{")
    with pytest.raises(DataError):
        _run("partner", "use", "ilrs", "--schedule", str(broken))

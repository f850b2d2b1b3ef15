"""``moonpost site rank``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


def test_rank_as_json_and_text(cli: Callable[..., Any]) -> None:
    done = cli("site", "rank", "ilrs", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    scores = [row["score"] for row in found["sites"]]
    assert scores == sorted(scores, reverse=True)
    assert found["sites"][0]["dominated_by"] == []
    assert sum(row["first_share"] for row in found["sites"]) > 0.999


def test_bad_weights_end_in_one_line(cli: Callable[..., Any]) -> None:
    done = cli("site", "rank", "ilrs", "--weights", "longest_dark_d")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "weight" in done.err


def test_an_unknown_criterion_is_told_before_sites_are_computed(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moonpost.cli.siterank.phase", lambda *_: pytest.fail("computed first"))
    done = cli("site", "rank", "ilrs", "--weights", "beauty=1")
    assert done.code == 2
    assert "beauty" in done.err

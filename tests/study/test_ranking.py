"""Sites in order: scores, the Pareto front and what the order hangs on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, UnknownNameError
from moonpost.study.ranking import CRITERIA, rank
from moonpost.study.results import LightRow


def row(site: str, **values: float) -> LightRow:
    base = {
        "site": site, "name": site, "latitude_deg": -89.0, "longitude_deg": 0.0, "height_m": 0.0,
        "slope_deg": None, "mast_m": 10.0, "grade": "site", "terrain": "", "resolution_m": 20.0,
        "average_illumination": 0.5,
        "percent_lit": 0.5, "longest_dark_d": 5.0, "longest_dark_start_utc": None, "longest_dark_stop_utc": None,
        "longest_light_d": 10.0, "earth_visible": 0.5, "longest_earth_outage_d": 10.0,
        "longest_dark_without_earth_d": 3.0,
    }  # fmt: skip
    return LightRow(**{**base, **values})  # type: ignore[arg-type]


TWO = {"average_illumination": 0.5, "longest_dark_d": 0.5}


def test_scores_front_and_levels_by_hand() -> None:
    # light 0.9/0.8/0.7 -> 1, 0.5, 0; dark 6/4/8 d -> 0.5, 1, 0
    rows = [
        row("a", average_illumination=0.9, longest_dark_d=6.0),
        row("b", average_illumination=0.8, longest_dark_d=4.0),
        row("c", average_illumination=0.7, longest_dark_d=8.0),
    ]
    found = rank(rows, {"average_illumination": 3.0, "longest_dark_d": 2.0})
    assert [(one.site, one.score) for one in found] == [("a", 0.8), ("b", 0.7), ("c", 0.0)]
    assert found[0].dominated_by == found[1].dominated_by == ()
    assert set(found[2].dominated_by) == {"a", "b"}
    # level of a and b: w + 0.5 (1 - w) = 0.5 w + (1 - w) at w = 0.5
    assert found[1].overtakes == {"average_illumination": 0.5, "longest_dark_d": 0.5}
    assert found[0].overtakes == {"average_illumination": 0.5, "longest_dark_d": 0.5}
    assert found[2].overtakes == {"average_illumination": None, "longest_dark_d": None}
    # with uniform random weights a leads where w > 0.5
    assert found[0].first_share == pytest.approx(0.5, abs=0.03)
    assert (found[0].place_5, found[0].place_95, found[2].place_5) == (1, 2, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0.0, 1.0)] * 2, st.floats(0.0, 20.0)), min_size=2, max_size=6))
def test_the_first_is_never_dominated_and_shares_add_up(values: list[tuple[float, float, float]]) -> None:
    rows = [
        row(str(k), average_illumination=light, earth_visible=earth, longest_dark_d=dark)
        for k, (light, earth, dark) in enumerate(values)
    ]
    found = rank(rows, {"average_illumination": 1.0, "earth_visible": 1.0, "longest_dark_d": 1.0})
    assert sum(one.first_share for one in found) == pytest.approx(1.0)
    best = found[0]
    assert all(one.score == best.score for one in found if one.site in best.dominated_by)
    for one in found:
        assert one.place_5 is not None
        assert one.place_95 is not None
        assert 1 <= one.place_5 <= one.place_95 <= len(rows)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(4)))
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    rng = np.random.default_rng(7)
    rows = [
        row(str(k), average_illumination=float(rng.random()), longest_dark_d=float(rng.random())) for k in range(4)
    ]
    assert rank([rows[k] for k in order], TWO) == rank(rows, TWO)


def test_bad_weights_are_refused() -> None:
    rows = [row("a"), row("b")]
    with pytest.raises(UnknownNameError, match="longest_dark_d"):
        rank(rows, {"longest_dark": 1.0})
    for weights in ({"earth_visible": -1.0}, {"earth_visible": float("nan")}, {"earth_visible": 0.0}, {}):
        with pytest.raises(InputError):
            rank(rows, weights)
    with pytest.raises(InputError, match="slope_deg is not known of a, b"):
        rank(rows, {"slope_deg": 1.0})


def test_every_criterion_is_a_field() -> None:
    assert set(CRITERIA) <= set(LightRow.model_fields)

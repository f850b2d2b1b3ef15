"""The three-body problem: points, constants, coasting and their symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.flight import cr3bp

MU = cr3bp.EARTH_MOON_MU
NRHO = np.array([1.0220215111, 0.0, -0.1820967826, 0.0, -0.1032563519, 0.0])
MIRROR = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


def pull(state: np.ndarray, mu: float) -> np.ndarray:
    """Acceleration by central differences of the potential, from first principles."""

    def potential(place: np.ndarray) -> float:
        first = np.linalg.norm(place - [-mu, 0.0, 0.0])
        second = np.linalg.norm(place - [1.0 - mu, 0.0, 0.0])
        return 0.5 * (place[0] ** 2 + place[1] ** 2) + (1.0 - mu) / first + mu / second

    h = 1e-4
    slope = [(potential(state[:3] + h * e) - potential(state[:3] - h * e)) / (2 * h) for e in np.eye(3)]
    return np.array(slope) - [-2.0 * state[4], 2.0 * state[3], 0.0]


@given(st.floats(1e-9, 0.5), st.sampled_from(["L1", "L2", "L3", "L4", "L5"]))
@settings(max_examples=60, deadline=None)
def test_a_body_put_to_rest_at_a_point_stays(mu: float, name: str) -> None:
    state = cr3bp.lagrange_state(name, mu)
    later = cr3bp.coast(state, 1.0, mu)
    assert np.abs(later - state).max() < 1e-12
    assert cr3bp.lagrange(name, mu).x == state[0]


def test_constants_of_the_points_are_in_order() -> None:
    constants = [cr3bp.lagrange(name, 0.01).jacobi for name in ("L1", "L2", "L3", "L4")]
    assert constants == sorted(constants, reverse=True)
    assert constants[3] == pytest.approx(3.0 - 0.01 * 0.99, abs=1e-14)
    assert cr3bp.lagrange("L5", 0.01).jacobi == constants[3]
    assert cr3bp.lagrange_state("L5", 0.01)[1] < 0.0 < cr3bp.lagrange_state("L4", 0.01)[1]


def test_points_of_equal_masses_are_symmetric() -> None:
    assert cr3bp.lagrange("L1", 0.5).x == pytest.approx(0.0, abs=1e-15)
    assert cr3bp.lagrange("L2", 0.5).x == pytest.approx(-cr3bp.lagrange("L3", 0.5).x, abs=1e-14)


states = st.tuples(
    *(st.floats(-1.5, 1.5) for _ in range(3)), *(st.floats(-0.5, 0.5) for _ in range(3))
).map(np.array).filter(
    lambda s: np.linalg.norm(s[:3] - [-MU, 0, 0]) > 0.3 and np.linalg.norm(s[:3] - [1 - MU, 0, 0]) > 0.1
)  # fmt: skip


@given(states)
@settings(max_examples=40, deadline=None)
def test_motion_obeys_the_equations(state: np.ndarray) -> None:
    h = 1e-3
    before, after = cr3bp.coast(state, [-h, h])
    assert np.abs((after[:3] - before[:3]) / (2 * h) - state[3:]).max() < 3e-3
    assert np.abs((after[3:] - before[3:]) / (2 * h) - pull(state, MU)).max() < 3e-2


@given(states)
@settings(max_examples=30, deadline=None)
def test_time_runs_back_in_the_mirror(state: np.ndarray) -> None:
    ahead = cr3bp.coast(state, 0.7)
    mirrored = cr3bp.coast(MIRROR * state, -0.7)
    assert np.abs(mirrored - MIRROR * ahead).max() < 1e-9 * max(1.0, np.abs(ahead).max())


@given(states)
@settings(max_examples=30, deadline=None)
def test_there_and_back_closes_and_keeps_the_constant(state: np.ndarray) -> None:
    places = cr3bp.coast(state, np.linspace(0.0, 1.0, 4001))[:, :3]
    bodies = np.array([[-MU, 0.0, 0.0], [1.0 - MU, 0.0, 0.0]])
    assume(np.linalg.norm(places[:, None] - bodies, axis=-1).min() > 0.05)
    ahead, matrix = cr3bp.transition(state, 1.0)
    assert abs(cr3bp.jacobi(ahead) - cr3bp.jacobi(state)) < 1e-11 * np.linalg.norm(matrix)
    assert np.abs(cr3bp.coast(ahead, -1.0) - state).max() < 1e-13 * np.linalg.norm(matrix) ** 2 + 1e-13


def test_constant_of_an_nrho_over_ten_revolutions() -> None:
    times = np.linspace(0.0, 15.111111, 400)
    drift = cr3bp.jacobi(cr3bp.coast(NRHO, times)) - cr3bp.jacobi(NRHO)
    assert np.abs(drift).max() < 1e-13


def test_transition_matrix_agrees_with_differences() -> None:
    _, matrix = cr3bp.transition(NRHO, 0.9)
    h = 1e-6
    columns = [(cr3bp.coast(NRHO + h * e, 0.9) - cr3bp.coast(NRHO - h * e, 0.9)) / (2 * h) for e in np.eye(6)]
    assert np.abs(np.array(columns).T - matrix).max() < 1e-6 * np.abs(matrix).max()


def test_transition_matrix_is_symplectic() -> None:
    _, matrix = cr3bp.transition(NRHO, 1.2)
    turn = np.zeros((3, 3))
    turn[0, 1], turn[1, 0] = 2.0, -2.0
    form = np.block([[turn, -np.eye(3)], [np.eye(3), np.zeros((3, 3))]])
    assert np.abs(matrix.T @ form @ matrix - form).max() < 1e-10


def test_times_may_come_in_any_order_and_sign() -> None:
    times = np.array([0.3, -0.2, 0.0, 0.1, -0.7])
    together = cr3bp.coast(NRHO, times)
    alone = np.array([cr3bp.coast(NRHO, t) for t in times])
    assert together.shape == (5, 6)
    assert np.abs(together - alone).max() < 1e-13
    assert np.array_equal(together[2], NRHO)
    assert cr3bp.coast(NRHO, []).shape == (0, 6)


def test_a_fall_into_a_body_ends() -> None:
    falling = np.array([1.0 - MU + 0.01, 0.0, 0.0, 0.0, -0.01, 0.0])
    with pytest.raises(ModelError, match="centre of a body"):
        cr3bp.coast(np.array([1.0 - MU, 0, 0, 0, 0, 0]), 1.0)
    with pytest.raises(ModelError, match="centre of a body"):
        cr3bp.coast(falling, 0.1)
    assert np.isfinite(cr3bp.coast(falling, 0.009)).all()


@pytest.mark.parametrize("mu", [0.0, -0.1, 0.51, np.nan, np.inf, "Moon", None])
def test_mass_ratios_that_are_none(mu: object) -> None:
    with pytest.raises(InputError, match="mu"):
        cr3bp.lagrange("L1", mu)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="mu"):
        cr3bp.halo("L2-southern", period=1.5, mu=mu)  # type: ignore[arg-type]


def test_what_cannot_be_used_is_named() -> None:
    with pytest.raises(UnknownNameError, match="L5"):
        cr3bp.lagrange("L6", MU)
    with pytest.raises(InputError, match="state"):
        cr3bp.coast([1.0, 2.0], 1.0)
    with pytest.raises(InputError, match="state"):
        cr3bp.jacobi(np.full(6, np.nan))
    with pytest.raises(InputError, match="centre"):
        cr3bp.jacobi([1.0 - MU, 0, 0, 0, 0, 0])
    with pytest.raises(InputError, match="times"):
        cr3bp.coast(NRHO, np.nan)
    with pytest.raises(InputError, match="duration"):
        cr3bp.transition(NRHO, np.nan)
    with pytest.raises(InputError, match="positive"):
        cr3bp.time_unit_s(-1.0)

"""Times have to be even, series finite."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.power import step_of


def test_step_is_read_from_the_times():
    start = np.datetime64("2030-01-01", "ms")
    assert step_of(start + np.arange(5) * np.timedelta64(1800, "s")) == 1800.0


@pytest.mark.parametrize("seconds", [[0], [0, 60, 180], [0, 0], [60, 0], [0, 60, 60, 180]])
def test_uneven_times_are_refused(seconds):
    times = np.datetime64("2030-01-01", "ms") + np.array(seconds) * np.timedelta64(1, "s")
    with pytest.raises(InputError, match="time"):
        step_of(times)

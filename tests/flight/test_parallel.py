"""Threads: results in order, errors handed on, interrupts that do not wait."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from moonpost.flight.parallel import in_threads


@pytest.mark.parametrize("threads", [1, 2, 7, 100])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert in_threads(work, range(20), threads) == [k * k for k in range(20)]
    assert in_threads(work, [], threads) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_ends_it(threads: int) -> None:
    done = []

    def work(number: int) -> None:
        if number == 3:
            raise ValueError("three")
        time.sleep(0.01)
        done.append(number)

    with pytest.raises(ValueError, match="three"):
        in_threads(work, range(1000), threads)
    assert len(done) < 20


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_does_not_wait_for_flights_in_progress() -> None:
    """Two flights of many minutes each; an interrupt a moment after they began ends the process."""
    code = (
        "import numpy as np\n"
        "from moonpost.flight import Environment, State, propagate_batch\n"
        "from moonpost.sky import Almanac\n"
        "env = Environment.make(Almanac.default(), '2030-01-01', '2050-01-01', degree=60)\n"
        "low = State.circling(env, '2030-01-01', 400e3, 86.0).vector\n"
        "propagate_batch(np.array([low, low]), '2030-01-01', '2030-01-01T01:00', env, threads=2)\n"
        "print('flying', flush=True)\n"
        "propagate_batch(np.array([low, low]), '2030-01-01', '2049-12-01', env, threads=2)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # background jobs ignore it
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "flying\n"
        time.sleep(1.0)
        run.send_signal(signal.SIGINT)
        run.wait(timeout=60)  # the flights would take many minutes
        assert run.returncode != 0

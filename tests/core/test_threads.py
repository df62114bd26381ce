"""Laws of shared work: every task once, in order, the caller beside its helpers, and no more after an error."""

from __future__ import annotations

import threading
import time

import pytest

from lowerbound.core.threads import each


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_results_come_in_order(threads: int, count: int) -> None:
    """Law: every task is done once, and its result stands in its place, whoever did it."""
    done = []

    def work(task: int) -> int:
        time.sleep(0.001 * (task % 3))
        done.append(task)
        return task * task

    assert each(work, range(count), threads=threads) == [task * task for task in range(count)]
    assert sorted(done) == list(range(count))


def test_the_caller_works_too() -> None:
    """Law: a task that waits for another does not wait for ever, and both threads have one: the caller and a helper."""
    both = threading.Barrier(2, timeout=30)

    def work(_: int) -> threading.Thread:
        both.wait()
        return threading.current_thread()

    found = each(work, range(2), threads=2)
    assert threading.current_thread() in found
    assert len(set(found)) == 2


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_an_error_is_raised_and_ends_the_rest(threads: int) -> None:
    """Law: the error of a task reaches the caller, and tasks that nobody has begun are left."""
    begun = []

    def work(task: int) -> None:
        begun.append(task)
        if task == threads - 1:
            raise ZeroDivisionError
        time.sleep(0.05 if threads > 1 else 0)

    with pytest.raises(ZeroDivisionError):
        each(work, range(1000), threads=threads)
    assert len(begun) <= 2 * threads

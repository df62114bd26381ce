"""Threads for large matrix products: each thread works on its own block and calls single-threaded BLAS.

This is faster than one large product that BLAS itself splits among threads, for two reasons. A block stays in the cache
of its core. And the elementwise steps between two products of a block (an exponential, a maximum) run in parallel too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Task = TypeVar("Task")
Result = TypeVar("Result")


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def n_threads() -> int:
    """The number of threads that BLAS may use now: a limit that a caller sets on BLAS also limits `each`."""
    libraries = _controller().select(user_api="blas").lib_controllers
    return max((library.num_threads or 1 for library in libraries), default=1)


def one_thread() -> AbstractContextManager[object]:
    """A context in which BLAS uses one thread. Small products run slower on several threads than on one."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


def each(work: Callable[[Task], Result], tasks: Iterable[Task], *, threads: int) -> list[Result]:
    """The results of `work` on all tasks, in task order, by `threads` threads, one of which is the calling one.

    Contract: a thread that has finished its task takes the next one. Where a task raises, no further one is begun, and
    its error is raised.
    """
    # BLAS is limited to one thread here because its small products gain nothing from more threads, and on a busy
    # machine BLAS threads wait for each other a hundred times as long as they work.
    with nullcontext() if n_threads() == 1 else one_thread():
        if threads == 1:
            return [work(task) for task in tasks]
        return _shared(work, list(tasks), threads)


def _shared(work: Callable[[Task], Result], tasks: Sequence[Task], threads: int) -> list[Result]:
    from concurrent.futures import ThreadPoolExecutor

    waiting, found = iter(list(enumerate(tasks))), dict[int, Result]()

    def take() -> None:
        try:
            for place, task in waiting:
                found[place] = work(task)
        except BaseException:
            for _ in waiting:  # nothing more is begun
                pass
            raise

    # A new thread may start milliseconds late, in which this one has done a part of the work.
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(take) for _ in tasks[1:threads]]
        take()
        for other in others:
            other.result()
    return [found[place] for place in range(len(tasks))]


def blocks(count: int, size: int) -> Iterator[slice]:
    """Consecutive slices, each at most `size` long, that cover range(count) in order."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))

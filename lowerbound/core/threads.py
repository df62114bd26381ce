"""Threads for large products: blocks of work side by side, each with a linear algebra of one thread.

Blocks that stay in a core's cache are faster so than one large product that the library itself divides, and what is
done to a block between its products (an exponential, a maximum) is divided too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Task = TypeVar("Task")
Result = TypeVar("Result")


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def n_threads() -> int:
    """As many threads as BLAS may use now, so that whoever limits BLAS limits these too."""
    libraries = _controller().select(user_api="blas").lib_controllers
    return max((library.num_threads or 1 for library in libraries), default=1)


def one_thread() -> AbstractContextManager[object]:
    """BLAS with one thread, inside: for many small products, which more threads slow down."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


def each(work: Callable[[Task], Result], tasks: Iterable[Task], *, threads: int) -> list[Result]:
    """The results of all tasks, in order; with one thread, one after the other in this one.

    BLAS has one thread meanwhile: small products gain nothing from more, and on a busy machine its threads wait for
    each other a hundred times as long as they work.
    """
    with nullcontext() if n_threads() == 1 else one_thread():
        if threads == 1:
            return [work(task) for task in tasks]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, tasks))


def blocks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover range(count) in order."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))

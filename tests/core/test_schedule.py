"""Definition and known values: token counts of schedules, and the two directions of token <-> place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.schedule import ScaleSchedule, Shape
from lowerbound.errors import InvalidArgument

sides = st.integers(1, 6)
pairs = st.lists(st.tuples(sides, sides), min_size=1, max_size=5).map(tuple)
triples = st.lists(st.tuples(sides, sides, sides), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(("n_scales", "cached"), [(2, 1), (3, 5), (4, 21), (5, 85), (6, 341)])
def test_geometric_schedule_has_the_closed_form(n_scales: int, cached: int) -> None:
    """Known value: T = (n^2 - 1)/(r^2 - 1) for sides 2^0..2^(N-1)."""
    schedule = ScaleSchedule.geometric(2, n_scales)
    assert schedule.n_tokens_cached == cached == (4 ** (n_scales - 1) - 1) // 3


def test_var_schedules() -> None:
    """Known values: VAR at 256 and 512 pixels."""
    var256 = ScaleSchedule.square([1, 2, 3, 4, 5, 6, 8, 10, 13, 16])
    assert (var256.n_tokens, var256.n_tokens_cached) == (680, 424)
    var512 = ScaleSchedule.square([1, 2, 3, 4, 6, 9, 13, 18, 24, 32])
    assert (var512.n_tokens, var512.n_tokens_cached) == (2240, 1216)


def test_the_false_schedule_caches_one_token() -> None:
    """Definition: before the last scale of (1, n) there is one token, so the claim in n^2 d is false there."""
    assert ScaleSchedule.square([1, 64]).n_tokens_cached == 1


@given(st.one_of(pairs, triples), st.integers(0, 5))
def test_locate_and_token_are_inverse(shapes: tuple[Shape, ...], n_context: int) -> None:
    """Law: every token on a map has one place, in raster order, and its place leads back to it."""
    schedule = ScaleSchedule(shapes, n_context)
    places = []
    for token in range(n_context, schedule.n_tokens):
        place = schedule.locate(token)
        assert schedule.token(*place) == token
        assert schedule.scale_of(token) == place[0]
        places.append(place)
    assert places == sorted(places)
    assert schedule.n_tokens == n_context + len(places)


@given(pairs, st.integers(0, 5))
def test_scales_partition_the_tokens(shapes: tuple[tuple[int, int], ...], n_context: int) -> None:
    """Law: the rows of the scales, in order, are all tokens once."""
    schedule = ScaleSchedule(shapes, n_context)
    rows = [token for k in range(schedule.n_scales) for token in range(*schedule.rows_of(k).indices(10**6))]
    assert rows == list(range(schedule.n_tokens))


def test_text_round_trip() -> None:
    """Law: parse and str are inverse; one number means a square."""
    schedule = ScaleSchedule(((1, 1), (2, 3), (4, 6)))
    assert ScaleSchedule.parse(str(schedule)) == schedule
    assert ScaleSchedule.parse("1, 2,4") == ScaleSchedule.square([1, 2, 4])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ScaleSchedule(()),
        lambda: ScaleSchedule(((0, 1),)),
        lambda: ScaleSchedule(((2, -1),)),
        lambda: ScaleSchedule(((2, 2.0),)),  # type: ignore[arg-type]
        lambda: ScaleSchedule(((1, 1), (1, 2, 2))),
        lambda: ScaleSchedule(((1,),)),  # type: ignore[arg-type]
        lambda: ScaleSchedule([(1, 1)]),  # type: ignore[arg-type]
        lambda: ScaleSchedule(((1, 1),), -1),
        lambda: ScaleSchedule.square([1, True]),
        lambda: ScaleSchedule.geometric(2, 0),
        lambda: ScaleSchedule.parse("1x1 axb"),
        lambda: ScaleSchedule.parse(""),
        lambda: ScaleSchedule.square([1, 2]).tokens_at(2),
        lambda: ScaleSchedule.square([1, 2]).locate(5),
        lambda: ScaleSchedule.square([1, 2]).token(1, 2, 0),
        lambda: ScaleSchedule.square([1, 2]).token(1, 0),
        lambda: ScaleSchedule(((1, 1), (2, 2)), 3).locate(2),
    ],
)
def test_bad_input_is_one_sentence(make: Callable[[], object]) -> None:
    """Bad input: a typed error whose message quotes the rule and the value."""
    with pytest.raises(InvalidArgument, match="must"):
        make()

"""Lemmas in the kernel's words: the JSON claims that certificates must prove."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lowerbound.errors import InvalidArgument
from lowerbound.prove.expression import Expression, Relation
from lowerbound.prove.lemma import Statement
from lowerbound.prove.readers import check_denominators, cleared, to_json


def _nonnegative(relation: Relation) -> dict[str, Any]:
    """left < right as right - left > 0, denominators cleared."""
    if relation.sign == "=":
        raise InvalidArgument("a polynomial claim must be made of inequalities, got an equation")
    left, right = cleared(relation)
    return {"expression": to_json(right - left), "strict": relation.sign == "<"}


def polynomial_claim(statement: Statement) -> dict[str, Any]:
    """The claim of a `handelman` certificate: the hypotheses imply the goal for all real values."""
    check_denominators(statement)
    relations = [*statement.hypotheses.values(), statement.goal]
    names = sorted(frozenset().union(*(relation.variables() for relation in relations)))
    return {
        "variables": names,
        "hypotheses": {
            name.replace(" ", "_"): _nonnegative(relation) for name, relation in statement.hypotheses.items()
        },
        "goal": _nonnegative(statement.goal),
    }


def cover_claim(positive: Expression, box: Mapping[str, tuple[Fraction, Fraction]]) -> dict[str, Any]:
    """The claim of a `cover` certificate: the expression is positive on the whole closed box."""
    return {
        "variables": {name: [str(low), str(high)] for name, (low, high) in box.items()},
        "goal": to_json(positive),
    }

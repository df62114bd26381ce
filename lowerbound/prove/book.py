"""The proof book: the lemmas in reading order, and what the solvers are asked about them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

import networkx as nx
import z3

from lowerbound.errors import InvalidArgument, LowerBoundError, quoted, raised_at, unknown
from lowerbound.prove.lemma import BySolvers, Lemma
from lowerbound.prove.readers import check_denominators, holds, to_z3
from lowerbound.prove.solvers import Answer, model_of, script


@dataclass(frozen=True)
class Book:
    """The lemmas in reading order, the theorem, where Coq files and certificates lie, and each lemma's own file."""

    directory: Path
    lemmas: tuple[Lemma, ...]
    theorem: str
    files: Mapping[str, str] = field(default_factory=dict)

    def find(self, lemma: str) -> Lemma:
        """The lemma of this id; UnknownName otherwise."""
        for candidate in self.lemmas:
            if candidate.id == lemma:
                return candidate
        raise unknown("lemma", lemma, (one.id for one in self.lemmas))

    def graph(self) -> nx.DiGraph[str]:
        """Edges from a lemma to those that use it.

        Contract: acyclic, every used lemma stands earlier in the book and is not proved on paper alone;
        InvalidArgument otherwise.
        """
        graph: nx.DiGraph[str] = nx.DiGraph()
        for lemma in self.lemmas:
            if lemma.id in graph:
                raise InvalidArgument(f"lemma ids must be unique, got {lemma.id!r} twice")
            for use in lemma.uses:
                if use.lemma not in graph:
                    raise InvalidArgument(f"lemma {lemma.id!r} must use earlier lemmas, got {use.lemma!r}")
                if self.find(use.lemma).on_paper:
                    raise InvalidArgument(
                        f"lemma {lemma.id!r} must rest on machine-checked lemmas, got {use.lemma!r}, proved on paper"
                    )
            graph.add_node(lemma.id)
            graph.add_edges_from((use.lemma, lemma.id) for use in lemma.uses)
        if self.theorem not in graph:
            raise InvalidArgument(f"the book's theorem must be one of its lemmas, got {self.theorem!r}")
        return graph


def load_book(directory: Path) -> Book:
    """The book in a folder: `LEMMAS` and `THEOREM` of its `__init__.py`, imported by path.

    Contract: the folder need not be importable by name; what is executed are its sources, never bytecode that lies in a
    __pycache__; a folder without a book, or whose book cannot be imported, raises InvalidArgument.
    """
    init = directory / "__init__.py"
    if not init.is_file():
        raise InvalidArgument(f"--proofs must name a folder with a proof book, got {quoted(str(directory))}")
    alias = f"_lowerbound_book_{abs(hash(init.resolve()))}"
    spec = spec_from_file_location(
        alias, init, loader=_Source(alias, str(init)), submodule_search_locations=[str(directory)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[alias] = module
    try:
        with _from_sources(alias):
            spec.loader.exec_module(module)
        lemmas, theorem = tuple(module.LEMMAS), module.THEOREM
    except LowerBoundError:
        raise
    except Exception as error:
        raise InvalidArgument(
            f"--proofs must name a folder whose __init__.py makes LEMMAS and THEOREM, got {quoted(str(directory))}: "
            f"{type(error).__name__}: {error}{raised_at(error)}"
        ) from error
    book = Book(directory, lemmas, theorem, _files(alias))
    book.graph()
    return book


class _Source(SourceFileLoader):
    """A module from its source alone: bytecode is neither read nor written."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


@dataclass(frozen=True)
class _Sources(MetaPathFinder):
    """Where modules of the book are found, as sources; those of libraries are found as ever."""

    alias: str

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{self.alias}."):
            return None
        found = (FileFinder(place, (_Source, SOURCE_SUFFIXES)).find_spec(fullname) for place in path or ())
        return next((spec for spec in found if spec is not None), None)


@contextmanager
def _from_sources(alias: str) -> Iterator[None]:
    finder = _Sources(alias)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _files(alias: str) -> dict[str, str]:
    """From each lemma's id to the name of the file that defines it."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{alias}."):
            for value in vars(module).values():
                for lemma in value if isinstance(value, tuple) else (value,):
                    if isinstance(lemma, Lemma):
                        found[lemma.id] = f"{name.rpartition('.')[2]}.py"
    return found


def solver_premises(book: Book, lemma: Lemma, statement_uses: Iterable[str] | None = None) -> list[tuple[str, Any]]:
    """(name, formula) of everything a solver may use for a lemma: its hypotheses, and its uses as implications."""
    statement = lemma.statement
    assert statement is not None
    premises: list[tuple[str, Any]] = [(name, to_z3(r)) for name, r in statement.hypotheses.items()]
    for use in lemma.uses:
        used = book.find(use.lemma).statement
        if used is None or (statement_uses is not None and use.lemma not in statement_uses):
            continue
        hypotheses = [to_z3(r.instance(use.values)) for r in used.hypotheses.values()]
        premises.append((use.lemma, z3.Implies(z3.And(*hypotheses), to_z3(used.goal.instance(use.values)))))
    return premises


def solver_scripts(book: Book, lemma: Lemma) -> dict[str, tuple[str, Answer]]:
    """Every question that the solvers are asked about a lemma, and the only acceptable answer.

    The negated proof must be unsat. The hypotheses alone must be sat, so that the lemma is not vacuous. The negated
    proof without a needed premise must be sat, so that the premise is really needed.
    """
    questions: dict[str, tuple[str, Answer]] = {}
    for discharge in lemma.discharges:
        if not isinstance(discharge, BySolvers):
            continue
        check_denominators(discharge.statement)
        premises = solver_premises(book, lemma)
        goal = to_z3(discharge.statement.goal)
        questions[f"{lemma.id}: proof"] = script((f for _, f in premises), goal), "unsat"
        questions[f"{lemma.id}: hypotheses hold somewhere"] = script((f for _, f in premises), None), "sat"
        for name in discharge.needed:
            if name not in dict(premises):
                raise InvalidArgument(f"{lemma.id} must need one of its own premises, got {name!r}")
            rest = (formula for other, formula in premises if other != name)
            questions[f"{lemma.id}: fails without {name}"] = script(rest, goal), "sat"
    return questions


def counter_models(book: Book, lemma: Lemma) -> dict[str, dict[str, Fraction] | None]:
    """For each premise that a lemma says it needs: exact values at which all others hold and the goal fails.

    Contract: a model is checked by substitution in exact rationals, without the solver that found it; None where the
    solver found no rational one.
    """
    models: dict[str, dict[str, Fraction] | None] = {}
    for discharge in lemma.discharges:
        if isinstance(discharge, BySolvers):
            premises, goal = solver_premises(book, lemma), discharge.statement.goal
            for name in discharge.needed:
                rest = [formula for other, formula in premises if other != name]
                model = model_of(script(rest, to_z3(goal)))
                kept = [relation for other, relation in discharge.statement.hypotheses.items() if other != name]
                if model is not None and (holds(goal, model) or not all(holds(relation, model) for relation in kept)):
                    raise AssertionError(f"{lemma.id}: the counter-model without {name} is none")
                models[name] = model
    return models

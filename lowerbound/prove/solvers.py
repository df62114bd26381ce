"""Two solvers, each in its own process with a time limit; any answer but unsat or sat is unknown, hence a failure."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Literal

import z3

from lowerbound.core.processes import started

Answer = Literal["sat", "unsat", "unknown"]

QUERY_LIMIT_MS = 5000
WALL_LIMIT_S = 60.0

_Z3_PROGRAM = """
import json, sys, z3
for name, text in json.load(sys.stdin).items():
    solver = z3.Solver()
    solver.set("timeout", {limit})
    solver.from_string(text)
    print(json.dumps([name, str(solver.check())]), flush=True)
"""

_CVC5_PROGRAM = """
import cvc5, json, sys
for name, text in json.load(sys.stdin).items():
    solver = cvc5.Solver()
    solver.setOption("tlimit-per", "{limit}")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, "(set-logic QF_UFNRA)\\n" + text, name)
    symbols, answer = parser.getSymbolManager(), "unknown"
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols).strip() or answer
    print(json.dumps([name, answer]), flush=True)
"""

PROGRAMS = {"z3": _Z3_PROGRAM, "cvc5": _CVC5_PROGRAM}


def available() -> tuple[str, ...]:
    """The names of the solvers that are installed."""
    return tuple(name for name in PROGRAMS if importlib.util.find_spec(name) is not None)


def script(hypotheses: Iterable[object], goal: object | None) -> str:
    """SMT-LIB text that is unsatisfiable iff the hypotheses imply the goal, or, without a goal, iff they conflict."""
    solver = z3.Solver()
    for hypothesis in hypotheses:
        solver.add(hypothesis)
    if goal is not None:
        solver.add(z3.Not(goal))
    return str(solver.to_smt2())


@contextmanager
def begun(solver: str) -> Iterator[subprocess.Popen[bytes]]:
    """A context with a solver's process, which loads the solver and waits for scripts; it ends with the context."""
    # -I keeps the caller's environment and folder out.
    command = [sys.executable, "-I", "-c", PROGRAMS[solver].replace("{limit}", str(QUERY_LIMIT_MS))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with started(command, _end, **pipes) as process:
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def answers_of(
    process: subprocess.Popen[bytes], scripts: Mapping[str, str], *, wall_limit_s: float = WALL_LIMIT_S
) -> dict[str, Answer]:
    """The answer of a process that was begun to each script; it is asked once.

    Contract: one process answers all scripts in order. A script that it does not answer in time, or answers with
    anything but sat or unsat, is unknown.
    """
    # One process for all scripts, since starting Python and loading a solver takes longer than most answers. It is a
    # process, and killed by wall clock, because a solver may overrun its own time limit or crash; answers are flushed
    # one by one, so that those given before the kill still count.
    answers: dict[str, Answer] = dict.fromkeys(scripts, "unknown")
    try:
        told, _ = process.communicate(json.dumps(dict(scripts)).encode(), timeout=wall_limit_s)
    except subprocess.TimeoutExpired as late:
        told = late.stdout or b""
    for line in told.decode(errors="replace").splitlines():
        with suppress(ValueError, TypeError):  # a line that was cut off, or is none of an answer
            name, answer = json.loads(line)
            if name in answers and answer in ("sat", "unsat"):
                answers[name] = answer
    return answers


def ask(solver: str, scripts: Mapping[str, str], *, wall_limit_s: float = WALL_LIMIT_S) -> dict[str, Answer]:
    """A solver's answer to each script, as `answers_of` a process of its own."""
    with begun(solver) as process:
        return answers_of(process, scripts, wall_limit_s=wall_limit_s)


def model_of(text: str) -> dict[str, Fraction] | None:
    """Rational values of the constants that satisfy an SMT-LIB script, as z3 finds them; None if it finds none."""
    solver = z3.Solver()
    solver.set("timeout", QUERY_LIMIT_MS)
    solver.from_string(text)
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    values = {constant.name(): model[constant] for constant in model.decls() if constant.arity() == 0}
    if not all(z3.is_rational_value(value) for value in values.values()):
        return None
    return {name: Fraction(value.numerator_as_long(), value.denominator_as_long()) for name, value in values.items()}

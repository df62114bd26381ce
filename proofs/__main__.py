"""`python -m proofs`: check every obligation of the book with z3; the last line is one word."""

import sys

import z3

from proofs import LEMMAS

TIME_LIMIT_MS = 10_000


def verdict(hypotheses: list[z3.BoolRef], goal: z3.BoolRef) -> str:
    """The word "proved" only if the negation is unsat, "refuted" if it is sat, "undecided" if the solver gives up."""
    solver = z3.Solver()
    solver.set("timeout", TIME_LIMIT_MS)
    solver.add(*hypotheses, z3.Not(goal))
    answer = solver.check()
    if answer == z3.unsat:
        return "proved"
    return "refuted" if answer == z3.sat else "undecided"


def main() -> int:
    """0 if everything is proved, 1 if something is refuted, 3 if something stays open."""
    verdicts = []
    for lemma in LEMMAS:
        name = lemma.__name__.removeprefix("proofs.")
        for part, obligation in lemma.obligations().items():
            verdicts.append(verdict(*obligation))
            print(f"{verdicts[-1]:10} {name}: {part}")
    if "refuted" in verdicts:
        print("NOT VERIFIED")
        return 1
    if "undecided" in verdicts:
        print("UNDECIDED")
        return 3
    print("VERIFIED")
    return 0


if __name__ == "__main__":
    sys.exit(main())

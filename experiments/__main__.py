"""`python -m experiments NAME`: run one experiment, write its table, and say whether its claim was supported."""

import sys

from experiments import (
    anatomy,
    attacks,
    budgets,
    claims,
    coresets,
    dimension,
    errors,
    frontier,
    growth,
    indistinguishable,
    maps,
    phase,
    probes,
    proof,
    published,
    recompute,
    replay,
    scaling,
    structures,
    threshold,
    tightness,
    training_memory,
    windows,
)

EXPERIMENTS = {
    "anatomy": anatomy,
    "attacks": attacks,
    "budgets": budgets,
    "claims": claims,
    "coresets": coresets,
    "dimension": dimension,
    "errors": errors,
    "frontier": frontier,
    "growth": growth,
    "indistinguishable": indistinguishable,
    "maps": maps,
    "phase": phase,
    "probes": probes,
    "proof": proof,
    "published": published,
    "recompute": recompute,
    "replay": replay,
    "scaling": scaling,
    "structures": structures,
    "threshold": threshold,
    "tightness": tightness,
    "training_memory": training_memory,
    "windows": windows,
}


def main(names: list[str]) -> int:
    """Run the named experiments, or all if none is named; return 0 only if every claim was supported."""
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        print(f"error: experiment must be one of {', '.join(EXPERIMENTS)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    outcomes = [EXPERIMENTS[name].run() for name in names or EXPERIMENTS]
    return 0 if all(outcome == "supported" for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

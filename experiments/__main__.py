"""`python -m experiments NAME`: run one experiment, write its table, and say whether its claim was supported."""

import sys

from experiments import (
    anatomy,
    attacks,
    audits,
    budgets,
    claims,
    coresets,
    digits,
    dimension,
    dithered,
    errors,
    frames,
    frontier,
    growth,
    hero,
    indistinguishable,
    lattice_pairs,
    maps,
    phase,
    pictures,
    probes,
    proof,
    published,
    recompute,
    replay,
    scaling,
    strips,
    structures,
    threshold,
    tightness,
    tilt_chains,
    training_memory,
    windows,
)

EXPERIMENTS = {
    "anatomy": anatomy,
    "attacks": attacks,
    "audits": audits,
    "budgets": budgets,
    "claims": claims,
    "coresets": coresets,
    "digits": digits,
    "dimension": dimension,
    "dithered": dithered,
    "errors": errors,
    "frames": frames,
    "frontier": frontier,
    "growth": growth,
    "hero": hero,
    "indistinguishable": indistinguishable,
    "lattice_pairs": lattice_pairs,
    "maps": maps,
    "phase": phase,
    "pictures": pictures,
    "probes": probes,
    "proof": proof,
    "published": published,
    "recompute": recompute,
    "replay": replay,
    "scaling": scaling,
    "strips": strips,
    "structures": structures,
    "threshold": threshold,
    "tightness": tightness,
    "tilt_chains": tilt_chains,
    "training_memory": training_memory,
    "windows": windows,
}


def main(names: list[str]) -> int:
    """Run the named experiments, or all if none is named.

    Contract: 0 if every claim was supported, 1 if one was not, and 2 for an unknown name or one that is given twice,
    before anything is run.
    """
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        print(f"error: experiment must be named once, got {twice[0]!r} {names.count(twice[0])} times", file=sys.stderr)
        return 2
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        print(f"error: experiment must be one of {', '.join(EXPERIMENTS)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    outcomes = [EXPERIMENTS[name].run() for name in names or EXPERIMENTS]
    return 0 if all(outcome == "supported" for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

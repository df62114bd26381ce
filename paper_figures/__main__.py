"""`python -m paper_figures NAME`: draw one figure from its table."""

import sys

from paper_figures import frontier, tightness

FIGURES = {"frontier": frontier, "tightness": tightness}


def main(names: list[str]) -> int:
    """Draw the named figures, all of them without a name."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"error: figure must be one of {', '.join(FIGURES)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    for name in names or FIGURES:
        try:
            for path in FIGURES[name].draw():
                print(path)
        except FileNotFoundError as missing:
            print(f"error: run `python -m experiments {name}` first: {missing.filename} is missing", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m benchmarks [NAME...]`: run benchmarks, and print each figure beside what is promised."""

import sys

from benchmarks import certificates, device, games, oracle, sweeps

BENCHMARKS = {"certificates": certificates, "device": device, "games": games, "oracle": oracle, "sweeps": sweeps}


def main(names: list[str]) -> int:
    """Run the named benchmarks, all of them without a name."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: benchmark must be one of {', '.join(BENCHMARKS)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name].run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

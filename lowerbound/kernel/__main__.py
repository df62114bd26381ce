"""`python -m lowerbound.kernel FILE...`: judge documents with the standard library and python-flint alone.

Only the numbers are judged. Whether a model really has the maps that a claim gives it, and whether a cache still
answers as a witness says, is checked by `lowerbound check`. The last word of each line is the verdict; the exit code is
0 (verified), 1 (rejected) or 3 (undecided, or a game that was not played again), and 2 for a file that cannot be read.
"""

import sys
from pathlib import Path

from lowerbound.errors import printable
from lowerbound.kernel.codec import MOST_BYTES
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.verdict import Outcome

EXIT = {Outcome.VERIFIED: 0, Outcome.REJECTED: 1, Outcome.UNDECIDED: 3, Outcome.CONSISTENT: 3}


def main(names: list[str]) -> int:
    """Judge the files, one line each; return the exit code of the worst verdict, or 2 if a file cannot be read."""
    codes = []
    for name in names:
        try:
            with Path(name).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            print(f"error: {printable(name)} must be a file that can be read: {error.strerror}", file=sys.stderr)
            return 2
        _, verdict = judge_document(data)
        print(f"{printable(name)}: {printable(verdict.reason)}: {verdict.outcome}")
        codes.append(EXIT[verdict.outcome])
    if not codes:
        print("error: name at least one document", file=sys.stderr)
        return 2
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

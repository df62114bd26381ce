"""Recomputes the numbers of the site that take too long for each build.

`python -m lowerbound.report.site explorer`: docs/explorer.json, in half an hour on two cores, after `make table`.
`python -m lowerbound.report.site explorer-missing`: the floors of the geometries that docs/explorer.json lacks; what it
has stays as it is.
`python -m lowerbound.report.site faq`: the transcripts of docs/faq.md, in half a minute, after `make proof`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lowerbound.report.site.explorer_data import compute, floors
from lowerbound.report.site.sessions import refreshed

EXPLORER = Path("docs/explorer.json")


def main(names: list[str]) -> int:
    """Make the named one; for any other name, print the names that exist and return 2."""
    if names == ["explorer"]:
        written(compute(Path("results/published.json"), watch=told))
    elif names == ["explorer-missing"]:
        data = json.loads(EXPLORER.read_text(encoding="utf-8"))
        written({**data, "floors": floors(data["floors"], told)})
    elif names == ["faq"]:
        page = Path("docs/faq.md")
        page.write_text(refreshed(page.read_text(encoding="utf-8"), Path.cwd()), encoding="utf-8")
    else:
        given = " ".join(names) or "nothing"
        print(f"error: name must be explorer, explorer-missing or faq, got {given}", file=sys.stderr)
        return 2
    return 0


def told(name: str) -> None:
    """Say what was computed last."""
    print(name, file=sys.stderr, flush=True)


def written(data: dict[str, Any]) -> None:
    """Write the numbers of the explorer."""
    EXPLORER.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

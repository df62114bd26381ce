"""Recomputes the numbers of the site that take too long for each build.

`python -m lowerbound.report.site explorer`: docs/explorer.json, in half an hour on two cores, after `make table`.
`python -m lowerbound.report.site faq`: the transcripts of docs/faq.md, in half a minute, after `make proof`.
"""

import json
import sys
from pathlib import Path

from lowerbound.report.site.explorer_data import compute
from lowerbound.report.site.sessions import refreshed


def main(names: list[str]) -> int:
    """Make the named one; for any other name, print the names that exist and return 2."""
    if names == ["explorer"]:
        data = compute(Path("results/published.json"), watch=lambda name: print(name, file=sys.stderr, flush=True))
        Path("docs/explorer.json").write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
    elif names == ["faq"]:
        page = Path("docs/faq.md")
        page.write_text(refreshed(page.read_text(encoding="utf-8"), Path.cwd()), encoding="utf-8")
    else:
        print(f"error: name must be explorer or faq, got {' '.join(names) or 'nothing'}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

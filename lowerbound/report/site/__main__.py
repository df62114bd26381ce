"""`python -m lowerbound.report.site`: compute docs/explorer.json anew, in about ten minutes, after `make table`."""

import json
import sys
from pathlib import Path

from lowerbound.report.site.explorer_data import compute

if __name__ == "__main__":
    data = compute(Path("results/published.json"), watch=lambda name: print(name, file=sys.stderr, flush=True))
    Path("docs/explorer.json").write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")

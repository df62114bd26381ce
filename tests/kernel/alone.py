"""Documents judged by an interpreter that does nothing else, and measures no coverage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

JUDGE_EACH = """
import json, sys, time
from lowerbound.kernel.judge import judge_document
told = {}
for path in sys.argv[1:]:
    document = open(path, "rb").read()
    start = time.process_time()
    _, verdict = judge_document(document)
    told[path] = [time.process_time() - start, verdict.outcome.name, verdict.reason]
print(json.dumps(told))
"""


def judged_alone(documents: Mapping[str, bytes], folder: Path) -> dict[str, tuple[float, str, str]]:
    """(processor seconds, outcome, reason) of each document by name; `folder` holds their files."""
    paths = {str(folder / f"{at}.json"): name for at, name in enumerate(documents)}
    for path, name in paths.items():
        Path(path).write_bytes(documents[name])
    run = subprocess.run([sys.executable, "-c", JUDGE_EACH, *paths], capture_output=True, text=True, check=True)
    return {paths[path]: tuple(told) for path, told in json.loads(run.stdout).items()}

"""Truth: every hypothesis that docs/theorem.md lists is needed, by a counterexample that runs, and every name it cites
exists. A block runs alone, in a fresh namespace, from its own file.
"""

from __future__ import annotations

import ast
import re
import runpy
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "theorem.md").read_text(encoding="utf-8")

HYPOTHESES = (
    "n is a side, not a number of tokens",
    "The last cached scale is large",
    "Correctness on the hard family only",
    "Keys and lambda come before the algorithm",
    "Logits can be large",
    "Keys and values are free (R1)",
    "Values are not negative, and eta < 1",
    "delta is at most 1/2",
    "h counts value channels, d key coordinates",
    "d is at least of order log T",
    "Coins are public, messages prefix-free",
    "The last scale's own tokens are public",
)

SECTIONS = dict(re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", PAGE, re.MULTILINE))
BLOCKS = {
    title: re.findall(r"^```python\n(.*?)^```$", body, re.MULTILINE | re.DOTALL) for title, body in SECTIONS.items()
}
TABLE = [row.strip("| ").split(" | ") for row in PAGE.splitlines() if row.startswith("| ")][1:]


def test_the_page_names_every_hypothesis() -> None:
    """Definition: one section and one row of the table for each hypothesis, in this order, and no block elsewhere."""
    assert tuple(SECTIONS) == HYPOTHESES
    assert tuple(row[0] for row in TABLE) == HYPOTHESES
    assert PAGE.count("```python") == len(HYPOTHESES)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("title", HYPOTHESES)
def test_the_conclusion_fails_without_the_hypothesis(title: str, tmp_path: Path) -> None:
    """Law: the section's one block is short, asserts something, and holds when it is run alone, within five seconds."""
    (block,) = BLOCKS[title]
    statements = list(ast.walk(ast.parse(block)))
    assert any(isinstance(node, ast.Assert) for node in statements)
    assert all(len(line) <= 120 for line in block.splitlines())
    assert 5 <= sum(bool(line.strip()) for line in block.splitlines()) <= 20
    program = tmp_path / "block.py"
    program.write_text(block, encoding="utf-8")
    runpy.run_path(str(program), run_name="__main__")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_the_table_points_at_things_that_exist(row: list[str]) -> None:
    """Truth: the Coq column names theorems and definitions of proofs/coq, the code column objects of the library."""
    _, in_coq, in_code = row
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "proofs" / "coq").glob("*.v")))
    names = re.findall(r"`(\w+)`", in_coq)
    assert names
    for name in names:
        assert re.search(rf"^(Theorem|Lemma|Definition) {name}\b", sources, re.MULTILINE), name
    objects = re.findall(r"`(lowerbound\.[\w.]+)`(?: \(([^)]*)\))?", in_code)
    assert objects
    for dotted, attributes in objects:
        module, _, name = dotted.rpartition(".")
        found = getattr(import_module(module), name)
        for attribute in re.findall(r"`(\w+)`", attributes):
            assert attribute in dir(found) or attribute in found.__dataclass_fields__, attribute

"""Question: what do packages that compress KV caches hold, send and misread, beside what they say?

Claim that could be refuted: none of them reads all symbols of keys and values at eta = 1/100 while its message is
shorter than the machine-checked floor. Cost: about a minute a package; `make packages` installs them first.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from experiments.packages import Package, packages
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import rounded_up
from lowerbound.foreign.defendant import Defendant

Outcome = Literal["supported", "refuted", "undecided"]

ROOT = Path(__file__).parent.parent
FOLDERS = ROOT / ".venv-packages" / "folders"
PYTHON = ROOT / ".venv-packages" / "bin" / "python"
TABLE = Path("results/audits.json")
PAGE = ROOT / "docs" / "packages.md"
KEPT = ROOT / "docs" / "packages.json"
SEED = PrivateSeed.parse("20261129")
TERMS = ("--instance-seed", SEED.opening, "--isolation", "process-shared-files")
ATTACK_S = 4
"""Options of every audit. Packages that attack nobody are measured alike in a sandbox, which takes twice the time."""
LONGEST_S = 900
"""Seconds for the audit of one package."""

INTRODUCTION = """\
# Packages

These are packages on PyPI that compress KV caches, each audited unchanged, with one command ([how to audit another
one](audit.md)). Each row has what was measured with the named version, on var-d16 (424 cached tokens in R^64, two
layers of two heads, float16), and what the package says of itself.

* **holds**: fp16 bytes over every byte of tensors, arrays, texts and numbers that can be reached from the package's
  object after the cached tokens, less what a second object that was given zeros holds too. A storage counts once and in
  full, in the format in which it is held. The column *at 4,112 tokens* has the same after a prompt of 4,096 tokens in
  R^128 and 16 steps.
* **sends**: fp16 bytes over the message from which another process rebuilt the object and answered; *packed* is that
  message if integers took the bits that their values need.
* **bits, keys misread**: the share of bits at rest (values 0 or 1), and of symbols in keys on a grid for eta = 1/100,
  that the other process read wrongly. Values of 0 and 1 are easy; the theorem is about keys on a fine grid.
  eta is the error that an answer may have. A package that never promised answers within 1/100 breaks no promise by
  misreading them.
* **its meter** is what the object reports of itself.
"""


def run() -> Outcome:
    """Write results/audits.json, docs/packages.json and docs/packages.md, and print one sentence.

    Contract: a package whose audit results/audits.json has already is not audited again. Undecided where the packages
    are not installed.
    """
    if not PYTHON.exists():
        print("audits: undecided: make packages installs what is audited")
        return "undecided"
    known = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    for package in packages():
        if called(package) not in known:
            known[called(package)] = audited(package)
            TABLE.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    rows = {called(package): kept(known[called(package)]) for package in packages()}
    KEPT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")
    outcome = verdict(rows)
    print(f"audits: {outcome}: {len(rows)} packages, {sum(map(is_wonder, rows.values()))} of them under the floor")
    return outcome


def verdict(rows: Mapping[str, dict[str, Any]]) -> Outcome:
    """Refuted if a package misreads nothing and sends less than the machine-checked floor."""
    return "refuted" if any(map(is_wonder, rows.values())) else "supported"


def called(package: Package) -> str:
    """The name and the version of a package."""
    return f"{package.name} {package.version}"


def defendant(package: Package) -> Defendant:
    """The cache of a package as the audit names it."""
    found = Defendant.parse(package.target)
    return replace(found, init=package.init, after=package.after, read=package.read, dtype=package.dtype)


def command(package: Package, attack_s: int = ATTACK_S) -> list[str]:
    """What is typed to audit a package, with so many seconds for each attack."""
    claim = package.claimed_of_fp16
    words = ["audit", defendant(package).text, *TERMS, "--attack-time", str(attack_s)]
    return [*words, *(() if claim is None else ("--claim", f"{float(claim):g}"))]


def audited(package: Package, attack_s: int = ATTACK_S) -> dict[str, Any]:
    """The audit of a package, by the command line, in a process with the package's folders on PYTHONPATH."""
    path = os.pathsep.join(map(str, [*package.folders(FOLDERS), ROOT]))
    told = subprocess.run(
        [str(PYTHON), "-m", "lowerbound", *command(package, attack_s), "--json"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if not told.stdout:
        return {"verdict": "refused", "reasons": [told.stderr.strip().partition("\n")[0]]}
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def kept(row: dict[str, Any]) -> dict[str, Any]:
    """The numbers of an audit that the page is made of, without its ledger and its tokens."""
    names = ("claimed_ratio", "own_ratio", "fp16_bytes", "held_bytes", "held_ratio", "sent_bytes", "sent_ratio")
    others = ("packed_ratio", "error", "keys_error", "verdict", "reasons", "long", "geometry", "proved")
    told = {name: row.get(name) for name in (*names, *others)}
    # Where a library lies on this machine is nobody's business.
    told["reasons"] = [re.sub(r" \(/[^)]*\)", "", reason).removeprefix("error: ") for reason in row["reasons"]]
    broken = row.get("witness")
    return {**told, "broken_by": None if broken is None else {name: broken[name] for name in ("attack", "tokens")}}


def is_wonder(row: dict[str, Any]) -> bool:
    """Whether an audit contradicts the machine-checked floor: nothing misread, and a message below it."""
    if row["keys_error"] is None or row["error"] or row["keys_error"]:
        return False
    floor = row["proved"]["machine_checked_floor"]["bits"] * row["geometry"]["heads"] / 8
    return bool(row["fp16_bytes"] / max(row["packed_ratio"], row["sent_ratio"]) < floor)


def page(rows: Mapping[str, dict[str, Any]]) -> str:
    """The page, from the list of packages and what is kept of their audits."""
    head = [
        *("package", "says", "its meter", "holds", "at 4,112 tokens", "sends", "packed"),
        *("bits misread", "keys misread", "broken by", "verdict"),
    ]
    lines = [INTRODUCTION, *bound(rows), f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    audits = [(package, rows[called(package)]) for package in packages()]
    played = [(package, row) for package, row in audits if row["verdict"] != "refused"]
    lines += [f"| {' | '.join(cells(package, row))} |" for package, row in played]
    lines += ["", "## What each says, and what was found", ""]
    for package, row in played:
        lines += [f"### {called(package)}", "", f"> {_shown(package.says)}", ""]
        if package.simulates is not None:
            lines += [f'It documents that it simulates: "{_shown(package.simulates)}"', ""]
        lines += [f"* {_shown(reason)}" for reason in row["reasons"]]
        lines += ["", "```console", f"$ lowerbound {' '.join(map(_quoted, command(package)))}", "```", ""]
    refused = [(package, row) for package, row in audits if row["verdict"] == "refused"]
    if refused:
        lines += ["## Not playable here, unmodified", ""]
        lines += [f"* {called(package)}: {_shown(row['reasons'][0])}" for package, row in refused]
        lines.append("")
    return "\n".join(lines)


def bound(rows: Mapping[str, dict[str, Any]]) -> list[str]:
    """The sentence on what no cache can do on the head that packages were played on."""
    for row in rows.values():
        if row["proved"] is not None:
            proved = row["proved"]
            floor = proved["machine_checked_floor"]
            most = rounded_up(Fraction(proved["cache_bits"], floor["bits"]), 2)
            return [
                f"No cache can compress a head of {proved['model']} more than {most} times and keep every answer "
                f"within {proved['eta']:g} (Theorem {floor['theorem']}, {floor['proof']}).",
                "",
            ]
    return []


def cells(package: Package, row: dict[str, Any]) -> list[str]:
    """The cells of a package's line."""

    def ratio(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}x"

    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.3g} %"

    said = "-" if package.claim is None else f"{package.claim}x" + ("" if package.of == "fp16" else f" of {package.of}")
    long, broken = row["long"], row["broken_by"]
    return [
        f"{package.name} {package.version}",
        said + (" (simulates)" if package.simulates is not None else ""),
        ratio(row["own_ratio"]),
        ratio(row["held_ratio"]),
        ratio(None if long is None else long["held_ratio"]),
        ratio(row["sent_ratio"]),
        ratio(row["packed_ratio"]),
        share(row["error"]),
        share(row["keys_error"]),
        "-" if broken is None else f"{broken['attack']}, {broken['tokens']} tokens",
        row["verdict"],
    ]


def _shown(text: str) -> str:
    """A foreign sentence on one line, as Markdown shows it and does not obey it; code in backquotes stays code."""
    pieces = " ".join(text.split()).split("`")
    for place in range(0, len(pieces), 2):
        for character in "\\*_[]<>|$#":
            pieces[place] = pieces[place].replace(character, f"\\{character}")
    return "`".join(pieces)


def _quoted(word: str) -> str:
    return word if word.replace("-", "").replace(".", "").isalnum() else f"'{word}'"


if __name__ == "__main__":
    sys.exit(0 if run() == "supported" else 1)

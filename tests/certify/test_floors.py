"""Laws and forgeries of floor certificates as files: canonical, sealed, bound to the catalogue, checked anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.certify import certified as certified_floors
from lowerbound.certify import theorems
from lowerbound.certify.certified import Certified, certificate_of, certified, strongest, target_of
from lowerbound.certify.check import check
from lowerbound.certify.design.target import Design, Target
from lowerbound.certify.floors import floor
from lowerbound.certify.theorems import CHECKED, CONJECTURE, PROVED, THEOREMS, Theorem, book_record
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import Undecided
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import write_document
from lowerbound.kernel.verdict import Outcome
from lowerbound.prove.book import load_book
from lowerbound.prove.lemma import ByCoq
from lowerbound.report.floors import floor_text
from tests.marks import first_now, tries
from tests.test_cli import Run, json_of

VAR = find_model("var-d16")
ROOT = Path(__file__).parent.parent.parent
ON_PAPER_ALONE = "proved on paper, not machine-checked"


def document(theorem: str = "C'") -> bytes:
    """A certificate of VAR-d16."""
    found = certified(VAR, eta="0.01", delta="0", theorem=theorem)
    assert found is not None
    return found.document()


@pytest.mark.parametrize("theorem", list(THEOREMS))
def test_certificates_check(theorem: str) -> None:
    """Definition: what is certified is checked, with its bits, its lemmas and who proved it."""
    found = certified(VAR, eta="0.01", delta="0", theorem=theorem)
    assert found is not None
    told = check(found.document())
    assert told.verdict.outcome is Outcome.VERIFIED, told.verdict.reason
    assert told.bits == found.bits
    assert told.lemmas == THEOREMS[theorem].lemmas
    assert told.claim["model"] == "var-d16"


def test_proofs_are_those_of_the_book() -> None:
    """Law: a theorem is called machine-checked exactly if Coq discharges every lemma that its certificates name."""
    book = load_book(ROOT / "proofs")
    for theorem in THEOREMS.values():
        for delta in (Fraction(0), Fraction(1, 100)):
            by_coq = all(
                any(isinstance(discharge, ByCoq) for discharge in book.find(lemma).discharges)
                for lemma in theorem.lemmas_at(delta)
            )
            assert (theorem.status(delta) == "machine-checked") == by_coq, theorem.name


def test_a_proof_of_one_delta_is_not_one_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a theorem with lemmas of its own for delta > 0 has the status of those lemmas there, and of no others."""
    theorem = Theorem("X", "two proofs", ("exact",), "values_floor", lemmas_with_failures=("failing",))
    monkeypatch.setattr(theorems, "book_record", lambda: {"exact": "proved", "failing": ON_PAPER_ALONE})
    assert (theorem.status(Fraction(0)), theorem.proof(Fraction(0))) == ("machine-checked", "machine-checked")
    assert (theorem.status(Fraction(1, 9)), theorem.proof(Fraction(1, 9))) == ("proved on paper", ON_PAPER_ALONE)
    assert (theorem.lemmas_at(Fraction(0)), theorem.lemmas_at(Fraction(1, 9))) == (("exact",), ("failing",))
    same = replace(theorem, lemmas_with_failures=None)
    assert same.lemmas_at(Fraction(1, 9)) == same.all_lemmas == ("exact",)


def test_no_floor_rests_on_a_conjecture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a theorem whose proof is not finished gives no floor, however many bits it would give."""
    strong = strongest(VAR, eta="0.01", delta="0")
    assert strong is not None
    assert strong.theorem.name == "E"
    without = {lemma: status for lemma, status in book_record().items() if lemma not in THEOREMS["E"].lemmas}
    monkeypatch.setattr(theorems, "book_record", lambda: without)
    assert THEOREMS["E"].status(Fraction(0)) == CONJECTURE
    next_best = strongest(VAR, eta="0.01", delta="0")
    assert next_best is not None
    assert next_best.theorem.name != "E"
    assert next_best.bits < strong.bits


@pytest.mark.parametrize("rejected", [set(), {"E", "E1"}, set(THEOREMS)])
def test_weaker_theorems_are_tried_only_where_stronger_ones_are_not_verified(
    rejected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: the strongest floors are those among all that are verified; what promises less than them is not judged, and
    what promises more and is rejected is left out in words.
    """
    judged = certified_floors._certified
    asked = set()

    def judge(name: str, target: Target) -> Certified | None:
        asked.add(name)
        if name in rejected:
            raise Undecided(f"{name} is not wanted")
        return judged(name, target)

    monkeypatch.setattr(certified_floors, "_certified", judge)
    found = floor(VAR, eta="0.01")
    text = floor_text(found)
    shown = {one.theorem.name for one in (found.checked, found.proved) if one is not None}
    assert asked == shown | found.passed_over.keys()
    assert found.passed_over.keys() == rejected & asked
    assert all(f"Theorem {name} is left out: {name} is not wanted." in text for name in found.passed_over)
    rows = [one for one in found.certified if one.theorem.guarantee == "additive"]
    assert found.checked_bits() == max((one.bits for one in rows if one.status == CHECKED), default=0)
    assert found.proved_bits() == max((one.bits for one in rows if one.status in PROVED), default=0)
    if not rows:
        with pytest.raises(Undecided, match=r"^E is not wanted"):
            strongest(VAR, eta="0.01", delta="0")


@pytest.mark.parametrize("bits", [0.5, 1.0, 3.5])
def test_a_floor_has_the_bits_that_its_claim_has(bits: float) -> None:
    """Law: small proposals give a floor of as many bits as the document claims, at least one, or none at all."""
    target = target_of(VAR, eta="0.01", delta="0")
    proposal = THEOREMS["B"].design(target)
    assert proposal is not None
    if bits < 1:
        with pytest.raises(Undecided, match="forces no whole bit"):
            certificate_of(THEOREMS["B"], target, Design(bits, proposal.payload))
    else:
        found = certificate_of(THEOREMS["B"], target, Design(bits, proposal.payload))
        assert found.bits == found.claim["bits"] == int(bits)


@settings(max_examples=tries(150))
@given(st.data())
def test_any_changed_byte_is_rejected(data: st.DataObject) -> None:
    """Forgery: no byte of a certificate can be changed, removed or added."""
    whole = document()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    kind = data.draw(st.sampled_from(["change", "remove", "add"]))
    rest = whole[place + (kind != "add") :]
    forged = whole[:place] + (b"" if kind == "remove" else bytes([byte])) + rest
    if forged != whole:
        assert check(forged).verdict.outcome is Outcome.REJECTED


@given(st.binary(max_size=200))
def test_noise_is_rejected(noise: bytes) -> None:
    """Law: whatever the bytes, there is a verdict, and it is no acceptance."""
    assert check(noise).verdict.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("d", 65, "has the d 64"),
        ("rule", "1/sqrt(d)", "has the rule"),
        ("context", 1, "has the context 0"),
        ("maps", [[1, 1], [20, 21], [16, 16]], "has the maps"),
        ("model", "var-d17", "not a model of the catalogue"),
    ],
)
def test_a_floor_is_about_the_model_that_it_names(field: str, value: object, reason: str) -> None:
    """Forgery: a sound floor of another head under the name of a model, signed and sealed anew."""
    sealed = json.loads(document("E"))
    statement, certificate = sealed["statement"], sealed["certificate"]
    statement["claim"][field] = value
    statement["claim"]["bits"] = 1000
    certificate["proves"] = digest(statement)
    told = check(write_document(statement, certificate))
    assert told.verdict.outcome is Outcome.REJECTED
    assert reason in told.verdict.reason


@pytest.mark.parametrize("delta", ["0", "0.1"])
def test_the_floor_names_its_theorems(delta: str) -> None:
    """Law: floor --json names the strongest machine-checked floor and the strongest proved one, each with its proof."""
    head = floor(VAR, eta="0.01", failure_prob=delta).to_json()["per_head"]
    rows = [row for row in head["theorems"] if THEOREMS[row["theorem"]].guarantee == "additive"]
    for key, statuses in (("keys_and_values", {CHECKED}), ("strongest_proved", set(PROVED))):
        best = max((row for row in rows if row["status"] in statuses), key=lambda row: row["bits"])
        assert (head[f"{key}_theorem"], head[f"{key}_bits"]) == (best["theorem"], best["bits"])
        assert head[f"{key}_by"].startswith(best["status"])
    assert head["paper_bits"] < head["values_bits"] < head["keys_and_values_bits"] <= head["strongest_proved_bits"]
    assert (delta == "0") == (head["strongest_proved_theorem"] == "E")


@pytest.mark.slow
@pytest.mark.parametrize("sides", [(1, 2), (1, 2, 2), (1, 1, 2), (2, 2, 4), (2, 3)])
@pytest.mark.parametrize("d", [4, 8, 16])
@pytest.mark.parametrize("eta", first_now(["1/1000", "1/10", "1/100000"], n_slow=0))
def test_what_is_designed_for_a_small_head_is_verified(sides: tuple[int, ...], d: int, eta: str) -> None:
    """Law: the judge accepts every theorem's design where tokens are few and what the others add to a read is large."""
    found = floor(Geometry("small", ScaleSchedule.square(sides), d), eta=eta)
    rows = found.to_json()["per_head"]["theorems"]
    assert all(row["bits"] >= 1 for row in rows)
    assert bool(rows) == (len(sides) > 2 or sides[0] > 1), "one token has no floor, and more have one"


def test_certify_and_check(run_command: Run, tmp_path: Path) -> None:
    """Definition: the two commands, their files and their last words."""
    told = json_of(run_command("certify", "var-d16", "--eta", "0.01", "-o", str(tmp_path / "c.json"), "--json"))
    best = strongest(VAR, eta="0.01", delta="0", statuses=(CHECKED,))
    assert best is not None
    assert (told["theorem"], told["proof"], told["bits"]) == (best.theorem.name, CHECKED, best.bits)
    checked = json_of(run_command("check", str(tmp_path / "c.json"), "--json"))
    assert checked["verdict"] == "VERIFIED"
    assert checked["bits"] == told["bits"]
    assert {"model", "eta", "delta", "computation_model"} <= set(checked["claim"])
    assert checked["lemmas"] == list(best.lemmas)
    (tmp_path / "forged.json").write_bytes((tmp_path / "c.json").read_bytes().replace(b"1/100", b"1/101", 1))
    refused = run_command("check", str(tmp_path / "forged.json"))
    assert refused.returncode == 1
    assert refused.stdout.splitlines()[-1] == "NOT VERIFIED"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    first_now(
        [
            (("certify", "var-d61"), "did you mean"),
            (("certify", "var-d16", "--theorem", "Z"), "theorem 'Z' is not known"),
            (("certify", "var-d16", "--delta", "0.1", "--theorem", "E"), "theorem E does not"),
            (("certify", "var-d16", "--eta", "0.6"), "no theorem"),
            (("check", "nowhere.json"), "FILE must name"),
        ],
        2,
    ),
)
def test_bad_input(run_command: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """Bad input: one sentence and exit code 2."""
    result = run_command(*arguments)
    assert result.returncode == 2
    assert sentence in result.stderr


def test_the_kernel_checks_alone(tmp_path: Path) -> None:
    """Law: the judge needs the standard library and flint alone, and has a command of its own."""
    path = tmp_path / "c.json"
    path.write_bytes(document("E"))
    program = (
        "import sys, runpy; sys.argv[1:] = [sys.argv[1]]\n"
        "try: runpy.run_module('lowerbound.kernel', run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "print(sorted(m for m in ('numpy', 'scipy', 'sympy', 'z3', 'typer') if m in sys.modules))"
    )
    command = [sys.executable, "-c", program, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told == [f"{path}: theorem E forces 449249 bits per head: VERIFIED", "0", "[]"]
    path.write_bytes(document("E")[:-2])
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0].endswith("REJECTED")
    assert told[1] == "1"

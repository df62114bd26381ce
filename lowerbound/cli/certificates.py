"""Certificates: emit the floor of a model as a file, and check a file from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lowerbound.cli.options import DeltaOption, EtaOption, JsonOption, ModelArgument, print_json
from lowerbound.errors import InvalidArgument


def certify(
    model: ModelArgument,
    eta: EtaOption = "0.01",
    delta: DeltaOption = "0",
    theorem: Annotated[
        str | None,
        typer.Option(
            "--theorem", metavar="NAME", help="A, B, C, C', D or E; default: the strongest that is machine-checked."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Where the certificate goes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Certify the floor of MODEL: bits a head, an explicit hard instance, and its proof, for `check`."""
    from lowerbound.certify.floors import certified, strongest
    from lowerbound.certify.theorems import CHECKED
    from lowerbound.core.models import find_model

    subject = find_model(model)
    if theorem is None:
        found = strongest(subject, eta=eta, delta=delta, proofs=CHECKED)
    else:
        found = certified(subject, eta=eta, delta=delta, theorem=theorem)
    if found is None:
        which = "no theorem" if theorem is None else f"theorem {theorem} does not"
        raise InvalidArgument(
            f"{which} bounds {model} at eta = {eta}, delta = {delta}; smaller errors are nearer to one that does"
        )
    document = found.document()
    if out is not None:
        out.write_bytes(document)
    share = found.bits / subject.head_cache_bits
    if as_json:
        print_json(
            {
                "model": subject.name,
                "theorem": found.theorem.name,
                "proof": found.theorem.proof,
                "lemmas": list(found.theorem.lemmas),
                "bits": found.bits,
                "fraction_of_cache": share,
                "claim": found.statement["claim"],
                "bytes": len(document),
                "file": None if out is None else str(out),
            }
        )
        return
    print(f"{subject.name}, eta = {eta}, delta = {delta}: {found.bits:,} bits a head, {100 * share:.2f} % of fp16")
    print(f"theorem {found.theorem.name} ({found.theorem.reads}), {found.theorem.proof}; model R1, real inputs")
    print(f"certificate: {len(document):,} bytes" + ("; -o FILE keeps it" if out is None else f" in {out}"))
    print("VERIFIED")


def _terms(claim: Mapping[str, Any]) -> str:
    """What a floor's answers promise, or where they stand beside it."""
    if claim["computation_model"] == "R3":
        return f"{claim['codebook']['kind']} codebook, f_hat and r_(N-1) known"
    guarantee = claim.get("guarantee", "of the range of values; delta of the whole block")
    return f"eta = {claim['eta']} ({guarantee}), delta = {claim['delta']}, |logit| <= {claim['multiplier']}"


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate, a witness or a transcript.")],
    as_json: JsonOption = False,
) -> None:
    """Check FILE: does it prove what it claims? The last line is one word."""
    from lowerbound.certify.check import check as run
    from lowerbound.kernel.codec import MOST_BYTES

    if not file.is_file():
        raise InvalidArgument(f"FILE must name a document to check, got {str(file)!r}")
    if file.stat().st_size > MOST_BYTES:
        raise InvalidArgument(f"FILE must have at most {MOST_BYTES} bytes, got {file.stat().st_size}")
    found = run(file.read_bytes())
    word = {"VERIFIED": "VERIFIED", "REJECTED": "NOT VERIFIED", "UNDECIDED": "UNDECIDED"}[str(found.verdict.outcome)]
    if as_json:
        print_json({**found.to_json(), "verdict": word})
    else:
        print(f"{found.kind or 'document'}: {found.verdict.reason}")
        if found.proof is not None:
            print(f"by theorem {found.claim['theorem']}, {found.proof}: {', '.join(found.lemmas)}")
            print(f"{found.claim['model']}: {_terms(found.claim)}, model {found.claim['computation_model']}")
        print(word)
    raise typer.Exit({"VERIFIED": 0, "NOT VERIFIED": 1, "UNDECIDED": 3}[word])

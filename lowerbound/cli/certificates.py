"""Certificates: write the floor of a model to a file, and check a file from anywhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.cli.options import (
    DEFAULT_DELTA,
    DEFAULT_ETA,
    CertificateOption,
    DeltaOption,
    GuaranteedEtaOption,
    GuaranteeName,
    GuaranteeOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    print_json,
    working,
)
from lowerbound.cli.place import Place, at_a_place
from lowerbound.cli.recorded import KeysBranchOption, KeysHeadOption, KeysLayerOption, geometry_at, head_of
from lowerbound.errors import InvalidArgument, printable

if TYPE_CHECKING:
    from lowerbound.certify.certified import Certified
    from lowerbound.core.geometry import Geometry
    from lowerbound.var.trace.keys import RecordedHead


@at_a_place
def certify(
    place: Place,
    model: ModelArgument = None,
    named: ModelOption = None,
    eta: GuaranteedEtaOption = DEFAULT_ETA,
    delta: DeltaOption = DEFAULT_DELTA,
    guarantee: GuaranteeOption = GuaranteeName.ADDITIVE,
    theorem: Annotated[
        str | None,
        typer.Option(
            "--theorem", metavar="NAME", help="Its letter, such as C'; default: the strongest that is machine-checked."
        ),
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(
            "--keys", metavar="TRACE", help="Certify the floor for the recorded keys of one head, with free values."
        ),
    ] = None,
    layer: KeysLayerOption = None,
    head: KeysHeadOption = None,
    branch: KeysBranchOption = None,
    multiplier: Annotated[
        str | None,
        typer.Option("--lambda", metavar="X", help="With --keys TRACE: largest logit of a query; default: 100."),
    ] = None,
    out: CertificateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Certify the lower bound (floor) of MODEL in bits per head: a hard instance and its proof, for `check`."""
    from lowerbound.certify.certified import certified, strongest
    from lowerbound.certify.refusal import refusal
    from lowerbound.certify.theorems import CHECKED, THEOREMS

    with working("recorded keys"):
        recorded = head_of(keys, layer, head, branch)
    if recorded is not None:
        _refuse_with_keys(theorem, guarantee)
        _certify_on(recorded, geometry_at(place, recorded), eta, delta, multiplier, out, as_json)
        return
    for option, given in (("--keys", keys), ("--lambda", multiplier)):
        if given is not None:
            raise InvalidArgument(f"{option} is for recorded keys, with a trace in --keys, got {given}")
    subject = place.found().geometry
    known = None if theorem is None else THEOREMS.get(theorem)
    if known is not None and known.guarantee != guarantee.value:
        raise InvalidArgument(
            f"theorem {known.name} speaks of eta as {known.guarantee}, got --guarantee {guarantee.value}; "
            f"--guarantee {known.guarantee} asks for it"
        )
    with working("an instance, and its certificate"):
        if theorem is not None:
            found = certified(subject, eta=eta, delta=delta, theorem=theorem)
        else:
            found = strongest(subject, eta=eta, delta=delta, statuses=(CHECKED,), guarantee=guarantee.value)
    if found is None and theorem is not None:
        raise InvalidArgument(str(refusal(subject, eta=eta, delta=delta, theorem=theorem)))
    if found is None:
        raise InvalidArgument(
            f"no theorem bounds {subject.name} at eta = {eta}, delta = {delta}; smaller errors are nearer to one that "
            "does"
        )
    _tell(found, subject, eta, delta, guarantee, out, as_json)


def _refuse_with_keys(theorem: str | None, guarantee: GuaranteeName) -> None:
    if theorem is not None:
        raise InvalidArgument(
            f"--theorem must be left out with --keys TRACE, which one theorem speaks of, got {theorem}"
        )
    if guarantee is not GuaranteeName.ADDITIVE:
        raise InvalidArgument(f"--guarantee must be additive with --keys TRACE, got {guarantee.value}")


def _certify_on(
    recorded: RecordedHead,
    subject: Geometry,
    eta: str,
    delta: str,
    multiplier: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from lowerbound.certify.certified import LOGIT_CAP
    from lowerbound.certify.given_keys import asked_of, certified_on
    from lowerbound.core.scalars import counted

    largest = str(LOGIT_CAP) if multiplier is None else multiplier
    with working("own weights of the recorded keys, and their certificate"):
        found = certified_on(recorded.keys, subject, eta=eta, delta=delta, multiplier=largest)
    if found is None:
        raise InvalidArgument(
            f"no token of {subject.name} can be read at eta = {eta}, delta = {delta} and logits of at most {largest}; "
            "smaller errors and larger logits are nearer to one that can"
        )
    asked, levels = asked_of(found)
    about = {
        "trace": str(recorded.trace.path),
        "layer": recorded.layer,
        "head": recorded.head,
        "branch": recorded.branch,
        "learned": recorded.learned,
        "asked_tokens": asked,
        "cached_tokens": subject.n_tokens_cached,
        "levels": levels,
    }
    words = (
        f"on these keys, which are public, with values free and |logit| <= {found.claim['multiplier']}: read "
        f"{asked} of {counted(subject.n_tokens_cached, 'token')}, with {counted(levels, 'level')} per value"
    )
    _tell(found, subject, eta, delta, GuaranteeName.ADDITIVE, out, as_json, about=about, words=words)


def _tell(
    found: Certified,
    subject: Geometry,
    eta: str,
    delta: str,
    guarantee: GuaranteeName,
    out: Path | None,
    as_json: bool,
    *,
    about: Mapping[str, Any] | None = None,
    words: str = "",
) -> None:
    """Write the certificate, and say what it proves; `about` and `words` say what it speaks of besides."""
    from lowerbound.core.scalars import plainly, rounded_down

    document = found.document()
    if out is not None:
        out.write_bytes(document)
    share = Fraction(found.bits, subject.cache_bits)
    if as_json:
        from lowerbound.certify.kept import read_again

        print_json(
            {
                "model": subject.name,
                "theorem": found.theorem.name,
                "proof": found.proof,
                "lemmas": list(found.lemmas),
                "bits": found.bits,
                "fraction_of_cache": float(share),
                "claim": found.claim,
                "bytes": len(document),
                "file": None if out is None else str(out),
                "read_again": read_again(),
                **(about or {}),
            }
        )
        return
    terms = f"eta = {eta} ({guarantee.value}), delta = {delta}, |logit| <= {plainly(subject.largest_logit)}"
    print(f"{printable(subject.name)}, {terms}: {found.bits:,} bits per head, {rounded_down(100 * share, 2)} % of fp16")
    if words:
        print(words)
    print(f"theorem {found.theorem.name} ({found.theorem.reads}), {found.proof}; model R1, real inputs")
    print(
        f"certificate: {len(document):,} bytes"
        + ("; -o FILE keeps it" if out is None else f" in {printable(str(out))}")
    )
    print("VERIFIED")


def _terms(claim: Mapping[str, Any]) -> str:
    """The error, failure probability and logit cap under which a floor holds; for model R3, what is known instead."""
    if claim["computation_model"] == "R3":
        return f"{claim['codebook']['kind']} codebook, f_hat and r_(N-1) known"
    guarantee = claim.get("guarantee", "of the range of values; delta of the whole block")
    return f"eta = {claim['eta']} ({guarantee}), delta = {claim['delta']}, |logit| <= {claim['multiplier']}"


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A certificate, a witness or a transcript; - is standard input.")
    ],
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", metavar="SECONDS", help="For everything, including a cache that is run again."),
    ] = 600.0,
    as_json: JsonOption = False,
) -> None:
    """Check whether FILE proves its claim; the last line is one word."""
    from lowerbound.certify.timed import check_within
    from lowerbound.core.time_limit import check_time_limit

    check_time_limit(time_limit, "--time-limit")
    document = _document(file)
    with working("the kernel judges; of a witness or a transcript, the cache runs again"):
        found = check_within(document, time_limit)
    word = "NOT VERIFIED" if found["verdict"] == "REJECTED" else found["verdict"]
    if as_json:
        print_json({**found, "verdict": word})
    else:
        print(f"{printable(found['kind'] or 'document')}: {printable(found['reason'])}")
        if found["proof"] is not None:
            claim = found["claim"]
            print(f"by theorem {claim['theorem']}, {found['proof']}: {', '.join(found['lemmas'])}")
            print(f"{claim['model']}: {_terms(claim)}, model {claim['computation_model']}")
        print(word)
    raise typer.Exit({"VERIFIED": 0, "NOT VERIFIED": 1}.get(word, 3))


def _document(file: Path) -> bytes:
    """The bytes of a file, or of standard input for "-"; more than a document may have are refused, and not read."""
    from lowerbound.kernel.codec import MOST_BYTES

    if str(file) == "-":
        data = sys.stdin.buffer.read(MOST_BYTES + 1)
    elif file.is_file():
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    else:
        raise InvalidArgument(f"FILE must name a document to check, got {str(file)!r}")
    if len(data) > MOST_BYTES:
        size = "" if str(file) == "-" else f", got {file.stat().st_size}"
        raise InvalidArgument(f"FILE must have at most {MOST_BYTES} bytes{size}")
    return data

"""Question: what would the published compression ratios mean as worst-case guarantees?

Claim that could be refuted: no published ratio of 4 or more is possible as a guarantee that answers are never off by
more than a tenth. Cost: two minutes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from experiments.packages import packages
from lowerbound.certify.possible import Answer, Word, judged, possible
from lowerbound.certify.published_ratios import PUBLISHED_RATIOS, PublishedRatio
from lowerbound.core.models import find_place

Outcome = Literal["supported", "refuted", "undecided"]

TABLE = Path("results/claims.json")
PAGE = Path(__file__).parent.parent / "docs" / "claims.md"
ETAS = tuple(map(Fraction, ("1/1000", "1/200", "1/100", "1/50", "1/20", "1/10", "3/20", "1/5", "3/10", "2/5", "9/20")))
DELTAS = (Fraction(0), Fraction(1, 10))
LARGE, TENTH = 4, Fraction(1, 10)

TEXT_MODEL = "llama-3.1-8b"
"""The language model on which headlines that were measured on texts are put, at its default context length."""
TEXT_SYSTEMS = ("PyramidKV", "SnapKV", "TOVA", "H2O", "KIVI", "QJL", "TurboQuant", "BalanceKV", "LoMA", "LoRC")


def text_claims() -> tuple[PublishedRatio, ...]:
    """The headlines of systems for language models, and what packages say of themselves, put on a language model."""
    papers = [replace(claim, model=TEXT_MODEL) for claim in PUBLISHED_RATIOS if claim.system.startswith(TEXT_SYSTEMS)]
    listed = [
        PublishedRatio(
            f"{each.name} {each.version}",
            f"{each.claim}x of {each.of}",
            each.claimed_of_fp16,
            TEXT_MODEL,
            "[what it holds and misreads](packages.md)",
        )
        for each in packages()
        if each.claimed_of_fp16 is not None
    ]
    return (*papers, *listed)


def run() -> Outcome:
    """Write results/claims.json and docs/claims.md, and print one sentence."""
    answers = {
        (name, eta, delta): possible(find_place(name), ratio=1, eta=eta, delta=delta)
        for name in sorted({claim.model for claim in (*PUBLISHED_RATIOS, *text_claims())})
        for delta in DELTAS
        for eta in ETAS
    }
    outcome = verdict(answers)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    data = [{**answer.to_json(), "eta": str(eta)} for (_, eta, _), answer in answers.items()]
    TABLE.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(answers), encoding="utf-8")
    decided = sum(span(answers, claim, Fraction(0), Word.IMPOSSIBLE) is not None for claim in PUBLISHED_RATIOS)
    print(
        f"claims: {outcome}: {decided} of {len(PUBLISHED_RATIOS)} published ratios are impossible at some error, "
        "delta = 0"
    )
    return outcome


Answers = dict[tuple[str, Fraction, Fraction], Answer]


def word_of(answer: Answer, ratio: Fraction) -> Word:
    """Whether a ratio is possible at the answer's error; its floor and its proved cache do not depend on the ratio."""
    return judged(Fraction(answer.geometry.cache_bits) / ratio, answer.floor, answer.achieved)


def span(answers: Answers, claim: PublishedRatio, delta: Fraction, word: Word) -> Fraction | None:
    """The largest eta in ETAS up to which a ratio is impossible, or the smallest from which it is possible."""
    etas = ETAS if word is Word.IMPOSSIBLE else ETAS[::-1]
    last = None
    for eta in etas:
        if word_of(answers[claim.model, eta, delta], claim.ratio) is not word:
            break
        last = eta
    return last


def verdict(answers: Answers) -> Outcome:
    """Refuted if a proved cache reaches a large ratio at an error of at most a tenth; undecided if one stays open."""
    words = {
        word_of(answer, claim.ratio)
        for (model, eta, delta), answer in answers.items()
        for claim in PUBLISHED_RATIOS
        if claim.model == model and claim.ratio >= LARGE and eta <= TENTH and delta == 0
    }
    return "refuted" if Word.POSSIBLE in words else "undecided" if Word.OPEN in words else "supported"


def page(answers: Answers) -> str:
    """The text of docs/claims.md."""
    lines = [
        "# Published compression ratios, read as guarantees",
        "",
        "<!-- Made by `python -m experiments claims`; do not edit. -->",
        "",
        "No paper below claims a worst-case guarantee: each measures averages over pictures or texts, and says so. "
        "This page asks what its ratio *would* mean as a guarantee: every answer of every head is within eta "
        "(additive, values in [0, 1], |logit| <= 100; model R1, in which keys and values are free reals), always "
        "(delta = 0) or with probability 0.9 (delta = 0.1). *Impossible up to* is the largest error of the list "
        f"{', '.join(map(str, ETAS))} at which the certified lower bound (floor) is above the bits that the ratio "
        "leaves. *Possible from* is the smallest error at which a proved cache needs fewer bits. Between the two "
        "nobody knows. Floors are the strongest that are proved, by a machine or on paper: the [page of "
        "floors](floors.md) says who checked which theorem.",
        "",
        "`lowerbound possible --model MODEL --ratio X --eta X --delta X` answers for any other.",
        "",
        *table(answers, PUBLISHED_RATIOS),
        "",
        "## Language models",
        "",
        "This table has the headlines that were measured on texts, and what [packages](packages.md) say of themselves. "
        f"They are applied to one head of `{TEXT_MODEL}` with {find_place(TEXT_MODEL).geometry.n_tokens_cached:,} "
        f"cached tokens in R^{find_place(TEXT_MODEL).geometry.d} and one token of its own. Those papers measure "
        "perplexity and task scores over texts, and a wrong answer to one query in a thousand changes neither.",
        "",
        *table(answers, text_claims()),
    ]
    lines += [
        "",
        "Ratios are relative to keys and values in fp16. A head can be compressed further if its pictures or texts "
        "never ask the hard questions; that is what these papers measure.",
        "",
    ]
    return "\n".join(lines)


def table(answers: Answers, claims: Sequence[PublishedRatio]) -> list[str]:
    """A line for each claim: up to which error its ratio is impossible, and from which it is possible."""
    zero, tenth = DELTAS
    lines = [
        "| system | its headline | ratio | put on | impossible up to, delta 0 | possible from, delta 0 "
        "| impossible up to, delta 0.1 | what it rests on instead |",
        "|---|---|---:|---|---:|---:|---:|---|",
    ]
    for claim in claims:
        cells = [
            told(span(answers, claim, zero, Word.IMPOSSIBLE), "nowhere"),
            told(span(answers, claim, zero, Word.POSSIBLE), "nowhere below 1/2"),
            told(span(answers, claim, tenth, Word.IMPOSSIBLE), "nowhere"),
        ]
        lines.append(
            f"| {claim.system} | {claim.says} | {float(claim.ratio):.2f} | `{claim.model}` | {' | '.join(cells)} "
            f"| {claim.instead} |"
        )
    return lines


def told(eta: Fraction | None, otherwise: str) -> str:
    """An error as a number, or in words."""
    return otherwise if eta is None else f"{float(eta):g}"

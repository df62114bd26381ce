"""Question: how far is a trained network's practice from the worst case, cache by cache?

Claim that could be refuted: on digits that a trained VAR draws, caches that evict by attention (h2o, snapkv) down to
half or less of their tokens leave more than a quarter of the secret ids unreadable, although their pictures stay nearer
to the full cache's than another seed's do; and no registered cache that keeps each answer within 1/100 has a state
below model R2's 180 bits. The units run as a sweep: rows that are in the store are not drawn again. Cost: three minutes
on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from experiments.table import RESULTS, Outcome, save
from lowerbound.caches.registry import CACHES, find_cache
from lowerbound.certify.floors import floor
from lowerbound.certify.possible import possible
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import rounded_down
from lowerbound.sweep.engine import run_local
from lowerbound.sweep.spec import spec_of
from lowerbound.sweep.store import Store
from lowerbound.var.simulator.drawn import Drawn, Studio
from lowerbound.var.simulator.sampling import probabilities
from lowerbound.var.simulator.weights import source_of

BUDGETS = ("1/2", "1/4", "1/8")
SPEC: dict[str, Any] = {
    "name": "pictures",
    "kind": "draw",
    "networks": ["digits"],
    "pictures": 5,
    "read": 2,
    "seeds": [0],
    "isolation": "none",
    "caches": [
        *(f"{name}@{budget}" for name in CACHES for budget in BUDGETS if find_cache(name).budget_meaning),
        *(name for name in CACHES if not find_cache(name).budget_meaning),
    ],
}
SHOWN = ("kivi@1/8", "uniform@1/8", "snapkv@1/2", "h2o@1/4", "h2o@1/8")
EVICTING = ("h2o", "snapkv")
ETA = Fraction(1, 100)
PAGE, GRID = Path("docs/digits.md"), Path("docs/digits.png")
WORKERS = 2


def run() -> Outcome:
    """Run the sweep, write results/pictures.json, docs/digits.md and docs/digits.png, and print one sentence."""
    spec = spec_of(SPEC)
    units = list(spec.units())
    RESULTS.mkdir(parents=True, exist_ok=True)
    with Store(RESULTS / "store.sqlite", write=True, secret=PrivateSeed(0)) as store:
        sweep = store.plan(spec.name, spec.model_dump_json(), units)
        run_local(store, units, workers=WORKERS)
        found = list(store.results(sweep))
    rows = [stored.row for stored in found if stored.row is not None]
    refused = {told(stored.unit): stored.reason for stored in found if stored.outcome == "refused"}
    open_ = [stored for stored in found if stored.row is None and stored.outcome != "refused"]
    network = source_of("digits").network()
    studio = Studio(network, classes=range(10), pictures=SPEC["pictures"], seed=SPEC["seeds"][0])
    about = facts(studio)
    outcome, sentence = verdict(rows, about)
    if open_:
        outcome, sentence = "undecided", "; ".join(f"{told(stored.unit)}: {stored.reason}" for stored in open_)
    PAGE.write_text(page(rows, refused, about), encoding="utf-8")
    _draw(studio)
    return save("pictures", SPEC, [*rows, {"facts": about}], outcome, sentence)


def told(unit: dict[str, Any]) -> str:
    """A cache and its budget."""
    return str(unit["cache"]) if unit["budget"] is None else f"{unit['cache']}@{unit['budget']}"


def facts(studio: Studio) -> dict[str, Any]:
    """What stands beside the rows: fp16, the floors of R1, what is possible, R2's ids, and another seed's pictures."""
    model = studio.network.model
    bound, enough = floor(model, eta=ETA), possible(model, ratio=1, eta=ETA)
    assert bound.checked is not None
    assert bound.proved is not None
    others = Studio(studio.network, classes=range(10), pictures=len(studio.whole), seed=studio.seed + len(studio.whole))
    return {
        "cache_bytes": model.cache_bytes,
        "streams": model.n_streams,
        "tokens": model.n_tokens,
        "cached": model.n_tokens_cached,
        "checked": [bound.checked.theorem.name, bound.checked.bits * model.n_streams / 8],
        "proved": [bound.proved.theorem.name, bound.proved.bits * model.n_streams / 8],
        "enough": [enough.achieved.code, float(enough.achieved.bits) * model.n_streams / 8],
        "replay_bits": model.replay_bits,
        "coded_bits": float(np.mean([_surprise(studio, number) for number in range(len(studio.whole))])),
        "other_seed_error": float(((studio.pictures - others.pictures).astype(np.float64) ** 2).mean()),
        "weights": studio.network.origin.digest,
    }


def _surprise(studio: Studio, number: int) -> float:
    """-log2 of the probability with which the network itself drew the secret ids: their length as an ideal code."""
    whole, bits = studio.whole[number], 0.0
    for ids, logits in list(zip(whole.ids, whole.logits, strict=True))[:-2]:
        chosen = np.take_along_axis(probabilities(logits.astype(np.float64)), ids[..., None], axis=-1)
        bits -= float(np.log2(chosen).sum())
    return bits


def verdict(rows: Sequence[dict[str, Any]], about: dict[str, Any]) -> tuple[Outcome, str]:
    """Whether eviction loses ids that its pictures do not show, and whether an accurate cache is below 180 bits."""
    evicting = [row for row in rows if row["cache"] in EVICTING]
    secret = evicting[0]["secret_ids"]
    readable = [row for row in evicting if row["ids_unreadable"] <= secret / 4]
    ugly = [row for row in evicting if row["image_error"] >= about["other_seed_error"]]
    small = [row for row in rows if row["trace_error_worst"] <= ETA and 8 * row["state_bytes"] < about["replay_bits"]]
    few, many = (pick(row["ids_unreadable"] for row in evicting) for pick in (min, max))
    sentence = (
        f"{len(rows)} rows; eviction leaves {few:g} to {many:g} of {secret} ids unreadable and draws pictures "
        f"{min(row['image_error'] for row in evicting):.2g} to {max(row['image_error'] for row in evicting):.2g} away, "
        f"where another seed is {about['other_seed_error']:.2g} away"
    )
    broken = [*readable, *ugly, *small]
    return ("refuted", f"{sentence}; not so: {', '.join(map(told, broken))}") if broken else ("supported", sentence)


def page(rows: Sequence[dict[str, Any]], refused: dict[str, str], about: dict[str, Any]) -> str:
    """The text of docs/digits.md."""
    checked, proved, enough = (about[key] for key in ("checked", "proved", "enough"))
    lines = [
        "# A trained VAR in the box",
        "",
        "The other pages use keys that were chosen to be hard, or networks with random weights. This page uses a small "
        f"trained VAR. It draws handwritten digits in six maps of {about['tokens']} tokens, of which "
        f"{about['cached']} are cached before the last map, with four layers of two heads in R^32 and two branches of "
        "guidance. [Weights](weights.md) says how it was trained, and how to load a network of your own.",
        "",
        "![Digits drawn under several caches](digits.png)",
        "",
        "All rows use the same random numbers. `lowerbound var draw --cache NAME -o grid.png` draws others.",
        "",
        "![Bytes of every cache against the ids that it loses and the error of its pictures](pictures.png)",
        "",
        "One mark is one cache at one budget; `lowerbound figures pictures` draws this from the table below. The axis "
        "of bytes has a gap. For caches that are named, the picture error with forced ids is shown too.",
        "",
        "## Sizes to compare with",
        "",
        "| | bytes |",
        "|---|---|",
        f"| fp16 keys and values before the last map, {about['streams']} streams | {about['cache_bytes']:,} |",
        f"| enough for every input at 0.01 (model R1, proved: guaranteed-{enough[0]}) | {enough[1]:,.0f} |",
        f"| forced for some input at 0.01, Theorem {proved[0]} (model R1, proved on paper) "
        f"| {rounded_down(Fraction(proved[1]), 0)} |",
        f"| forced for some input at 0.01, Theorem {checked[0]} (model R1, machine-checked) "
        f"| {rounded_down(Fraction(checked[1]), 0)} |",
        f"| the ids of the first four maps: {about['replay_bits']} bits (model R2: the weights are known and the cache "
        f"is computed again) | {about['replay_bits'] / 8:g} |",
        f"| the same ids in an ideal code by the network's own probabilities, mean: {about['coded_bits']:.0f} bits "
        f"| {about['coded_bits'] / 8:.1f} |",
        "",
        "The lower bounds (floors) hold in model R1 and are about the worst keys and values, which these digits are "
        "not. A cache with fewer bytes than a floor breaks its promise on *some* input, and may be accurate on these.",
        "",
        "## Every cache",
        "",
        f"The table has means over {SPEC['pictures']} pictures, of the digits 0 to 4. *Trace error*: the error of "
        "answers to the queries of the run with the full cache, in units of the range of values of their head, mean "
        "and worst. *Forced*: the run is given the ids of the full run, so each map shows only what its own attention "
        "lost: the error of the last map's logits (Euclidean, relative), the share of ids that are the same as with "
        "the full cache, and the mean squared error of the picture of those ids. *Free*: the run continues with the "
        "ids that it draws, so a wrong id of a small map changes all larger maps. *Ids unreadable*: how many of the "
        f"{rows[0]['secret_ids']} ids of the first four maps are misread from the answers of the last map in a forced "
        "run, each with all others known, by least squares against the exact network, on "
        f"{SPEC['read']} of the pictures. For comparison: pictures of the same classes from another seed have a mean "
        f"squared error of {about['other_seed_error']:.2g}.",
        "",
        "| cache | state, bytes | trace error, mean | worst | forced logits | forced ids | forced picture | free ids "
        "| free picture | ids unreadable |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in sorted(rows, key=lambda row: (row["cache"], -row["state_bytes"])):
        lines.append(
            f"| {told(row)} | {row['state_bytes']:,} | {row['trace_error']:.2g} | {row['trace_error_worst']:.2g} "
            f"| {row['forced_logit_error']:.2g} | {100 * row['forced_agreement']:.0f} % "
            f"| {row['forced_image_error']:.2g} | {100 * row['agreement']:.0f} % | {row['image_error']:.2g} "
            f"| {row['ids_unreadable']:g} |"
        )
    promised = sorted({row["cache"] for row in rows if find_cache(row["cache"]).facts().family == "guaranteed"})
    lines += [
        "",
        f"The error of {', '.join(promised)} is proved for values in [0, 1]. The values of a network lie outside of "
        "that range, and caches on lattices clip them, so these rows show what such caches do outside of their "
        "promise.",
        "",
        "Whether a classifier still recognizes the digit does not measure a cache: the class enters every layer beside "
        "the cache, and a network whose cache is thrown away still draws its class.",
        "",
    ]
    if refused:
        reasons: dict[str, list[str]] = {}
        for name, reason in refused.items():
            reasons.setdefault(reason, []).append(name)
        lines += ["## Not in the table", ""]
        # A reason begins with the class of its error.
        lines += [
            f"* {', '.join(sorted(names))}: {reason.partition(': ')[2]}" for reason, names in sorted(reasons.items())
        ]
        lines.append("")
    lines += ["Made by `python -m experiments pictures`.", ""]
    return "\n".join(lines)


def _draw(studio: Studio) -> None:
    from lowerbound.report.figure import save as save_figure
    from lowerbound.report.pictures import drawn_figure

    rows: list[Drawn] = [studio.full]
    for name in SHOWN:
        cache, _, budget = name.partition("@")
        rows.append(studio.drawn(cache, budget=Fraction(budget)))
    save_figure(drawn_figure(rows, "digits: the same random numbers under each cache"), GRID)

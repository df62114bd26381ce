"""Floors and claims as sentences: what is forced, what is enough, by whom it is proved, in which computation model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lowerbound.certify.floors import R1, Floor
from lowerbound.certify.theorems import PROVED, THEOREMS
from lowerbound.core.scalars import counted, plainly, rounded_down, rounded_up
from lowerbound.core.sums import realised_streams

if TYPE_CHECKING:
    from lowerbound.certify.certified import Certified
    from lowerbound.game.duel import Row

COQ_ALONE = {
    "E1": "Coq alone proves more than Theorem E1, by chains of tilts (lemma clique_tilts), which no certificate has "
    "yet: docs/cliques.md."
}
"""By theorem: what is proved beyond its certificates, and where it stands."""


def floor_text(floor: Floor) -> str:
    """A floor as sentences and a table; it names the computation model, and for every bound who checked its proof."""
    place, model = floor.geometry, floor.model
    total = counted(place.n_tokens if model is None else model.n_tokens, "token")
    streams = (
        f"{counted(floor.streams, 'stream')} (heads x layers x CFG branches)"
        if floor.placed is None
        else f"{counted(floor.streams, 'key-value head')} in all layers"
    )
    lines = [
        f"{place.name}: {place.n_tokens_cached:,} of {total} cached before the last scale, d = {place.d}, {streams}",
        f"computation model {R1}",
        f"at eta = {plainly(floor.eta)} (additive, values in [0, 1]; in Theorem A relative), delta = "
        f"{plainly(floor.delta)}, |logit| <= {plainly(place.largest_logit)} between unit vectors:",
        "",
        f"{'floor':28}{'one head':>19}{'of fp16':>11}{'all heads':>18}",
        f"{'fp16 cache (K and V)':28}{floor.cache_bits:>14,} bits{100:>9.2f} %"
        f"{floor.total_cache_bits / 8e6:>15,.3f} MB",
    ]
    rows: list[tuple[str, Callable[[Floor], float], str]] = [
        ("Theorem A, relative eta", lambda one: one.paper_bits, THEOREMS["A"].proof(floor.delta)),
        ("Theorem B, values", lambda one: one.values_bits, THEOREMS["B"].proof(floor.delta)),
    ]
    told = {"A", "B"}
    for best, best_of in ((floor.checked, type(floor).checked_bits), (floor.proved, type(floor).proved_bits)):
        if best is not None and best.theorem.name not in told:
            told.add(best.theorem.name)
            rows.append((f"Theorem {best.theorem.name}, keys and values", best_of, best.proof))
    for name, bits_of, proof in rows:
        exact, whole = Fraction(bits_of(floor)), Fraction(floor.total(bits_of))
        share, total_mb = exact * 100 / floor.cache_bits, whole / (8 * 10**6)
        lines.append(
            f"{name:28}{rounded_down(exact, 0):>14} bits{rounded_down(share, 2):>9} %"
            f"{rounded_down(total_mb, 3):>15} MB  {proof}".rstrip()
        )
    lines.append("")
    lines += [f"Theorem {name} is about {THEOREMS[name].scope}." for name in sorted(told) if THEOREMS[name].scope]
    lines += [COQ_ALONE[name] for name in sorted(told) if name in COQ_ALONE]
    lines += [f"Theorem {name} is left out: {why}." for name, why in floor.passed_over.items()]
    lines += _refusals(floor.refused)
    if floor.placed is not None:
        lines += [
            f"{counted(one.layers, 'layer')} with {one.what}: {counted(one.geometry.n_tokens_cached, 'token')}, "
            f"{counted(one.heads, 'free head')} per layer"
            for one in floor.placed.shares
        ]
        lines += [f"{note[0].upper()}{note[1:]}." for note in floor.placed.notes]
    if model is not None:
        realised = realised_streams(model)
        lines.append(
            f"The total assumes {counted(floor.streams, 'independent stream')}. Free at once in one network: "
            f"{realised.streams} ({realised.why})."
        )
    lines += ["", "Computation models, never mixed:"]
    lines += [f"{name}  {answer.says}." for name, answer in floor.models.items()]
    return "\n".join(lines)


def _refusals(refused: Mapping[str, str]) -> list[str]:
    """Sentences on theorems that say nothing, by name; theorems that say nothing for one reason share a sentence."""
    reasons: dict[str, list[str]] = {}
    for name, why in refused.items():
        reasons.setdefault(why.partition(" does not bound ")[2], []).append(name)
    return [
        f"Theorem {names[0]} does not bound {why}."
        if len(names) == 1
        else f"Theorems {', '.join(names)} do not bound {why}."
        for why, names in reasons.items()
    ]


def _nearest(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def possible_text(answer: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """What is proved about a claimed compression: the bits asked for, the floors and the best proved cache, by size.

    Notes of the place, such as a cap that it does not state itself, are sentences before the last line.
    """
    plain, asked = answer["cache_bits"], answer["budget_bits"]
    ratio, eta, delta = (plainly(answer[name]) for name in ("ratio", "eta", "delta"))
    promise = f"additive, values in [0, 1], |logit| <= {answer['logit_cap']}), failure probability {delta}; model R1"
    lines = [
        f"{answer['model']}, one head: {plain:,} bits of fp16 keys and values; asked for 1/{ratio} of it",
        f"every answer within {eta} ({promise}",
        "",
    ]
    # What is possible is rounded down, and what is impossible above up, so that no text says more than is proved.
    rows: list[tuple[str, float, str, Callable[[float, int], str]]] = [("asked for", asked, "", _nearest)]
    for key in ("machine_checked_floor", "floor"):
        floor = answer[key]
        if floor is not None and not (key == "floor" and floor == answer["machine_checked_floor"]):
            rows.append((f"floor, Theorem {floor['theorem']}", floor["bits"], floor["proof"], rounded_down))
    achieved = answer["achieved"]
    code = "proved error; a fixed-length code that exists"
    rows.append((f"cache {achieved['cache']}", achieved["bits"], code, rounded_up))
    for name, bits, note, rounded in sorted(rows, key=lambda row: row[1]):
        lines.append(f"{name:28}{rounded(bits, 0):>14} bits{rounded(100 * bits / plain, 2):>9} %  {note}".rstrip())
    lines.append("")
    lines += [f"{note[0].upper()}{note[1:]}." for note in notes]
    lines += _refusals(answer["refused"])
    lines += [""] if notes or answer["refused"] else []
    possible, above = answer["largest_possible_ratio"], answer["no_ratio_above"]
    lines.append(
        f"at this error the fp16 cache can be compressed {rounded_down(possible, 2)} times"
        + ("" if above is None else f", and not more than {rounded_up(above, 2)} times")
    )
    return "\n".join(lines)


def whole_family_text(forced: Certified, rows: Sequence[Row]) -> str:
    """The floor on a whole family of which the rows play a part, and the rows whose messages are shorter."""
    from lowerbound.report.table import label

    short = [label(row) for row in rows if row.state_bits < forced.bits * row.heads]
    lines = [
        f"Theorem {forced.theorem.name} ({forced.proof}) forces {forced.bits:,} bits per head on the whole "
        f"family, at eta = {rows[0].eta:g} and delta = 0; the table's floors are of the symbols that were played.",
    ]
    if short and forced.status in PROVED:
        lines.append(f"A cache whose messages are all as short as those of {', '.join(short)} errs on some instance.")
    return "\n".join(lines)

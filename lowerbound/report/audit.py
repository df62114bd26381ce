"""An audit for a terminal, as one row of a table, and as a badge."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from lowerbound.core.scalars import counted
from lowerbound.errors import printable
from lowerbound.report.fitted import Fitted
from lowerbound.report.terminal import say

if TYPE_CHECKING:
    from lowerbound.foreign.defendant import Defendant

MOST_ENTRIES = 12
"""The lines of a ledger that a terminal gets."""
BAR = 40
COLOURS = {
    "keeps": "#1a7f4b",
    "misstates": "#b3541e",
    "misreads": "#a32638",
    "breaks": "#a32638",
    "impossible": "#6b2d5c",
    "refused": "#666666",
}
"""The colour of a badge by its verdict."""


def bars(told: dict[str, Any]) -> list[tuple[str, float, str]]:
    """What a picture of an audit compares: (name, bytes, how that is known), fp16 first and the floor last."""
    whole = told["fp16_bytes"]
    if whole is None:
        return []
    found = [("fp16", float(whole), "keys and values of the cached tokens")]
    if told["claimed_ratio"] is not None:
        said = "as stated" if told["claimed_by"] == "--claim" else f"as {told['claimed_by']} says"
        found.append(("claimed", whole / told["claimed_ratio"], f"{told['claimed_ratio']:.3g}x, {said}"))
    if told["held_bytes"] is not None:
        found.append(("held", float(told["held_bytes"]), f"{told['held_ratio']:.3g}x, weighed in its process"))
    if told["sent_bytes"] is not None:
        found.append(("sent", float(told["sent_bytes"]), f"{told['sent_ratio']:.3g}x, the message that crossed"))
    if told["packed_ratio"] is not None:
        packed = whole / told["packed_ratio"]
        found.append(("packed", packed, f"{told['packed_ratio']:.3g}x, if it packed its integers"))
    proved, heads = told["proved"], told["geometry"]["heads"]
    if proved is not None and heads is not None:
        for name, floor in (("floor", proved["machine_checked_floor"]), ("on paper", proved["floor"])):
            if floor is not None and not (name == "on paper" and floor == proved["machine_checked_floor"]):
                said = f"no cache below at eta = {told['eta']:g}: Theorem {floor['theorem']}, {floor['proof']}"
                found.append((name, floor["bits"] / 8 * heads, said))
    return found


def heads_of(place: dict[str, Any]) -> str:
    """The heads that were played, in words."""
    heads, layers = place["heads"], place["layers"]
    return "one head" if heads == 1 else f"{heads} heads in {counted(layers, 'layer')}"


def pictures_sentence(told: dict[str, Any]) -> str:
    """What the cache did to pictures of a trained network, in one sentence."""
    drawn = told["pictures"]
    if drawn is None:
        return f"pictures: none ({printable(told['pictures_refused'] or 'it drew no digits')})"
    return (
        f"pictures: {counted(drawn['pictures'], 'digit')} of a trained VAR, drawn freely: "
        f"{100 * drawn['agreement']:.0f} % of ids as with the full cache, picture error {drawn['image_error']:.2g}; "
        f"answers off by {drawn['trace_error']:.2g} of the range of values on average, "
        f"{drawn['trace_error_worst']:.2g} at worst"
    )


def audit_text(told: dict[str, Any]) -> None:
    """Print an audit: who, the bars, what was misread, the ledger, the reasons and the verdict."""
    place = told["geometry"]
    version = f" {told['version']}" if told["version"] else ""
    say(printable(f"{told['target']} ({told['package']}{version})"))
    if place["heads"] is not None:
        say(
            f"{place['model']}: {counted(place['tokens'], 'cached token')} in R^{place['d']}, {heads_of(place)}; "
            "fp16 means 16 bits per number"
        )
    shown = bars(told)
    for name, size, how in shown:
        bar = "█" * max(1, round(BAR * min(1.0, size / max(each[1] for each in shown))))
        say(f"  {name:8} {bar:{BAR}} {size:>11,.0f} bytes  {printable(how)}")
    if told["long"] is not None:
        long = told["long"]
        place = f"{long['tokens']:,} tokens in R^{long['d']}"
        say(f"  at {place} what it holds is a compression of {long['held_ratio']:.2f}x")
    if told["error"] is not None:
        print(f"misread: {100 * told['error']:.3g} % of bits at rest", end="")
        print("" if told["keys_error"] is None else f", {100 * told['keys_error']:.3g} % of symbols in keys", end="")
        print(f" (eta = {told['eta']:g})")
    say(pictures_sentence(told))
    if told["ledger"]:
        say("\nheld, largest first:")
        for entry in told["ledger"][:MOST_ENTRIES]:
            shape = f" {tuple(entry['shape'])}" if entry["shape"] else ""
            note = f"  [{entry['note']}]" if entry["note"] else ""
            path = entry["path"] or "(structure)"
            say(printable(f"  {entry['bytes']:>11,}  {path} {entry['dtype']}{shape}{note}"))
        if len(told["ledger"]) > MOST_ENTRIES:
            rest = told["ledger"][MOST_ENTRIES:]
            say(f"  {sum(entry['bytes'] for entry in rest):>11,}  in {counted(len(rest), 'smaller thing')}")
    if told["reasons"]:
        say()
    for reason in told["reasons"]:
        say(f"- {printable(reason)}")
    say(str(told["verdict"]).upper())


def audit_table(found: Sequence[dict[str, Any]]) -> Fitted:
    """Audits as rows: target, claim, held, sent, packed, misread, verdict."""
    table = Fitted(title="audits of installed packages")
    columns = ("target", "version", "claims", "holds", "sends", "packed", "bits misread", "keys misread", "verdict")
    for column in columns:
        table.add_column(column, justify="left" if column in ("target", "verdict") else "right", overflow="fold")
    for told in found:
        ratios = (told[name] for name in ("claimed_ratio", "held_ratio", "sent_ratio", "packed_ratio"))
        shares = (told[name] for name in ("error", "keys_error"))
        table.add_row(
            printable(told["target"]),
            told["version"] or "-",
            *("-" if ratio is None else f"{ratio:.2f}x" for ratio in ratios),
            *("-" if share is None else f"{100 * share:.3g} %" for share in shares),
            told["verdict"],
        )
    return table


def skipped_text(targets: Sequence[Defendant], skipped: dict[str, str]) -> str:
    """Which packages were looked at and offer nothing."""
    if not targets and not skipped:
        return "no installed package depends on torch, transformers or kvpress"
    told = [f"{printable(name)}: {why}" for name, why in sorted(skipped.items())]
    return "\n".join([f"{counted(len(targets), 'target')} in installed packages", *told])


def badge(told: dict[str, Any]) -> str:
    """One line of an audit as an SVG: the name of the package, what it holds, and the verdict."""
    left = str(told["package"])
    held = "" if told["held_ratio"] is None else f"holds {told['held_ratio']:.2f}x, "
    right = f"{held}{told['verdict']}"
    widths = [round(6.6 * len(text) + 14) for text in (left, right)]
    colour = COLOURS[str(told["verdict"])]
    texts = zip((left, right), (widths[0] / 2, widths[0] + widths[1] / 2), strict=True)
    drawn = "".join(f'<text x="{x:g}" y="14" text-anchor="middle">{escape(text)}</text>' for text, x in texts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sum(widths)}" height="20" role="img" '
        f'aria-label="{escape(left)}: {escape(right)}"><rect width="{widths[0]}" height="20" fill="#444"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{drawn}</g></svg>\n'
    )

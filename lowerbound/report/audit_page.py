"""An audit as a page: one file that asks for nothing else, for light and dark screens and for phones."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

from lowerbound import __version__
from lowerbound.report.audit import bars, heads_of

MOST_ENTRIES = 200
"""The lines of the ledger on the page."""


def page(told: dict[str, Any]) -> str:
    """The page of an audit, from the JSON object that `audit --json` prints.

    Contract: every text of the object is escaped; the page loads nothing.
    """
    template = files("lowerbound.report").joinpath("audit_page.html").read_text(encoding="utf-8")
    parts = {
        "TITLE": escape(f"{told['package']} {told['version'] or ''}".strip()),
        "TARGET": escape(told["target"]),
        "VERDICT": escape(str(told["verdict"])),
        "HEADLINE": _sentence(told["reasons"][0]) if told["reasons"] else "",
        "PLACE": _place(told),
        "BARS": _bars(told),
        "FACTS": _facts(told),
        "REASONS": "".join(f"<li>{_sentence(reason)}</li>" for reason in told["reasons"])
        or "<li>nothing was found</li>",
        "WITNESS": _witness(told),
        "LEDGER": _ledger(told),
        "COMMAND": escape(command(told)),
        "VERSION": escape(__version__),
    }
    for name, text in parts.items():
        template = template.replace(f"<!--{name}-->", text)
    return template


def command(told: dict[str, Any]) -> str:
    """The command that repeats an audit."""
    claim = "" if told["claimed_ratio"] is None else f" --claim {told['claimed_ratio']:g}"
    return f"lowerbound audit '{told['target']}'{claim} --eta {told['eta']:g}".replace("\n", " ")


def _sentence(text: str) -> str:
    """A sentence whose paths, between backquotes, are code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def _place(told: dict[str, Any]) -> str:
    place = told["geometry"]
    heads = "" if place["heads"] is None else f", {heads_of(place)}"
    return escape(
        f"{place['model']}: {place['tokens']:,} cached tokens in R^{place['d']}{heads}; eta = {told['eta']:g}"
    )


def _bars(told: dict[str, Any]) -> str:
    shown = bars(told)
    most = max((size for _, size, _ in shown), default=1.0)
    return "".join(
        f"<div class='bar {escape(name.replace(' ', '-'))}'><b>{escape(name)}</b>"
        f"<span class='track'><i style='width:{100 * size / most:.2f}%'></i></span>"
        f"<span class='n'>{size:,.0f} bytes</span><small>{escape(how)}</small></div>"
        for name, size, how in shown
    )


def _facts(told: dict[str, Any]) -> str:
    def share(value: float | None) -> str:
        return "not played" if value is None else f"{100 * value:.3g} %"

    rows = [("bits at rest misread", share(told["error"])), ("symbols in keys misread", share(told["keys_error"]))]
    if told["own_ratio"] is not None:
        rows.append(("its own meter", f"{told['own_ratio']:.3g}x"))
    if told["long"] is not None:
        long = told["long"]
        rows.append((f"held at {long['tokens']:,} tokens, d = {long['d']}", f"{long['held_ratio']:.2f}x"))
    if told["pictures"] is not None:
        rows.append(("ids of digits that a trained VAR draws alike", f"{100 * told['pictures']['agreement']:.0f} %"))
        rows.append(("its worst error on them, of the range of values", f"{told['pictures']['trace_error_worst']:.2g}"))
    if told["proved"] is not None:
        achieved = told["proved"]["achieved"]
        rows.append(("enough, proved", f"{told['proved']['largest_possible_ratio']:.2f}x ({achieved['cache']})"))
    return "".join(f"<tr><td>{escape(name)}</td><td class='n'>{escape(value)}</td></tr>" for name, value in rows)


def _witness(told: dict[str, Any]) -> str:
    found = told["witness"]
    if found is None:
        return "<p>The adversary broke nothing within its time, which proves nothing.</p>"
    exact, answer, eta = found["exact"], found["answer"], told["eta"]
    low, high = min(0.0, exact - eta, answer), max(1.0, exact + eta, answer)

    def x(value: float) -> float:
        return float(20 + 560 * (value - low) / (high - low))

    left, right = x(exact - eta), x(exact + eta)
    drawn = (
        "<svg viewBox='0 0 600 78' role='img' aria-label='The answer beside the exact value'>"
        "<line x1='20' x2='580' y1='40' y2='40' class='axis'/>"
        f"<rect x='{left:.1f}' width='{max(1.0, right - left):.1f}' y='30' height='20' class='ok'/>"
        f"<circle cx='{x(exact):.1f}' cy='40' r='5' class='exact'/>"
        f"<circle cx='{x(answer):.1f}' cy='40' r='5' class='bad'/>"
        f"<text x='{x(exact):.1f}' y='20' text-anchor='middle'>exact {exact:.4g}</text>"
        f"<text x='{x(answer):.1f}' y='70' text-anchor='middle'>answer {answer:.4g}</text></svg>"
    )
    words = (
        f"<p>{found['tokens']} tokens in R^{found['d']}, found by the attack <em>{escape(found['attack'])}</em>: "
        f"the answer is off by {found['error_over_eta']:.3g} eta.</p>"
    )
    return words + drawn + _rows(found["rows"])


def _rows(rows: dict[str, Any] | None) -> str:
    if rows is None:
        return ""

    def text(row: list[float]) -> str:
        return escape(" ".join(f"{number:.4g}" for number in row))

    lines = "".join(
        f"<tr><td class='n'>{number}</td><td>{text(key)}</td><td>{text(value)}</td></tr>"
        for number, (key, value) in enumerate(zip(rows["keys"], rows["values"], strict=True))
    )
    return (
        "<div class='wide'><table><tr><th>token</th><th>key</th><th>value</th></tr>"
        f"{lines}<tr><td>asked</td><td>{text(rows['asked'])}</td><td>coordinate {rows['coordinate']}</td></tr>"
        "</table></div>"
    )


def _ledger(told: dict[str, Any]) -> str:
    shown = told["ledger"][:MOST_ENTRIES]
    lines = "".join(
        f"<tr><td><code>{escape(entry['path'] or '(structure)')}</code></td><td>{escape(entry['dtype'])}</td>"
        f"<td>{escape(' x '.join(map(str, entry['shape'])))}</td><td class='n'>{entry['bytes']:,}</td>"
        f"<td>{escape(entry['note'])}</td></tr>"
        for entry in shown
    )
    rest = told["ledger"][MOST_ENTRIES:]
    if rest:
        size = sum(entry["bytes"] for entry in rest)
        lines += f"<tr><td>{len(rest)} more</td><td></td><td></td><td class='n'>{size:,}</td><td></td></tr>"
    if not lines:
        return "<p>A cache of this package's interface has no ledger: what it holds is the message it sends.</p>"
    return (
        "<div class='wide'><table><tr><th>path</th><th>format</th><th>shape</th><th>bytes</th><th>what is odd</th></tr>"
        f"{lines}</table></div>"
    )

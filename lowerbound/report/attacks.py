"""The trials of an adversary and their outcome, for a terminal."""

from __future__ import annotations

from lowerbound.adversary.outcome import Broken, NotBroken, called
from lowerbound.core.scalars import counted
from lowerbound.errors import printable
from lowerbound.report.fitted import Fitted

MOST_ROWS = 24
"""If there are more trials than this, only the best trial of each attack is shown."""
MOST_NUMBERS = 64
"""Instances with at most this many key entries are printed whole."""


def attack_table(outcome: Broken | NotBroken) -> Fitted:
    """One line per trial: the attack, its place, how many queries it asked, and the worst answer's error over eta."""
    terms = outcome.terms
    budget = "" if terms.budget is None else f" at budget {terms.budget}"
    table = Fitted(
        title=f"attacks on {printable(outcome.cache)}{budget}: {terms.guarantee} eta {terms.eta}", title_style="bold"
    )
    for column in ("attack", "place", "asked", "failed", "error / eta", "s", "note"):
        left = column in ("attack", "place", "note")
        table.add_column(column, justify="left" if left else "right", overflow="fold")
    rows = outcome.tried
    if len(rows) > MOST_ROWS:
        best = {trial.attack: trial for trial in sorted(rows, key=lambda trial: trial.ratio or 0)}
        rows = tuple(trial for trial in rows if best[trial.attack] is trial)
        table.caption = f"the best of each attack, of {counted(len(outcome.tried), 'trial')}"
    for trial in rows:
        ratio = "-" if trial.ratio is None else f"{trial.ratio:.3g}"
        words = (trial.attack, trial.place, str(trial.asked), str(trial.failed), ratio, f"{trial.seconds:.2f}")
        table.add_row(*words, printable(trial.note))
    return table


def broken_text(broken: Broken) -> str:
    """The violation in words, with its tokens if they are few."""
    found, tokens = broken.violation, broken.violation.instance.tokens
    where = f"coordinate {found.coordinate}"
    if broken.terms.stack != (1, 1):
        where += f" of head {found.head} of layer {found.layer}"
    lines = [
        f"broken by {broken.attack} in {broken.seconds:.2f} s; shrunk to {counted(len(tokens.keys), 'token')}, "
        f"{called(broken.terms)}, and asked again in a fresh process: {broken.total_seconds:.2f} s in all",
        f"answer {found.answer:.6g}, truth {found.exact:.6g} at {where}: error / eta = {found.ratio:.4g}",
        f"control: keys and values in fp16, on the same tokens: error / eta = {broken.control:.3g}",
    ]
    if tokens.keys.size <= MOST_NUMBERS:
        schedule = broken.terms.schedule
        for row in range(len(tokens.keys)):
            parts = (f"{name} {_row(getattr(tokens, name)[row].tolist())}" for name in ("keys", "values", "queries"))
            lines.append(f"  scale {schedule.scale_of(row)}: " + ", ".join(parts))
        lines.append(f"  asked:   {_row(found.instance.queries[0].tolist())}")
    return "\n".join(lines)


def not_broken_text(outcome: NotBroken) -> str:
    """The sentence for a search that broke nothing, which proves nothing."""
    asked = sum(trial.asked for trial in outcome.tried)
    ended = "everything was tried" if outcome.in_time else "the time limit ended the search"
    return f"{counted(asked, 'instance')} in {outcome.total_seconds:.1f} s, and {ended}; this proves nothing"


def seed_text(outcome: Broken | NotBroken) -> str:
    """The option that repeats the search."""
    return f"drawn with --instance-seed {outcome.instances.opening}"


def _row(entries: list[float]) -> str:
    return "(" + ", ".join(f"{entry:g}" for entry in entries) + ")"

"""Which token ids the answers of a recorded image's last scale tell, with the full cache and with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import CachesOption, IsolationOption, JsonOption, print_json, progress, working
from lowerbound.cli.trace import FileArgument
from lowerbound.report.terminal import say

if TYPE_CHECKING:
    from lowerbound.var.simulator.network import Precision

DEFAULT_ETAS = "0.1,0.03,0.01,0.003"


def ids(
    file: FileArgument,
    caches: CachesOption = None,
    network: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME|FILE", help="The weights; default: those that the trace names."),
    ] = None,
    etas: Annotated[
        list[str] | None, typer.Option("--eta", metavar="X", help="Errors of answers, in units of the range of values.")
    ] = None,
    joint: Annotated[
        bool, typer.Option("--joint", help="Read all ids at once too, by the best reader there is: minutes.")
    ] = False,
    isolation: IsolationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which ids of an image can be told from its last map's answers, by who knows the weights.

    One id is secret at a time; the class, all other ids and the queries are known. That shows what a cache lost, and
    bounds no cache's bits. With --joint the ids of all maps but the last two are secret together.
    """
    from lowerbound.core.kinds import at_budgets
    from lowerbound.core.scalars import rational
    from lowerbound.game.channel import Isolation
    from lowerbound.var.replay.joint_ids import JointReader
    from lowerbound.var.replay.trace_ids import TraceIds, Unreadable
    from lowerbound.var.simulator.network import threads_for
    from lowerbound.var.simulator.pipeline import FullCache, Remembering
    from lowerbound.var.simulator.plugged import Plugged, terms_of
    from lowerbound.var.simulator.plugging import plug
    from lowerbound.var.simulator.weights import source_of
    from lowerbound.var.trace.file import read_trace

    texts = listed(etas, "--eta") or DEFAULT_ETAS.split(",")
    errors = [rational(text, name="eta") for text in texts]
    named = at_budgets(caches or [], [None])
    trace = read_trace(file)
    source = source_of(network or trace.model_name)
    level = None if isolation is None else Isolation(isolation.value)
    precision: Precision = "float64" if joint else "float32"
    with working("the network of the trace, and its answers"):
        found = TraceIds.of(trace, source.network(seed=int(trace.metadata.get("seed", "0")), precision=precision))
        together = JointReader(found.reader) if joint else None
    model, secrets, separations = found.network.model, found.reader.secrets, []
    rows: list[Unreadable] = []

    def add(name: str, memory: Remembering) -> None:
        answers = found.answers(memory)
        read = None if together is None else together.read(answers, lambda what: begin(f"{name}: {what}"))
        told = memory.told_budget if isinstance(memory, Plugged) else None
        label = name if told is None else f"{name}@{told}"
        rows.append(Unreadable(label, found.wrong_by_map(answers), None if read is None else list(read.wrong)))

    with threads_for(model), progress(0 if joint else len(secrets) + 1 + len(named)) as begin:
        for secret in secrets:
            begin(f"map {secret.scale + 1}, id {secret.token + 1}")
            separations.append(found.reader.separation(secret, found.ranges, [float(error) for error in errors]))
        begin("full cache")
        add("full cache", FullCache())
        for name, share in named:
            begin(name)
            budget = None if share is None else rational(share, name="budget")
            with plug(name, level) as plugged:
                add(name, plugged.into(terms_of(model, budget=budget, seed=0), model.cfg_branches))
    if as_json:
        print_json(
            {
                "file": str(file),
                "weights": trace.weights,
                "condition": found.condition,
                "etas": [str(error) for error in errors],
                "ids": [
                    {"map": one.secret.scale, "token": one.secret.token, "least": one.least, "apart": list(one.apart)}
                    for one in separations
                ],
                "caches": [row.to_json() for row in rows],
            }
        )
        return
    from lowerbound.report.ids import ids_text, separations_table, unreadable_table
    from lowerbound.report.terminal import console

    console().print(separations_table(separations, texts, found.reader.n_alternatives))
    console().print(unreadable_table(rows, separations))
    say(ids_text(len(secrets), found.reader.n_alternatives, joint=joint))

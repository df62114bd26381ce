"""The command line: parse, call, print, exit code.

Exit codes: 0 done, 1 refuted (a cache broke its contract, or a point fell under the floor), 2 unusable arguments,
3 not decided (a time limit). Results go to standard output, talk to standard error; `--json` prints one object.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from lowerbound import __version__
from lowerbound.cli.adversary import attack
from lowerbound.cli.bounds import demo, floor, models, reduce
from lowerbound.cli.certificates import certify, check
from lowerbound.cli.claims import possible
from lowerbound.cli.figures import figures
from lowerbound.cli.games import caches, play
from lowerbound.cli.grammar import Chapter, ChapteredGroup, StrictCommand
from lowerbound.cli.notebooks import notebooks
from lowerbound.cli.proofs import verify
from lowerbound.cli.regimes import dimension, phase, time
from lowerbound.cli.replay import cache, decode, f_hat, state
from lowerbound.cli.structures import structures
from lowerbound.cli.sweeps import results, sweep
from lowerbound.cli.trace import check as check_trace
from lowerbound.cli.trace import compare, inspect, record
from lowerbound.cli.trace import play as play_trace
from lowerbound.cli.var import ranks, realise, simulate, sums
from lowerbound.errors import LowerBoundError


class _Main(ChapteredGroup):
    chapters = (
        Chapter(
            "Understand the bound",
            ("floor", "possible", "reduce", "models", "structures", "dimension", "phase", "time", "demo"),
            ("floor var-d16 --eta 0.01", "possible var-d30 --ratio 10 --eta 0.01"),
        ),
        Chapter(
            "Your cache",
            ("play", "attack", "caches"),
            ("play h2o kivi --budget 1/4,1/2", "attack mine:Cache -o witness.json"),
        ),
        Chapter(
            "The proof",
            ("verify", "certify", "check"),
            ("certify var-d16 --eta 0.01 -o floor.json", "check floor.json"),
        ),
        Chapter(
            "Visual autoregressive models",
            ("var", "trace"),
            ("var simulate tiny --cache h2o --budget 1/4", "trace compare image.safetensors"),
        ),
        Chapter(
            "Experiments and teaching",
            ("sweep", "results", "figures", "notebooks"),
            ("sweep axes.toml --store rows.db", "notebooks --to ipynb"),
        ),
    )


app = typer.Typer(
    name="lowerbound",
    cls=_Main,
    help="The KV-cache memory lower bound for visual autoregressive transformers: stated, played and measured.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"lowerbound {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """The KV-cache memory lower bound for visual autoregressive transformers: stated, played and measured."""


COMMANDS = (
    *(floor, reduce, play, attack, caches, models, demo, possible, certify),
    *(check, verify, structures, dimension, phase, time, sweep, figures, notebooks),
)
"""In the order of a reader."""

for command in COMMANDS:
    app.command(cls=StrictCommand)(command)
app.add_typer(results, name="results")

VAR_COMMANDS = (simulate, ranks, realise, sums, state, cache, f_hat, decode)
"""Of `lowerbound var`, in the order of a reader."""

var = typer.Typer(no_args_is_help=True, help="The pipeline of visual autoregressive models, simulated and settled.")
for var_command in VAR_COMMANDS:
    var.command(cls=StrictCommand)(var_command)
app.add_typer(var, name="var")

TRACE_COMMANDS = (record, inspect, check_trace, play_trace, compare)
"""Of `lowerbound trace`, in the order of a reader."""

trace = typer.Typer(no_args_is_help=True, help="Recorded attention: checked, and measured against the worst case.")
for trace_command in TRACE_COMMANDS:
    trace.command(cls=StrictCommand)(trace_command)
app.add_typer(trace, name="trace")


def _fail(sentence: str, exit_code: int) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(exit_code)


def main() -> None:
    """Run the command line; an error of this package becomes one sentence and its exit code."""
    try:
        app()
    except LowerBoundError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except OSError as error:
        _fail(f"the file system refused: {error}", 2)

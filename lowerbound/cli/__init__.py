"""The command line: parse, call, print, exit code.

Exit codes: 0 done, 1 refuted (a cache broke its contract or its promise, a claim is impossible, a point fell under the
floor, a document was rejected), 2 unusable arguments, 3 not decided (a time limit, too little memory), 4 a defect of
this package. Results go to standard output, progress and warnings to standard error; `--json` prints one JSON object.
"""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from lowerbound import __version__
from lowerbound.cli.adversary import attack
from lowerbound.cli.audit import audit
from lowerbound.cli.bounds import floor, models, reduce
from lowerbound.cli.certificates import certify, check
from lowerbound.cli.claims import possible
from lowerbound.cli.demo import demo
from lowerbound.cli.draw import draw
from lowerbound.cli.figures import figures
from lowerbound.cli.games import caches, play
from lowerbound.cli.grammar import Chapter, ChapteredGroup, StrictCommand, debugging, show_traceback
from lowerbound.cli.ids import ids
from lowerbound.cli.notebooks import notebooks
from lowerbound.cli.proofs import verify
from lowerbound.cli.regimes import dimension, phase, time
from lowerbound.cli.replay import cache, decode, f_hat, state
from lowerbound.cli.signals import stopped_in_order
from lowerbound.cli.structures import structures
from lowerbound.cli.sweeps import results, sweep
from lowerbound.cli.trace import check as check_trace
from lowerbound.cli.trace import compare, inspect, keys, record
from lowerbound.cli.trace import play as play_trace
from lowerbound.cli.var import ranks, realise, simulate, sums
from lowerbound.errors import DEFECT_EXIT_CODE, LowerBoundError, Undecided, printable
from lowerbound.report.terminal import shown_streams


class _Main(ChapteredGroup):
    chapters = (
        Chapter(
            "Understand the bound",
            ("floor", "possible", "reduce", "models", "structures", "dimension", "phase", "time", "demo"),
            ("floor var-d16 --eta 0.01", "possible var-d30 --ratio 10 --eta 0.01"),
        ),
        Chapter(
            "Your cache",
            ("audit", "play", "attack", "caches"),
            ("audit transformers:my_package:MyCache --claim 4", "play h2o kivi --budget 1/4,1/2"),
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
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", help="Show the traceback of an error too, as LOWERBOUND_DEBUG=1 does.", callback=debugging
        ),
    ] = False,
) -> None:
    """The KV-cache memory lower bound for visual autoregressive transformers: stated, played and measured."""


COMMANDS = (
    *(floor, reduce, audit, play, attack, caches, models, demo, possible, certify),
    *(check, verify, structures, dimension, phase, time, sweep, figures, notebooks),
)
"""The commands, in the order in which a new reader meets them."""

for command in COMMANDS:
    app.command(cls=StrictCommand)(command)
app.add_typer(results, name="results")

VAR_COMMANDS = (simulate, draw, ranks, realise, sums, state, cache, f_hat, decode)
"""The commands of `lowerbound var`, in the order in which a new reader meets them."""

var = typer.Typer(no_args_is_help=True, help="The pipeline of visual autoregressive models, simulated and settled.")
for var_command in VAR_COMMANDS:
    var.command(cls=StrictCommand)(var_command)
app.add_typer(var, name="var")

TRACE_COMMANDS = (record, inspect, keys, check_trace, play_trace, compare, ids)
"""The commands of `lowerbound trace`, in the order in which a new reader meets them."""

trace = typer.Typer(no_args_is_help=True, help="Recorded attention: checked, and measured against the worst case.")
for trace_command in TRACE_COMMANDS:
    trace.command(cls=StrictCommand)(trace_command)
app.add_typer(trace, name="trace")


def _fail(error: BaseException, sentence: str, exit_code: int) -> NoReturn:
    show_traceback(error)
    print(f"error: {printable(sentence)}", file=sys.stderr)
    sys.exit(exit_code)


def main() -> None:
    """Run the command line.

    Contract: an error of this package becomes one sentence and its exit code; any other exception becomes one sentence
    and exit code 4, so that a defect of this package never looks like a refutation. Foreign text is shown and not
    obeyed, and a signal ends every command in order.
    """
    with stopped_in_order():
        try:
            with shown_streams():
                _run()
        except OSError as error:  # the last flush of standard output
            _fail(error, f"the file system refused: {error}", 2)


def _run() -> None:
    try:
        app()
    except LowerBoundError as error:
        _fail(error, str(error), error.exit_code)
    except OSError as error:
        _fail(error, f"the file system refused: {error}", 2)
    except MemoryError as error:
        _fail(error, "not decided: the machine's memory is too small for these arguments", Undecided.exit_code)
    except Exception as error:
        what = f"unexpected: {type(error).__name__}: {' '.join(str(error).split())}"
        _fail(error, f"{what}; this is a defect of lowerbound; --debug shows where", DEFECT_EXIT_CODE)

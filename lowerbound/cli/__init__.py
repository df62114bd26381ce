"""The command line: parse, call, print, exit code.

Exit codes: 0 done, 1 refuted (a cache broke its contract or its promise, a claim is impossible, a point fell under the
floor, a document was rejected), 2 unusable arguments, 3 not decided (a time limit, too little memory), 4 a defect of
this package. Results go to standard output, progress and warnings to standard error; `--json` prints one JSON object.
"""

from __future__ import annotations

import gc
import sys
from typing import Annotated, NoReturn

import typer

from lowerbound import __version__
from lowerbound.cli.deferred import Deferred, group
from lowerbound.cli.grammar import Chapter, ChapteredGroup, debugging, show_traceback
from lowerbound.cli.signals import stopped_in_order
from lowerbound.errors import DEFECT_EXIT_CODE, LowerBoundError, Undecided, printable
from lowerbound.report.terminal import shown_streams

RESULTS = group(
    "results",
    "Look at what sweeps have put into a store.",
    (
        Deferred(
            "list", "sweeps", "List the sweeps of a store and how many units are finished.", function="list_sweeps"
        ),
        Deferred("show", "sweeps", "List every unit of a store with its outcome."),
        Deferred("export", "sweeps", "Export all rows as a table; equal rows give equal bytes."),
        Deferred("diff", "sweeps", "List the units on which two stores differ."),
    ),
)
VAR = group(
    "var",
    "The pipeline of visual autoregressive models, simulated and settled.",
    (
        Deferred("simulate", "var", "Generate an image with a cache in a network, of random or trained weights."),
        Deferred("draw", "draw", "Draw pictures with the full cache, and the same pictures under each other cache."),
        Deferred("ranks", "var", "Exact ranks of the map from token ids to each scale's input."),
        Deferred("realise", "var", "Solve for weights that give prescribed keys and values."),
        Deferred("sums", "var", "Show how the floors of heads add up for MODEL, and why."),
        Deferred("state", "replay", "Model R2, whole state: bits that the sampler must keep."),
        Deferred("cache", "replay", "Model R2, cache alone: bits needed to answer without f_hat."),
        Deferred("f-hat", "replay", "Model R3: bits that are needed even if f_hat is known."),
        Deferred("decode", "replay", "Decode all token ids of MODEL from noisy outputs."),
    ),
)
TRACE = group(
    "trace",
    "Recorded attention: checked, and measured against the worst case.",
    (
        Deferred("record", "trace", "Record the attention of one image in a network, of random or trained weights."),
        Deferred("inspect", "trace", "Measure lambda, key coherence, ranks and sparsity of every head."),
        Deferred("keys", "trace", "Measure which cached tokens a query could address among the recorded keys."),
        Deferred("check", "trace", "Recompute attention and compare it with the recorded outputs."),
        Deferred("play", "trace", "Play caches on the trace: bytes of state, and errors."),
        Deferred("compare", "trace", "Compare what caches need on this image with the worst case."),
        Deferred(
            "ids",
            "ids",
            "Show which ids of an image can be told from its last map's answers, by who knows the weights.",
        ),
    ),
)


class _Main(ChapteredGroup):
    chapters = (
        Chapter(
            "Understand the bound",
            (
                Deferred(
                    "floor", "bounds", "Compute lower bounds (floors) for MODEL: the bits that every cache must keep."
                ),
                Deferred(
                    "possible",
                    "claims",
                    "Is this compression possible as a worst-case guarantee? POSSIBLE, IMPOSSIBLE or OPEN.",
                ),
                Deferred("reduce", "bounds", "Follow one bit from Alice to Bob through one hard instance."),
                Deferred(
                    "models",
                    "bounds",
                    "List the models of the catalogues and their KV caches: image models, then language models.",
                ),
                Deferred(
                    "structures",
                    "structures",
                    "Show which structure of values or attention lowers the lower bound (floor), and a cache that "
                    "meets it.",
                ),
                Deferred(
                    "dimension",
                    "regimes",
                    "Bound how many unit keys of a given coherence fit in R^d: by construction, and by a certificate.",
                ),
                Deferred(
                    "phase",
                    "regimes",
                    "Find the logits from which caches need T d bits, and those up to which a proved coreset is "
                    "smaller.",
                ),
                Deferred(
                    "time",
                    "regimes",
                    "Count the cached rows that a reader looks at per query, for non-adaptive and adaptive readers.",
                ),
                Deferred(
                    "demo",
                    "demo",
                    "A demonstration: floors in bytes, a game of keys and values, one bit, pictures, published ratios.",
                ),
            ),
            ("floor var-d16 --eta 0.01", "possible var-d30 --ratio 10 --eta 0.01"),
        ),
        Chapter(
            "Your cache",
            (
                Deferred("audit", "audit", "Audit a cache: what it claims, holds and sends, and what it breaks."),
                Deferred("play", "games", "Play caches against the lower bound (floor): measure memory and error."),
                Deferred(
                    "attack",
                    "adversary",
                    "Attack CACHE: search for tokens on which its answers break its error guarantee.",
                ),
                Deferred("caches", "caches", "List the caches that can be played by name."),
            ),
            ("audit transformers:my_package:MyCache --claim 4", "play h2o kivi --budget 1/4,1/2"),
        ),
        Chapter(
            "The proof",
            (
                Deferred("verify", "proofs", "Check the proof: for each lemma, who checked it and on what it rests."),
                Deferred(
                    "certify",
                    "certificates",
                    "Certify the lower bound (floor) of MODEL in bits per head: a hard instance and its proof, for "
                    "`check`.",
                ),
                Deferred("check", "certificates", "Check whether FILE proves its claim; the last line is one word."),
            ),
            ("certify var-d16 --eta 0.01 -o floor.json", "check floor.json"),
        ),
        Chapter(
            "Visual autoregressive models",
            (VAR, TRACE),
            ("var simulate tiny --cache h2o --budget 1/4", "trace compare image.safetensors"),
        ),
        Chapter(
            "Experiments and teaching",
            (
                Deferred(
                    "sweep", "sweeps", "Run every combination of a specification that the store does not have yet."
                ),
                RESULTS,
                Deferred(
                    "figures",
                    "figures",
                    "Draw figures from the tables of `python -m experiments`, as PDF, SVG and PNG.",
                ),
                Deferred(
                    "notebooks",
                    "notebooks",
                    "List the teaching notebooks of the checkout, or convert them for Jupyter.",
                ),
            ),
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


COMMANDS = tuple(each for chapter in _Main.chapters for each in chapter.commands if isinstance(each, Deferred))
"""The commands that have no commands of their own, in the order in which help lists them."""


FEWEST_NEW_OBJECTS = 50_000
"""After which garbage is searched for: imports make many objects that stay, and searching them costs a short command
a twentieth of its time."""


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
    gc.set_threshold(FEWEST_NEW_OBJECTS)
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

"""Model R3: how many prefixes share one accumulated map f_hat, from the lattice of integer maps that vanish in f_hat.

Two prefixes share f_hat only if their difference, in each channel and at each scale, lies in the integer kernel of
[U_1 .. U_{N-2}]. That kernel contains constant maps of several scales whose sum is 0, because a constant is enlarged to
itself. If every other vector of the kernel is longer than a difference of prefixes can be, then prefixes that share
f_hat differ by constant maps alone.
"""

from __future__ import annotations

from math import factorial, gcd, lcm, prod
from typing import Any

from flint import fmpz_mat, nmod_mat

from lowerbound.kernel.codec import Rejected, fields, integer, shown, typed
from lowerbound.kernel.rules.lattice import PRIME, Rows, check_saturated, shortest
from lowerbound.kernel.rules.pyramid import read_maps, read_mode, resampling
from lowerbound.kernel.verdict import Outcome, Verdict

LEMMAS: tuple[str, ...] = ("f_hat_fibres",)
MOST_IDS = 1024
MOST_CELLS = 4096
MOST_PLACES = 2**20
MOST_VECTORS = 128
MOST_DIGITS = 12_000
LARGEST_ENTRY = 2**MOST_DIGITS
MOST_LEVELS = 2**12


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the largest set of prefixes with one f_hat has exactly this size.

    Contract: VERIFIED only if three things hold. The rows of the basis and the differences of constant maps span all
    integer vectors of the kernel. Every vector of the kernel with entries of absolute value at most E is constant on
    each scale. The fibre is (N - 2)! for a codebook whose entries in a channel are linearly independent over the
    rationals ("generic", E = 1), or, for the grid of L equidistant levels in c channels (E = L - 1), the c-th power of
    the largest number of words of N - 2 digits below L that have the same sum.
    """
    maps, mode, levels, channels, fibre = _read(claim)
    (listed,) = fields(payload, "the payload", "basis")
    sizes = [height * width for height, width in maps[:-1]]
    basis = _read_basis(listed, sum(sizes))
    constants = _constants(sizes)
    whole = [*constants, *basis]
    _check_spans(whole, maps, mode)
    reach = 1 if levels is None else levels - 1
    differences = [_differences(row, sizes) for row in basis]
    least = shortest(differences)
    longest = (2 * reach) ** 2 * (sum(sizes) - len(sizes))
    if least is not None and least <= longest:
        raise Rejected(f"a vector of the kernel may have entries up to {reach} and not be constant on each scale")
    exact = factorial(len(sizes)) if levels is None else _most_with_one_sum(len(sizes), levels) ** channels
    if fibre != exact:
        raise Rejected(f"the largest fibre has {shown(exact)} prefixes, not {shown(fibre)}")
    return Verdict(
        Outcome.VERIFIED,
        f"exactly {shown(exact)} prefixes share one f_hat at most: {(exact - 1).bit_length()} bits; "
        f"the kernel has {len(whole)} dimensions",
    )


def _read(claim: Any) -> tuple[tuple[tuple[int, int], ...], str, int | None, int, int]:
    """The claim's maps of ids with the full map last, its mode, levels per channel (or None), channels, and fibre."""
    names = ("theorem", "lemmas", "computation_model", "model", "maps", "up", "codebook", "fibre")
    theorem, lemmas, world, model, maps, up, codebook, fibre = fields(claim, "the claim", *names)
    for value, wanted, what in (
        (theorem, "R3", "the theorem"),
        (lemmas, list(LEMMAS), "the lemmas"),
        (world, "R3", "the computation model"),
    ):
        if type(value) is not type(wanted) or value != wanted:
            raise Rejected(f"{what} must be {wanted}, got {shown(value)}")
    if not 1 <= len(typed(model, str, "the model")) <= 200:
        raise Rejected("the model must have a name of at most 200 characters")
    shapes = read_maps(maps, 3)
    seen = (*shapes[:-2], shapes[-1])
    n_ids, n_cells = sum(map(prod, seen[:-1])), prod(seen[-1])
    if n_ids > MOST_IDS or n_cells > MOST_CELLS or n_ids * n_cells > MOST_PLACES:
        raise Rejected(f"there must be at most {MOST_IDS} ids, {MOST_CELLS} cells, and {MOST_PLACES} pairs of them")
    kind, count, channels = fields(codebook, "the codebook", "kind", "levels", "channels")
    if kind not in ("generic", "levels"):
        raise Rejected(f"the codebook must be 'generic' or 'levels', got {shown(kind)}")
    n_channels = integer(channels, "the channels", 1, 4096)
    if kind == "generic":  # such a codebook has no levels, and its entries are no product of channels
        integer(count, "the levels", 0, 0), integer(channels, "the channels", 1, 1)
    levels = None if kind == "generic" else integer(count, "the levels", 2, MOST_LEVELS)
    return seen, read_mode(up), levels, n_channels, integer(fibre, "the fibre", 1, 2**8192)


def _read_basis(value: Any, n: int) -> Rows:
    listed = typed(value, list, "the basis")
    if len(listed) > MOST_VECTORS:
        raise Rejected(f"the basis must have at most {MOST_VECTORS} rows, got {len(listed)}")
    rows = []
    for row in listed:
        if len(typed(row, list, "a row")) != n:
            raise Rejected(f"a row must have the length {n}, got {len(row)}")
        rows.append([integer(entry, "an entry", -LARGEST_ENTRY, LARGEST_ENTRY) for entry in row])
    digits = max((entry.bit_length() for row in rows for entry in row), default=0)
    if len(rows) * digits > MOST_DIGITS:
        raise Rejected(f"{len(rows)} rows of {digits} binary digits exceed the limit of {MOST_DIGITS}")
    return rows


def _constants(sizes: list[int]) -> Rows:
    """One row per later scale: 1 on the whole first scale, -1 on that whole scale, and 0 elsewhere."""
    starts = [sum(sizes[:k]) for k in range(len(sizes) + 1)]
    rows = []
    for k in range(1, len(sizes)):
        row = [1] * sizes[0] + [0] * (starts[-1] - sizes[0])
        row[starts[k] : starts[k + 1]] = [-1] * sizes[k]
        rows.append(row)
    return rows


def _check_spans(rows: Rows, maps: tuple[tuple[int, int], ...], mode: str) -> None:
    """Raise Rejected unless the rows are a basis of all integer vectors that are enlarged to zero together."""
    whole = _enlarging(maps, mode)
    n = whole.ncols()
    matrix = fmpz_mat(len(rows), n, [entry for row in rows for entry in row])
    if not (whole * matrix.transpose()).is_zero():
        raise Rejected("a row of the basis is not in the kernel")
    nullity = n - nmod_mat(whole, PRIME).rank()  # modulo a prime it is never less than over the rationals
    if len(rows) != nullity:
        raise Rejected(f"the kernel has up to {nullity} dimensions, and {len(rows)} rows are given")
    check_saturated(matrix)


def _enlarging(maps: tuple[tuple[int, int], ...], mode: str) -> fmpz_mat:
    """The matrix [U_1 .. U_{N-2}] over the integers, each row divided by the gcd of its entries."""
    axes = [[resampling(mode, *sides).numer_denom() for sides in zip(own, maps[-1], strict=True)] for own in maps[:-1]]
    common = lcm(*(int(down[1] * across[1]) for down, across in axes))
    blocks = []
    for (down, one), (across, other) in axes:
        factor = common // int(one * other)
        tables = ([[int(entry) for entry in row] for row in matrix.table()] for matrix in (factor * down, across))
        blocks.append(tuple(tables))
    rows: list[int] = []
    for i in range(maps[-1][0]):
        for j in range(maps[-1][1]):
            line = [one * other for down, across in blocks for one in down[i] for other in across[j]]
            shared = gcd(*line) or 1
            rows += [entry // shared for entry in line]
    return fmpz_mat(prod(maps[-1]), sum(map(prod, maps[:-1])), rows)


def _differences(row: list[int], sizes: list[int]) -> list[int]:
    """For each scale, its entries after the first, minus the first: zero exactly if the row is constant there."""
    found, start = [], 0
    for size in sizes:
        found += [entry - row[start] for entry in row[start + 1 : start + size]]
        start += size
    return found


def _most_with_one_sum(n_digits: int, levels: int) -> int:
    """The largest number of words of equal digit sum: the middle coefficient of (1 + .. + x^(levels - 1))^n_digits."""
    counts = [1]
    for _ in range(n_digits):
        longer, window = [], 0
        for place in range(len(counts) + levels - 1):
            window += counts[place] if place < len(counts) else 0
            window -= counts[place - levels] if place >= levels else 0
            longer.append(window)
        counts = longer
    return max(counts)

"""Model R3: the lattice of id changes that f_hat does not show, and the largest set of prefixes that share f_hat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, factorial, gcd, log2
from typing import Any, Literal

from flint import fmpq, fmpq_mat, fmpz_mat

from lowerbound.certify.kept import proposed
from lowerbound.certify.replay.facts import facts_of
from lowerbound.certify.replay.floor import id_bits_of, resampling_of
from lowerbound.certify.sealed import Sealed, sealed
from lowerbound.certify.theorems import FIBRES
from lowerbound.core.models import Model
from lowerbound.core.pyramid.ranks import ChannelPyramid, beside
from lowerbound.core.pyramid.resampling import Resampling
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, Undecided, unknown
from lowerbound.kernel.rules.fibre import MOST_CELLS, MOST_IDS

CodebookKind = Literal["generic", "signs", "grid"]
KINDS = ("generic", "signs", "grid")


@dataclass(frozen=True)
class FibreCodebook:
    """What fibres depend on in a codebook: entries independent over the rationals, or a grid of levels per channel."""

    kind: CodebookKind
    levels: int
    channels: int

    def to_json(self) -> dict[str, Any]:
        """The JSON table by which the judge reads it."""
        kind = "generic" if self.kind == "generic" else "levels"
        return {"kind": kind, "levels": self.levels, "channels": self.channels}

    def fibre_of_constants(self, n_scales: int) -> int:
        """The largest number of prefixes of constant maps that share one sum."""
        if self.kind == "generic":
            return factorial(n_scales)
        largest = sum(
            (-1) ** j * comb(n_scales, j) * comb(self._middle(n_scales) - j * self.levels + n_scales - 1, n_scales - 1)
            for j in range(self._middle(n_scales) // self.levels + 1)
        )
        return int(largest**self.channels)

    def _middle(self, n_scales: int) -> int:
        return n_scales * (self.levels - 1) // 2


def fibre_codebook(kind: str, id_bits: int) -> FibreCodebook:
    """A codebook of 2^id_bits codes, of one of KINDS.

    "generic" stands for all codebooks but a null set, "signs" for all sign vectors, "grid" for a square grid in two
    channels.

    Contract: another kind raises UnknownName; a grid with an odd number of bits raises ImpossibleReduction.
    """
    if kind == "generic":
        return FibreCodebook("generic", 0, 1)
    if kind == "signs":
        return FibreCodebook("signs", 2, id_bits)
    if kind == "grid":
        if id_bits % 2:
            raise ImpossibleReduction(f"a square grid needs an even number of bits, got {id_bits}")
        return FibreCodebook("grid", 2 ** (id_bits // 2), 2)
    raise unknown("codebook", kind, KINDS)


@dataclass(frozen=True)
class Invisible:
    """The integer vectors by which ids of one channel can change without changing f_hat, r_{N-1} being known.

    Contract: the differences of constant maps, together with `rows`, are a basis of all such vectors. The rows are
    LLL-reduced, and each is zero at the first place of every scale but the first.
    """

    sizes: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]

    @property
    def rank(self) -> int:
        """The number of dimensions of the lattice."""
        return len(self.sizes) - 1 + len(self.rows)


@lru_cache(maxsize=16)
def invisible(schedule: ScaleSchedule, resampling: Resampling) -> Invisible:
    """The lattice of a schedule.

    Contract: exact, if the integer routines used are correct; the judge checks the result. Schedules with more than
    MOST_IDS ids or MOST_CELLS cells raise ImpossibleReduction.
    Notes: a basis of the rational kernel, divided by the Hermite form of its transpose, spans all integer vectors of
    the kernel; constants are then divided out, and the rest is reduced by LLL.
    """
    n_scales = schedule.n_scales - 2
    sizes = tuple(schedule.map_size(k) for k in range(n_scales))
    if n_scales < 1 or sum(sizes) > MOST_IDS or schedule.map_size(schedule.n_scales - 1) > MOST_CELLS:
        raise ImpossibleReduction(
            f"f_hat is looked through for at most {MOST_IDS} ids and {MOST_CELLS} cells, got {sum(sizes)} ids and "
            f"{schedule.map_size(schedule.n_scales - 1)} cells"
        )
    question = {"shapes": [list(shape) for shape in schedule.shapes], "up": resampling.up}
    found: Invisible = proposed(
        "the maps that f_hat does not show",
        question,
        lambda: _rows(schedule, resampling, sizes),
        lambda rows: Invisible(sizes, tuple(map(tuple, rows))),
    )
    return found


def _rows(schedule: ScaleSchedule, resampling: Resampling, sizes: tuple[int, ...]) -> list[list[int]]:
    n_scales, pyramid = len(sizes), ChannelPyramid(schedule, resampling)
    whole = beside([pyramid.accumulated(k) for k in range(n_scales)])
    integers = fmpz_mat(whole.nrows(), whole.ncols(), [x for row in whole.table() for x in _primitive(row)])
    spanning = _kernel(integers)
    rank = len(spanning)
    if not rank:
        return []
    differences = fmpz_mat(rank, sum(sizes), [x for row in spanning for x in _without_constants(row, sizes)])
    reduced = [[int(x) for x in row] for row in differences.lll().table()]
    cell = whole.table()[0]
    return [_completed(row, sizes, cell) for row in reduced if any(row)]


def _kernel(matrix: fmpz_mat) -> list[list[int]]:
    """A basis of all integer vectors that the matrix sends to zero."""
    vectors, rank = matrix.nullspace()
    columns = [_coprime([int(vectors[i, j]) for i in range(vectors.nrows())]) for j in range(rank)]
    return _saturated(columns) if rank else []


def saturated_kernel(matrix: fmpz_mat) -> fmpz_mat:
    """An LLL-reduced basis, in rows, of all integer vectors that the matrix sends to zero."""
    basis = _kernel(matrix)
    return fmpz_mat(len(basis), matrix.ncols(), [x for row in basis for x in row]).lll()


def _primitive(row: list[Any]) -> list[int]:
    integers, _ = fmpq_mat(1, len(row), row).numer_denom()
    return _coprime([int(x) for x in integers.entries()])


def _coprime(row: list[int]) -> list[int]:
    shared = gcd(*row) or 1
    return [x // shared for x in row]


def _saturated(rows: list[list[int]]) -> list[list[int]]:
    """A basis of all integer vectors in the space of these rows."""
    rank, n = len(rows), len(rows[0])
    matrix = fmpz_mat(rank, n, [x for row in rows for x in row])
    form = matrix.transpose().hnf()
    # The transpose of the form is triangular and takes the basis to the rows: row after row, without a fraction.
    basis: list[fmpz_mat] = []
    for i, row in enumerate(matrix.table()):
        rest = fmpz_mat(1, n, row)
        for j, earlier in enumerate(basis):
            if form[j, i] != 0:
                rest -= earlier * form[j, i]
        basis.append(fmpz_mat(1, n, [x // form[i, i] for x in rest.entries()]))
        assert basis[i] * form[i, i] == rest
    return [[int(x) for x in row.entries()] for row in basis]


def _without_constants(row: list[int], sizes: tuple[int, ...]) -> list[int]:
    """The entries of each scale minus its first entry; zero for vectors that are constant on each scale."""
    found, start = [], 0
    for size in sizes:
        found += [x - row[start] for x in row[start : start + size]]
        start += size
    return found


def _completed(differences: list[int], sizes: tuple[int, ...], cell: list[Any]) -> list[int]:
    """The vector of the kernel with these differences, zero at the first place of all scales but the first.

    A constant is enlarged to itself, so that subtracting from the first scale what the differences leave in one cell
    removes it from all cells.
    """
    left = sum((weight * x for weight, x in zip(cell, differences, strict=True)), fmpq(0))
    assert left.q == 1
    return [x - int(left.p) for x in differences[: sizes[0]]] + differences[sizes[0] :]


@dataclass(frozen=True)
class CertifiedFibre:
    """The exact largest number of prefixes that share one f_hat, verified by the kernel."""

    codebook: FibreCodebook
    fibre: int
    rank: int
    sealed: Sealed

    @property
    def reason(self) -> str:
        """The kernel's sentence."""
        return self.sealed.verdict.reason

    @property
    def log2_fibre(self) -> float:
        """log2 of the fibre."""
        return log2(self.fibre)

    @property
    def bits(self) -> int:
        """The bits that are needed, and enough, if f_hat is known."""
        return (self.fibre - 1).bit_length()

    def document(self) -> bytes:
        """The file of this statement."""
        return self.sealed.document()


def certify_fibre(model: Model, kind: str = "generic") -> CertifiedFibre:
    """The largest set of prefixes with one f_hat, r_{N-1} known and phi the identity.

    Contract: the result is VERIFIED by the kernel. If a non-constant vector of the integer kernel might be as short as
    a difference of codes, the size stays open, and Undecided is raised with the judge's reason. Models of other
    families, or too large ones, raise ImpossibleReduction.
    """
    resampling = resampling_of(model)
    if resampling is None:
        raise ImpossibleReduction(
            f"fibres of f_hat are known for the families VAR and Infinity (32 bits an id), got {model.name}"
        )
    return _certify(model, resampling, fibre_codebook(kind, id_bits_of(model)))


@lru_cache(maxsize=16)
def _certify(model: Model, resampling: Resampling, codebook: FibreCodebook) -> CertifiedFibre:
    found = invisible(model.schedule, resampling)
    fibre = codebook.fibre_of_constants(len(found.sizes))
    claim = {
        "theorem": FIBRES.name,
        "lemmas": list(FIBRES.lemmas),
        "computation_model": "R3",
        "model": model.name,
        **facts_of(model, "f_hat_fibre"),
        "codebook": codebook.to_json(),
        "fibre": fibre,
    }
    name = f"{model.name}: theorem R3, {codebook.kind} codebook"
    proved = sealed(name, FIBRES.rule, claim, {"basis": [list(row) for row in found.rows]})
    if not proved.is_verified:
        raise Undecided(f"the largest fibre of f_hat of {model.name} is not known: {proved.verdict.reason}")
    return CertifiedFibre(codebook, fibre, found.rank, proved)

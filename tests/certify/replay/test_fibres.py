"""Model R3: the lattice that f_hat cannot see, and how many prefixes share one f_hat."""

from __future__ import annotations

import numpy as np
import pytest

from lowerbound.certify.check import check
from lowerbound.certify.replay.amplification import floats_of
from lowerbound.certify.replay.fibres import certify_fibre, fibre_codebook, invisible
from lowerbound.core.models import find_model
from lowerbound.core.pyramid.ranks import ChannelPyramid, beside
from lowerbound.core.pyramid.resampling import INFINITY, VAR
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument, Undecided
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import read_document, write_document
from lowerbound.kernel.verdict import Outcome

D16 = find_model("var-d16")


@pytest.mark.parametrize(
    ("kind", "log2", "bits"), [("generic", 15.299, 16), ("signs", 73.551, 74), ("grid", 81.879, 82)]
)
def test_fibres_of_var_256(kind: str, log2: float, bits: int) -> None:
    """Known value: log2 8!, 12 log2 C(8,4), and the grid's; rank 42; verified by the kernel alone."""
    found = certify_fibre(D16, kind)
    assert (round(found.log2_fibre, 3), found.bits, found.rank) == (log2, bits, 42)
    checked = check(found.document())
    assert (checked.verdict.outcome, checked.bits, checked.lemmas) == (Outcome.VERIFIED, bits, ("f_hat_fibres",))


@pytest.mark.long
def test_fibres_of_var_512() -> None:
    """Known value: 640 ids leave as little open as 255 do; 41 dimensions."""
    found = certify_fibre(find_model("var-d36-512"))
    assert (found.bits, found.rank) == (16, 41)


@pytest.mark.parametrize("sides", [(1, 2, 3, 3, 3), (1, 2, 2, 2, 2), (1, 3, 3, 3, 3)])
def test_the_lattice_is_the_kernel(sides: tuple[int, ...]) -> None:
    """Definition: as many dimensions as columns less rank, every row enlarged to zero, constants among them."""
    schedule = ScaleSchedule.square(sides)
    found, pyramid = invisible(schedule, VAR), ChannelPyramid(schedule, VAR)
    whole = floats_of(beside([pyramid.accumulated(k) for k in range(len(sides) - 2)]))
    assert found.rank == whole.shape[1] - np.linalg.matrix_rank(whole)
    for row in found.rows:
        assert np.abs(whole @ np.array(row, float)).max() < 1e-6 * np.abs(row).max()


@pytest.mark.parametrize(("kind", "n_scales", "fibre"), [("generic", 5, 120), ("signs", 4, 6**2), ("grid", 3, 3**2)])
def test_fibres_of_constants(kind: str, n_scales: int, fibre: int) -> None:
    """Known value: 5! permutations; C(4,2) = 6 in each of two channels; three digits of two levels with one sum: 3."""
    assert fibre_codebook(kind, 2).fibre_of_constants(n_scales) == fibre


def test_a_grid_of_levels_by_counting() -> None:
    """Differential: all words of four digits below 5, by their sums."""
    sums = np.add.outer(np.add.outer(np.arange(5), np.arange(5)), np.add.outer(np.arange(5), np.arange(5)))
    book = fibre_codebook("grid", 4)
    assert book.levels == 4
    largest = type(book)("grid", 5, 1).fibre_of_constants(4)
    assert largest == np.bincount(sums.ravel()).max()


def test_short_maps_leave_it_open() -> None:
    """Law: where the lattice has short vectors nothing is claimed; other families and odd grids are refused."""
    with pytest.raises(Undecided, match="may have entries up to 1"):
        certify_fibre(find_model("infinity-2b-0.06m"))
    with pytest.raises(ImpossibleReduction, match="families VAR and Infinity"):
        certify_fibre(find_model("flexvar-d16"))
    with pytest.raises(ImpossibleReduction, match="at most 1024 ids"):
        invisible(find_model("infinity-2b-1m").schedule, INFINITY)
    with pytest.raises(ImpossibleReduction, match="even number of bits"):
        fibre_codebook("grid", 13)
    with pytest.raises(InvalidArgument, match="generic, grid, signs"):
        fibre_codebook("other", 12)


def test_forged_fibres() -> None:
    """Forgery: a smaller fibre, other maps, a basis with one vector doubled or left out."""
    statement, certificate = read_document(certify_fibre(D16).document())
    basis = certificate["payload"]["basis"]

    def reason(claim: dict[str, object], rows: object = basis) -> str:
        forged = {**statement, "claim": {**statement["claim"], **claim}}
        proof = {**certificate, "proves": digest(forged), "payload": {"basis": rows}}
        found = check(write_document(forged, proof)).verdict
        assert found.outcome is Outcome.REJECTED
        return found.reason

    assert "has 40320 prefixes, not 40319" in reason({"fibre": 40319})
    assert "dependent mod 2" in reason({}, [[2 * x for x in basis[0]], *basis[1:]])
    assert "up to 42 dimensions" in reason({}, basis[1:])
    assert "var-d36-512 has the maps" in reason({"model": "var-d36-512"})

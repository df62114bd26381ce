"""Limits and smallest cases of the rules of models R2 and R3."""

from __future__ import annotations

import json

import pytest

from lowerbound.kernel.rules.fibre import MOST_DIGITS
from lowerbound.kernel.rules.lattice import check_saturated, shortest
from tests.kernel.examples import REJECTED, UNDECIDED, VERIFIED, Json, ask, changed
from tests.kernel.replay import FIVE_IDS, UNSEEN


def test_one_scale_of_one_id() -> None:
    """Definition: three maps of one cell: one id of R2, which is read at any eta under 1/2, and one prefix of R3."""
    claim, payload = (json.loads(json.dumps(part)) for part in FIVE_IDS)
    claim |= {"maps": [[1, 1]] * 3, "eta": "49/100", "delta": "0", "bits": 3}
    payload["scales"] = [[{"kept": [0], "supports": [[0]]}] * 2]
    assert ask("replay_floor", claim, payload).outcome is VERIFIED
    assert ask("replay_floor", {**claim, "eta": "1/2"}, payload).outcome is REJECTED
    alone = {**UNSEEN[0], "maps": [[1, 1]] * 3, "fibre": 1}
    assert ask("f_hat_fibre", alone, {"basis": []}).outcome is VERIFIED


def test_nothing_kept_forces_nothing() -> None:
    """Definition: with all ids frozen 0 bits are verified, and not one."""
    claim, payload = FIVE_IDS
    frozen = {**payload, "scales": [[{"kept": [], "supports": []}] * 2] * 2}
    assert ask("replay_floor", {**claim, "bits": 0, "delta": "0"}, frozen).outcome is VERIFIED
    assert ask("replay_floor", {**claim, "bits": 1, "delta": "0"}, frozen).outcome is REJECTED


@pytest.mark.parametrize(("precision", "outcome"), [(4096, VERIFIED), (53, VERIFIED), (52, REJECTED), (4097, REJECTED)])
def test_precision(precision: int, outcome: object) -> None:
    """Definition: 53 to 4096 bits."""
    claim, payload = FIVE_IDS
    assert ask("replay_floor", claim, {**payload, "precision": precision}).outcome is outcome


def test_work_is_limited() -> None:
    """Definition: left inverses of 128 ids a side, each row on a support of its own, are refused at once."""
    claim, payload = (json.loads(json.dumps(part)) for part in FIVE_IDS)
    claim |= {"maps": [[1, 1], [127, 127], [128, 128], [128, 128]], "bits": 0}
    rows = [[row for row in range(128) if row != out] for out in range(127)]
    axis = {"kept": list(range(127)), "supports": rows}
    payload["scales"] = [[{"kept": [0], "supports": [[0]]}] * 2, [axis, axis]]
    found = ask("replay_floor", claim, payload)
    assert found.outcome is REJECTED
    assert "exceed the limit" in found.reason


def test_digits_are_limited() -> None:
    """Definition: rows times binary digits of the largest entry."""
    claim, payload = UNSEEN
    forged = changed(payload, ("basis", 0, 0), 2 ** (MOST_DIGITS // 3))
    assert "exceed the limit" in ask("f_hat_fibre", claim, forged).reason


def test_an_undecided_lattice() -> None:
    """Definition: rows whose minors share a large prime are not shown to span, and not shown not to."""
    from flint import fmpz_mat

    from lowerbound.errors import Undecided

    with pytest.raises(Undecided, match="spans all integer vectors"):
        check_saturated(fmpz_mat(1, 2, [10007, 20014]))
    check_saturated(fmpz_mat(2, 3, [1, 0, 5, 0, 1, 10007]))
    assert shortest([[3, 0], [1, 2]]) == 4
    assert shortest([]) is None
    assert UNDECIDED.value == "UNDECIDED"


def test_a_swamp_too_small_is_no_proof() -> None:
    """Law: the bend of the layer norm counts: at an eta near the threshold B = 10 fails where B = 1000 does not."""
    claim, payload = FIVE_IDS
    near: Json = {**claim, "eta": "193/1000"}
    assert ask("replay_floor", near, payload).outcome is VERIFIED
    assert ask("replay_floor", near, {**payload, "swamp": "10"}).outcome is REJECTED

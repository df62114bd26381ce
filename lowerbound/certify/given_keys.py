"""Floors on given keys, such as those that a head of a network had for one image.

The claim: any cache that answers every query within eta, each with probability 1 - delta, when the keys are these
public keys and the values are free reals of [0, 1], keeps at least so many bits for them. It is a floor of model R1,
and of values alone: the keys are known to everybody and need not be kept.

The instance that proves it contains nothing designed. All tokens of the head have their keys, those of the last map
too, which the cache does not hold: its tokens are Bob's, and their value is 0. So is the value of a cached token whose
own query gives it too little weight to be read; in the proof it counts among Bob's own. The other cached tokens carry
symbols, and the query for one is the unit vector along its key, with a logit of at most the claim's multiplier. Under
the rule l2norm a logit depends on directions alone, so that integer rows along the keys say all that matters: a float
is a dyadic rational, and a power of two for each row makes its entries integers. The kernel encloses what the softmax
over these rows gives each asked token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lowerbound.certify.certified import LOGIT_CAP, Certified, certificate_of, target_of
from lowerbound.certify.design.given_keys import given_keys_design, name_of
from lowerbound.certify.theorems import ON_GIVEN_KEYS
from lowerbound.core.geometry import HasGeometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.scalars import Rational, plainly, rational
from lowerbound.errors import invalid


def certified_on(
    keys: Keys, place: HasGeometry, *, eta: Rational, delta: Rational = 0, multiplier: Rational = LOGIT_CAP
) -> Certified | None:
    """The floor of a head whose tokens have these keys, or None if no token can be read at this error.

    Contract: the kernel's verdict on the result is VERIFIED. A rule other than l2norm raises ImpossibleReduction; keys
    that are not one row a token, and a multiplier outside (0, 100], raise InvalidArgument.

    Parameters
    ----------
    keys : Keys
        One for each token of the place, in its order, of any norms.
    multiplier : rational
        The largest logit of a query, such as the learned lambda of the head; default: the cap of the rule.
    """
    target = target_of(place, eta=eta, delta=delta)
    largest = rational(multiplier, name="lambda")
    if not 0 < largest <= LOGIT_CAP:
        raise invalid("lambda", f"lie in (0, {LOGIT_CAP}]", plainly(largest), nearest=str(LOGIT_CAP))
    geometry = target.geometry
    if keys.rows.shape != (geometry.n_tokens, geometry.d):
        raise invalid("keys", f"have shape {(geometry.n_tokens, geometry.d)}, one row a token", keys.rows.shape)
    proposal = given_keys_design(replace(target, multiplier=largest), keys)
    if proposal is None:
        return None
    named = replace(geometry, name=name_of(proposal.claim["keys"]), stack=None)
    return certificate_of(ON_GIVEN_KEYS, replace(target, geometry=named, multiplier=largest), proposal)


def asked_of(found: Certified) -> tuple[int, int]:
    """How many tokens the instance of a floor on given keys asks for, and the levels of their values."""
    payload: Mapping[str, Any] = found.sealed.certificate["payload"]
    return len(payload["asked"]), payload["levels"]


def strange_keys(claim: Mapping[str, Any]) -> str | None:
    """A sentence on how a verified claim misnames its keys; None if it is called by their digest alone."""
    if Fraction(claim["multiplier"]) > LOGIT_CAP:
        return f"logits are at most {LOGIT_CAP} in every floor, and the claim speaks of {claim['multiplier']}"
    if claim["model"] != name_of(claim["keys"]):
        return f"a floor on given keys is called {name_of(claim['keys'])!r} by their digest, got {claim['model']!r}"
    return None

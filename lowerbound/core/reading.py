"""How a payload in a key is read: the formulas of Theorems C and C', once, for balls and for floats.

A cached key is [sqrt(1 - rho^2) a ; rho x / sqrt(p) ; fill], with a public unit address a and a payload x of at most p
entries in [-1, 1]. Asked with lambda [a ; gamma e_l] / sqrt(1 + gamma^2), its logit is S + c x_l: c is how far a
payload moves it, and every other cached key stays g - c below S. Bob's reference weighs as a key of payload x_0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lowerbound.core.bounds import Arithmetic, Formula

Kind = Literal["C", "C'"]
"""C reads a payload once, C' again and again, with the reference where the remaining candidates part."""

KINDS: tuple[Kind, ...] = ("C", "C'")


class FloatArithmetic:
    """Formulas on NumPy arrays: to search, never to prove."""

    def log(self, x: Any) -> Any:
        return np.log(x)

    def exp(self, x: Any) -> Any:
        return np.exp(x)

    def number(self, x: Any) -> Any:
        return float(x)


def _root(a: Arithmetic, x: Any) -> Any:
    return a.exp(a.log(x) / 2)


def _reference_logit(a: Arithmetic, multiplier: Any, rho_squared: Any, gamma: Any) -> Any:
    return multiplier * _root(a, (1 - rho_squared) / (1 + gamma**2))


def _payload_logit(a: Arithmetic, multiplier: Any, rho_squared: Any, gamma: Any, p: Any) -> Any:
    return multiplier * gamma * _root(a, rho_squared / (p * (1 + gamma**2)))


def _value_leak(a: Arithmetic, n_cached: Any, n_own: Any, multiplier: Any, rho_squared: Any, mu: Any) -> Any:
    top = multiplier * _root(a, 1 - rho_squared)
    return (n_cached - 1) * a.exp(-top * (1 - mu)) + n_own * a.exp(-top)


def _key_leak(a: Arithmetic, n_cached: Any, gap: Any, reach: Any) -> Any:
    return (n_cached - 1) * a.exp(reach - gap)


def _logistic_spread(a: Arithmetic, c: Any) -> Any:
    return (1 - a.exp(-c)) / (1 + a.exp(-c))


def _spacing(a: Arithmetic, eta: Any, tau: Any) -> Any:
    return 2 * a.log((1 + 2 * eta) / (1 - 2 * eta)) + a.log(1 + tau)


REFERENCE_LOGIT = Formula(
    "reference logit",
    "S: logit of a token with the address that is asked for and no payload",
    "Theorem C",
    (r"\lambda", r"\rho^2", r"\gamma"),
    _reference_logit,
)
PAYLOAD_LOGIT = Formula(
    "payload logit",
    "c: how far the largest payload moves the logit of its token",
    "Theorem C",
    (r"\lambda", r"\rho^2", r"\gamma", "p"),
    _payload_logit,
)
VALUE_LEAK = Formula(
    "value leak",
    "weight that misses the token whose value is read, own tokens having logit 0",
    "Theorem C",
    ("T", "T_N", r"\lambda", r"\rho^2", r"\mu"),
    _value_leak,
)
KEY_LEAK = Formula(
    "key leak",
    "weight of the other cached tokens beside the reference (reach c: Theorem C) or the token read (2 c: Theorem C')",
    "Theorems C and C'",
    ("T", "g", "r"),
    _key_leak,
)
LOGISTIC_SPREAD = Formula(
    "logistic spread",
    "tanh(c/2): what the outputs of one read span, from the logistic of -c to that of c",
    "Theorem C",
    ("c",),
    _logistic_spread,
)
SPACING = Formula(
    "zoom spacing",
    "4 atanh(2 eta) + ln(1 + tau): payload logits further apart than this are told apart by the reference between them",
    "Theorem C'; Zoom.v, spacing",
    (r"\eta", r"\tau"),
    _spacing,
)


@dataclass(frozen=True)
class Reading:
    """What a set of parameters achieves, as balls or as arrays of floats.

    `reference` is S, `payload` c, `gap` g; `value_leak` and `key_leak` bound the weight that goes astray.
    """

    reference: Any
    payload: Any
    gap: Any
    value_leak: Any
    key_leak: Any


def reading(
    a: Arithmetic,
    kind: Kind,
    *,
    n_cached: int,
    n_own: int,
    spread: int,
    mu: Any,
    multiplier: Any,
    rho_squared: Any,
    gamma: Any,
) -> Reading:
    """S, c, g and both leaks: T = n_cached tokens, n_own of Bob's, payloads rho x / sqrt(spread).

    The key leak only raises an output. C adds it to the output, C' to the logit as ln(1 + leak).
    """
    reference = REFERENCE_LOGIT.body(a, multiplier, rho_squared, gamma)
    payload = PAYLOAD_LOGIT.body(a, multiplier, rho_squared, gamma, spread)
    gap = reference * (1 - mu)
    return Reading(
        reference=reference,
        payload=payload,
        gap=gap,
        value_leak=VALUE_LEAK.body(a, n_cached, n_own, multiplier, rho_squared, mu),
        key_leak=KEY_LEAK.body(a, n_cached, gap, payload if kind == "C" else 2 * payload),
    )


def key_room(a: Arithmetic, kind: Kind, c: Any) -> Any:
    """What the payload levels share: the outputs of one read (C), or the logits (C')."""
    return LOGISTIC_SPREAD.body(a, c) if kind == "C" else 2 * c


def key_step(a: Arithmetic, kind: Kind, eta: Any, tau: Any) -> Any:
    """What two neighbouring payload levels must be more than apart, in the unit of `key_room`."""
    return 2 * eta + tau if kind == "C" else SPACING.body(a, eta, tau)


def value_step(eta: Any, tau: Any) -> Any:
    """What two neighbouring value levels in [0, 1] must be more than apart (Theorem B)."""
    return 2 * eta + 2 * tau

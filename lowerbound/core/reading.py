"""How Bob reads a payload that is written into a key: the formulas of Theorems C and C', for balls and for floats.

A cached key is [sqrt(1 - rho^2) a ; rho x / sqrt(p) ; fill], with a public unit address a and a secret payload x of at
most p entries in [-1, 1]. Under the query lambda [a ; gamma e_l] / sqrt(1 + gamma^2), the key has logit S + c x_l: the
payload moves its logit by at most c. Every key with another address has a logit of at most S - (g - c). Bob's own
tokens together weigh as much as one reference key with the same address and payload x_0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import Arithmetic, Formula

Kind = Literal["C", "C'"]
"""C reads each payload once. C' reads it repeatedly, each time with the reference in the middle of the candidates."""

KINDS: tuple[Kind, ...] = ("C", "C'")


class FloatArithmetic:
    """The arithmetic of NumPy floats. It serves to search for parameters, never to prove anything."""

    def log(self, x: Any) -> Any:
        return np.log(x)

    def exp(self, x: Any) -> Any:
        return np.exp(x)

    def number(self, x: Any) -> Any:
        return float(x)


def logit(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logit ln(o / (1 - o)) of each output; -infinity for o <= 0 and +infinity for o >= 1."""
    inside = np.clip(outputs, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(inside) - np.log1p(-inside))


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
    """The quantities that a set of parameters achieves, as balls or as arrays of floats.

    `reference` is S, `payload` is c and `gap` is g. `value_leak` and `key_leak` bound the softmax weight that falls on
    other tokens when a value or a payload is read.
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
    """S, c, g and both leaks, for n_cached = T cached tokens, n_own tokens of Bob, and payloads rho x / sqrt(spread).

    The key leak can only raise an output. Theorem C adds it to the output; Theorem C' adds ln(1 + leak) to the logit.
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
    """The length of the interval that holds all payload levels: of outputs of one read (C), or of logits (C')."""
    return LOGISTIC_SPREAD.body(a, c) if kind == "C" else 2 * c


def key_step(a: Arithmetic, kind: Kind, eta: Any, tau: Any) -> Any:
    """The distance that two neighboring payload levels must exceed, in the unit of `key_room`."""
    return 2 * eta + tau if kind == "C" else SPACING.body(a, eta, tau)


def value_step(eta: Any, tau: Any) -> Any:
    """The distance that two neighboring value levels in [0, 1] must exceed (Theorem B)."""
    return 2 * eta + 2 * tau

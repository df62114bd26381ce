"""The proof book: one file a lemma, in reading order. `python -m proofs` checks every obligation.

A lemma here is a set of obligations: quantifier-free real formulas whose negations z3 must find unsatisfiable. They
cover the algebra of the reduction for all values of its parameters; the analysis (exp, log) enters through named
hypotheses only.
"""

from proofs import decoding, softmax_gap

LEMMAS = (softmax_gap, decoding)
"""Every lemma, in the order in which a reader needs them."""

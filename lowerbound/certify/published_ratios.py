"""Published compression ratios, as their papers state them, and what would have to be true of them as guarantees."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class PublishedRatio:
    """A published headline: its compression ratio, the model it is applied to here, and the evidence it rests on.

    None is claimed as a worst-case guarantee: each was measured as an average over pictures or texts.
    """

    system: str
    says: str
    ratio: Fraction
    model: str
    instead: str


PUBLISHED_RATIOS = (
    PublishedRatio("ScaleKV, arXiv:2505.19602", "Infinity-8B, 85 GB to 8.5 GB", Fraction(10), "infinity-8b-1m",
        "scores of ten calibration prompts; GenEval and DPG of the pictures barely move"),
    PublishedRatio("AMS-KV, arXiv:2511.16047", "VAR-d30, up to 84.83 % less", Fraction(10000, 1517), "var-d30",
        "neighbouring scales have similar keys; FID within 0.06"),
    PublishedRatio("HACK, arXiv:2504.09261", "VAR-d30, 70 % less", Fraction(10, 3), "var-d30",
        "heads keep the kind that 50 samples gave them; FID 1.92 becomes 2.78"),
    PublishedRatio("HACK, arXiv:2504.09261", "Infinity-8B, 60.4 GB to 34.4 GB", Fraction(604, 344), "infinity-8b-1m",
        "the same, all memory counted"),
    PublishedRatio("PyramidKV, arXiv:2406.02069", "12 % of the cache", Fraction(25, 3), "var-d30",
        "attention of lower layers is broad, of higher layers narrow; text benchmarks"),
    PublishedRatio("SnapKV, arXiv:2404.14469", "memory efficiency 8.2x at 16K (abstract)", Fraction(41, 5), "var-d30",
        "what the last queries look at is what later ones will; benchmarks of long texts"),
    PublishedRatio("TOVA, arXiv:2401.06104", "in some cases 1/8 of the cache (abstract)", Fraction(8), "var-d30",
        "the last query knows what is needed; four long-range tasks nearly on par with the full cache"),
    PublishedRatio("H2O, arXiv:2306.14048", "20 % heavy hitters (abstract)", Fraction(5), "var-d30",
        "heavy hitters stay heavy hitters; text tasks. Its README keeps 10 % of the tokens as such and 10 % as recent"),
    PublishedRatio("PrefixKV, arXiv:2412.03409", "a fifth of the cache", Fraction(5), "var-d30",
        "attention is concentrated; 0.49 perplexity"),
    PublishedRatio("KIVI, arXiv:2402.02750", "2 bits, 3 with scales", Fraction(16, 3), "var-d30",
        "channels of keys have ranges of their own; text benchmarks"),
    PublishedRatio("QJL, arXiv:2406.03482", "3 bits per value", Fraction(16, 3), "var-d30",
        "logits stay small, so that a random estimate is good enough; text benchmarks"),
    PublishedRatio("TurboQuant, arXiv:2504.19874", "3.5 bits per channel (abstract)", Fraction(32, 7), "var-d30",
        "mean squared error over random rotations, not the largest error; text benchmarks"),
    PublishedRatio("BalanceKV, arXiv:2502.07861", "a quarter of the tokens", Fraction(4), "var-d30",
        "attention is spread: its error is relative to the norm of the softmax, which is 1 here"),
    PublishedRatio("LoMA, arXiv:2401.09486", "4 to 8 times, called lossless", Fraction(4), "var-d30",
        "lossless for token ids, which are 15 bits each, not for keys and values"),
    PublishedRatio("LoRC, arXiv:2410.03111", "55 to 60 % less", Fraction(5, 2), "var-d30",
        "keys and values of a trained model lie near a subspace; under 1 % on benchmarks"),
)  # fmt: skip
"""Headlines as the papers, or texts about them, state them; ratios are relative to the fp16 cache."""

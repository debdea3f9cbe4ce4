"""Why a line costs what it costs: steps are data, and their words are made from it. No stage of pricing knows that it
is explained: the steps are read off what the stages handed over."""

from shared.pricing.explanation.step import Op, Step
from shared.pricing.explanation.words import PLAIN, Shown, text_of

__all__ = ["PLAIN", "Op", "Shown", "Step", "text_of"]

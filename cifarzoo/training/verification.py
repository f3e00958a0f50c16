"""Whether weights do what their card says."""

from __future__ import annotations

from dataclasses import dataclass

from cifarzoo.training.evaluation import Evaluation
from cifarzoo.weights import Card

TOLERANCE = 0.05  # points: another processor's sums may turn a few images of ten thousand


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number of a card, and what was measured; both in percent."""

    name: str
    card: float
    measured: float

    @property
    def holds(self) -> bool:
        """Whether they differ by no more than ``TOLERANCE``."""
        return abs(self.card - self.measured) <= TOLERANCE + 1e-9  # 93.17 - 93.12 is a little more than 0.05


def compare(card: Card, result: Evaluation) -> tuple[Check, ...]:
    """A card's accuracies and calibration error beside those of an evaluation; what the card leaves out is skipped.

    Args:
        card: of the weights.
        result: of these weights on the whole test set, in fp32, with one view.
    """
    pairs = (
        ("top1", card.top1, result.top1),
        ("top5", card.top5, result.top5),
        ("ece", None if card.ece is None else 100 * card.ece, 100 * result.ece),
    )
    return tuple(Check(name=name, card=said, measured=found) for name, said, found in pairs if said is not None)

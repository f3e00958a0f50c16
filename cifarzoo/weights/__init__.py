"""Weight files and their cards."""

from cifarzoo.weights.cards import Card
from cifarzoo.weights.store import load_weights, save_weights

__all__ = ["Card", "load_weights", "save_weights"]

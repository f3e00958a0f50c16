"""Weight files and their cards, and where they are found by name."""

from cifarzoo.weights.cards import Card
from cifarzoo.weights.remote import is_url, read_url
from cifarzoo.weights.search import info, names, read
from cifarzoo.weights.store import load_weights, save_weights
from cifarzoo.weights.transform import Transform, transform

__all__ = [
    "Card",
    "Transform",
    "info",
    "is_url",
    "load_weights",
    "names",
    "read",
    "read_url",
    "save_weights",
    "transform",
]

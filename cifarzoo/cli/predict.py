"""``cifarzoo predict``: what a trained model sees in pictures."""


def predict() -> None:
    """Classify pictures with a trained model."""

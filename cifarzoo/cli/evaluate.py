"""``cifarzoo eval``: a trained model on a test set."""


def evaluate() -> None:
    """Measure a trained model on a test set."""

"""``cifarzoo train``: a training run."""


def train() -> None:
    """Train a model."""

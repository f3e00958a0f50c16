"""The families, a file each; importing this package registers all of them."""

from cifarzoo.models import baseline_cnn as baseline_cnn
from cifarzoo.models.base import Classifier as Classifier

__all__ = ["Classifier"]

"""Training, evaluation and prediction: they see an ``nn.Module`` and a data set, never a model file."""

from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.evaluation import Evaluation, evaluate
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.prediction import Prediction, predict
from cifarzoo.training.trainer import Trainer

__all__ = [
    "EpochRecord",
    "Evaluation",
    "History",
    "Prediction",
    "Trainer",
    "evaluate",
    "keep_freed_memory",
    "predict",
]

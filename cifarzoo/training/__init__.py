"""Training, evaluation and prediction: they see an ``nn.Module`` and a data set, never a model file."""

from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.evaluation import Evaluation, compute_logits, evaluate
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.lr_finder import LrRange, find_lr
from cifarzoo.training.prediction import Prediction, predict
from cifarzoo.training.trainer import Trainer

__all__ = [
    "EpochRecord",
    "Evaluation",
    "History",
    "LrRange",
    "Prediction",
    "Trainer",
    "compute_logits",
    "evaluate",
    "find_lr",
    "keep_freed_memory",
    "predict",
]

"""The families, a file each; importing this package registers all of them."""

from cifarzoo.models import attention_net as attention_net
from cifarzoo.models import baseline_cnn as baseline_cnn
from cifarzoo.models import deep_resnet as deep_resnet
from cifarzoo.models import residual_cnn as residual_cnn
from cifarzoo.models import resnet as resnet
from cifarzoo.models import speednet as speednet
from cifarzoo.models import wide_residual_cnn as wide_residual_cnn
from cifarzoo.models.base import Classifier as Classifier

__all__ = ["Classifier"]

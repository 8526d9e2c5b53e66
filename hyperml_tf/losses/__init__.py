"""The HyperML objective as Keras losses, and its terms as functions.

Source: [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703).
"""

from hyperml_tf.losses.distortion_loss import DistortionLoss
from hyperml_tf.losses.functional import distortion, euclidean_reference, pull_push
from hyperml_tf.losses.hyperml_loss import HyperMLLoss
from hyperml_tf.losses.pull_push_loss import PullPushLoss

__all__ = ["DistortionLoss", "HyperMLLoss", "PullPushLoss", "distortion", "euclidean_reference", "pull_push"]

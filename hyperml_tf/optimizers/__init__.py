"""Optimizers for points on the Poincaré ball.

They are lazy on sparse gradients: the cost of a step depends on the rows that were looked up, not on the size of the table.
"""

from hyperml_tf.optimizers.riemannian_adagrad import RiemannianAdagrad
from hyperml_tf.optimizers.riemannian_adam import RiemannianAdam
from hyperml_tf.optimizers.riemannian_optimizer import RiemannianOptimizer
from hyperml_tf.optimizers.riemannian_sgd import RiemannianSGD

__all__ = ["RiemannianAdagrad", "RiemannianAdam", "RiemannianOptimizer", "RiemannianSGD"]

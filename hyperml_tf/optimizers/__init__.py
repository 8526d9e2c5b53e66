"""Optimizers for points on the Poincaré ball, lazy on embedding tables: a step costs what the rows it touches cost."""

from hyperml_tf.optimizers.riemannian_adagrad import RiemannianAdagrad
from hyperml_tf.optimizers.riemannian_adam import RiemannianAdam
from hyperml_tf.optimizers.riemannian_optimizer import RiemannianOptimizer
from hyperml_tf.optimizers.riemannian_sgd import RiemannianSGD

__all__ = ["RiemannianAdagrad", "RiemannianAdam", "RiemannianOptimizer", "RiemannianSGD"]

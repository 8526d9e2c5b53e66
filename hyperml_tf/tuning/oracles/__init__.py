"""The oracles behind the tuners: what to try next. keras-tuner's own, made safe against a kill at any moment."""

from hyperml_tf.tuning.oracles.bayesian_optimization_oracle import BayesianOptimizationOracle
from hyperml_tf.tuning.oracles.grid_search_oracle import GridSearchOracle
from hyperml_tf.tuning.oracles.hyperband_oracle import HyperbandOracle
from hyperml_tf.tuning.oracles.random_search_oracle import RandomSearchOracle
from hyperml_tf.tuning.oracles.resumable_oracle import ResumableOracle

__all__ = [
    "BayesianOptimizationOracle",
    "GridSearchOracle",
    "HyperbandOracle",
    "RandomSearchOracle",
    "ResumableOracle",
]

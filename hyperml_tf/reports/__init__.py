"""Reports on runs: whether hyperbolic space suits a table, and what lists of recommendations are like.

The measures are functions of numpy arrays, for spaces and graphs of any kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "Distortion",
    "Hyperbolicity",
    "ItemGraph",
    "Sampling",
    "distortion",
    "gromov_delta",
    "mean_average_precision",
    "report",
    "sampled_delta",
    "suggested_curvature",
]

if TYPE_CHECKING:
    from hyperml_tf.reports.average_precision import mean_average_precision
    from hyperml_tf.reports.graph_distortion import Distortion, distortion
    from hyperml_tf.reports.hyperbolicity import Hyperbolicity, gromov_delta, sampled_delta, suggested_curvature
    from hyperml_tf.reports.item_graph import ItemGraph
    from hyperml_tf.reports.sampling import Sampling
    from hyperml_tf.reports.writing import report
else:
    from hyperml_tf._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Distortion": "graph_distortion",
            "Hyperbolicity": "hyperbolicity",
            "ItemGraph": "item_graph",
            "Sampling": "sampling",
            "distortion": "graph_distortion",
            "gromov_delta": "hyperbolicity",
            "mean_average_precision": "average_precision",
            "report": "writing",
            "sampled_delta": "hyperbolicity",
            "suggested_curvature": "hyperbolicity",
        },
    )

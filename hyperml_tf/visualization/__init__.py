"""Plots of the learned space. They need matplotlib, which the extra `plots` installs."""

from hyperml_tf.visualization.disk import plot_disk
from hyperml_tf.visualization.items import plot_items
from hyperml_tf.visualization.layout import DiskLayout, disk_layout

__all__ = ["DiskLayout", "disk_layout", "plot_disk", "plot_items"]

"""Pictures of the learned space, which need matplotlib, the extra `plots`, and a page to explore it, which does not."""

from hyperml_tf.visualization.disk import plot_disk
from hyperml_tf.visualization.explorer import write_explorer
from hyperml_tf.visualization.items import plot_items
from hyperml_tf.visualization.layout import DiskLayout, disk_layout, layout_beside

__all__ = ["DiskLayout", "disk_layout", "layout_beside", "plot_disk", "plot_items", "write_explorer"]

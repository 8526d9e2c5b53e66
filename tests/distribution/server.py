"""A worker or a parameter server, until it is killed."""

import tensorflow as tf

cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver()
tf.distribute.Server(
    cluster.cluster_spec(), job_name=cluster.task_type, task_index=cluster.task_id, protocol="grpc", start=True
).join()

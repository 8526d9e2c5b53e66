"""A server for exports on this machine, with the protocols of TensorFlow Serving. Needs the extra `hyperml-tf[server]`."""

try:
    import grpc  # noqa: F401
    import prometheus_client  # noqa: F401
    import starlette  # noqa: F401
    import tensorflow_serving.apis  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"The server requires more packages: pip install 'hyperml-tf[server]'. Received: {error}"
    ) from error

from hyperml_tf.server.server import Server

__all__ = ["Server"]

"""Refused requests: the status codes and messages of TensorFlow Serving."""

from __future__ import annotations

import grpc

HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
}
"""The HTTP status for each code, as in TensorFlow Serving."""

_LONGEST = 1024


class RequestError(Exception):
    """A request that is refused, with a status code of gRPC.

    Args:
        code: A `grpc.StatusCode`, one of `HTTP_STATUS`.
        message: String. A long one is cut, because gRPC sends it as a header.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message if len(message) <= _LONGEST else message[:_LONGEST] + "...")
        self.code = code


def invalid(message: str) -> RequestError:
    """Returns the error of a request with wrong contents."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)

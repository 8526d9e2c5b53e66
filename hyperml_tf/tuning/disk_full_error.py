"""A disk that is full."""

from __future__ import annotations

import errno

import keras_tuner
import tensorflow as tf

_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
_WORDS = ("No space left on device", "Disk quota exceeded")


class DiskFullError(keras_tuner.errors.FatalError, OSError):
    """Nothing more can be written, so the search ends. The trials that have finished are kept, and a search goes on from them."""

    @classmethod
    def at(cls, place: str) -> DiskFullError:
        """The error of a search that writes to `place`."""
        return cls(
            f"No space is left on the disk of `{place}`. The finished trials are kept: make room and start the same search "
            "again, and it goes on after them."
        )


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it followed from, is that of a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NUMBERS:
            return True
        if isinstance(error, (OSError, tf.errors.OpError)) and any(words in str(error) for words in _WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False

"""How the sequence of a user's newest items is encoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hyperml_tf.settings.base import Settings
from hyperml_tf.settings.documentation import documented
from hyperml_tf.settings.setting import setting


@documented
@dataclasses.dataclass(frozen=True)
class Encoding(Settings):
    """How a `SequenceTower` encodes the newest items of a user. The defaults are the same for all data.

    Args: the fields below.

    Raises:
        ValueError: If a value is out of its range.

    Example:

    >>> Encoding(blocks=2).length
    80
    """

    length: int = setting(80, "Number of newest items that are read.", at_least=1)
    blocks: int = setting(1, "Number of blocks of self-attention.", at_least=1)
    heads: int = setting(1, "Number of attention heads, a divisor of the dimension.", at_least=1)
    feed_forward: int = setting(2, "Width of the hidden layer of a block, as a multiple of the dimension.", at_least=1)
    dropout: float = setting(
        0.2,
        "Share of the numbers that are set to zero in training, in the input and in every branch.",
        at_least=0,
        below=1,
    )


EncodingArgument = Encoding | Mapping[str, Any] | None


def as_encoding(value: EncodingArgument) -> Encoding:
    """Converts an `Encoding`, its arguments, or `None` for the defaults.

    Raises:
        ValueError: If the value is none of these.

    Example:

    >>> as_encoding({"blocks": 2}) == Encoding(blocks=2)
    True
    """
    if value is None:
        return Encoding()
    if isinstance(value, Encoding):
        return value
    if isinstance(value, Mapping):
        return Encoding.of_argument("encoding", value)
    raise ValueError(f"`encoding` must be an `Encoding`, its arguments, or None. Received: encoding={value!r}")

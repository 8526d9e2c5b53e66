"""A call that fails by an argument of another type names it; all else stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf._argument_types import Numbers, names_arguments


class Speaker(Protocol):
    def speak(self) -> str: ...


@names_arguments
def sample(
    rate: float = 0.5,
    number: int = 1,
    names: Sequence[str] = (),
    kind: Literal["a", "b"] = "a",
    table: Mapping[str, int] | None = None,
    speaker: Speaker | None = None,
    function: Callable[[int], int] = abs,
    values: Numbers = 0.0,
    fails: Any = None,
) -> Any:
    """Returns something of all arguments, or raises `fails`."""
    if fails is not None:
        raise fails
    mixed = rate * 2, range(number), len(names), kind + "", dict(table or {}), function(1)
    return mixed, None if speaker is None else speaker.speak(), tf.reduce_sum(values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": "x", "number": None}, "`rate` must be a number. Received: rate='x'|`number` must be an integer"),
        ({"number": 0.5}, "`number` must be an integer. Received: number=0.5"),
        ({"names": 3}, "`names` must be of the type .*Received: names=3"),
        ({"kind": 7}, "`kind` must be of the type .*Received: kind=7"),
        ({"table": "ab"}, "`table` must be of the type .*Received: table='ab'"),
        ({"function": 3}, "`function` must be of the type .*Received: function=3"),
        ({"values": {"a": 1}}, r"`values` must be .*Received: values=\\{'a': 1\\}"),
    ],
)
def test_the_argument_of_another_type_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("\\\\", "\\")) as caught:
        sample(**arguments)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("arguments", [{}, {"rate": np.float32(2)}, {"names": np.array(["a"])}, {"number": np.int8(3)}])
def test_what_works_goes_on_to_work(arguments: dict[str, Any]) -> None:
    assert sample(**arguments) is not None


@pytest.mark.parametrize(
    "error", [KeyError("k"), OSError("disk"), ValueError("`rate` must be small. Received: rate=9"), StopIteration()]
)
def test_other_failures_stay_what_they_are(error: Exception) -> None:
    """Also where an argument has another type, if the error names it already."""
    with pytest.raises(type(error)) as caught:
        sample(fails=error)
    assert caught.value is error
    with pytest.raises(ValueError, match="must be small"):
        sample(rate="x", fails=ValueError("`rate` must be small. Received: rate='x'"))  # type: ignore[arg-type]


def test_arrays_that_do_not_go_together_are_described() -> None:
    @names_arguments
    def add(x: Numbers, y: Numbers) -> Any:
        return tf.convert_to_tensor(x) + tf.convert_to_tensor(y)

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received: `x` of shape \(2,\).*, `y` of shape \(3,\)"):
        add(np.zeros(2), np.zeros(3))


def test_methods_and_class_methods_keep_their_signatures() -> None:
    @names_arguments
    class Counter:
        def __init__(self, start: int) -> None:
            self.numbers = range(start)

        @classmethod
        def of(cls, start: int) -> Counter:
            return cls(start)

    assert Counter.of(3).numbers == range(3)
    for make in (Counter, Counter.of):
        with pytest.raises(ValueError, match=r"`start` must be an integer\. Received: start='x'"):
            make("x")


def test_elements_of_lists_and_tensors_that_are_lists_are_named() -> None:
    @names_arguments
    def first(names: Sequence[str], values: Numbers) -> Any:
        return names[0].upper(), values.shape  # type: ignore[attr-defined]

    with pytest.raises(ValueError, match=r"`names` must be of the type `Sequence\[str\]`. Received: names=\[3\]"):
        first([3], np.zeros(2))  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"`values` must be a tensor or an array. Received: values=\[1.0\]"):
        first(["a"], [1.0])

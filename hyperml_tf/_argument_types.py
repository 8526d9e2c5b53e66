"""Errors of any kind that come from an argument of another type, made to name the argument."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import operator
import os
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from hyperml_tf._argument_checks import is_number

_Named = TypeVar("_Named", bound=Callable[..., Any])
Numbers = Annotated[Any, "numbers"]
"""What TensorFlow and NumPy make tensors and arrays of: tensors, arrays, lists, tuples and numbers."""
_LEFT_OUT = ("call", "build", "get_config")
"""Methods that Keras calls."""
_OF_OTHER_LIBRARIES = (
    "TypeError",
    "ValueError",
    "IndexError",
    "OverflowError",
    "InvalidArgumentError",
    "UnimplementedError",
    "ArrowNotImplementedError",
)
"""What Python, NumPy, TensorFlow and Arrow raise for numbers and arrays that they cannot use."""
_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 80


def names_arguments(target: _Named) -> _Named:
    """Has a function, or the public methods of a class, name an argument of another type than its annotation if they fail.

    What works goes on to work, since nothing is checked before a call: an annotation is looked at when a call has failed by an
    error that does not name the argument, such as `'NoneType' object is not iterable`. That error is the cause of the new one. If
    no type is wrong, and NumPy or TensorFlow could not use a number or an array, its message gets the numbers and shapes.
    NumPy's scalars are numbers, and arrays and columns of tables are sequences. Annotations that cannot be evaluated here, such
    as of a name that only type checkers import, say nothing.

    Raises:
        ValueError: from the decorated function, if it has failed and was given an argument of another type.
    """
    if not inspect.isclass(target):
        return typing.cast(_Named, _naming(target))
    for name, member in list(vars(target).items()):
        function = member.__func__ if isinstance(member, classmethod) else member
        is_meant = (name in ("__init__", "__call__") or name[0] != "_") and name not in _LEFT_OUT
        if inspect.isfunction(function) and is_meant:
            naming = _naming(function)
            setattr(target, name, classmethod(naming) if isinstance(member, classmethod) else naming)
    return target


def _naming(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    if all(one.annotation in (one.empty, "Any") for one in signature.parameters.values()):
        return function

    @functools.wraps(function)
    def named(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            problem = _problem(function, signature, args, kwargs, error)
            if problem is None:
                raise
            raise problem from error

    named.__signature__ = signature  # type: ignore[attr-defined]  # for Keras, which does not look at `__wrapped__`
    return named


def _problem(
    function: Callable[..., Any], signature: inspect.Signature, args: Any, kwargs: Any, error: Exception
) -> Exception | None:
    """An error that says what was wrong with the arguments of a call that failed; None, if it says so, or nothing is known."""
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:  # one too many or too few, which Python's own error says
        return None
    said, numeric = str(error), []
    if "Received: " in said or any(f"`{name}`" in said for name in given):  # a check of ours
        return None
    for name, value in given.items():
        parameter = signature.parameters[name]
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = _hint(parameter.annotation, function)
        if not _fits(value, hint) or (isinstance(error, AttributeError) and _lacks_attributes(value, hint)):
            words = _words(hint, parameter.annotation)
            return ValueError(f"`{name}` must be {words}. Received: {name}={_SHORT.repr(value)}")
        if value is not None and any(map(_is_numeric, [hint, *typing.get_args(hint)])):
            numeric.append(f"`{name}` {_described(value)}")
    kind = ValueError if isinstance(error, OverflowError) else type(error)
    if not numeric or "Received" in said or type(error).__name__ not in _OF_OTHER_LIBRARIES:
        return None
    more = f"{said.rstrip('.') or kind.__name__}. Received: {', '.join(numeric)}"
    return kind(error.node_def, error.op, more) if hasattr(error, "node_def") and hasattr(error, "op") else kind(more)


def _is_numeric(hint: Any) -> bool:
    return hint in (int, float) or _is_of_arrays(hint)


def _is_of_arrays(hint: Any) -> bool:
    return hint == Numbers or (isinstance(hint, type) and hasattr(hint, "__array__") and hasattr(hint, "dtype"))


def _lacks_attributes(value: Any, hint: Any) -> bool:
    """Whether a value is a list or a number in place of a tensor or an array, which have attributes."""
    return _is_of_arrays(hint) and not hasattr(value, "dtype")


def _described(value: Any) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return f"= {_SHORT.repr(value)}"
    return f"of shape {shape} and type {getattr(dtype, 'name', dtype)}"


def _hint(annotation: Any, function: Callable[..., Any]) -> Any:
    try:
        hint = eval(annotation, function.__globals__) if isinstance(annotation, str) else Any
    except NameError:  # imported for type checkers only
        return Any
    return type(None) if hint is None else hint


def _words(hint: Any, annotation: str) -> str:
    """What an argument has to be, for a message."""
    if hint in _KINDS:
        return _KINDS[hint][0]
    if _is_of_arrays(hint):
        return "a tensor or an array"
    return f"of the class `{hint.__name__}`" if isinstance(hint, type) else f"of the type `{annotation}`"


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value may be what the annotation says; of sequences, only lists are looked into."""
    if isinstance(hint, TypeVar):
        hint = hint.__bound__ or Any
    if hint is Any:
        return True
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if hint == Numbers:  # whose origin is `Annotated`
        return _is_array(value)
    if origin is typing.Literal:
        return any(isinstance(value, type(part)) and value == part for part in parts)
    kind = origin or hint
    if kind in _KINDS:
        elements = value if isinstance(value, list) and kind in _SEQUENCES and len(parts) == 1 else []
        return _KINDS[kind][1](value) and all(_fits(element, parts[0]) for element in elements)
    if kind in (dict, collections.abc.Mapping):
        return isinstance(value, Mapping) and all(
            _fits(one, part) for entry in value.items() for one, part in zip(entry, parts, strict=False)
        )
    if _is_of_arrays(kind):
        return _is_array(value)
    if not isinstance(kind, type):
        return True
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol that says nothing at run time
        return True


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (getattr(value, "shape", None) == () and value.dtype == bool)


def _is_integer(value: Any) -> bool:
    try:
        return not isinstance(operator.index(value), bool)
    except TypeError:
        return is_number(value) and float(value).is_integer()


def _is_sequence(value: Any) -> bool:
    return _is_iterable(value) and hasattr(value, "__len__") and not isinstance(value, Mapping)


def _is_iterable(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) and getattr(value, "shape", None) != ()


def _is_array(value: Any) -> bool:
    """Whether a value has a type of elements, or is what NumPy makes an array of numbers of."""
    return hasattr(value, "dtype") or is_number(value) or isinstance(value, (bool, list, tuple))


_SEQUENCES = (list, collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable)
_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    bool: ("True or False", _is_boolean),
    int: ("an integer", _is_integer),
    float: ("a number", is_number),
    str: ("a string", lambda value: isinstance(value, str)),
    type: ("a class", lambda value: isinstance(value, type)),
    list: ("a sequence", _is_sequence),
    tuple: ("a sequence", _is_sequence),
    collections.abc.Sequence: ("a sequence", _is_sequence),
    collections.abc.Collection: ("a sequence", _is_sequence),
    collections.abc.Iterable: ("an iterable", _is_iterable),
    collections.abc.Callable: ("a function", callable),
    os.PathLike: ("a path", lambda value: isinstance(value, os.PathLike)),
}

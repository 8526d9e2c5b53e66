"""Wrong arguments for every public function, class and method: each is refused by an error that names it, or makes sense.

The calls are those of the examples in the docstrings. One argument at a time is replaced, by values of another type, shape or
size.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import io
import logging
import math
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from counts import BAD, Counts

sys.path.append(str(Path(__file__).parents[2] / "tests"))

SECONDS = 10
"""How long one call may take. One that takes longer was accepted."""
SECONDS_EACH = 60
"""How long all calls of one function may take."""
MEMORY = 12 << 30
KERAS = ("name", "dtype", "reduction", "trainable", "training", "jit_compile", "use_ema", "weight_decay", "activation")
KERAS_OBJECTS = ("_initializer", "_regularizer", "_constraint")
"""Arguments that are handed on to Keras, which checks them, or not; and how the names of others end."""
CALLED_OTHERWISE = {
    "tuning.search_space.SearchSpace(entries": "space",  # as the option and the argument that it is for
    "tuning.search_space.SearchSpace.updated(entries": "space",
    "serving.served_model.ServedModel.recommend_from_items(histories": "history",  # as the input of the signature
    "data.interactions.Interactions(user_ids": "users",  # codes of which the ids are too few
    "data.interactions.Interactions(item_ids": "items",
    "data.splits.time_split(when": "date",
    "data.synthetic.synthesize(n_users": "users",
    "preparation.prepare.prepare(event_weights": "event_column",  # what is missing beside them
    "preparation.prepare.prepare(min_rating": "rating_column",
}
"""What some errors about an argument name."""
REFUSALS = (ValueError, TypeError, OSError, ImportError, NotImplementedError)


class _Opaque:
    """A value of no use."""

    def __repr__(self) -> str:
        return "<opaque>"


def wrong_values() -> dict[str, Any]:
    """Values that few arguments can have."""
    import numpy as np

    return {
        "None": None,
        "text": "no such",
        "a negative number": -1,
        "a fraction": 0.5,
        "NaN": math.nan,
        "infinity": math.inf,
        "a huge integer": 2**70,
        "no list": [],
        "text in a list": ["a", "b"],
        "four axes": np.zeros((1, 2, 3, 4), np.float32),
        "an array of NaN": np.full((2, 2), np.nan, np.float32),
        "a complex array": np.ones((2, 2), np.complex64),
        "a dictionary": {"a": 1},
        "an object": _Opaque(),
    }


def walk(modules: str = "") -> Counts:
    """Misuses what the modules define whose names match."""
    counts = Counts("Wrong arguments")
    context = multiprocessing.get_context("fork")
    from docstring_checks import public_objects

    for module, objects in public_objects().items():
        named = [value.__name__ for value in objects if not inspect.ismodule(value)]
        if not named or not re.search(modules, module):
            continue
        with context.Pool(1, maxtasksperchild=1) as pool:
            try:
                found = pool.apply_async(_walk_module, (module, named)).get(timeout=SECONDS_EACH * 10)
            except Exception as error:
                found = [(f"{BAD}the process has ended", f"{module}: {type(error).__name__} {error}")]
        for what, example in found:
            counts.add(what, example)
    return counts


def _walk_module(module: str, names: list[str]) -> list[tuple[str, str]]:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)
    found: list[tuple[str, str]] = []
    home = importlib.import_module(module)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder) if hasattr(contextlib, "chdir") else _in(folder),
    ):
        for name in names:
            _walk_object(home, getattr(home, name), found)
    return found


@contextlib.contextmanager
def _in(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _walk_object(home: Any, value: Any, found: list[tuple[str, str]]) -> None:
    """Runs the example of a function or class; what it calls of it is first called wrongly."""
    from docstring_checks import examples

    names = dict(vars(home))
    walker = _Walker(names, found, f"{home.__name__.removeprefix('hyperml_tf.')}.{value.__name__}")
    with walker.watching(home, value):
        for example in examples(inspect.cleandoc(value.__doc__ or "")):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(example.source, "<example>", "single"), names)
            except Exception as error:
                if not example.exc_msg:
                    found.append(("an example has ended early", f"{walker.title}: {error}"))
                    return


class _Walker:
    def __init__(self, names: dict[str, Any], found: list[tuple[str, str]], title: str) -> None:
        self.names, self.found, self.title = names, found, title
        self.done: set[str] = set()
        self.busy = False
        self.left = float(SECONDS_EACH)

    @contextlib.contextmanager
    def watching(self, home: Any, value: Any) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if not inspect.isclass(value):
                watched = self._watched(value, value.__name__)
                self.names[value.__name__] = watched
                stack.enter_context(_replaced(home, value.__name__, watched))
            else:
                for name, member in list(vars(value).items()):
                    if inspect.isfunction(member) and (name in ("__init__", "__call__", "call") or name[0] != "_"):
                        stack.enter_context(_replaced(value, name, self._watched(member, name, value)))
                    elif isinstance(member, classmethod) and name[0] != "_":
                        watched = classmethod(self._watched(member.__func__, name, value))
                        stack.enter_context(_replaced(value, name, watched))
            yield

    def _watched(self, function: Callable[..., Any], name: str, owner: Any = None) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            direct = sys._getframe(1).f_globals is self.names or (name in ("call", "__init__") and not self.busy)
            if direct and not self.busy and name not in self.done:
                self.done.add(name)
                self.busy = True
                try:
                    self._misuse(function, name, owner, args, kwargs)
                finally:
                    self.busy = False
            return function(*args, **kwargs)

        call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # Keras asks which arguments there are
        return call

    def _misuse(self, function: Callable[..., Any], name: str, owner: Any, args: Any, kwargs: Any) -> None:
        try:
            bound = inspect.signature(function).bind(*args, **kwargs)
        except (TypeError, ValueError):
            return
        bound.apply_defaults()
        parameters = list(bound.signature.parameters.values())[1 if owner is not None else 0 :]
        for parameter in parameters:
            of_keras = parameter.name in KERAS or parameter.name.endswith(KERAS_OBJECTS)
            if of_keras or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            right = bound.arguments[parameter.name]
            for described, wrong in wrong_values().items():
                if wrong is None and (right is None or parameter.default is None):
                    continue
                if self.left < 0:
                    self.found.append(("left out, because it takes long", f"{self.title}.{name}"))
                    return
                again = inspect.BoundArguments(bound.signature, dict(bound.arguments))  # type: ignore[arg-type]
                again.arguments[parameter.name] = wrong

                def attempt(again: Any = again) -> Any:
                    if name == "__init__":
                        return owner(*again.args[1:], **again.kwargs)
                    if name == "call":  # as Keras does
                        return again.args[0](*again.args[1:], **again.kwargs)
                    return function(*again.args, **again.kwargs)

                began, before = time.perf_counter(), set(Path.cwd().rglob("*"))
                where = self.title if name == "__init__" or owner is None else f"{self.title}.{name}"
                called = CALLED_OTHERWISE.get(f"{where}({parameter.name}", parameter.name)
                what, said = _judge(attempt, (parameter.name, called), described)
                self.left -= time.perf_counter() - began
                _remove(set(Path.cwd().rglob("*")) - before)
                self.found.append((what, f"{where}({parameter.name}={described}): {said}"))


def _remove(paths: set[Path]) -> None:
    """Removes what a wrong call has written."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _judge(attempt: Callable[[], Any], names: tuple[str, ...], described: str) -> tuple[str, str]:
    import tensorflow as tf

    late = []

    def stop(*_: Any) -> None:
        late.append(True)
        raise TimeoutError("too long")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = attempt()
    except MemoryError as error:
        return "out of memory", str(error)
    except BaseException as error:
        if late:  # whatever has become of the exception on its way
            return "accepted, and takes long", ""
        said = f"{type(error).__name__}: {str(error)[:300]}"
        if not isinstance(error, (*REFUSALS, tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)):
            return f"{BAD}{type(error).__name__}", said
        is_about_the_path = isinstance(error, OSError) and repr(wrong_values()["text"]) in str(error)
        is_named = any(re.search(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", str(error)) for name in names)
        if not is_about_the_path and not is_named:
            return f"{BAD}refused without the name", said
        return "refused by name", said
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    if "NaN" not in described and "infinity" not in described and _has_nan(result):
        return f"{BAD}NaN without a word", str(result)[:100]
    return f"accepted: {described}", ""


def _has_nan(result: Any) -> bool:
    import numpy as np
    import tensorflow as tf

    if isinstance(result, (tuple, list)):
        return any(map(_has_nan, result))
    if isinstance(result, (float, np.ndarray, tf.Tensor)):
        values = np.asarray(result)
        return values.dtype.kind == "f" and bool(np.isnan(values).any())
    return False


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = vars(owner)[name] if name in vars(owner) else getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)

"""Finds the public names of the package, and what is missing in their docstrings."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import tensorflow as tf

import hyperml_tf

PACKAGE = hyperml_tf.__name__
MODULES = sorted([PACKAGE, *(m.name for m in pkgutil.walk_packages(hyperml_tf.__path__, f"{PACKAGE}."))])


def public_objects() -> dict[str, list[Any]]:
    """The public modules, classes and functions of the package, by the name of the module that defines them.

    Public is what the `__all__` of the package and of its subpackages names. A public module without an `__all__` has as public
    names the classes and functions it defines. Names from other libraries are left out, and so are constants.
    """
    found: dict[str, list[Any]] = {}
    modules = [module for module in map(importlib.import_module, MODULES) if hasattr(module, "__path__")]
    queue: list[Any] = [module for module in modules if hasattr(module, "__all__")]
    seen: set[int] = set()
    while queue:
        value = queue.pop()
        home = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None) or ""
        if id(value) in seen or home.split(".")[0] != PACKAGE:
            continue
        seen.add(id(value))
        if inspect.ismodule(value):
            queue += [getattr(value, name) for name in public_names(value)]
        if inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value):
            found.setdefault(home, []).append(value)
    return found


def public_names(module: ModuleType) -> list[str]:
    """The public names of a module."""
    defined = [n for n, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return list(getattr(module, "__all__", [n for n in defined if not n.startswith("_")]))


def missing_in(value: Any) -> Iterator[str]:
    """What is missing in the docstring of a public module, class or function, one message each."""
    name = value.__name__
    doc = inspect.cleandoc(value.__doc__ or "")
    summary, _, rest = doc.partition("\n")
    if not summary.endswith(".") or (rest.strip() and not rest.startswith("\n")):
        yield f"{name}: no summary, one sentence on the first line that ends with a period, before a blank line"
    if inspect.ismodule(value):
        return
    if inspect.isclass(value):
        yield from (f"{name}.{method}: no docstring" for method in undocumented_methods(value))
    if inspect.isclass(value) and issubclass(value, BaseException):
        return  # users catch exceptions and do not make them
    if not any(doctest.SKIP not in example.options for example in examples(doc)):
        yield f"{name}: no block `Example:` with a line `>>>` that runs"
    entries = {**section_entries(doc, "Args"), **(section_entries(doc, "Attributes") if is_record(value) else {})}
    for parameter in parameters(value):
        by_kwargs = parameter == "name" and "`name`" in entries.get("**kwargs", "")
        if parameter not in entries and not by_kwargs:
            yield f"{name}: no entry `{parameter}:` in a block `Args:`"
    if is_layer(value):
        yield from (f"{name}: no block `{s}:`" for s in ("Input shape", "Output shape") if not section(doc, s))


def examples(doc: str) -> list[doctest.Example]:
    """The doctest examples after the heading of a docstring."""
    heading = re.search(r"^Examples?:$", doc, re.MULTILINE)
    return doctest.DocTestParser().get_examples(doc[heading.end() :]) if heading else []


def section(doc: str, title: str) -> str:
    """The indented lines below a heading."""
    match = re.search(rf"^{title}:\n((?:[ ]+\S.*(?:\n|$)|\n)+)", doc, re.MULTILINE)
    return textwrap.dedent(match[1]).strip() if match else ""


def section_entries(doc: str, title: str) -> dict[str, str]:
    """The entries `name: text` of a section; `first, second: text` is an entry for both."""
    entries = {}
    for entry in re.split(r"\n(?=\S)", section(doc, title)):
        names, colon, text = entry.partition(":")
        entries.update({name: text for name in names.split(", ") if colon})
    return entries


def documented_defaults(value: Any) -> Iterator[tuple[str, str, Any]]:
    """The arguments whose docstring says "Defaults to `...`.": the name, what it says, and the default.

    Those of a class are of its constructor and its own methods. A default of `None` stands for what the docstring says.
    """
    functions = [(value.__name__, value, value)] if inspect.isfunction(value) else []
    if inspect.isclass(value):
        functions.append((value.__name__, value, vars(value).get("__init__")))
        members = ((name, getattr(member, "__func__", member)) for name, member in vars(value).items())
        functions += [(f"{value.__name__}.{name}", member, member) for name, member in members if name[0] != "_"]
    for title, documented, function in functions:
        if inspect.isfunction(function):
            entries = section_entries(inspect.cleandoc(documented.__doc__ or ""), "Args")
            for name, parameter in inspect.signature(function).parameters.items():
                stated = re.search(r"Defaults\s+to\s+`([^`]*)`", entries.get(name, ""))
                if stated and parameter.default not in (parameter.empty, None):
                    yield f"{title}: {name}", stated[1], parameter.default


def parameters(value: Any) -> list[str]:
    """The parameters of a function or of the constructor that a class defines itself, without variadic ones."""
    if inspect.isclass(value):
        if "_fields" in vars(value):
            return list(value._fields)
        if "__init__" not in vars(value):
            return []
        signature = list(inspect.signature(vars(value)["__init__"]).parameters.values())[1:]
    else:
        signature = list(inspect.signature(value).parameters.values())
    return [p.name for p in signature if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def undocumented_methods(cls: type) -> list[str]:
    """The public methods and properties that the package defines without a docstring, own or inherited.

    Methods in a decorator of keras-tuner, which drops their docstring, are left out.
    """
    kinds = (property, classmethod, staticmethod)
    ours = [base for base in cls.__mro__ if base.__module__.split(".")[0] == PACKAGE]
    methods = {
        name
        for base in ours
        for name, member in vars(base).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, kinds))
        and getattr(member, "__module__", PACKAGE).split(".")[0] != "keras_tuner"
    }
    return sorted(name for name in methods if not inspect.getdoc(getattr(cls, name)))


def is_record(value: Any) -> bool:
    """Whether `value` is a dataclass or a named tuple, whose fields are attributes."""
    return hasattr(value, "__dataclass_fields__") or hasattr(value, "_fields")


def is_layer(value: Any) -> bool:
    """Whether `value` is a Keras layer; models and metrics, which Keras derives from layers, are not."""
    others = (tf.keras.Model, tf.keras.metrics.Metric)
    return inspect.isclass(value) and issubclass(value, tf.keras.layers.Layer) and not issubclass(value, others)

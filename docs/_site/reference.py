"""The pages of the API reference: one per public package, with everything that its `__all__` names."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import hyperml_tf as hml


def pages() -> dict[str, str]:
    """Returns the Markdown of every page, by its file name."""
    modules = dict(_modules(hml, "")) | {"server": hml.server}  # which is in no `__all__`, because it needs an extra
    listed = [f"- [`hml.{name}`]({name}.md): {_summary(module)}" for name, module in sorted(modules.items())]
    top = [
        f"- [`hml.{name}`]({_home(name)})" for name in hml.__all__ if not name.startswith("_") and name not in modules
    ]
    index = [
        "# API reference",
        "Everything public, from the docstrings. The names that are used most are in the package itself:",
        "\n".join(top),
        "The others are in these packages:",
        "\n".join(listed),
    ]
    texts = {f"{name}.md": _page(name, module) for name, module in modules.items()}
    return {"index.md": "\n\n".join(index) + "\n", **texts}


def _modules(package: ModuleType, prefix: str) -> Iterator[tuple[str, ModuleType]]:
    """The public modules of a package, and theirs, by their names below `hml`."""
    for name in getattr(package, "__all__", ()):
        value = getattr(package, name)
        if inspect.ismodule(value) and value.__name__.startswith("hyperml_tf"):
            yield f"{prefix}{name}", value
            yield from _modules(value, f"{prefix}{name}.")


def public_names(module: ModuleType) -> list[str]:
    """The names of a package that its page documents: classes and functions of this project, and constants."""
    named = getattr(module, "__all__", None)
    if named is None:
        named = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
    return [name for name in named if _is_ours(getattr(module, name))]


def _is_ours(value: Any) -> bool:
    """Whether a value has an entry: not a module, which has a page, nor what other libraries define."""
    home = getattr(value, "__module__", None)
    return not inspect.ismodule(value) and (not isinstance(home, str) or home.startswith("hyperml_tf"))


def _page(name: str, module: ModuleType) -> str:
    full = module.__name__
    blocks = [f"# `hml.{name}`", inspect.getdoc(module) or ""]
    own, others = [], []
    for public in public_names(module):
        home = _path(full, public, getattr(module, public))
        (own if home.startswith(f"{full}.") else others).append((public, home))
    if others:
        links = ", ".join(f"[`{public}`]({home.split('.')[1]}.md#{home})" for public, home in others)
        blocks.append(f"Also here, from the packages where they are documented: {links}.")
    blocks += [f"::: {home}{_options(getattr(module, public))}" for public, home in own]
    return "\n\n".join(blocks) + "\n"


def _options(value: Any) -> str:
    """Shows inherited methods in the entry of a class whose base class is ours but has no entry."""
    bases = [base for base in getattr(value, "__bases__", ()) if base.__module__.startswith("hyperml_tf.")]
    hidden = [base for base in bases if base.__name__ not in public_names(_package(base))]
    return "\n    options:\n      inherited_members: true" if hidden else ""


def _package(value: Any) -> ModuleType:
    """The package below `hml` that a class belongs to."""
    return sys.modules[".".join(value.__module__.split(".")[:2])]


def _path(module: str, name: str, value: Any) -> str:
    """Where the name is defined, so that one object has one entry, whichever packages export it."""
    home = getattr(value, "__module__", None)
    return f"{home}.{name}" if isinstance(home, str) and home.startswith("hyperml_tf") else f"{module}.{name}"


def _home(name: str) -> str:
    value = getattr(hml, name)
    package = value.__module__.split(".")[1]
    return f"{package}.md#{value.__module__}.{name}"


def _summary(module: ModuleType) -> str:
    return (inspect.getdoc(module) or "").partition("\n")[0]

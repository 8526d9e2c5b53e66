"""The manifest of a prepared table: what it was made of, how, and what is in its files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperml_tf.data.origin import Origin, Span
from hyperml_tf.preparation.shard_file import Shard

MANIFEST, USERS, ITEMS, SHARDS = "manifest.json", "users.parquet", "items.parquet", "shards"
"""Names in the directory of a prepared table."""
FORMAT, VERSION = "hyperml_tf.prepared", 1


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What is known of a prepared table.

    Args:
        origin: what the rows were read from.
        options: how the table was read, those arguments of `Interactions.from_file` that were given.
        ordered: whether the rows of each user are sorted by an order column.
        weighted: whether the rows have weights other than 1.
        split: "last", "none", or "time:" and a time.
        split_from: that time, as a number of the order column.
        direction: how much the order of the training rows says about what comes next, see `hyperml_tf.data.direction`.
        n_users: the number of users.
        n_items: the number of items.
        train_users: the number of users with a row to train on.
        fingerprint: that of `Interactions.fingerprint`.
        shards: the files of the rows, in the order of the codes of their users.
    """

    origin: Origin
    options: Mapping[str, Any]
    ordered: bool
    weighted: bool
    split: str
    split_from: float | None
    direction: float
    n_users: int
    n_items: int
    train_users: int
    fingerprint: str
    shards: tuple[Shard, ...]

    def total(self, field: str) -> int:
        """Returns the sum of a field over the shards."""
        return sum(int(getattr(shard, field)) for shard in self.shards)

    def save(self, directory: Path) -> None:
        """Writes the manifest into a directory."""
        values = {
            "format": FORMAT,
            "version": VERSION,
            "rows": self.total("rows"),
            "train_rows": self.total("train_rows"),
            "evaluated_users": self.total("evaluated"),
            **dataclasses.asdict(self),
        }
        (directory / MANIFEST).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Manifest:
        """Reads the manifest of a directory. It may come from anybody.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is damaged, or that of another format.
        """
        path = directory / MANIFEST
        if not path.is_file():
            raise FileNotFoundError(
                f"`{directory}` must be a directory that `prepare` wrote. Received: no {MANIFEST} in it"
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT or values["version"] != VERSION:
                raise ValueError(f"format {values['format']!r}, version {values['version']!r}")
            origin, span = values["origin"], values["origin"]["span"]
            values["origin"] = Origin(
                **{
                    **origin,
                    "others": tuple(origin["others"]),
                    "notes": tuple(origin["notes"]),
                    "span": None if span is None else Span(**span),
                }
            )
            values["shards"] = tuple(_shard(one) for one in values["shards"])
            return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(
                f"`{path}` must be the manifest of a prepared table, of version {VERSION}. Received: {error}"
            ) from error


def is_prepared(path: Any) -> bool:
    """Whether a path is a directory that `prepare` wrote, as far as its manifest says."""
    file = Path(path) / MANIFEST
    if not file.is_file():
        return False
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


def _shard(values: Mapping[str, Any]) -> Shard:
    shard = Shard(**values)
    if "/" in shard.file or "\\" in shard.file or shard.file.startswith("."):
        raise ValueError(f"the file {shard.file!r} outside of the directory")
    return shard

"""What is known of items: read from files and frames, in the order of the catalogue."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperml_tf.data import ItemTable
from hyperml_tf.retrieval import Neighbours
from hyperml_tf.serving import SIGNATURES

CATALOGUE = np.array([3, 1, 2])
FRAME = pd.DataFrame(
    {
        "movieId": ["2", "1", "2"],
        "title": ["Two", None, "Zwei"],
        "year": [1994.0, np.nan, 1.0],
        "tags": [["a", "b"], [], ["c"]],
    }
)


def test_columns_are_in_the_order_of_the_catalogue(caplog: pytest.LogCaptureFixture) -> None:
    """Of duplicates the first row counts; whole numbers stay whole; lists are joined; what is missing is empty."""
    with caplog.at_level(logging.WARNING):
        items = ItemTable.from_frame(FRAME, CATALOGUE)
    assert items.columns == {"title": ["", "", "Two"], "year": ["", "", "1994"], "tags": ["", "", "a|b"]}
    assert "no row for 1 of 3 items" in caplog.text
    assert ItemTable.from_frame(FRAME, CATALOGUE, ["year"]).columns == items.select(["year"]).columns
    assert items.where("'b' in tags and year > 1990").tolist() == [2]


@pytest.mark.parametrize("name", ["i.csv", "i.csv.gz", "i.tsv", "i.parquet", "semicolons.csv"])
def test_files(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"item": [1, 2], "name": ['Tea, "pot"; |', "Žluť\nand more"], "code": ["007", "NA"]})
    if name == "i.parquet":
        frame.to_parquet(tmp_path / name)
    else:
        separator = {"i.tsv": "\t", "semicolons.csv": ";"}.get(name, ",")
        frame.to_csv(tmp_path / name, index=False, sep=separator, encoding="utf-8-sig" if name == "i.csv" else "utf-8")
    items = ItemTable.from_file(tmp_path / name, CATALOGUE)
    assert items.columns == {"name": ["", *frame["name"]], "code": ["", "007", "NA"]}


def test_saving_and_reading_again(tmp_path: Path) -> None:
    items = ItemTable(np.array(["a\0b", "č"], object), {"title": ["one\r\ntwo", ""], "Item": ["x", "y"]})
    items.save(tmp_path / "items.parquet")
    again = ItemTable.from_file(tmp_path / "items.parquet", items.item_ids, item_column="item")
    assert again.columns == items.columns


def test_columns_beside_the_ids_of_an_answer() -> None:
    items = ItemTable(CATALOGUE, {"title": ["Three", "One", "Two"]})
    answer = items.describe(Neighbours(np.array([[1, -1], [2, 3]]), np.array([[0.5, np.inf], [0.1, 0.2]])))
    assert answer.details["title"].tolist() == [["One", ""], ["Two", "Three"]]
    ids, distances = answer
    assert ids.shape == distances.shape == answer.found.shape
    assert answer.found.tolist() == [[True, False], [True, True]]


def test_names_of_answers_are_reserved() -> None:
    """For those of every signature, too."""
    taken = {name for one in SIGNATURES.values() for name in (*one.inputs, *one.outputs)} | {
        "user",
        "item",
        "rank",
        "score",
    }
    for name in taken - {"item_id", "item"}:
        frame = pd.DataFrame({"item": [1], name: ["x"], "title": ["y"]})
        with pytest.raises(ValueError, match=rf"must not have the names.*Received: \['{name}'\]"):
            ItemTable.from_frame(frame, CATALOGUE)
        assert list(ItemTable.from_frame(frame, CATALOGUE, ["title"]).columns) == ["title"]


def test_what_is_no_item_table(tmp_path: Path) -> None:
    for arguments, message in (
        ({"columns": ["heading"]}, r"`columns` must be of the item table.*heading"),
        ({"item_column": "sku"}, r"`item_column` must name a column"),
    ):
        with pytest.raises(ValueError, match=message):
            ItemTable.from_frame(FRAME, CATALOGUE, **arguments)
    with pytest.raises(ValueError, match=r"must have items of the catalogue.*\['2', '1'\]"):
        ItemTable.from_frame(FRAME, np.array(["9"], object))
    with pytest.raises(ValueError, match=r"`columns` must be of the item table.*\['shelf'\]"):
        ItemTable.from_frame(FRAME, CATALOGUE).select(["shelf"])
    with pytest.raises(ValueError, match="No item column was found"):
        ItemTable.from_frame(FRAME[["title"]], CATALOGUE)
    with pytest.raises(ValueError, match="'title' must hold text that can be encoded"):
        ItemTable.from_frame(pd.DataFrame({"item": [1], "title": ["\ud800"]}, dtype=object), CATALOGUE)
    with pytest.raises(FileNotFoundError, match="must be a file that exists"):
        ItemTable.from_file(tmp_path / "none.csv", CATALOGUE)
    for name, content in (
        ("empty.csv", b""),
        ("latin.csv", "item,title\n1,caf\xe9\n".encode("latin-1")),
        ("torn.csv.gz", b"\x1f\x8b\x08\x00broken"),
        ("torn.parquet", b"PAR1"),
        ("quote.csv", b'item,title\n1,"open\n2,x\n'),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"could not be read as .*{name}"):
            ItemTable.from_file(tmp_path / name, CATALOGUE)


def test_another_catalogue_gets_what_is_known_of_its_items() -> None:
    items = ItemTable(np.array(["a", "b"]), {"title": ["Apple", "Bread"]})
    other = items.for_items(np.array(["c", "b"]))
    assert other.item_ids.tolist() == ["c", "b"]
    assert other.columns == {"title": ["", "Bread"]}


def test_the_catalogue_may_be_a_list() -> None:
    frame = pd.DataFrame({"item": ["a", "b"], "title": ["A", "B"]})
    of_list, of_array = (ItemTable.from_frame(frame, ids) for ids in (["b", "a"], np.array(["b", "a"], object)))
    assert of_list.columns == of_array.columns == {"title": ["B", "A"]}

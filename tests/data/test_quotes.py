from __future__ import annotations

import csv
import io

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quick import examples

from hyperml_tf.data import quotes
from hyperml_tf.data.quotes import unclosed_quote


def find(text, separator=","):
    return unclosed_quote(io.BytesIO(text.encode()), separator)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\nc,d",
        'a,"b"\n"c",d\n',
        '"a","b\nc","d ""e"" f"\r\ng,"","h\n"\n',
        'a,"b\nc"',
        'a,5" disk\nb,y "q" z\nc,"\n""\n",d\n',  # quotes within a field are text
        'a,"b" c\nd,e\n',  # sloppy, but within a line
        'a,b\nc,"d',  # the end of the file closes the last line
        'a,b\n"x\ny"\r1,2\r"z"',
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_closed(text, block, monkeypatch):
    monkeypatch.setattr(quotes, "_BLOCK", block)
    assert find(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a,b\nc,"d\ne,f\n', (2, '"d\ne,f\n')),
        ('a,b\n"c,d\ne,f\n', (2, '"c,d\ne,f\n')),
        ('a,"b\nc,d\n', (1, '"b\nc,d\n')),
        ('a,"x\ny"\nb,"d\ne,"f"\n', (3, '"d\ne,"')),
        ('a,"it was\nb,c\nd,"was it\ne,f\n', (1, '"it was\nb,c\nd,"')),
        ('a,"b\rc,d\r', (1, '"b\rc,d\r')),
        ('a,"b\n' + 100 * "c,d\n", (1, '"b\n' + 19 * "c,d\n" + "c")),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_open(text, found, block, monkeypatch):
    monkeypatch.setattr(quotes, "_BLOCK", block)
    assert find(text) == found


def test_byte_order_mark():
    assert find('\ufeff"a,b\nc,d\n') == (1, '"a,b\nc,d\n')
    assert find('\ufeff"a","b\nc",d\n') is None


def test_other_separators():
    for separator in ("\t", ";", "|", "^", "]", "-", "\\"):
        assert find(f'a{separator}"b\nc"{separator}d\n', separator) is None
        assert find(f'a{separator}"b\nc,d\n', separator) == (1, '"b\nc,d\n')


def test_no_field_is_longer_than_the_limit(monkeypatch):
    monkeypatch.setattr(quotes, "_BLOCK", 10)
    monkeypatch.setattr(quotes, "_LONGEST", 30)
    assert find('a,"' + 20 * "b\n" + '",c\n') == (1, '"' + 18 * "b\n" + "b")


CELLS = st.text(alphabet='ab," \n\r', max_size=6)


@settings(max_examples=examples(100))
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_writes_is_closed(rows, newline):
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=newline).writerows(rows)
    assert find(file.getvalue()) is None


@settings(max_examples=examples(200))
@given(st.lists(st.lists(st.text(alphabet='a"', max_size=3), min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_pyarrow_reads_line_by_line_is_closed(rows):
    lines = [",".join(cells) for cells in rows]
    table = pyarrow.csv.read_csv(
        io.BytesIO("\n".join(["x,y", *lines]).encode()),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
        convert_options=pyarrow.csv.ConvertOptions(column_types={"x": pa.string(), "y": pa.string()}),
    )
    if table.num_rows == len(rows):
        assert find("\n".join(["x,y", *lines])) is None

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from hyperml_tf.data import Interactions

TEXT = "user,rating,item,time\nann,5,007,3\nbob,4,7,1\nann,1,8,2\n"
ROWS = [("ann", "8"), ("ann", "007"), ("bob", "7")]


def rows(table):
    return list(table.to_frame().itertuples(index=False, name=None))


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("name", "separator"), [("t.csv", ","), ("t.TXT", ";"), ("t.csv", "|"), ("t.tsv", "\t"), ("t.csv", "\t")]
)
def test_separators(tmp_path, name, separator, newline):
    path = write(tmp_path / name, TEXT.replace(",", separator).replace("\n", newline))
    assert rows(Interactions.from_file(path)) == ROWS


def test_given_separator(tmp_path):
    path = write(tmp_path / "t.csv", TEXT.replace(",", "^"))
    assert rows(Interactions.from_file(path, separator="^")) == ROWS


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", None)]
)
def test_compressed(tmp_path, suffix, compress):
    path = tmp_path / f"t.csv{suffix}"
    if compress is None:
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(TEXT.encode())
    else:
        path.write_bytes(compress(TEXT.encode()))
    assert rows(Interactions.from_file(path)) == ROWS


def test_gzip_of_several_members(tmp_path):
    head, tail = TEXT[:30], TEXT[30:]
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(head.encode()) + gzip.compress(tail.encode()))
    assert rows(Interactions.from_file(path)) == ROWS


@pytest.mark.parametrize("name", ["t.csv.zip", "t.zip"])
def test_zip(tmp_path, name):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("folder/t.csv", TEXT)
        archive.writestr("__MACOSX/t.csv", "noise")
    assert rows(Interactions.from_file(tmp_path / name)) == ROWS


def test_zip_of_two_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    with pytest.raises(ValueError, match=r"exactly one file\. Received: .*'a.csv', 'b.csv'"):
        Interactions.from_file(tmp_path / "t.csv.zip")


def test_byte_order_mark_quotes_and_newlines_in_other_columns(tmp_path):
    text = '"user","review","item","time"\n"a, b","two\nlines, ""quoted""","x",2\nc,"",y,1\n"a, b",,y,1\n'
    table = Interactions.from_file(write(tmp_path / "t.csv", text, "utf-8-sig"))
    assert rows(table) == [("a, b", "y"), ("a, b", "x"), ("c", "y")]


def test_other_columns_may_be_in_another_encoding(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"user,title,item\na,caf\xe9,x\nb,caf\xe9,y\n")
    assert len(Interactions.from_file(path)) == 2


def test_integers_stay_exact(tmp_path):
    huge = 2**53 + 1
    table = Interactions.from_file(write(tmp_path / "t.csv", f"user,item\n{huge},1\n{huge + 1},2\n"))
    assert table.user_ids.dtype == np.int64
    assert table.user_ids.tolist() == [huge, huge + 1]


@pytest.mark.parametrize("odd", ["007", "+7", "-0", " 7", "0x7", "0x1fffffffffffff", "1e3", "7.0", str(2**63)])
def test_one_odd_spelling_makes_text_of_a_column(tmp_path, odd):
    lines = [f"{user},{item}" for user, item in ((1, "-12"), (2, odd), (3, str(-(2**63))), ("", "5"), (12, "10"))]
    table = Interactions.from_file(write(tmp_path / "t.csv", "\n".join(["user,item", *lines, ""])))
    assert table.user_ids.tolist() == [1, 2, 3, 12]
    assert table.item_ids.tolist() == ["-12", odd, str(-(2**63)), "10"]
    without = [line for line in lines if not line.endswith(f",{odd}")]
    table = Interactions.from_file(write(tmp_path / "t.csv", "\n".join(["user,item", *without, ""])))
    assert table.item_ids.tolist() == [-12, -(2**63), 10]


def test_only_empty_fields_are_missing(tmp_path):
    table = Interactions.from_file(write(tmp_path / "t.csv", 'user,item\nNA,null\nnan,None\n,x\n"",x\na,\n'))
    assert rows(table) == [("NA", "null"), ("nan", "None")]


def test_dates_and_fractions_order(tmp_path):
    dates = "user,item,date\na,x,2020-02-01\na,y,2020-01-01\nb,x,2019-12-31\n"
    assert rows(Interactions.from_file(write(tmp_path / "d.csv", dates))) == [("a", "y"), ("a", "x"), ("b", "x")]
    fractions = "user,item,ts\na,x,1e3\na,y,2.5\nb,x,0\n"
    assert rows(Interactions.from_file(write(tmp_path / "f.csv", fractions))) == [("a", "y"), ("a", "x"), ("b", "x")]


def test_parquet_round_trip(tmp_path):
    huge = 2**53 + 1
    frame = pd.DataFrame(
        {
            "user_id": pd.array([huge, None, huge + 2, huge], dtype="Int64"),
            "item_id": ["007", "7", "é", "8"],
            "date": pd.to_datetime(["2020-01-02", "2020-01-02", "2020-01-03", "2020-01-01"]).date,
            "nested": [[1], [2], [3], [4]],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    table = Interactions.from_file(tmp_path / "t.parquet")
    assert table.ordered
    assert table.user_ids.dtype == np.int64
    assert rows(table) == [(huge, "8"), (huge, "007"), (huge + 2, "é")]


def test_parquet_text_stays_text_and_dictionaries_are_read(tmp_path):
    frame = pd.DataFrame({"user": pd.Categorical(["1", "2"], categories=["2", "1"]), "item": ["3", "4"]})
    frame.to_parquet(tmp_path / "t.pq", index=False)
    assert rows(Interactions.from_file(tmp_path / "t.pq")) == [("1", "3"), ("2", "4")]


def test_file_and_frame_agree(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.integers(30, size=500) for name in ("user", "item", "timestamp")})
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    expected = Interactions.from_frame(frame).fingerprint()
    assert Interactions.from_file(tmp_path / "t.csv.gz").fingerprint() == expected
    assert Interactions.from_file(str(tmp_path / "t.parquet")).fingerprint() == expected


@pytest.mark.parametrize("separator", [":::", "", '"', "\n", "\r", "é"])
def test_what_cannot_be_a_separator(tmp_path, separator):
    with pytest.raises(ValueError, match=r"`separator` must be one ASCII character .*pandas.read_csv"):
        Interactions.from_file(write(tmp_path / "t.csv", TEXT), separator=separator)


@pytest.mark.slow
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_long_header_cells_and_empty_lines(tmp_path, newline):
    lines = ["", f'user,"{"z" * 1_200_000}\n,""",item', "a,1,x", "", "b,1,y", ""]
    assert rows(Interactions.from_file(write(tmp_path / "t.csv", newline.join(lines)))) == [("a", "x"), ("b", "y")]


def test_a_long_identifier_and_odd_characters(tmp_path):
    ids = ["x" * 3_000_000, "a\0", "a", "e\u0301", "\u00e9", "\U0001f600", "\u200b", " a", "'"]
    text = "user,item\n" + "".join(f"{user},{item}\n" for user, item in zip(ids, reversed(ids), strict=True))
    table = Interactions.from_file(write(tmp_path / "t.csv", text))
    assert table.user_ids.tolist() == ids
    assert table.item_ids.tolist() == ids[::-1]
    assert table.codes_of(ids[::-1]).tolist() == list(range(len(ids)))[::-1]


@pytest.mark.parametrize("closed", ["", 'u,i,1,"fine"\n'])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("n", [1000, 100_000])
def test_an_unclosed_quote_loses_no_rows(tmp_path, closed, name, n):
    lines = [f"u{k % 10},i{k * 7 % 31},{k},fine\n" for k in range(n)]
    lines[300] = 'u3,i5,300,"it was\n'
    lines[600] += closed
    text = "".join(["user,item,timestamp,review\n", *lines])
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    with pytest.raises(ValueError, match=r"must close every quoted field.* starts in line 302 .*\"it was"):
        Interactions.from_file(path)


def test_quotes_within_fields_and_line_breaks_in_them(tmp_path):
    text = 'user,review,item\na,"two\n\nlines",5" disk\n\nb,"""quoted""\n",x "y" z\n'
    assert rows(Interactions.from_file(write(tmp_path / "t.csv", text))) == [("a", '5" disk'), ("b", 'x "y" z')]


def test_encrypted_zip(tmp_path):
    path = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.csv", TEXT)
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1  # the flag of encryption
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"`path` could not be read as text in UTF-8: .*encrypted.*t\.csv\.zip"):
        Interactions.from_file(path)


def test_damaged_zip_member(tmp_path):
    path = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", TEXT * 1000)
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"`path` could not be read"):
        Interactions.from_file(path)


@pytest.mark.parametrize(
    "times", [["18446744073709551615", "9223372036854775808", "1"], [str(2**70 + 1), str(2**70), "-1"]]
)
def test_large_integers_order_exactly(tmp_path, times):
    text = "user,item,time\n" + "".join(f"a,{place},{time}\n" for place, time in enumerate(times)) + "b,0,1\n"
    assert rows(Interactions.from_file(write(tmp_path / "t.csv", text)))[:3] == [("a", 2), ("a", 1), ("a", 0)]


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([["u1"], ["u2"]]), r"\['u1'\]"),
        (pa.array([{"id": 1}, {"id": 2}]), r"\{'id': 1\}"),
        (pa.array([[("k", 1)], [("k", 2)]], pa.map_(pa.string(), pa.int8())), r"\[\('k', 1\)\]"),
        (pa.array([b"\xff1", b"\xff2"]), r"b'\\xff1'"),
        (pa.array([b"\xff1", b"\xff2"], pa.binary(2)), r"b'\\xff1'"),
    ],
)
def test_parquet_columns_that_hold_no_identifiers(tmp_path, column, shown):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pa.table({"uid": column, "item": ["x", "y"]}), path)
    with pytest.raises(
        ValueError, match=rf"column 'uid' must hold one identifier per row.*Received: .*{shown}.* in row 0"
    ):
        Interactions.from_file(path)
    if not pa.types.is_binary(column.type) and not pa.types.is_fixed_size_binary(column.type):
        pyarrow.parquet.write_table(pa.table({"user": ["a", "b"], "item": ["x", "y"], "time": column}), path)
        with pytest.raises(ValueError, match=rf"order column 'time' must hold numbers.*Received: .*{shown}.* in row 0"):
            Interactions.from_file(path)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        *((dtype, [3, 1]) for dtype in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32())),
        (pa.int64(), [2**63 - 1, -(2**63)]),
        (pa.uint64(), [2**63 - 1, 1]),
        (pa.decimal128(20, 2), [3, 1]),
        (pa.float64(), [2.0**53, 1.0]),
    ],
)
def test_parquet_integers_of_every_width(tmp_path, dtype, values):
    column = pa.array([*values, values[0]], dtype)
    pyarrow.parquet.write_table(pa.table({"user": column, "item": [1, 2, 3], "time": column}), tmp_path / "t.parquet")
    table = Interactions.from_file(tmp_path / "t.parquet")
    assert table.user_ids.tolist() == values
    assert table.user_ids.dtype == np.int64


def test_parquet_unsigned_integers_beyond_int64(tmp_path):
    column = pa.array([2**64 - 1, 2**63, 2**64 - 1], pa.uint64())
    pyarrow.parquet.write_table(pa.table({"user": [1, 1, 2], "item": column, "time": column}), tmp_path / "t.parquet")
    table = Interactions.from_file(tmp_path / "t.parquet")
    assert rows(table) == [(1, str(2**63)), (1, str(2**64 - 1)), (2, str(2**64 - 1))]


def test_parquet_column_names_with_dots(tmp_path):
    pyarrow.parquet.write_table(pa.table({"user.id": ["a", "b"], "item": ["x", "y"]}), tmp_path / "t.parquet")
    assert rows(Interactions.from_file(tmp_path / "t.parquet", user_column="user.id")) == [("a", "x"), ("b", "y")]


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`path` must be a file that exists\. Received: .*none\.csv"):
        Interactions.from_file(tmp_path / "none.csv")


def test_directory_without_a_table(tmp_path):
    write(tmp_path / "notes.md", TEXT)
    with pytest.raises(
        ValueError, match=r"`path` must be a file, or hold files of one kind: .*Received: .* no such file"
    ):
        Interactions.from_file(tmp_path)


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.json.gz", "t.parquet.gz"])
def test_unknown_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=r"`path` must end in one of \.csv.*\.gz.*\.parquet.*Received"):
        Interactions.from_file(write(tmp_path / name, TEXT))


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.zip", "t.parquet"])
def test_empty_file(tmp_path, name):
    with pytest.raises(ValueError, match=r"`path` must be a table with a header\..*empty"):
        Interactions.from_file(write(tmp_path / name, ""))


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst", "t.csv.zip", "t.parquet"])
def test_damaged_file(tmp_path, name):
    with pytest.raises(ValueError, match=r"`path` could not be read as .*Received: "):
        Interactions.from_file(write(tmp_path / name, TEXT))


def test_truncated_gzip(tmp_path):
    whole = gzip.compress(TEXT.encode() * 1000)
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"`path` could not be read"):
        Interactions.from_file(tmp_path / "t.csv.gz")


def test_ragged_rows(tmp_path):
    with pytest.raises(ValueError, match=r"`path` could not be read as text separated by ','.*4 columns"):
        Interactions.from_file(write(tmp_path / "t.csv", TEXT + "eve,1\n"))


def test_identifiers_not_in_utf8(tmp_path):
    with pytest.raises(ValueError, match=r"column .item. holds b'caf\\xe9' in row 1 .*not UTF-8"):
        Interactions.from_file(write(tmp_path / "t.csv", "title,user,item\né,a,x\né,b,café\n", "latin-1"))
    with pytest.raises(ValueError, match=r"`path` could not be read as text in UTF-8: it is UTF-16; save it as UTF-8"):
        Interactions.from_file(write(tmp_path / "t.csv", "user,item\na,x\n", "utf-16"))


def test_no_header(tmp_path):
    path = write(tmp_path / "u.tsv", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
    with pytest.raises(
        ValueError, match=r"`columns='user,item,rating,timestamp'`.*Received: .*first line is '196\\t242"
    ):
        Interactions.from_file(path)


def test_header_only(tmp_path):
    with pytest.raises(ValueError, match=r"`path` '.*t\.csv' must hold .*Received: 0 rows, 0 users, 0 items"):
        Interactions.from_file(write(tmp_path / "t.csv", "user,item,timestamp\n"))


def test_repeated_header(tmp_path):
    with pytest.raises(ValueError, match=r"item column must occur once"):
        Interactions.from_file(write(tmp_path / "t.csv", "user,item,item\na,x,y\nb,z,w\n"))


def test_missing_column_lists_the_columns(tmp_path):
    path = write(tmp_path / "t.csv", TEXT)
    with pytest.raises(
        ValueError, match=r"`item_column` must name.*'user', 'rating', 'item', 'time'\. Received: 'sku'"
    ):
        Interactions.from_file(path, item_column="sku")


def test_bad_order(tmp_path):
    path = write(tmp_path / "t.csv", TEXT + "bob,1,9,soon\n")
    with pytest.raises(ValueError, match=r"order column 'time' must hold numbers, or dates.*'soon' in row 3 "):
        Interactions.from_file(path)
    assert len(Interactions.from_file(path, order_column=False)) == 4

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.errors import JobError
from valle_plugins.sources import sources
from valle_plugins.sources.audio_folder import AudioFolder
from valle_plugins.sources.jsonl import JsonLines
from valle_plugins.sources.lines import MAX_LINE
from valle_plugins.sources.parquet import Parquet
from valle_plugins.sources.table import Table
from valle_plugins.sources.text import Text


@pytest.fixture
def file(tmp_path):
    def file(content, name="rows"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file


def seen(source):
    return [(row.line, row.problem or dict(row.fields)) for row in source.rows()]


def test_the_sources_are_offered_by_name():
    general = {"audio-folder", "book", "csv", "jsonl", "parquet", "text"}
    sets = {"hf-folder", "hf-parquet", "kaldi", "lhotse", "librispeech", "librispeech-pc", "nemo", "seed-tts-eval"}
    corpora = {"emilia", "librilight", "libritts", "ljspeech", "vctk"}
    assert general | sets <= {source.name for source in sources()} | corpora


def test_jsonl_gives_objects_with_their_lines(file):
    path = file('\ufeff{"id": "00123", "n": 1}\r\n\n{"id": "no"}')
    assert seen(JsonLines(path=path)) == [(1, {"id": "00123", "n": 1}), (3, {"id": "no"})]


@pytest.mark.parametrize(
    "bad", [b'{"id": ', b"{'id': 1}", b'{"id": 00123}', b'{"id": "\xff"}', b"NaN", b"\x00", b"[" * 5000]
)
def test_a_bad_line_of_jsonl_spoils_itself_alone(file, bad):
    rows = seen(JsonLines(path=file(b'{"id": "a"}\n' + bad + b'\n{"id": "c"}\n')))
    assert [rows[0], rows[2]] == [(1, {"id": "a"}), (3, {"id": "c"})]
    assert rows[1][1].startswith("not valid JSON")


def test_a_line_of_jsonl_that_is_no_object_is_told(file):
    assert "not a JSON object" in seen(JsonLines(path=file("[1]\n")))[0][1]


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.jsonl.GZ"])
def test_a_compressed_file_reads_as_it_is(file, name):
    assert seen(JsonLines(path=file(gzip.compress(b'{"id": "a"}\n'), name))) == [(1, {"id": "a"})]


@pytest.mark.parametrize("cut", [5, 40])
def test_a_compressed_file_that_is_cut_short_is_an_error(file, cut):
    whole = gzip.compress(b"".join(b'{"id": "%d"}\n' % n for n in range(5000)))
    with pytest.raises(JobError, match="cannot read on"):
        seen(JsonLines(path=file(whole[:-cut], "rows.gz")))


def test_a_line_without_end_is_an_error_in_bounded_memory(file):
    with pytest.raises(JobError, match=r"rows:2: a line of more than 16 MiB"):
        seen(JsonLines(path=file(b"{}\n" + b" " * (MAX_LINE + 1))))


def test_a_source_is_read_as_often_as_one_likes(file):
    source = JsonLines(path=file('{"id": "a"}\n'))
    assert seen(source) == seen(source)


def test_csv_gives_texts_and_leaves_empty_cells_out(file):
    path = file('\ufeffid,text,speed\r\n00123,"a, ""b""\nc",\r\nno,x,1e5\r\n\r\n')
    assert seen(Table(path=path)) == [
        (3, {"id": "00123", "text": 'a, "b"\nc'}),
        (4, {"id": "no", "text": "x", "speed": "1e5"}),
    ]


def test_tsv_takes_its_cells_as_they_stand(file):
    assert seen(Table(path=file('id\ttext\na\t"x" y, z\n', "rows.tsv"))) == [(2, {"id": "a", "text": '"x" y, z'})]


def test_tsv_is_known_by_its_ending_when_compressed_too(file):
    assert seen(Table(path=file(gzip.compress(b"id\ttext\na\tb\n"), "rows.tsv.gz"))) == [(2, {"id": "a", "text": "b"})]


def test_the_delimiter_may_be_said(file):
    assert seen(Table(path=file("id;text\na;b\n"), delimiter="semicolon")) == [(2, {"id": "a", "text": "b"})]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"b,x,y", "3 cells"),
        (b"b", "1 cells"),
        (b"b,\xff", "not valid UTF-8"),
        (b"b," + b"x" * 140_000, "field larger"),
    ],
)
def test_a_bad_row_of_csv_spoils_itself_alone(file, bad, words):
    rows = seen(Table(path=file(b"id,text\na,1\n" + bad + b"\nc,3\n")))
    assert [rows[0], rows[2]] == [(2, {"id": "a", "text": "1"}), (4, {"id": "c", "text": "3"})]
    assert rows[1][0] == 3
    assert words in rows[1][1]


def test_a_quote_that_is_never_closed_is_told(file):
    rows = seen(Table(path=file('id,text\na,1\nb,"2\nc,3\n')))
    assert rows[0] == (2, {"id": "a", "text": "1"})
    assert "not valid CSV" in rows[1][1]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("content", "words"), [("", "names no columns"), (",\n", "names no columns"), ("id,a,a\n", "named twice: 'a'")]
)
def test_a_header_that_names_no_columns_is_an_error(file, content, words):
    with pytest.raises(JobError, match=words):
        seen(Table(path=file(content)))


def test_parquet_gives_plain_values(file, tmp_path):
    table = pa.table({
        "id": ["a", "b"],
        "n": [1, None],
        "tags": [["x"], []],
        "when": pa.array([0, 1], pa.timestamp("s")),
        "price": pa.array(["1.50", "2.00"]).cast(pa.decimal128(5, 2)),
        "audio": pa.array([{"bytes": b"x", "path": "p"}] * 2),
        "raw": [b"x", b"y"],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = seen(Parquet(path=tmp_path / "rows.parquet"))
    assert rows[0] == (1, {"id": "a", "n": 1, "tags": ["x"], "when": "1970-01-01 00:00:00.000", "price": "1.50"})
    assert rows[1][1]["id"] == "b"
    assert "n" not in rows[1][1]


def test_parquet_reads_the_columns_one_asks_for(tmp_path):
    pq.write_table(pa.table({"id": ["a"], "x": [1]}), tmp_path / "rows.parquet")
    assert seen(Parquet(path=tmp_path / "rows.parquet", columns=["id"])) == [(1, {"id": "a"})]
    with pytest.raises(JobError, match=r"no columns y \(it has: id, x\)"):
        seen(Parquet(path=tmp_path / "rows.parquet", columns=["y"]))


def test_parquet_counts_its_rows_through_the_batches(tmp_path):
    pq.write_table(pa.table({"id": [str(n) for n in range(5000)]}), tmp_path / "rows.parquet")
    assert [row.line for row in Parquet(path=tmp_path / "rows.parquet").rows()] == list(range(1, 5001))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_what_is_no_parquet_file_is_an_error(file, content):
    with pytest.raises(JobError, match="cannot read on"):
        seen(Parquet(path=file(content)))


def test_text_gives_a_line_an_item(file):
    path = file("\ufeffOne.\r\n\r\n  Two.  \nThree.")
    assert seen(Text(path=path)) == [
        (1, {"id": "0001", "text": "One."}),
        (3, {"id": "0002", "text": "Two."}),
        (4, {"id": "0003", "text": "Three."}),
    ]


def test_text_gives_a_paragraph_an_item(file):
    path = file("\n\nOne\ntwo.\n \nThree.\n\n\n")
    assert seen(Text(path=path, unit="paragraph", prefix="p-", digits=2)) == [
        (3, {"id": "p-01", "text": "One two."}),
        (6, {"id": "p-02", "text": "Three."}),
    ]


def test_a_line_of_text_that_is_no_utf8_spoils_itself_alone(file):
    rows = seen(Text(path=file(b"a\n\xff\nc\n")))
    assert rows[1] == (2, "not valid UTF-8")
    assert rows[2] == (3, {"id": "0003", "text": "c"})


@settings(deadline=None)  # it writes files, on a disk that others use
@given(st.lists(st.text("ab \t", max_size=5), max_size=20))
def test_lines_and_paragraphs_hold_the_same_words(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text("\n".join(lines))
    words = [word for row in Text(path=path).rows() for word in row.fields["text"].split()]
    assert words == [word for row in Text(path=path, unit="paragraph").rows() for word in row.fields["text"].split()]
    assert words == " ".join(lines).split()


def test_an_audio_folder_is_read_in_the_order_of_names(file, tmp_path):
    for name in ("b/two words.flac", "a.wav", "b/1.WAV", "notes.txt", ".hidden.wav", ".cache/x.wav"):
        file("", f"audio/{name}")
    file(b"\xef\xbb\xbf Hello. \n", "audio/a.txt")
    folder = tmp_path / "audio"
    assert [row.fields for row in AudioFolder(path=folder).rows()] == [
        {"id": "a", "audio": str(folder / "a.wav"), "text": "Hello."},
        {"id": "b-1", "audio": str(folder / "b/1.WAV")},
        {"id": "b-two-words", "audio": str(folder / "b/two words.flac")},
    ]


def test_the_text_beside_audio_may_be_left_out(file, tmp_path):
    file("", "audio/a.wav")
    file("x", "audio/a.txt")
    assert list(next(AudioFolder(path=tmp_path / "audio", text=None).rows()).fields) == ["id", "audio"]


def test_a_text_beside_audio_that_is_no_utf8_is_told(file, tmp_path):
    file("", "audio/a.wav")
    file(b"\xff", "audio/a.txt")
    assert "a.txt is not valid UTF-8" in next(AudioFolder(path=tmp_path / "audio").rows()).problem


def test_a_folder_that_cannot_be_read_is_an_error(file):
    with pytest.raises(JobError, match="cannot read the folder"):
        seen(AudioFolder(path=file("")))


def test_a_link_to_a_folder_above_is_no_endless_way(file, tmp_path):
    file("", "audio/a.wav")
    (tmp_path / "audio" / "loop").symlink_to(tmp_path / "audio")
    assert len(seen(AudioFolder(path=tmp_path / "audio"))) == 1

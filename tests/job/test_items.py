import gzip
import os
from array import array
from collections import Counter
from itertools import chain

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.errors import JobError, Problem
from valle_engine.job.census import SHOWN, Census
from valle_engine.job.duplicates import duplicates
from valle_engine.job.items import Checked, Shard, checked_items
from valle_engine.job.loading import Choice
from valle_engine.parts import BaseItem


@pytest.fixture
def items(manifest):
    """The good items, as mappings of their fields and their extras."""

    def items(rows, **more):
        return [{**found.extras, **found.item.model_dump(mode="json")} for found in whole(manifest(rows, **more))]

    def whole(of):
        found = list(checked_items(of))
        assert all(isinstance(each, Checked) for each in found), found
        return found

    return items


@pytest.fixture
def wrong(manifest):
    """What is wrong with items, as (line, path, text) triples."""

    def wrong(rows, **more):
        census = Census(manifest(rows, **more))
        list(census.items())
        return [(each.line, each.path, f"{each.message} ({each.hint})") for each in census.problems()]

    return wrong


@pytest.fixture
def jsonl(tmp_path):
    def jsonl(*rows, **options):
        (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        return {"kind": "jsonl", "path": "rows.jsonl", **options}

    return jsonl


def test_a_field_takes_the_type_the_task_gives_it(load):
    job = load("{name: a, task: tts, items: [{id: 00123, text: 1e5, language: no, speed: 1.50}]}")
    [checked] = checked_items(job.manifest)
    assert checked.item.model_dump(exclude={"voice"}) == {"id": "00123", "text": "1e5", "language": "no", "speed": 1.5}


def test_numbers_of_json_become_text_where_text_is_meant(items, jsonl):
    assert items(jsonl({"id": 7, "text": 1984}))[0]["id"] == "7"


def test_defaults_fill_what_an_item_leaves_out(items, jsonl):
    rows = jsonl(
        {"id": "a", "text": "x"}, {"id": "b", "text": "x", "language": "de"}, {"id": "c", "text": "x", "language": None}
    )
    assert [item["language"] for item in items(rows, defaults={"language": "fr"})] == ["fr", "de", "fr"]


def test_an_empty_cell_is_an_absent_field(items, tmp_path):
    (tmp_path / "rows.csv").write_text("id,text,speed\na,x,\nb,y,2\n")
    assert [item["speed"] for item in items({"kind": "csv", "path": "rows.csv"})] == [1.0, 2.0]


def test_columns_are_renamed(items, jsonl):
    [item] = items(jsonl({"utt": "a", "transcript": "x"}, rename={"id": "utt", "text": "transcript"}))
    assert (item["id"], item["text"]) == ("a", "x")
    assert "transcript" not in item


def test_two_columns_may_change_their_names(items, jsonl):
    [item] = items(jsonl({"id": "a", "text": "x", "note": "y"}, rename={"text": "note", "note": "text"}))
    assert (item["text"], item["note"]) == ("y", "x")


def test_one_column_may_be_two_fields(items, jsonl):
    [item] = items(jsonl({"word": "a"}, rename={"id": "word", "text": "word"}))
    assert (item["id"], item["text"]) == ("a", "a")


def test_the_engines_own_names_are_refused(wrong, jsonl):
    [(_, _, text)] = wrong(jsonl({"id": "a", "text": "x", "@files": "y"}))
    assert "the engine's own" in text


def test_two_files_that_would_have_one_id_are_told(wrong, tmp_path):
    for name in ("a/b.wav", "a-b.wav"):
        (tmp_path / "sound" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sound" / name).write_bytes(b"")
    [(line, _, text)] = wrong({"kind": "audio-folder", "path": "sound"}, task="stt", model="ecker/vall-e")
    assert line is None
    assert "id 'a-b' is given twice" in text
    assert f"as item 1 (audio: {tmp_path / 'sound/a/b.wav'}" in text


def test_a_renaming_of_a_column_that_no_row_has_is_a_mistake(wrong, jsonl):
    rows = [{"id": "a", "text": "x"}, {"id": "b", "text": "x"}]
    [(_, path, text)] = wrong(jsonl(*rows, rename={"voice": "speaker"}))
    assert path == "items.rename.voice"
    assert "no row has a column 'speaker'" in text
    assert wrong(jsonl(*rows, rename={"voice": "speaker"}, limit=1)) == []


def test_where_chooses_rows_by_the_sources_columns(items, jsonl):
    rows = [{"id": "a", "lang": "en", "n": 1}, {"id": "b", "lang": "de", "n": 1}, {"id": "c", "n": True}]
    rows = [{**row, "text": "x"} for row in rows]
    assert [item["id"] for item in items(jsonl(*rows, where={"lang": "en"}))] == ["a"]
    assert [item["id"] for item in items(jsonl(*rows, where={"n": 1}))] == ["a", "b"]
    assert [item["id"] for item in items(jsonl(*rows, where={"n": "true"}))] == ["c"]
    assert [item["id"] for item in items(jsonl(*rows, where={"lang": None}))] == ["c"]


def test_limit_counts_the_rows_that_were_chosen(items, jsonl):
    rows = [{"id": f"i{n}", "text": "x", "odd": n % 2} for n in range(10)]
    assert [item["id"] for item in items(jsonl(*rows, where={"odd": 1}, limit=2))] == ["i1", "i3"]


def test_the_limit_of_the_command_line_counts_too(load, jsonl):
    job = {"name": "a", "task": "tts", "items": jsonl(*[{"id": f"i{n}", "text": "x"} for n in range(9)], limit=5)}
    assert len(list(checked_items(load(orjson.dumps(job).decode(), Choice(limit=3)).manifest))) == 3


def test_shards_part_the_limited_items_among_them(load, jsonl):
    job = {"name": "a", "task": "tts", "items": jsonl(*[{"id": f"i{n}", "text": "x"} for n in range(300)], limit=200)}
    text = orjson.dumps(job).decode()
    shards = [
        [found.item.id for found in checked_items(load(text, Choice(shard=Shard(n, 3))).manifest)] for n in (1, 2, 3)
    ]
    assert sorted(chain(*shards)) == sorted(f"i{n}" for n in range(200))
    assert min(map(len, shards)) > 40


def test_a_shard_holds_the_same_items_everywhere():
    assert [item for item in ("ch01-0001", "ch01-0002", "ch01-0003", "ch01-0004") if Shard(1, 2).holds(item)] == [
        "ch01-0001",
        "ch01-0002",
    ]


def test_other_columns_are_carried_along(items, jsonl):
    assert items(jsonl({"id": "a", "text": "x", "chapter": 3}))[0]["chapter"] == 3


@pytest.mark.parametrize("column", ["vioce", "Voice", "voices", "langauge", "speeed"])
def test_a_column_that_looks_like_an_absent_field_is_a_mistake(wrong, jsonl, column):
    [(line, _, text)] = wrong(jsonl({"id": "a", "text": "x", column: "y"}))
    assert line == 1
    assert f"unknown column {column!r} (did you mean" in text


def test_a_column_may_look_like_a_field_that_is_there(items, jsonl):
    assert items(jsonl({"id": "a", "text": "x", "texts": "y"}))[0]["texts"] == "y"


def test_rename_lets_a_lookalike_through(items, jsonl):
    assert items(jsonl({"id": "a", "text": "x", "voices": "y"}, rename={"choir": "voices"}))[0]["choir"] == "y"


def test_a_missing_field_is_told_with_its_line(wrong, jsonl):
    [(line, path, text)] = wrong(jsonl({"id": "a", "text": "x"}, {"id": "b"}))
    assert (line, path) == (2, "text")
    assert "item 'b'" in text


@pytest.mark.parametrize(
    "bad",
    ["", ".hidden", "../up", "a/b", "a b", "a\n", "é", "a" * 129, "'; DROP TABLE outcomes", "$(x)", "{0.__class__}"],
)
def test_an_id_that_is_no_file_name_is_refused(wrong, jsonl, bad):
    [(line, path, _)] = wrong(jsonl({"id": bad, "text": "x"}))
    assert (line, path) == (1, "id")


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=140))
def test_an_id_is_accepted_or_refused_by_its_rule(text):
    legal = 1 <= len(text) <= 128 and text[0] != "." and all(c.isascii() and (c.isalnum() or c in "._-") for c in text)
    try:
        BaseItem(id=text)
    except ValueError:
        assert not legal
    else:
        assert legal


@pytest.mark.parametrize(
    "name",
    [
        "http://127.0.0.1/a.wav", "https://a/b", "concat:a.wav|b.wav", "file:a.wav", "pipe:0",
        "subfile,,start,0,end,9,:a",
        "cat a.wav |", "| cat a.wav", "-i", "a\x00.wav", "a\n.wav", "",
    ],
)  # fmt: skip
def test_what_is_no_plain_file_name_is_refused(wrong, jsonl, name):
    [(_, path, text)] = wrong(jsonl({"id": "a", "text": "x", "voice": name}))
    assert path == "voice"
    assert "refused" in text


def test_a_path_starts_at_the_job_file(items, jsonl, tmp_path):
    (tmp_path / "voice.wav").write_bytes(b"x")
    [item] = items(jsonl({"id": "a", "text": "x", "voice": "voice.wav"}))
    assert item["voice"] == str(tmp_path / "voice.wav")


@pytest.mark.parametrize(("name", "words"), [("none.wav", "no such file"), (".", "no regular file")])
def test_a_path_must_lead_to_a_file(wrong, jsonl, name, words):
    [(line, path, text)] = wrong(jsonl({"id": "a", "text": "x", "voice": name}))
    assert (line, path) == (1, "voice")
    assert words in text


def test_a_path_starts_at_the_root_and_stays_in_it(items, wrong, jsonl, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in.wav").write_bytes(b"x")
    (tmp_path / "out.wav").write_bytes(b"x")
    (tmp_path / "data" / "link.wav").symlink_to(tmp_path / "out.wav")
    assert items(jsonl({"id": "a", "text": "x", "voice": "in.wav"}, root="data"))
    for name in ("../out.wav", str(tmp_path / "out.wav"), "link.wav"):
        [(_, _, text)] = wrong(jsonl({"id": "a", "text": "x", "voice": name}, root="data"))
        assert "leads out of the folder" in text


def test_an_id_given_twice_is_told_with_both_lines(wrong, jsonl):
    [(line, path, text)] = wrong(jsonl(*[{"id": item, "text": "x"} for item in "abcb"]))
    assert (line, path) == (4, "id")
    assert "'b' is given twice" in text
    assert "in line 2" in text


def test_ids_with_one_hash_are_no_duplicates(manifest, jsonl):
    whole = manifest(jsonl({"id": "a", "text": "x"}, {"id": "b", "text": "x"}))
    hashes = array("q", [hash("a"), hash("b"), hash("a")])
    assert list(duplicates(whole, hashes)) == []


def test_a_number_and_its_text_are_one_id(wrong, jsonl):
    [(_, _, text)] = wrong(jsonl({"id": 7, "text": "x"}, {"id": "7", "text": "x"}))
    assert "given twice" in text


def test_a_scorer_must_find_what_it_needs(wrong, jsonl):
    rows = jsonl({"id": "a", "text": "x"})
    [(line, path, text)] = wrong(rows, scores=["speaker-similarity"])
    assert (line, path) == (1, "voice")
    assert "which the scorer 'speaker-similarity' needs" in text


def test_a_carried_column_feeds_a_scorer(wrong, jsonl, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"x")
    rows = [{"id": "a", "audio": "a.wav", "text": "x"}, {"id": "b", "audio": "a.wav"}]
    found = wrong(jsonl(*rows), task="stt", model="ecker/vall-e", scores=["wer"])
    assert [(line, path) for line, path, _ in found] == [(2, "text")]


def test_a_default_feeds_a_scorer(items, jsonl, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"x")
    rows = jsonl({"id": "a", "audio": "a.wav"})
    assert items(rows, task="stt", model="ecker/vall-e", scores=["wer"], defaults={"text": "y"})[0]["text"] == "y"


def test_items_that_are_no_mappings_are_told_one_by_one(load):
    census = Census(load("name: a\ntask: tts\nitems:\n  - hello\n  - {id: a, text: b}\n  - [x]\n").manifest)
    assert len(list(census.items())) == 1
    assert [problem.line for problem in census.problems()] == [4, 6]


def test_a_job_without_items_is_a_mistake(wrong, jsonl):
    assert wrong([]) == [(None, "items", "no items (a job has at least one)")]
    [(_, _, text)] = wrong(jsonl({"id": "a", "text": "x"}, where={"lang": "en"}, limit=1))
    assert "`where` leaves out every row" in text


def test_values_nested_without_end_are_refused(wrong, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "text": "x", "notes": ' + "[" * 500 + "]" * 500 + "}\n")
    [(line, path, text)] = wrong({"kind": "jsonl", "path": "rows.jsonl"})
    assert (line, path) == (1, "notes")
    assert "nested deeper" in text


def test_of_very_many_mistakes_the_first_are_shown_and_the_rest_counted(wrong, jsonl):
    found = wrong(jsonl(*[{"id": f"i{n}"} for n in range(SHOWN + 50)]))
    assert len(found) == SHOWN + 1
    assert "50 more" in found[-1][2]


def test_one_bad_row_at_the_end_of_a_compressed_manifest_is_found(wrong, tmp_path):
    rows = [orjson.dumps({"id": f"i{n}", "text": "x"}) for n in range(9_999)]
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(b"\n".join([*rows, b'{"id": "bad"'])))
    [(line, _, text)] = wrong({"kind": "jsonl", "path": "rows.jsonl.gz"})
    assert line == 10_000
    assert "not valid JSON" in text


def test_each_distinct_path_is_looked_up_once(manifest, jsonl, tmp_path, monkeypatch):
    (tmp_path / "v.wav").write_bytes(b"x")
    found = manifest(jsonl(*[{"id": f"i{n}", "text": "x", "voice": "v.wav"} for n in range(50)]))
    looked = Counter()
    isfile = os.path.isfile
    monkeypatch.setattr("os.path.isfile", lambda path: looked.update([path]) or isfile(path))
    assert not any(isinstance(each, Problem) for each in checked_items(found))
    assert list(looked.values()) == [1]


def test_an_unreadable_source_is_one_error(manifest, tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"")
    with pytest.raises(JobError, match=r"rows\.csv:1: the first line names no columns"):
        list(checked_items(manifest({"kind": "csv", "path": "rows.csv"})))

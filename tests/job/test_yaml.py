import re
import tracemalloc

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.errors import JobError
from valle_engine.job.yaml import MAX_DEPTH, read_yaml


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "job.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(path)

    return read


@pytest.fixture
def problem(read):
    def problem(content):
        with pytest.raises(JobError) as caught:
            read(content)
        [problem] = caught.value.problems
        return problem

    return problem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("null", None), ("~", None), ("", None),
        ("true", True), ("FALSE", False),
        ("7", 7), ("-12", -12), ("0", 0),
        ("0.5", 0.5), (".5", 0.5), ("1e-3", 0.001), ("-2.5E+2", -250.0),
        ("no", "no"), ("on", "on"), ("y", "y"),
        ("00123", "00123"), ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("2024-01-02", "2024-01-02"),
        ("0x1f", "0x1f"), ("+5", "+5"), (".", "."), ("e5", "e5"), (".inf", ".inf"), ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000), ("'7'", "7"), ('"true"', "true"), ("'~'", "~"),
    ],
)  # fmt: skip
def test_a_plain_scalar_has_the_type_it_looks_like(read, written, meant):
    value = read(f"seed: {written}\n").values["seed"]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize("written", ["no", "00123", "1e5", "12:30:45", "true", "7", "0.50"])
def test_plain_scalars_of_items_and_defaults_stay_as_written(read, written):
    document = read(f"defaults: {{a: {written}}}\nitems:\n  - {{id: {written}, b: [{written}]}}\n")
    assert document.values["defaults"] == {"a": written}
    assert list(document.items) == [(3, {"id": written, "b": [written]})]


def test_a_null_of_an_item_stays_null(read):
    assert list(read("items: [{id: a, voice: ~, text: '~'}]").items) == [(1, {"id": "a", "voice": None, "text": "~"})]


def test_every_key_and_entry_has_its_line(read):
    document = read("name: a\nworkers:\n  count: 1\n\nscores:\n  - wer\n  - name: sim\n    option: 1\n")
    assert document.lines == {
        ("name",): 1, ("workers",): 2, ("workers", "count"): 3, ("scores",): 5,
        ("scores", 0): 6, ("scores", 1): 7, ("scores", 1, "name"): 7, ("scores", 1, "option"): 8,
    }  # fmt: skip


def test_a_place_without_a_line_takes_the_one_around_it(read):
    assert read("name: a\nsampling:\n  top-p: 0.9\n").line(("sampling", "top-p", "p")) == 3


def test_items_keep_their_lines_and_leave_none_in_the_map(read):
    document = read("items:\n  - id: a\n    text: x\n  - id: b\n")
    assert [line for line, _ in document.items] == [2, 4]
    assert list(document.lines) == [("items",)]


def test_a_source_is_kept_as_text(read):
    document = read("items: {kind: jsonl, limit: 10, where: {speaker: 007}}")
    assert document.items is None
    assert document.values["items"] == {"kind": "jsonl", "limit": "10", "where": {"speaker": "007"}}


def test_an_anchor_gives_each_alias_the_type_of_its_place(read):
    document = read("seed: &n 1e1\nitems:\n  - {id: *n}\n")
    assert document.values["seed"] == 10.0
    assert list(document.items) == [(3, {"id": "1e1"})]


def test_a_hundred_thousand_aliases_of_one_scalar_are_fine(read):
    rows = "".join(f"  - {{id: i{n}, voice: *v}}\n" for n in range(100_000))
    assert len(read(f"x: &v reader.wav\nitems:\n{rows}").items) == 100_000


def test_a_byte_order_mark_and_windows_line_ends_are_read_through(read):
    document = read(b"\xef\xbb\xbfname: a\r\nseed: 1\r\nitems:\r\n- id: b\r\n  text: c\r\n")
    assert document.values == {"name": "a", "seed": 1, "items": []}
    assert list(document.items) == [(4, {"id": "b", "text": "c"})]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "empty"),
        (b"# nothing\n", 2, "empty"),
        (b"- a\n- b\n", 1, "a job is a mapping"),
        (b"just text", 1, "a job is a mapping"),
        (b"name: a\nname: b\n", 2, "'name' is given twice"),
        (b"items:\n  - id: a\n    id: b\n", 3, "'id' is given twice"),
        (b"name: a\n---\nname: b\n", 2, "second document"),
        (b"name: a\nseed: \x00\n", 2, "#x00"),
        (b"name: a\nseed: \xff\n", 2, "UTF-8"),
        (b"name: [a\nseed: 1\n", 2, "not valid YAML"),
        (b"name: a\n  b: c\n", 2, "not valid YAML"),
        (b"name: !!python/object/apply:os.system [id]\n", 1, "tag"),
        (b"name: a\ntask: !apply:os.system [id]\n", 2, "tag"),
        (b"items:\n  - !!python/name:os.system x\n", 2, "tag"),
        (b"items: !!python/tuple [1]\n", 1, "tag"),
        (b"!!map {name: a}\n", 1, "a job is a mapping"),
        (b"name: *nobody\n", 1, "no anchor &nobody"),
        (b"name: a\nx: &a [*a]\n", 2, "no anchor &a"),
        (b"[a]: 1\n", 1, "key must be text"),
        (b"?\n: 1\n", 1, "key must be text"),
        (b"x: &x {a: 1}\ny:\n  <<: *x\n", 3, "merge keys"),
    ],
)
def test_a_broken_file_gives_one_problem_with_its_line(problem, content, line, words):
    found = problem(content)
    assert found.line == line
    assert words in found.message + found.hint


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_nesting_is_bounded_before_anything_is_built(problem, opening):
    found = problem("name: a\nx:\n  " + opening * 100_000)
    assert found.line == 3
    assert str(MAX_DEPTH) in found.message


def test_items_nest_no_deeper_than_the_rest(problem, read):
    inner = "[" * (MAX_DEPTH - 3) + "]" * (MAX_DEPTH - 3)
    assert len(read(f"items:\n  - {{id: a, x: {inner}}}\n").items) == 1
    assert "nested deeper" in problem(f"items:\n  - {{id: a, x: [{inner}]}}\n").message


@pytest.mark.parametrize("top", ["", "items:\n  - "])
def test_an_alias_bomb_is_refused_in_little_memory(problem, top):
    levels = "".join(f", &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))
    tracemalloc.start()
    found = problem(f"{top}x: [&a0 [lol]{levels}]")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "aliases" in found.message
    assert peak < 50 * 2**20


def test_a_long_text_repeated_by_aliases_is_refused(problem):
    rows = "".join("  - *t\n" for _ in range(100))
    assert "aliases" in problem(f"x: &t {'a' * 2**20}\ny:\n{rows}").message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(JobError, match=r"nowhere\.yaml.*No such file"):
        read_yaml(tmp_path / "nowhere.yaml")


def test_a_file_beyond_the_bound_is_sent_to_a_source(tmp_path):
    path = tmp_path / "job.yaml"
    with path.open("wb") as stream:
        stream.truncate(2**29)
    with pytest.raises(JobError, match="JSONL"):
        read_yaml(path)


# YAML 1.2, which the reader follows, takes 1e5 for a number; YAML 1.1, which the safe loader follows, for text.
_NUMBER_SINCE_1_2 = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff"), max_size=20)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts.filter(lambda text: not _NUMBER_SINCE_1_2.fullmatch(text))
)
_keys = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(
    lambda key: key not in {"items", "defaults"} and not _NUMBER_SINCE_1_2.fullmatch(key)
)
_documents = st.dictionaries(
    _keys,
    st.recursive(
        _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4), max_leaves=20
    ),
    max_size=5,
)


@settings(deadline=None)  # it writes files, on a disk that others use
@given(_documents, st.booleans())
def test_ordinary_documents_read_as_the_safe_loader_reads_them(tmp_path_factory, document, flow):
    path = tmp_path_factory.mktemp("yaml") / "job.yaml"
    path.write_text(yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True), encoding="utf-8")
    assert read_yaml(path).values == yaml.safe_load(path.read_bytes())


@settings(deadline=None)  # it writes files, on a disk that others use
@given(st.binary(max_size=200) | st.text("[]{}:,-&*!|>'\"#%@` \n\tab~<?", max_size=200).map(str.encode))
def test_any_bytes_give_a_document_or_one_problem_with_a_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("yaml") / "job.yaml"
    path.write_bytes(content)
    try:
        read_yaml(path)
    except JobError as error:
        [problem] = error.problems
        assert problem.file == str(path)
        assert problem.line is not None

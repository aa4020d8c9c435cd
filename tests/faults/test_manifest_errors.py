"""Manifests of strangers: whatever they hold, one clear error or strings that are kept; never a crash, never code.

Each runs as a process of its own, with a bound on its memory, so that a crash would be seen as one.
"""

import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

import valle_engine
import valle_plugins

GIGABYTE = 2**30
HEAD = "name: a\ntask: espeak\n"


@pytest.fixture
def valle(tmp_path):
    """Run a verb on a job file with this content; returns the process."""

    def valle(verb, content, *arguments):
        path = tmp_path / "job.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return subprocess.run(
            [sys.executable, "-m", "valle_engine", verb, str(path), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTE, GIGABYTE)),
        )

    return valle


@pytest.fixture
def problems(valle):
    """The problems that `valle check` finds, as (line, message) pairs; the process ends with 2 and no traceback."""

    def problems(content):
        began = time.monotonic()
        done = valle("check", content, "--json")
        assert done.returncode == 2, done.stderr
        assert done.stderr == ""
        assert time.monotonic() - began < 10
        return [(problem["line"], problem["message"]) for problem in json.loads(done.stdout)["problems"]]

    return problems


def rows(tmp_path, lines):
    (tmp_path / "rows.jsonl").write_text("".join(lines))
    return HEAD + "items: {kind: jsonl, path: rows.jsonl}\n"


def test_duplicate_ids_are_told_with_both_lines(problems):
    content = HEAD + "items:\n  - {id: no, text: x}\n  - {id: b, text: x}\n  - {id: no, text: y}\n"
    assert problems(content) == [(6, "id 'no' is given twice")]


def test_ids_are_strings_whatever_they_look_like(valle, tmp_path):
    ids = ["no", "on", "00123", "1_000", "2024-01-02", "1e5", "0x1f", "true"]
    content = HEAD + "items:\n" + "".join(f"  - {{id: {item}, text: Hello.}}\n" for item in ids)
    assert valle("run", content).returncode == 0
    assert sorted(path.stem for path in (tmp_path / "out/a/audio").rglob("*.flac")) == sorted(ids)


def test_a_bad_row_near_the_end_of_a_long_manifest_is_found(problems, tmp_path):
    lines = [f'{{"id": "i{n}", "text": "x"}}\n' for n in range(99_998)]
    content = rows(tmp_path, [*lines, '{"id": "bad", "text": \n', '{"id": "last", "text": "x"}\n'])
    [(line, message)] = problems(content)
    assert line == 99_999
    assert message.startswith("not valid JSON")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_without_end(problems, opening):
    [(line, message)] = problems(HEAD + "items:\n  - " + opening * 100_000)
    assert (line, message) == (4, "nested deeper than 32 levels")


def test_nesting_without_end_in_a_row(problems, tmp_path):
    [(line, message)] = problems(rows(tmp_path, ["[" * 100_000 + "\n"]))
    assert line == 1
    assert message.startswith("not valid JSON")


def test_an_alias_bomb(problems):
    levels = "".join(f"  b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 10))
    [(_, message)] = problems("x:\n  b0: &b0 [lol, lol, lol]\n" + levels)
    assert "aliases repeat" in message


def test_a_byte_order_mark_and_windows_line_ends(valle):
    content = b"\xef\xbb\xbf" + (HEAD + "items:\n- id: a\n  text: Hello.\n").replace("\n", "\r\n").encode()
    assert valle("check", content).returncode == 0


def test_an_empty_file(problems):
    [(line, message)] = problems("")
    assert (line, message) == (1, "the file is empty")


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch canary']",
        "!!python/object/new:subprocess.Popen [['touch', canary]]",
        "!apply:os.system ['touch canary']",
        "!!python/name:os.system",
        "!new:valle_engine.x {}",
    ],
)
def test_no_tag_is_obeyed(problems, tmp_path, value):
    [(line, message)] = problems(f"name: {value}\n")
    assert line == 1
    assert "tag" in message
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("task", ["os:system", "valle_plugins.tasks.espeak:Espeak", "subprocess.Popen"])
def test_no_code_is_named_by_a_manifest(problems, task):
    [(line, message)] = problems(f"name: a\ntask: {{name: '{task}'}}\nitems: [{{id: a, text: b}}]\n")
    assert (line, message) == (2, f"no task {task!r}")


def test_texts_are_data_all_the_way(valle, tmp_path):
    texts = ["$(touch canary)", "`touch canary`", "'; DROP TABLE outcomes; --", "{0.__class__}", "%s%n", "x\u202ey"]
    items = [{"id": f"i{n}", "text": f"Hello {text}", "note": text} for n, text in enumerate(texts)]
    done = valle("run", json.dumps({"name": "a", "task": "espeak", "items": items}))
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("canary"))
    exported = subprocess.run(
        [sys.executable, "-m", "valle_engine", "status", str(tmp_path / "job.yaml"), "--json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert json.loads(exported.stdout)["counts"] == {"done": len(texts)}


def test_only_what_changed_is_done_again_and_why_says_why(valle, tmp_path):
    def run(*texts):
        items = [{"id": f"i{n}", "text": text} for n, text in enumerate(texts)]
        return valle("run", json.dumps({"name": "a", "task": "espeak", "items": items}), "--json")

    assert run("One.", "Two.", "Three.").returncode == 0
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/a/audio").rglob("*.flac")}
    path = tmp_path / "job.yaml"
    path.write_text(path.read_text().replace("Two.", "Too."))
    why = valle("why", path.read_text(), "i1")
    assert why.returncode == 2
    assert "text changed: 'Two.' -> 'Too.'" in why.stdout
    assert run("One.", "Too.", "Three.").returncode == 0
    assert [path.stem for path, written in files.items() if path.stat().st_mtime_ns != written] == ["i1"]


def test_no_loader_that_constructs_objects_is_used():
    dangerous = re.compile(r"yaml\.(load|full_load|unsafe_load)\b|FullLoader|UnsafeLoader|hyperpyyaml|pickle\.loads?\(")
    roots = [Path(package.__file__).parent for package in (valle_engine, valle_plugins)]
    sources = [path for root in roots for path in root.rglob("*.py")]
    assert len(sources) > 50
    assert [str(path) for path in sources if dangerous.search(path.read_text(encoding="utf-8"))] == []

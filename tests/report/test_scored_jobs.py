"""Reports of jobs that were really run and scored: what the page holds is what the scoring wrote."""

import json
from pathlib import Path

import pytest

from tests.report.test_html import Page
from valle_engine.cli import main

JOB = """
name: {name}
task: {{name: espeak, rate: 300}}
items:
  - {{id: a, text: "Hello there, Alice.", heard: "hello dear alice", speaker: s1}}
  - {{id: b, text: "Good bye.", heard: {heard}, speaker: s2}}
  - {{id: c, text: "...", heard: "", speaker: s2}}
scores: [wer]
scoring: {{transcribers: [{{name: given, column: heard}}], by: [speaker], resamples: 100}}
"""


@pytest.fixture
def run(tmp_path):
    def run(name, heard="good bye") -> Path:
        job = tmp_path / f"{name}.yaml"
        job.write_text(JOB.format(name=name, heard=heard))
        assert main(["run", str(job)]) == 2  # there is nothing to say in "..."
        return tmp_path / "out" / name

    return run


def report(*folders, page):
    assert main(["report", *map(str, folders), "-o", str(page)]) == 0
    return Page(page).report


def test_the_page_tells_what_the_results_tell(run, tmp_path):
    out = run("one")
    told = json.loads((out / "results.json").read_text())
    shown = report(out, page=tmp_path / "page.html")
    assert shown["runs"][0]["scores"] == told["scores"]
    assert shown["runs"][0]["groups"] == told["groups"]
    assert shown["runs"][0]["level"] == 0.95
    assert told["scores"]["wer"]["scored"] == 2
    assert shown["runs"][0]["stamp"]["scoring"] == told["scoring"]
    first, second, third = (item["runs"][0] for item in shown["items"])
    assert first["scores"]["wer"] == pytest.approx(1 / 3)
    assert first["words"] == {"expected": "hello there alice", "said": "hello dear alice"}
    assert second["scores"]["wer"] == 0
    assert (third["state"], third["failure"]["kind"]) == ("failed", "ItemError")
    assert [item["groups"] for item in shown["items"]] == [{"speaker": each} for each in ("s1", "s2", "s2")]


def test_paired_differences_are_those_of_the_comparison(run, tmp_path, capsys):
    runs = [run("one"), run("two", heard="good night")]
    shown = report(*runs, page=tmp_path / "page.html")
    capsys.readouterr()
    assert main(["compare", *map(str, runs), "--json"]) == 0
    [difference] = json.loads(capsys.readouterr().out)["scores"]
    [told] = shown["comparisons"]
    assert (told["figure"], told["run"], told["against"]) == ("wer", 1, 0)
    assert told["difference"] == difference["corpus"]
    assert (told["p"], told["items"]) == (difference["p_value"], difference["items"])


def test_a_run_scored_again_is_shown_beside_itself(run, tmp_path):
    out = run("one")
    assert main(["score", str(out), "--normaliser", "none"]) == 0
    shown = report(out, out / "scores" / "none", page=tmp_path / "page.html")
    assert [each["runs"][1]["scores"]["wer"] for each in shown["items"][:2]] == [1.0, 1.0]
    assert any("normalised by" in note for note in shown["notes"])

"""Pocket's evaluation: its jobs are sound, its table says what the results say."""

import json
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from valle_engine.errors import ValleError
from valle_engine.job.loading import check_job
from valle_engine.plugins import load_plugins
from valle_plugins.pocket import evaluation, files
from valle_plugins.pocket.evaluation import CANDIDATES, MEASUREMENTS, Scale, cast, evaluate, job_of, reference_job
from valle_plugins.pocket.table import BEGINS, ENDS, LINES, table, write_table

SCALE = Scale(speakers=CANDIDATES)


@pytest.fixture
def speakers(pocket, tmp_path):
    """The cast, with silence for its sounds; the speaker encoder is a folder."""
    (pocket / files.SPEAKER).mkdir(exist_ok=True)
    found = list(cast(tmp_path, SCALE))
    for path in {name for each in found for name in (each.reference, each.prompt, each.mixture)}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(2400), 24_000)
    return found


@pytest.mark.parametrize("measurement", MEASUREMENTS, ids=lambda each: each.name)
def test_the_job_of_a_measurement_is_sound(measurement, speakers, tmp_path):
    path = tmp_path / f"{measurement.name}.yaml"
    path.write_text(json.dumps(job_of(measurement, speakers, SCALE)))
    count, problems = check_job(path, load_plugins())
    assert not problems
    assert count == min(len(speakers), measurement.limit or len(speakers))


def test_the_reference_job_renders_what_the_cast_names(speakers, tmp_path):
    path = tmp_path / "reference.yaml"
    path.write_text(json.dumps(reference_job(SCALE)))
    assert check_job(path, load_plugins()) == (2 * len(speakers), [])
    source = load_plugins().sources.build(
        "synthetic", {key: value for key, value in reference_job(SCALE)["items"].items() if key != "kind"}
    )
    rendered = {row.fields["id"]: row.fields for row in source.rows()}
    for each in speakers:
        assert rendered[each.id]["text"] == each.text
        assert rendered[each.id]["split"] == "test"
        assert each.prompt.removesuffix(".flac").rpartition("/")[2] in rendered


def test_nobody_prompts_with_what_is_to_be_said_and_candidates_are_others(speakers):
    rows = list(evaluation._speaking(speakers))
    for row, each in zip(rows, speakers, strict=True):
        assert row["voice"] != row["reference"]
        assert len(set(row["others"])) == CANDIDATES - 1
        assert each.prompt not in row["others"]
    for row, before in pairwise(evaluation._converting(speakers)):
        assert row["voice"] not in {row["audio"], before["voice"]}


def test_too_few_to_choose_among_are_refused(tmp_path):
    with pytest.raises(ValleError, match="20"):
        evaluate(tmp_path, Scale(speakers=3))


@pytest.fixture
def results():
    figure = {"value": 0.123, "low": 0.1, "high": 0.15}
    score = {"scored": 19, "expected": 20, "mean": figure, "counted": figure, "corpus": figure}
    found = {}
    for line in LINES:
        found.setdefault(line.measurement, {"scores": {}})["scores"][line.score] = score
    return found


def test_the_table_has_a_row_a_figure(results):
    rows = table(results).splitlines()[2:]
    assert len(rows) == len(LINES)
    assert rows[2] == "| PER of `tts`, frame after frame | 12.3 % | 10.0 to 15.0 | 19 of 20 | ≤ 8 above the floor |"


def test_a_figure_of_nothing_is_shown_as_none(results):
    results["denoise"]["scores"]["speech-gain"] |= {"scored": 0, "mean": None, "counted": None}
    [row] = [row for row in table(results).splitlines() if "gain of `denoise`" in row]
    assert row == "| gain of `denoise` | - | - | 0 of 20 | ≥ 6 |"


def test_every_line_is_of_something_that_is_measured():
    measured = {
        each.name: {score if isinstance(score, str) else score["name"] for score in each.scores}
        for each in MEASUREMENTS
    }
    measured["reference"] = {"per"}
    assert all(line.score in measured[line.measurement] for line in LINES)


def test_the_table_takes_its_place_in_a_page(tmp_path, results):
    page = tmp_path / "page.md"
    page.write_text(f"# Pocket\n\n{BEGINS}\nold\n\n{ENDS}\nafter\n")
    write_table(page, table(results))
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("# Pocket")
    assert text.endswith("after\n")
    page.write_text("no place")
    with pytest.raises(ValleError, match="no place for the table"):
        write_table(page, "")

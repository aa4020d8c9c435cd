"""Results of a run: what counts, by what it was made, and how they are made again by other rules."""

import csv

import pytest

from tests.scoring.conftest import GIVEN, LINES


def test_every_item_counts_and_failures_count_against(done):
    wer = done.summary()["scores"]["wer"]
    assert (wer["expected"], wer["scored"], wer["failed"], wer["coverage"]) == (4, 3, 1, 0.75)
    # basic: "mr smith paid twenty dollars" / "mister smith paid 20": 3 of 5; 1 of 2; 3 of 3.
    assert wer["mean"]["value"] == pytest.approx((3 / 5 + 1 / 2 + 1) / 3)
    assert wer["counted"]["value"] == pytest.approx((3 / 5 + 1 / 2 + 1 + 1) / 4)
    assert wer["corpus"]["value"] == pytest.approx(7 / 10)
    assert wer["mean"]["low"] <= wer["mean"]["value"] <= wer["mean"]["high"]
    assert wer["over_half"] == 3
    assert wer["worst"][0]["value"] == 1


def test_results_say_by_what_they_were_made(done):
    summary = done.summary()
    assert summary["recipes"][0]["task"]["name"] == "espeak"
    assert summary["recipes"][0]["seed"] == 0
    scoring = summary["scoring"]
    assert scoring["normaliser"]["name"] == "basic"
    assert (scoring["normaliser"]["rules"], scoring["transcribers"][0]["name"]) == ("1", "given")
    assert [scorer["name"] for scorer in scoring["scorers"]] == ["wer"]
    assert summary["states"] == {"done": 3, "failed": 1, "rejected": 0, "quarantined": 0, "pending": 0}
    assert summary["engine"]
    assert summary["format"] == 1


def test_groups_are_those_of_the_columns(done):
    groups = done.summary()["groups"]
    assert groups["speaker"]["x"]["items"] == 2
    assert groups["speaker"]["x"]["scores"]["wer"]["corpus"]["value"] == pytest.approx(4 / 7)
    assert groups["speaker"]["y"]["scores"]["wer"]["failed"] == 1
    assert set(groups["length"]) == {"00-02 s", "02-05 s"} - ({"02-05 s"} - set(groups["length"]))


def test_rows_keep_what_was_heard_and_compared(done):
    row = done.rows()["a"]
    assert row["transcript:given"] == "mister smith paid $20"
    assert (row["said:wer"], row["expected:wer"]) == ("mister smith paid 20", "mr smith paid twenty dollars")
    assert (row["wer.words"], row["by:speaker"], row["state"]) == (5, "x", "done")
    assert done.rows()["d"]["wer"] is None


def test_the_ledger_keeps_raw_transcripts_and_the_scoring_s_digest(done):
    outcome = done.outcomes()["a"]
    assert outcome.transcripts["given"] == "mister smith paid $20"
    assert outcome.scored_by == done.summary()["scoring"]["digest"]


def test_a_run_is_scored_again_by_other_rules(done):
    again = done.json("score", done.out, "--normaliser", "whisper")
    assert again["scores"]["wer"]["corpus"]["value"] == pytest.approx((0 + 1 + 3 + 0) / (4 + 2 + 3 + 0))
    assert again["scoring"]["normaliser"]["name"] == "whisper"
    assert again["scoring"]["digest"] != done.summary()["scoring"]["digest"]
    assert done.summary()["scoring"]["normaliser"]["name"] == "basic", "the run's own results stay"


def test_scoring_again_by_the_same_rules_gives_the_same(done):
    again = done.json("score", done.out, "--name", "same")
    assert again["scores"] == done.summary()["scores"]
    assert again["groups"] == done.summary()["groups"]


def test_other_scorers_may_be_named(done):
    again = done.json("score", done.out, "--scores", "cer,silence", "--name", "more")
    assert list(again["scores"]) == ["cer", "silence"]
    assert again["scores"]["silence"]["scored"] == 3


def test_rows_are_written_as_csv_too(done):
    assert done.valle("score", done.out, "--csv", "--name", "table")[0] == 0
    with (done.out / "scores" / "table" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert float(rows[1]["wer"]) == 0.5


def test_an_unknown_normaliser_is_refused_with_a_hint(done, capsys):
    assert done.valle("score", done.out, "--normaliser", "wisper")[0] == 3
    assert "did you mean 'whisper'?" in capsys.readouterr().err


def test_a_run_without_scores_must_be_told_what_to_score(lab, capsys):
    lab.run(scores=[], scoring={})
    assert lab.valle("score", lab.out)[0] == 3
    assert "--scores" in capsys.readouterr().err
    assert lab.json("score", lab.out, "--scores", "silence")["scores"]["silence"]["scored"] == 3


def test_two_runs_are_compared_item_by_item(lab, tmp_path_factory):
    other = type(lab)(tmp_path_factory.mktemp("other"))
    lab.run()
    better = [{**line, "heard": line["text"]} if line["id"] in "bc" else line for line in LINES]
    other.run(items=better[:3])
    found = lab.json("compare", lab.out, other.out)
    [wer] = found["scores"]
    assert (found["items"], found["alone"]) == (3, [1, 0])
    assert wer["mean"]["value"] == pytest.approx(-(0.5 + 1) / 3)
    assert wer["corpus"]["value"] == pytest.approx(3 / 10 - 7 / 10)
    assert wer["p_value"] == 0.5, "of two changes, flipped in all ways"
    assert [each["id"] for each in wer["apart"]] == ["c", "b"]
    code, said = lab.valle("compare", lab.out, other.out)
    assert code == 0
    assert "wer c: 1 -> 0" in said


def test_runs_that_were_measured_otherwise_are_told_apart(done):
    done.valle("score", done.out, "--normaliser", "none")
    found = done.json("compare", done.out, done.out / "scores" / "none")
    assert found["notes"] == ["their texts were normalised by basic 1 and none 1"]


def test_results_that_are_not_there_are_told(lab, capsys):
    assert lab.valle("compare", lab.folder / "nothing", lab.folder)[0] == 3
    assert "there is no" in capsys.readouterr().err


def test_repeats_have_means_of_their_own_and_are_one_unit(lab):
    lab.run(items=LINES[:3], repeats=3)
    wer = lab.summary()["scores"]["wer"]
    assert (wer["expected"], wer["scored"]) == (9, 9)
    assert wer["seeds"]["values"] == pytest.approx([0.7] * 3)
    assert wer["seeds"]["deviation"] == pytest.approx(0)
    assert wer["corpus"]["value"] == pytest.approx(7 / 10)
    rows = lab.rows()
    assert (rows["a.2"]["of"], rows["a.2"]["repeat"]) == ("a", 2)
    once = type(lab)(lab.folder / "once")
    once.folder.mkdir()
    once.run(items=LINES[:3])
    assert once.summary()["scores"]["wer"]["mean"] == pytest.approx(wer["mean"]), "repeats are no new evidence"


def test_scores_of_another_scoring_do_not_count(lab):
    lab.run(items=LINES[:3])
    lab.run(items=LINES[:3], scoring={**GIVEN, "normaliser": "none"})
    summary = lab.summary()
    assert summary["stale"] == 3
    assert summary["scores"]["wer"]["scored"] == 0
    assert lab.json("score", lab.job)["scores"]["wer"]["scored"] == 3

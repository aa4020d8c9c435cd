"""Whole runs in this process: what is pending is done, scored, judged, recorded and told."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from valle_engine.errors import JobError
from valle_engine.job.items import Shard
from valle_engine.job.loading import Choice
from valle_engine.store.outputs import OutputFolder
from valle_engine.store.readers import Ledgers

if TYPE_CHECKING:
    from tests.engine.conftest import Lab


def told() -> list[str]:
    return importlib.import_module("valle_lab").TOLD


def items(count: int) -> list[dict[str, Any]]:
    return [{"id": f"i{number}"} for number in range(count)]


def test_a_job_is_done_and_a_second_run_has_nothing_to_do(lab: Lab) -> None:
    lab.write(items(12))
    first, second = lab.run(), lab.run()
    assert (first.exit_code, first.worked, first.counts["done"]) == (0, 12, 12)
    assert (second.exit_code, second.worked, second.counts["done"]) == (0, 0, 12)
    assert len(list((lab.out / "audio").iterdir())) == 12


def test_columns_that_determine_nothing_are_kept_as_the_manifest_has_them_now(lab: Lab) -> None:
    def chapters() -> dict[str, Any]:
        with Ledgers.of_folder(lab.out) as ledgers:
            return {row.outcome.id: row.fields["chapter"] for row in ledgers.outcomes()}

    lab.write([{"id": "a", "chapter": "I"}, {"id": "b", "chapter": "I"}])
    lab.run()
    lab.write([{"id": "a", "chapter": "I"}, {"id": "b", "chapter": "II"}])
    assert lab.run().worked == 0
    assert chapters() == {"a": "I", "b": "II"}


def test_a_failed_item_is_told_and_the_others_are_done(lab: Lab) -> None:
    lab.write([*items(3), {"id": "sad", "bad": True}])
    summary = lab.run()
    assert (summary.exit_code, summary.counts["done"], summary.counts["failed"]) == (2, 3, 1)
    assert lab.outcomes()["sad"].failure.message == "it is bad"
    assert lab.run().exit_code == 2, "it stays settled until it is retried"


def test_a_job_without_items_does_not_start(lab: Lab) -> None:
    lab.write([])
    with pytest.raises(JobError, match="a job has at least one"):
        lab.run()
    assert not lab.out.exists() or not list(lab.out.rglob("*.flac"))


def test_the_output_of_an_item_does_not_depend_on_the_others(lab: Lab, tmp_path: Path) -> None:
    lab.write(items(9))
    lab.run()
    alone = type(lab)(tmp_path / "alone")
    alone.folder.mkdir()
    alone.write([{"id": "i4"}])
    alone.run()
    assert (alone.out / "audio" / "i4.flac").read_bytes() == (lab.out / "audio" / "i4.flac").read_bytes()


def test_scores_stand_in_the_ledger(lab: Lab) -> None:
    lab.write(items(2), scores=["number"])
    lab.run()
    for outcome in lab.outcomes().values():
        assert outcome.scores == outcome.values


def test_a_scorer_that_fails_fails_the_item_and_is_named(lab: Lab) -> None:
    lab.write(items(1), scores=[{"name": "number", "broken": True}])
    assert lab.run().exit_code == 2
    assert lab.outcomes()["i0"].failure.message == "scorer 'number': no idea"


def test_a_gate_tries_again_with_another_seed_and_keeps_the_first_that_passes(lab: Lab) -> None:
    lab.write(items(20), scores=["number"], accept={"number": {"max": 0.4}}, attempts=12)
    summary = lab.run()
    outcomes = lab.outcomes()
    assert summary.exit_code == 0
    for outcome in outcomes.values():
        *others, last = outcome.takes
        assert outcome.scores["number"] == last["number"] <= 0.4
        assert all(take["number"] > 0.4 for take in others)
    assert max(outcome.attempt for outcome in outcomes.values()) > 0


def test_what_no_take_passes_is_rejected_with_its_best_take(lab: Lab) -> None:
    lab.write(items(3), scores=["number"], accept={"number": {"max": -1}}, attempts=3)
    summary = lab.run()
    assert (summary.exit_code, summary.counts["rejected"]) == (2, 3)
    for outcome in lab.outcomes().values():
        assert len(outcome.takes) == 3
        assert outcome.scores["number"] == min(take["number"] for take in outcome.takes)
        assert "is above -1" in outcome.failure.message
        assert (lab.out / outcome.file.path).exists()
    assert not list((lab.out / "takes").iterdir()), "takes that were not chosen are removed"


def test_products_are_made_of_all_outcomes(lab: Lab) -> None:
    lab.write([*items(2), {"id": "sad", "bad": True}], output={"products": ["jsonl"]})
    lab.run()
    lines = (lab.out / "outcomes.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["done", "done", "failed"]


def test_a_product_that_cannot_be_made_is_told_and_the_others_are_made(lab: Lab) -> None:
    lab.write(items(2), output={"products": ["broken", "jsonl"]})
    summary = lab.run()
    assert (summary.exit_code, summary.counts["done"]) == (2, 2)
    assert summary.problems == ("product 'broken': no glue",)
    assert summary.products == (str(lab.out / "outcomes.jsonl"),)


def test_outputs_behind_a_url_are_as_good(lab: Lab) -> None:
    output = {"folder": "memory://bucket/lab", "state": "state", "products": ["jsonl"]}
    lab.write([*items(6), {"id": "sad", "bad": True}], output=output)
    assert lab.run().exit_code == 2
    outputs = OutputFolder("memory://bucket/lab")
    with Ledgers(lab.folder / "state") as ledgers:
        files = [row.outcome.file for row in ledgers.outcomes("done")]
    assert len(files) == 6
    assert all(outputs.verify(file) is None for file in files)
    outputs.remove(files[2].path)
    assert lab.run().worked == 1
    assert not outputs.temporaries()
    assert (lab.folder / "state" / "outcomes.jsonl").exists()


def test_shards_together_do_the_whole_job(lab: Lab) -> None:
    lab.write(items(20), output={"products": ["jsonl"]})
    worked = [lab.run(Choice(shard=Shard(part, 3))).worked for part in (1, 2, 3)]
    assert sum(worked) == 20
    assert min(worked) > 0
    with Ledgers.of_folder(lab.out) as ledgers:
        assert ledgers.counts() == {"done": 20}
    assert len((lab.out / "outcomes.jsonl").read_text().splitlines()) == 20, "a product knows of every shard"


def test_a_limit_takes_the_first_items(lab: Lab) -> None:
    lab.write(items(9))
    assert lab.run(Choice(limit=4)).items == 4
    assert sorted(lab.notes.settled_ids) == ["i0", "i1", "i2", "i3"]


def test_an_item_taken_out_of_the_manifest_counts_no_more_and_its_output_stays(lab: Lab) -> None:
    lab.write(items(4))
    lab.run()
    lab.write(items(3))
    summary = lab.run()
    assert (summary.items, summary.counts["done"], summary.worked) == (3, 3, 0)
    assert (lab.out / "audio" / "i3.flac").exists()


def test_starting_over_does_everything_again(lab: Lab) -> None:
    lab.write(items(3))
    lab.run()
    assert lab.run(fresh=True).worked == 3


def test_plugins_are_told_in_order(lab: Lab) -> None:
    lab.write(items(2), workers={"slots": 1})
    lab.run()
    assert told() == ["started 2", "done i0", "done i1", "finished 0"]


def test_a_plugin_that_raises_when_told_harms_nobody(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.write([{"id": "awkward"}, *items(2)])
    assert lab.run().exit_code == 0
    assert "plugin valle-lab:lab: item_finished raised RuntimeError: I do not like it" in capsys.readouterr().err
    assert told()[-1] == "finished 0"


def test_a_manifest_that_changes_while_it_is_worked_stops_the_run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = lab.folder / "items.jsonl"
    lines.write_text("".join(json.dumps(item) + "\n" for item in items(3)))
    lab.write([])
    job = yaml.safe_load((lab.folder / "job.yaml").read_text())
    (lab.folder / "job.yaml").write_text(yaml.safe_dump({**job, "items": {"kind": "jsonl", "path": "items.jsonl"}}))
    monkeypatch.setattr(type(lab.notes), "started", lambda notes, run: lines.write_text('{"id": "other"}\n'))
    summary = lab.run()
    assert summary.exit_code == 3
    assert "the manifest changed" in summary.stopped


def test_watchers_see_the_run_advance(lab: Lab) -> None:
    lab.write(items(30))
    lab.run()
    assert (lab.notes.run.items, lab.notes.run.pending) == (30, 30)
    assert lab.notes.snapshots
    assert lab.notes.summary.audio_seconds == pytest.approx(30 * 100 / 8000)

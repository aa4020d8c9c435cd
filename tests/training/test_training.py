"""The training loop: it learns, and it goes on exactly where it was."""

import json

import pytest
import torch

from valle_engine.errors import CheckpointError, StoreError
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.training.batches import Reader
from valle_engine.training.journal import Journal
from valle_engine.training.running import assemble, claimed, run_training
from valle_engine.training.saving import MODEL, Checkpoints


class Interrupting(Journal):
    """Asks the training to stop after a step, as Ctrl-C does."""

    def stepped(self, step, stepped, tally, seconds):
        super().stepped(step, stepped, tally, seconds)
        if step == 4:
            self.trainer.stop()


def interrupt(training) -> None:
    checkpoints = Checkpoints(training.folder / "checkpoints")
    with Interrupting(training.folder, training.spec.steps, 1) as journal:
        journal.trainer = assemble(training, checkpoints, journal, Reader(training.spec.seed))
        journal.trainer.resume()
        assert not journal.trainer.run()


def curve(training) -> list[dict]:
    lines = [json.loads(line) for line in (training.folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_training_that_is_interrupted_and_resumed_gives_the_same_to_the_last_digit(tiny, kind):
    options = {"optimiser": {"kind": kind, "learning_rate": 0.003, "warmup": 3, "dropout": 0.1}}
    whole, halves = tiny("whole", **options), tiny("halves", **options)
    assert run_training(whole, None, resume=False)
    interrupt(halves)
    assert run_training(halves, None, resume=True)
    assert curve(halves) == curve(whole)
    last = [read_checkpoint(each.folder / "checkpoints" / "step-00000008" / MODEL).tensors for each in (whole, halves)]
    assert all(torch.equal(last[0][key], last[1][key]) for key in last[0])


def test_its_checkpoint_is_a_model_that_the_engine_loads(tiny):
    training = tiny("out", steps=5)
    run_training(training, None, resume=False)
    checkpoint = read_checkpoint(training.folder / "checkpoints" / "step-00000005" / MODEL)
    assert checkpoint.step == 5
    assert checkpoint.config.codec == "fake"
    assert checkpoint.config.levels == 3
    assert checkpoint.vocabulary["a"] > 3
    checkpoint.model()


def test_a_folder_with_a_training_is_not_begun_anew(tiny):
    training = tiny("out", steps=2)
    run_training(training, None, resume=False)
    with pytest.raises(StoreError, match="step 2: go on with --resume"):
        run_training(training, None, resume=False)


def test_only_the_newest_and_the_best_checkpoints_are_kept(tiny):
    training = tiny("out", saving={"every": 1, "keep": 2}, validation={"every": 100})
    run_training(training, None, resume=False)
    assert Checkpoints(training.folder / "checkpoints").steps() == [7, 8]


def test_it_speaks_sentences_of_the_validation_and_measures_them(tiny):
    training = tiny("out", steps=2, validation={"examples": 4, "samples": 2})
    run_training(training, None, resume=False)
    measured = curve(training)[-1]["validation"]
    assert 0 <= measured["endless"] <= 1
    assert measured["length error"] >= 0


def test_in_bfloat16_it_learns_nearly_the_same(tiny):
    losses = []
    for precision in ("float32", "bfloat16"):
        training = tiny(precision, steps=2, precision=precision, validation={"every": 9, "examples": 0})
        run_training(training, None, resume=False)
        losses.append([line["loss"] for line in curve(training)])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_resumed_training_takes_the_options_as_they_are_now(tiny):
    run_training(tiny("out", steps=2), None, resume=False)
    slower = {"learning_rate": 0.001, "warmup": 1, "schedule": "constant"}
    run_training(tiny("out", steps=4, optimiser=slower), None, resume=True)
    told = [line for line in curve(tiny("out")) if "rate" in line]
    assert [line["step"] for line in told] == [1, 2, 3, 4]
    assert [line["rate"] for line in told[2:]] == [0.001, 0.001]


def test_a_checkpoint_of_another_model_is_told_apart(tiny):
    run_training(tiny("out", steps=1), None, resume=False)
    wider = tiny("out", steps=2, model={"width": 64, "heads": 2, "layers": 2})
    with pytest.raises(CheckpointError, match="step-00000001: it is of another model or optimiser than"):
        run_training(wider, None, resume=True)


def test_a_folder_belongs_to_one_training_at_a_time(tiny):
    training = tiny("out", steps=1)
    with claimed(training, resume=False), pytest.raises(StoreError, match="is being worked on by process"):
        run_training(training, None, resume=False)

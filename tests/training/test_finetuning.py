"""A folder of one voice becomes an adapter that loads, merges and says what it is."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open

from valle_engine.cli import main
from valle_engine.errors import JobError
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.model.lora import attach, merge, read_lora
from valle_engine.training.adapters import write_merged
from valle_engine.training.finetuning import FineTuning, finetune

WORDS = ["one", "two", "three", "four"]


@pytest.fixture
def voice(tmp_path, place):
    folder = tmp_path / "voice"
    folder.mkdir()
    for number, word in enumerate(WORDS):
        shutil.copy(place / f"{number + 4}.wav", folder)
        (folder / f"{number + 4}.txt").write_text(word)
    return folder


@pytest.fixture
def tuned(voice, spec, plugins, tmp_path):
    def tuned(steps=2, **options):
        wanted = FineTuning(voice, spec("tiny"), tmp_path / "voice.sft", rank=8, alpha=8.0, steps=steps, **options)
        return finetune(wanted, plugins, None), wanted.output

    return tuned


def shapes(path):
    with safe_open(path, framework="pt") as file:
        return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - it is no mapping


def test_the_adapter_has_the_released_keys_and_loads(tuned, reference, place):
    told, path = tuned()
    assert told.recordings == len(WORDS)
    assert shapes(path) == shapes(reference / "golden" / "lora.sft")
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["language"] == "en"
    model = read_checkpoint(place / "tiny.sft").model()
    attach(model, [(read_lora(path), 1.0)])


def test_it_is_the_same_a_second_time(tuned):
    first = read_lora(tuned()[1])
    second = read_lora(tuned()[1])
    for key, pair in first.factors.items():
        assert all(torch.equal(pair[side], second.factors[key][side]) for side in "AB")


def test_merging_adds_it_to_the_weights(tuned, place, plugins, tmp_path):
    path = tuned()[1]
    write_merged(str(place / "tiny.sft"), plugins.models, {path: 0.5}, tmp_path / "merged.sft")
    merged = read_checkpoint(tmp_path / "merged.sft")
    expected = read_checkpoint(place / "tiny.sft").model()
    merge(expected, read_lora(path), 0.5)
    assert merged.vocabulary
    key = "model.layers.0.mlp.up_proj.weight"
    assert torch.equal(merged.tensors[key], expected.state_dict()[key])
    assert not torch.equal(merged.tensors[key], read_checkpoint(place / "tiny.sft").tensors[key])


def test_every_recording_that_is_not_fit_is_named_at_once(voice, tuned):
    (voice / "4.txt").unlink()
    (voice / "5.txt").write_text(" ")
    with pytest.raises(JobError, match=r"(?s)4\.wav: no words beside it: write them into 4\.txt.*5\.wav"):
        tuned()


def test_a_recording_that_is_too_short_is_named(voice, tuned, place):
    shutil.copy(place / "0.wav", voice / "7.wav")
    with pytest.raises(JobError, match=r"7\.wav: 0\.2 s is not between 0\.5 and 30 s \(cut it"):
        tuned()


def test_the_command_tells_what_came_of_it(voice, spec, tmp_path, capsys):
    model = spec("tiny")
    arguments = ["--model", model.name, "--codec", json.dumps(model.codec), "--steps", "1", "--rank", "4", "--json"]
    assert main(["finetune", str(voice), "-o", str(tmp_path / "v.sft"), *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recordings"] == len(WORDS)
    assert np.isclose(read_lora(tmp_path / "v.sft").scale, 1)

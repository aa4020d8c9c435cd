"""`valle models` loads and verifies what it should, and refuses what it must, saying why."""

import json
import pickle

import pytest
import torch

from valle_engine.cli import main
from valle_engine.model.checkpoint import hash_file


@pytest.fixture
def models(capsys):
    """The exit code and what `valle models` says."""

    def models(*arguments):
        code = main(["models", *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out + told.err

    return models


def test_the_known_ones_are_listed(models):
    code, told = models("list", "--json")
    listed = {each["name"]: each for each in json.loads(told)}
    assert code == 0
    assert {"repository", "file", "revision", "licence", "path", "codec"} <= listed["ecker/vall-e"].keys()
    assert listed["pocket"]["codec"] == "pocket"


def test_a_model_is_inspected(models, place):
    code, told = models("inspect", place / "tiny-v6.sft", "--json")
    facts = json.loads(told)
    assert (code, facts["version"], facts["sha256"]) == (0, 6, hash_file(place / "tiny-v6.sft"))
    assert {"stt", "text"} <= set(facts["heads"])
    assert facts["tokenizer"] == str(place / "tokenizer.json")


def test_inspection_reads_for_people_too(models, place):
    code, told = models("inspect", place / "tiny.sft")
    assert code == 0
    assert "version 5" in told
    assert "licence" in told


def test_a_sound_model_is_verified(models, place):
    pin = hash_file(place / "tiny.sft")
    assert models("verify", place / "tiny.sft", "--sha256", pin) == (0, f"{place / 'tiny.sft'}: sound\n")


def test_fetching_a_path_is_to_find_it(models, place):
    assert models("fetch", place / "tiny.sft") == (0, f"{place / 'tiny.sft'}\n")


def test_a_model_that_is_not_here_is_not_found_offline(models, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    code, told = models("fetch", "ecker/vall-e@0123abc", "--offline")
    assert code == 3
    assert "is not among the fetched models" in told


class Code:
    """What runs code when it is unpickled; protocol 2 is that of torch."""

    def __reduce__(self):
        return print, ("this must never be printed",)


def truncated(path, place):
    path.write_bytes((place / "tiny.sft").read_bytes()[:-1000])


def with_code(path, _place):
    path.write_bytes(pickle.dumps({"module": Code()}, protocol=2))


def of_version_7(path, place):
    data = (place / "tiny.sft").read_bytes()
    path.write_bytes(data.replace(b'\\"version\\": 5', b'\\"version\\": 7'))


def without_numbers(path, place):
    tensors = torch.load(place / "whole.pth", weights_only=True)
    tensors["module"]["sep"][0] = float("nan")
    torch.save(tensors, path)


@pytest.mark.parametrize(
    ("spoil", "suffix", "words"),
    [
        (truncated, ".sft", "truncated"),
        (with_code, ".pth", "code from a file is never run"),
        (of_version_7, ".sft", "44 kHz"),
        (without_numbers, ".pth", "not finite"),
    ],
)
def test_what_is_not_sound_is_refused_with_its_reason(models, place, reference, tmp_path, spoil, suffix, words):
    whole = place / "whole.pth"
    whole.write_bytes((reference / "ckpt" / "tiny-ar+nar-len-llama-8.pth").read_bytes())
    path = tmp_path / f"spoilt{suffix}"
    spoil(path, place)
    code, told = models("verify", path)
    assert code == 2
    assert words in told
    assert "never be printed" not in told


def test_another_hash_than_the_pinned_one_is_refused(models, place):
    code, told = models("verify", place / "tiny.sft", "--sha256", "f" * 64)
    assert code == 2
    assert "not the pinned" in told

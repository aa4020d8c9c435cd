"""Models by name, and the functions behind `valle models`."""

import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors import safe_open
from safetensors.torch import save_file

from valle_engine.errors import CheckpointError
from valle_engine.model import hub
from valle_engine.model.checkpoint import hash_file
from valle_engine.plugins import load_plugins

PARAMETERS = 2_429_644 - 64
"""Of the tiny profile, without the vector that nothing uses."""


@pytest.fixture
def asked(monkeypatch, checkpoint_path):
    """What the hub's client was asked for; it answers with a tiny checkpoint."""
    calls = []

    def answer(repository, file, **options):
        calls.append((repository, file, options))
        return str(checkpoint_path("tiny"))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", answer)
    return calls


def refuse(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)


@pytest.fixture(scope="module")
def models():
    return load_plugins().models


def test_a_name_is_asked_for_by_its_place_on_the_hub(asked, models):
    assert hub.load("ecker/vall-e", models).config.version == 5
    [(repository, file, options)] = asked
    assert (repository, file) == ("ecker/vall-e", "models/ckpt/ar+nar-len-llama-8/ckpt/fp32.sft")
    assert options == {"revision": "main", "local_files_only": False}


def test_a_revision_is_pinned_behind_the_name(asked, models):
    hub.fetch("ecker/vall-e@0123abc", models, offline=True)
    assert asked[0][2] == {"revision": "0123abc", "local_files_only": True}


def test_a_hash_is_pinned_for_a_name(asked, checkpoint_path, models):
    hub.fetch("ecker/vall-e", models, sha256=hash_file(checkpoint_path("tiny")))
    with pytest.raises(CheckpointError, match="not the pinned"):
        hub.fetch("ecker/vall-e", models, sha256="f" * 64)


def test_an_unknown_name_lists_what_is_known(models):
    with pytest.raises(CheckpointError, match=r"no model 'ecker/valle'.*ecker/vall-e"):
        hub.fetch("ecker/valle", models)


def test_offline_without_the_file_says_so(monkeypatch, models):
    refuse(monkeypatch, LocalEntryNotFoundError("no"))
    with pytest.raises(CheckpointError, match="fetch it once with a network"):
        hub.fetch("ecker/vall-e", models, offline=True)


def test_a_hub_that_cannot_be_reached_says_so(monkeypatch, models):
    refuse(monkeypatch, LocalEntryNotFoundError("no"))
    with pytest.raises(CheckpointError, match="check the network"):
        hub.fetch("ecker/vall-e", models)


def test_a_hub_without_the_revision_says_so(monkeypatch, models):
    refuse(monkeypatch, EntryNotFoundError("404"))
    with pytest.raises(CheckpointError, match=r"does not give .* at nowhere"):
        hub.fetch("ecker/vall-e@nowhere", models)


def test_a_local_path_is_taken_as_it_is(checkpoint_path, models):
    assert hub.fetch(str(checkpoint_path("tiny")), models) == checkpoint_path("tiny")
    with pytest.raises(CheckpointError, match="there is no such file"):
        hub.fetch("/nowhere/model.sft", models)


def test_models_are_listed_without_asking_anyone(monkeypatch, models):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    listed = {each.part.name: each.path for each in hub.list_models(models)}
    assert listed.keys() >= {"ecker/vall-e", "pocket"}
    assert listed["ecker/vall-e"] is None


def test_a_fetched_model_is_listed_with_its_path(monkeypatch, checkpoint_path, models):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: str(checkpoint_path("tiny")))
    assert {each.part.name: each.path for each in hub.list_models(models)}["ecker/vall-e"] == checkpoint_path("tiny")


def test_an_inspection_says_what_a_checkpoint_is(checkpoint_path):
    found = hub.inspect(checkpoint_path("tiny"))
    assert (found.version, found.parameters, found.tensors, found.vocabulary) == (5, PARAMETERS, 66, 281)
    assert found.heads[0] == "AR:0:0"
    assert found.bytes == checkpoint_path("tiny").stat().st_size
    assert found.sha256 == hash_file(checkpoint_path("tiny"))


def test_a_sound_checkpoint_verifies(checkpoint_path):
    assert hub.verify(checkpoint_path("tiny"), hash_file(checkpoint_path("tiny"))) == []


def test_verifying_names_what_is_wrong(checkpoint_path, tmp_path):
    with safe_open(checkpoint_path("tiny"), framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        metadata = file.metadata()
    tensors["sep"] = torch.full_like(tensors["sep"], float("nan"))
    save_file(tensors, tmp_path / "bad.sft", metadata)
    assert hub.verify(tmp_path / "bad.sft") == [f"{tmp_path / 'bad.sft'}: sep holds numbers that are not finite"]
    [problem] = hub.verify(tmp_path / "bad.sft", "0" * 64)
    assert "not the pinned" in problem

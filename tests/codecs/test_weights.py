"""Weights are found, checked and read; what is not weights is a CheckpointError, and its code never runs."""

import hashlib
import pickle
import subprocess
import sys

import huggingface_hub.constants
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from valle_engine.codecs.encodec import EncodecNetworks
from valle_engine.codecs.vocos import VocosNetworks
from valle_engine.codecs.weights import locate, read_tensors, unnormalised
from valle_engine.errors import CheckpointError
from valle_plugins.codecs.encodec import Encodec
from valle_plugins.codecs.vocos import Vocos

NAMES = ("model.safetensors", "pytorch_model.bin")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's cache, with one repository in it and no network."""
    cache = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    revision = "a" * 40
    repository = cache / "models--someone--codec"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    (repository / "snapshots" / revision).mkdir(parents=True)
    return repository / "snapshots" / revision


def test_a_file_a_folder_and_a_cached_repository_are_found(tmp_path, hub):
    file = tmp_path / "pytorch_model.bin"
    file.write_bytes(b"weights")
    (hub / "pytorch_model.bin").write_bytes(b"of the hub")
    assert locate(str(file), NAMES) == file
    assert locate(str(tmp_path), NAMES) == file
    for source in ("someone/codec", "someone/codec@main", f"someone/codec@{'a' * 40}"):
        assert locate(source, NAMES).read_bytes() == b"of the hub"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("someone/other", "not in the local cache and the hub is out of reach"),
        ("someone/codec@" + "b" * 40, "not in the local cache"),
        ("missing.safetensors", "no such file or folder, and no hub id"),
        ("../up/and/away", "no such file or folder"),
        ("https://example.org/model.bin", "no such file or folder"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_is_not_there_says_what_to_do(source, problem):
    with pytest.raises(CheckpointError, match=problem):
        locate(source, NAMES)


def test_an_empty_folder_names_what_it_lacks(tmp_path):
    with pytest.raises(CheckpointError, match=r"holds none of model\.safetensors, pytorch_model\.bin"):
        locate(str(tmp_path), NAMES)


def test_a_hash_is_checked(tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"weights")
    right = hashlib.sha256(b"weights").hexdigest()
    assert locate(str(file), NAMES, right.upper()) == file
    with pytest.raises(CheckpointError, match=f"its sha256 is {right}, the job asks for 00"):
        locate(str(file), NAMES, "00")


class Bomb:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (open, (self.canary, "w"))


@pytest.mark.parametrize("wrap", [lambda bomb: bomb, lambda bomb: {"encoder.model.0.conv.conv.bias": bomb}])
def test_code_in_a_pickle_never_runs(tmp_path, wrap):
    canary = tmp_path / "canary"
    with (tmp_path / "old.th").open("wb") as file:
        pickle.dump(wrap(Bomb(str(canary))), file)
    torch.save(wrap(Bomb(str(canary))), tmp_path / "new.th")
    for name in ("old.th", "new.th"):
        with pytest.raises(CheckpointError, match=f"{name}: cannot be read as weights"):
            read_tensors(tmp_path / name)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["a.th", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"not weights at all", b"\xff" * 4096])
def test_what_is_no_weights_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        read_tensors(tmp_path / name)


def test_a_truncated_file_is_refused(tmp_path, encodec_file):
    cut = tmp_path / "cut.th"
    cut.write_bytes(encodec_file.read_bytes()[:-5000])
    with pytest.raises(CheckpointError, match=r"cut\.th"):
        EncodecNetworks.load(cut, "cpu")


def test_a_file_with_more_than_tensors_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1), "step": 3}, tmp_path / "training.th")
    with pytest.raises(CheckpointError, match="no table of tensors"):
        read_tensors(tmp_path / "training.th")


@pytest.mark.parametrize("load", [EncodecNetworks.load, VocosNetworks.load])
def test_another_models_weights_are_refused(tmp_path, load):
    save_file({"weight": torch.zeros(3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match=r"other\.safetensors: is no"):
        load(tmp_path / "other.safetensors", "cpu")


def test_weights_that_do_not_fit_say_which(tmp_path, encodec_file, vocos_file):
    tensors = torch.load(encodec_file, weights_only=True)
    del tensors["decoder.model.15.conv.conv.bias"]
    torch.save(tensors, tmp_path / "less.th")
    with pytest.raises(CheckpointError, match=r"missing \['decoder\.model\.15\.conv\.conv\.bias'\]"):
        EncodecNetworks.load(tmp_path / "less.th", "cpu")
    tensors = torch.load(vocos_file, weights_only=True)
    tensors["backbone.convnext.3.gamma"] = torch.zeros(99)
    torch.save(tensors, tmp_path / "odd.bin")
    with pytest.raises(CheckpointError, match=r"size mismatch for backbone\.convnext\.3\.gamma"):
        VocosNetworks.load(tmp_path / "odd.bin", "cpu")


def test_weight_normalisation_is_multiplied_out():
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(3, 4, 5))
    plain = unnormalised(layer.state_dict())
    torch.testing.assert_close(plain["weight"], layer.weight.detach())
    assert set(plain) == {"weight", "bias"}


def test_the_parts_open_local_weights(encodec_file, vocos_file, speech):
    options = {"weights": str(vocos_file), "encoder": {"weights": str(encodec_file.parent)}}
    codec = Vocos(**options).open("cpu")
    [codes] = codec.encode([speech(3200)])
    assert codes.shape == (10, 8)
    assert codec.decode([codes])[0].rate == 24000
    digest = hashlib.sha256(encodec_file.read_bytes()).hexdigest()
    assert Encodec(weights=str(encodec_file), sha256=digest).open("cpu")


def test_options_are_checked():
    with pytest.raises(ValidationError):
        Encodec(wieghts="typo")


def test_offering_the_codecs_loads_no_torch():
    program = "import sys, valle_plugins.codecs; print({'torch', 'encodec', 'vocos'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"

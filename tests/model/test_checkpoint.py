"""What loads, what is brought to today's layout, and what is refused with what words."""

import io
import json
import zipfile

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from valle_engine.errors import CheckpointError, ItemError
from valle_engine.model.checkpoint import hash_file, read_checkpoint
from valle_engine.model.config import ModelConfig
from valle_engine.model.language_model import Pass
from valle_engine.model.random_weights import as_released, write_random_checkpoint
from valle_engine.model.sequences import Inputs

TINY = ModelConfig(
    tasks=9, langs=6, dim=16, heads=2, layers=1, codes=64, phonemes=32, characters=40,
    capabilities=frozenset({"ar", "nar", "len", "lang"}),
    sum_prompt=True, sum_response=True, restart_positions=True, noncausal=True,
)  # fmt: skip


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.sft"
    write_random_checkpoint(path, TINY)
    return path


def rewrite(path, change=lambda tensors, config: None):
    """Save the checkpoint again, changed; returns its tensors and config."""
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        config = json.loads(file.metadata()["config"])
    change(tensors, config)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, {"config": json.dumps(config)})
    return tensors, config


def speech_logits(checkpoint):
    model = checkpoint.model()
    ids = torch.arange(4)
    embedded = model.embed(Inputs(phonemes=ids, response=ids))
    return model.run([Pass(embedded.embeddings, embedded.plan.positions(), "AR:0:0", 1, causal=True)])[0]


@pytest.mark.parametrize("profile", ["tiny", "tiny-v6", "tiny-noraw"])
def test_released_layouts_load(checkpoint_path, profile):
    checkpoint = read_checkpoint(checkpoint_path(profile))
    assert checkpoint.config.version == (6 if profile == "tiny-v6" else 5)
    assert checkpoint.vocabulary["<bos>"] == 1
    assert len(checkpoint.vocabulary) == 281
    assert (checkpoint.model().raw_text_emb is None) == (profile == "tiny-noraw")


def test_a_pickle_of_plain_data_equals_its_safetensors_twin(checkpoint_path):
    twin = read_checkpoint(checkpoint_path("tiny"))
    pickled = read_checkpoint(checkpoint_path("tiny").with_suffix(".pth"))
    assert pickled.config == twin.config
    assert pickled.vocabulary == twin.vocabulary
    assert all(torch.equal(tensor, twin.tensors[key]) for key, tensor in pickled.tensors.items())


def test_raw_text_without_its_table_is_the_items_error(checkpoint_path):
    model = read_checkpoint(checkpoint_path("tiny-noraw")).model()
    with pytest.raises(ItemError, match="no table for raw text"):
        model.embed(Inputs(text=torch.tensor([1, 2]), response=torch.tensor([3])))


@pytest.mark.parametrize("suffix", [".safetensors", ".safetensor"])
def test_other_suffixes_of_safetensors_load(small, suffix):
    assert (
        read_checkpoint(small.rename(small.with_suffix(suffix))).config
        == read_checkpoint(small.with_suffix(suffix)).config
    )


def test_a_tokenizer_beside_the_weights_is_found(small):
    assert read_checkpoint(small).tokenizer is None
    beside = small.with_name("tokenizer.json")
    beside.write_text("{}")
    assert read_checkpoint(small).tokenizer == beside


@pytest.mark.parametrize("name", ["small.yaml", "small.json", "config.yml", "config.json"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_config_may_lie_beside_the_weights(small, name, wrapped):
    tensors, config = rewrite(small)
    save_file(tensors, small)
    content = {"models": [{"teacher": True}, config]} if wrapped else config
    small.with_name(name).write_text(json.dumps(content))
    assert read_checkpoint(small).config == TINY


def test_a_retention_prefix_is_renamed(small):
    expected = speech_logits(read_checkpoint(small))

    def change(tensors, _):
        for key in [key for key in tensors if key.startswith("model.")]:
            tensors["retnet." + key.removeprefix("model.")] = tensors.pop(key)

    rewrite(small, change)
    torch.testing.assert_close(speech_logits(read_checkpoint(small)), expected)


def test_an_unused_key_is_passed_over(small):
    rewrite(small, lambda tensors, _: tensors.update(dropout_token=torch.zeros(16)))
    assert "dropout_token" not in read_checkpoint(small).tensors


def test_a_release_before_demasking_loads_without_it(small):
    def change(tensors, config):
        config["capabilities"] = ["ar", "nar"]
        for kind in ("weight", "bias"):
            tensors[f"classifiers.proj.8.{kind}"] = tensors.pop(f"classifiers.proj.9.{kind}")
            del tensors[f"classifiers.proj.10.{kind}"]
        del tensors["resps_emb.embeddings.8.weight"]

    expected = speech_logits(read_checkpoint(small))
    tensors, _ = rewrite(small, change)
    checkpoint = read_checkpoint(small)
    assert "NAR:0:0" not in checkpoint.config.heads_by_name
    torch.testing.assert_close(speech_logits(checkpoint), expected)
    model = checkpoint.model()
    hidden = torch.ones(1, 16)
    stt = hidden @ tensors["classifiers.proj.8.weight"].T + tensors["classifiers.proj.8.bias"]
    torch.testing.assert_close(model.classifiers("stt", hidden), stt)


def test_a_single_output_map_is_cut_into_heads(small):
    def change(tensors, _):
        for key in [key for key in tensors if key.startswith("classifiers.")]:
            del tensors[key]
        tensors["classifier.weight"] = torch.randn(1000, 16)
        tensors["classifier.bias"] = torch.randn(1000)

    tensors, _ = rewrite(small, change)
    model = read_checkpoint(small).model()
    whole = torch.ones(1, 16) @ tensors["classifier.weight"].T + tensors["classifier.bias"]
    for name, size in TINY.heads_by_name.items():
        torch.testing.assert_close(model.classifiers(name, torch.ones(1, 16)), whole[:, :size])


def test_heads_without_bias_load(small):
    def change(tensors, config):
        config["experimental"]["classifiers_bias"] = False
        for key in [key for key in tensors if key.startswith("classifiers.") and key.endswith("bias")]:
            del tensors[key]

    rewrite(small, change)
    assert not read_checkpoint(small).config.head_bias


def test_a_pinned_hash_is_checked(small):
    assert read_checkpoint(small, sha256=hash_file(small).upper()).config == TINY
    with pytest.raises(CheckpointError, match="not the pinned"):
        read_checkpoint(small, sha256="0" * 64)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
@pytest.mark.parametrize("kind", [".sft", ".pth"])
def test_a_truncated_file_is_refused(checkpoint_path, tmp_path, share, kind):
    data = checkpoint_path("tiny").with_suffix(kind).read_bytes()
    path = tmp_path / f"cut{kind}"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="truncated"):
        read_checkpoint(path)


class Payload:
    def __reduce__(self):
        return print, ("code from a file ran",)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys):
    path = tmp_path / "evil.pth"
    torch.save({"module": {}, "payload": Payload()}, path)
    with pytest.raises(CheckpointError, match="code from a file is never run"):
        read_checkpoint(path)
    assert "ran" not in capsys.readouterr().out


def test_a_pickle_without_a_model_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"weights": {"a": torch.zeros(1)}}, path)
    with pytest.raises(CheckpointError, match="no `module`"):
        read_checkpoint(path)


def test_a_zip_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "archive.pth"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "hello")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(CheckpointError, match=r"archive\.pth"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors, _: tensors.pop("sep"), "sep is missing"),
        (lambda tensors, _: tensors.update(extra=torch.zeros(1)), "extra is not known"),
        (lambda tensors, _: tensors.update(sep=torch.zeros(3)), r"sep is \[3\], not \[16\]"),
        (lambda _, config: config.update(version=7), "44 kHz models.*not supported yet"),
        (lambda _, config: config.update(version=4), "older than the oldest"),
        (lambda _, config: config["size"].update(dim=32), "do not fit its config"),
        (lambda _, config: config["size"].update(dim="wide"), "dim is 'wide', not of type int"),
        (lambda _, config: config["size"].update(heads=3), "does not split into 3 heads"),
        (lambda _, config: config["size"].update(layers=0), "must be positive"),
        (lambda _, config: config.update(size="huge"), "size 'huge' is not known"),
        (lambda _, config: config.update(arch_type="mamba"), "only 'llama'"),
        (lambda _, config: config.update(capabilities="ar"), "not a list of names"),
        (lambda _, config: config.update(experimental=[1]), "not a mapping"),
        (lambda _, config: config["experimental"].update(audio_embedding_sums="both"), "'prom' and 'resp' are known"),
    ],
)
def test_what_does_not_fit_is_named(small, change, message):
    rewrite(small, change)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(small)
    assert str(small) in str(caught.value)


def test_no_config_anywhere_says_where_to_put_one(small):
    tensors, _ = rewrite(small)
    save_file(tensors, small)
    with pytest.raises(CheckpointError, match=r"put it beside the weights as small\.yaml"):
        read_checkpoint(small)


@pytest.mark.parametrize("content", ["[1, 2]", "{broken", "models: []", "!!python/object/apply:print [x]"])
def test_a_config_that_is_none_is_refused(small, content):
    tensors, _ = rewrite(small)
    save_file(tensors, small)
    small.with_suffix(".yaml").write_text(content)
    with pytest.raises(CheckpointError, match=r"small\.yaml"):
        read_checkpoint(small)


@pytest.mark.parametrize("name", ["model.bin", "model", "model.gguf"])
def test_other_files_are_refused_by_their_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(CheckpointError, match="checkpoints end in"):
        read_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.sft: there is no such file"):
        read_checkpoint(tmp_path / "gone.sft")


def test_config_survives_a_round_trip():
    assert ModelConfig.parse(as_released(TINY), "here") == TINY


def test_a_silent_config_means_the_defaults():
    assert ModelConfig.parse({}, "here") == ModelConfig()


def test_a_named_size_is_known():
    assert ModelConfig.parse({"size": "full"}, "here").dim == 1024

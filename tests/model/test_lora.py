"""Adapters against the reference's numbers: beside the weights, in them, several, and at some levels only."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from valle_engine.errors import CheckpointError
from valle_engine.model.engine import prepare
from valle_engine.model.language_model import Pass
from valle_engine.model.lora import attach, merge, read_lora
from valle_engine.model.sequences import Inputs


@pytest.fixture(scope="module")
def adapter(reference):
    return read_lora(reference / "golden" / "lora.sft")


@pytest.fixture(scope="module")
def expected(reference):
    return dict(np.load(reference / "golden" / "lora.npz"))


@pytest.fixture
def look(golden):
    """Logits of the recorded sequence: the prompt of the other runs and ten frames."""
    run = golden("tiny", "ar_greedy")
    frames = golden("tiny", "nar_greedy").given(0, 0, "resp")[:10, 0]
    inputs = run.inputs(0, 0)
    spoken = Inputs(phonemes=inputs.phonemes, prompt=inputs.prompt, response=torch.from_numpy(frames).long())

    def look(model, level=0):
        embedded = model.embed(spoken)
        rows = len(embedded.embeddings)
        one = Pass(embedded.embeddings, embedded.plan.positions(), "AR:0:0", rows, causal=True, level=level)
        return model.run([one])[0].numpy()

    return look


@pytest.fixture
def write(reference, tmp_path):
    """Save the adapter with another config or other tensors."""
    with safe_open(reference / "golden" / "lora.sft", framework="pt") as file:
        original = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
        settings = json.loads(file.metadata()["config"])

    def write(change=lambda tensors: tensors, **changed):
        path = tmp_path / "adapter.sft"
        save_file(change(dict(original)), path, {"config": json.dumps(settings | changed)})
        return path

    return write


def near(logits, expected):
    np.testing.assert_allclose(logits, expected, atol=1e-4, rtol=0)


def test_an_adapter_acts_beside_the_weights(fresh_model, adapter, expected, look):
    model = fresh_model()
    near(look(model), expected["off"])
    attach(model, [(adapter, 1.0)])
    near(look(model), expected["on"])
    attach(model, [])
    near(look(model), expected["off"])


def test_an_adapter_is_laid_out_with_the_weights(fresh_model, adapter, expected, look):
    model = fresh_model()
    attach(model, [(adapter, 1.0)])
    prepare(model)
    near(look(model), expected["on"])


def test_an_adapter_merges_into_the_weights(fresh_model, adapter, expected, look):
    model = fresh_model()
    merge(model, adapter)
    near(look(model), expected["on"])


def test_several_adapters_add_up_by_their_weights(fresh_model, adapter, expected, look):
    model = fresh_model()
    attach(model, [(adapter, 0.25), (adapter, 0.75)])
    near(look(model), expected["on"])
    attach(model, [(adapter, 1.0), (adapter, -1.0)])
    near(look(model), expected["off"])


def test_an_adapter_may_act_at_some_levels_only(fresh_model, write, expected, look):
    model = fresh_model()
    attach(model, [(read_lora(write(rvq_levels=[0, 3])), 1.0)])
    near(look(model, level=0), expected["on"])
    attach(model, [(read_lora(write(rvq_levels=[3])), 1.0)])
    near(look(model, level=0), expected["off"])


def test_passes_of_different_levels_keep_their_own_adapters(fresh_model, write, golden, see_whole):
    model = fresh_model()
    attach(model, [(read_lora(write(rvq_levels=[1])), 1.0)])
    run = golden("tiny", "nar_greedy")
    passes = [see_whole(model, run.inputs(call, 0)) for call in (1, 0, 1)]
    apart = [model.run([one])[0] for one in passes]
    for one, together in zip(apart, model.run(passes), strict=True):
        torch.testing.assert_close(one, together, atol=1e-5, rtol=0)


def test_factors_of_the_other_form_are_reshaped(fresh_model, write, look):
    """A file made with `parametrize`: B [in, rank] times A [rank, out], read row by row as [out, in]."""
    generator = torch.Generator().manual_seed(3)
    down, up = torch.randn(8, 256, generator=generator), torch.randn(64, 8, generator=generator)
    stem = "model.layers.1.mlp.gate_proj.parametrizations.weight.0.lora_"
    path = write(lambda _: {f"{stem}A": down, f"{stem}B": up})
    attached, merged, changed = fresh_model(), fresh_model(), fresh_model()
    attach(attached, [(read_lora(path), 0.5)])
    merge(merged, read_lora(path), 0.5)
    weight = changed.get_parameter("model.layers.1.mlp.gate_proj.weight")
    weight += 0.5 * 2 * (up @ down).reshape(256, 64)
    near(look(attached), look(changed))
    near(look(merged), look(changed))


def test_merging_knows_no_level(fresh_model, write):
    with pytest.raises(CheckpointError, match=r"acts at levels \[3\] only"):
        merge(fresh_model(), read_lora(write(rvq_levels=[3])))


def test_weights_that_are_laid_out_cannot_be_adapted(fresh_model, adapter):
    model = fresh_model()
    prepare(model)
    with pytest.raises(CheckpointError, match="adapt it before"):
        merge(model, adapter)


QUERY = "model.layers.0.self_attn.q_proj.lora_"


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda tensors: tensors, {"rank": 4}, "says rank 4"),
        (lambda tensors: tensors, {"rank": None}, "needs rank, alpha"),
        (lambda tensors: tensors | {"other": torch.zeros(1)}, {}, "other is not a part"),
        (lambda tensors: {f"{QUERY}A": tensors[f"{QUERY}A"]}, {}, "needs an A and a B"),
        (lambda _: {}, {}, "needs an A and a B"),
    ],
)
def test_what_is_no_adapter_is_refused(write, change, settings, message):
    with pytest.raises(CheckpointError, match=message):
        read_lora(write(change, **settings))


def test_a_truncated_adapter_is_refused(write):
    path = write()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="truncated"):
        read_lora(path)


@pytest.mark.parametrize(
    ("layer", "width", "message"), [(5, 64, "changes layer 5; the model has 2"), (0, 32, r"is for \[64, 32\]")]
)
def test_an_adapter_of_another_model_is_refused(fresh_model, write, layer, width, message):
    stem = f"model.layers.{layer}.self_attn.q_proj.lora_"
    path = write(lambda _: {f"{stem}A": torch.zeros(8, width), f"{stem}B": torch.zeros(64, 8)})
    with pytest.raises(CheckpointError, match=message):
        attach(fresh_model(), [(read_lora(path), 1.0)])

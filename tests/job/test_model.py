"""What is wrong with a model is told when the job is checked, without loading it."""

import hashlib
import json
import struct
import subprocess
import sys

import pytest

JOB = """
name: a
task: tts
model: {model}
items: [{{id: one, text: Hello}}]
"""


def write_model(path, config='{"version": 5}', cut=0):
    table = json.dumps({"__metadata__": {"config": config}, "a": {"data_offsets": [0, 8]}}).encode()
    path.write_bytes((struct.pack("<Q", len(table)) + table + bytes(8))[: -cut or None])


@pytest.fixture
def wrong(problems, tmp_path):
    """The place and the text of the one problem of a job with this model."""

    def wrong(model):
        [(line, path, text)] = problems(JOB.format(model=model))
        assert line == 4
        return path, text

    return wrong


@pytest.mark.parametrize(
    ("model", "path", "words"),
    [
        ("ecker/valle", "model.name", "no model 'ecker/valle'"),
        ("./none.sft", "model.name", "there is no such file"),
        ("{name: m.sft, codec: mp3}", "model.codec", "no codec 'mp3'"),
        ("{name: m.sft, codec: {name: encodec, bits: 3}}", "model.codec.bits", "has no option 'bits'"),
        ("{name: m.sft, codec: {name: encodec, weights: ./none.th}}", "model.codec", "no such file"),
        ("{name: m.sft, lora: [{path: none.sft}]}", "model.lora.0.path", "no such file"),
        ("{name: m.sft, sha256: %s}" % ("f" * 64), "model.name", "not the pinned"),
        ("{name: m.sft, precision: float8}", "model.precision", "float32"),
        ("{name: m.sft, path: x}", "model.path", "has no option 'path'"),
        ("text.txt", "model.name", "checkpoints end in"),
    ],
)
def test_a_mistake_is_told_at_its_place(wrong, tmp_path, model, path, words):
    write_model(tmp_path / "m.sft")
    (tmp_path / "text.txt").write_text("no model")
    place, text = wrong(model)
    assert place == path
    assert words in text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"cut": 4}, "truncated"),
        ({"cut": 80}, "truncated"),
        ({"config": '{"version": 7}'}, "44 kHz"),
        ({"config": "null"}, "no config inside"),
    ],
)
def test_a_file_that_is_no_model_is_refused(wrong, tmp_path, written, words):
    write_model(tmp_path / "m.sft", **written)
    assert words in wrong("m.sft")[1]


@pytest.mark.parametrize(
    ("size", "words"),
    [({"resp_levels": 4}, "the model speaks 4 of 1024"), ({"audio_tokens": 512}, "the model speaks 8 of 512")],
)
def test_a_codec_of_other_codes_is_refused(wrong, tmp_path, size, words):
    write_model(tmp_path / "m.sft", json.dumps({"version": 5, "size": size}))
    place, text = wrong("m.sft")
    assert place == "model.codec"
    assert "the codec 'vocos' has 8 codebooks of 1024 entries" in text
    assert words in text


def test_a_good_model_is_found_from_the_job_s_folder(load, tmp_path):
    write_model(tmp_path / "m.sft")
    pin = hashlib.sha256((tmp_path / "m.sft").read_bytes()).hexdigest()
    model = load(JOB.format(model=f"{{name: m.sft, sha256: {pin}}}")).model
    assert model.spec.name == str(tmp_path / "m.sft")
    assert model.config.version == 5
    assert model.codec.name == "vocos"


def test_a_model_by_name_is_not_fetched_to_be_checked(load):
    assert load(JOB.format(model="ecker/vall-e@0123abc")).model.config is None


def test_checking_a_model_loads_no_torch():
    code = "import sys, valle_engine.job.loading; sys.exit(bool({'torch', 'ray', 'safetensors'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

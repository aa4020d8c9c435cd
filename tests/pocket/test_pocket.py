"""Pocket is what a job gets that names no model: weights, codec, voices and recogniser from one folder."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from safetensors import safe_open

import valle_engine
from valle_engine.cli import main
from valle_engine.errors import CheckpointError, JobError
from valle_engine.job.fingerprints import FileDigests, recipe
from valle_engine.job.loading import load_job
from valle_engine.model.checkpoint import read_checkpoint
from valle_engine.plugins import load_plugins
from valle_engine.records import Clip
from valle_engine.testing import check_part, check_plugin
from valle_plugins.pocket import files
from valle_plugins.pocket.codec import PocketCodec
from valle_plugins.pocket.export import export_model
from valle_plugins.pocket.model import Pocket
from valle_plugins.pocket.transcriber import Recogniser
from valle_plugins.pocket.vocabulary import VOCABULARY

SHORT = {"max_seconds": 1, "prompt_seconds": 0.5}
TASKS = {
    "tts": (SHORT, {"text": "Hello."}),
    "stt": ({"max_ids": 5}, {"audio": "0.flac"}),
    "duration": ({"prompt_seconds": 0.5}, {"text": "Hello."}),
    "denoise": ({"steps": 3}, {"audio": "0.flac"}),
    "speech-removal": ({"steps": 3}, {"audio": "0.flac"}),
    "voice-conversion": ({"steps": 3, "prompt_seconds": 0.5}, {"audio": "0.flac", "voice": "bruno"}),
    "edit-speech": ({"max_seconds": 1}, {"audio": "0.flac", "text": "Hello.", "start": 0.1, "end": 0.5}),
}


@pytest.fixture
def job(pocket, tmp_path):
    """Write a job of one item without a model."""
    soundfile.write(tmp_path / "0.flac", np.random.default_rng(2).normal(0, 0.1, 20_000), 24_000)

    def job(task, **more):
        options, item = TASKS[task]
        path = tmp_path / f"{task}.yaml"
        said = {"name": task, "task": {"name": task, **options}, "items": [{"id": "a", **item, **more}]}
        path.write_text(json.dumps(said))
        return path

    return job


@pytest.mark.parametrize("task", TASKS)
def test_a_job_that_names_no_model_runs_on_pocket(job, task, tmp_path, capsys):
    assert main(["run", str(job(task))]) == 0, capsys.readouterr().err
    assert main(["export", str(job(task)), "--to", str(tmp_path / "outcomes.jsonl")]) == 0
    row = json.loads((tmp_path / "outcomes.jsonl").read_text())
    assert row["state"] == "done"
    assert row["path"] or row["values"]


def test_frames_are_those_of_its_codec(job, pocket):
    job("tts")
    with valle_engine.load(slots=2) as model:
        clip = model.say("Hello.", seed=1, **SHORT)
        assert clip.rate == PocketCodec.sample_rate
        assert len(clip.samples) <= 960 * 25
        assert len(clip.samples) % 960 == 0
        values = model.run("duration", {"text": "Hello."}, prompt_seconds=0.5).values
        assert values["seconds"] == values["frames"] / 25
        assert not np.array_equal(clip.samples, model.say("Hello.", voice="bruno", seed=1, **SHORT).samples)
        with pytest.raises(JobError, match="did you mean 'bruno'"):
            model.say("Hello.", voice="brno")


def test_valle_say_speaks_with_it(pocket, tmp_path, capsys):
    options = ["--set", "max_seconds=1", "--set", "prompt_seconds=0.5", "--voice", "bruno"]
    assert main(["say", "Hello.", "--out", str(tmp_path / "a.wav"), *options]) == 0, capsys.readouterr().err
    assert soundfile.info(tmp_path / "a.wav").samplerate == 24000


def test_it_draws_by_its_own_samplers_and_a_job_may_say_otherwise(job):
    def samplers(task):
        return [sampler.name for sampler in load_job(job(task), load_plugins()).samplers]

    assert samplers("tts") == ["temperature", "top-k"]
    assert samplers("stt") == []
    assert samplers("duration") == []


def test_a_folder_without_weights_says_what_to_do_wherever_it_is_asked(job, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(files.FOLDER, str(tmp_path / "empty"))
    way_out = "python -m valle_plugins.pocket build"
    assert main(["run", str(job("stt"))]) == 3
    assert way_out in capsys.readouterr().err
    with pytest.raises(JobError, match=way_out):
        valle_engine.load()
    assert main(["models"]) == 0
    assert way_out in capsys.readouterr().out
    with pytest.raises(CheckpointError, match=way_out):
        PocketCodec().open("cpu")
    with pytest.raises(CheckpointError, match=way_out):
        Recogniser().open("cpu")


def test_other_weights_voices_or_codecs_are_another_recipe(job, box, monkeypatch, tmp_path):
    own = shutil.copytree(box, tmp_path / "box")
    monkeypatch.setenv(files.FOLDER, str(own))

    def made_by():
        return recipe(load_job(job("tts"), load_plugins()), FileDigests())

    before = made_by()
    assert before["model"]["weights"].startswith("sha256:")
    for name in (files.MODEL, files.CODEC):
        whole = (own / name).read_bytes()
        (own / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert made_by() != before
        (own / name).write_bytes(whole)
    assert made_by() == before


def test_a_codec_at_another_rate_is_refused_although_its_codes_have_the_same_sizes(job, pocket):
    path = job("tts")
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "model": {"name": "pocket", "codec": "vocos"}}))
    with pytest.raises(JobError, match="'vocos' has 75 frames a second, and the model's own, 'pocket', 25"):
        load_job(path, load_plugins())


def test_an_export_is_half_as_large_and_says_what_it_is(trained, box):
    exported = box / files.MODEL
    assert exported.stat().st_size < 0.6 * trained.stat().st_size
    read = read_checkpoint(exported)
    assert (read.config.codec, read.step, dict(read.vocabulary)) == ("pocket", 7, dict(VOCABULARY))
    with safe_open(exported, framework="pt") as file:
        assert {str(file.get_tensor(key).dtype) for key in file.keys()} == {"torch.float16"}  # noqa: SIM118 - no mapping


def test_an_export_refuses_what_half_precision_cannot_hold(trained, tmp_path, monkeypatch):
    from valle_engine.model import checkpoint  # noqa: PLC0415 - read where it is patched

    whole = read_checkpoint(trained)
    grown = {**whole.tensors, "sep": whole.tensors["sep"] * 1e9}
    monkeypatch.setattr(
        checkpoint, "read_checkpoint", lambda _: checkpoint.Checkpoint(trained, whole.config, grown, whole.vocabulary)
    )
    with pytest.raises(CheckpointError, match="half precision cannot hold sep"):
        export_model(trained, tmp_path / "model.sft")


def test_its_recogniser_hears_with_the_weights_beside_it(pocket):
    heard = Recogniser().open("cpu").transcribe([Clip(np.zeros(24_000, np.float32), 24_000)], ["en"])
    assert set(heard[0]) <= set("abc")


def test_the_parts_keep_their_contracts():
    for part in (Pocket(), PocketCodec(), Recogniser()):
        check_part(part)
    check_plugin("valle_plugins.pocket")

"""Pocket from nothing: the commands are ones that exist, in an order that goes on where it stopped."""

import json

import pytest
import torch
import yaml

from valle_engine.cli import VERBS
from valle_engine.errors import ValleError
from valle_engine.model.config import ModelConfig
from valle_engine.model.language_model import LanguageModel
from valle_engine.training.lessons import NOISY
from valle_engine.training.options import TrainingFile
from valle_plugins.pocket import build, files
from valle_plugins.pocket.__main__ import main
from valle_plugins.pocket.build import ENGINE, RECIPES, Scale, newest, steps
from valle_plugins.pocket.codec import PocketCodec
from valle_plugins.pocket.recipes.__main__ import _parser
from valle_plugins.pocket.vocabulary import VOCABULARY


@pytest.fixture
def done(monkeypatch):
    """What was run, without running it; the step named in `fails` fails."""
    commands, fails = [], set()

    class Ended:
        def __init__(self, returncode):
            self.returncode = returncode

    def run(command, **_):
        commands.append(command[3:])
        return Ended(1 if command[3] in fails else 0)

    monkeypatch.setattr(build.subprocess, "run", run)
    monkeypatch.setattr(build, "_copy", lambda *_: None)
    monkeypatch.setattr(build, "assemble", lambda *_: None)
    return commands, fails


def test_every_command_is_one_that_exists(tmp_path):
    commands = [step.work for step in steps(tmp_path, Scale()) if isinstance(step.work, tuple)]
    for module, *arguments in commands:
        if module == RECIPES:
            _parser().parse_args(arguments)
        else:
            assert module == ENGINE
            assert arguments[0] in VERBS
    assert len(commands) == 7


def test_what_is_done_is_not_done_again_and_what_failed_is_gone_on_with(tmp_path, done):
    commands, fails = done
    fails.add("recogniser")
    with pytest.raises(ValleError, match=r"recogniser: `.*` ended with 1"):
        build.build(tmp_path, Scale(), [].append)
    assert [command[0] for command in commands] == ["material", "codec", "vocoder", "recogniser"]
    fails.clear()
    del commands[:]
    assert build.build(tmp_path, Scale(), [].append) == tmp_path / "pocket"
    assert [command[0] for command in commands] == ["recogniser", "speakers", "run", "train"]


def test_the_job_and_the_training_it_writes_are_sound(tmp_path, done):
    build.build(tmp_path, Scale(utterances=7), [].append)
    job = json.loads((tmp_path / "corpus.yaml").read_text())
    assert job["items"]["utterances"] == 7
    assert job["output"]["products"] == ["shards"]
    training = TrainingFile.model_validate(json.loads((tmp_path / "training.yaml").read_text()))
    assert training.data == str(tmp_path / "corpus" / "shards")
    assert (tmp_path / "tokenizer.json").is_file()


def test_the_shipped_settings_are_sound():
    settings = yaml.safe_load(build.TRAINING.read_text())
    TrainingFile.model_validate({**settings, "data": "corpus"})


def test_the_newest_checkpoint_is_taken_and_none_is_told(tmp_path):
    with pytest.raises(ValleError, match="no checkpoint"):
        newest(tmp_path)
    for step in (900, 2000):
        (tmp_path / f"step-{step:08}").mkdir()
        (tmp_path / f"step-{step:08}" / "model.sft").touch()
    assert newest(tmp_path).parent.name == "step-00002000"


def test_the_files_are_put_where_the_engine_looks_for_them(tmp_path, trained, monkeypatch):
    monkeypatch.setattr("valle_plugins.pocket.voices.REFERENCES", ())
    for name in (
        f"vocoder/{files.CODEC}",
        f"recogniser/{files.RECOGNISER}",
        f"speakers/{files.SPEAKER}/hyperparams.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x")
    checkpoint = tmp_path / "training" / "checkpoints" / "step-00000007"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.sft").write_bytes(trained.read_bytes())
    build.assemble(tmp_path, tmp_path / "pocket")
    found = {path.name for path in (tmp_path / "pocket").iterdir()}
    assert found == {files.MODEL, files.CODEC, files.RECOGNISER, files.SPEAKER, files.VOICES}


def test_a_command_that_cannot_be_done_says_why(tmp_path, capsys):
    assert main(["export", str(tmp_path / "none.sft"), str(tmp_path / "out.sft")]) == 3
    assert "pocket export: " in capsys.readouterr().err


def test_pocket_stays_within_its_size():
    """The files that ship beside the language model, and a model of the shipped sizes in half precision."""
    sizes = TrainingFile.model_validate({**yaml.safe_load(build.TRAINING.read_text()), "data": "corpus"}).model
    codec = PocketCodec()
    config = ModelConfig(
        phonemes=len(VOCABULARY),
        characters=4,
        capabilities=frozenset({"ar", "nar", "len", "lang"}),
        dim=sizes.width,
        heads=sizes.heads,
        layers=sizes.layers,
        levels=codec.codebooks,
        codes=codec.codebook_size,
    )
    with torch.device("meta"):
        weights = sum(weight.numel() for weight in LanguageModel(config, raw_text=False).parameters())
    beside = [path.stat().st_size for path in files.home().rglob("*") if path.is_file() and path.name != files.MODEL]
    assert 2 * weights + sum(beside) <= 32_000_000


def test_every_task_that_is_taught_can_be_learnt_from_the_corpus(tmp_path, done):
    build.build(tmp_path, Scale(), [].append)
    taught = {name for name, weight in yaml.safe_load(build.TRAINING.read_text())["lessons"]["tasks"].items() if weight}
    task = json.loads((tmp_path / "corpus.yaml").read_text())["task"]
    assert taught & NOISY
    assert task["noise_share"] > 0

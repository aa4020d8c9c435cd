"""Pocket from nothing: every step a command, done once, taken up where it stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from valle_engine.errors import ValleError
from valle_plugins.pocket import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRAINING = Path(__file__).with_name("training.yaml")
LANGUAGES = ("en", "de", "fr", "ja", "zh", "ko")
RECIPES = "valle_plugins.pocket.recipes"
ENGINE = "valle_engine"
NOISY = 0.4
"""Share of the utterances that have noise: what `denoise` and `speech-removal` learn from."""
BOX = "pocket"
"""Folder of the result, inside the one that is built in."""
DONE = ".done"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much pocket is made of; the defaults are those of the weights that ship. Steps are the recipes' own."""

    material: int = 10_000
    utterances: int = 400_000
    languages: tuple[str, ...] = LANGUAGES
    executor: str = "ray"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a command for this Python, or a function."""

    name: str
    work: tuple[str, ...] | Callable[[], None]


def steps(folder: Path, scale: Scale) -> list[Step]:
    """All steps in their order, each of which needs those before it."""
    material, codec, vocoder = folder / "material", folder / "codec", folder / "vocoder"
    corpus, training = folder / "corpus.yaml", folder / "training.yaml"
    return [
        Step("material", (RECIPES, "material", "--out", str(material), "--utterances", str(scale.material))),
        Step("codec", _recipe("codec", material, codec)),
        Step("coded", lambda: _copy(codec / files.CODEC, vocoder / files.CODEC)),
        Step("vocoder", _recipe("vocoder", material, vocoder)),
        Step("recogniser", _recipe("recogniser", material, folder / "recogniser")),
        Step("speakers", _recipe("speakers", material, folder / "speakers")),
        Step("job", lambda: _write_job(corpus, vocoder / files.CODEC, scale)),
        Step("corpus", (ENGINE, "run", str(corpus))),
        Step("plan", lambda: _write_training(training)),
        Step("training", (ENGINE, "train", str(training), "--resume")),
        Step(BOX, lambda: assemble(folder, folder / BOX)),
    ]


def build(folder: Path, scale: Scale, said: Callable[[str], None] = print) -> Path:
    """Do the steps that are not done yet; returns the folder of pocket's files.

    Raises `ValleError` for a command that fails; the next call goes on with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for step in steps(folder.absolute(), scale):
        mark = folder / f".{step.name}{DONE}"
        if mark.exists():
            said(f"{step.name}: done before")
            continue
        said(f"{step.name} ...")
        _do(step)
        mark.touch()
    return folder / BOX


def assemble(folder: Path, box: Path) -> None:
    """Put what was built into the files that the engine looks for. Raises `ValleError` for what is missing."""
    from valle_plugins.pocket.export import export_model  # noqa: PLC0415 - it loads torch
    from valle_plugins.pocket.voices import write_voices  # noqa: PLC0415 - it speaks

    export_model(newest(folder / "training" / "checkpoints"), box / files.MODEL)
    _copy(folder / "vocoder" / files.CODEC, box / files.CODEC)
    _copy(folder / "recogniser" / files.RECOGNISER, box / files.RECOGNISER)
    shutil.copytree(folder / "speakers" / files.SPEAKER, box / files.SPEAKER, dirs_exist_ok=True)
    write_voices(box / files.VOICES)


def newest(checkpoints: Path) -> Path:
    """The model of a training's newest checkpoint. Raises `ValleError` where there is none."""
    found = sorted(checkpoints.glob("step-*/model.sft"))
    if not found:
        raise ValleError(f"{checkpoints}: no checkpoint: train first, with `valle train`")
    return found[-1]


def _recipe(name: str, material: Path, out: Path) -> tuple[str, ...]:
    return (RECIPES, name, "--material", str(material), "--out", str(out), "--resume")


def _do(step: Step) -> None:
    if callable(step.work):
        step.work()
        return
    command = [sys.executable, "-m", *step.work]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - this interpreter, our own modules
    if code:
        raise ValleError(f"{step.name}: `{' '.join(command)}` ended with {code}; the same command goes on from there")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_job(path: Path, codec: Path, scale: Scale) -> None:
    """The job that prepares the corpus the language model learns from."""
    job = {
        "name": "corpus",
        "task": {"name": "prepare", "noise_share": NOISY},
        "codec": {"name": "pocket", "weights": str(codec)},
        "items": {"kind": "synthetic", "utterances": scale.utterances, "languages": list(scale.languages)},
        "workers": {"executor": scale.executor},
        "output": {"folder": str(path.with_name("corpus")), "products": ["shards"]},
    }
    path.write_text(json.dumps(job, indent=2), encoding="utf-8")


def _write_training(path: Path) -> None:
    """The shipped settings with the corpus of this folder, and pocket's phonemes."""
    from valle_plugins.pocket.vocabulary import write_tokenizer  # noqa: PLC0415 - beside its only user

    tokenizer = path.with_name("tokenizer.json")
    write_tokenizer(tokenizer)
    settings: Mapping[str, Any] = yaml.safe_load(TRAINING.read_text(encoding="utf-8"))
    own = {
        "data": str(path.with_name("corpus") / "shards"),
        "folder": str(path.with_name("training")),
        "tokenizer": str(tokenizer),
    }
    path.write_text(json.dumps({**settings, **own}, indent=2), encoding="utf-8")

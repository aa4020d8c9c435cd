"""Small parts and a way to write a job, for the tests of jobs."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar

import pluggy
import pytest
from pydantic import Field

from valle_engine.errors import JobError
from valle_engine.job.loading import load_job
from valle_engine.parts import BaseItem, Product, Sampler, Scorer, Task
from valle_engine.plugins import Plugins
from valle_engine.registry import Offer
from valle_plugins.codecs import codecs
from valle_plugins.models import models
from valle_plugins.normalisers import normalisers
from valle_plugins.sources import sources


class Speak(Task):
    name: ClassVar[str] = "tts"

    class Item(BaseItem):
        text: str
        voice: Path | None = None
        language: str = "en"
        speed: float = 1.0

    max_seconds: float = Field(20.0, gt=0)

    async def run(self, item, kit):
        raise NotImplementedError

    def expected_seconds(self, item):
        return len(item.text) / 10


class Listen(Task):
    name: ClassVar[str] = "stt"
    needs_model: ClassVar[bool] = True

    class Item(BaseItem):
        audio: Path

    async def run(self, item, kit):
        raise NotImplementedError


class Shape(Sampler):
    def __call__(self, logits, history, states):
        return logits


class Temperature(Shape):
    name: ClassVar[str] = "temperature"
    value: float = 1.0


class TopP(Shape):
    name: ClassVar[str] = "top-p"
    p: float = Field(0.9, gt=0, le=1)


class Greedy(Shape):
    name: ClassVar[str] = "greedy"
    decides: ClassVar[bool] = True


class Mirostat(Shape):
    name: ClassVar[str] = "mirostat"
    decides: ClassVar[bool] = True


class Wer(Scorer):
    name: ClassVar[str] = "wer"
    needs: ClassVar[frozenset[str]] = frozenset({"text", "audio"})
    case: bool = False

    def score(self, takes):
        raise NotImplementedError


class Similarity(Wer):
    name: ClassVar[str] = "speaker-similarity"
    needs: ClassVar[frozenset[str]] = frozenset({"voice", "audio"})


class Audiobook(Product):
    name: ClassVar[str] = "audiobook"
    format: str = "m4b"
    cover: Path | None = None

    def make(self, run):
        raise NotImplementedError


PARTS: dict[str, list[Any]] = {
    "tasks": [Speak, Listen],
    "samplers": [Temperature, TopP, Greedy, Mirostat],
    "scorers": [Wer, Similarity],
    "products": [Audiobook],
    "sources": sources(),
    "codecs": codecs(),
    "models": models(),
    "normalisers": normalisers(),
}


def plugins_of(version="1.0", **kinds: list[type[Any]]) -> Plugins:
    offers = {
        kind: tuple(Offer(part, "small-parts", version) for part in parts) for kind, parts in {**PARTS, **kinds}.items()
    }
    return Plugins(pluggy.PluginManager("valle_engine"), (), offers)


@pytest.fixture
def plugins():
    return plugins_of()


@pytest.fixture
def plugins_with():
    """The small parts, with other ones of some kinds."""
    return plugins_of


@pytest.fixture
def write(tmp_path):
    def write(text, name="job.yaml"):
        path = tmp_path / name
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(write, plugins):
    def load(text, choice=None):
        return load_job(write(text), plugins, choice)

    return load


@pytest.fixture
def problems(load):
    """The problems of a job as (line, path, text) triples, text being message and hint."""

    def problems(text, choice=None):
        with pytest.raises(JobError) as caught:
            load(text, choice)
        return [(p.line, p.path, f"{p.message} ({p.hint})") for p in caught.value.problems]

    return problems


@pytest.fixture
def manifest(load):
    """The manifest of a job with these items, a source's mapping or a list of mappings."""

    def manifest(items, **more):
        job = {"name": "a", "task": "tts", "items": items, **more}
        return load(json.dumps(job)).manifest

    return manifest

"""A small corpus whose codes follow from its phonemes, and a tiny training on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from valle_engine.model.language_model import LanguageModel
from valle_engine.plugins import load_plugins
from valle_engine.text import Tokenizer
from valle_engine.text.tokenizer import SPECIALS
from valle_engine.training.beginning import first_config, initialise
from valle_engine.training.curriculum import Curriculum
from valle_engine.training.examples import CodecFacts, Example
from valle_engine.training.layout import Layout
from valle_engine.training.learner import Learner
from valle_engine.training.lessons import Vocabularies
from valle_engine.training.loading import load_training
from valle_engine.training.options import Lessons
from valle_engine.training.packing import write_corpus
from valle_engine.training.shards import Shards

torch.set_num_threads(1)

CODEC = CodecFacts("fake", sample_rate=24000, frame_rate=25, codebooks=3, codebook_size=32)
TINY = Path(__file__).with_name("tiny.yaml")
LETTERS = "abcdefghij "


def utterance(number: int, speakers: int = 4) -> Example:
    """An utterance of two frames a phoneme; speakers differ by the second codebook."""
    random = np.random.default_rng(number)
    speaker = number % speakers
    words = ["".join(random.choice(list(LETTERS[:-1]), int(random.integers(1, 4)))) for _ in range(4)]
    phonemes = " ".join(words)
    first = np.repeat([LETTERS.index(letter) for letter in phonemes], 2)
    codes = np.stack([first, (first + speaker) % 32, (first * 2 + speaker) % 32], axis=1).astype(np.uint16)
    noise, noisy = codes[::-1].copy(), ((codes + 1) % 32).astype(np.uint16)
    return Example(
        f"u{number}", f"s{speaker}", "en", phonemes, phonemes, codes, len(codes) / CODEC.frame_rate, noise, noisy
    )


@pytest.fixture(scope="session")
def utterances():
    return [utterance(number) for number in range(48)]


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory, utterances):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, utterances, CODEC, Layout(validation=0.2, test=0.1, split_by="utterance"))
    return folder


@pytest.fixture(scope="session")
def plugins():
    return load_plugins()


@pytest.fixture
def tiny(tmp_path, corpus_folder, plugins):
    """The tiny training on the small corpus, with changes."""

    def tiny(folder: str, **changes):
        values = yaml.safe_load(TINY.read_text()) | {"data": str(corpus_folder), "folder": folder} | changes
        path = tmp_path / f"{folder}.yaml"
        path.write_text(yaml.safe_dump(values))
        return load_training(path, plugins)

    return tiny


@pytest.fixture(scope="session")
def vocabularies():
    symbols = SPECIALS | {letter: number for number, letter in enumerate(" abcdefghij", 4)}
    return Vocabularies(Tokenizer(symbols, []), Tokenizer(symbols, []))


@pytest.fixture
def learner(tiny, corpus_folder, vocabularies):
    training = tiny("out", lessons={"tasks": {"un-phn": 1}, "seconds": [0.1, 10]}, text_tokenizer=__file__)
    config = first_config(training, Shards(corpus_folder), vocabularies)
    model = LanguageModel(config)
    initialise(model, 0)
    return Learner(model.requires_grad_(True))


@pytest.fixture
def teach(learner, vocabularies, utterances):
    """Lessons of one task, of several utterances."""

    def teach(task, count=3, step=10**6, **options):
        curriculum = Curriculum(Lessons(tasks={task: 1}, **options), learner.model.config, vocabularies, 25)
        others = [each for each in utterances if each.speaker == utterances[0].speaker][1:]
        return [
            curriculum.lesson(utterances[4 * number], others, np.random.default_rng(number), step)
            for number in range(count)
        ]

    return teach

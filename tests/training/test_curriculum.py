"""Which lesson an utterance gives."""

from dataclasses import replace

import numpy as np
import pytest

from valle_engine.errors import CheckpointError
from valle_engine.training.curriculum import Curriculum
from valle_engine.training.options import Lessons


@pytest.fixture
def drawn(learner, vocabularies, utterances):
    """Tasks of a hundred lessons of an utterance without noise."""

    def drawn(**tasks: float) -> set[str]:
        curriculum = Curriculum(Lessons(tasks=tasks), learner.model.config, vocabularies, 25)
        quiet = replace(utterances[0], noise=None, noisy=None)
        random = np.random.default_rng(0)
        return {curriculum.lesson(quiet, utterances[4:8], random, 0).inputs.task for _ in range(100)}

    return drawn


def test_an_utterance_without_noise_gives_what_needs_none(drawn):
    assert drawn(tts=1, ns=4, sr=4, stt=1) == {"tts", "stt"}


def test_a_corpus_without_noise_cannot_teach_noise_alone(drawn):
    with pytest.raises(CheckpointError, match="prepared without noise"):
        drawn(ns=1, sr=1)

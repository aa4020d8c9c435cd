"""What ships beside the plugin: small enough, and it works on sentences and voices that nothing has learnt from."""

from itertools import islice
from pathlib import Path

import jiwer
import pytest
import torch

from valle_plugins.pocket import codec, files
from valle_plugins.pocket.recogniser import open_recogniser
from valle_plugins.synthetic.corpus import Corpus
from valle_plugins.synthetic.rendering import render

SHIPPED = Path(files.__file__).with_name("weights")


@pytest.fixture(scope="module")
def unseen():
    torch.set_num_threads(1)
    return [
        render(utterance) for utterance in islice(Corpus(seed=0, split="test", words=(5, 8)).utterances(), 0, 24, 8)
    ]


@pytest.fixture(scope="module")
def recogniser():
    return open_recogniser(SHIPPED / files.RECOGNISER, "cpu")


@pytest.fixture(scope="module")
def error_rate(recogniser, unseen):
    symbols = set(recogniser.symbols)
    wanted = ["".join(symbol for symbol in each.phonemes if symbol in symbols) for each in unseen]
    return lambda clips: jiwer.cer(wanted, recogniser.transcribe(clips))


def test_it_is_small_enough_to_come_with_the_engine():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) <= 32e6


def test_the_recogniser_hears_unseen_voices(error_rate, unseen):
    assert error_rate([each.clip for each in unseen]) < 0.1


def test_what_was_coded_is_still_understood(error_rate, unseen):
    opened = codec.PocketCodec(weights=str(SHIPPED / files.CODEC)).open("cpu")
    assert error_rate(opened.decode(opened.encode([each.clip for each in unseen]))) < 0.2

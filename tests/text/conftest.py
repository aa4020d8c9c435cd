import json

import pytest

from valle_engine.text import Phonemizer, Tokenizer


@pytest.fixture(scope="session")
def golden(reference):
    return json.loads((reference / "golden" / "text.json").read_text())


@pytest.fixture(scope="session")
def tokenizer(reference):
    return Tokenizer.from_file(reference / "tokenizer.json")


@pytest.fixture(scope="session")
def phonemizer():
    return Phonemizer()

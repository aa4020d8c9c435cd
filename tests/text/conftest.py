import json
import os
from pathlib import Path

import pytest

from valle_engine.text import Phonemizer, Tokenizer

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def reference():
    return Path(os.environ.get("VALLE_REFERENCE", REPOSITORY.parent / "shared" / "reference"))


@pytest.fixture(scope="session")
def golden(reference):
    return json.loads((reference / "golden" / "text.json").read_text())


@pytest.fixture(scope="session")
def tokenizer(reference):
    return Tokenizer.from_file(reference / "tokenizer.json")


@pytest.fixture(scope="session")
def phonemizer():
    return Phonemizer()

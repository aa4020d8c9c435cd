"""The speaker encoder's recipe in small, and the folder that SpeechBrain opens.

SpeechBrain is imported inside: its lazy modules warn when the test runner looks at them.
"""

import json

import pytest
import torch

from valle_engine.errors import JobError
from valle_plugins.pocket import files
from valle_plugins.pocket.recipes.bank import Bank, write_bank
from valle_plugins.pocket.recipes.loop import LOG, Plan


@pytest.fixture
def speakers(monkeypatch):
    from valle_plugins.pocket.recipes import speakers  # noqa: PLC0415 - see above

    monkeypatch.setattr(speakers, "BATCH", 4)
    return speakers


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # SpeechBrain's own
def test_a_speaker_encoder_learns_and_speechbrain_opens_its_folder(speakers, material, tmp_path):
    from speechbrain.inference.classifiers import EncoderClassifier  # noqa: PLC0415 - see above

    speakers.train(material, Plan(tmp_path, 6, save_every=6, log_every=1))
    rows = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert rows[5]["margin"] < rows[0]["margin"]
    opened = EncoderClassifier.from_hparams(source=str(tmp_path / files.SPEAKER), savedir=str(tmp_path / "opened"))
    assert opened.encode_batch(torch.zeros(2, 16000)).shape == (2, 1, speakers.EMBEDDING)


def test_material_that_names_no_speakers_teaches_none_apart(speakers, tone, tmp_path):
    write_bank(tmp_path, ((clip, "", said, text) for clip, _speaker, said, text in map(tone, range(3))))
    with pytest.raises(JobError, match="tells no speakers apart"):
        speakers.speakers_of(Bank(tmp_path))

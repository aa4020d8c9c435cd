"""Copy-synthesis gives back what the codec keeps."""

import numpy as np
import pytest
import soundfile

from valle_engine.testing import FakeCodec, check_part, run_task
from valle_plugins.tasks.resynthesis import Resynthesise


def test_a_recording_comes_back_as_its_codec_keeps_it(tmp_path):
    samples = np.sin(np.arange(8000) / 20).astype(np.float32) / 2
    soundfile.write(tmp_path / "a.wav", samples, FakeCodec.sample_rate)
    clip = run_task(Resynthesise(), {"audio": tmp_path / "a.wav"}, codec=FakeCodec()).clip
    assert clip.rate == FakeCodec.sample_rate
    assert clip.samples == pytest.approx(samples, abs=1 / 127)


def test_it_needs_a_codec_and_no_model():
    check_part(Resynthesise())
    assert Resynthesise.needs_codec
    assert not Resynthesise.needs_model

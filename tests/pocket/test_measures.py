"""What pocket's evaluation measures: known sounds have known figures."""

import numpy as np
import pytest

from valle_engine.errors import ItemError
from valle_engine.records import Clip, Result
from valle_engine.testing import check_scorer, take_of
from valle_plugins.pocket import measures
from valle_plugins.pocket.measures import (
    RATE,
    Identification,
    SpeechGain,
    SpeechSuppression,
    distortion_ratio,
    spectrogram,
)

TIMES = np.arange(RATE) / RATE
SPEECH = (0.3 * np.sin(2 * np.pi * 500 * TIMES)).astype(np.float32)
NOISE = (0.3 * np.sin(2 * np.pi * 4000 * TIMES)).astype(np.float32)


@pytest.fixture
def take(tmp_path):
    """A take of some samples, cleaned from speech in noise."""

    def sound(name, samples):
        made = take_of({"id": name}, Result(Clip(samples.astype(np.float32), RATE)), tmp_path)
        return str(made.audio)

    columns = {"mixture": sound("mixture", SPEECH + NOISE), "speech": sound("speech", SPEECH)}

    def take(name, samples):
        return take_of({"id": name, **columns}, Result(Clip(samples.astype(np.float32), RATE)), tmp_path)

    return take


def test_the_gain_is_the_one_of_the_ratios(take):
    [gain] = SpeechGain().score([take("half", SPEECH + 0.1 * NOISE)])
    assert gain["speech-gain.samples"] == pytest.approx(20, abs=0.1)
    assert gain["speech-gain"] == pytest.approx(20, abs=0.5)
    [none] = SpeechGain().score([take("same", SPEECH + NOISE)])
    assert none["speech-gain"] == pytest.approx(0, abs=0.01)


def test_phases_do_not_count_in_spectrograms():
    shifted = 0.3 * np.sin(2 * np.pi * 500 * TIMES + 1.0)
    assert distortion_ratio(shifted, SPEECH) < 5
    assert distortion_ratio(spectrogram(shifted), spectrogram(SPEECH)) > 20


@pytest.mark.parametrize("level", [1.0, 0.1, 0.01])
def test_suppression_is_what_is_left_of_the_speech(take, level):
    [found] = SpeechSuppression().score([take("left", level * SPEECH + 0.5 * NOISE)])
    assert found["speech-suppression"] == pytest.approx(-20 * np.log10(level), abs=0.5)
    assert found["speech-suppression.background"] == pytest.approx(20 * np.log10(0.5), abs=0.5)


def test_a_mixture_without_speech_cannot_be_judged(tmp_path, take):
    quiet = take("quiet", SPEECH)
    same = quiet.fields | {
        "speech": str(take_of({"id": "no"}, Result(Clip(np.zeros(RATE, np.float32), RATE)), tmp_path).audio)
    }
    with pytest.raises(ItemError, match="nowhere"):
        SpeechSuppression().score([quiet.__class__(same, quiet.outcome, quiet.audio)])


class Similar:
    """An encoder at work that knows how alike two names are."""

    @property
    def about(self):
        return {"embedder": "table"}

    def nearness(self, _, recordings):
        return [{"a": 0.9, "b": 0.4, "c": 0.95}[each] for each in recordings]


@pytest.mark.parametrize(("others", "right", "margin"), [(["b"], 1.0, 0.5), (["b", "c"], 0.0, -0.05)])
def test_a_voice_is_identified_when_no_other_is_nearer(tmp_path, others, right, margin):
    fields = {"id": "x", "voice": "a", "others": others}
    taken = take_of(fields, Result(Clip(SPEECH, RATE)), tmp_path)
    [found] = measures._Identifying(Similar()).score([taken])
    assert found == {"identification": right, "identification.margin": pytest.approx(margin)}


def test_candidates_that_are_no_list_are_an_error(tmp_path):
    taken = take_of({"id": "x", "voice": "a", "others": "b"}, Result(Clip(SPEECH, RATE)), tmp_path)
    with pytest.raises(ItemError, match="not a list"):
        measures._Identifying(Similar()).score([taken])


def test_the_scorers_keep_their_contracts(take):
    takes = [take("one", SPEECH), take("two", 0.5 * SPEECH + 0.1 * NOISE)]
    check_scorer(SpeechGain(), takes)
    check_scorer(SpeechSuppression(), takes)
    assert Identification.needs == {"audio", "voice", "others"}

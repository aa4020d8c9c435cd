"""Measures of sound against what can be worked out by hand, or is told by another tool."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from valle_engine.errors import ItemError
from valle_engine.testing import check_scorer, run_task
from valle_plugins.scorers.checks import Clipping, CutEnding, Length, Silence
from valle_plugins.scorers.mel import MelDistortion, distances, warped_mean
from valle_plugins.scorers.references import Intelligibility, Quality, ScaleInvariantDistortion
from valle_plugins.scorers.times import DurationError, RealTimeFactor
from valle_plugins.tasks.espeak import Espeak


def one(scorer, take):
    [figures] = scorer.score([take])
    return figures


def test_the_longest_inner_silence_is_found(sounding, tone):
    quiet = np.zeros(8000, np.float32)
    take = sounding(np.concatenate([quiet, tone(1), quiet[:3200], tone(1), quiet, quiet, tone(0.5), quiet[:1600]]))
    figures = one(Silence(), take)
    assert figures["silence"] == pytest.approx(1.0, abs=0.02)
    assert figures["silence.start"] == pytest.approx(0.5, abs=0.02)
    assert figures["silence.end"] == pytest.approx(0.1, abs=0.02)
    assert figures["silence.share"] == pytest.approx((0.5 + 0.2 + 1 + 0.1) / 4.3, abs=0.02)


def test_what_has_no_sound_is_silent_throughout(sounding):
    figures = one(Silence(), sounding(np.zeros(16000)))
    assert (figures["silence"], figures["silence.share"]) == (1.0, 1.0)


def test_clipped_waves_are_counted_and_single_peaks_are_not(sounding, tone):
    assert one(Clipping(), sounding(tone(1, loudness=0.9)))["clipping"] == 0
    peak = np.zeros(1000)
    peak[500] = 1.0
    assert one(Clipping(), sounding(peak, name="peak"))["clipping"] == 0
    figures = one(Clipping(), sounding(np.clip(tone(1, loudness=2), -1, 1), name="loud"))
    assert figures["clipping"] == pytest.approx(2 / 3, abs=0.02)
    assert figures["clipping.peak"] == 1.0


def test_a_length_is_held_against_the_text_or_a_column(sounding, tone):
    text = {"text": "x" * 30}
    assert one(Length(), sounding(tone(2), fields=text))["length"] == pytest.approx(1)
    assert one(Length(), sounding(tone(1), fields=text, name="half"))["length"] == pytest.approx(2)
    figures = one(Length(expected="planned"), sounding(tone(3), fields={"planned": "1.5"}, name="double"))
    assert (figures["length"], figures["length.ratio"]) == (2, 2)
    # Half a second too many or too few is nothing beside a short word.
    assert one(Length(slack=0.5), sounding(tone(1.5), fields=text, name="late"))["length"] == 1
    assert one(Length(slack=0.5), sounding(tone(0.5), fields=text, name="early"))["length"] == pytest.approx(2)
    with pytest.raises(ItemError, match="no number of seconds"):
        Length(expected="planned").score([sounding(tone(1), fields={"planned": "long"}, name="odd")])


def test_speech_that_is_cut_off_is_loud_at_its_end(sounding, tone):
    faded = tone(1) * np.minimum(1, np.linspace(0, 10, 16000)) * np.minimum(1, np.linspace(10, 0, 16000))
    assert one(CutEnding(), sounding(faded))["cut-ending"] < -10
    figures = one(CutEnding(), sounding(np.concatenate([np.zeros(1600), tone(1)]), name="cut"))
    assert figures["cut-ending"] == figures["cut-ending.end"] == pytest.approx(0, abs=1)


def test_si_sdr_is_that_of_its_definition(sounding):
    random = np.random.default_rng(0)
    target = random.normal(0, 0.1, 16000)
    noise = random.normal(0, 0.1, 16000)
    target, noise = target - target.mean(), noise - noise.mean()
    noise -= (noise @ target) / (target @ target) * target
    noise *= np.sqrt((target @ target) / (noise @ noise) / 100)
    assert one(ScaleInvariantDistortion(), sounding(0.5 * (target + noise), target))["si-sdr"] == pytest.approx(
        20, abs=1e-3
    )


def test_si_sdr_of_a_silent_reference_is_no_figure(sounding, tone):
    with pytest.raises(ItemError, match="silent"):
        ScaleInvariantDistortion().score([sounding(tone(1), np.zeros(16000))])


@pytest.fixture(scope="module")
def speech():
    return run_task(Espeak(), {"text": "The quick brown fox jumps over the lazy dog."}).clip.samples


def test_the_same_speech_is_intelligible_and_without_distortion(sounding, speech):
    take = sounding(speech, speech, rate=22050)
    assert one(Intelligibility(), take)["stoi"] == pytest.approx(1)
    assert one(MelDistortion(), take)["mel-distortion"] == pytest.approx(0, abs=1e-4)
    assert one(Quality(), take)["pesq"] > 4.5


def test_noise_makes_every_measure_worse(sounding, speech):
    random = np.random.default_rng(0)
    takes = [
        sounding(np.clip(speech + random.normal(0, level, len(speech)), -1, 1), speech, rate=22050, name=f"n{number}")
        for number, level in enumerate((0.001, 0.02, 0.2))
    ]
    for scorer in (Intelligibility(), Quality(), ScaleInvariantDistortion()):
        figures = [each[scorer.name] for each in scorer.score(takes)]
        assert figures == sorted(figures, reverse=True)
    distortions = [each["mel-distortion"] for each in MelDistortion().score(takes)]
    assert distortions == sorted(distortions)


def test_stoi_of_too_little_speech_is_no_figure(sounding, tone):
    with pytest.raises(ItemError, match="too little speech"):
        Intelligibility().score([sounding(tone(0.1), tone(0.1))])


def slow_path(costs):
    """The cheapest path by the textbook, one cell after another."""
    rows, columns = costs.shape
    table = np.full((rows, columns, 2), np.inf)
    for row in range(rows):
        for column in range(columns):
            before = [(row - 1, column - 1), (row - 1, column), (row, column - 1)]
            known = [tuple(table[place]) for place in before if min(place) >= 0]
            total, steps = min(known, key=lambda each: each[0]) if known else (0.0, 0.0)
            table[row, column] = total + costs[row, column], steps + 1
    return table[-1, -1, 0] / table[-1, -1, 1]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (6, 2), (7, 7), (13, 9)])
def test_times_are_warped_as_by_the_textbook(rows, columns):
    costs = np.random.default_rng(rows * columns).random((rows, columns))
    assert warped_mean(costs) == pytest.approx(slow_path(costs))


def test_distances_are_euclidean():
    random = np.random.default_rng(0)
    first, second = random.random((5, 3)), random.random((4, 3))
    assert distances(first, second) == pytest.approx(cdist(first, second))


def test_a_duration_is_held_against_a_recording_or_seconds(sounding, tone):
    figures = one(DurationError(), sounding(tone(1.5), tone(2)))
    assert (figures["duration-error"], figures["duration-error.seconds"]) == (0.25, -0.5)
    told = sounding(tone(1.5), fields={"true": 1.0}, name="told")
    assert one(DurationError(seconds="true"), told)["duration-error"] == 0.5


def test_the_real_time_factor_is_time_by_sound(sounding, tone):
    assert one(RealTimeFactor(), sounding(tone(2), seconds=0.5))["real-time-factor"] == 0.25


@pytest.mark.parametrize("scorer", [Silence(), Clipping(), CutEnding(), Length(), RealTimeFactor(), MelDistortion()])
def test_a_measure_keeps_the_contract(scorer, sounding, tone):
    text = {"text": "some words"}
    check_scorer(
        scorer, [sounding(tone(1), tone(0.7), fields=text), sounding(tone(0.3, 500), tone(1), fields=text, name="b")]
    )


def test_a_take_without_sound_is_told(heard):
    with pytest.raises(ItemError, match="has no sound"):
        Silence().score([heard("a", "a")])

"""The recipes, in small: material is made, training lowers the loss, resumes exactly, and gives files that open."""

import json

import numpy as np
import pytest
import soundfile
import torch

from valle_engine.errors import JobError
from valle_engine.records import Clip
from valle_plugins.pocket import files
from valle_plugins.pocket.codec_networks import CodecSizes
from valle_plugins.pocket.open_codec import load_codec
from valle_plugins.pocket.recipes import codec, recogniser, sounds, vocoder
from valle_plugins.pocket.recipes.__main__ import main
from valle_plugins.pocket.recipes.bank import Bank, mixed, write_bank
from valle_plugins.pocket.recipes.loop import CHECKPOINT, LOG, Plan
from valle_plugins.pocket.recogniser import open_recogniser
from valle_plugins.pocket.recogniser_network import RecogniserSizes

SMALL = (16, 16, 1)
CODEC = CodecSizes(latent=8, codebooks=2, entries=16, decoder=SMALL)


@pytest.fixture(scope="module", autouse=True)
def _small_and_quick():
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (sounds, recogniser):
            patch.setattr(module, "BATCH", 4)
        patch.setattr(sounds, "MEASURED", 2)
        patch.setattr(recogniser, "CHOICE", 6)
        yield


def losses(folder):
    rows = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [row for row in rows if len(row) > 2]


def train(recipe, material, folder, steps, rate=1e-3, **sizes):
    recipe.train(material, Plan(folder, steps, rate=rate, save_every=3, log_every=1), **sizes)
    return losses(folder)


@pytest.fixture(scope="module")
def coded(material, tmp_path_factory):
    """A folder with a codec whose decoder has learnt nothing."""
    folder = tmp_path_factory.mktemp("codec")
    codec.train(material, Plan(folder, 6), CODEC)
    return folder


def copied(coded, folder):
    folder.mkdir(exist_ok=True)
    (folder / files.CODEC).write_bytes((coded / files.CODEC).read_bytes())
    return folder


def test_a_codec_keeps_more_of_the_spectra_the_more_it_may(coded):
    figures = json.loads((coded / LOG).read_text())
    assert figures["distance unquantised"] < figures["distance"] < figures["distance 1"] < 1
    assert load_codec(coded / files.CODEC).sizes == CODEC


def test_a_codec_is_the_same_for_the_same_material(material, coded, tmp_path):
    codec.train(material, Plan(tmp_path, 6), CODEC)
    assert (tmp_path / files.CODEC).read_bytes() == (coded / files.CODEC).read_bytes()


def test_too_few_frames_for_the_entries_are_refused(material, tmp_path):
    with pytest.raises(JobError, match="100 frames for 1024 entries: take more"):
        codec.train(material, Plan(tmp_path, 1), CodecSizes(decoder=SMALL))


def test_a_decoder_begins_with_the_energies_that_were_coded(coded, tone):
    network = load_codec(coded / files.CODEC)
    samples = torch.from_numpy(tone(0)[0].samples[: 25 * 960])[None]
    with torch.no_grad():
        energies = network.encoder.spectra(samples)[0]
        back = network.decoder.expand(network.encoder(samples)[0].T)
        assert (back - codec.by_step(energies)).abs().mean() < 0.9 * (energies - energies.mean(dim=0)).abs().mean()


def test_a_step_of_the_decoder_sees_its_own_energies():
    wide, brief = torch.arange(2).repeat_interleave(128), torch.arange(4).repeat_interleave(80)
    steps = codec.by_step(torch.cat([wide, brief])[None].float()).reshape(4, 208)
    assert [step.unique().tolist() for step in steps] == [[0], [0, 1], [1, 2], [1, 3]]


def test_a_vocoder_leaves_the_codes_as_they_are(material, coded, tmp_path, tone):
    copied(coded, tmp_path)
    rows = train(vocoder, material, tmp_path, 12)
    assert rows[-2]["spectral"] < rows[0]["spectral"]
    old, new = load_codec(coded / files.CODEC), load_codec(tmp_path / files.CODEC)
    samples = torch.from_numpy(tone(3)[0].samples[:24000])[None]
    assert torch.equal(old.encode(samples), new.encode(samples))
    assert not torch.equal(old.decoder.head.out.weight, new.decoder.head.out.weight)


def test_a_recogniser_learns_and_its_file_opens(material, tmp_path, tone):
    rows = train(recogniser, material, tmp_path, 12, rate=0.03, sizes=RecogniserSizes(body=SMALL))
    assert rows[-2]["ctc"] < rows[0]["ctc"]
    assert isinstance(open_recogniser(tmp_path / files.RECOGNISER, "cpu").transcribe([tone(0)[0]])[0], str)


def test_a_resumed_recogniser_is_the_undisturbed_one(material, tmp_path):
    assert_resumed(recogniser, material, tmp_path / "whole", tmp_path / "broken", sizes=RecogniserSizes(body=SMALL))


def test_a_resumed_vocoder_is_the_undisturbed_one(material, coded, tmp_path):
    assert_resumed(vocoder, material, copied(coded, tmp_path / "whole"), copied(coded, tmp_path / "broken"))


def assert_resumed(recipe, material, whole, broken, **sizes):
    train(recipe, material, whole, 6, **sizes)
    stop_after(3, recipe, material, broken, **sizes)
    train(recipe, material, broken, 6, **sizes)
    states = [torch.load(folder / CHECKPOINT, weights_only=True) for folder in (whole, broken)]
    for name, tensor in states[0]["network"].items():
        assert torch.equal(tensor, states[1]["network"][name]), name


def stop_after(step, recipe, material, folder, **sizes):
    """A training that is broken off right after a checkpoint."""

    class BrokenError(Exception):
        pass

    class Breaking(recipe.Training):
        def _advance(self, loss_of):
            if self.step == step:
                raise BrokenError
            return super()._advance(loss_of)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "Training", Breaking)
        with pytest.raises(BrokenError):
            train(recipe, material, folder, 6, **sizes)


def test_codes_spread_evenly_have_as_much_perplexity_as_there_are():
    assert codec.perplexity(torch.arange(8)) == pytest.approx(8)
    assert codec.perplexity(torch.zeros(8, dtype=torch.int64)) == pytest.approx(1)


@pytest.mark.parametrize("decibels", [-5.0, 0.0, 20.0])
def test_noise_is_mixed_at_the_ratio_asked_for(decibels):
    random = np.random.default_rng(0)
    speech, noise = random.normal(0, 0.2, 5000), random.normal(0, 0.7, 5000)
    both = mixed(speech, noise, decibels)
    share = np.linalg.lstsq(np.stack([speech, noise], axis=1), both, rcond=None)[0]
    powers = [(share[0] * speech) @ (share[0] * speech), (share[1] * noise) @ (share[1] * noise)]
    assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(decibels, abs=1e-6)
    assert np.abs(both).max() == pytest.approx(np.abs(speech).max())


def test_one_s_own_recordings_are_material(tmp_path, tone):
    (tmp_path / "own").mkdir()
    for number in range(21):
        soundfile.write(tmp_path / "own" / f"{number:02}.wav", tone(number)[0].samples, 24000)
        (tmp_path / "own" / f"{number:02}.txt").write_text("Good morning.")
    arguments = ["--source", "audio-folder", "--path", str(tmp_path / "own")]
    assert main(["material", "--out", str(tmp_path / "material"), *arguments]) == 0
    assert [len(Bank(tmp_path / "material" / name)) for name in ("train", "validation")] == [19, 2]
    assert Bank(tmp_path / "material" / "train").entries[0].phonemes == "ɡˈʊd mˈɔːɹnɪŋ."


def test_synthetic_material_is_rendered(tmp_path):
    assert main(["material", "--out", str(tmp_path), "--utterances", "2"]) == 0
    train_bank, unseen = Bank(tmp_path / "train"), Bank(tmp_path / "validation")
    assert len(train_bank) == len(unseen) == 2
    assert {entry.speaker for entry in train_bank.entries}.isdisjoint(entry.speaker for entry in unseen.entries)


def test_too_few_recordings_are_refused(tmp_path, capsys):
    (tmp_path / "none").mkdir()
    arguments = ["--source", "audio-folder", "--path", str(tmp_path / "none")]
    assert main(["material", "--out", str(tmp_path / "material"), *arguments]) == 3
    assert "0 recordings can be used; 20 or more are needed" in capsys.readouterr().err


def test_a_training_is_not_begun_over_another(material, tmp_path, capsys):
    (tmp_path / CHECKPOINT).touch()
    assert main(["codec", "--material", str(material), "--out", str(tmp_path)]) == 3
    assert "go on with --resume" in capsys.readouterr().err


def test_a_crop_comes_from_one_utterance(tmp_path):
    write_bank(tmp_path, [(Clip(np.full(100, level, np.float32), 24000), "", "", "") for level in (0.25, 0.5)])
    for seed in range(20):
        crop = Bank(tmp_path).crop(np.random.default_rng(seed), 120)
        assert len(np.unique(crop[:100])) == 1
        assert not crop[100:].any()

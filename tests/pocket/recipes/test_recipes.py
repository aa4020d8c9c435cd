"""The recipes, in small: material is made, training lowers the loss, resumes exactly, and gives files that open."""

import json

import numpy as np
import pytest
import soundfile
import torch
from speechbrain.inference.classifiers import EncoderClassifier

from valle_engine.errors import JobError
from valle_engine.records import Clip
from valle_plugins.pocket import files
from valle_plugins.pocket.codec_networks import CodecNetwork, CodecSizes
from valle_plugins.pocket.open_codec import load_codec
from valle_plugins.pocket.recipes import codec, recogniser, speakers, vocoder
from valle_plugins.pocket.recipes.__main__ import main
from valle_plugins.pocket.recipes.bank import Bank, mixed, write_bank
from valle_plugins.pocket.recipes.loop import CHECKPOINT, LOG, Plan
from valle_plugins.pocket.recogniser import open_recogniser
from valle_plugins.pocket.recogniser_network import RecogniserSizes

SMALL = (16, 16, 1)
CODEC = CodecSizes(encoder=SMALL, latent=8, codebooks=2, entries=16, context=SMALL, step_channels=16, decoder=SMALL)


@pytest.fixture(scope="module", autouse=True)
def _small_and_quick():
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (codec, recogniser, speakers):
            patch.setattr(module, "BATCH", 4)
        patch.setattr(codec, "INIT_BATCHES", 2)
        patch.setattr(codec, "MEASURED", 2)
        patch.setattr(vocoder, "MEASURED", 2)
        patch.setattr(recogniser, "CHOICE", 6)
        yield


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Tones that are phonemes, of two speakers."""
    folder = tmp_path_factory.mktemp("material")
    write_bank(folder / "train", (tone(number) for number in range(12)))
    write_bank(folder / "validation", (tone(number) for number in range(4)))
    write_bank(folder / "noises", (tone(number, noise=1.0) for number in range(2)))
    return folder


def tone(number, noise=0.01):
    random = np.random.default_rng(number)
    time = np.arange(26_000 + 960 * number) / 24000
    pitch, phoneme = (200, "a") if number % 2 else (500, "b")
    samples = 0.3 * np.sin(2 * np.pi * pitch * time) + noise * random.normal(0, 0.3, len(time))
    return Clip(samples.astype(np.float32), 24000), f"speaker {number % 2}", phoneme, ""


def losses(folder):
    rows = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [row for row in rows if len(row) > 2]


def train(recipe, material, folder, steps, **sizes):
    recipe.train(material, Plan(folder, steps, save_every=3, log_every=1), **sizes)
    return losses(folder)


def test_a_codec_learns_and_its_file_opens(material, tmp_path):
    rows = train(codec, material, tmp_path, 24, sizes=CODEC)
    assert rows[-2]["spectral"] < 0.9 * rows[0]["spectral"]
    assert load_codec(tmp_path / files.CODEC).sizes == CODEC


def test_a_vocoder_leaves_the_codes_as_they_are(material, tmp_path):
    train(codec, material, tmp_path / "codec", 3, sizes=CODEC)
    (tmp_path / "vocoder").mkdir()
    before = (tmp_path / "codec" / files.CODEC).read_bytes()
    (tmp_path / "vocoder" / files.CODEC).write_bytes(before)
    rows = train(vocoder, material, tmp_path / "vocoder", 12)
    assert rows[-2]["spectral"] < rows[0]["spectral"]
    old, new = load_codec(tmp_path / "codec" / files.CODEC), load_codec(tmp_path / "vocoder" / files.CODEC)
    samples = torch.from_numpy(tone(3)[0].samples[:24000])[None]
    assert torch.equal(old.encode(samples), new.encode(samples))
    assert not torch.equal(old.decoder.head.out.weight, new.decoder.head.out.weight)


def test_a_recogniser_learns_and_its_file_opens(material, tmp_path):
    rows = train(recogniser, material, tmp_path, 12, sizes=RecogniserSizes(body=SMALL))
    assert rows[-2]["ctc"] < rows[0]["ctc"]
    assert isinstance(open_recogniser(tmp_path / files.RECOGNISER, "cpu").transcribe([tone(0)[0]])[0], str)


@pytest.mark.parametrize(("recipe", "sizes"), [(codec, CODEC), (recogniser, RecogniserSizes(body=SMALL))])
def test_a_resumed_training_is_the_undisturbed_one(material, tmp_path, recipe, sizes):
    train(recipe, material, tmp_path / "whole", 6, sizes=sizes)
    stop_after(3, recipe, material, tmp_path / "broken", sizes)
    train(recipe, material, tmp_path / "broken", 6, sizes=sizes)
    states = [torch.load(tmp_path / name / CHECKPOINT, weights_only=True) for name in ("whole", "broken")]
    for name, tensor in states[0]["network"].items():
        assert torch.equal(tensor, states[1]["network"][name]), name


def stop_after(step, recipe, material, folder, sizes):
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
            train(recipe, material, folder, 6, sizes=sizes)


def test_entries_nobody_uses_are_moved_to_where_they_are_of_use():
    torch.manual_seed(0)
    network = CodecNetwork(CODEC)
    for book in codec.codebooks(network):
        book.cluster_size.fill_(1.0)
        book.cluster_size[3] = 0.0
    latent = torch.randn(2, 8, 5)
    assert codec.revive(network, latent) == 2
    first = next(codec.codebooks(network))
    assert any(torch.equal(first.embed[3], frame) for frame in latent.transpose(1, 2).flatten(0, 1))
    assert codec.revive(network, latent) == 0


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


def test_one_s_own_recordings_are_material(tmp_path):
    (tmp_path / "own").mkdir()
    for number in range(21):
        soundfile.write(tmp_path / "own" / f"{number:02}.wav", tone(number)[0].samples, 24000)
        (tmp_path / "own" / f"{number:02}.txt").write_text("Good morning.")
    arguments = ["--source", "audio-folder", "--path", str(tmp_path / "own")]
    assert main(["material", "--out", str(tmp_path / "material"), *arguments]) == 0
    assert [len(Bank(tmp_path / "material" / name)) for name in ("train", "validation")] == [19, 2]
    assert Bank(tmp_path / "material" / "train").entries[0].phonemes == "ɡʊd mˈɔːɹnɪŋ."


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


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # SpeechBrain's own
def test_a_speaker_encoder_learns_and_speechbrain_opens_its_folder(material, tmp_path):
    rows = train(speakers, material, tmp_path, 6)
    assert rows[-2]["margin"] < rows[0]["margin"]
    opened = EncoderClassifier.from_hparams(source=str(tmp_path / files.SPEAKER), savedir=str(tmp_path / "opened"))
    assert opened.encode_batch(torch.zeros(2, 16000)).shape == (2, 1, speakers.EMBEDDING)


def test_material_that_names_no_speakers_teaches_none_apart(tmp_path):
    write_bank(tmp_path, ((clip, "", said, text) for clip, _speaker, said, text in map(tone, range(3))))
    with pytest.raises(JobError, match="tells no speakers apart"):
        speakers.speakers_of(Bank(tmp_path))

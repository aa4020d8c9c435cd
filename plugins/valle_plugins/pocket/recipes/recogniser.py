"""Train pocket's phoneme recogniser with CTC, on clean and noisy speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jiwer import cer
from safetensors.torch import save_file
from torch import Tensor, nn

from valle_plugins.pocket import files
from valle_plugins.pocket.features import weights_of
from valle_plugins.pocket.recipes.bank import Bank, mixed
from valle_plugins.pocket.recipes.loop import Plan, Training
from valle_plugins.pocket.recipes.material import NOISES, TRAIN, VALIDATION
from valle_plugins.pocket.recogniser import SYMBOLS as WRITTEN_SYMBOLS
from valle_plugins.pocket.recogniser_network import BLANK, FRAME_SAMPLES, RecogniserNetwork, RecogniserSizes
from valle_plugins.pocket.vocabulary import CONSONANTS, MARKS, TONES, VOWELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SYMBOLS = "ː" + TONES + MARKS + VOWELS + CONSONANTS
"""All that is heard as a sound or changes one; stress and spaces are not asked for."""
BATCH = 16
CHOICE = 64  # utterances of which those of the nearest lengths make a batch
NOISY = 0.5
LOUDEST_NOISE, FAINTEST_NOISE = 0.0, 30.0  # dB below the speech
MEASURED = 64  # utterances of the validation bank
MEASURED_NOISE = 10.0  # dB


def train(material: Path, plan: Plan, sizes: RecogniserSizes | None = None) -> None:
    """Train to the plan's end; the weights lie in its folder as `recogniser.safetensors` after each checkpoint."""
    torch.manual_seed(plan.seed)
    network = RecogniserNetwork(SYMBOLS, sizes or RecogniserSizes())
    batches = SpokenBatches(Bank(material / TRAIN), Bank(material / NOISES), plan.seed)
    Training(network, plan).run(RecogniserLoss(network, batches), Finish(network, material, plan.folder))


class Finish:
    """Writes the weights, and measures them on sentences and speakers that are not trained on."""

    def __init__(self, network: RecogniserNetwork, material: Path, folder: Path) -> None:
        self._network = network
        self._path = folder / files.RECOGNISER
        speech, noises = Bank(material / VALIDATION), Bank(material / NOISES)
        rng = np.random.default_rng(0)
        count = min(MEASURED, len(speech))
        self._clean = [speech.samples(index) for index in range(count)]
        self._noisy = [mixed(each, noises.crop(rng, len(each)), MEASURED_NOISE) for each in self._clean]
        self._spoken = [entry.phonemes for entry in speech.entries[:count]]

    def __call__(self) -> Mapping[str, float]:
        """Phoneme error rates of clean speech and of speech 10 dB over noise."""
        symbols = torch.tensor([ord(symbol) for symbol in self._network.symbols])
        save_file({**weights_of(self._network), WRITTEN_SYMBOLS: symbols}, self._path)
        return {
            "per": error_rate(self._network, self._clean, self._spoken),
            "per noisy": error_rate(self._network, self._noisy, self._spoken),
        }


class SpokenBatches:
    """Batches of utterances of similar length; a batch is a function of the seed and its number."""

    def __init__(self, speech: Bank, noises: Bank, seed: int) -> None:
        self._speech = speech
        self._noises = noises
        self._seed = seed

    def batch(self, number: int) -> tuple[Tensor, list[int], list[str]]:
        """Samples (16, longest), the frames each has, and the phonemes spoken."""
        rng = np.random.default_rng([self._seed, number])
        picked = self._similar(rng)
        heard = [self._heard(rng, index) for index in picked]
        frames = [len(samples) // FRAME_SAMPLES for samples in heard]
        rows = np.zeros((len(heard), max(frames) * FRAME_SAMPLES), np.float32)
        for row, samples, length in zip(rows, heard, frames, strict=True):
            row[: length * FRAME_SAMPLES] = samples[: length * FRAME_SAMPLES]
        return torch.from_numpy(rows), frames, [self._speech.entries[index].phonemes for index in picked]

    def _similar(self, rng: np.random.Generator) -> list[int]:
        choice = sorted(
            rng.integers(len(self._speech), size=CHOICE), key=lambda index: self._speech.entries[index].samples
        )
        first = int(rng.integers(CHOICE - BATCH + 1))
        return [int(index) for index in choice[first : first + BATCH]]

    def _heard(self, rng: np.random.Generator, index: int) -> np.ndarray:
        samples = self._speech.samples(index)
        if rng.random() < NOISY:
            noise = self._noises.crop(rng, len(samples))
            samples = mixed(samples, noise, rng.uniform(LOUDEST_NOISE, FAINTEST_NOISE))
        return samples * np.float32(rng.uniform(0.2, 1.4))


class RecogniserLoss:
    """CTC over one batch."""

    def __init__(self, network: RecogniserNetwork, batches: SpokenBatches) -> None:
        self._network = network
        self._batches = batches

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        """The loss of the batch of this number."""
        samples, frames, spoken = self._batches.batch(step)
        targets = [self._network.ids(phonemes) for phonemes in spoken]
        loss = nn.functional.ctc_loss(
            self._network(samples).transpose(0, 1),
            torch.tensor([each for target in targets for each in target]),
            torch.tensor(frames),
            torch.tensor([len(target) for target in targets]),
            blank=BLANK,
            zero_infinity=True,
        )
        return {"ctc": loss}


@torch.no_grad()
def error_rate(network: RecogniserNetwork, clips: Sequence[np.ndarray], spoken: Sequence[str]) -> float:
    """Phoneme errors by phonemes spoken, over all clips; samples are (n,) float32 at 24 kHz."""
    network.eval()
    wanted, heard = [], []
    for samples, phonemes in zip(clips, spoken, strict=True):
        whole = torch.from_numpy(samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES])
        heard.append(network.text(network(whole[None])[0].argmax(dim=-1).tolist()))
        wanted.append("".join(symbol for symbol in phonemes if symbol in network.symbols))
    return float(cer(wanted, heard))

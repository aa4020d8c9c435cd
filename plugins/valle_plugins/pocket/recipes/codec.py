"""Train pocket's codec: encoder, residual quantiser and Vocos decoder together, on clean and noisy speech and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from valle_plugins.pocket import codec_networks as networks
from valle_plugins.pocket.features import RATE
from valle_plugins.pocket.recipes.bank import Bank, mixed

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH = 16
SECONDS = 1.0
NOISY, NOISE_ALONE = 0.25, 0.06  # shares of a batch
FREE_STEPS = 150  # before anything is quantised, so that the codebooks begin at what the encoder gives
INIT_BATCHES = 20
REVIVE_EVERY = 50
STARVED = 0.1  # an entry with less than this part of the average use begins anew
FEWER = (1, 1, 2, 3, 4, 6)  # codebooks in the half of the steps that train without all of them
COMMITMENT = 0.25
RESOLUTIONS = ((512, 40), (1024, 80), (2048, 128))  # window in samples, mel bands
LOUD_ENOUGH = 1e-3


class SpectralLoss(nn.Module):
    """L1 between log-mel energies at several resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self._views = nn.ModuleList(
            MelSpectrogram(RATE, n_fft=window, hop_length=window // 4, n_mels=mels, power=1)
            for window, mels in RESOLUTIONS
        )

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Samples (batch, n) both."""
        return torch.stack(
            [
                nn.functional.l1_loss(
                    view(made).clamp(min=LOUD_ENOUGH).log(), view(wanted).clamp(min=LOUD_ENOUGH).log()
                )
                for view in self._views
            ]
        ).mean()


class Sounds:
    """Batches of clean, noisy and noise-only seconds; a batch is a function of the seed and its number."""

    def __init__(self, speech: Bank, noises: Bank, seed: int) -> None:
        self._speech = speech
        self._noises = noises
        self._seed = seed

    def batch(self, number: int) -> Tensor:
        """(16, samples) float32."""
        rng = np.random.default_rng([self._seed, number])
        return torch.from_numpy(np.stack([self._one(rng) for _ in range(BATCH)]))

    def _one(self, rng: np.random.Generator) -> np.ndarray:
        length = int(SECONDS * RATE) // networks.FRAME_SAMPLES * networks.FRAME_SAMPLES
        kind, level = rng.random(), rng.uniform(0.3, 1.3)
        if kind < NOISE_ALONE:
            return level * rng.uniform(0.05, 1.0) * self._noises.crop(rng, length)
        speech = self._speech.crop(rng, length)
        if kind < NOISE_ALONE + NOISY:
            speech = mixed(speech, self._noises.crop(rng, length), rng.uniform(-5.0, 20.0))
        return np.clip(level * speech, -1.0, 1.0).astype(np.float32)


class CodecLoss:
    """The terms of one step's loss; it also looks after the codebooks."""

    def __init__(self, network: networks.CodecNetwork, sounds: Sounds) -> None:
        self._network = network
        self._sounds = sounds
        self._spectral = SpectralLoss()

    def __call__(self, step: int) -> Mapping[str, Tensor]:
        samples = self._sounds.batch(step)
        if step == FREE_STEPS:
            self._begin_codebooks()
        latent = self._network.encoder(samples)
        if step < FREE_STEPS:
            return {"spectral": self._spectral(self._network.decoder(latent), samples)}
        if step % REVIVE_EVERY == 0:
            revive(self._network, latent.detach())
        quantised, _codes, _losses = self._network.quantizer.vq(latent, n_q=self._count(step))
        commitment = COMMITMENT * nn.functional.mse_loss(latent, quantised.detach())
        return {"spectral": self._spectral(self._network.decoder(quantised), samples), "commitment": commitment}

    def _count(self, step: int) -> int:
        rng = np.random.default_rng([step, 1])
        codebooks = self._network.sizes.codebooks
        return min(codebooks, int(rng.choice(FEWER))) if rng.random() < 0.5 else codebooks

    @torch.no_grad()
    def _begin_codebooks(self) -> None:
        batches = [self._network.encoder(self._sounds.batch(10**9 + number)) for number in range(INIT_BATCHES)]
        residual = torch.cat(batches).transpose(1, 2).flatten(0, 1)
        for layer in self._network.quantizer.vq.layers:
            book = layer._codebook
            entries, owners = kmeans2(residual.numpy(), book.codebook_size, iter=10, minit="points", rng=0)
            book.embed.copy_(torch.from_numpy(entries))
            book.cluster_size.fill_(len(residual) / INIT_BATCHES / book.codebook_size)
            book.embed_avg.copy_(book.embed * book.cluster_size[:, None])
            residual = residual - book.embed[torch.from_numpy(owners).long()]


@torch.no_grad()
def revive(network: networks.CodecNetwork, latent: Tensor) -> int:
    """Move entries that are hardly used to where the batch's residuals lie; returns how many.

    The quantiser's own way writes the entry but not its running sums, which undo it in the same step.
    """
    residual = latent.transpose(1, 2).flatten(0, 1)
    moved = 0
    for layer in network.quantizer.vq.layers:
        book = layer._codebook
        average = book.cluster_size.mean()
        starved = book.cluster_size < STARVED * average
        picked = torch.randint(len(residual), (int(starved.sum()),))
        book.embed[starved] = residual[picked]
        book.cluster_size[starved] = average
        book.embed_avg[starved] = residual[picked] * average
        moved += len(picked)
        residual = residual - book.dequantize(book.quantize(residual))
    return moved

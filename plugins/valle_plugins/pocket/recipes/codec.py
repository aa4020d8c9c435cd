"""Make a codec's encoder and codebooks: principal components of spectra, and k-means on what each codebook leaves over.

Nothing is trained by gradients, so this takes a minute. The decoder of the file is begun so that it sees the energies
that were coded; the recipe `vocoder` makes it speak.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from scipy.cluster.vq import kmeans2

from valle_engine.errors import JobError
from valle_plugins.pocket import files
from valle_plugins.pocket.codec_networks import FRAME_SAMPLES, STEPS, VIEWS, CodecNetwork, CodecSizes
from valle_plugins.pocket.features import weights_of
from valle_plugins.pocket.recipes.loop import LOG
from valle_plugins.pocket.recipes.sounds import Sounds, unseen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from valle_plugins.pocket.recipes.loop import Plan

ITERATIONS = 12  # of k-means


@torch.no_grad()
def train(material: Path, plan: Plan, sizes: CodecSizes | None = None) -> None:
    """Make `codec.safetensors` of as many batches as the plan has steps. Raises `JobError` for too few."""
    torch.manual_seed(plan.seed)
    network = CodecNetwork(sizes or CodecSizes()).eval()
    sounds = Sounds(material, plan.seed)
    energies = torch.cat([network.encoder.spectra(sounds.batch(step)).flatten(0, 1) for step in range(plan.steps)])
    if len(energies) < network.sizes.entries:
        raise JobError(f"{plan.steps} steps give {len(energies)} frames for {network.sizes.entries} entries: take more")
    _project(network, energies)
    _fill_codebooks(network, network.encoder.project(energies))
    plan.folder.mkdir(parents=True, exist_ok=True)
    save_file(weights_of(network), plan.folder / files.CODEC)
    figures = {"frames": len(energies), **measured(network, unseen(material))}
    (plan.folder / LOG).write_text(json.dumps(figures) + "\n", encoding="utf-8")


def _project(network: CodecNetwork, energies: Tensor) -> None:
    """Principal components of energies (frames, 576), scaled to a variance of 1 on average; and the way back."""
    middle = energies.mean(dim=0)
    values, vectors = torch.linalg.eigh((energies - middle).T.double() @ (energies - middle).double() / len(energies))
    components = vectors[:, -network.sizes.latent :].flip(1).T.float()  # the largest first
    scale = values[-network.sizes.latent :].mean().sqrt().float()
    network.encoder.project.weight.copy_(components / scale)
    network.encoder.project.bias.copy_(-components @ middle / scale)
    network.decoder.expand.weight.copy_(by_step(components * scale).T)
    network.decoder.expand.bias.copy_(by_step(middle[None])[0])


def by_step(energies: Tensor) -> Tensor:
    """Energies of frames (n, 576) as the decoder's four steps see them, (n, 4 · 208): a coarser view is repeated."""
    counts = [FRAME_SAMPLES // hop for _mels, _window, hop in VIEWS]
    widths = [mels * count for (mels, _window, _hop), count in zip(VIEWS, counts, strict=True)]
    views = torch.split(energies, widths, dim=1)
    shaped = [
        view.reshape(len(energies), count, -1).repeat_interleave(STEPS // count, dim=1)
        for view, count in zip(views, counts, strict=True)
    ]
    return torch.cat(shaped, dim=2).flatten(1)


def _fill_codebooks(network: CodecNetwork, residual: Tensor) -> None:
    for book in codebooks(network):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an entry that nothing is nearest to stays where it began
            entries, owners = kmeans2(residual.numpy(), book.codebook_size, iter=ITERATIONS, minit="points", rng=0)
        book.embed.copy_(torch.from_numpy(entries))
        residual = residual - book.embed[torch.from_numpy(owners).long()]


def codebooks(network: CodecNetwork) -> Iterator[Any]:
    """The codebooks, which the `encodec` package keeps to itself."""
    return (layer._codebook for layer in network.quantizer.vq.layers)  # noqa: SLF001 - see above


@torch.no_grad()
def measured(network: CodecNetwork, clips: list[Tensor]) -> Mapping[str, float]:
    """Mean difference of log-mel energies through one codebook, through all and through none; use of the entries."""
    latent = [network.encoder(clip) for clip in clips]
    coded = [network.encode(clip) for clip in clips]
    energies = torch.cat([by_step(network.encoder.spectra(clip)[0]) for clip in clips])
    used = torch.cat([codes[0] for codes in coded])

    def distance(latents: list[Tensor]) -> float:
        back = torch.cat([network.decoder.expand(each[0].T) for each in latents])
        return float((back - energies).abs().mean())

    return {
        "distance": distance([network.dequantise(codes) for codes in coded]),
        "distance 1": distance([network.dequantise(codes[..., :1]) for codes in coded]),
        "distance unquantised": distance(latent),
        "perplexity 1": perplexity(used[:, 0]),
        "perplexity": sum(perplexity(column) for column in used.T) / used.shape[1],
    }


def perplexity(codes: Tensor) -> float:
    """How many entries (n,) codes are spread over, in effect."""
    shares = codes.bincount().float() / len(codes)
    return float(torch.special.entr(shares).sum().exp())

"""Small codecs with random weights in the released layouts, to run everything around a codec without its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from encodec.modules.seanet import SEANetDecoder, SEANetEncoder
from torch import Tensor, nn
from vocos.heads import ISTFTHead
from vocos.models import VocosBackbone

from valle_engine.codecs.encodec import CODEBOOK_SIZE, FRAME_SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

ENCODEC_CODEBOOKS = 32
VOCOS_CODEBOOKS = 16


def write_encodec(path: Path, seed: int = 0, *, filters: int = 2, dimension: int = 8) -> Path:
    """Write a checkpoint in the layout of the `encodec` package (`.th`: weight normalised, 32 codebooks)."""
    random = torch.Generator().manual_seed(seed)
    encoder = SEANetEncoder(n_filters=filters, dimension=dimension, causal=True, norm="none")
    decoder = SEANetDecoder(n_filters=filters, dimension=dimension, causal=True, norm="none")
    tensors: dict[str, Tensor] = {}
    for name, tensor in _random(nn.ModuleDict({"encoder": encoder, "decoder": decoder}), random).items():
        if tensor.dim() == 3:
            tensors[f"{name}_g"] = tensor.norm(2, dim=(1, 2), keepdim=True)
            tensors[f"{name}_v"] = tensor
        else:
            tensors[name] = tensor
    for number in range(ENCODEC_CODEBOOKS):
        prefix = f"quantizer.vq.layers.{number}._codebook."
        entries = torch.randn(CODEBOOK_SIZE, dimension, generator=random) * 0.8**number
        tensors |= {
            f"{prefix}inited": torch.ones(1),
            f"{prefix}cluster_size": torch.ones(CODEBOOK_SIZE),
            f"{prefix}embed": entries,
            f"{prefix}embed_avg": entries.clone(),
        }
    torch.save(tensors, path)
    return path


def write_vocos(path: Path, seed: int = 0, *, dim: int = 16, blocks: int = 8, channels: int = 8) -> Path:
    """Write a checkpoint in Vocos' layout (`.bin`) for EnCodec codes; `blocks` are the released one's eight."""
    random = torch.Generator().manual_seed(seed)
    backbone = VocosBackbone(channels, dim, 3 * dim, blocks, adanorm_num_embeddings=4)
    head = ISTFTHead(dim, n_fft=4 * FRAME_SAMPLES, hop_length=FRAME_SAMPLES, padding="same")
    tensors = _random(nn.ModuleDict({"backbone": backbone, "head": head}), random)
    tensors["feature_extractor.codebook_weights"] = torch.randn(
        VOCOS_CODEBOOKS * CODEBOOK_SIZE, channels, generator=random
    )
    tensors["head.istft.window"] = head.istft.window
    torch.save(tensors, path)
    return path


def _random(network: nn.Module, random: torch.Generator) -> dict[str, Tensor]:
    """Weights that neither silence nor blow up what goes through: variance 1 over the inputs, small biases."""
    return {
        name: torch.randn(tensor.shape, generator=random) * (tensor[0].numel() ** -0.5 if tensor.dim() > 1 else 0.05)
        for name, tensor in network.state_dict().items()
    }

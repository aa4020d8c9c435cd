"""SpeechBrain's ECAPA-TDNN speaker embedder, opened without running any of the code that comes beside its weights.

`hyperparams.yaml` is code (its loader makes any object it names), so it is never read: the sizes are told by the
weights, the front end is that of SpeechBrain's recipe for VoxCeleb. (Desplanques et al. 2020, arXiv:2005.07143.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from speechbrain.lobes.features import Fbank
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.processing.features import InputNormalization

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RATE = 16_000
WEIGHTS = "embedding_model.ckpt"
DILATIONS = [1, 2, 3, 4, 1]


class Ecapa:
    """The embedder on a device; `rate` is what its samples must have."""

    rate = RATE

    def __init__(self, weights: Path, device: str) -> None:
        self._device = device
        self._features = Fbank(n_mels=_bands(state := _state(weights)), sample_rate=RATE).to(device).eval()
        self._even = InputNormalization(norm_type="sentence", std_norm=False).to(device)
        self._network = _network(state, weights).to(device).eval()

    @torch.inference_mode()
    def embed(self, samples: torch.Tensor) -> torch.Tensor:
        """The embedding (dimension,) of samples (n,) float32 at 16 kHz."""
        length = torch.ones(1, device=self._device)
        features = self._even(self._features(samples[None].to(self._device)), length)
        embedding: torch.Tensor = self._network(features, length)[0, 0]
        return embedding


def _state(weights: Path) -> Mapping[str, torch.Tensor]:
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # what is in the file decides what it raises
        raise CheckpointError(f"{weights} holds no weights that can be read: {error}") from error
    if not isinstance(state, dict) or "fc.conv.weight" not in state:
        raise CheckpointError(f"{weights} holds no ECAPA-TDNN")
    return state


def _bands(state: Mapping[str, torch.Tensor]) -> int:
    return int(state["blocks.0.conv.conv.weight"].shape[1])


def _network(state: Mapping[str, torch.Tensor], weights: Path) -> Any:
    blocks = len({name.split(".")[1] for name in state if name.startswith("blocks.")})
    first = state["blocks.0.conv.conv.weight"]
    sizes = [state[f"blocks.{block}.tdnn1.conv.conv.weight"] for block in range(1, blocks)]
    inner = state["blocks.1.res2net_block.blocks.0.conv.conv.weight"]
    whole = state["mfa.conv.conv.weight"]
    try:
        network = ECAPA_TDNN(
            input_size=first.shape[1],
            lin_neurons=state["fc.conv.weight"].shape[0],
            channels=[first.shape[0], *(size.shape[0] for size in sizes), whole.shape[0]],
            kernel_sizes=[first.shape[2], *(_kernel(state, block) for block in range(1, blocks)), whole.shape[2]],
            dilations=[*DILATIONS[:blocks], 1],
            attention_channels=state["asp.tdnn.conv.conv.weight"].shape[0],
            res2net_scale=sizes[0].shape[0] // inner.shape[0],
            se_channels=state["blocks.1.se_block.conv1.conv.weight"].shape[0],
        )
        network.load_state_dict(state)
    except (RuntimeError, AssertionError, KeyError) as error:
        raise CheckpointError(f"{weights} holds no ECAPA-TDNN of this form: {error}") from error
    return network


def _kernel(state: Mapping[str, torch.Tensor], block: int) -> int:
    return int(state[f"blocks.{block}.res2net_block.blocks.0.conv.conv.weight"].shape[2])

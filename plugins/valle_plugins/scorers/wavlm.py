"""WavLM fine-tuned for speaker verification, through transformers: what published SIM-O figures are measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoFeatureExtractor, WavLMForXVector
from transformers.utils import logging

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path


class WavLm:
    """The embedder on a device; `rate` is what its samples must have. `place` is a folder with its files."""

    def __init__(self, place: Path, device: str) -> None:
        # Its bars would be drawn over the run's own display.
        logging.disable_progress_bar()
        self._device = device
        try:
            self._features: Any = AutoFeatureExtractor.from_pretrained(place, local_files_only=True)
            self._network: Any = WavLMForXVector.from_pretrained(place, local_files_only=True).to(device).eval()
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{place} holds no WavLM with a speaker head: {error}") from error
        self.rate = int(self._features.sampling_rate)

    @torch.inference_mode()
    def embed(self, samples: torch.Tensor) -> torch.Tensor:
        """The embedding (dimension,) of samples (n,) float32 at `rate`."""
        given = self._features(samples.numpy(), sampling_rate=self.rate, return_tensors="pt")
        embedding: torch.Tensor = self._network(given["input_values"].to(self._device)).embeddings[0]
        return embedding

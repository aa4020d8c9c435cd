"""Whisper with its weights in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor
from transformers.utils import logging

from valle_engine.audio import resample
from valle_engine.errors import CheckpointError
from valle_engine.parts import OpenTranscriber
from valle_plugins.hub import PLAIN_FILES, fetched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from valle_engine.records import Clip

WINDOW_SECONDS = 30


class OpenWhisper(OpenTranscriber):
    """The network at work, in float32. Clips up to 30 s are heard together, longer ones alone, a window at a time."""

    def __init__(self, weights: str, beams: int, device: str) -> None:
        # Its bars would be drawn over the run's own display.
        logging.disable_progress_bar()
        place, self._facts = fetched(weights, PLAIN_FILES)
        try:
            self._processor: Any = AutoProcessor.from_pretrained(place, local_files_only=True)
            network = AutoModelForSpeechSeq2Seq.from_pretrained(place, local_files_only=True, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{weights} holds no Whisper: {error}") from error
        self._network: Any = network.to(device).eval()
        self._device = device
        self._beams = beams
        self._rate = int(self._processor.feature_extractor.sampling_rate)

    @property
    def about(self) -> Mapping[str, str]:
        """Its weights and their revision."""
        return self._facts

    def transcribe(self, clips: Sequence[Clip], languages: Sequence[str]) -> list[str]:
        """The likeliest words of each clip; clips of one language are heard together."""
        groups: dict[tuple[str, int], list[int]] = {}
        for place, (clip, language) in enumerate(zip(clips, languages, strict=True)):
            # A long clip is heard window after window, each in the light of the one before: alone.
            alone = place + 1 if clip.seconds > WINDOW_SECONDS else 0
            groups.setdefault((language[:2].lower(), alone), []).append(place)
        found: dict[int, str] = {}
        for (language, alone), places in groups.items():
            sounds = [resample(clips[place], self._rate).samples for place in places]
            found |= dict(zip(places, self._heard(sounds, language, long=bool(alone)), strict=True))
        return [found[place] for place in range(len(clips))]

    @torch.inference_mode()
    def _heard(self, sounds: Sequence[np.ndarray], language: str, *, long: bool) -> list[str]:
        shape = {"truncation": False, "padding": "longest"} if long else {}
        given = self._processor(
            list(sounds), sampling_rate=self._rate, return_tensors="pt", return_attention_mask=True, **shape
        ).to(self._device)
        options: dict[str, Any] = {"num_beams": self._beams, "do_sample": False}
        if getattr(self._network.generation_config, "is_multilingual", False):
            options |= {"task": "transcribe", "language": None if language in {"", "au"} else language}
        if long:
            options["return_timestamps"] = True
        ids = self._network.generate(**given, **options)
        return [text.strip() for text in self._processor.batch_decode(ids, skip_special_tokens=True)]

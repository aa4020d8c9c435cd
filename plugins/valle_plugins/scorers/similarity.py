"""How much an output sounds like its voice: the cosine of two speaker embeddings."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import Field

from valle_engine.errors import CheckpointError, ItemError
from valle_engine.parts import Scorer
from valle_plugins.hub import PLAIN_FILES, fetched
from valle_plugins.scorers.sound import clip_of, output_of, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import torch

    from valle_engine.parts import OpenScorer, Take

REMEMBERED = 1024
"""Embeddings of references that are kept: many items share a voice."""
DEFAULTS = {"ecapa": "speechbrain/spkrec-ecapa-voxceleb", "wavlm": "microsoft/wavlm-base-plus-sv"}


class Embedder(Protocol):
    """A network that turns a clip into an embedding."""

    rate: int

    def embed(self, samples: torch.Tensor) -> torch.Tensor:
        """The embedding (dimension,) of samples (n,) float32 at `rate`."""


class SpeakerSimilarity(Scorer):
    """Cosine of the speaker embeddings of the output and of its voice (SIM-O), -1 to 1.

    Figures of different embedders cannot be compared: which one it was stands in the results. Published ones are most
    often those of WavLM. With `embeddings` and `references` nothing is listened to: they are read from `.npz` files
    that hold `ids` (n,) and `vectors` (n, dimension).
    """

    name: ClassVar[str] = "speaker-similarity"
    better: ClassVar[Literal["lower", "higher"]] = "higher"
    worst: ClassVar[float | None] = 0.0

    embedder: Literal["ecapa", "wavlm"] = Field("ecapa", description="SpeechBrain's ECAPA-TDNN, or WavLM.")
    weights: str = Field("", description="Folder or hub id of its files (`@revision` pins one); each has its default.")
    reference: str = Field("voice", description="Column with the recording of the voice.")
    embeddings: Path | None = Field(None, description="Embeddings of the outputs, by the items' ids.")
    references: Path | None = Field(None, description="Embeddings of the voices, by what stands in their column.")

    def fields(self) -> frozenset[str]:
        """The voice."""
        return frozenset({self.reference})

    def files(self) -> frozenset[str]:
        """The voice, where it must be listened to."""
        return frozenset() if self.references else frozenset({self.reference})

    def check_job(self) -> list[str]:
        """WavLM needs a package."""
        listens = not (self.embeddings and self.references)
        if listens and self.embedder == "wavlm" and importlib.util.find_spec("transformers") is None:
            return ["scorer 'speaker-similarity' with wavlm needs a package: pip install 'valle-engine[transformers]'"]
        return []

    def open(self, device: str) -> OpenScorer:
        """Load what is listened with, when it is first listened. Raises `CheckpointError`."""
        return OpenSimilarity(self, device)

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The similarity of each take, by an embedder opened for them alone."""
        return OpenSimilarity(self, "cpu").score(takes)


class OpenSimilarity:
    """The scorer at work. Clips are embedded one by one: beside others, padding and rounding would change figures."""

    def __init__(self, scorer: SpeakerSimilarity, device: str) -> None:
        self._scorer = scorer
        self._device = device
        self._outputs = _vectors(scorer.embeddings)
        self._voices = _vectors(scorer.references)
        self._known: OrderedDict[tuple[Path, int, int], np.ndarray] = OrderedDict()
        self._facts: dict[str, str] = {"embedder": scorer.embedder}
        if self._outputs is None or self._voices is None:
            self._place, facts = fetched(scorer.weights or DEFAULTS[scorer.embedder], _files(scorer.embedder))
            self._facts |= facts

    @property
    def about(self) -> Mapping[str, str]:
        """The embedder, its weights and their revision."""
        return self._facts

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """The similarity of each take. Raises `ItemError`, `AudioError`."""
        cosines = _cosines(self._of_outputs(takes), self._of_voices(takes))
        return [{"speaker-similarity": cosine} for cosine in cosines]

    def nearness(self, take: Take, recordings: Sequence[str]) -> list[float]:
        """How much the output of one take sounds like each of several recordings. Raises as `score` does."""
        column = self._scorer.reference
        asked = [replace(take, fields={**take.fields, column: recording}) for recording in recordings]
        return _cosines(self._of_outputs([take]) * len(recordings), self._of_voices(asked))

    def _of_outputs(self, takes: Sequence[Take]) -> list[np.ndarray]:
        if self._outputs is not None:
            return [_found(self._outputs, take.outcome.id, "an output") for take in takes]
        return self._embedded([output_of(take, self._embedder.rate).samples for take in takes])

    def _of_voices(self, takes: Sequence[Take]) -> list[np.ndarray]:
        named = [str(take.fields[self._scorer.reference]) for take in takes]
        if self._voices is not None:
            return [_found(self._voices, name, "a voice") for name in named]
        keys = [version_of(Path(name)) for name in named]
        new = [key for key in dict.fromkeys(keys) if key not in self._known]
        made = self._embedded([clip_of(key[0], self._embedder.rate).samples for key in new])
        vectors = self._known | dict(zip(new, made, strict=True))
        self._known = OrderedDict(vectors)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return [vectors[key] for key in keys]

    def _embedded(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        import torch  # noqa: PLC0415 - only what embeds loads it

        return [self._embedder.embed(torch.from_numpy(clip)).float().cpu().numpy() for clip in clips]

    @cached_property
    def _embedder(self) -> Embedder:
        if self._scorer.embedder == "wavlm":
            from valle_plugins.scorers.wavlm import WavLm  # noqa: PLC0415 - an extra

            return WavLm(self._place, self._device)
        from valle_plugins.scorers import ecapa  # noqa: PLC0415 - loads torch

        return ecapa.Ecapa(self._place / ecapa.WEIGHTS, self._device)


def _cosines(made: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> list[float]:
    """Cosines of vectors, pair by pair."""
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    if not made:
        return []
    these, those = np.stack(made), np.stack(wanted)
    products = np.einsum("nd,nd->n", these, those)
    norms = np.linalg.norm(these, axis=1) * np.linalg.norm(those, axis=1)
    return [float(cosine) for cosine in products / np.maximum(norms, 1e-12)]


def _files(embedder: str) -> Sequence[str]:
    return ("embedding_model.ckpt",) if embedder == "ecapa" else (*PLAIN_FILES, "pytorch_model.bin")


def _vectors(path: Path | None) -> dict[str, np.ndarray] | None:
    """Embeddings by name. Raises `CheckpointError` for a file that holds something else."""
    if path is None:
        return None
    import numpy as np  # noqa: PLC0415 - only what scores loads it

    try:
        with np.load(path, allow_pickle=False) as held:
            ids, vectors = held["ids"], held["vectors"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} does not hold `ids` and `vectors` in numpy's .npz form: {error}") from error
    if vectors.ndim != 2 or len(ids) != len(vectors):
        raise CheckpointError(f"{path}: {ids.shape} ids do not name the rows of {vectors.shape} vectors")
    return dict(zip(map(str, ids), vectors.astype(np.float64), strict=True))


def _found(vectors: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in vectors:
        raise ItemError(f"there is no embedding of {what} {name!r}")
    return vectors[name]

"""What a plugin can offer: the base classes of every part.

A part is a frozen model: its fields are its options, so the job file, the checks, the JSON Schema and the help text
have one source. Importing a part must not load torch: heavy imports belong inside the methods that run in a worker.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping  # a part's class attributes are read at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from torch import Tensor

    from valle_engine.kit import Kit
    from valle_engine.model.config import ModelConfig
    from valle_engine.records import Clip, Outcome, Result

ID_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$"


class Part(BaseModel, ABC):
    """Something a job can name; its fields are its options, unknown ones are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: ClassVar[str]


class BaseItem(BaseModel):
    """One unit of work. A task's items extend it with the fields they need.

    Fields of type `Path` are files that must exist: the job file's folder is their base, their content is part of the
    item's fingerprint. One that is called `voice` may also hold the name of a voice of the job's model. Columns of a
    manifest that are no field are carried along and determine nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    id: str = Field(pattern=ID_PATTERN, description="Unique name; also the name of the output file.")


class Task(Part):
    """What is done to an item: one async function over a kit; what it awaits is batched across items."""

    Item: ClassVar[type[BaseItem]]
    needs_model: ClassVar[bool] = False
    needs_codec: ClassVar[bool] = False
    """Whether it turns sound into codes without a model: the job then names a `codec`."""
    gives_sound: ClassVar[bool] = True
    """Whether what it gives can be listened to, so that a source's gate on sound may hold for it."""

    @abstractmethod
    async def run(self, item: Any, kit: Kit) -> Clip | Result | Mapping[str, Any]:
        """Do the work of one item. Raise `ItemError` when it cannot be done, `RetryableError` when it may be later."""

    def check_job(self, samplers: Sequence[Sampler], model: ModelConfig | None) -> list[str]:  # noqa: ARG002 - same
        """What keeps this task from running with these samplers and this model, when the job is checked.

        `model` is None where there is none, and where its weights are not here to be asked.
        """
        return []

    def expected_seconds(self, item: Any) -> float:  # noqa: ARG002 - a task that can tell overrides it
        """Audio seconds the item should give, for plans and deadlines; 0 when that cannot be told."""
        return 0.0


class Sampler(Part):
    """A step that reshapes logits before a token is drawn. It never draws and never sees a random generator."""

    sequential: ClassVar[bool] = False
    """Whether it goes by what was drawn before: it means nothing where all frames are drawn at once."""
    decides: ClassVar[bool] = False
    """Whether it settles the choice by a rule of its own, as greedy or mirostat do: a chain holds one such at most."""

    def new_state(self) -> Any:
        """State of one row, for a sampler with memory; None for one without."""
        return None

    @abstractmethod
    def __call__(self, logits: Tensor, history: Sequence[Tensor], states: Sequence[Any]) -> Tensor:
        """Reshape logits (rows, vocabulary) float32.

        `history` holds each row's tokens so far, (steps,) int64, without the prompt; `states` each row's own state.
        A row's result may depend on that row alone. Returns (rows, vocabulary); the input is not changed.
        """

    def observe(self, logits: Tensor, drawn: Tensor, states: Sequence[Any]) -> None:
        """Told what was drawn, (rows,) int64, from the final logits (rows, vocabulary); for samplers with memory."""


def check_chain(samplers: Sequence[Sampler]) -> list[str]:
    """What is wrong with samplers that are to be applied one after another; empty when they go together."""
    deciding = [sampler.name for sampler in samplers if sampler.decides]
    if len(deciding) < 2:
        return []
    return [f"{' and '.join(deciding)} each settle the choice by a rule of their own: keep one of them"]


class Codec(Part):
    """Audio to codes and back. Its options say which weights; `open` loads them in a worker.

    An option named `weights`, also of a codec inside it, is a file, a folder or a hub id: a local path starts at the
    job's folder, and counts by its content.
    """

    sample_rate: ClassVar[int]
    frame_rate: ClassVar[int]
    codebooks: ClassVar[int]
    codebook_size: ClassVar[int]

    def files(self) -> Sequence[Path]:
        """Local files it reads that no option names: they count by their content."""
        return ()

    @abstractmethod
    def open(self, device: str) -> OpenCodec:
        """Load the weights onto a device. Raises `CheckpointError`."""


class OpenCodec(ABC):
    """A codec with its weights in memory."""

    @abstractmethod
    def encode(self, clips: Sequence[Clip]) -> list[np.ndarray]:
        """Codes (frames, codebooks) int64 for each clip, whatever its rate."""

    @abstractmethod
    def decode(self, codes: Sequence[np.ndarray]) -> list[Clip]:
        """A clip at the codec's rate for each array of codes (frames, codebooks)."""

    def decode_stream(self, pieces: Iterable[np.ndarray]) -> Iterator[Clip]:
        """Clips while codes (frames, codebooks) still arrive; joined, they are what `decode` gives for all of them.

        A codec that cannot decode in parts waits for the last piece, as this does.
        """
        import numpy as np  # noqa: PLC0415 - plain data until a worker decodes

        yield from self.decode([np.concatenate(list(pieces))])


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the Hugging Face hub; `revision` is what a name without one stands for."""

    repository: str
    file: str
    revision: str = "main"


class Model(Part):
    """A codec language model that a job may name, and what belongs to it. It has no options of its own."""

    about: ClassVar[str] = ""
    licence: ClassVar[str] = ""
    remedy: ClassVar[str] = ""
    """What to do when weights that lie in a local folder are missing."""
    codec: ClassVar[str]
    """The codec whose codes it speaks, by name."""
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """By task: its options that are best for this model, where a job does not set them."""
    sampling: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """By task: its samplers in their order, where a job has no `sampling`."""
    voice: ClassVar[str | None] = None
    """The voice of items that may name one and do not."""

    @abstractmethod
    def weights(self) -> Path | HubFile:
        """Where its weights are; a local file may be missing."""

    def voices(self) -> Mapping[str, Path]:
        """Recordings of the voices it brings, by name; a name has no dot in it."""
        return {}


@dataclass(frozen=True, slots=True)
class Row:
    """One raw item as a source found it; `line` is its place in the file, from 1 (0: the source has no lines)."""

    line: int
    fields: Mapping[str, Any]
    problem: str = ""


class Source(Part):
    """What items are read from."""

    gate: ClassVar[Mapping[str, Any]] = {}
    """Sections `scores`, `accept` and `attempts` of a job that has no `accept`, if its task gives sound."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Stream the raw items in a stable order, in bounded memory; a row that cannot be read carries a `problem`.

        It is read more than once. Raises `JobError` when the whole source cannot be read.
        """

    def place(self) -> str:
        """Where the rows come from, for messages."""
        return str(getattr(self, "path", self.name))


@dataclass(frozen=True, slots=True)
class Heard:
    """What a transcriber wrote down of a take: `raw` as it wrote it, and what is compared.

    `said` and `expected` are the transcript and the reference, normalised alike, in the form that the scorer `hears`.
    """

    raw: str
    said: str
    expected: str
    language: str


@dataclass(frozen=True, slots=True)
class Take:
    """One finished attempt at an item, as a scorer sees it.

    `audio` is the local path of its file, if it has one; `heard` is there for a `TextScorer`.
    """

    fields: Mapping[str, Any]
    outcome: Outcome
    audio: Path | None
    heard: Heard | None = None


class OpenScorer(Protocol):
    """A scorer with its weights in memory."""

    @property
    def about(self) -> Mapping[str, str]:
        """What else must be known to repeat its figures, such as the id and revision of an embedder."""

    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """One mapping per take, each the same whatever is beside it. Raises `ItemError`."""


class Scorer(Part):
    """A metric on outcomes.

    Takes are scored many at a time, by workers of their own. Figures beside the main one are called `name.detail`.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    """What it reads: item fields by name, and `audio` for the output's sound."""
    better: ClassVar[Literal["lower", "higher"]] = "lower"
    corpus: ClassVar[tuple[str, str] | None] = None
    """Two of its figures whose sums over all items make the figure of the whole set, such as errors and words."""
    worst: ClassVar[float | None] = None
    """The figure of an item that gave nothing to score, so that a failure counts against the mean."""

    @abstractmethod
    def score(self, takes: Sequence[Take]) -> list[Mapping[str, float]]:
        """One mapping per take; the key equal to the scorer's name is the figure a gate judges."""

    def fields(self) -> frozenset[str]:
        """Columns of the items that it reads with these options, beyond `needs`; a job without them is refused."""
        return frozenset()

    def files(self) -> frozenset[str]:
        """Those of its columns that name files: they must exist, and their paths start where those of items do."""
        return frozenset()

    def check_job(self) -> list[str]:
        """What keeps it from running here, such as a library that is not installed, when the job is checked."""
        return []

    def open(self, device: str) -> OpenScorer:  # noqa: ARG002 - one with weights overrides it
        """Load what it needs onto a device, in the process that scores. Raises `CheckpointError`."""
        return self

    @property
    def about(self) -> Mapping[str, str]:
        """What else must be known to repeat its figures; nothing for a scorer without weights."""
        return {}


class TextScorer(Scorer):
    """A metric on what a transcriber has heard; a take then has `heard`."""

    hears: ClassVar[Literal["text", "phonemes"]] = "text"
    """The form in which transcript and reference are compared; phonemes are made of text where it takes that."""

    reference: str = Field("text", description="Column of the items that says what should be heard.")

    def fields(self) -> frozenset[str]:
        """The reference."""
        return frozenset({self.reference})


class Transcriber(Part):
    """Writes down what is said in sound, for scorers that compare words or phonemes with a reference."""

    writes: ClassVar[Literal["text", "phonemes"]] = "text"
    """Phonemes are IPA as the text front end writes it: words apart by one space."""
    listens: ClassVar[bool] = True
    """Whether it needs sound; one that does not knows every transcript."""

    def known(self, take: Take) -> str | None:  # noqa: ARG002 - one that looks transcripts up overrides it
        """The transcript of a take where it is known without listening. Raises `ItemError` where it should be."""
        return None

    def expected(self, text: str, language: str) -> str:  # noqa: ARG002 - for what writes otherwise than it is written
        """A reference in the form that this transcriber writes, where that differs from plain text or phonemes."""
        return text

    def fields(self) -> frozenset[str]:
        """Columns of the items that it reads."""
        return frozenset()

    def check_job(self) -> list[str]:
        """What keeps it from running here, such as a library that is not installed, when the job is checked."""
        return []

    @abstractmethod
    def open(self, device: str) -> OpenTranscriber:
        """Load the weights onto a device, in the process that scores. Raises `CheckpointError`."""


class OpenTranscriber(ABC):
    """A transcriber with its weights in memory."""

    @property
    def about(self) -> Mapping[str, str]:
        """What else must be known to repeat its transcripts, such as the id and revision of its weights."""
        return {}

    @abstractmethod
    def transcribe(self, clips: Sequence[Clip], languages: Sequence[str]) -> list[str]:
        """What is said in each clip, in its language (a code, as in items), the same whatever is beside it."""


class Normaliser(Part):
    """Makes texts comparable: what it takes away counts as no error. A change of its rules is a new `version`."""

    version: ClassVar[str] = "1"

    @abstractmethod
    def __call__(self, text: str, language: str) -> str:
        """The text as it is compared, words apart by one space; `language` is a code, as in items."""


class Product(Part):
    """What is made of the outcomes when a run has ended."""

    @abstractmethod
    def make(self, run: FinishedRun) -> Path:
        """Write the product atomically into `run.folder` and return its path."""


class FinishedRun(ABC):
    """A run as a product sees it."""

    name: str
    folder: Path

    @abstractmethod
    def outcomes(self) -> Iterator[tuple[Mapping[str, Any], Outcome]]:
        """Each item's fields with its outcome, in the order of the manifest."""

    def recipe(self) -> Mapping[str, Any]:
        """How the outputs were made: task, model, samplers, seed; empty where that is not known."""
        return {}

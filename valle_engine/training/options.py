"""What a training file may say of lessons, batches and steps. The reference page is made from this module."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from valle_engine.job.schema import NAME_PATTERN, PartSpec, Section

LessonName = Literal["tts", "continuation", "tts-c", "stt", "ns", "sr", "tse", "cse", "nse", "len", "phn", "un-phn"]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Weight: TypeAlias = Annotated[float, Field(ge=0)]


class Prompts(Section):
    """The voice before the speech: other utterances of the same speaker, joined and cut."""

    seconds: tuple[float, float] = Field((3.0, 6.0), description="Shortest and longest prompt; drawn evenly between.")
    utterances: int = Field(3, ge=1, description="Utterances that a prompt is joined from, at most.")


class Levels(Section):
    """Which codebook a piece of speech is to teach, and how the first one is taught."""

    weights: list[Weight] | None = Field(
        None, description="Weight of each codebook. Default: as many as follow it, and one: the first counts most."
    )
    masked: Share = Field(
        0.5, description="Share of the first codebook that is taught by demasking; the rest by steps."
    )
    mask: Literal["cosine"] | Annotated[float, Field(gt=0, le=1)] = Field(
        "cosine", description="Share of frames that is masked: as demasking goes (arXiv:2202.04200), or one number."
    )

    @model_validator(mode="after")
    def _some(self) -> Levels:
        if self.weights is not None and not sum(self.weights):
            raise ValueError("weights are all 0: nothing would be taught")
        return self


class Drop(Section):
    """How often conditions are left out, so that guidance has something to steer away from."""

    prompt: Share = Field(0.1, description="Share of speech without the voice.")
    all: Share = Field(0.1, description="Share of speech without voice and words (arXiv:2207.12598).")
    words: Share = Field(0.5, description="Share of cleaning and extracting without words, as such recordings come.")


class Early(Section):
    """What is easier at the beginning; it fades out over `steps`."""

    steps: int = Field(0, ge=0, description="Steps until lessons are drawn as they are drawn ever after; 0: at once.")
    seconds: float = Field(2.0, gt=0, description="Longest utterance at the first step.")
    stepwise: Share = Field(
        0.9, description="Share of speech that teaches the first codebook by steps, at the first step."
    )


class Lessons(Section):
    """What is taught."""

    tasks: dict[LessonName, Weight] = Field(
        default={"tts": 1.0}, description="Tasks of the format and their weights; an utterance gets one of them."
    )
    seconds: tuple[float, float] = Field((1.0, 12.0), description="Shortest and longest utterance that is used.")
    prompts: Prompts = Prompts()
    levels: Levels = Levels()
    drop: Drop = Drop()
    early: Early = Early()

    @model_validator(mode="after")
    def _some(self) -> Lessons:
        if not sum(self.tasks.values()):
            raise ValueError("tasks have no weight: nothing would be taught")
        return self


class Sizes(Section):
    """A model from nothing: its width and depth. Codebooks and codes are those of the corpus."""

    width: int = Field(1024, ge=8, description="Width of the embeddings.")
    heads: int = Field(16, ge=1, description="Attention heads.")
    layers: int = Field(12, ge=1, description="Layers.")


class Batch(Section):
    """Lessons that share a step. They are of like length, and packed without padding."""

    places: int = Field(8192, ge=1, description="Places (ids, frames, separators) of one batch, at most.")
    accumulate: int = Field(1, ge=1, description="Batches whose gradients make one step.")
    window: int = Field(1024, ge=1, description="Lessons that are sorted by length at a time.")


class Optimiser(Section):
    """What moves the weights, its schedule, and the average of the weights."""

    kind: Literal["adamw", "muon"] = Field(
        "adamw",
        description="AdamW (arXiv:1711.05101); or Muon (arXiv:2502.16982) for the matrices of the layers, and AdamW "
        "for all else.",
    )
    learning_rate: float = Field(3.25e-4, gt=0, description="Highest learning rate.")
    betas: tuple[Share, Share] = Field((0.9, 0.96), description="How slowly the averages of gradient and square move.")
    epsilon: float = Field(1e-7, gt=0, description="Added to the root of the averaged square.")
    weight_decay: float = Field(0.01, ge=0, description="Decay of the weights, apart from the gradient.")
    clip: float = Field(1.0, gt=0, description="Longest gradient (2-norm of all weights).")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine", description="How the rate falls after `warmup`."
    )
    warmup: int = Field(200, ge=0, description="Steps until the highest rate.")
    average: Share = Field(0.999, description="Decay of the average of the weights, which is what is saved; 0: none.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Dropout of attention.")


class Validation(Section):
    """What is measured on utterances that are never trained on."""

    every: int = Field(1000, ge=1, description="Steps between.")
    examples: int = Field(256, ge=0, description="Utterances whose loss is taken; 0: none.")
    samples: int = Field(0, ge=0, description="Utterances that are spoken, in the voice of others of their speakers.")
    codec: PartSpec | None = Field(
        None, description="Codec by which samples become sound; without one only their lengths are measured."
    )
    scores: list[PartSpec] = Field(default_factory=list, description="Scorers that judge the sound of the samples.")
    transcribers: list[PartSpec] = Field(default_factory=list, description="What scorers of words hear through.")


class Saving(Section):
    """Checkpoints: the model in the released container, and all that training goes on from."""

    every: int = Field(1000, ge=1, description="Steps between.")
    keep: int = Field(2, ge=1, description="Newest ones that are kept; the one of the best validation loss is, too.")


class Devices(Section):
    """Where training runs. More than one process, or an address, needs Ray Train."""

    count: int = Field(1, ge=1, description="Processes, each with a copy of the model.")
    gpus: float = Field(
        0, ge=0, description="GPUs of one process of Ray Train. A single process takes the GPU that it finds."
    )
    cpus: float = Field(1, gt=0, description="CPU cores, and threads, of one process.")
    address: str | None = Field(None, description="A running Ray cluster to join.")
    failures: int = Field(3, ge=0, description="Times that all processes start again from the last checkpoint.")

    @property
    def on_ray(self) -> bool:
        """Whether it takes Ray Train."""
        return self.count > 1 or self.address is not None


class TrainingFile(Section):
    """One training: what is learnt from which corpus, and where it goes."""

    name: str = Field(pattern=NAME_PATTERN, description="Names the run and its folder.")
    data: str = Field(description="Folder of a prepared corpus.")
    folder: str | None = Field(None, description="Where checkpoints go. Default: out/<name> beside the file.")
    start: str | None = Field(None, description="Checkpoint to begin with, instead of random weights.")
    model: Sizes = Sizes()
    tokenizer: str | None = Field(
        None,
        description="The phonemes' tokenizer.json. Default: of `start`; else one symbol a character of the corpus.",
    )
    text_tokenizer: str | None = Field(None, description="The characters' one, for the tasks phn and un-phn.")
    seed: int = Field(0, ge=0, lt=2**63, description="Base of all chance.")
    steps: int = Field(ge=1, description="Steps in all.")
    lessons: Lessons = Lessons()
    batch: Batch = Batch()
    optimiser: Optimiser = Optimiser()
    validation: Validation = Validation()
    saving: Saving = Saving()
    devices: Devices = Devices()
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="What matrices are multiplied in; `auto` is bfloat16 where the hardware multiplies it."
    )
    log_every: int = Field(10, ge=1, description="Steps between lines of the log.")

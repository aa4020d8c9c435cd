"""What a job file may say. The reference page and the JSON Schema are made from this module."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from valle_engine.modelspec import ModelSpec

NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"

PartSpec = str | dict[str, Any]
"""A part by its name, or a mapping with `name` (for a source: `kind`) and its options."""


Cell = Annotated[str | None, WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
"""A value as a table of text would show it."""


class Section(BaseModel):
    """Base of every section of a job file: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Workers(Section):
    """How workers are run."""

    executor: Literal["inline", "ray"] = Field("inline", description="In this process, or Ray actors.")
    count: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto", description="Workers; `auto` fills what the machine or the cluster has."
    )
    gpus: float = Field(0, ge=0, description="GPUs of one worker; a fraction shares one.")
    cpus: float = Field(1, gt=0, description="CPU cores of one worker.")
    slots: int = Field(8, ge=1, le=4096, description="Items one worker runs at a time.")
    address: str | None = Field(None, description="A running Ray cluster to join.")
    start_seconds: float = Field(300, gt=0, description="Time a worker may take to load its model.")


class Limits(Section):
    """When an item, a worker or the run is given up."""

    crashes: int = Field(3, ge=1, description="Workers an item may kill, alone, before it is quarantined.")
    errors: int = Field(2, ge=0, description="Times an item is tried again after a retryable error.")
    deadline_seconds: float = Field(120, gt=0, description="Time without progress after which an item hangs.")
    deadline_factor: float = Field(
        20, gt=0, description="… or this many times the audio seconds expected of it, if that is more."
    )
    grace_seconds: float = Field(30, ge=0, description="Time running items get to finish after Ctrl-C.")
    worker_deaths: int = Field(4, ge=1, description="Deaths in a row, nothing done between, that stop the run.")
    first_failures: int = Field(20, ge=1, description="The run stops when this many items fail and none is done.")
    failure_share: float = Field(
        0.5, gt=0, le=1, description="The run stops when more than this share fails, once 50 items ended."
    )


class Output(Section):
    """Where the output goes and in which form."""

    folder: str | None = Field(
        None,
        description="A folder, or an fsspec URL such as s3://bucket/run. Default: out/<name> beside the job.",
    )
    state: str | None = Field(
        None, description="Local folder of the ledger, when `folder` is a URL or on a network file system."
    )
    format: Literal["flac", "wav"] = Field("flac", description="Format of the audio files.")
    products: list[PartSpec] = Field(default_factory=list, description="What is made when the run has ended.")


class Reading(Section):
    """How the rows of a source become items; these keys stand beside the source's own options.

    Rows are chosen by `where`, then counted by `limit`.
    """

    rename: dict[str, str] = Field(default_factory=dict, description="Our field: the source's column.")
    where: dict[str, Cell] = Field(
        default_factory=dict, description="Only rows whose column equals this; null stands for an absent one."
    )
    limit: int | None = Field(None, ge=1, description="No more than that many items.")
    root: str | None = Field(
        None, description="Folder that the rows' paths start from and must stay in. Default: the job file's."
    )


class Bound(Section):
    """Bounds of one score, both inclusive."""

    min: float | None = None
    max: float | None = None


class Scoring(Section):
    """How outcomes are scored, by workers of their own, and how the numbers are made.

    A scorer that compares words or phonemes hears through the first transcriber that writes them.
    """

    transcribers: list[PartSpec] = Field(default_factory=list, description="What scorers hear through.")
    normaliser: PartSpec = Field("basic", description="Rules that make texts comparable.")
    by: list[str] = Field(
        default_factory=list, description="Columns that group the numbers; `length` groups by words of the text."
    )
    resamples: int = Field(1000, ge=100, le=100_000, description="Resamples of the 95 % bootstrap intervals.")
    batch: int = Field(16, ge=1, le=1024, description="Takes that are scored together; no figure depends on it.")
    device: str = Field("auto", description="Where scorers and transcribers run: cpu, cuda; `auto` takes a GPU it has.")
    count: int = Field(1, ge=1, description="Scoring workers of a Ray run.")
    cpus: float = Field(1, gt=0, description="CPU cores of one.")
    gpus: float = Field(0, ge=0, description="GPUs of one; a fraction shares one.")


class JobFile(Section):
    """One job: what to do, to which items, where the output goes."""

    name: str = Field(pattern=NAME_PATTERN, description="Names the run and its output folder.")
    task: PartSpec = Field(description="What is done to each item.")
    model: ModelSpec | None = Field(None, description="The model by its name or path, or a mapping, see below.")
    codec: PartSpec | None = Field(
        None, description="The codec of a task that needs one and no model; a model names its own."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Base of every item's random stream.")
    defaults: dict[str, Any] = Field(default_factory=dict, description="Fields for items that do not set them.")
    sampling: dict[str, Any] = Field(default_factory=dict, description="Samplers in the order they apply.")
    items: list[dict[str, Any]] | dict[str, Any] = Field(
        description="Items, or a source: {kind: jsonl, path: lines.jsonl}."
    )
    scores: list[PartSpec] = Field(default_factory=list, description="Metrics computed on each outcome.")
    accept: dict[str, Bound] = Field(default_factory=dict, description="Bounds a take must keep to be accepted.")
    attempts: int = Field(1, ge=1, le=100, description="Takes an item gets before it is rejected.")
    repeats: int = Field(
        1,
        ge=1,
        le=1000,
        description="Times each item is done, each with a random stream of its own; ids then end in .1, .2 …",
    )
    scoring: Scoring = Scoring()
    workers: Workers = Workers()
    limits: Limits = Limits()
    output: Output = Output()

"""What a job says about its model, as plain data: it is checked without torch and travels to the workers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_MODEL = "pocket"
"""The model of a job that names none: the one in the box."""


class LoraSpec(BaseModel):
    """A low-rank adapter and how it acts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="The adapter's file (.sft).")
    weight: float = Field(1.0, description="How strongly it acts; 1 as it was trained.")
    levels: list[int] | None = Field(None, description="Codebooks it acts on; by default those its file names.")


class ModelSpec(BaseModel):
    """A model with all that belongs to it. A name alone stands for `{name: …}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        min_length=1, description="A path, or a model by name: pocket, or ecker/vall-e; @revision behind it pins one."
    )
    sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{64}$", description="Hash the weights must have.")
    codec: str | dict[str, Any] | None = Field(
        None, description="The codec by name, or a mapping with `name` and options. Default: the model's own."
    )
    lora: list[LoraSpec] = Field(default_factory=list, description="Adapters that act beside the weights.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="What is computed in; `auto` is bfloat16 where the hardware multiplies it."
    )
    device: str = Field("auto", description="Where it runs: cpu, cuda; `auto` is the worker's GPU if it has one.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

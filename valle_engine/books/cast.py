"""Who speaks a book: speakers, with a voice, a language and a way of sampling each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from valle_engine.books.yaml import read_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NARRATOR = "narrator"
"""Who speaks what nobody else does."""


class Role(BaseModel):
    """What one speaker speaks with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voice: str = Field("", description="A recording, or the name of a voice; default: the job's.")
    language: str = Field("", description="Language of the lines; default: the book's.")
    sampling: dict[str, Any] = Field(default_factory=dict, description="Options of the job's samplers, by sampler.")

    @field_validator("sampling", mode="before")
    @classmethod
    def _typed(cls, value: object) -> object:
        """Numbers that a file gave as text."""
        return {key: _number(each) for key, each in value.items()} if isinstance(value, dict) else value


class CastFile(RootModel[dict[str, Role]]):
    """A cast as its file has it: speakers by name; a voice alone stands for a role that has nothing else."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root", mode="before")
    @classmethod
    def _roles(cls, value: object) -> object:
        return roles_of(value)


def roles_of(value: object) -> object:
    """A mapping of speakers whose roles may be a voice alone."""
    if not isinstance(value, dict):
        return value
    return {name: {"voice": role} if isinstance(role, str) else role for name, role in value.items()}


def read_cast(path: Path) -> Mapping[str, Role]:
    """Read a cast; voices that are files beside it get absolute paths. Raises `JobError`."""
    cast = read_model(path, CastFile, "cast").root
    return {name: role.model_copy(update={"voice": _beside(path, role.voice)}) for name, role in cast.items()}


def _beside(path: Path, voice: str) -> str:
    file = path.parent / voice
    return str(file.absolute()) if voice and file.is_file() else voice


def _number(value: object) -> object:
    if isinstance(value, dict):
        return {key: _number(each) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value

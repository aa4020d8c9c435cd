"""Voices by name: in an item's field `voice`, the name of one that the job's model brings stands for its recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.job.paths import path_fields
from valle_engine.registry import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.job.paths import Base
    from valle_engine.parts import BaseItem, Model

VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Voices:
    """The recordings of a model's voices by name, none for a model without; `default` is for items that name none."""

    model: str = ""
    paths: Mapping[str, Path] = field(default_factory=dict)
    default: Path | None = None

    @classmethod
    def of(cls, part: Model | None) -> Voices:
        """The voices of a model."""
        if part is None:
            return cls()
        paths = part.voices()
        return cls(part.name, paths, paths.get(part.voice or ""))

    def locate(self, column: str, name: str, base: Base) -> tuple[Path, str]:
        """The file behind what a column says; and what is wrong, empty when nothing is.

        A voice may stand behind its model, as `pocket/alba`; a file of the same name is called `./alba`.
        """
        if column != VOICE or not self.paths:
            return base.locate(name)
        known = self.paths.get(name.removeprefix(f"{self.model}/"))
        if known is not None:
            return known, ""
        path, wrong = base.locate(name)
        if not wrong or Path(name).suffix:
            return path, wrong
        near = nearest(name, self.paths)
        way_out = f"did you mean {near!r}?" if near else f"there are {', '.join(sorted(self.paths))}"
        return path, f"{wrong}, and {self.model} has no voice {name!r}: {way_out}"

    def complete(self, item: type[BaseItem]) -> dict[str, Path]:
        """What items that may name a voice take when they do not."""
        voice = item.model_fields.get(VOICE)
        if self.default is None or voice is None or voice.is_required() or VOICE not in path_fields(item):
            return {}
        return {VOICE: self.default}

"""Which rules a language has."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valle_engine.text.spoken.changes import Rule

MODULES = {"en": "english", "de": "german", "fr": "french", "ja": "japanese", "zh": "chinese", "ko": "korean"}


@cache
def rules_of(language: str) -> tuple[Rule, ...]:
    """The rules of a language in the order they apply; none for one that is not known."""
    name = MODULES.get(language)
    if name is None:
        return ()
    rules: tuple[Rule, ...] = importlib.import_module(f"valle_engine.text.spoken.{name}").RULES
    return rules

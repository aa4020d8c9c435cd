"""Words and figures as they stand on a screen."""

from __future__ import annotations

import unicodedata

UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that move the cursor, turn the writing direction or break the line."""


def one_line(text: str, limit: int = 200) -> str:
    """Text of a stranger on one clean line: what could act on a terminal is escaped; cut at `limit` characters."""
    clean = "".join(_visible(character) for character in text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def duration(seconds: float) -> str:
    """Seconds as `42 s`, `3 min 05 s` or `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in UNSAFE:
        return character
    return character.encode("unicode_escape").decode()

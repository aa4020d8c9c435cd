"""How long a text takes when it is read aloud, told from its letters alone."""

LETTERS_PER_SECOND = {"ja": 7.0, "zh": 4.5, "ko": 6.0}
"""How fast a language is read aloud; others take the default."""
OTHERS_PER_SECOND = 15.0


def reading_seconds(text: str, language: str) -> float:
    """Seconds that a text takes when read aloud."""
    return len(text) / LETTERS_PER_SECOND.get(language[:2], OTHERS_PER_SECOND)

"""Write docs/training-file.md from the schema of training files: `python -m tests.docs.training_file`."""

from __future__ import annotations

from tests.docs.generate import _inner, _section
from tests.docs.pages import REPOSITORY
from valle_engine.training.options import TrainingFile

PAGE = REPOSITORY / "docs" / "training-file.md"
OPENING = """\
# Training file

Made by `python -m tests.docs.training_file` from the schema. [Training](training.md) says what it is for.

Paths start at the file's folder. Unknown keys are mistakes.
"""


def page() -> str:
    """The whole page."""
    sections = [_section("The file", "", TrainingFile)]
    sections += [_section(f"`{path}`", "", model) for path, model in _inner(TrainingFile)]
    return "\n".join([OPENING, *sections])


if __name__ == "__main__":
    PAGE.write_text(page())

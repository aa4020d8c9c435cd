"""Speech of nobody: texts, voices, noises and rooms without end, each made from a seed.

`corpus` says who says what, `rendering` makes it sound, `noises` and `rooms` spoil it. The source and the task here let
a job do the first two.
"""

from valle_engine import Source, Task, hookimpl
from valle_plugins.synthetic.source import Synthetic
from valle_plugins.synthetic.task import Synthesise


@hookimpl
def sources() -> list[type[Source]]:
    """Offer the source."""
    return [Synthetic]


@hookimpl
def tasks() -> list[type[Task]]:
    """Offer the task."""
    return [Synthesise]

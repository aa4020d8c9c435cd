"""What a training tells: a line of JSON for every step, TensorBoard where it is installed, a bar on the terminal."""

from __future__ import annotations

import importlib.util
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import orjson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from valle_engine.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from rich.console import Console

    from valle_engine.training.optimising import Stepped
    from valle_engine.training.tally import Tally

METRICS = "metrics.jsonl"


class Journal:
    """The journal of one training; use it as a context. A process that is not the first keeps a silent one."""

    def __init__(self, folder: Path, steps: int, every: int, console: Console | None = None) -> None:
        self._path = folder / METRICS
        self._folder, self._steps, self._every = folder, steps, every
        self._console = console
        self._open = ExitStack()
        self._board: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def begin(self, step: int) -> None:
        """Go on after a step: what was told of later ones is forgotten."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            lines = [line for line in self._path.read_bytes().splitlines(keepends=True) if _step(line) <= step]
            with replacing(self._path) as file:
                file.writelines(lines)
        self._file = self._open.enter_context(self._path.open("ab", buffering=0))
        self._board = self._opened_board(step)
        if self._console is not None:
            self._bar = self._open.enter_context(_progress(self._console))
            self._task = self._bar.add_task("", total=self._steps, completed=step, told="")

    def stepped(self, step: int, stepped: Stepped, tally: Tally, seconds: float) -> None:
        """Tell of a step."""
        figures = {"loss": stepped.loss, "gradient": stepped.gradient, "rate": stepped.rate, **tally.figures()}
        speed = {"lessons": tally.lessons, "places": tally.places, "seconds": round(seconds, 4)}
        self._write({"step": step, **figures, **speed})
        if step % self._every == 0:
            self._draw(step, "train", figures)
        if self._console is not None:
            told = f"loss {stepped.loss:.3f}  {tally.lessons / seconds:.1f} lessons/s"
            self._bar.update(self._task, completed=step, told=told)

    def validated(self, step: int, figures: Mapping[str, float]) -> None:
        """Tell what was measured on utterances that are not trained on."""
        self._write({"step": step, "validation": dict(figures)})
        self._draw(step, "validation", figures)
        if self._console is not None:
            told = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if not name.startswith("right"))
            self._console.print(f"step {step}: {told}", highlight=False)

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(orjson.dumps(line) + b"\n")

    def _draw(self, step: int, where: str, figures: Mapping[str, float]) -> None:
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{where}/{name}", value, step)

    def _opened_board(self, step: int) -> Any:
        if importlib.util.find_spec("tensorboard") is None:
            return None
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra

        board = SummaryWriter(str(self._folder / "tensorboard"), purge_step=step + 1)
        self._open.callback(board.close)
        return board


class Silence(Journal):
    """Tells nothing: for processes beside the first."""

    def begin(self, step: int) -> None:
        """Nothing."""

    def stepped(self, step: int, stepped: Stepped, tally: Tally, seconds: float) -> None:
        """Nothing."""


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _step(line: bytes) -> int:
    """Step of a line; one that was cut off counts as never told."""
    try:
        return int(orjson.loads(line)["step"])
    except (orjson.JSONDecodeError, KeyError):
        return 2**63

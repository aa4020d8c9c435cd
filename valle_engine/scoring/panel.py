"""Transcribers, normaliser and scorers, loaded in the process that scores, at work on a batch of takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from valle_engine.errors import ItemError
from valle_engine.job.scoring import Scoring
from valle_engine.parts import Scorer, TextScorer
from valle_engine.records import Failure
from valle_engine.scoring.hearing import Hearing, language_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from valle_engine.parts import OpenScorer, OpenTranscriber, Take, Transcriber
    from valle_engine.plugins import Plugins
    from valle_engine.records import Clip

Thing = TypeVar("Thing")
Made = TypeVar("Made")

Named = tuple[str, "Mapping[str, Any]"]
"""A part by its name, with its options as plain values."""


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """All that a process needs to score; plain data, because it travels to other machines.

    `digest` stands for everything that determines a figure, as far as it is known before anything is loaded.
    """

    scorers: tuple[Named, ...]
    transcribers: tuple[Named, ...]
    normaliser: Named
    batch: int = 16
    device: str = "auto"
    digest: str = ""

    def build(self, plugins: Plugins) -> Scoring:
        """The parts."""
        return Scoring(
            tuple(plugins.scorers.build(name, dict(options)) for name, options in self.scorers),
            tuple(plugins.transcribers.build(name, dict(options)) for name, options in self.transcribers),
            plugins.normalisers.build(self.normaliser[0], dict(self.normaliser[1])),
        )


@dataclass(slots=True)
class Sheet:
    """What is found out about one take.

    `transcripts` are as each transcriber wrote them; `compared` is what the scorers compared, as `said:SCORER` and
    `expected:SCORER`.
    """

    take: Take
    transcripts: dict[str, str] = field(default_factory=dict)
    compared: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    failure: Failure | None = None

    def fail(self, who: str, error: BaseException) -> None:
        """Note why it cannot be scored; the first reason stands."""
        if self.failure is None:
            self.failure = Failure(type(error).__name__, f"{who}: {error}")


class Panel:
    """Everything that scores takes. A take's figures are the same whatever is beside it.

    Raises `CheckpointError` for weights that cannot be loaded.
    """

    def __init__(self, spec: PanelSpec, plugins: Plugins) -> None:
        self._wanted = spec.device
        scoring = spec.build(plugins)
        self._hearing = Hearing(scoring)
        self._scorers: list[tuple[Scorer, OpenScorer]] = [(each, self._opened(each)) for each in scoring.scorers]
        self._open: dict[str, OpenTranscriber] = {}

    @cached_property
    def _device(self) -> str:
        """The device, chosen when the first part with weights asks for it: the others need no torch."""
        return choose_device(self._wanted)

    def _opened(self, scorer: Scorer) -> OpenScorer:
        return scorer if type(scorer).open is Scorer.open else scorer.open(self._device)

    def about(self) -> dict[str, dict[str, str]]:
        """What is known of parts, by kind and name, now that they are loaded: the revision of weights, the device."""
        found = {f"scorer {part.name}": dict(opened.about) for part, opened in self._scorers}
        found |= {f"transcriber {name}": dict(opened.about) for name, opened in self._open.items()}
        found["device"] = {"name": device_name(self._device)} if "_device" in vars(self) else {}
        return {name: facts for name, facts in found.items() if facts}

    def score(self, takes: Sequence[Take], progress: Callable[[], None] = lambda: None) -> list[Sheet]:
        """A sheet for each take; what a part raises for a take is that take's failure alone."""
        sheets = [Sheet(take) for take in takes]
        heard = {id(each): each for part, _ in self._scorers if (each := self._hearing.ear(part)) is not None}
        for transcriber in heard.values():
            self._listen(transcriber, sheets)
            progress()
        for part, opened in self._scorers:
            self._judge(part, opened, [sheet for sheet in sheets if sheet.failure is None])
            progress()
        return sheets

    def _listen(self, transcriber: Transcriber, sheets: Sequence[Sheet]) -> None:
        """Fill in the transcripts: those that are kept or known, then those that must be heard."""
        name, deaf = f"transcriber {transcriber.name!r}", []
        for sheet in sheets:
            kept = sheet.take.outcome.transcripts.get(transcriber.name)
            try:
                known = transcriber.known(sheet.take) if kept is None else kept
            except ItemError as error:
                sheet.fail(name, error)
                continue
            if known is None:
                deaf.append(sheet)
            else:
                sheet.transcripts[transcriber.name] = known
        if not deaf:
            return
        for sheet, text in zip(deaf, together_or_alone(self._listener(transcriber), deaf), strict=True):
            if isinstance(text, Exception):
                sheet.fail(name, text)
            else:
                sheet.transcripts[transcriber.name] = text

    def _listener(self, transcriber: Transcriber) -> Callable[[Sequence[Sheet]], Sequence[str]]:
        if transcriber.name not in self._open:
            self._open[transcriber.name] = transcriber.open(self._device)
        opened = self._open[transcriber.name]

        def hear(sheets: Sequence[Sheet]) -> Sequence[str]:
            takes = [sheet.take for sheet in sheets]
            return opened.transcribe([_sound(take) for take in takes], [language_of(take.fields) for take in takes])

        return hear

    def _judge(self, part: Scorer, opened: OpenScorer, sheets: Sequence[Sheet]) -> None:
        def score(some: Sequence[Sheet]) -> Sequence[Mapping[str, float]]:
            return opened.score([self._with_heard(part, sheet) for sheet in some])

        if not sheets:
            return
        for sheet, figures in zip(sheets, together_or_alone(score, sheets), strict=True):
            if isinstance(figures, Exception):
                sheet.fail(f"scorer {part.name!r}", figures)
            else:
                sheet.scores |= figures

    def _with_heard(self, part: Scorer, sheet: Sheet) -> Take:
        transcriber = self._hearing.ear(part)
        if transcriber is None or not isinstance(part, TextScorer):
            return sheet.take
        raw = sheet.transcripts[transcriber.name]
        heard = self._hearing.heard(part, raw, sheet.take.fields)
        sheet.compared |= {f"said:{part.name}": heard.said, f"expected:{part.name}": heard.expected}
        return replace(sheet.take, heard=heard)


def together_or_alone(
    work: Callable[[Sequence[Thing]], Sequence[Made]], things: Sequence[Thing]
) -> list[Made | Exception]:
    """The result for each thing, made together; where that raises, in halves, so that an error is its own thing's."""
    try:
        made = _counted(list(work(things)), len(things))
    except Exception as error:  # noqa: BLE001 - a part is a plugin; what it raises is told as the take's failure
        if len(things) == 1:
            return [error]
        half = len(things) // 2
        return together_or_alone(work, things[:half]) + together_or_alone(work, things[half:])
    return [*made]


def _counted(made: list[Made], wanted: int) -> list[Made]:
    if len(made) != wanted:
        raise ItemError(f"{len(made)} results of {wanted} takes")
    return made


def choose_device(wanted: str) -> str:
    """The device that a job's word stands for; the thread that asks computes alone there."""
    import torch  # noqa: PLC0415 - scorers without weights need none

    # One thread: workers share the cores, and a sum's bits depend on how it is split.
    torch.set_num_threads(1)
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name(device: str) -> str:
    """A device as it stands in results."""
    if not device.startswith("cuda"):
        return device
    import torch  # noqa: PLC0415 - only where there is a GPU

    return f"{device} {torch.cuda.get_device_name(device)}"


def _sound(take: Take) -> Clip:
    from valle_engine.audio import read_clip  # noqa: PLC0415 - soundfile is for workers only

    if take.audio is None:
        raise ItemError("there is no sound to hear")
    return read_clip(take.audio)

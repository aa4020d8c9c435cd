"""A book to lines: who says what, in which language, and how the written text is said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING

from valle_engine.books.book import Book, Chapter, Kind, Paragraph, Run, Warned
from valle_engine.books.cast import NARRATOR, Role
from valle_engine.books.lexicon import Lexicon, Sounded
from valle_engine.pace import reading_seconds
from valle_engine.text.spoken import Change, Rewriting, applied, between, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from valle_engine.books.packing import Packer

MARKUP = "markup"
HEADING_BREAK = "heading"


@dataclass(frozen=True, slots=True)
class Line:
    """One line to speak. `chapter` and `paragraph` count from 1; pauses are those that marks ask for, in seconds."""

    id: str
    written: str
    spoken: str
    changes: tuple[tuple[str, str, str], ...]
    language: str
    speaker: str
    kind: Kind
    chapter: int
    chapter_title: str
    paragraph: int
    scene: bool
    source: Paragraph
    emphasis: tuple[str, ...] = ()
    pronunciations: Mapping[str, str] = field(default_factory=dict)
    pause_before: float | None = None
    pause_after: float | None = None

    @property
    def seconds(self) -> float:
        """How long it takes to read."""
        return reading_seconds(self.spoken, self.language)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a paragraph that one speaker says in one language, without a pause in it."""

    runs: tuple[Run, ...]
    language: str
    speaker: str

    @property
    def text(self) -> str:
        """The written text."""
        return "".join(run.text for run in self.runs)


@dataclass(slots=True)
class LineMaker:
    """Makes the lines of one book. `key` begins their ids.

    An id is made of what a line says and who says it in which language, and of how often that was said before; not of
    where it stands. So an edit gives new ids to the lines it changes, and to no others.
    """

    key: str
    packer: Packer
    lexicons: Sequence[Lexicon] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    normalise: bool = True
    foreign_words: int = 3
    warnings: list[Warned] = field(default_factory=list)
    _said: Counter[str] = field(default_factory=Counter)

    def lines(self, book: Book) -> Iterator[Line]:
        """Stream the lines in reading order."""
        for number, chapter in enumerate(book.chapters, start=1):
            yield from self._paused(self._chapter_lines(chapter, number, book.metadata.language))

    def _chapter_lines(self, chapter: Chapter, number: int, language: str) -> Iterator[Line | float]:
        """The lines of a chapter, and the pauses that stand between them."""
        counted = 0
        for paragraph in chapter.paragraphs:
            counted += bool(paragraph.text)
            scene = paragraph.scene
            for stretch in stretches(paragraph, self.foreign_words):
                for line in self._stretch_lines(stretch, paragraph, language):
                    yield replace(line, chapter=number, chapter_title=chapter.title, paragraph=counted, scene=scene)
                    scene = False
                if stretch.runs and (pause := stretch.runs[-1].pause) is not None:
                    yield pause

    @staticmethod
    def _paused(lines: Iterable[Line | float]) -> Iterator[Line]:
        """The lines with the pauses around them; those before the first line are before it."""
        held: Line | None = None
        before = 0.0
        for line in lines:
            if not isinstance(line, Line):
                if held is None:
                    before += line
                else:
                    held = replace(held, pause_after=(held.pause_after or 0.0) + line)
                continue
            if held is not None:
                yield held
            held = replace(line, pause_before=before or None) if before else line
            before = 0.0
        if held is not None:
            yield held

    def _stretch_lines(self, stretch: Stretch, paragraph: Paragraph, own: str) -> Iterator[Line]:
        role = self.roles.get(stretch.speaker or NARRATOR, Role())
        language = stretch.language or role.language or own
        rewriting, sounded = self._rewritten(stretch, paragraph, language)
        text, changes = rewriting.text, rewriting.ordered()

        def seconds(start: int, end: int) -> float:
            # With the space that parts it from what comes behind: parts add up to no less than the whole.
            return reading_seconds(f"{applied(text, changes, start, end)} ", language)

        for start, end in self.packer.lines(text, language, changes, seconds):
            spoken = applied(text, changes, start, end)
            if _has_no_word(spoken):
                self._check_silence(text[start:end], paragraph)
                continue
            inside = between(changes, start, end)
            sounds = [each for each in sounded if start <= each.start and each.end <= end]
            written = " ".join(text[start:end].split())
            line = Line(
                id=self._id(paragraph.kind, stretch.speaker, language, written),
                written=written,
                spoken=spoken,
                changes=tuple(_told(text, inside, sounds)),
                language=language,
                speaker=stretch.speaker or NARRATOR,
                kind=paragraph.kind,
                chapter=0,
                chapter_title="",
                paragraph=0,
                scene=False,
                source=paragraph,
                emphasis=tuple(_emphasised(stretch, start, end)),
                pronunciations={text[each.start : each.end]: each.phonemes for each in sounds},
            )
            self._check_sounds(line, sounds)
            yield line

    def _rewritten(self, stretch: Stretch, paragraph: Paragraph, language: str) -> tuple[Rewriting, list[Sounded]]:
        """What is said for the text: marks come first, then lexicons, then the language's rules."""
        rewriting = Rewriting(stretch.text)
        sounded: list[Sounded] = []
        at = 0
        for run in stretch.runs:
            end = at + len(run.text)
            if run.alias or run.phonemes:
                rewriting.claim(at, end, run.alias or run.text, MARKUP)
            if run.phonemes:
                sounded.append(Sounded(at, end, run.phonemes))
            at = end
        for lexicon in self.lexicons:
            sounded += lexicon.rewrite(rewriting, language, self.key)
        if paragraph.kind == "heading":
            _close_lines(rewriting)
        if self.normalise:
            rewriting.obey(rules_of(language), heading=paragraph.kind == "heading")
        return rewriting, sounded

    def _id(self, kind: str, speaker: str, language: str, written: str) -> str:
        said = f"{kind}\n{speaker}\n{language}\n{written}"
        digest = blake2b(said.encode("utf-8", "replace"), digest_size=6).hexdigest()
        self._said[digest] += 1
        times = self._said[digest]
        return f"{self.key}-{digest}" if times == 1 else f"{self.key}-{digest}-{times}"

    def _check_silence(self, written: str, paragraph: Paragraph) -> None:
        """Warn of words for which nothing is said."""
        if not _has_no_word(written):
            message = f"nothing is said for {written.strip()!r}"
            self.warnings.append(Warned(message, paragraph.place, paragraph.line))

    def _check_sounds(self, line: Line, sounds: Sequence[Sounded]) -> None:
        """Warn of a word that a line has with and without a mark: it will sound alike in both places."""
        marked = Counter(word for word, _, rule in line.changes if rule == MARKUP)
        for word in line.pronunciations if sounds else ():
            if line.spoken.count(word) > marked[word] > 0:
                message = f"{word!r} stands in one line with and without phonemes: both are said with them"
                self.warnings.append(Warned(message, line.source.place, line.source.line))


def stretches(paragraph: Paragraph, foreign_words: int) -> list[Stretch]:
    """The parts of a paragraph by speaker, language and pause.

    Fewer than `foreign_words` words of another language stay with what is around them; so do signs without a word.
    """
    found: list[Stretch] = []
    for run in _settled(paragraph.runs, foreign_words):
        last = found[-1] if found else None
        if last is None or last.runs[-1].pause is not None:
            found.append(Stretch((run,), run.language, run.speaker))
        elif _has_no_word(last.text):
            found[-1] = Stretch((*last.runs, run), run.language, run.speaker)
        elif _has_no_word(run.text) or (last.language, last.speaker) == (run.language, run.speaker):
            found[-1] = replace(last, runs=(*last.runs, run))
        else:
            found.append(Stretch((run,), run.language, run.speaker))
    return found


def _has_no_word(text: str) -> bool:
    return not any(letter.isalnum() for letter in text)


def _settled(runs: Iterable[Run], foreign_words: int) -> Iterator[Run]:
    for _, group in groupby(runs, key=lambda run: run.language):
        together = list(group)
        words = _words("".join(run.text for run in together))
        yield from (run if words >= foreign_words else replace(run, language="") for run in together)


def _words(text: str) -> int:
    """Words of a text; where they are not parted by spaces, two characters count for one."""
    return max(len(text.split()), sum(letter > "\u2e80" for letter in text) // 2)


def _close_lines(rewriting: Rewriting) -> None:
    """Let a line of a heading that has no stop end with one, so that the next is not read on from it."""
    for at, letter in enumerate(rewriting.text):
        if letter == "\n":
            stop = "" if rewriting.text[:at].rstrip()[-1:] in ".:;!?…。！？—" else "."
            rewriting.claim(at, at + 1, f"{stop} ", HEADING_BREAK)


def _told(text: str, changes: Sequence[Change], sounds: Sequence[Sounded]) -> Iterator[tuple[str, str, str]]:
    """What was changed, for people: written, spoken (phonemes between strokes), by which rule."""
    phonemes = {(each.start, each.end): each.phonemes for each in sounds}
    for change in changes:
        if change.rule != HEADING_BREAK:
            sound = phonemes.get((change.start, change.end))
            yield text[change.start : change.end], f"/{sound}/" if sound else change.spoken, change.rule


def _emphasised(stretch: Stretch, start: int, end: int) -> Iterator[str]:
    at = 0
    for run in stretch.runs:
        passage = run.text[max(0, start - at) : max(0, end - at)].strip()
        at += len(run.text)
        if run.emphasis and passage:
            yield passage

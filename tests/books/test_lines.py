"""From a book to lines: nothing lost, nothing doubled, ids that stay."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.books.book import Book, Chapter, Metadata, Paragraph, Run
from valle_engine.books.cast import Role
from valle_engine.books.lexicon import Lexicon
from valle_engine.books.lines import LineMaker
from valle_engine.books.packing import Packer
from valle_engine.pace import reading_seconds
from valle_engine.text.spoken import Change, applied

WORDS = st.text(string.ascii_letters + "äéß0123456789", min_size=1, max_size=12)
SIGNS = st.sampled_from(["", "", "", ",", ".", "!", "?", ";", " —", "…", ".”", ", “"])
PROSE = st.lists(st.tuples(WORDS, SIGNS), min_size=1, max_size=60).map(
    lambda pairs: " ".join(f"{word}{sign}" for word, sign in pairs)
)


def book(*chapters, language="en"):
    return Book(Metadata(language=language), tuple(chapters))


def chapter(*texts, title="A"):
    paragraphs = [text if isinstance(text, Paragraph) else Paragraph((Run(text),)) for text in texts]
    return Chapter(title, tuple(paragraphs))


def maker(longest=12.0, **options):
    return LineMaker("book", Packer(longest), **options)


def lines(*texts, longest=12.0, language="en", **options):
    return list(maker(longest, **options).lines(book(chapter(*texts), language=language)))


@settings(deadline=None)
@given(PROSE, st.sampled_from([2.0, 5.0, 12.0]), st.sampled_from(["en", "de", "fr", "ko"]))
def test_packing_loses_nothing_doubles_nothing_and_keeps_the_order(text, longest, language):
    made = lines(text, longest=longest, language=language, normalise=False)
    assert " ".join(line.written for line in made).split() == text.split()
    assert all(line.spoken == line.written for line in made)
    assert all(line.seconds <= longest or " " not in line.written for line in made)


@settings(deadline=None)
@given(st.text("春は曙。やうやう白くなりゆく、山際少し明かりて！紫だちたる雲の", min_size=1, max_size=300))
def test_packing_of_a_script_without_spaces_loses_nothing(text):
    made = lines(text, longest=4.0, language="ja", normalise=False)
    assert "".join(line.written for line in made) == text or not any(letter.isalnum() for letter in text)
    assert all(line.seconds <= 4.0 for line in made if line.written)


@settings(deadline=None)
@given(PROSE, st.sampled_from([2.0, 12.0]), st.sampled_from(["en", "de", "fr", "ja", "zh", "ko"]))
def test_normalisation_empties_no_text_and_what_changed_leads_from_written_to_spoken(text, longest, language):
    for line in lines(text, longest=longest, language=language):
        assert line.spoken.strip()
        for written, _, _ in line.changes:
            assert " ".join(written.split()) in line.written


def test_sentences_are_packed_into_lines_of_alike_length():
    made = lines(
        " ".join(f"This is the sentence of number {word} here." for word in ("one", "two", "six", "ten")), longest=9
    )
    assert [line.written.count(".") for line in made] == [2, 2]


def test_a_long_sentence_is_cut_at_its_clauses():
    text = "When the sun had gone down behind the hills, he went home; nobody saw him on the way, and he was glad."
    made = [line.written for line in lines(text, longest=5)]
    assert made == [
        "When the sun had gone down behind the hills,",
        "he went home; nobody saw him on the way, and he was glad.",
    ]


def test_a_change_is_never_cut():
    text = "x " * 40 + "on 5 January 1865, " + "y " * 40
    made = lines(text, longest=2)
    [line] = [line for line in made if line.changes]
    assert "the fifth of January eighteen sixty-five" in line.spoken


def ids(*chapters):
    return [line.id for line in maker().lines(book(*chapters))]


def test_an_edit_gives_new_ids_to_what_it_changes_and_to_nothing_else():
    one, two, three = chapter("Alpha.", "Beta."), chapter("Gamma.", "Delta."), chapter("Epsilon.")
    before = ids(one, two, three)
    edited = ids(one, chapter("Gamma.", "Changed.", "Delta."), three)
    assert [each for each in edited if each not in before] == [edited[3]]
    assert ids(chapter("A preface."), one, two, three)[1:] == before
    assert ids(one, chapter("Gamma.", "Delta.", title="Renamed"), three) == before


def test_the_same_words_again_have_an_id_of_their_own():
    first, second, third = ids(chapter("Yes.", "No.", "Yes."))
    assert third == f"{first}-2"
    assert len({first, second, third}) == 3


def test_who_speaks_in_which_language_is_part_of_an_id():
    said = [Run("Yes."), Run("Yes.", speaker="Ann"), Run("Oui oui oui.", language="fr"), Run("Oui oui oui.")]
    assert len({each for run in said for each in ids(chapter(Paragraph((run,))))}) == 4


def test_a_lexicon_or_a_cast_leaves_ids_alone():
    text = chapter("In 1865 he came.")
    [[plain], [other]] = [list(maker(normalise=normalise).lines(book(text))) for normalise in (True, False)]
    assert plain.id == other.id
    assert plain.spoken != other.spoken


def paragraph(*runs, **options):
    return Paragraph(tuple(runs), **options)


def test_a_speaker_has_lines_of_its_own_with_the_signs_around_them():
    made = lines(
        paragraph(Run("“"), Run("Hello,", speaker="Ann"), Run("” she said. "), Run("“Bye.”", speaker="Ann"), Run("!"))
    )
    assert [(line.speaker, line.written) for line in made] == [
        ("Ann", "“Hello,"),
        ("narrator", "” she said."),
        ("Ann", "“Bye.”!"),
    ]


def test_a_few_foreign_words_stay_in_their_line():
    runs = Run("He said "), Run("bonjour madame", language="fr"), Run(" and left.")
    [line] = lines(paragraph(*runs))
    assert (line.language, line.written) == ("en", "He said bonjour madame and left.")
    assert [line.language for line in lines(paragraph(*runs), foreign_words=2)] == ["en", "fr", "en"]


def test_a_speaker_s_language_holds_where_the_text_says_none():
    roles = {"Ann": Role(language="de")}
    made = lines(paragraph(Run("Ja, 5.", speaker="Ann"), Run("a b c 5", speaker="Ann", language="fr")), roles=roles)
    assert [(line.language, line.spoken) for line in made] == [("de", "Ja, fünf."), ("fr", "a b c cinq")]


def test_pauses_stand_behind_a_line_or_before_the_first():
    pause = Run("", pause=1.0)
    made = lines(
        paragraph(pause), paragraph(Run("One."), pause, Run("Two.")), paragraph(pause), paragraph(Run("Three."))
    )
    assert [(line.pause_before, line.written, line.pause_after) for line in made] == [
        (1.0, "One.", 1.0),
        (None, "Two.", 1.0),
        (None, "Three.", None),
    ]


def test_a_line_knows_where_it_stands():
    made = list(
        maker().lines(
            book(
                chapter(Paragraph((Run("I.\nThe Fox"),), kind="heading"), "Text. More text.", title="One"),
                chapter(Paragraph((Run("Later."),), scene=True), title="Two"),
            )
        )
    )
    assert [(each.chapter, each.chapter_title, each.paragraph, each.kind, each.scene) for each in made] == [
        (1, "One", 1, "heading", False),
        (1, "One", 2, "text", False),
        (2, "Two", 1, "text", True),
    ]
    assert (made[0].written, made[0].spoken) == ("I. The Fox", "one. The Fox")


def test_the_lines_of_a_heading_are_kept_apart_by_stops():
    [line] = lines(Paragraph((Run("CHAPTER VII\nA Mad Tea-Party"),), kind="heading"))
    assert line.spoken == "CHAPTER seven. A Mad Tea-Party"
    assert line.changes == (("VII", "seven", "roman"),) or line.changes[0][0] == "CHAPTER VII"


def test_an_alias_is_said_in_place_of_the_text_and_phonemes_beside_it():
    made = lines(
        paragraph(Run("He has 5 "), Run("5", alias="cinq"), Run(" and "), Run("read", phonemes="ɹɛd"), Run("."))
    )
    assert made[0].spoken == "He has five cinq and read."
    assert made[0].pronunciations == {"read": "ɹɛd"}
    assert ("5", "cinq", "markup") in made[0].changes
    assert ("read", "/ɹɛd/", "markup") in made[0].changes


def test_a_word_with_and_without_phonemes_in_one_line_is_told():
    made = maker()
    list(made.lines(book(chapter(paragraph(Run("read and "), Run("read", phonemes="ɹɛd"))))))
    assert "'read' stands in one line with and without phonemes" in made.warnings[0].message


def test_emphasis_is_kept_with_its_line():
    made = lines(paragraph(Run("So "), Run("very odd. Very", emphasis=True), Run(" odd.")), longest=1.1)
    assert [passage for line in made for passage in line.emphasis] == ["very odd.", "Very"]


def test_what_says_nothing_is_no_line():
    assert not lines("“…”", "—", "?!")


def test_words_for_which_nothing_is_said_are_told(tmp_path):
    (tmp_path / "names.yaml").write_text("name: a\nversion: 1\nentries: [{word: Amen, say: ''}]")
    made = maker(lexicons=[Lexicon.read(tmp_path / "names.yaml")])
    assert [line.written for line in made.lines(book(chapter("Amen.", "So be it.")))] == ["So be it."]
    assert [warned.message for warned in made.warnings] == ["nothing is said for 'Amen.'"]


@pytest.mark.parametrize(("language", "letters"), [("en", 15), ("ja", 7), ("zh", 4.5), ("ko", 6)])
def test_the_pace_is_that_of_the_language(language, letters):
    assert reading_seconds("x" * 90, language) == 90 / letters


def test_the_spoken_form_of_a_part_holds_its_changes_alone():
    changes = [Change(0, 1, "one", "x"), Change(4, 5, "two", "x")]
    assert applied("1 a 2 b", changes, 2, 7) == "a two b"


def test_a_plugin_gives_passages_to_speakers():
    text = paragraph(Run("“Hello,” "), Run("said", emphasis=True), Run(" Ann. “Bye.”", pause=1.0))
    labelled = text.spoken_by("Ann", 0, 8).spoken_by("Ann", 19, 25)
    assert [(run.text, run.speaker) for run in labelled.runs] == [
        ("“Hello,”", "Ann"),
        (" ", ""),
        ("said", ""),
        (" Ann. ", ""),
        ("“Bye.”", "Ann"),
    ]
    assert [run.pause for run in labelled.runs] == [None, None, None, None, 1.0]
    assert labelled.text == text.text

"""Marks in a text."""

import pytest

from tests.books.shown import texts, warnings


@pytest.fixture
def runs(file):
    """The runs of a one-paragraph text, and what is odd about it."""

    def runs(text):
        book = file("a.txt", text)
        [chapter] = book.chapters
        return [run for paragraph in chapter.paragraphs for run in paragraph.runs], warnings(book)[:-1]

    return runs


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('<voice name="Ann">x</voice>', "speaker", "Ann"),
        ('<i data-speaker="Ann">x</i>', "speaker", "Ann"),
        ("<emphasis>x</emphasis>", "emphasis", True),
        ("<em>x</em>", "emphasis", True),
        ('<emphasis level="none">x</emphasis>', "emphasis", False),
        ('<phoneme alphabet="ipa" ph="ɛks">x</phoneme>', "phonemes", "ɛks"),
        ('<phoneme ph="ɛks">x</phoneme>', "phonemes", "ɛks"),
        ('<b ssml:ph="ɛks">x</b>', "phonemes", "ɛks"),
        ('<sub alias="y">x</sub>', "alias", "y"),
        ("<sub>x</sub>", "alias", ""),
        ('<lang xml:lang="fr-CA">x</lang>', "language", "fr"),
    ],
)
def test_a_mark_holds_for_what_is_in_it(runs, text, field, value):
    found, _ = runs(f"before {text} after")
    assert [run.text for run in found] == ["before ", "x", " after"]
    assert getattr(found[1], field) == value
    assert getattr(found[0], field) == getattr(found[2], field) == type(value)()


@pytest.mark.parametrize(
    ("mark", "seconds"),
    [
        ('<break time="1.5s"/>', 1.5),
        ('<break time="500ms"/>', 0.5),
        ('<break time=".2s"/>', 0.2),
        ("<break/>", 0.5),
        ('<break strength="strong"/>', 1.0),
        ('<break strength="none"/>', 0.0),
    ],
)
def test_a_pause_lasts_as_long_as_it_says(runs, mark, seconds):
    found, odd = runs(f"before {mark} after")
    assert [(run.text, run.pause) for run in found] == [("before ", None), ("", seconds), ("after", None)]
    assert not odd


def test_a_pause_may_stand_between_paragraphs(runs):
    found, _ = runs('One.\n\n<break time="3s"/>\n\nTwo.')
    assert [(run.text, run.pause) for run in found] == [("One.", None), ("", 3.0), ("Two.", None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('x <break time="soon"/>', "a break of time 'soon' is dropped"),
        ('x <break time="1000s"/>', "60s at most"),
        ('x <break strength="huge"/>', "there are: none, x-weak"),
        ('x <phoneme alphabet="x-sampa" ph="x">x</phoneme>', "alphabet 'x-sampa' are dropped; write them in ipa"),
        ("x <sigh>x</sigh>", "the mark <sigh> is not known and is dropped, what is in it is read"),
        ('x <say-as interpret-as="date">x</say-as>', "the mark <say-as> is not known"),
    ],
)
def test_what_cannot_be_used_is_told_and_dropped(runs, text, words):
    found, odd = runs(text)
    assert words in odd[0]
    assert all(run.pause is None and not run.phonemes for run in found)
    assert "".join(run.text for run in found).split() == ["x", *(["x"] if "break" not in text else [])]


def test_what_is_no_mark_is_text(file):
    text = "a < b > c, 1<2, <3, x<y>z, R&D, &lt;b&gt;, [sic] <not a mark!> _under score_d"
    assert texts(file("a.txt", text.replace("<y>", "<")))[0] == text.replace("<y>", "<")


def test_marks_nest(runs):
    found, _ = runs('<voice name="Ann">one <em>two <lang xml:lang="de">drei</lang></em></voice>')
    assert [(run.speaker, run.emphasis, run.language) for run in found] == [
        ("Ann", False, ""),
        ("Ann", True, ""),
        ("Ann", True, "de"),
    ]

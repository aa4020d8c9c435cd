"""Lexicons."""

import pytest

from valle_engine.books.lexicon import Lexicon
from valle_engine.errors import JobError
from valle_engine.text.spoken import Rewriting, applied

LEXICON = """\
name: wonderland
version: 3
language: en
entries:
  - {word: Dinah, phonemes: dˈaɪnə}
  - {word: [March Hare, Hatter], say: friend}
  - {word: us, say: all of us, case: false}
  - {regex: '\\b(\\d+)lb\\b', say: '\\1 pounds'}
  - {word: Snark, say: Boojum, books: [hunting]}
  - {word: 山, say: やま}
  - {word: never, say: x}
"""


@pytest.fixture
def lexicon(tmp_path):
    def lexicon(text):
        path = tmp_path / "names.yaml"
        path.write_text(text, encoding="utf-8")
        return Lexicon.read(path)

    return lexicon


def said(lexicon, text, language="en", book="alice"):
    rewriting = Rewriting(text)
    sounds = lexicon.rewrite(rewriting, language, book)
    return applied(text, rewriting.ordered()), [text[each.start : each.end] for each in sounds]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("the March\nHare", "the friend"),
        ("Hatter's", "friend's"),
        ("Hatters", "Hatters"),
        ("Us and the US", "all of us and the all of us"),
        ("12lb", "12 pounds"),
        ("the Snark", "the Snark"),
        ("富士山に", "富士やまに"),
    ],
)
def test_entries_change_whole_words(lexicon, text, spoken):
    assert said(lexicon(LEXICON), text)[0] == spoken


def test_phonemes_leave_the_text_alone(lexicon):
    assert said(lexicon(LEXICON), "My Dinah!") == ("My Dinah!", ["Dinah"])


def test_an_entry_holds_for_its_books_and_a_lexicon_for_its_language(lexicon):
    assert said(lexicon(LEXICON), "the Snark", book="hunting")[0] == "the Boojum"
    assert said(lexicon(LEXICON), "Hatter", language="de")[0] == "Hatter"
    assert said(lexicon("books: [b]\n" + LEXICON), "Hatter")[0] == "Hatter"


def test_every_use_is_counted(lexicon):
    found = lexicon(LEXICON)
    said(found, "Hatter, March Hare, Dinah")
    assert {label: count for label, count in found.hits.items() if count} == {"March Hare, Hatter": 2, "Dinah": 1}
    assert found.hits["never"] == 0


def test_of_two_lexicons_the_first_has_a_word():
    rewriting = Rewriting("a b")
    assert rewriting.claim(0, 1, "x", "first")
    assert not rewriting.claim(0, 3, "y", "second")
    assert applied("a b", rewriting.ordered()) == "x b"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{word: a}", "either `say` or `phonemes`"),
        ("{word: a, say: b, phonemes: c}", "either `say` or `phonemes`"),
        ("{say: b}", "either `word` or `regex`"),
        ("{word: a, regex: b, say: c}", "either `word` or `regex`"),
        ("{word: ' ', say: c}", "a word is empty"),
        ("{regex: '(', say: c}", "not a regular expression"),
        ("{regex: 'x*', say: c}", "finds the empty text"),
        ("{regex: '(a+)+b', say: c}", "may search for ever"),
        ("{regex: a, phonemes: c}", "phonemes are for a `word`"),
        ("{wrd: a, say: b}", "did you mean 'word'"),
        ("[a]", "entries"),
    ],
)
def test_a_wrong_entry_is_told_with_its_file(lexicon, entry, words):
    with pytest.raises(JobError, match=words) as error:
        lexicon(f"name: a\nversion: 1\nentries:\n  - {entry}\n")
    assert "names.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lexicon"),
        ("name: [", r"names\.yaml:\d: not valid YAML"),
        ("name: a\nversion: 1\nentries: &a [*a]", "recursive node"),
        (f"name: a\nversion: 1\nentries: {'[' * 5000}", "not valid YAML"),
        ("name: a\nentries: []", "version"),
    ],
)
def test_a_file_that_is_no_lexicon_says_so(lexicon, text, words):
    with pytest.raises(JobError, match=words):
        lexicon(text)


def test_a_lexicon_that_is_missing_is_told(tmp_path):
    with pytest.raises(JobError, match="cannot read the lexicon"):
        Lexicon.read(tmp_path / "none.yaml")

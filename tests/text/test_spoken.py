"""Written text to spoken text, language by language."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valle_engine.text.spoken import Rewriting, applied, rules_of

LANGUAGES = ["en", "de", "fr", "ja", "zh", "ko"]


def spoken(text, language, *, heading=False):
    rewriting = Rewriting(text)
    rewriting.obey(rules_of(language), heading=heading)
    return applied(text, rewriting.ordered())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,234 men and 3.50", "one thousand two hundred and thirty-four men and three point five zero"),
        ("On May 5, 1865.", "On May fifth, eighteen sixty-five."),
        ("5 January 1905", "the fifth of January nineteen oh-five"),
        ("the 5th of Nov. 1605", "the fifth of November sixteen oh-five"),
        ("2024-01-05", "January fifth, twenty twenty-four"),
        ("2024-13-05", "twenty twenty-four-thirteen-zero five"),
        ("at 3:15 p.m. He left", "at three fifteen p m. He left"),
        ("at 3 p.m. sharp", "at three p m sharp"),
        ("3:00 and 15:05", "three o'clock and fifteen oh five"),
        ("$1.5 million, €1, $0.05", "one point five million dollars, one euro, five cents"),
        ("£3.50, ¥500, 5€", "three pounds and fifty pence, five hundred yen, five euros"),
        ("20°C, 1 km, 5 km/h, 50%", "twenty degrees Celsius, one kilometre, five kilometres per hour, fifty percent"),
        ("1914–1918, pp. 3–5", "nineteen fourteen to nineteen eighteen, pages three to five"),
        ("the 1860s and 1890s", "the eighteen sixties and eighteen nineties"),
        ("21st, 2nd", "twenty-first, second"),
        ("Dr. Fell, St. Ives, Mr. Fox", "Doctor Fell, Saint Ives, Mister Fox"),
        ("No. 5, but no. Yes", "number five, but no. Yes"),
        ("cats, e.g. mine, etc. Then", "cats, for example mine, et cetera. Then"),
        ("R&D & more", "R&D and more"),
        ("Chapter IV, Henry VIII, World War II", "Chapter four, Henry the Eighth, World War two"),
        ("chapter i, said I", "chapter i, said I"),
        ("call 007", "call zero zero seven"),
        ("1111111111111111", " ".join(["one"] * 16)),
        ("-5 and 3-4", "minus five and three-four"),
        ("½ and 3/4", "one half and three quarters"),
        ("3D, A4", "three D, A4"),
        ("He was 5.", "He was five."),
        ("No numbers here", "No numbers here"),
    ],
)  # fmt: skip
def test_english(text, words):
    assert spoken(text, "en") == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("am 3. Mai 1865", "am dritten Mai achtzehnhundertfünfundsechzig"),
        ("Der 3. Mai, 3. Mai", "Der dritte Mai, dritter Mai"),
        ("am 03.05.1865", "am dritten Mai achtzehnhundertfünfundsechzig"),
        ("um 15:30 Uhr, 1.05 Uhr", "um fünfzehn Uhr dreißig, ein Uhr fünf"),
        ("5,50 € und 1.000 Mann", "fünf Euro und fünfzig Cent und eintausend Mann"),
        ("1,5 Millionen €", "eins Komma fünf Millionen Euro"),
        ("1 kg, 20 %", "ein Kilogramm, zwanzig Prozent"),
        ("z. B. und z.B. usw. Dann", "zum Beispiel und zum Beispiel und so weiter. Dann"),
        ("Dr. Meyer, Nr. 5, S. 12", "Doktor Meyer, Nummer fünf, Seite zwölf"),
        ("das 2. Kapitel, Kapitel IV", "das zweite Kapitel, Kapitel vier"),
        ("Er war 5. Dann", "Er war fünf. Dann"),
        ("1914–1918", "neunzehnhundertvierzehn bis neunzehnhundertachtzehn"),
        ("Ludwig XIV. kam", "Ludwig der Vierzehnte kam"),
    ],
)
def test_german(text, words):
    assert spoken(text, "de") == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Le 1er mai 1865 à 15 h 30", "Le premier mai mille huit cent soixante-cinq à quinze heures trente"),
        ("5,50 €, 1 000 hommes", "cinq euros cinquante centimes, mille hommes"),
        ("le XIXe siècle, la 2e fois", "le dix-neuvième siècle, la deuxième fois"),
        ("Louis XIV, Chapitre IV, Napoléon I", "Louis quatorze, Chapitre quatre, Napoléon premier"),
        ("M. Dupont et Mme Lesage, n° 5", "Monsieur Dupont et Madame Lesage, numéro cinq"),
        ("20 %, 3 km/h, 80 ans", "vingt pour cent, trois kilomètres à l'heure, quatre-vingts ans"),
        ("Ce Le Me", "Ce Le Me"),
        ("p. ex. lui", "par exemple lui"),
    ],
)
def test_french(text, words):
    assert spoken(text, "fr") == words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("ja", "1865年5月3日15:30に¥1,000", "千八百六十五年五月三日十五時三十分に千円"),
        ("ja", "50%と3.5km", "五十パーセントと三点五キロメートル"),
        ("zh", "1865年5月3日15:05付¥1,000，占50%", "一八六五年五月三日十五点零五分付一千元，占百分之五十"),
        ("zh", "2个人，100年，12:00", "两个人，一百年，十二点"),
        (
            "ko",
            "1865년 5월, 3:15에 사과 3개, 20살, ₩1,000",
            "천팔백육십오년 오월, 세 시 십오 분에 사과 세 개, 스무 살, 천 원",
        ),
        ("ko", "50%, 3시 30분", "오십 퍼센트, 세 시 삼십분"),
    ],
)
def test_chinese_japanese_and_korean(language, text, words):
    assert spoken(text, language) == words


@pytest.mark.parametrize(
    ("text", "words"), [("VII", "seven"), ("IV. The Fox", "four. The Fox"), ("I", "one"), ("I am here", "I am here")]
)
def test_a_heading_may_begin_with_a_roman_numeral(text, words):
    assert spoken(text, "en", heading=True) == words
    assert spoken(text, "en") == text


def test_a_language_without_rules_is_left_as_it_is():
    assert spoken("5 km", "es") == "5 km"


WRITTEN = st.text("0123456789.,:;-–€$£%°/ IVXaemp年月日개", max_size=40) | st.text(max_size=40)


@settings(deadline=None)
@given(WRITTEN, st.sampled_from(LANGUAGES), st.booleans())
def test_no_text_is_emptied_and_no_digit_that_was_taken_is_left(text, language, heading):
    rewriting = Rewriting(text)
    rewriting.obey(rules_of(language), heading=heading)
    changes = rewriting.ordered()
    assert all(one.end <= two.start for one, two in pairwise(changes))
    assert all(change.spoken.strip() for change in changes)
    assert not [change for change in changes if any("0" <= letter <= "9" for letter in change.spoken)]
    assert bool(applied(text, changes)) == bool(text.split())

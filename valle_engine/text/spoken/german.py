"""German."""

from __future__ import annotations

import re

from valle_engine.text.spoken import numbers
from valle_engine.text.spoken.changes import Rule
from valle_engine.text.spoken.numbers import BEGIN, END, ROMAN
from valle_engine.text.spoken.tables import (
    Coin,
    Words,
    money_rules,
    number_rule,
    range_rule,
    roman_rules,
    unit_rule,
    word_rule,
)

_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober")
MONTHS = (*_MONTHS, "November", "Dezember")
WORDS = Words(
    language="de",
    one="ein",
    units={
        "km/h": ("Kilometer pro Stunde", "Kilometer pro Stunde"),
        "km": ("Kilometer", "Kilometer"),
        "cm": ("Zentimeter", "Zentimeter"),
        "mm": ("Millimeter", "Millimeter"),
        "m": ("Meter", "Meter"),
        "kg": ("Kilogramm", "Kilogramm"),
        "g": ("Gramm", "Gramm"),
        "mg": ("Milligramm", "Milligramm"),
        "l": ("Liter", "Liter"),
        "ml": ("Milliliter", "Milliliter"),
        "°C": ("Grad Celsius", "Grad Celsius"),
        "°": ("Grad", "Grad"),
        "%": ("Prozent", "Prozent"),
        "kHz": ("Kilohertz", "Kilohertz"),
        "kW": ("Kilowatt", "Kilowatt"),
    },
    coins={
        "€": Coin("Euro", "Euro", "Cent"),
        "EUR": Coin("Euro", "Euro", "Cent"),
        "$": Coin("Dollar", "Dollar", "Cent"),
        "£": Coin("Pfund", "Pfund", "Pence"),
        "¥": Coin("Yen", "Yen"),
        "DM": Coin("D-Mark", "D-Mark"),
        "Fr.": Coin("Franken", "Franken"),
    },
    scales=("Tausend", "Millionen", "Million", "Milliarden", "Milliarde"),
    point=" und ",
    to="bis",
)
ABBREVIATIONS = {
    "z. B.": "zum Beispiel",
    "d. h.": "das heißt",
    "u. a.": "unter anderem",
    "u. U.": "unter Umständen",
    "z. T.": "zum Teil",
    "i. d. R.": "in der Regel",
    "v. Chr.": "vor Christus",
    "n. Chr.": "nach Christus",
    "usw.": "und so weiter",
    "usf.": "und so fort",
    "bzw.": "beziehungsweise",
    "ca.": "circa",
    "etc.": "et cetera",
    "evtl.": "eventuell",
    "ggf.": "gegebenenfalls",
    "sog.": "sogenannte",
    "vgl.": "vergleiche",
    "&": "und",
}
TITLES = {"Dr.": "Doktor", "Prof.": "Professor", "Hr.": "Herr", "Hrn.": "Herrn", "Fr.": "Frau", "St.": "Sankt"}
"""Said so before a name alone."""
COUNTED = {
    "Nr.": "Nummer",
    "S.": "Seite",
    "Bd.": "Band",
    "Kap.": "Kapitel",
    "Abb.": "Abbildung",
    "§§": "Paragraphen",
    "§": "Paragraph",
}
"""Said so before a number alone."""
FRACTIONS = {"½": "ein halb", "¼": "ein viertel", "¾": "drei viertel", "1/2": "ein halb", "3/4": "drei viertel"}
_WEAK = "am|vom|zum|beim|im|dem|den|des|seit|ab|bis|zur"
_BEFORE = rf"(?:\b({_WEAK}|der|die|das|Der|Die|Das|Am|Vom|Zum|Im|Den|Dem|Des|Seit|Ab|Bis|Zur|Beim) )?"
_REGNAL = "Friedrich|Wilhelm|Karl|Ludwig|Heinrich|Otto|Georg|Johann|Johannes|Paul|Pius|Leo|Benedikt|Napoleon|Elisabeth"


def _ordinal(article: str | None, value: int) -> str:
    """An ordinal in the form its article asks for; without one, the strong form."""
    stem = numbers.ordinal(value, "de")
    if article is None:
        return f"{stem}r"
    weak = article.lower() in _WEAK.split("|")
    return f"{article} {stem}{'n' if weak else ''}"


def _date(match: re.Match[str]) -> str | None:
    day, month = int(match[2]), match[3]
    name = MONTHS[int(month) - 1] if month.isdecimal() and 0 < int(month) < 13 else month
    if not 0 < day < 32 or name.isdecimal():
        return None
    year = f" {numbers.year(int(match[4]), 'de')}" if match[4] else ""
    return f"{_ordinal(match[1], day)} {name}{year}"


def _time(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return None
    said = "ein" if hour == 1 else numbers.cardinal(hour, "de")
    return f"{said} Uhr {numbers.cardinal(minute, 'de')}" if minute else f"{said} Uhr"


def _regnal(match: re.Match[str]) -> str:
    return f"{match[1]} der {numbers.ordinal(numbers.roman(match[2]), 'de').capitalize()}"


RULES = (
    Rule("date", re.compile(rf"{_BEFORE}{BEGIN}([0-3]?[0-9])\. ?({'|'.join(MONTHS)})\b(?: ([0-9]{{4}}){END})?"), _date),
    Rule("date", re.compile(rf"{_BEFORE}{BEGIN}([0-3]?[0-9])\.([01]?[0-9])\.([0-9]{{4}}){END}"), _date),
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}})[:.]([0-9]{{2}}) Uhr\b"), _time),
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}}):([0-9]{{2}})(?![0-9:])"), _time),
    *money_rules(WORDS),
    unit_rule(WORDS),
    word_rule("fraction", FRACTIONS),
    Rule(
        "ordinal",
        re.compile(rf"{_BEFORE.removesuffix('?')}([0-9]{{1,3}})\.(?= [^\W\d_])"),
        lambda match: _ordinal(match[1], int(match[2])),
    ),
    range_rule(WORDS),
    *roman_rules("kapitel|buch|teil|band|akt|szene|gesang|abschnitt|brief|nummer", "de"),
    Rule("roman", re.compile(rf"\b({_REGNAL}) ({ROMAN})\.?(?!\w)(?<! )"), _regnal, digits=False),
    word_rule("abbreviation", TITLES, after=r"(?=\s+[^\W\d_a-z])"),
    word_rule("abbreviation", COUNTED, after=r"(?=\s*[0-9])"),
    word_rule("abbreviation", ABBREVIATIONS),
    number_rule("de"),
)

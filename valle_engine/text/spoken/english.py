"""English."""

from __future__ import annotations

import re

from valle_engine.text.spoken import numbers
from valle_engine.text.spoken.changes import Rule, closed
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

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
MONTHS = (*_MONTHS, "November", "December")
SHORT_MONTHS = {month[:3]: month for month in MONTHS} | {"Sept": "September"}
WORDS = Words(
    language="en",
    units={
        "km/h": ("kilometre per hour", "kilometres per hour"),
        "mph": ("mile per hour", "miles per hour"),
        "km": ("kilometre", "kilometres"),
        "cm": ("centimetre", "centimetres"),
        "mm": ("millimetre", "millimetres"),
        "m": ("metre", "metres"),
        "ft": ("foot", "feet"),
        "kg": ("kilogram", "kilograms"),
        "g": ("gram", "grams"),
        "mg": ("milligram", "milligrams"),
        "lb": ("pound", "pounds"),
        "lbs": ("pound", "pounds"),
        "lb.": ("pound", "pounds"),
        "lbs.": ("pound", "pounds"),
        "oz": ("ounce", "ounces"),
        "oz.": ("ounce", "ounces"),
        "ml": ("millilitre", "millilitres"),
        "°C": ("degree Celsius", "degrees Celsius"),
        "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
        "°": ("degree", "degrees"),
        "%": ("percent", "percent"),
        "kHz": ("kilohertz", "kilohertz"),
        "kW": ("kilowatt", "kilowatts"),
    },
    coins={
        "$": Coin("dollar", "dollars", "cents", "cent"),
        "US$": Coin("US dollar", "US dollars", "cents", "cent"),
        "£": Coin("pound", "pounds", "pence", "penny"),
        "€": Coin("euro", "euros", "cents", "cent"),
        "¥": Coin("yen", "yen"),
    },
    scales=("thousand", "million", "billion", "trillion"),
    point=" and ",
    to="to",
)
TITLES = {
    "Mr.": "Mister",
    "Mrs.": "Missus",
    "Ms.": "Miz",
    "Messrs.": "Messers",
    "Dr.": "Doctor",
    "Prof.": "Professor",
    "Capt.": "Captain",
    "Col.": "Colonel",
    "Gen.": "General",
    "Lt.": "Lieutenant",
    "Sgt.": "Sergeant",
    "Rev.": "Reverend",
    "Hon.": "Honourable",
    "Gov.": "Governor",
    "St.": "Saint",
}
"""Said so before a name alone: `St.` behind one is a street."""
ABBREVIATIONS = {
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "et cetera",
    "&c.": "et cetera",
    "viz.": "namely",
    "cf.": "compare",
    "vs.": "versus",
    "Jr.": "Junior",
    "Sr.": "Senior",
    "Esq.": "Esquire",
    "&": "and",
    "a.m.": "a m",
    "p.m.": "p m",
    "A.D.": "A D",
    "B.C.": "B C",
}
COUNTED = {
    "No.": "number",
    "Nos.": "numbers",
    "no.": "number",
    "vol.": "volume",
    "Vol.": "Volume",
    "ch.": "chapter",
    "Ch.": "Chapter",
    "p.": "page",
    "pp.": "pages",
    "fig.": "figure",
    "Fig.": "Figure",
    "#": "number",
    "§": "section",
}
"""Said so before a number alone."""
FRACTIONS = {
    "½": "one half",
    "¼": "one quarter",
    "¾": "three quarters",
    "⅓": "one third",
    "⅔": "two thirds",
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
}
_MONTH = rf"({'|'.join(MONTHS)}|(?:{'|'.join(SHORT_MONTHS)})(?=\.|\s*[0-9]))\.?"
_DAY = r"([0-3]?[0-9])(?:st|nd|rd|th)?"
_YEAR = rf"(?:(,?) ([0-9]{{4}})){END}"
_REGNAL = (
    "Alexander|Benedict|Catherine|Charles|Clement|Edward|Elizabeth|Frederick|George|Gregory|Gustav|Henry|Innocent|"
    "James|John|Julius|Leo|Leopold|Louis|Mary|Napoleon|Nicholas|Paul|Peter|Philip|Pius|Richard|Urban|Victor|William"
)
_HEADED = "chapter|book|part|volume|act|scene|canto|section|letter|stave|appendix|number|no\\.|war"


def _date_by_month(match: re.Match[str]) -> str | None:
    day = int(match[2])
    return f"{_month(match[1])} {numbers.ordinal(day, 'en')}{_year(match)}" if 0 < day < 32 else None


def _date_by_day(match: re.Match[str]) -> str | None:
    day = int(match[2])
    article = "" if match[1] else "the "
    return (
        f"{match[1]}{article}{numbers.ordinal(day, 'en')} of {_month(match[3])}{_year(match)}" if 0 < day < 32 else None
    )


def _iso_date(match: re.Match[str]) -> str | None:
    year, month, day = (int(each) for each in match.groups())
    if not (0 < month < 13 and 0 < day < 32):
        return None
    return f"{MONTHS[month - 1]} {numbers.ordinal(day, 'en')}, {numbers.year(year, 'en')}"


def _month(written: str) -> str:
    return SHORT_MONTHS.get(written, written)


def _year(match: re.Match[str]) -> str:
    """The year at the end of a date, with the comma before it that stood there; the last two groups."""
    comma, year = match.groups()[-2:]
    return f"{comma} {numbers.year(int(year), 'en')}" if year else ""


def _time(match: re.Match[str]) -> str | None:
    hour, minute, half = int(match[1]), match[2], (match[3] or "").replace(".", "").lower()
    if hour > 24 or (minute and int(minute) > 59):
        return None
    said = [numbers.cardinal(hour, "en")]
    if minute and int(minute):
        said.append(f"oh {numbers.cardinal(int(minute), 'en')}" if minute[0] == "0" else numbers.cardinal(minute, "en"))
    elif not half:
        said.append("o'clock" if 0 < hour < 13 else "hundred hours")
    return closed(match, " ".join([*said, *half]))


def _decade(match: re.Match[str]) -> str:
    said = numbers.year(int(match[1]), "en")
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


RULES = (
    Rule("date", re.compile(rf"\b{_MONTH} {_DAY}{END}{_YEAR}?"), _date_by_month),
    Rule("date", re.compile(rf"\b((?:[Tt]he )?){_DAY}(?: of)? {_MONTH}(?!\w){_YEAR}?"), _date_by_day),
    Rule("date", re.compile(rf"{BEGIN}([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}}){END}"), _iso_date),
    Rule(
        "time", re.compile(rf"{BEGIN}([0-9]{{1,2}})(?:[:.]([0-9]{{2}}))?[ \u00a0]?([AaPp]\.[Mm]\.|[AaPp][Mm]\b)"), _time
    ),
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}}):([0-9]{{2}})()(?![0-9:])"), _time),
    *money_rules(WORDS),
    unit_rule(WORDS),
    word_rule("fraction", FRACTIONS),
    Rule(
        "ordinal", re.compile(rf"{BEGIN}([0-9]{{1,4}})(?:st|nd|rd|th){END}"), lambda m: numbers.ordinal(int(m[1]), "en")
    ),
    Rule("decade", re.compile(rf"{BEGIN}(1[1-9][0-9]0|20[0-9]0)['’]?s{END}"), _decade),
    range_rule(WORDS),
    *roman_rules(_HEADED, "en"),
    Rule(
        "roman",
        re.compile(rf"\b({_REGNAL}) (?!I\b)({ROMAN})\b"),
        lambda m: f"{m[1]} the {numbers.ordinal(numbers.roman(m[2]), 'en').capitalize()}",
        digits=False,
    ),
    word_rule("abbreviation", TITLES, after=r"(?=\s+[^\W\d_a-z])"),
    word_rule("abbreviation", COUNTED, after=r"(?=\s*[0-9])"),
    word_rule("abbreviation", ABBREVIATIONS),
    number_rule("en"),
)

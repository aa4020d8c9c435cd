"""French."""

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

WORDS = Words(
    language="fr",
    units={
        "km/h": ("kilomètre à l'heure", "kilomètres à l'heure"),
        "km": ("kilomètre", "kilomètres"),
        "cm": ("centimètre", "centimètres"),
        "mm": ("millimètre", "millimètres"),
        "m": ("mètre", "mètres"),
        "kg": ("kilogramme", "kilogrammes"),
        "g": ("gramme", "grammes"),
        "mg": ("milligramme", "milligrammes"),
        "l": ("litre", "litres"),
        "ml": ("millilitre", "millilitres"),
        "°C": ("degré Celsius", "degrés Celsius"),
        "°": ("degré", "degrés"),
        "%": ("pour cent", "pour cent"),
        "kHz": ("kilohertz", "kilohertz"),
        "kW": ("kilowatt", "kilowatts"),
    },
    coins={
        "€": Coin("euro", "euros", "centimes", "centime"),
        "EUR": Coin("euro", "euros", "centimes", "centime"),
        "$": Coin("dollar", "dollars", "cents", "cent"),
        "£": Coin("livre", "livres", "pence", "penny"),
        "¥": Coin("yen", "yens"),
        "F": Coin("franc", "francs", "centimes", "centime"),
    },
    scales=("mille", "millions d'", "millions de", "million de", "millions", "million", "milliards", "milliard"),
    to="à",
)
ABBREVIATIONS = {
    "p. ex.": "par exemple",
    "c.-à-d.": "c'est-à-dire",
    "av. J.-C.": "avant Jésus-Christ",
    "apr. J.-C.": "après Jésus-Christ",
    "etc.": "et cetera",
    "cf.": "confer",
    "&": "et",
}
TITLES = {
    "M.": "Monsieur",
    "MM.": "Messieurs",
    "Mme": "Madame",
    "Mmes": "Mesdames",
    "Mlle": "Mademoiselle",
    "Mlles": "Mesdemoiselles",
    "Dr": "Docteur",
    "Pr": "Professeur",
    "Me": "Maître",
    "Mgr": "Monseigneur",
    "St": "Saint",
    "Ste": "Sainte",
}
"""Said so before a name alone."""
COUNTED = {
    "n°": "numéro",
    "N°": "Numéro",
    "p.": "page",
    "pp.": "pages",
    "vol.": "volume",
    "chap.": "chapitre",
    "§": "paragraphe",
}
"""Said so before a number alone."""
FRACTIONS = {
    "½": "un demi",
    "¼": "un quart",
    "¾": "trois quarts",
    "1/2": "un demi",
    "1/4": "un quart",
    "3/4": "trois quarts",
}
_REGNAL = "Charles|Louis|Henri|Philippe|Napoléon|François|Jean|Paul|Pie|Léon|Benoît|Édouard|Guillaume|Georges|Alexandre"
_PLACE = r"(?:er|ers|re|ère|e|es|ème|èmes|d|de|nd|nde)"


def _ordinal(written: str, value: int) -> str:
    if value == 1:
        return "première" if written.endswith(("re", "ère")) else "premier"
    if value == 2 and written.endswith(("d", "de")):
        return "seconde" if written.endswith("de") else "second"
    return numbers.ordinal(value, "fr")


def _time(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2] or 0)
    if hour > 24 or minute > 59:
        return None
    hours = "une heure" if hour == 1 else f"{numbers.cardinal(hour, 'fr')} heures"
    return f"{hours} {numbers.cardinal(minute, 'fr')}" if minute else hours


def _regnal(match: re.Match[str]) -> str:
    value = numbers.roman(match[2])
    return f"{match[1]} {'premier' if value == 1 else numbers.cardinal(value, 'fr')}"


RULES = (
    Rule("time", re.compile(rf"{BEGIN}([0-2]?[0-9])[ \u00a0\u202f]?h(?:[ \u00a0\u202f]?([0-5][0-9]))?{END}"), _time),
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}}):([0-9]{{2}})(?![0-9:])"), _time),
    *money_rules(WORDS),
    unit_rule(WORDS),
    word_rule("fraction", FRACTIONS),
    Rule(
        "ordinal",
        re.compile(rf"{BEGIN}([0-9]{{1,4}})({_PLACE}){END}"),
        lambda match: _ordinal(match[2], int(match[1])),
    ),
    Rule(
        "ordinal",
        re.compile(rf"{BEGIN}(?=[IVXLC]{{2}})({ROMAN})({_PLACE}){END}"),
        lambda match: _ordinal(match[2], numbers.roman(match[1])),
        digits=False,
    ),
    range_rule(WORDS),
    *roman_rules("chapitre|livre|partie|tome|acte|scène|lettre|chant|section|guerre mondiale", "fr"),
    Rule("roman", re.compile(rf"\b({_REGNAL}) ({ROMAN})\b"), _regnal, digits=False),
    word_rule("abbreviation", TITLES, after=r"(?=\s+[^\W\d_a-zà-ÿ])"),
    word_rule("abbreviation", COUNTED, after=r"(?=\s*[0-9])"),
    word_rule("abbreviation", ABBREVIATIONS),
    number_rule("fr"),
)

"""Rules that languages share: each fills them with words of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from valle_engine.text.spoken import numbers
from valle_engine.text.spoken.changes import Rule, closed
from valle_engine.text.spoken.numbers import BEGIN, END, written_form

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Coin:
    """A currency: one of it, several, and several of its hundredth part; empty where no part is said."""

    one: str
    many: str
    part: str = ""
    one_part: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What one language says for units, money and signs. `apart` stands between a number and its unit.

    `point` joins a sum and its hundredths.
    """

    language: str
    units: Mapping[str, tuple[str, str]]
    coins: Mapping[str, Coin]
    scales: tuple[str, ...] = ()
    apart: str = " "
    point: str = " "
    to: str = ""
    one: str = ""

    def counted(self, written: str, names: tuple[str, str]) -> str:
        """A number with a unit."""
        single = numbers.plain(written, self.language) == "1"
        value = self.one if single and self.one else numbers.number(written, self.language)
        return f"{value}{self.apart}{names[0] if single else names[1]}"


def unit_rule(words: Words) -> Rule:
    """A number and a unit of measure."""
    names = "|".join(re.escape(unit) for unit in sorted(words.units, key=len, reverse=True))
    found = re.compile(rf"{BEGIN}({written_form(words.language)})[ \u00a0\u202f]?({names}){END}")
    return Rule("unit", found, lambda match: words.counted(match[1], words.units[match[2]]))


def money_rules(words: Words) -> list[Rule]:
    """A sum with the sign of its currency before or after it, and a scale such as `million` behind the number."""
    signs = "|".join(re.escape(sign) for sign in sorted(words.coins, key=len, reverse=True))
    amount = written_form(words.language)
    scale = rf"(?:[ \u00a0]?({'|'.join(words.scales)})\b)?" if words.scales else "()"
    before = re.compile(rf"{BEGIN}({signs})[ \u00a0]?({amount}){scale}")
    after = re.compile(rf"{BEGIN}({amount}){scale}[ \u00a0\u202f]?({signs}){END}")
    return [
        Rule("money", before, lambda match: money(words, match[1], match[2], match[3] or "")),
        Rule("money", after, lambda match: money(words, match[3], match[1], match[2] or "")),
    ]


def money(words: Words, sign: str, written: str, scale: str) -> str:
    """A sum of money in words."""
    coin = words.coins[sign]
    value = numbers.plain(written, words.language)
    whole, _, cents = value.partition(".")
    if scale:
        return f"{numbers.cardinal(value, words.language)} {scale}{words.apart}{coin.many}"
    if len(cents) != 2 or not coin.part:
        return words.counted(written, (coin.one, coin.many))
    said = words.counted(whole, (coin.one, coin.many))
    if not int(cents):
        return said
    part = words.counted(str(int(cents)), (coin.one_part or coin.part, coin.part))
    return f"{said}{words.point}{part}" if int(whole) else part


def range_rule(words: Words) -> Rule:
    """Two numbers with a dash between."""
    found = re.compile(rf"{BEGIN}(?<![–—-])([0-9]{{1,4}}) ?[–—] ?([0-9]{{1,4}}){END}(?![–—-]|[.,][0-9])")

    def say(match: re.Match[str]) -> str:
        first, last = (_plain_or_year(each, words.language) for each in match.groups())
        return f"{first}{words.apart}{words.to}{words.apart}{last}"

    return Rule("range", found, say)


def number_rule(language: str) -> Rule:
    """Every number that nothing else has taken; four digits without a mark are a year where one would say them so."""
    found = re.compile(rf"{BEGIN}([-−]?)({written_form(language)})")
    minus = {"en": "minus ", "de": "minus ", "fr": "moins ", "ja": "マイナス", "zh": "负", "ko": "마이너스 "}

    def say(match: re.Match[str]) -> str:
        sign = minus[language] if match[1] else ""
        return sign + (_plain_or_year(match[2], language) if not sign else numbers.number(match[2], language))

    return Rule("number", found, say)


def word_rule(name: str, words: Mapping[str, str], *, after: str = "") -> Rule:
    """Written forms that stand for words; spaces in them may be any, or none."""
    spellings = "|".join(_spelling(each) for each in sorted(words, key=len, reverse=True))
    found = re.compile(rf"{BEGIN}(?<!\.)(?:{spellings})(?:(?<=[^\w])|{END}){after}")
    known = {_folded(written): spoken for written, spoken in words.items()}

    def say(match: re.Match[str]) -> str | None:
        spoken = known.get(_folded(match[0]))
        return spoken if after or spoken is None else closed(match, spoken)

    return Rule(name, found, say, digits=False)


def roman_rules(headed: str, language: str) -> list[Rule]:
    """Roman numerals behind words such as `Chapter`, and at the head of a heading."""
    behind = re.compile(rf"\b({headed})[ \u00a0]({numbers.ROMAN})\b", re.IGNORECASE)
    # `I` may be a word.
    alone = re.compile(rf"\A(?!I\s)({numbers.ROMAN})(?=[.:]?(?:\s|\Z))")
    return [
        Rule("roman", behind, lambda match: _headed(match, language), digits=False),
        Rule("roman", alone, lambda match: _roman(match[1], language), heading=True, digits=False),
    ]


def _headed(match: re.Match[str], language: str) -> str | None:
    return f"{match[1]} {_roman(match[2], language)}" if match[2].isupper() else None


def _roman(numeral: str, language: str) -> str:
    return numbers.cardinal(numbers.roman(numeral), language)


def _plain_or_year(written: str, language: str) -> str:
    if len(written) == 4 and written.isdecimal() and 1100 <= int(written) < 2100:
        return numbers.year(int(written), language)
    return numbers.number(written, language)


def _spelling(written: str) -> str:
    return re.escape(written).replace(r"\ ", r"[ \u00a0\u202f]?")


def _folded(written: str) -> str:
    return re.sub(r"\s", "", written)

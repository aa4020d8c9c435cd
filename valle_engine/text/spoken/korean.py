"""Korean: counted things and hours take the native numerals, everything else the Chinese ones."""

from __future__ import annotations

import re

from valle_engine.text.spoken import numbers
from valle_engine.text.spoken.changes import Rule
from valle_engine.text.spoken.numbers import BEGIN
from valle_engine.text.spoken.tables import Coin, Words, money_rules, number_rule, range_rule, unit_rule, word_rule

WORDS = Words(
    language="ko",
    to="에서",
    units={
        "km/h": ("킬로미터 매시", "킬로미터 매시"),
        "km": ("킬로미터", "킬로미터"),
        "cm": ("센티미터", "센티미터"),
        "mm": ("밀리미터", "밀리미터"),
        "m": ("미터", "미터"),
        "kg": ("킬로그램", "킬로그램"),
        "g": ("그램", "그램"),
        "ml": ("밀리리터", "밀리리터"),
        "°C": ("도", "도"),
        "℃": ("도", "도"),
        "°": ("도", "도"),
        "%": ("퍼센트", "퍼센트"),
    },
    coins={
        "₩": Coin("원", "원"),
        "$": Coin("달러", "달러"),
        "€": Coin("유로", "유로"),
        "£": Coin("파운드", "파운드"),
        "¥": Coin("엔", "엔"),
    },
    scales=("만", "억"),
)
_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTERS = "개|명|마리|살|번|시간|잔|권|장|송이|사람|가지|달"


def native(value: int) -> str:
    """A native numeral below 100, as it stands before what is counted."""
    return "스무" if value == 20 else _TENS[value // 10] + _ONES[value % 10]


def _time(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if not 0 < hour < 25 or minute > 59:
        return None
    hours = f"{native(hour) if hour < 13 else numbers.cardinal(hour, 'ko')} 시"
    return f"{hours} {numbers.cardinal(minute, 'ko')} 분" if minute else hours


RULES = (
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}})[:：]([0-9]{{2}})(?![0-9:：])"), _time),
    *money_rules(WORDS),
    unit_rule(WORDS),
    Rule("count", re.compile(rf"{BEGIN}([1-9][0-9]?) ?(?=(?:{_COUNTERS}))"), lambda match: f"{native(int(match[1]))} "),
    Rule("count", re.compile(rf"{BEGIN}([1-9]|1[0-2]) ?(?=시(?!간))"), lambda match: f"{native(int(match[1]))} "),
    word_rule("fraction", {"½": "이분의 일", "¼": "사분의 일", "¾": "사분의 삼"}),
    range_rule(WORDS),
    number_rule("ko"),
)

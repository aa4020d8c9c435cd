"""Japanese."""

from __future__ import annotations

import re

from valle_engine.text.spoken import numbers
from valle_engine.text.spoken.changes import Rule
from valle_engine.text.spoken.numbers import BEGIN
from valle_engine.text.spoken.tables import Coin, Words, money_rules, number_rule, range_rule, unit_rule, word_rule

WORDS = Words(
    language="ja",
    apart="",
    point="",
    to="から",
    units={
        "km/h": ("キロメートル毎時", "キロメートル毎時"),
        "km": ("キロメートル", "キロメートル"),
        "cm": ("センチメートル", "センチメートル"),
        "mm": ("ミリメートル", "ミリメートル"),
        "m": ("メートル", "メートル"),
        "kg": ("キログラム", "キログラム"),
        "g": ("グラム", "グラム"),
        "ml": ("ミリリットル", "ミリリットル"),
        "°C": ("度", "度"),
        "℃": ("度", "度"),
        "°": ("度", "度"),
        "%": ("パーセント", "パーセント"),
        "％": ("パーセント", "パーセント"),
    },
    coins={
        "¥": Coin("円", "円"),
        "￥": Coin("円", "円"),
        "$": Coin("ドル", "ドル"),
        "€": Coin("ユーロ", "ユーロ"),
        "£": Coin("ポンド", "ポンド"),
    },
    scales=("万", "億"),
)


def _time(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return None
    hours = f"{numbers.cardinal(hour, 'ja')}時"
    return f"{hours}{numbers.cardinal(minute, 'ja')}分" if minute else hours


RULES = (
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}})[:：]([0-9]{{2}})(?![0-9:：])"), _time),
    *money_rules(WORDS),
    unit_rule(WORDS),
    word_rule("fraction", {"½": "二分の一", "¼": "四分の一", "¾": "四分の三"}),
    range_rule(WORDS),
    number_rule("ja"),
)

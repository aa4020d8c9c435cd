"""Chinese."""

from __future__ import annotations

import re

from valle_engine.text.spoken import numbers
from valle_engine.text.spoken.changes import Rule
from valle_engine.text.spoken.numbers import BEGIN, END, written_form
from valle_engine.text.spoken.tables import Coin, Words, money_rules, number_rule, range_rule, unit_rule, word_rule

WORDS = Words(
    language="zh",
    apart="",
    point="",
    to="至",
    units={
        "km/h": ("公里每小时", "公里每小时"),
        "km": ("公里", "公里"),
        "cm": ("厘米", "厘米"),
        "mm": ("毫米", "毫米"),
        "m": ("米", "米"),
        "kg": ("公斤", "公斤"),
        "g": ("克", "克"),
        "ml": ("毫升", "毫升"),
        "°C": ("摄氏度", "摄氏度"),
        "℃": ("摄氏度", "摄氏度"),
        "°": ("度", "度"),
    },
    coins={
        "¥": Coin("元", "元"),
        "￥": Coin("元", "元"),
        "$": Coin("美元", "美元"),
        "€": Coin("欧元", "欧元"),
        "£": Coin("英镑", "英镑"),
    },
    scales=("万", "亿"),
)


def _time(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return None
    hours = "两点" if hour == 2 else f"{numbers.cardinal(hour, 'zh')}点"
    zero = "零" if 0 < minute < 10 else ""
    return f"{hours}{zero}{numbers.cardinal(minute, 'zh')}分" if minute else hours


RULES = (
    Rule("year", re.compile(rf"{BEGIN}([0-9]{{4}})(?= ?年)"), lambda match: numbers.spelled(match[1], "zh")),
    Rule("time", re.compile(rf"{BEGIN}([0-9]{{1,2}})[:：]([0-9]{{2}})(?![0-9:：])"), _time),
    Rule(
        "percent",
        re.compile(rf"{BEGIN}({written_form('zh')}) ?[%％]"),
        lambda match: f"百分之{numbers.number(match[1], 'zh')}",
    ),
    *money_rules(WORDS),
    unit_rule(WORDS),
    word_rule("fraction", {"½": "二分之一", "¼": "四分之一", "¾": "四分之三"}),
    Rule("count", re.compile(rf"{BEGIN}2(?=[个位只条本天年次张件名岁])"), lambda _match: "两"),
    range_rule(WORDS),
    Rule("number", re.compile(rf"{BEGIN}0[0-9]+{END}"), lambda match: numbers.spelled(match[0], "zh")),
    number_rule("zh"),
)

"""The page on samplers says what the samplers are."""

import re

from tests.docs import samplers
from tests.docs.generate import load_built_in


def test_the_page_is_what_the_samplers_say():
    assert samplers.PAGE.read_text() == samplers.page(), "run `python -m tests.docs.samplers`"


def test_every_sampler_has_advice():
    assert list(samplers.ADVICE) == load_built_in().samplers.names()


def test_every_sampler_has_a_formula_or_a_rule():
    sections = re.findall(r"### (\S+)\n\n```text\n(.+?)```", samplers.page(), re.DOTALL)
    assert len(sections) == len(samplers.ADVICE)
    assert all("=" in words for _, words in sections)

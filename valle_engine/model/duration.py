"""How long a line will be: the model spells its number of frames, digit by digit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from valle_engine.model.autoregressive import Row
from valle_engine.model.process import see
from valle_engine.model.sampling import best

if TYPE_CHECKING:
    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.process import Process
    from valle_engine.model.sequences import Inputs

END = 10
"""Id behind the last digit."""
MOST_DIGITS = 10


def predict_frames(model: LanguageModel, inputs: Inputs) -> Process[int]:
    """Frames of codes that the text of `inputs` will take, by the best digits; 0 when the model names none."""
    row = Row(model, replace(inputs, task="len", length=torch.tensor([0], device=model.device)), MOST_DIGITS)
    digits = ""
    logits = yield from see([row.begin(1)])
    while (digit := int(best(logits[0]))) < END:
        digits += str(digit)
        if len(digits) == MOST_DIGITS:
            break
        logits = yield from see([row.extend(digit)])
    return int(digits or 0)

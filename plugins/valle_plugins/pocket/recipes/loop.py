"""What every recipe of pocket shares: steps that are a function of their number, checkpoints that resume exactly."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from valle_engine.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

LossOf: TypeAlias = "Callable[[int], Mapping[str, Tensor]]"
"""The named terms of the loss of a step, from its number."""
CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
WARM_UP = 100  # steps
MAX_NORM = 1.0
FALL = 0.35  # the last part of the steps, in which the rate falls


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train and what to write: `rate` rises, stays and falls."""

    folder: Path
    steps: int
    seed: int = 0
    rate: float = 1.5e-3
    save_every: int = 200
    log_every: int = 25


class Training:
    """A network and its optimiser at one step; a checkpoint in the plan's folder is taken up."""

    def __init__(self, network: nn.Module, plan: Plan) -> None:
        self.network = network
        self.plan = plan
        self.step = 0
        self._parameters = [each for each in network.parameters() if each.requires_grad]
        self._optimiser = torch.optim.AdamW(self._parameters, lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
        self._seconds = 0.0
        if (plan.folder / CHECKPOINT).exists():
            self._take_up(plan.folder / CHECKPOINT)
        self._began = time.monotonic()

    def run(self, loss_of: LossOf, finish: Callable[[], Mapping[str, float]]) -> None:
        """Train to the plan's end; `loss_of` gives the terms of one step's loss, whose sum is minimised.

        `finish` is called at each checkpoint: it writes the weights and measures them. What a step does may depend on
        its number and the network alone; then a resumed run equals an undisturbed one.
        """
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        while self.step < self.plan.steps:
            terms = self._advance(loss_of)
            if self.step % self.plan.log_every == 0:
                self._log({name: value.item() for name, value in terms.items()})
            if self.step % self.plan.save_every == 0 or self.step == self.plan.steps:
                self.network.eval()
                self._log(finish())
                self._save()

    def _advance(self, loss_of: LossOf) -> Mapping[str, Tensor]:
        self.network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.plan)
        torch.manual_seed(self.step)
        terms = loss_of(self.step)
        self._optimiser.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, MAX_NORM)
        self._optimiser.step()
        self.step += 1
        return terms

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "seconds": self._elapsed(),
        }
        with replacing(self.plan.folder / CHECKPOINT) as file:
            torch.save(state, file)

    def _take_up(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self._seconds = state["step"], state["seconds"]

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._began

    def _log(self, values: Mapping[str, float]) -> None:
        row = {"step": self.step, "seconds": round(self._elapsed(), 1), **values}
        with (self.plan.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")


def rate_at(step: int, plan: Plan) -> float:
    """The learning rate of a step: a linear rise, a long plain, a linear fall to a hundredth over the last part.

    Until the fall begins it does not depend on the plan's length, so a run can be made longer.
    """
    rise = min(1.0, (step + 1) / WARM_UP)
    fall = min(1.0, (plan.steps - step) / (FALL * plan.steps))
    return plan.rate * rise * max(0.01, fall)

"""What every recipe of pocket shares: steps that are a function of their number, checkpoints that resume exactly."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

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
    rate: float = 1e-3
    save_every: int = 250
    log_every: int = 25


class Training:
    """A network and its optimiser at one step."""

    def __init__(self, network: nn.Module, plan: Plan) -> None:
        self.network = network
        self.plan = plan
        self.step = 0
        parameters = [each for each in network.parameters() if each.requires_grad]
        self._optimiser = torch.optim.AdamW(parameters, lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
        self._parameters = parameters
        self._began = time.monotonic()
        self._seconds = 0.0

    def resume(self) -> bool:
        """Take up the last checkpoint of the folder, if there is one."""
        path = self.plan.folder / CHECKPOINT
        if not path.exists():
            return False
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self._seconds = state["step"], state["seconds"]
        return True

    def run(self, loss_of: Callable[[int], Mapping[str, Tensor]], evaluate: Callable[[], Mapping[str, float]]) -> None:
        """Train to the plan's end; `loss_of` gives the terms of one step's loss, whose sum is minimised.

        What a step does may depend on its number and the network alone: then a resumed run equals an undisturbed one.
        """
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        while self.step < self.plan.steps:
            terms = self._advance(loss_of)
            if self.step % self.plan.log_every == 0:
                self._log({name: value.item() for name, value in terms.items()})
            if self.step % self.plan.save_every == 0 or self.step == self.plan.steps:
                self.save()
                self._log(evaluate())

    def _advance(self, loss_of: Callable[[int], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
        self.network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.plan)
        torch.manual_seed(self.step)
        terms = loss_of(self.step)
        self._optimiser.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, MAX_NORM)
        self._optimiser.step()
        self.step += 1
        return terms

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "seconds": self._elapsed(),
        }
        partial = self.plan.folder / f"{CHECKPOINT}.partial"
        torch.save(state, partial)
        partial.replace(self.plan.folder / CHECKPOINT)

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._began

    def _log(self, values: Mapping[str, Any]) -> None:
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

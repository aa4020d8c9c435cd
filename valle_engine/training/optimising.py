"""One step of learning: gradients of a few batches, clipped, through AdamW or Muon, and torch's own schedules."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from valle_engine.errors import CheckpointError, RunAborted
from valle_engine.training.muon import Muon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from valle_engine.training.collation import Pack
    from valle_engine.training.learner import Learner, Losses
    from valle_engine.training.options import Optimiser

Tensors: TypeAlias = "tuple[Tensor, ...] | list[Tensor]"
DIVISION = 25.0
"""The rate begins at this part of the highest one, and falls to a ten-thousandth of that."""


@dataclass(frozen=True, slots=True, eq=False)
class Stepped:
    """What a step was like: its loss, the length of its gradient before clipping, its rate, each lesson's losses."""

    loss: float
    gradient: float
    rate: float
    losses: tuple[Losses, ...]


class Learning:
    """A learner with its optimisers, their schedule and the average of its weights.

    `shared` is the learner as the processes of a group share it; alone it is the learner itself.
    """

    def __init__(self, learner: Learner, options: Optimiser, steps: int, dtype: torch.dtype) -> None:
        self.learner = learner
        self._options, self._steps = options, steps
        self._weights = [weight for weight in learner.parameters() if weight.requires_grad]
        self._optimisers = optimisers(learner, options)
        self._schedules = [schedule(each, options, steps) for each in self._optimisers]
        self._average = _average(learner, options.average)
        self._device = self._weights[0].device
        self._dtype = dtype
        self.shared: nn.Module = share(learner)

    def step(self, packs: Sequence[Pack]) -> Stepped:
        """Learn from packs. Raises `RunAborted` when the loss is no number any more; nothing is changed then."""
        losses = [self._backward(pack, len(packs), last=pack is packs[-1]) for pack in packs]
        length = clip_grad_norm_(self._weights, self._options.clip)
        loss = sum(float(each.total.detach()) for each in losses) / len(losses)
        if not bool(length.isfinite()):
            raise RunAborted(f"the gradient is no number any more (loss {loss}): resume with a smaller learning_rate")
        rate = float(self._schedules[0].get_last_lr()[0])
        for optimiser, following in zip(self._optimisers, self._schedules, strict=True):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            following.step()
        if self._average is not None:
            self._average.update_parameters(self.learner)
        return Stepped(loss, float(length), rate, tuple(losses))

    def losses(self, pack: Pack) -> Losses:
        """Losses of a pack, without learning from it."""
        with torch.no_grad(), self._precision():
            found: Losses = self.averaged.eval()(self.learner.placed(pack))
        return found

    @property
    def averaged(self) -> Learner:
        """The learner with the averaged weights; as it is, where nothing is averaged."""
        averaged: Any = self.learner if self._average is None else self._average.module
        return averaged  # type: ignore[no-any-return]

    def state(self) -> dict[str, Any]:
        """Everything to go on from."""
        return {
            "weights": self.learner.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "optimisers": [each.state_dict() for each in self._optimisers],
        }

    def load(self, state: dict[str, Any], step: int) -> None:
        """Go on from there, after so many steps, with the options as they are now.

        Raises `CheckpointError` for the state of another model.
        """
        options = [[_without(group, "params") for group in each.param_groups] for each in self._optimisers]
        try:
            self.learner.load_state_dict(state["weights"])
            if self._average is not None and state["average"] is not None:
                self._average.load_state_dict(state["average"])
            for optimiser, kept in zip(self._optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"it is of another model or optimiser than the file describes: {error}") from error
        for optimiser, groups in zip(self._optimisers, options, strict=True):
            for group, now in zip(optimiser.param_groups, groups, strict=True):
                group.update(now)
        self._schedules = [schedule(each, self._options, self._steps, after=step) for each in self._optimisers]

    def _backward(self, pack: Pack, count: int, *, last: bool) -> Losses:
        self.shared.train()
        with self._alone(last=last):
            with self._precision():
                losses: Losses = self.shared(self.learner.placed(pack))
            (losses.total / count).backward()  # type: ignore[no-untyped-call]
        return losses

    def _alone(self, *, last: bool) -> AbstractContextManager[Any]:
        """Keep gradients to oneself until the last batch of a step."""
        no_sync = getattr(self.shared, "no_sync", None)
        return nullcontext() if last or no_sync is None else no_sync()

    def _precision(self) -> AbstractContextManager[Any]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)


def share(learner: Learner) -> nn.Module:
    """The learner as the processes of a group share it: gradients are averaged over them."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return learner
    # A batch seldom touches every head and table.
    return torch.nn.parallel.DistributedDataParallel(learner, find_unused_parameters=True)


def optimisers(learner: Learner, options: Optimiser) -> list[Optimizer]:
    """What moves the weights. Muon is for matrices between hidden states; all else is AdamW's beside it."""
    weights = {name: weight for name, weight in learner.named_parameters() if weight.requires_grad}
    hidden = {name for name, weight in weights.items() if ".layers." in name and weight.dim() == 2}
    if options.kind == "adamw":
        hidden = set()
    adam = AdamW(
        [weight for name, weight in weights.items() if name not in hidden],
        lr=options.learning_rate,
        betas=options.betas,
        eps=options.epsilon,
        weight_decay=options.weight_decay,
        fused=True,
    )
    if not hidden:
        return [adam]
    matrices = [weight for name, weight in weights.items() if name in hidden]
    return [adam, Muon(matrices, options.learning_rate, options.weight_decay)]


def schedule(optimiser: Optimizer, options: Optimiser, steps: int, after: int = 0) -> LRScheduler:
    """The rate of every step behind `after`: up in `warmup` steps, then down by the schedule's name."""
    last = after - 1
    if options.schedule == "constant":
        return LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / max(1, options.warmup)), last)
    return OneCycleLR(
        optimiser,
        options.learning_rate,
        total_steps=steps + 1,
        pct_start=(max(1, min(options.warmup, steps)) + 1) / (steps + 1),
        anneal_strategy="cos" if options.schedule == "cosine" else "linear",
        cycle_momentum=False,
        div_factor=DIVISION,
        last_epoch=last,
    )


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def _average(learner: Learner, decay: float) -> AveragedModel | None:
    if not decay:
        return None

    def average(averages: Tensors, weights: Tensors, count: Tensor | int) -> None:
        """Forget the first weights soon: the decay grows with the number of steps."""
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(now)(averages, weights, count)  # type: ignore[no-untyped-call]

    return AveragedModel(learner, multi_avg_fn=average)

"""Train on several GPUs and machines through Ray Train. The loop is the same; gradients are averaged over processes.

Whatever kills a process, all of them start again from the last checkpoint, `devices.failures` times.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from valle_engine.errors import JobError, Problem, RunAborted
from valle_engine.executors.ray import crew_for, machines, session
from valle_engine.training.batches import Reader
from valle_engine.training.running import claimed, work

if TYPE_CHECKING:
    from valle_engine.training.loading import Training

EXTRA = "pip install 'valle-engine[train]'"


def train_on_ray(training: Training, *, resume: bool) -> bool:
    """Train with as many processes as the file says; whether all steps were made.

    The run's folder and the corpus must be the same for all machines. Raises `JobError` where Ray Train is not
    installed or the processes do not fit, and `RunAborted` when they failed too often.
    """
    devices = training.spec.devices
    with claimed(training, resume=resume), session(devices.address):
        crew = crew_for(devices, machines(), "devices")
        return _fitted(training, crew.cpus, crew.gpus)


def _fitted(training: Training, cpus: float, gpus: float) -> bool:
    try:
        from ray import train  # noqa: PLC0415 - an extra, and only for several processes
        from ray.train.torch import TorchTrainer  # noqa: PLC0415 - same
    except ImportError as error:
        raise JobError([Problem("Ray Train is not installed", path="devices", hint=EXTRA)]) from error
    devices = training.spec.devices
    trainer: Any = TorchTrainer(
        _work,
        train_loop_config={"training": training},
        scaling_config=train.ScalingConfig(
            num_workers=devices.count, use_gpu=gpus > 0, resources_per_worker={"CPU": cpus, "GPU": gpus}
        ),
        run_config=train.RunConfig(
            name=training.spec.name,
            storage_path=str(training.folder / "ray"),
            failure_config=train.FailureConfig(max_failures=devices.failures),
        ),
    )
    try:
        trainer.fit()
    except train.TrainingFailedError as error:
        raise RunAborted(f"{training.file}: {_last_line(str(error))}") from error
    return True


def _work(config: dict[str, Any]) -> None:
    """One process of the training: begun anew or again, it goes on from the newest checkpoint there is."""
    training: Training = config["training"]
    if not training.spec.devices.gpus:
        # Ray leaves a process without GPUs all of them.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch  # noqa: PLC0415 - after that variable
    from ray import train  # noqa: PLC0415 - an extra
    from ray.train.torch import get_device  # noqa: PLC0415 - same

    if torch.cuda.is_available():
        torch.cuda.set_device(get_device())
    context = train.get_context()
    work(training, None, Reader(training.spec.seed, context.get_world_rank(), context.get_world_size()))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the processes failed"

"""Workers as plain Ray actors. The only module that imports Ray.

Actors never restart by themselves (`max_restarts=0`, `max_task_retries=0`): a death is then seen in milliseconds and
keeps its cause, and the driver decides what is run again. One long poll per worker carries outcomes and signs of life.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import ray
from ray import exceptions

from valle_engine.errors import JobError, Problem
from valle_engine.executors.pool import OUT_OF_MEMORY, SET_UP_FAILED, Died, Event, Ready, Reported
from valle_engine.records import Failure
from valle_engine.worker import Identity, Marks, pid_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from valle_engine.executors.pool import Hand
    from valle_engine.records import Order
    from valle_engine.worker import Report

POLL_SECONDS = 1.0
LAST_WORDS = 2000
"""Characters kept of what a dead worker wrote to its standard error."""


class Actor:
    """A worker as an actor: what `make` builds of a name and a file for its marks, with nothing else in its process."""

    def __init__(self, make: Callable[[str, str], Hand], name: str, marks: str, gpus: float) -> None:
        if not gpus:
            # Ray leaves the variable alone for an actor without GPUs, which would then see all of them.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self._hand = make(name, marks)

    async def identify(self) -> Identity:
        """Answer once it can work."""
        return await self._hand.identify()

    async def submit(self, orders: Sequence[Order]) -> None:
        """Take orders."""
        await self._hand.submit(orders)

    async def poll(self, patience: float) -> Report:
        """Report."""
        return await self._hand.poll(patience)


class Wanted(Protocol):
    """How many workers a job asks for, and of what each."""

    @property
    def count(self) -> Literal["auto"] | int:
        """Workers; `auto` is as many as fit."""

    @property
    def cpus(self) -> float:
        """CPU cores of each."""

    @property
    def gpus(self) -> float:
        """GPUs of each."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers of one kind: how many run at a time, and the CPU cores and GPUs of each."""

    places: int
    cpus: float
    gpus: float


class RayPool:
    """A pool of Ray actors inside a `session`; a `valle_engine.executors.pool.Pool`.

    `make` travels to the actors and builds a worker there. `marks` is a local folder for the workers' marks; workers on
    machines that do not see it work without marks.
    """

    def __init__(self, make: Callable[[str, str], Hand], crew: Crew, marks: Path) -> None:
        self.places = crew.places
        self._make = make
        self._crew = crew
        self._marks = marks
        self._marks.mkdir(exist_ok=True)
        self._actors: dict[str, Any] = {}
        self._polls: dict[Any, str] = {}
        self._identities: dict[str, Identity] = {}

    def start(self, worker: str) -> None:
        """Create an actor; its first answer, or its death, is an event."""
        marks = self._marks / worker
        marks.touch()
        actor: Any = (
            ray.remote(Actor)
            .options(
                num_cpus=self._crew.cpus,
                num_gpus=self._crew.gpus,
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=1000,
            )
            .remote(self._make, worker, str(marks), self._crew.gpus)
        )
        self._actors[worker] = actor
        self._polls[actor.identify.remote()] = worker

    def submit(self, worker: str, orders: Sequence[Order]) -> None:
        """Send orders; a dead actor is told by its poll."""
        self._actors[worker].submit.remote(orders)

    def wait(self, patience: float) -> list[Event]:
        """Wait for answers to polls, at most `patience` seconds."""
        if not self._polls:
            return []
        answered, waiting = ray.wait(list(self._polls), num_returns=1, timeout=patience)
        if answered and waiting:
            more, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
            answered += more
        return [self._event(reference) for reference in answered]

    def kill(self, worker: str) -> frozenset[str] | None:
        """Kill an actor, also one that is stopped or holds the interpreter's lock."""
        actor = self._actors[worker]
        identity = self._identities.get(worker)
        self._polls = {reference: name for reference, name in self._polls.items() if name != worker}
        if identity and identity.space == pid_space():
            # Ray's own kill needs seconds for a process that does not listen.
            with contextlib.suppress(ProcessLookupError):
                os.kill(identity.pid, signal.SIGKILL)
        ray.kill(actor)
        return self._forget(worker)

    def close(self) -> None:
        """Kill the actors."""
        for actor in self._actors.values():
            ray.kill(actor)
        self._actors.clear()
        self._polls.clear()

    def _event(self, reference: Any) -> Event:
        worker = self._polls.pop(reference)
        try:
            answer = ray.get(reference)
        except exceptions.RayError as error:
            failure = self._failure(worker, error)
            return Died(worker, failure, self._forget(worker))
        actor = self._actors[worker]
        self._polls[actor.poll.remote(POLL_SECONDS)] = worker
        if isinstance(answer, Identity):
            self._identities[worker] = answer
            return Ready(worker, answer)
        return Reported(worker, answer)

    def _failure(self, worker: str, error: exceptions.RayError) -> Failure:
        words = last_words(self._identities.get(worker))
        if isinstance(error, exceptions.OutOfMemoryError):
            return Failure(OUT_OF_MEMORY, "the worker was ended because its machine ran out of memory", str(error))
        if isinstance(error, exceptions.RayActorError) and error.actor_init_failed:
            return Failure(SET_UP_FAILED, _cause(str(error)), str(error)[-LAST_WORDS:])
        return Failure("WorkerDied", _exit_detail(str(error)), words or str(error)[-LAST_WORDS:])

    def _forget(self, worker: str) -> frozenset[str] | None:
        self._actors.pop(worker)
        identity = self._identities.pop(worker, None)
        path = self._marks / worker
        begun = Marks.begun(path.read_text())
        path.unlink()
        if identity is None:
            return frozenset()
        return frozenset(begun) if identity.marks else None


@contextlib.contextmanager
def session(address: str | None) -> Iterator[None]:
    """A cluster to run pools in, left at the end; one of our own ends with it. Raises `JobError` as `connect` does."""
    connect(address)
    try:
        yield
    finally:
        ray.shutdown()


def connect(address: str | None) -> None:
    """Join the cluster at an address, or start one of our own.

    Raises `JobError` where Ray's token authentication is switched off: its ports run whatever anybody sends them.
    """
    if os.environ.get("RAY_AUTH_MODE", "").lower() == "disabled":
        raise JobError(
            [Problem("RAY_AUTH_MODE=disabled lets anybody who reaches Ray's ports run code here", hint="unset it")]
        )
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if address is None:
        options |= {"include_dashboard": False}
    try:
        # A hang-up of the terminal reaches the whole group; Ray's daemons must outlive it for the running items.
        with _blocked(signal.SIGHUP):
            ray.init(address=address or "local", **options)
    except (ConnectionError, RuntimeError, ValueError, exceptions.RayError) as error:
        raise JobError(
            [Problem(f"no Ray cluster at {address or 'this machine'}: {_first_line(str(error))}")]
        ) from error
    _keep_token_private()


def machines() -> list[Mapping[str, float]]:
    """The resources of the cluster's machines as Ray tells them."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def crew_for(wanted: Wanted, machines: Sequence[Mapping[str, float]], section: str) -> Crew:
    """As many workers as asked for, or as fit. Raises `JobError`, for that section of the job, when they do not fit.

    Asking Ray for more than there is waits for ever, without an error.
    """
    if wanted.gpus > 1 and wanted.gpus != int(wanted.gpus):
        message = f"a worker cannot have {wanted.gpus:g} GPUs"
        raise JobError([Problem(message, path=f"{section}.gpus", hint="a fraction, or a whole number")])
    fit = sum(_fit(wanted, machine) for machine in machines)
    if wanted.count != "auto" and wanted.count <= fit:
        return Crew(wanted.count, wanted.cpus, wanted.gpus)
    if wanted.count == "auto" and fit:
        return Crew(fit, wanted.cpus, wanted.gpus)
    asked = "one worker" if wanted.count == "auto" else f"{wanted.count} workers"
    have = ", ".join(f"{each.get('CPU', 0):g} CPUs and {each.get('GPU', 0):g} GPUs" for each in machines)
    message = f"{asked} of {wanted.cpus:g} CPUs and {wanted.gpus:g} GPUs do not fit: there is room for {fit} on {have}"
    hint = f"lower {section}.count, cpus or gpus, or join a larger cluster with --address"
    raise JobError([Problem(message, path=section, hint=hint)])


def left_by(crew: Crew, machines: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """What the machines have left beside a crew, which is spread as evenly as it fits."""
    left = [dict(machine) for machine in machines]
    for _ in range(crew.places):
        place = max((each for each in left if _fit(crew, each)), key=lambda each: each.get("CPU", 0), default=None)
        if place is not None:
            place["CPU"] = place.get("CPU", 0) - crew.cpus
            place["GPU"] = place.get("GPU", 0) - crew.gpus
    return left


def last_words(identity: Identity | None) -> str:
    """End of what a worker of this machine wrote to its standard error, control characters and all."""
    if identity is None or identity.space != pid_space() or not identity.stderr:
        return ""
    try:
        return Path(identity.stderr).read_bytes()[-LAST_WORDS:].decode(errors="replace")
    except OSError:
        return ""


def _fit(wanted: Wanted | Crew, resources: Mapping[str, float]) -> int:
    fit = math.floor(resources.get("CPU", 0) / wanted.cpus)
    if not wanted.gpus:
        return fit
    gpus = resources.get("GPU", 0)
    by_gpu = math.floor(gpus / wanted.gpus) if wanted.gpus >= 1 else math.floor(1 / wanted.gpus) * int(gpus)
    return min(fit, by_gpu)


@contextlib.contextmanager
def _blocked(signal_number: signal.Signals) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal_number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _keep_token_private() -> None:
    token = Path.home() / ".ray" / "auth_token"
    with contextlib.suppress(OSError):
        if token.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            token.chmod(stat.S_IRUSR | stat.S_IWUSR)


def _exit_detail(text: str) -> str:
    """What Ray knows of how the process ended, without its advice."""
    found = re.search(r"Worker exit detail: (.+?)(?: Some common causes|$)", text, re.DOTALL)
    return f"the worker died: {_first_line(found[1])}" if found else _first_line(text)


def _cause(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else text


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]

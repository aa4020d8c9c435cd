"""The decode engine: many coroutines ask, one thread works, what is asked at the same time is batched."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from valle_engine.model.sameness import settle_rows
from valle_engine.model.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valle_engine.model.language_model import LanguageModel
    from valle_engine.model.requests import Request
    from valle_engine.model.scheduler import Advanced, Ended

Precision = Literal["auto", "float32", "bfloat16"]
CACHE_SHARE = 0.5
"""Share of the free memory that caches may take."""


def choose_dtype(precision: Precision, device: str) -> torch.dtype:
    """What to compute in; `auto` is bfloat16 where the hardware multiplies it, else float32."""
    if precision != "auto":
        return torch.float32 if precision == "float32" else torch.bfloat16
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32  # noqa: SLF001 - no public name


class DecodeEngine:
    """Generates for many items at once on one model, which it prepares and owns from then on.

    `slots` is how many requests run at a time; `cache_bytes` is what their caches may take, None for half of the
    memory that is free. Results depend on neither.
    """

    def __init__(self, model: LanguageModel, slots: int = 16, cache_bytes: int | None = None) -> None:
        prepare(model)
        self._scheduler = Scheduler(model, slots, cache_bytes or int(CACHE_SHARE * free_memory(model.device)))
        self._thread = ThreadPoolExecutor(1, "decode", initializer=torch.set_num_threads, initargs=(1,))
        self._futures: dict[int, asyncio.Future[Any]] = {}
        self._arrived: list[tuple[int, Request, Advanced]] = []
        self._tickets = 0
        self._loop: asyncio.Task[None] | None = None

    async def generate(self, request: Request, advanced: Advanced = lambda: None) -> Any:
        """Result of a request. Raises `ItemError` for what cannot be generated.

        `advanced` is called whenever the request has got on, from the engine's thread.
        """
        self._tickets += 1
        ticket = self._tickets
        future = self._futures[ticket] = asyncio.get_running_loop().create_future()
        self._arrived.append((ticket, request, advanced))
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._work())
        try:
            return await future
        finally:
            del self._futures[ticket]

    async def close(self) -> None:
        """Stop; whoever still waits is cancelled."""
        for future in list(self._futures.values()):
            future.cancel()
        if self._loop is not None:
            await self._loop
        self._thread.shutdown()

    async def _work(self) -> None:
        """Rounds, as long as there is something to do; what arrives meanwhile joins the next one."""
        await asyncio.sleep(0)
        try:
            while self._take_in():
                self._settle(await asyncio.get_running_loop().run_in_executor(self._thread, self._scheduler.round))
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, or would wait for ever
            self._scheduler.keep(())
            for future in self._futures.values():
                if not future.done():
                    future.set_exception(error)

    def _take_in(self) -> bool:
        """Hand over what has arrived, forget what was cancelled; whether there is anything to do."""
        for arrived in self._arrived:
            self._scheduler.submit(*arrived)
        self._arrived.clear()
        self._scheduler.keep(self._futures.keys())
        return self._scheduler.busy

    def _settle(self, ended: Sequence[Ended]) -> None:
        for end in ended:
            future = self._futures.get(end.ticket)
            if future is None or future.done():
                continue
            if end.error is None:
                future.set_result(end.result)
            else:
                future.set_exception(end.error)


def run_all(model: LanguageModel, requests: Sequence[Request], slots: int = 16, cache_bytes: int = 2**33) -> list[Any]:
    """Results of requests in their order, without a thread or an event loop. Raises the first error there is."""
    scheduler = Scheduler(model, slots, cache_bytes)
    for index, request in enumerate(requests):
        scheduler.submit(index, request)
    results: dict[int, Any] = {}
    while scheduler.busy:
        for end in scheduler.round():
            if end.error is not None:
                raise end.error
            results[end.ticket] = end.result
    return [results[index] for index in range(len(requests))]


def prepare(model: LanguageModel) -> None:
    """Lay the weights out for this processor and see to it that a row's bits do not depend on its neighbours."""
    if model.device.type == "cpu" and packs(model.dtype):
        for linear in model.linears():
            linear.pack()
    settle_rows(model)


def packs(dtype: torch.dtype) -> bool:
    """Whether oneDNN lays weights out for this processor; bfloat16 not on every one."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - no public name


def free_memory(device: torch.device) -> int:
    """Bytes that can still be taken on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    with Path("/proc/meminfo").open(encoding="ascii") as file:
        figures = dict(line.split(":", 1) for line in file)
    return int(figures["MemAvailable"].split()[0]) * 1024

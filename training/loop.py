"""The one training loop: AdamW, averaged weights, checkpoints, a line of metrics now and then.

Everything random in step `n` comes from a generator that is seeded with the stage's seed and `n`; so a run that was
killed and resumed computes bit for bit what an undisturbed one does. A GPU sees the same batches, but noise of its own.
"""

from __future__ import annotations

import json
import math
import signal
import threading
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from training import checkpoint
from training.checkpoint import Checkpoint
from training.config import Schedule
from training.progress import StepLog

FLOOR = 0.02
"""Of the learning rate, where the cosine ends."""


@dataclass(frozen=True)
class TrainingMachine:
    """Where and how a stage computes."""

    device: torch.device
    bf16: bool
    compiled: bool

    @classmethod
    def best(cls, device: str = "auto") -> TrainingMachine:
        """A GPU with bf16 and compiled modules if there is one, else the CPU in fp32."""
        gpu = torch.cuda.is_available() if device == "auto" else device.startswith("cuda")
        return cls(torch.device("cuda" if gpu else "cpu"), bf16=gpu, compiled=gpu)

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext()


class TrainingStage(ABC):
    """One thing to train. Subclasses hold their modules and their data."""

    name: str
    schedule: Schedule
    modules: Mapping[str, nn.Module]
    """Those that learn, by name; frozen parameters are those that do not require a gradient."""

    @abstractmethod
    def loss(self, random: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of one batch, and figures to log; all randomness from `random`."""

    @abstractmethod
    def measure(self) -> dict[str, float]:
        """Figures on held-out scenes, with the modules in eval mode."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the result in its public format (fp32), whole."""

    def hot(self) -> Sequence[nn.Module]:
        """The modules whose `forward` takes the time: what a GPU run compiles, and a CPU run lays out for speed."""
        return list(self.modules.values())

    def parameters(self) -> dict[str, nn.Parameter]:
        return {
            f"{part}.{name}": parameter
            for part, module in self.modules.items()
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        }


@dataclass(frozen=True)
class TrainingRun:
    """How stages are run; the same for all of them."""

    work: Path
    """Checkpoints are kept in `work/checkpoints/<stage>`, metrics in `work/metrics.jsonl`."""
    recipe: str
    """Digest of the recipe."""
    machine: TrainingMachine
    seed: int = 0
    checkpoint_every_s: float = 120.0
    log_every: int = 50
    stop_after: int | None = None
    """Stop cleanly after this many completed steps, as a kill would, with a checkpoint."""


def train(stage: TrainingStage, run: TrainingRun) -> bool:
    """Train a stage to its end, from its checkpoint if there is one.

    Leaves the averaged weights in the stage's modules, in eval mode. Returns whether the end was reached. On an
    interrupt a checkpoint is written before the interrupt goes on.
    """
    schedule, device = stage.schedule, run.machine.device
    for module in stage.modules.values():
        module.to(device).train()
    for module in stage.hot():
        _lay_out(module, torch.channels_last)
    if run.machine.compiled:
        for module in stage.hot():
            module.compile()
    parameters = stage.parameters()
    matrices = [p for p in parameters.values() if p.ndim >= 2]
    vectors = [p for p in parameters.values() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": schedule.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=schedule.rate,
        betas=(0.9, schedule.beta2),
    )
    averaged = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    folder = run.work / "checkpoints" / stage.name
    step, before = 0, 0.0
    if (found := checkpoint.load(folder, run.recipe)) is not None:
        step, before = found.step, found.seconds
        _restore(found, parameters, averaged, optimizer)

    started = saved = time.monotonic()

    def save() -> None:
        tensors = _capture(parameters, averaged, optimizer)
        checkpoint.save(folder, run.recipe, Checkpoint(step, before + time.monotonic() - started, tensors))

    random = Generator()
    end = min(schedule.steps, run.stop_after or schedule.steps)
    try:
        with StepLog(stage.name, schedule.steps, step) as progress, _between_steps() as interrupted:
            while step < end and not interrupted:
                random.manual_seed(_seed(run.seed, stage.name, step))
                for group in optimizer.param_groups:
                    group["lr"] = rate(schedule, step)
                with run.machine.autocast():
                    loss, figures = stage.loss(random)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
                optimizer.step()
                step += 1
                _average(averaged, parameters, min(schedule.ema, step / (step + 10)) if schedule.ema else 0.0)
                if step % run.log_every == 0 or step == schedule.steps:
                    shown = {"loss": loss.item(), **{name: figure.item() for name, figure in figures.items()}}
                    log(run.work, stage.name, step, before + time.monotonic() - started, shown)
                    progress.advance(step, " ".join(f"{name} {value:.4g}" for name, value in shown.items()))
                if time.monotonic() - saved > run.checkpoint_every_s:
                    save()
                    saved = time.monotonic()
            if interrupted:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        save()
        raise
    save()
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(averaged[name])
    for module in stage.hot():
        _lay_out(module, torch.contiguous_format)
    for module in stage.modules.values():
        module.eval()
    return step >= schedule.steps


@contextmanager
def _between_steps() -> Iterator[list[int]]:
    """Signals that would interrupt a step, kept until it is over: half a step in a checkpoint cannot be resumed.

    Yields:
        The signals that came.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only there can handlers be set
        yield came
        return
    before = {one: signal.signal(one, lambda number, _: came.append(number)) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def normal(shape: Sequence[int], random: Generator, device: torch.device) -> Tensor:
    """Standard normal noise; drawn on the device, because a CPU cannot keep a GPU supplied."""
    if device.type == "cpu":
        return torch.randn(*shape, generator=random)
    seed = int(torch.randint(2**62, (), generator=random))
    return torch.randn(*shape, generator=Generator(device).manual_seed(seed), device=device)


def rate(schedule: Schedule, step: int) -> float:
    """The learning rate of a step."""
    done = step / schedule.steps
    warm = min(1.0, (step + 1) / schedule.warmup) if schedule.warmup else 1.0
    falling = max(0.0, done - schedule.plateau) / max(1e-9, 1 - schedule.plateau)
    return schedule.rate * warm * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * falling)))


def log(work: Path, stage: str, step: int, seconds: float, figures: Mapping[str, float]) -> None:
    """Append one JSON line to the run's metrics."""
    rounded = {name: round(value, 6) for name, value in figures.items()}
    line = json.dumps({"stage": stage, "step": step, "seconds": round(seconds, 1), **rounded})
    with (work / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _seed(seed: int, stage: str, step: int) -> int:
    """Distinct for every seed, stage and step, and the same in every process."""
    return (seed * 1_000_003 + zlib.crc32(stage.encode()) % 999_983) * 10_000_019 + step


def _lay_out(module: nn.Module, layout: torch.memory_format) -> None:
    """Kernels in memory as given; with channels last, convolutions train a quarter faster on a CPU.

    A module of which a part is frozen stays as it is: torch 2.13 ends in a segmentation fault in the gradient of a
    group norm with channels last whose input needs none.
    """
    if all(parameter.requires_grad for parameter in module.parameters()):
        module.to(memory_format=layout)  # type: ignore[call-overload]


def _average(averaged: Mapping[str, Tensor], parameters: Mapping[str, Tensor], decay: float) -> None:
    torch._foreach_lerp_(list(averaged.values()), [p.detach() for p in parameters.values()], 1 - decay)


def _capture(
    parameters: Mapping[str, nn.Parameter], averaged: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    tensors = checkpoint.gather("parameter", parameters) | checkpoint.gather("averaged", averaged)
    for moment in ("exp_avg", "exp_avg_sq", "step"):
        tensors |= checkpoint.gather(moment, {name: optimizer.state[p][moment] for name, p in parameters.items()})
    return tensors


def _restore(
    found: Checkpoint,
    parameters: Mapping[str, nn.Parameter],
    averaged: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    checkpoint.scatter("parameter", found.tensors, parameters)
    checkpoint.scatter("averaged", found.tensors, averaged)
    moments: dict[str, dict[str, Tensor]] = {
        "exp_avg": {name: torch.zeros_like(p) for name, p in parameters.items()},
        "exp_avg_sq": {name: torch.zeros_like(p) for name, p in parameters.items()},
        "step": {name: torch.zeros(()) for name in parameters},
    }
    for moment, tensors in moments.items():
        checkpoint.scatter(moment, found.tensors, tensors)
    for name, parameter in parameters.items():
        optimizer.state[parameter] = {moment: tensors[name] for moment, tensors in moments.items()}

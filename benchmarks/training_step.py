"""The training step's speed: our network against the authors' package, `sq_codec`.

Both do the same: waveform and STFT losses, AdamW, gradient clipping, on the same audio with
the same precision (fp32, and bf16 by autocast), in turns, so that a busy machine slows them
alike. The ratio of a case is the median over the turns; the smallest over the cases counts.

    python -m benchmarks.training_step [--preset NAME] [--steps N] [--device NAME] [--profile]
                                       [--compile]

`--compile` compiles our network, as the trainer's setting `compile` does, and leaves the
authors' as they publish it; compiling, which takes minutes, is not counted.

The table goes to stderr, the same as JSON to stdout. Without `sq_codec` (the extra `test`
installs it) our own figures are printed alone.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS, get_config
from sqcodec.training.compiled import compile_network
from sqcodec.training.config import PRECISIONS
from sqcodec.training.initial import initialise
from sqcodec.training.losses import stft_loss, waveform_loss

BATCH_SIZE = 4
TARGET = 3.0
_AMPLITUDE = 0.1

# The names of the presets in the package.
AUTHORS_NAMES = {
    "sqcodec-0.75k": "0k75bps",
    "sqcodec-1.5k": "1k5bps",
    "sqcodec-3k": "3kbps",
    "sqcodec-6k": "6kbps",
    "sqcodec-12k": "12kbps",
    "sqcodec-12k-24khz": "12kbps_24khz",
    "sqcodec-24k-24khz": "24kbps_24khz",
}


@dataclass(frozen=True)
class Case:
    """Audio-seconds per second of one precision, turn by turn.

    `theirs` is empty where the authors' package is not installed.
    """

    precision: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float | None:
        """How many times faster ours is: the median over the turns."""
        if not self.theirs:
            return None
        pairs = zip(self.ours, self.theirs, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


class Step:
    """A training step of one network.

    Args:
        forward: audio [B, T] -> reconstruction [B, T], with the precision that it is to have.
        network: whose parameters are trained.
    """

    def __init__(self, forward: Callable[[Tensor], Tensor], network: nn.Module) -> None:
        self.forward = forward
        self.parameters = list(network.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=3e-5, fused=True)

    def __call__(self, audio: Tensor) -> float:
        """Do the step on audio [B, T] and return the loss."""
        estimate = self.forward(audio).float()
        loss = 100 * waveform_loss(audio, estimate) + stft_loss(audio, estimate)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 10_000.0)
        self.optimizer.step()
        return loss.item()  # waits for a GPU, too


def our_step(preset: str, precision: str, device: torch.device, *, compile: bool = False) -> Step:
    """A step of our network, as `sqcodec.training.trainer` does it."""
    network = SQCodecNetwork(get_config(preset))
    initialise(network, seed=0)
    network.to(device).train()
    if compile:
        compile_network(network)

    def forward(audio: Tensor) -> Tensor:
        with _autocast(precision, device):
            latent = network.encoder(audio)
        quantized = network.quantizer(latent.float())
        with _autocast(precision, device):
            return network.decoder(quantized)

    return Step(forward, network)


def authors_step(preset: str, precision: str, device: torch.device) -> Step:
    """The same step of the authors' network.

    Raises:
        ModuleNotFoundError: their package is not installed.
    """
    import sq_codec

    file = sq_codec.CONFIG_DIR / f"{AUTHORS_NAMES[preset]}.toml"
    network: Any = sq_codec.EnCodec(sq_codec.SQCodecConfig(config_file=file).network_config)
    network.to(device).train()

    def forward(audio: Tensor) -> Tensor:
        with _autocast(precision, device):
            latent = network.en_encoder(network.encoder(audio[:, None]))
            quantized, *_ = network.quantizer(latent)
            return network.decoder(network.en_decoder(quantized))[:, 0]

    return Step(forward, network)


def _autocast(precision: str, device: torch.device) -> Any:
    enabled = precision == "bf16"
    return torch.autocast(device.type, torch.bfloat16) if enabled else nullcontext()


def measure(
    preset: str, precision: str, n_steps: int, device: torch.device, *, compile: bool = False
) -> Case:
    """Time `n_steps` of each network in turns, after one of each that is not counted.

    Raises:
        RuntimeError: a loss is not finite: what was timed was no training.
    """
    config = get_config(preset)
    generator = torch.Generator().manual_seed(0)
    audio = _AMPLITUDE * torch.randn(BATCH_SIZE, config.window_length, generator=generator)
    audio = audio.to(device)
    duration_s = BATCH_SIZE * config.window_length / config.sample_rate
    steps = [our_step(preset, precision, device, compile=compile)]
    with suppress(ModuleNotFoundError):
        steps.append(authors_step(preset, precision, device))
    speeds: list[list[float]] = [[] for _ in steps]
    for turn in range(n_steps + 1):
        for step, reached in zip(steps, speeds, strict=True):
            started = time.perf_counter()
            loss = step(audio)
            seconds = time.perf_counter() - started
            if not loss < float("inf"):
                raise RuntimeError(f"a loss of {loss} in {precision}")
            if turn:
                reached.append(duration_s / seconds)
    return Case(precision, tuple(speeds[0]), tuple(speeds[1]) if len(speeds) > 1 else ())


def profile(preset: str, precision: str, device: torch.device, *, compile: bool = False) -> str:
    """A table of where our step spends its time, by operator."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    config = get_config(preset)
    audio = _AMPLITUDE * torch.randn(BATCH_SIZE, config.window_length, device=device)
    step = our_step(preset, precision, device, compile=compile)
    step(audio)
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profiled(activities=activities) as seen:
        step(audio)
    by = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    return seen.key_averages().table(sort_by=by, row_limit=20)


def table(cases: list[Case], title: str) -> Table:
    """A row per precision."""
    shown = Table(title=title)
    for column in ("precision", "ours, audio-s/s", "sq_codec, audio-s/s", "ratio"):
        shown.add_column(column, justify="left" if column == "precision" else "right")
    for case in cases:
        theirs = f"{statistics.median(case.theirs):.2f}" if case.theirs else "not installed"
        ratio = "" if case.ratio is None else f"{case.ratio:.2f}"
        shown.add_row(case.precision, f"{statistics.median(case.ours):.2f}", theirs, ratio)
    return shown


def main(
    preset: Annotated[str, typer.Option(help="One of the seven presets.")] = "sqcodec-3k",
    steps: Annotated[int, typer.Option(min=1, help="Steps of each network and precision.")] = 5,
    device: Annotated[str, typer.Option(help="cpu, cuda ...")] = "cpu",
    with_profile: Annotated[
        bool, typer.Option("--profile", help="Print where our step spends its time, too.")
    ] = False,
    with_compile: Annotated[
        bool, typer.Option("--compile", help="Compile our network: minutes before each case.")
    ] = False,
) -> None:
    """Time a training step against the authors' network."""
    console = Console(stderr=True)
    if preset not in PRESETS:
        console.print(f"{preset} is none of {', '.join(PRESETS)}", style="red", markup=False)
        raise typer.Exit(2)
    place = torch.device(device)
    cases = []
    for precision in PRECISIONS:
        with console.status(f"{preset}, {precision}: {steps + 1} steps of each"):
            cases.append(measure(preset, precision, steps, place, compile=with_compile))
    config = get_config(preset)
    crop_s = config.window_length / config.sample_rate
    compiled = ", ours compiled" if with_compile else ""
    title = f"training step of {preset}, {BATCH_SIZE} x {crop_s:g} s, {device}{compiled}"
    console.print(table(cases, title))
    ratios = [case.ratio for case in cases if case.ratio is not None]
    if ratios:
        console.print(f"smallest ratio {min(ratios):.2f} (target {TARGET:g})")
    if with_profile:
        for precision in PRECISIONS:
            shown = profile(preset, precision, place, compile=with_compile)
            console.print(precision, shown, markup=False)
    print(
        json.dumps(
            {
                "preset": preset,
                "compiled": with_compile,
                "device": torch.cuda.get_device_name() if place.type == "cuda" else "cpu",
                "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
                "torch": torch.__version__,
                "cases": [asdict(case) | {"ratio": case.ratio} for case in cases],
                "smallest_ratio": min(ratios, default=None),
                "target": TARGET,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    typer.run(main)

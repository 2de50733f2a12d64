"""benchmarks.onnx_row: whole frames go through the graphs, which are traced once for a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Graphs that only round: codes are the samples, so that what was padded is seen.
ROUNDING = """
from types import SimpleNamespace
import torch
from onnx import TensorProto, helper
from benchmarks import onnx_row

def graph(names, types, said):
    node = helper.make_node("Cast", names[:1], names[1:], to=types[1])
    ends = [helper.make_tensor_value_info(n, t, ["b", "n"]) for n, t in zip(names, types)]
    model = helper.make_model(
        helper.make_graph([node], "rounding", ends[:1], ends[1:]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    for key, value in said.items():
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString()

def trace(network, said):
    print("traced", said)
    audio, codes = TensorProto.FLOAT, TensorProto.INT64
    return graph(("audio", "codes"), (audio, codes), said), graph(
        ("codes", "audio"), (codes, audio), said
    )

onnx_row.trace = trace
network = SimpleNamespace(config=SimpleNamespace(hop_length=4))
for _ in range(2):
    encode, decode = onnx_row.onnx_runtime(lambda preset: network, "toy")
    codes = encode(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    print(codes.tolist(), codes.dtype)
    print(decode(codes).tolist())
"""
TRACED = "traced {'hop_length': '4'}"
CODED = ["[[1, 2, 3, 4, 5, 0, 0, 0]] torch.int64", "[[1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0]]"]


def lines(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", ROUNDING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_whole_frames_go_through_graphs_that_are_traced_each_time() -> None:
    assert lines() == [TRACED, *CODED, TRACED, *CODED]


def test_with_a_folder_they_are_traced_once_for_all_processes(tmp_path: Path) -> None:
    folder = {"SQCODEC_BENCHMARK_GRAPHS": str(tmp_path)}
    assert lines(**folder) == [TRACED, *CODED, *CODED]
    assert lines(**folder) == [*CODED, *CODED]
    assert {file.name for file in tmp_path.iterdir()} == {"toy-encoder.onnx", "toy-decoder.onnx"}

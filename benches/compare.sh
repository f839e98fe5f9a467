#!/bin/bash
# soundalike beside other libraries, interleaved in one run: benches/compare.sh [ROUNDS] [mfcc|full|threads|resample|cold|memory ...]
# Makes a Python environment and a synthetic corpus (1 GB) under $PEERS, once; the rows of `memory` need 7 GB more for a while.
set -euo pipefail
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # settings that slow numpy down on some machines
export PEERS=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/soundalike-peers}
here=$(dirname "$(readlink -f "$0")")
mkdir -p "$PEERS/results"
if [ ! -d "$PEERS/venv" ]; then
    python3 -m venv "$PEERS/venv"
    "$PEERS/venv/bin/pip" install numpy scipy librosa kaldi-native-fbank soundfile soxr psutil threadpoolctl
fi
[ -f "$PEERS/corpus/manifest.json" ] || "$PEERS/venv/bin/python" "$here/peers/corpus.py" --source synth
cd "$here/.."
cargo build --release --bin soundalike --example mfcc_mean
target=$(cargo metadata --format-version 1 --no-deps | "$PEERS/venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
exec "$PEERS/venv/bin/python" "$here/peers/compare.py" "$target/release" "$@"

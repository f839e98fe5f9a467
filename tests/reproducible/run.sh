#!/usr/bin/env bash
# What the program's bytes and its results depend on: builds it twice from one commit in two folders and compares the
# programs and what they give over the fixtures, and runs it on other processors, which Debian's qemu-user plays.
#
#     tests/reproducible/run.sh builds [CARGO OPTION...]
#     tests/reproducible/run.sh processors [PROGRAM]
#
# The first takes two release builds of the commit that is checked out (what is not committed is not built). The second
# takes the given program or target/release/soundalike, and much patience for processors without fused multiply-add, on
# which a network takes minutes for a clip: CLIPS (2) is the number of candidates, REFERENCE (voices/nsh/real) what they
# are compared with, ENCODERS (all) which encoders, SELFTEST=no leaves that out, and PROCESSORS says which processors are
# played, as words for qemu-x86_64 -cpu. Everything lies in WORK (a temporary folder) and is removed at the end unless
# WORK was given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
what=${1:?builds or processors}
shift
if [ -n "${WORK:-}" ]; then
    work=$(mkdir -p "$WORK" && cd "$WORK" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cd "$root/fixtures"
reference=${REFERENCE:-voices/nsh/real}
encoders=${ENCODERS:-all}

# PROGRAM FOLDER: everything that a program gives over the fixtures.
results() {
    local program=$1 out=$2 code=0
    mkdir -p "$out"
    "$program" check -q --json --reference $reference voices --report "$out/report.html" --report "$out/report.json" \
        > "$out/check.json"
    "$program" features -q voices/nsh/tts/01.wav --kind embedding -o "$out/embedding.json"
    "$program" features -q voices/nsh/tts/01.wav --kind mfcc -o "$out/mfcc.npy"
    "$program" inspect -q --json --voice voices malformed > "$out/inspect.json" || code=$?
    [ "$code" = 3 ]
    "$program" index -q voices -o "$out/voices.lib" > /dev/null
    for format in csv jsonl parquet; do
        "$program" scan -q --reference $reference "$out/voices.lib" --format $format -o "$out/hits.$format"
    done
    "$program" groups -q --json "$out/voices.lib" > "$out/groups.json"
    "$program" enrol -q $reference -o "$out/nsh.model" > /dev/null
    "$program" cohort -q voices --source fixtures -o "$out/fixtures.cohort" > /dev/null
    "$program" bundle -q "$out/report.json" -o "$out/case.zip" > /dev/null
    "$program" selftest -q > "$out/selftest.txt"
    # Two runs name their own folders.
    sed -i "s|$out|OUT|g" "$out"/*.json "$out"/voices.lib/_index.json "$out"/hits.csv "$out"/hits.jsonl
}

builds() {
    # Of other lengths, so that a path in the program moves what follows it.
    local a=$work/one b=$work/another-folder-with-a-longer-name folder
    git -C "$root" rev-parse HEAD
    for folder in "$a" "$b"; do
        mkdir -p "$folder"
        git -C "$root" archive HEAD | tar -x -C "$folder"
        (cd "$folder" && CARGO_TARGET_DIR=$folder/target cargo build --release --locked "$@")
    done
    sha256sum "$a/target/release/soundalike" "$b/target/release/soundalike"
    if cmp "$a/target/release/soundalike" "$b/target/release/soundalike"; then
        echo 'programs: the same bytes'
    else
        echo "programs: $(cmp -l "$a/target/release/soundalike" "$b/target/release/soundalike" | wc -l) bytes differ"
        for folder in "$a" "$b"; do
            echo "$(strings -n 8 "$folder/target/release/soundalike" | grep -c "$folder" || true) texts name $folder"
        done
    fi
    results "$a/target/release/soundalike" "$work/out-one"
    results "$b/target/release/soundalike" "$work/out-two"
    diff -r "$work/out-one" "$work/out-two"
    echo "results: the same bytes in $(find "$work/out-one" -type f | wc -l) files"
}

# Outside of qemu, or inside of it.
on() {
    local processor=$1
    shift
    if [ "$processor" = native ]; then "$@"; else qemu-x86_64 -cpu "$processor" "$@" 2> >(grep -v "TCG doesn't support" >&2); fi
}

# PROCESSOR FOLDER: what is compared between processors.
figures() {
    local processor=$1 out=$2 clip
    mkdir -p "$out"
    on "$processor" "$program" check -q --json --encoder "$encoders" --reference "$reference" "${candidates[@]}" > "$out/check.json"
    for clip in "${candidates[@]}"; do
        on "$processor" "$program" features -q "$clip" --kind embedding --encoder "$encoders" -o "$out/${clip//\//_}.json"
    done
}

processors() {
    program=$(realpath "${1:-$root/target/release/soundalike}")
    local all=(voices/nsh/tts/01.wav voices/librivox/real/01.wav voices/carlo/real/02.wav voices/slt/tts/01.wav
        voices/heart/tts/01.wav voices/ivrvoice/real/01.wav voices/kal16/tts/01.wav voices/rms/tts/02.wav)
    candidates=("${all[@]:0:${CLIPS:-2}}")
    figures native "$work/native"
    "$program" check -q --json --encoder "$encoders" --reference "$reference" "${candidates[@]}" --report "$work/report.json" > /dev/null
    # With AVX-512 where this machine has it; AVX2; FMA without AVX2; AVX without FMA; SSE4.2; SSE2 alone.
    local processor failed=0
    for processor in ${PROCESSORS:-Haswell Haswell,-avx2 SandyBridge Nehalem qemu64}; do
        echo "== $processor"
        figures "$processor" "$work/$processor"
        python3 "$here/compare.py" "$work/native" "$work/$processor" || failed=1
        on "$processor" "$program" verify "$work/report.json" || failed=1
        [ "${SELFTEST:-yes}" = no ] || on "$processor" "$program" selftest -q || failed=1
    done
    return $failed
}

"$what" "$@"

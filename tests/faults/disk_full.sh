#!/bin/sh
# Runs the program on a disk that is full: a small one in memory, mounted under a temporary folder and taken away again
# whatever happens. Needs root on Linux. Each command must end with 2 and name the file and the cause, leave what was
# there as it was and nothing half written, and go on once there is room.
#
#     tests/faults/disk_full.sh [PROGRAM]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${1:-$root/target/release/soundalike}
case $program in /*) ;; *) program=$PWD/$program ;; esac
work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
trap 'cd /; mountpoint -q "$disk" && umount "$disk"; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mount -t tmpfs -o size=24m tmpfs "$disk"

failed=0
wrong() {
    echo "WRONG  $1: $2"
    failed=1
}

# Recordings lie elsewhere; only what is written lies on the disk.
real=$root/fixtures/voices/nsh/real
other=$root/fixtures/voices/carlo/real
stranger=$root/fixtures/voices/librivox/real/01.wav
cd "$disk"
run() { TMPDIR=$work "$program" -q "$@"; }
run index --encoder mfcc "$real" -o voices.lib >/dev/null
run protect add anna "$real" --encoder mfcc >/dev/null
run enrol "$real" --encoder mfcc -o anna.model >/dev/null
run cohort "$root/fixtures/voices" --encoder mfcc --source fixtures -o mine.cohort >/dev/null
run check --encoder mfcc --reference "$real" "$stranger" --report report.json --report report.html >/dev/null
run bundle report.json -o case.zip >/dev/null
run scan --reference "$real" voices.lib --format jsonl -o hits.jsonl
run inspect "$stranger" --audit case.log >/dev/null

state() { find . -path ./filler -prune -o -type f ! -name _lock ! -path '*/_rows/*' -print | LC_ALL=C sort | xargs sha256sum; }
fill() {
    # All that is left, to the last page.
    dd if=/dev/zero of=filler bs=64k 2>/dev/null || true
    dd if=/dev/zero of=filler bs=1 count=65536 oflag=append conv=notrunc 2>/dev/null || true
}
room() { rm -f filler; }

# NAME  WORD THAT THE MESSAGE NAMES  COMMAND...
try() {
    name=$1 file=$2
    shift 2
    state >"$work/before"
    fill
    code=0
    run "$@" >"$work/out" 2>"$work/err" || code=$?
    state >"$work/full"
    room
    told=$(cat "$work/err")
    [ $code -eq 2 ] || wrong "$name" "exit code $code: $told"
    grep -q "$file" "$work/err" || wrong "$name" "the file is not named: $told"
    grep -q 'No space left\|no storage space' "$work/err" || wrong "$name" "the cause is not named: $told"
    cmp -s "$work/before" "$work/full" || wrong "$name" "something changed: $(diff "$work/before" "$work/full" | head -3)"
    code=0
    run "$@" >"$work/out" 2>"$work/err" || code=$?
    [ $code -eq 0 ] || wrong "$name" "with room again: exit code $code: $(cat "$work/err")"
    echo "ok     $name: $told"
}

try 'index, first' new.lib index --encoder mfcc "$other" -o new.lib
try 'index, again' voices.lib index --encoder mfcc "$other" -o voices.lib
try 'index --rebuild' voices.lib index --encoder mfcc_lda "$other" -o voices.lib --rebuild
try 'protect add' bert.model protect add bert "$other" --encoder mfcc
try 'protect add --replace' anna.model protect add anna "$other" --encoder mfcc --replace
try enrol anna.model enrol "$other" --encoder mfcc -o anna.model
try cohort mine.cohort cohort "$root/fixtures/voices" --encoder mfcc --source again -o mine.cohort
try 'check --report' report check --encoder mfcc --reference "$other" "$stranger" --report report.json --report report.html
try report page.html report report.json -o page.html
try bundle case.zip bundle report.json -o case.zip
try 'features -o' rows.csv features "$stranger" --kind mfcc -o rows.csv
for format in csv jsonl parquet; do
    try "scan -o, $format" hits.$format scan --reference "$other" voices.lib --format $format -o hits.$format
done
# A line that is longer than what is left of the log's last page.
try --audit case.log inspect "$root"/fixtures/voices/*/*/*.wav --audit case.log

# Standard output on the full disk.
: >printed
fill
code=0
run check --json --encoder mfcc --reference "$real" "$stranger" >printed 2>"$work/err" || code=$?
room
[ $code -eq 2 ] && grep -q 'standard output' "$work/err" || wrong 'standard output' "exit code $code: $(cat "$work/err")"
echo "ok     standard output: $(cat "$work/err")"

# Everything is whole.
run index --check -o voices.lib "$other" >/dev/null || wrong 'index --check' 'afterwards'
run verify case.zip >/dev/null || wrong verify 'the bundle, afterwards'
run verify --audit case.log >/dev/null || wrong verify 'the log, afterwards'
left=$(find . -name '.soundalike-*' -o -name '_writing-*' -o -name '_parts' -o -name '_rebuild')
[ -z "$left" ] || wrong 'left behind' "$left"
[ $failed -eq 0 ] && echo 'all as it should be'
exit $failed

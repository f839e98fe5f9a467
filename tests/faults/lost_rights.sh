#!/bin/sh
# Takes rights away between two steps and in the midst of a run. Needs root on Linux, for the program is run as another
# user (root may do everything), and Debian's util-linux (setpriv, flock).
#
#     tests/faults/lost_rights.sh [PROGRAM]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${1:-$root/target/release/soundalike}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cp "$program" "$work/soundalike"
mkdir "$work/private" "$work/case"
cp -r "$root/fixtures/voices/nsh/real" "$work/case/lib"
cp -r "$root/fixtures/voices/carlo/real" "$work/case/other"
chown -R 65534:65534 "$work"
chmod 755 "$work"
cd "$work/case"
failed=0
wrong() {
    echo "WRONG  $1: $2"
    failed=1
}
run() {
    TMPDIR=$work/private setpriv --reuid=65534 --regid=65534 --clear-groups "$work/soundalike" -q "$@"
}
state() { find . -type f ! -name _lock -print | LC_ALL=C sort | xargs sha256sum; }

# NAME  FILE THAT MAY NOT BE WRITTEN OR READ  MODE WITHOUT  MODE WITH  WORD OF THE MESSAGE  COMMAND...
try() {
    name=$1 what=$2 without=$3 with=$4 word=$5
    shift 5
    state >"$work/before"
    chmod "$without" "$what"
    code=0
    run "$@" >"$work/out" 2>"$work/err" || code=$?
    chmod "$with" "$what"
    told=$(cat "$work/err")
    [ $code -eq 2 ] || wrong "$name" "exit code $code: $told"
    grep -q "$word" "$work/err" || wrong "$name" "$word is not named: $told"
    grep -qi 'permission denied' "$work/err" || wrong "$name" "the cause is not named: $told"
    state >"$work/after"
    cmp -s "$work/before" "$work/after" || wrong "$name" 'something changed'
    code=0
    run "$@" >"$work/out" 2>"$work/err" || code=$?
    [ $code -eq 0 ] || wrong "$name" "with the right again: exit code $code: $(cat "$work/err")"
    echo "ok     $name: $told"
}

run index --encoder mfcc lib -o voices.lib >/dev/null
run protect add anna lib --encoder mfcc >/dev/null
run check --encoder mfcc --reference lib other/01.wav --report report.json >/dev/null
run inspect other/01.wav --audit case.log >/dev/null
mkdir out
chown 65534:65534 out
cp other/02.wav lib/new.wav
chown 65534:65534 lib/new.wav
try 'index, folder read-only' voices.lib 555 755 voices.lib index --encoder mfcc lib -o voices.lib
try 'index --rebuild, folder read-only' voices.lib 555 755 voices.lib index --encoder mfcc lib -o voices.lib --rebuild
try 'protect add, list read-only' protected 555 755 anna.model protect add anna other --encoder mfcc --replace
cp protected/anna.model spare.model
try 'protect remove, list read-only' protected 555 755 anna.model protect remove anna
mv spare.model protected/anna.model
try 'enrol, folder read-only' out 555 755 out/a.model enrol lib --encoder mfcc -o out/a.model
try 'report, folder read-only' out 555 755 out/report.html report report.json -o out/report.html
try 'bundle, folder read-only' out 555 755 out/case.zip bundle report.json -o out/case.zip
try 'log read-only' case.log 444 644 case.log inspect other/01.wav --audit case.log
try 'reference unreadable' lib/01.wav 000 644 lib/01.wav enrol lib/01.wav --encoder mfcc -o out/b.model
try 'clip unreadable' other/01.wav 000 644 other/01.wav features other/01.wav --kind mfcc -o out/rows.csv

# A clip of a library that may not be read is a row with the reason, and is taken up later.
cp other/03.wav lib/shut.wav
chown 65534:65534 lib/shut.wav
chmod 000 lib/shut.wav
code=0
run index --encoder mfcc lib -o voices.lib >"$work/out" 2>&1 || code=$?
chmod 644 lib/shut.wav
[ $code -eq 3 ] && grep -q 'shut.wav.*Permission denied' "$work/out" || wrong 'clip unreadable' "$code: $(cat "$work/out")"
echo "ok     clip unreadable: $(grep shut.wav "$work/out")"
run index --encoder mfcc lib -o voices.lib >"$work/out" || wrong 'clip readable again' "$(cat "$work/out")"

# The right is lost in the midst of a run: it waits for another one that holds the index, and goes on after that.
cp other/04.wav lib/later.wav
chown 65534:65534 lib/later.wav
for what in voices.lib lib; do
    state >"$work/before"
    flock voices.lib/_lock sleep 3 &
    sleep 0.5
    (code=0; run index --encoder mfcc lib -o voices.lib >"$work/out" 2>"$work/err" || code=$?; echo $code >"$work/code") &
    sleep 1
    chmod "$([ $what = lib ] && echo 000 || echo 555)" $what
    wait
    chmod 755 $what
    state >"$work/after"
    cmp -s "$work/before" "$work/after" || wrong "$what in the midst" 'something changed'
    case $what in
    # Nothing can be written.
    voices.lib) [ "$(cat "$work/code")" -eq 2 ] || wrong "$what in the midst" "exit code $(cat "$work/code")" ;;
    # Nothing is known of the clips, so nothing is said of them.
    lib) [ "$(cat "$work/code")" -eq 3 ] || wrong "$what in the midst" "exit code $(cat "$work/code")" ;;
    esac
    echo "ok     $what in the midst: $(cat "$work/err")"
done
run index --encoder mfcc lib -o voices.lib >/dev/null || wrong 'index' 'afterwards'
run index --check -o voices.lib lib >/dev/null || wrong 'index --check' 'afterwards'
[ $failed -eq 0 ] && echo 'all as it should be'
exit $failed

#!/bin/sh
# Sets the clock back between two runs, by Debian's faketime: what has changed is still seen, a log stays verifiable, and
# what is written does not depend on the clock.
#
#     tests/faults/clock_back.sh [PROGRAM]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${1:-$root/target/release/soundalike}
case $program in /*) ;; *) program=$PWD/$program ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
failed=0
wrong() {
    echo "WRONG  $1: $2"
    failed=1
}
# The dates of files stay as they are; the program's clock alone is another.
at() {
    date=$1
    shift
    NO_FAKE_STAT=1 faketime -f "@$date" "$program" -q "$@"
}
told() { grep -o '"\(new\|changed\|moved\|unchanged\)": [0-9]*' "$1" | tr '\n' ' '; }

mkdir lib
for n in 1 2 3; do cp "$root/fixtures/voices/nsh/real/0$n.wav" lib/; done
real=$root/fixtures/voices/nsh/real stranger=$root/fixtures/voices/librivox/real/01.wav
dates='2040-06-01 12:00:00|2030-01-01 00:00:00|2001-01-01 00:00:00|1970-01-02 00:00:00'
IFS='|'
set -- $dates
unset IFS
step=0
for date in "$@"; do
    step=$((step + 1))
    case $step in
    1) wanted='"new": 3 "changed": 0 "moved": 0 "unchanged": 0 ' ;;
    2) wanted='"new": 0 "changed": 0 "moved": 0 "unchanged": 3 ' ;;
    # Another clip of the same length with an earlier date.
    3) cp "$root/fixtures/voices/carlo/real/01.wav" lib/02.wav
       touch -d '1999-01-01' lib/02.wav
       wanted='"new": 0 "changed": 1 "moved": 0 "unchanged": 2 ' ;;
    # A new clip of a date to come.
    4) cp "$root/fixtures/voices/carlo/real/02.wav" lib/04.wav
       touch -d '2099-01-01' lib/04.wav
       wanted='"new": 1 "changed": 0 "moved": 0 "unchanged": 3 ' ;;
    esac
    at "$date" index --json --encoder mfcc lib -o voices.lib --audit case.log >report.json || wrong index "exit code $?"
    [ "$(told report.json)" = "$wanted" ] || wrong "index at $date" "$(told report.json)"
    at "$date" index --check -o voices.lib lib >/dev/null || wrong 'index --check' "at $date"
    at "$date" check --json --encoder mfcc --reference "$real" "$stranger" --report report-$step.html >check-$step.json
    cmp -s check-1.json check-$step.json || wrong "check at $date" 'other bytes'
    cmp -s report-1.html report-$step.html || wrong "report at $date" 'other bytes'
    lines=$("$program" verify --json --audit case.log | grep -o '"lines": [0-9]*') || wrong 'verify --audit' "at $date"
    [ "$lines" = "\"lines\": $step" ] || wrong 'verify --audit' "$lines"
    echo "ok     $date: $(told report.json)log of $step lines verified, the same bytes"
done
grep -o '"time":"[^"]*"' case.log | tr '\n' ' '
echo
[ $failed -eq 0 ] && echo 'all as it should be'
exit $failed

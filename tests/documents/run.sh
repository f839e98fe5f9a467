#!/usr/bin/env bash
# Makes the reports of the fixture pair and of a clear non-match, opens the pages in a browser and takes the PDF files
# apart. Needs a program with the feature pdf, Debian's chromium, chromium-driver and poppler-utils, and PyPI selenium
# and pikepdf for the Python named second.
#
#     tests/documents/run.sh target/debug/soundalike .venv/bin/python
set -euo pipefail
program=$(realpath "$1") python=${2:-python3}
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for case in pair:fixtures/voices/nsh/tts/01.wav stranger:fixtures/voices/librivox/real/01.wav; do
    name=${case%%:*}
    "$program" check --quiet --json --reference fixtures/voices/nsh/real "${case#*:}" \
        --case-number "12/26 <$name>" --client 'A. Client & Sons' --question 'Is the voice "made" to imitate <him>?' \
        --report "$out/$name.html" --report "$out/$name.pdf" --report "$out/$name.json" > "$out/$name.result.json"
    "$program" verify --quiet "$out/$name.json"
    "$python" tests/documents/check_page.py "$out/$name.html" "$out/$name.json"
    mapfile -d '' -t texts < <("$python" tests/documents/headlines.py "$out/$name.json")
    "$python" tests/documents/check_pdf.py "$out/$name.pdf" "$out/$name.json" "${texts[@]}"
done

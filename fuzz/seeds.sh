#!/bin/sh
# Lays out the first inputs of the targets, from the fixtures and from what the program makes of them:
#
#     fuzz/seeds.sh            # those of the sound formats, which are not kept
#     fuzz/seeds.sh PROGRAM    # the others too
#
# Everything comes from fixtures/ and goes to fuzz/seeds/, one folder a target. Files are cut short where that leaves them
# readable: a target reads thousands of small files in the time of one large one.
set -eu
program=${1:+$(realpath "$1")}
fuzz=$(cd "$(dirname "$0")" && pwd)
seeds=$fuzz/seeds
cd "$fuzz/../fixtures"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for target in wav container index_segment voice_model calibration report bundle trial_list signature index; do
    mkdir -p "$seeds/$target"
done

cut() { head -c "$3" "$1" >"$seeds/$2/$(basename "$1")"; }
for file in formats/*.wav formats/*.w64; do cut "$file" wav 1500; done
for file in malformed/*.wav; do cut "$file" wav 1500; done
for file in formats/*.aiff formats/*.aifc formats/*.caf formats/*.flac; do cut "$file" container 6000; done
for file in formats/*.mp3 formats/*.ogg formats/*.opus formats/*.aac formats/*.m4a formats/*.mp4 formats/*.mkv \
    formats/*.webm malformed/*.flac malformed/*.mp3 malformed/*.ogg malformed/*.opus malformed/*.m4a; do
    cut "$file" container 30000
done
[ -n "$program" ] || exit 0

# An index of three files, one of them no sound.
mkdir "$tmp/library"
cp voices/nsh/tts/01.wav malformed/text.wav "$tmp/library"
cp voices/slt/tts/02.wav "$tmp/library/b.wav"
index() {
    "$program" index -q --encoder mfcc "$@" "$tmp/library" -o "$tmp/index"
    sed "s/clips-[0-9a-f]*\.parquet/rows.parquet/; s|\"library\": \"[^\"]*\"|\"library\": \"library\"|" \
        "$tmp/index/_index.json" >"$tmp/manifest.json"
}
index || true
cp "$tmp/manifest.json" "$seeds/index/manifest.json"
cp "$tmp"/index/clips-*.parquet "$seeds/index/rows.parquet"
cp "$seeds/index/manifest.json" "$seeds/index/rows.parquet" "$seeds/index_segment"
rm -r "$tmp/index"
index --narrow all || true
cp "$tmp/manifest.json" "$seeds/index_segment/narrow.json"
cp "$tmp"/index/clips-*.parquet "$seeds/index_segment/narrow.parquet"

"$program" enrol -q --encoder mfcc voices/nsh/real/01.wav -o "$seeds/voice_model/one.model" >"$tmp/told"
"$program" enrol -q --encoder mfcc,mfcc_lda voices/nsh/real -o "$seeds/voice_model/two.model" >"$tmp/told"

"$program" cohort -q --encoder mfcc voices -o "$seeds/calibration/cohort.safetensors" >"$tmp/told" || true

check="check -q --encoder mfcc --reference voices/nsh/real/01.wav voices/nsh/tts/01.wav"
"$program" $check --json >"$seeds/report/result.json"
"$program" report -q "$seeds/report/result.json" -o "$seeds/report/report.json" --case-number 7 --date 2025-01-01 \
    >"$tmp/told"
"$program" scan -q --reference "$seeds/voice_model/one.model" "$tmp/index" --above mfcc=0.1 --format jsonl \
    | sed "s|$tmp/||g; s|$seeds/||g" >"$seeds/report/scan.jsonl" || true
"$program" report --print-texts >"$tmp/texts.toml"
head -c 3000 "$tmp/texts.toml" >"$seeds/report/texts.toml"
printf 'number = "7"\nclient = "A"\nanalyst = "B"\nquestion = "Is it he?"\ndate = "2025-01-01"\npopulation = "c"\n' \
    >"$seeds/report/case.toml"
printf 'campplus.eer<=0.05' >"$seeds/report/rule"
printf 'sex!=f*|[mx]?' >"$seeds/report/filter"

printf '1 a/1.wav a/2.wav\n0 a/1.wav b/1.wav\n\n1 a/2.wav\ta/3.wav\n' >"$seeds/trial_list/trials.txt"
printf 'path\tspeaker\tkind\tsplit\tcorpus\tsex\na.wav\ts\treal\ttest\tx\tf\nb.wav\ts\tsynthetic\ttest\t\tm\n' \
    >"$seeds/trial_list/manifest.tsv"
printf '# files\na/1.wav\n./b.wav\n' >"$seeds/trial_list/files.txt"


python3 "$fuzz/seeds.py" "$seeds"

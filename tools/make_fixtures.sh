#!/usr/bin/env bash
# Makes fixtures/voices, fixtures/formats and fixtures/malformed from Debian 12 (bookworm) and PyPI packages.
#
# usage: tools/make_fixtures.sh [--update]
#
# The files are made in a temporary folder and compared with fixtures/SHA256SUMS. Only if they are the same (or there is
# no such list, or --update was given, which rewrites the list) do they replace what is in fixtures/.
# Missing Debian packages are installed with apt-get (as root, or through sudo); the Python packages go into a virtual
# environment in the temporary folder. x86-64 only: on other processors the lossy and neural files come out different.
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

update=no
case "${1-}" in
    "") ;;
    --update) update=yes ;;
    *) echo "usage: $0 [--update]" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
fixtures=$root/fixtures

# Packages whose contents end up in the fixtures: another version is an error.
must="festvox-ru=0.5+dfsg-6 pocketsphinx-testdata=0.8+5prealpha+1-15 asterisk-core-sounds-it-g722=1.6.1-1
asterisk-core-sounds-ru-g722=1.6.1-1 flite=2.2-5 libflite1=2.2-5 festival=1:2.5.0-9"
# Tools: another version is a warning, and the comparison at the end tells whether it matters.
tools="ffmpeg=7:5.1.9-0+deb12u1 libavcodec59=7:5.1.9-0+deb12u1 libsoxr0=0.1.3-4 libopus0=1.3.1-3 libmp3lame0=3.100-6
libvorbisenc2=1.3.7-1 python3=3.11.2-1+b1 python3-venv=3.11.2-1+b1"

version() { dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$1" 2>/dev/null | sed -n 's/^ii *//p'; }

missing=
for p in $must $tools; do
    [ -n "$(version "${p%%=*}")" ] || missing="$missing ${p%%=*}"
done
if [ -n "$missing" ]; then
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends $missing
fi
for p in $must; do
    have=$(version "${p%%=*}")
    [ "$have" = "${p#*=}" ] || { echo "error: ${p%%=*} is $have, these fixtures need ${p#*=}" >&2; exit 1; }
done
for p in $tools; do
    have=$(version "${p%%=*}")
    [ "$have" = "${p#*=}" ] || echo "warning: ${p%%=*} is $have, the fixtures were made with ${p#*=}" >&2
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/out" "$tmp/scratch"

hibari=49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3
python3 -m venv "$tmp/venv"
pip="$tmp/venv/bin/pip install -q --disable-pip-version-check --no-deps --only-binary :all:"
$pip numpy==2.4.6 onnxruntime==1.32.0 flatbuffers==25.12.19 packaging==26.3 protobuf==7.36.2
echo "hibari-tts==0.2.1 --hash=sha256:$hibari" >"$tmp/hibari.txt"
$pip --require-hashes -r "$tmp/hibari.txt"

python3 "$root/tools/make_fixtures.py" "$tmp/out" "$tmp/scratch" "$tmp/venv/bin/python"

# What the fuzz targets found is kept as it is; nothing makes it again.
if [ -d "$fixtures/malformed/found" ]; then cp -r "$fixtures/malformed/found" "$tmp/out/malformed/"; fi

sums() { (cd "$1" && find voices formats malformed -type f | sort | xargs sha256sum); }
sums "$tmp/out" >"$tmp/SHA256SUMS"
if [ "$update" = no ] && [ -e "$fixtures/SHA256SUMS" ] && ! cmp -s "$tmp/SHA256SUMS" "$fixtures/SHA256SUMS"; then
    echo "error: these files came out different from fixtures/SHA256SUMS (nothing was replaced):" >&2
    diff "$fixtures/SHA256SUMS" "$tmp/SHA256SUMS" | sed -n 's/^[<>] [0-9a-f]*  //p' | sort -u >&2 || true
    exit 1
fi

mkdir -p "$fixtures"
rm -rf "$fixtures/voices" "$fixtures/formats" "$fixtures/malformed"
cp -r "$tmp/out/voices" "$tmp/out/formats" "$tmp/out/malformed" "$fixtures/"
if [ "$update" = yes ] || [ ! -e "$fixtures/SHA256SUMS" ]; then
    cp "$tmp/SHA256SUMS" "$fixtures/SHA256SUMS"
fi
(cd "$fixtures" && sha256sum --check --quiet SHA256SUMS)
bytes=$(find "$fixtures" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
[ "$bytes" -lt $((12 * 1024 * 1024)) ] || { echo "error: fixtures/ is over 12 MiB" >&2; exit 1; }
echo "fixtures: $(wc -l <"$fixtures/SHA256SUMS") files verified, $bytes bytes in all"

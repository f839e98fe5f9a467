"""The Python package against the program: the same recordings must give the same numbers, to the bit.

    SOUNDALIKE=target/debug/soundalike python -m unittest discover -s tests/python
"""

import ast
import json
import os
import pathlib
import pickle
import subprocess
import tempfile
import threading
import unittest
import wave

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

import soundalike
import soundalike.arrow

ROOT = pathlib.Path(__file__).resolve().parents[2]
VOICES = ROOT / "fixtures" / "voices"
REFERENCE = VOICES / "nsh" / "real"
CANDIDATE = VOICES / "nsh" / "tts" / "01.wav"
PROGRAM = os.environ.get("SOUNDALIKE", str(ROOT / "target" / "debug" / "soundalike"))


def program(*arguments, code=0, **options):
    """What the program prints."""
    run = subprocess.run(
        [PROGRAM, *map(str, arguments), "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    assert run.returncode == code, (run.returncode, run.stdout, run.stderr)
    return run.stdout.decode()


class Folder(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


def bits(array):
    return np.asarray(array, np.float32).view(np.uint32).tolist()


def samples_of(path):
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data.reshape(-1, file.getnchannels()), file.getframerate()


class OneRecording(Folder):
    def test_a_path_bytes_and_samples_are_one_recording(self):
        data, rate = samples_of(CANDIDATE)
        by_path = soundalike.load(CANDIDATE)
        self.assertEqual((by_path.dtype, by_path.ndim), (np.float32, 1))
        self.assertEqual(bits(by_path), bits(soundalike.load(str(CANDIDATE))))
        self.assertEqual(bits(by_path), bits(soundalike.load(CANDIDATE.read_bytes())))
        self.assertEqual(bits(by_path), bits(soundalike.load(data, sample_rate=rate)))
        self.assertEqual(bits(by_path), bits(soundalike.load(data[:, 0].astype(np.float64) / 32768, sample_rate=rate)))
        # What needs no work is a copy too: nobody else writes to it.
        copy = soundalike.load(by_path, sample_rate=16000)
        self.assertEqual(bits(copy), bits(by_path))
        self.assertFalse(np.shares_memory(copy, by_path))
        self.assertTrue(copy.flags.writeable)
        wanted = soundalike.embed(CANDIDATE)
        for source in (CANDIDATE.read_bytes(), by_path, np.stack([by_path, by_path], 1)):
            found = soundalike.embed(source, sample_rate=16000)
            self.assertEqual({k: bits(v) for k, v in found.items()}, {k: bits(v) for k, v in wanted.items()})

    def test_features_and_embeddings_are_those_of_the_program(self):
        for kind, function in (("mfcc", soundalike.mfcc), ("fbank", soundalike.fbank)):
            for preset in ("kaldi", "librosa", "librosa-htk", "torchaudio", "htk", "python-speech-features"):
                file = self.folder / "rows.npy"
                program("features", CANDIDATE, "--kind", kind, "--preset", preset, "-o", file)
                rows = function(CANDIDATE, preset=preset)
                self.assertEqual((rows.dtype, rows.shape), (np.float32, np.load(file).shape))
                self.assertEqual(bits(rows), bits(np.load(file)))
                again = function(soundalike.load(CANDIDATE), sample_rate=16000, preset=preset)
                self.assertEqual(bits(again), bits(rows), preset)
        program("features", CANDIDATE, "--kind", "embedding", "-o", self.folder / "all.json")
        told = json.loads((self.folder / "all.json").read_text())["embeddings"]
        found = soundalike.embed(CANDIDATE)
        self.assertEqual(list(found), soundalike.ENCODERS)
        for name, values in found.items():
            self.assertEqual(bits(values), bits(told[name]["values"] if isinstance(told[name], dict) else told[name]))
        self.assertEqual(list(soundalike.embed(CANDIDATE, encoders=["mfcc"])), ["mfcc"])

    def test_errors_carry_what_the_library_knows(self):
        with self.assertRaises(soundalike.FileError) as missing:
            soundalike.load("nowhere.wav")
        self.assertIsInstance(missing.exception, OSError)
        self.assertEqual((missing.exception.path, missing.exception.errno), ("nowhere.wav", 2))
        with self.assertRaises(soundalike.AudioError) as text:
            soundalike.embed(b"not a sound at all, only words")
        self.assertEqual(text.exception.kind, "not_audio")
        self.assertIn("found", str(text.exception))
        with self.assertRaises(soundalike.SettingError) as preset:
            soundalike.mfcc(CANDIDATE, preset="kaldy")
        self.assertEqual((preset.exception.path, preset.exception.found), ("preset", '"kaldy"'))
        self.assertIn("librosa", preset.exception.expected)
        with self.assertRaises(soundalike.RefusedError) as silence:
            soundalike.embed(np.zeros(32000, np.float32), sample_rate=16000)
        self.assertEqual(silence.exception.kind, "no_speech")
        with self.assertRaises(TypeError) as rate:
            soundalike.load(np.zeros(16000, np.float32))
        self.assertIn("sample_rate", str(rate.exception))
        for wrong in (7, None, np.zeros(10, complex), np.zeros((2, 2, 2), np.float32)):
            with self.assertRaises(TypeError):
                soundalike.embed(wrong, sample_rate=16000)
        for wrong in (np.zeros(0, np.float32), np.full(16000, np.nan, np.float32), np.zeros((5, 0), np.float32)):
            with self.assertRaises(soundalike.Error):
                soundalike.load(wrong, sample_rate=16000)
        with self.assertRaises(soundalike.SettingError):
            soundalike.load(np.zeros((10, 2), np.float32), sample_rate=0)
        with tempfile.TemporaryDirectory() as folder:
            locked = os.path.join(folder, "anna.model")
            with open(locked, "wb") as file:
                file.write(b"age-encryption.org/v1\n-> X25519 none\n")
            with self.assertRaises(soundalike.DocumentError) as closed:
                soundalike.check(locked, CANDIDATE)
            self.assertEqual((closed.exception.kind, closed.exception.path), ("encryption", locked))
            self.assertTrue(closed.exception.found and closed.exception.expected)
        again = pickle.loads(pickle.dumps(missing.exception))
        self.assertEqual((type(again), again.args, again.path), (soundalike.FileError, missing.exception.args, "nowhere.wav"))

    def test_other_threads_run_while_the_library_works(self):
        counted, stop = [0], threading.Event()

        def count():
            while not stop.is_set():
                counted[0] += 1
                stop.wait(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        soundalike.embed(CANDIDATE)
        before = counted[0]
        soundalike.check(REFERENCE, CANDIDATE, threads=1)
        after = counted[0]
        stop.set()
        thread.join()
        self.assertGreater(after - before, 3)


class Check(Folder):
    def test_a_check_is_that_of_the_program(self):
        told = json.loads(program("check", "--json", "--reference", REFERENCE, CANDIDATE, VOICES / "rms"))
        self.assertEqual(soundalike.check(REFERENCE, [CANDIDATE, VOICES / "rms"]), told)
        told = json.loads(program("check", "--json", "--reference", REFERENCE, CANDIDATE, "--encoder", "mfcc,campplus",
                                  "--prior", "0.01", "--as-norm", "--fail-above", "campplus=0.1", code=1))
        found = soundalike.check([REFERENCE], [CANDIDATE], encoders=["mfcc", "campplus"], prior=0.01, as_norm=True,
                                 fail_above="campplus=0.1", threads=1)
        self.assertEqual(found, told)

    def test_a_reference_is_a_voice_model(self):
        model = self.folder / "nsh.model"
        program("enrol", REFERENCE, "-o", model)
        reference = soundalike.Reference(REFERENCE, name=str(model))
        self.assertEqual(reference.to_bytes(), model.read_bytes())
        self.assertEqual(reference.encoders, soundalike.ENCODERS)
        self.assertTrue(all(clip["status"] == "usable" for clip in reference.clips))
        reference.save(self.folder / "saved.model")
        self.assertEqual((self.folder / "saved.model").read_bytes(), model.read_bytes())
        self.assertEqual(sorted(os.listdir(self.folder)), ["nsh.model", "saved.model"])
        told = json.loads(program("check", "--json", "--reference", model, CANDIDATE))
        self.assertEqual(reference.check(CANDIDATE), told)
        self.assertEqual(pickle.loads(pickle.dumps(reference)).check(CANDIDATE), told)
        with self.assertRaises(soundalike.DocumentError):
            soundalike.Reference.from_bytes(b"{}")
        with self.assertRaises(soundalike.Error):
            soundalike.Reference(ROOT / "fixtures" / "golden")

    def test_candidates_in_memory_score_as_their_files(self):
        reference = soundalike.Reference(REFERENCE)
        by_path = reference.check(CANDIDATE)["candidates"][0]
        data, rate = samples_of(CANDIDATE)
        found = reference.check(
            [CANDIDATE.read_bytes(), soundalike.Clip(data, name="made", sample_rate=rate), CANDIDATE, "nowhere.wav",
             soundalike.Clip(b"words", name="words.wav")]
        )["candidates"]
        self.assertEqual([c["path"] for c in found[:2]], ["candidate 1", "made"])
        self.assertEqual(found[0]["sha256"], by_path["sha256"])
        for candidate in found[:3]:
            self.assertEqual(candidate["scores"], by_path["scores"])
            self.assertEqual(candidate["evidence"], by_path["evidence"])
        self.assertEqual([c["status"] for c in found[3:]], ["refused", "refused"])
        # An array is what a file of 32-bit floating point with these samples would be.
        file = self.folder / "float.wav"
        soundalike_samples = data.astype(np.float32) / 32768
        file.write_bytes(float_wav(soundalike_samples, rate))
        told = json.loads(program("check", "--json", "--reference", REFERENCE, file))["candidates"][0]
        self.assertEqual(told["sha256"], found[1]["sha256"])
        self.assertEqual(told["scores"], found[1]["scores"])
        # A reference in memory scores as one of files.
        files = sorted(REFERENCE.iterdir())
        held = soundalike.check([file.read_bytes() for file in files], CANDIDATE)
        cosines = [[score["cosine"] for score in c["scores"].values()] for c in (held["candidates"][0], by_path)]
        self.assertEqual(cosines[0], cosines[1])
        self.assertEqual(held["reference"]["used"], len(files))

    def test_a_name_never_stands_for_two_recordings(self):
        files = sorted(REFERENCE.iterdir())
        mine, other = files[0].read_bytes(), CANDIDATE.read_bytes()
        clip = soundalike.Clip
        for reference, candidates in (
            ([clip(mine, "a")], [clip(other, "a")]),
            ([clip(mine, "a"), clip(other, "a")], [CANDIDATE]),
            ([files[0]], [clip(other, str(files[0]))]),
            ([files[0]], [clip(mine, str(CANDIDATE)), CANDIDATE]),
            ([files[0]], [clip(mine, str(CANDIDATE)), CANDIDATE.parent]),
            ([clip(mine, str(CANDIDATE))], [CANDIDATE]),
            ([clip(mine, str(CANDIDATE))], [CANDIDATE.parent]),
            ([clip(mine, str(files[1])), files[1]], [CANDIDATE]),
        ):
            with self.assertRaises(soundalike.SettingError) as refused:
                soundalike.check(reference, candidates)
            self.assertEqual(refused.exception.path, "name")

    def test_settings_are_refused_as_such(self):
        for settings in ({"threads": -1}, {"threads": 1.5}, {"threads": "x"}, {"threads": "2"}, {"threads": float("nan")}, {"sample_rate": 0}, {"sample_rate": 22050.5}):
            with self.assertRaises(soundalike.SettingError):
                soundalike.check(REFERENCE, np.zeros(16000, np.float32), **{"sample_rate": 16000, **settings})
        with self.assertRaises(soundalike.FileError):
            soundalike.Reference(REFERENCE).save(self.folder / "nowhere" / "a.model")
        with self.assertRaises(soundalike.FileError):
            soundalike.references(self.folder / "nowhere")
        shifted = np.frombuffer(b"x" + soundalike.load(CANDIDATE).tobytes(), np.float32, offset=1)
        self.assertEqual(bits(soundalike.embed(shifted, sample_rate=16000)["mfcc"]), bits(soundalike.embed(CANDIDATE)["mfcc"]))

    def test_evaluate_is_that_of_the_program(self):
        lines = ["path\tspeaker\tkind"]
        for file in sorted(VOICES.glob("*/*/*")):
            voice, kind, _ = file.relative_to(VOICES).parts
            lines.append(f"{file}\t{voice}\t{'real' if kind == 'real' else 'synthetic'}")
        manifest = self.folder / "clips.tsv"
        manifest.write_text("\n".join(lines) + "\n")
        arguments = ["--pairs", "synthetic-synthetic", "--encoder", "mfcc", "--rule", "mfcc.eer<0.9"]
        told = json.loads(program("evaluate", "--json", "--manifest", manifest, *arguments))
        found = soundalike.evaluate(manifest, pairs="synthetic-synthetic", encoders="mfcc", rules="mfcc.eer<0.9")
        self.assertEqual(found, told)
        with self.assertRaises(soundalike.SettingError):
            soundalike.evaluate()


def float_wav(samples, rate):
    size = samples.nbytes
    head = b"RIFF" + (size + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = (3, 2), (samples.shape[1], 2), (rate, 4), (rate * 4 * samples.shape[1], 4), (4 * samples.shape[1], 2), (32, 2)
    head += b"".join(number.to_bytes(width, "little") for number, width in form)
    return head + b"data" + size.to_bytes(4, "little") + samples.astype("<f4").tobytes()


def clips_below(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.glob("**/*") if file.is_file())


def same(found, wanted, test):
    """That two tables have the same columns and rows, in the order of their paths."""
    found, wanted = found.sort_by("path"), wanted.sort_by("path")
    test.assertEqual(found.column_names, wanted.column_names)
    for name in found.column_names:
        test.assertEqual(found.column(name).to_pylist(), wanted.column(name).to_pylist(), name)


class Arrow(Folder):
    def index(self, library, *arguments, code=0):
        """The index that the program makes of a folder."""
        program("index", library, "-o", self.folder / "cli.lib", *arguments, code=code)
        return pq.read_table(sorted((self.folder / "cli.lib").glob("clips-*.parquet")))

    def test_rows_are_those_of_an_index(self):
        wanted = self.index(VOICES)
        paths = clips_below(VOICES)
        batches = [pa.RecordBatch.from_pydict({"path": paths[i:i + 7]}) for i in range(0, len(paths), 7)]
        for threads, prefix, root in ((2, "", VOICES), (1, "", f"file://{VOICES}/"), (1, f"{VOICES}/", VOICES)):
            named = [pa.RecordBatch.from_pydict({"path": [prefix + p for p in b["path"].to_pylist()]}) for b in batches]
            rows = list(soundalike.arrow.embed_batches(named, root=str(root), threads=threads))
            self.assertEqual([len(row) for row in rows], [len(batch) for batch in batches])
            self.assertTrue(all(row.schema.equals(soundalike.arrow.schema) for row in rows))
            same(pa.Table.from_batches(rows), wanted, self)
        bytes_too = pa.RecordBatch.from_pydict({
            "path": paths, "content": [(VOICES / path).read_bytes() for path in paths],
            "mtime_ns": [os.stat(VOICES / path).st_mtime_ns for path in paths],
        })
        same(pa.Table.from_batches(soundalike.arrow.embed_batches([bytes_too])), wanted, self)
        read = soundalike.arrow.embed_batches(
            [pa.RecordBatch.from_pydict({"path": paths})], read=lambda path: (VOICES / path).read_bytes()
        )
        drop = ["mtime_ns"]
        same(pa.Table.from_batches(read).drop_columns(drop), wanted.drop_columns(drop), self)

    def test_a_bad_clip_is_a_row_and_further_columns_pass_through(self):
        library = self.folder / "bad"
        library.mkdir()
        (library / "a.wav").write_text("words")
        (library / "b.wav").write_bytes(b"")
        (library / "c.wav").write_bytes(CANDIDATE.read_bytes())
        (library / "d.wav").write_bytes(CANDIDATE.read_bytes()[:30])
        (library / "e.wav").write_bytes(float_wav(np.zeros((40000, 1), np.float32), 16000))
        wanted = self.index(library, code=3)
        batch = pa.RecordBatch.from_pydict({
            "owner": ["x", None, "y", "z", ""], "path": clips_below(library), "when": pa.array([1, 2, 3, None, 5]),
        })
        found = pa.Table.from_batches(soundalike.arrow.embed_batches([batch], root=str(library)))
        same(found.drop_columns(["owner", "when"]), wanted, self)
        self.assertEqual(found.column("owner").to_pylist(), ["x", None, "y", "z", ""])
        self.assertEqual(found.schema.names, soundalike.arrow.schema.names + ["owner", "when"])
        kept = next(soundalike.arrow.embed_batches([batch], root=str(library), keep=["when"]))
        self.assertEqual(kept.schema.names, soundalike.arrow.schema.names + ["when"])
        worse = pa.RecordBatch.from_pydict({
            "path": pa.array(["gone.wav", "a\0b.wav", None, None, "s4://bucket/a.wav", "x.wav"], pa.string()),
            "bytes": pa.array([None, None, None, CANDIDATE.read_bytes(), None, b"words"], pa.binary()),
        })
        rows = next(soundalike.arrow.embed_batches([worse])).to_pylist()
        self.assertEqual([row["status"] for row in rows], ["refused"] * 3 + ["usable"] + ["refused"] * 2)
        self.assertEqual(rows[3]["path"], rows[3]["sha256"])
        for row in rows[:3] + rows[4:]:
            self.assertEqual(row["reason"], "unreadable")
            self.assertTrue(row["message"])
        for wrong in ({"name": ["a"]}, {"path": ["a"], "seconds": [1.0]}):
            with self.assertRaises(soundalike.SettingError):
                list(soundalike.arrow.embed_batches([pa.RecordBatch.from_pydict(wrong)]))
        empty = pa.RecordBatch.from_pydict({"path": pa.array([], pa.string())})
        self.assertEqual(len(next(soundalike.arrow.embed_batches([empty]))), 0)

    def test_a_ranked_table_is_that_of_the_program(self):
        table = self.index(VOICES)
        references = self.folder / "protected"
        for voice in ("nsh", "librivox"):
            (references / voice).mkdir(parents=True)
            for file in (VOICES / voice / "real").iterdir():
                (references / voice / file.name).write_bytes(file.read_bytes())
        for arguments, settings in (
            ([], {}), (["--top", "3"], {"top": 3}), (["--above", "campplus=0.3"], {"above": "campplus=0.3"}),
            (["--by", "ge2e", "--expected-clips", "4"], {"by": "ge2e", "expected_clips": 4}),
        ):
            file = self.folder / "ranked.parquet"
            program("scan", "--reference-set", references, self.folder / "cli.lib", *arguments, "--format", "parquet", "-o", file)
            wanted = pq.read_table(file)
            # The index names its library in front of every path.
            paths = [path[len(str(VOICES)) + 1:] for path in wanted.column("path").to_pylist()]
            wanted = wanted.set_column(wanted.schema.get_field_index("path"), "path", pa.array(paths))
            scan = pickle.loads(pickle.dumps(soundalike.arrow.Scan(references, **settings)))
            for size in (7, 1000):
                parts = [batch for part in table.to_batches(max_chunksize=size) for batch in scan.part([part])]
                found = scan.merged(parts)
                self.assertEqual(found.schema, soundalike.arrow.scan_schema)
                self.assertEqual(found.to_pylist(), wanted.to_pylist())
        self.assertGreater(len(wanted), 10)
        with self.assertRaises(soundalike.SettingError):
            soundalike.arrow.Scan(references, above="nothing")
        other = table.set_column(table.schema.get_field_index("mfcc_extractor"), "mfcc_extractor", pa.array(["x"] * len(table)))
        with self.assertRaises(soundalike.DocumentError):
            list(soundalike.arrow.Scan(references).part(other.to_batches()))
        with self.assertRaises(soundalike.DocumentError):
            list(soundalike.arrow.Scan(references).part(table.select(["path"]).to_batches()))


    def test_columns_of_other_forms_are_read_or_refused(self):
        path = str(CANDIDATE)
        embed = lambda batch, **settings: next(soundalike.arrow.embed_batches([batch], **settings)).to_pylist()
        record = pa.RecordBatch.from_arrays
        for columns, names in (
            (["a", "b", "c"], ["path", "path", "owner"]),
            (["a", "b", "c"], ["path", "owner", "owner"]),
            ([b"a"], ["path"]), (["a", "b"], ["path", "content"]), (["a", 7], ["path", "voice"]),
            (["a", "today"], ["path", "modificationTime"]),
        ):
            with self.assertRaises(soundalike.SettingError):
                embed(record([pa.array([value]) for value in columns], names))
        far = pa.array([253402300799 * 10**6], pa.timestamp("us"))
        self.assertEqual(embed(record([pa.array([path]), far], ["path", "modificationTime"]))[0]["status"], "usable")
        times = record([pa.array([path, path]), pa.array([5e9, float("nan")])], ["path", "mtime_ns"])
        self.assertEqual([row["mtime_ns"] for row in embed(times)], [5 * 10**9, os.stat(path).st_mtime_ns])
        spaced = self.folder / "a b%20.wav"
        spaced.write_bytes(CANDIDATE.read_bytes())
        for root in ("", str(self.folder), f"{self.folder}//", spaced.parent.as_uri()):
            row = embed(pa.RecordBatch.from_pydict({"path": [spaced.as_uri()]}), root=root)[0]
            self.assertEqual((row["status"], row["path"]), ("usable", "a b%20.wav" if root else str(spaced)))
        row = embed(pa.RecordBatch.from_pydict({"path": [path]}), root="/")[0]
        self.assertEqual((row["status"], row["path"]), ("usable", path[1:]))
        large = pa.array([CANDIDATE.read_bytes()], pa.large_binary())
        self.assertEqual(embed(record([pa.array(["x"], pa.large_string()), large], ["path", "bytes"]))[0]["status"], "usable")

    def test_a_scan_loses_nothing_in_silence(self):
        table = self.index(VOICES)
        reference = soundalike.Reference(REFERENCE, name="nsh")
        scan = soundalike.arrow.Scan({"nsh": reference}, top=None)
        whole = scan.merged(scan.part(table.to_batches()))

        def put(name, values, kind=None):
            field = table.schema.field(name)
            return table.set_column(table.schema.get_field_index(name), name, pa.array(values, kind or field.type))

        # No number is a missing one: such a clip has no ratio.
        missing = put("snr_db", [None] * len(table))
        no_number = put("snr_db", [float("nan")] * len(table))
        found = [scan.merged(scan.part(other.to_batches())).to_pylist() for other in (missing, no_number)]
        self.assertEqual(found[0], found[1])
        self.assertTrue(all(row["log10_lr"] is None for row in found[0]) and len(found[0]) == len(whole))
        typeless = table
        for name in ("narrow_mfcc", "narrow_mfcc_lda", "narrow_ge2e", "narrow_campplus"):
                typeless = typeless.set_column(typeless.schema.get_field_index(name), name, pa.nulls(len(table)))
        usable = typeless.filter(pa.compute.invert(typeless["narrow_band"]))
        self.assertEqual(len(scan.merged(scan.part(usable.to_batches()))), len(usable) - len(list(REFERENCE.iterdir())))
        for wrong in (
            put("status", [None] * len(table), pa.string()), put("status", ["good"] * len(table)),
            put("net_speech_s", [None] * len(table)), put("net_speech_s", [float("inf")] * len(table)),
            put("path", [""] * len(table)), put("channel", ["left"] * len(table)),
            pa.concat_tables([table, table]),
        ):
            with self.assertRaises(soundalike.DocumentError):
                list(scan.part(wrong.to_batches()))
        # The same path in two parts.
        with self.assertRaises(soundalike.DocumentError):
            scan.merged([*scan.part(table.to_batches()), *scan.part(table.to_batches())])
        partial = soundalike.Reference(REFERENCE, encoders="campplus")
        with self.assertWarnsRegex(UserWarning, "part: left out"):
            left = soundalike.arrow.Scan({"nsh": reference, "part": partial}, encoders=soundalike.ENCODERS)
        self.assertEqual(list(left.left_out), ["part"])
        with self.assertWarnsRegex(UserWarning, "bad: left out"):
            soundalike.arrow.Scan({"nsh": reference, "bad": self.folder / "nothing"})
        with self.assertRaises(TypeError):
            soundalike.arrow.Scan({"nsh": reference, "samples": np.zeros(16000, np.float32)})
        with self.assertWarnsRegex(UserWarning, "narrow band"):
            halves = soundalike.load(sorted(REFERENCE.iterdir())[0])[:64000].reshape(-1, 2).mean(1)
            soundalike.arrow.Scan({"phone": soundalike.Clip(halves, sample_rate=8000)})
        protected = self.folder / "protected"
        (protected / "nsh").mkdir(parents=True)
        (protected / "nsh" / "1.wav").write_bytes(sorted(REFERENCE.iterdir())[0].read_bytes())
        reference.save(protected / "nsh.model")
        with self.assertRaises(soundalike.DocumentError):
            soundalike.arrow.Scan(protected)


class Package(unittest.TestCase):
    def test_everything_public_says_what_it_does(self):
        for name in soundalike.__all__:
            thing = getattr(soundalike, name)
            if callable(thing):
                self.assertTrue(thing.__doc__, name)

    def test_the_stubs_name_what_the_native_part_has(self):
        native = soundalike._native
        stub = pathlib.Path(soundalike.__file__).with_name("_native.pyi")
        named = set()
        for node in ast.parse(stub.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                named.add(node.name)
                if isinstance(node, ast.ClassDef):
                    methods = {m.name for m in node.body if isinstance(m, ast.FunctionDef)} - {"__init__"}
                    self.assertEqual(methods, {m for m in vars(getattr(native, node.name)) if not m.startswith("_")})
        there = {name for name in dir(native) if not name.startswith("_") and callable(getattr(native, name))}
        self.assertEqual(named, there)
        self.assertTrue(stub.with_name("py.typed").exists())

    def test_version_is_that_of_the_program(self):
        versions = f"soundalike {soundalike.__version__}\nmodels {soundalike.MODELS_VERSION}\n"
        self.assertEqual(program("--version"), versions)


if __name__ == "__main__":
    unittest.main()

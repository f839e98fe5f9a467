"""Clips that lie in an object store, spoken to over its own protocol by a server on loopback."""

import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest

import pyarrow as pa
from pyarrow import fs

import soundalike.arrow

VOICES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "voices"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class ObjectStore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        port = free_port()
        cls.server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.environ.update(
            AWS_ACCESS_KEY_ID="nobody", AWS_SECRET_ACCESS_KEY="nothing", AWS_DEFAULT_REGION="us-east-1",
            AWS_EC2_METADATA_DISABLED="true", AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        )
        for _ in range(300):
            with socket.socket() as waiting:
                if waiting.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the object store did not start")

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()

    def test_objects_give_the_rows_of_their_files(self):
        store, _ = fs.FileSystem.from_uri("s3://voices/?allow_bucket_creation=true")
        store.create_dir("voices")
        names = {"anna/a b%20.wav": "nsh/tts/01.wav", "bert/1.wav": "rms/tts/01.wav"}
        for key, file in names.items():
            with store.open_output_stream(f"voices/{key}") as out:
                out.write((VOICES / file).read_bytes())
        listing = store.get_file_info(fs.FileSelector("voices", recursive=True))
        paths = sorted(f"s3://{info.path}" for info in listing if info.is_file)
        self.assertEqual(paths, [f"s3://voices/{key}" for key in names])
        paths += ["s3://voices/anna/gone.wav", "s3://nobody/x.wav"]
        batch = pa.RecordBatch.from_pydict({"path": paths})
        found = next(soundalike.arrow.embed_batches([batch], root="s3://voices")).to_pylist()
        local = pa.RecordBatch.from_pydict({"path": list(names.values())})
        wanted = next(soundalike.arrow.embed_batches([local], root=str(VOICES))).to_pylist()
        for row, other, key in zip(found, wanted, names):
            self.assertEqual((row["path"], row["voice"]), (key, key.split("/")[0]))
            self.assertLess(abs(row["mtime_ns"] / 1e9 - time.time()), 300)
            here = {"path": "", "voice": "", "mtime_ns": 0}
            self.assertEqual({**row, **here}, {**other, **here})
        for row in found[2:]:
            self.assertEqual((row["status"], row["reason"]), ("refused", "unreadable"))
            self.assertIn("could not read it", row["message"])


if __name__ == "__main__":
    unittest.main()

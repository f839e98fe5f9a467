"""The first inputs that the program does not write small enough: called by seeds.sh with the folder of the seeds."""

import hashlib
import json
import pathlib
import sys
import zipfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import base64

SEEDS = pathlib.Path(sys.argv[1])
DAY = (1980, 1, 1, 0, 0, 0)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def calibrations():
    """The calibration that is built in, with fewer resamples and shorter tables, by each method."""
    calibration = json.load(open("../models/calibration_real_synthetic.json"))
    for method in ("logistic", "pav", "bi-gaussian"):
        for band in ("wide", "narrow"):
            fit = calibration[band]
            fusion = fit["fusion"]
            fusion["method"] = method
            fusion["replicates"] = fusion["replicates"][:3]
            tables = [(fusion, "pav"), (fusion["bi_gaussian"], "table"), (fit["ratios"], "target")]
            for holder, name in tables + [(fit["ratios"], "non_target")]:
                if len(holder[name]) > 20:
                    holder[name] = holder[name][::20]
        (SEEDS / "calibration" / f"{method}.json").write_text(json.dumps(calibration))


def small_result():
    """What is read of a result, and no more."""
    result = json.load(open(SEEDS / "report/result.json"))
    keep = ["version", "request", "settings", "calibration", "cohort", "language", "gate", "reference", "candidates"]
    small = {name: result[name] for name in keep}
    small["settings"] = {name: result["settings"][name] for name in ("channel", "encoders", "instruction_set")}
    small["reference"]["used"] = 1
    small["candidates"] = [{name: clip[name] for name in ("path", "sha256")} for clip in small["candidates"]]
    for table in ("calibration", "cohort"):
        names = ("condition", "origin", "sha256", "filters")
        small[table] = small[table] and {name: small[table][name] for name in names if name in small[table]}
    small["gate"] = {"limits": [{"score": "mfcc", "limit": 0.9}]}
    text = json.dumps(small)
    (SEEDS / "report/small.json").write_text(text)
    return text


def bag(name, payload, how, folders):
    """A bundle as the program writes them, with this content."""
    manifest = "".join(f"{sha256(content)}  data/{file}\n" for file, content in sorted(payload.items()))
    oxum = f"{sum(len(content) for content in payload.values())}.{len(payload)}"
    texts = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": f"External-Description: a case\n and more of it\nPayload-Oxum: {oxum}\n".encode(),
        "manifest-sha256.txt": manifest.encode(),
    }
    tags = "".join(f"{sha256(content)}  {file}\n" for file, content in sorted(texts.items()))
    entries = {**texts, "tagmanifest-sha256.txt": tags.encode()}
    entries.update({f"data/{file}": content for file, content in payload.items()})
    with zipfile.ZipFile(SEEDS / "bundle" / name, "w") as out:
        for folder in ["case/", "case/data/"] if folders else []:
            out.writestr(zipfile.ZipInfo(folder, DAY), b"")
        for file, content in entries.items():
            entry = zipfile.ZipInfo(f"case/{file}", DAY)
            entry.compress_type = how
            out.writestr(entry, content)


def bundles():
    text = small_result()
    told = json.loads(text)["candidates"][0]["path"]
    places = json.dumps({"files": {told: "files/a.wav"}}).encode()
    sound = open("malformed/zero-frames.wav", "rb").read()
    payload = {"report.json": text.encode(), "places.json": places, "files/a.wav": sound, "README.txt": b"read me\n"}
    bag("deflated.zip", payload, zipfile.ZIP_DEFLATED, False)
    bag("stored.zip", payload, zipfile.ZIP_STORED, True)


def signature():
    """A pair of keys that is made of a known number, a signature with it, and a log of two lines."""
    secret = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    number = bytes(range(8))
    line = base64.b64encode(b"Ed" + number + public).decode()
    signed = secret.sign(hashlib.blake2b(b"what was signed\n").digest())
    comment = "a file of the seeds"
    whole = base64.b64encode(secret.sign(signed + comment.encode())).decode()
    one = base64.b64encode(b"ED" + number + signed).decode()
    folder = SEEDS / "signature"
    (folder / "us.pub").write_text(f"untrusted comment: minisign public key\n{line}\n")
    (folder / "line.pub").write_text(line)
    (folder / "file.minisig").write_text(f"untrusted comment: by us\n{one}\ntrusted comment: {comment}\n{whole}\n")
    previous, log = "0" * 64, ""
    for command in ("inspect", "check"):
        entry = {"time": "2025-01-01T00:00:00Z", "command": command, "arguments": ["-q"], "folder": "/", "version": "0.1.0"}
        entry.update(inputs=[{"path": "a.wav", "sha256": None}], outputs=[], exit_code=0, error=None, previous=previous)
        text = json.dumps(entry, separators=(",", ":"))
        previous = sha256(text.encode())
        log += f'{text[:-1]},"hash":"{previous}"}}\n'
    (folder / "log.jsonl").write_text(log)


calibrations()
bundles()
signature()

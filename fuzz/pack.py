"""Keeps a corpus as one small zip: pack.py pack|unpack ZIP FOLDER.

The same files give the same bytes. Only the smallest files go in, up to MOST bytes each and ROOM together: the corpora of
all targets are to stay under 1.6 MB.
"""

import hashlib
import pathlib
import sys
import zipfile

MOST = 32 << 10
ROOM = 150 << 10


def pack(path, folder):
    files = sorted((file.stat().st_size, file.name, file) for file in folder.iterdir() if file.is_file())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for size, _, file in files:
            if size > MOST:
                break
            content = file.read_bytes()
            name = hashlib.sha256(content).hexdigest()[:16]
            if name in out.namelist():
                continue
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, content)
            if out.start_dir > ROOM:
                print(f"{path}: full at files of {size} bytes", file=sys.stderr)
                break


def unpack(path, folder):
    if path.exists():
        zipfile.ZipFile(path).extractall(folder)


{"pack": pack, "unpack": unpack}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))

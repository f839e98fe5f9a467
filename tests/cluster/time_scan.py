#!/usr/bin/env python3
"""What one core of a cluster scans: rows of an index a second, against 1, 10 and 100 protected voices.

    cargo run --release --example generated_index 200000 generated.lib
    python3 tests/cluster/time_scan.py generated.lib fixtures/voices/nsh/real

The part of a scan that tasks run (soundalike.arrow.Scan.part), in this process with one thread; the rows lie in memory.
Every voice is the same one under another name, which costs what different ones cost.
"""

import glob
import resource
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq

import soundalike
from soundalike.arrow import Scan


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    files = sorted(glob.glob(f"{sys.argv[1]}/clips-*.parquet"))
    table = pa.concat_tables([pq.read_table(file) for file in files])
    voice = soundalike.Reference(sys.argv[2])
    for count in (1, 10, 100):
        scan = Scan({f"voice {number}": voice for number in range(count)})
        # A first part, so that what is loaded once is not counted.
        list(scan.part(table.slice(0, 8).to_batches()))
        start = time.perf_counter()
        found = list(scan.part(table.to_batches(max_chunksize=10_000)))
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{count:4} voices: {table.num_rows} rows in {seconds:.2f} s, {table.num_rows / seconds:.0f} a second; "
            f"{sum(batch.num_rows for batch in found)} rows found; peak memory {peak} MiB with the table"
        )


if __name__ == "__main__":
    main()

"""A Ray cluster on this machine, for tests: a head without CPUs and nodes of one CPU each, with processes of
their own.

    with RayCluster(nodes=2) as cluster:
        ...
        cluster.kill_node(0)

Everything is bound to 127.0.0.1, without dashboard and usage statistics; processes and temporary folder are
gone at the end, also after an exception. Needs Linux (processes are found in /proc) and PyPI's ray[data].
"""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

# All of it is read when ray is imported or when its processes start.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
# By this Ray takes the loopback address for this machine's, which it else replaces by another.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_DATA_DISABLE_PROGRESS_BARS"] = "1"
os.environ["RAY_TQDM"] = "0"
# A node that is gone is noticed within some seconds, and one that is slow is given time.
os.environ["RAY_health_check_period_ms"] = "1000"
os.environ["RAY_health_check_timeout_ms"] = "20000"

import ray  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

HOST = "127.0.0.1"
MEMORY = 200 * 1024 * 1024


def below(process):
    """The living processes that a process started, and those that they did."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            # Behind the name, which stands in brackets: state, parent.
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, fresh = set(), {process}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


class RayCluster:
    """A head that runs nothing and some nodes of one CPU each."""

    def __init__(self, nodes=2):
        self.count, self.cluster, self.nodes, self.folder = nodes, None, [], None

    def __enter__(self):
        # Short, for the paths of Unix sockets have at most 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        os.environ["RAY_TMPDIR"] = self.folder
        os.mkdir(os.path.join(self.folder, "ray"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        started = self._processes()
        with contextlib.suppress(Exception):
            ray.shutdown()
        with contextlib.suppress(Exception):
            if self.cluster:
                self.cluster.shutdown()
        for process in started | self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        common = {
            "node_ip_address": HOST,
            "object_store_memory": MEMORY,
            "temp_dir": self.folder,
            "include_dashboard": False,
        }
        self.cluster = Cluster()
        self.cluster.add_node(**common, num_cpus=0)
        self.nodes = [self.cluster.add_node(**common, num_cpus=1) for _ in range(self.count)]
        # What ray.get_runtime_context().get_node_id() tells on each; they stay when a node is gone.
        self.names = [node.node_id for node in self.nodes]
        ray.init(
            address=self.cluster.address, log_to_driver=False, logging_level="ERROR", include_dashboard=False
        )
        self.cluster.wait_for_nodes()

    def _processes(self):
        """What the nodes' own processes and those below them are."""
        own = set()
        for node in [*self.nodes, *([self.cluster.head_node] if self.cluster else [])]:
            if node is not None:
                own |= _own(node)
        return own | {child for process in own for child in below(process)}

    def alive(self):
        """Number of nodes that are alive and have a CPU."""
        return sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in ray.nodes())

    def kill_node(self, number):
        """Ends a node and its workers at once, as a machine that loses its power."""
        node = self.nodes[number]
        own = _own(node)
        killed = own | {child for process in own for child in below(process)}
        for process in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.cluster.remove_node(node, allow_graceful=False)
        self.nodes[number] = None
        deadline = time.monotonic() + 60
        while self.alive() > sum(node is not None for node in self.nodes) and time.monotonic() < deadline:
            time.sleep(0.1)
        return len(killed)


def _own(node):
    """The processes that Ray started for a node."""
    return {info.process.pid for infos in node.all_processes.values() for info in infos}

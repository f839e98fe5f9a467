"""A real Spark cluster on this machine, for tests: a standalone master and workers, each a process of its
own.

    with SparkCluster(workers=2) as cluster:
        spark = cluster.session()
        ...
        cluster.kill_worker(0)

Everything is bound to 127.0.0.1 and lies in one temporary folder; processes and folder are gone at the end,
also after an exception. Needs Linux (processes are found in /proc), Java 17 and PyPI's pyspark, and nothing
of a Spark installation.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pyspark
from pyspark import SparkContext
from pyspark.sql import SparkSession

HOST = "127.0.0.1"


def free_port():
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def processes_of(leader):
    """The living processes of a session: its leader and what that started, also in groups of their own."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            # Behind the name, which stands in brackets: state, parent, group, session.
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(entry.name))
    return found


def kill_session(leader):
    """Ends every process of a session at once, by SIGKILL."""
    deadline = time.monotonic() + 10
    while (alive := processes_of(leader)) and time.monotonic() < deadline:
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


class SparkCluster:
    """A master and some workers of one core each; one executor a worker."""

    def __init__(self, workers=2, memory="768m", python=sys.executable):
        self.count, self.memory, self.python = workers, memory, python
        self.master, self.workers, self.spark, self.folder = None, [], None, None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="spark-cluster-")
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop_session()
            self._stop_driver()
        finally:
            for process in [*self.workers, *([self.master] if self.master else [])]:
                kill_session(process.pid)
                process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _launch(self, name, of, *words):
        environment = dict(os.environ)
        # What is set here for other clusters must not reach this one.
        for other in [key for key in environment if key.startswith("SPARK_")]:
            del environment[other]
        environment |= {
            "SPARK_HOME": os.path.dirname(pyspark.__file__),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": os.path.join(self.folder, f"{name}-local"),
            "SPARK_DAEMON_MEMORY": "256m",
            "PYSPARK_PYTHON": self.python,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [
            os.path.join(environment["SPARK_HOME"], "bin", "spark-class"),
            f"org.apache.spark.deploy.{of}",
        ]
        with open(os.path.join(self.folder, f"{name}.log"), "wb") as log:
            # A session of its own, by which everything that it starts is found again.
            return subprocess.Popen(
                [*command, "--host", HOST, *map(str, words)],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _start(self):
        port, self.page = free_port(), free_port()
        self.url = f"spark://{HOST}:{port}"
        self.master = self._launch("master", "master.Master", "--port", port, "--webui-port", self.page)
        self._wait(lambda: self.state() is not None, "the master does not answer", 60)
        for worker in range(self.count):
            work = os.path.join(self.folder, f"worker-{worker}")
            settings = (
                "--port",
                0,
                "--webui-port",
                0,
                "--cores",
                1,
                "--memory",
                "2g",
                "--work-dir",
                work,
                self.url,
            )
            self.workers.append(self._launch(f"worker-{worker}", "worker.Worker", *settings))
        self._wait(lambda: self.alive() == self.count, "not every worker registered", 60)

    def _wait(self, until, trouble, seconds):
        deadline = time.monotonic() + seconds
        while not until():
            ended = [process for process in [self.master, *self.workers] if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = [path.read_text()[-2000:] for path in sorted(Path(self.folder).glob("*.log"))]
                raise RuntimeError("\n".join([trouble, *logs]))
            time.sleep(0.1)

    def state(self):
        """What the master says of itself, its workers and applications; None where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.page}/json/", timeout=5) as page:
                return json.load(page)
        except (OSError, ValueError):
            return None

    def alive(self):
        """Number of workers that are registered and alive."""
        return sum(worker["state"] == "ALIVE" for worker in (self.state() or {"workers": []})["workers"])

    def session(self, **settings):
        """A session on this cluster; further settings with _ for the dots: sql_shuffle_partitions=8."""
        self.stop_session()
        os.environ["PYSPARK_PYTHON"] = self.python
        os.environ["SPARK_LOCAL_IP"] = HOST
        fixed = {
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.local.dir": os.path.join(self.folder, "driver-local"),
            "spark.sql.warehouse.dir": os.path.join(self.folder, "warehouse"),
            "spark.executor.cores": "1",
            "spark.executor.memory": self.memory,
            # Tasks wait until every executor is there, so that each gets some.
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
            "spark.sql.shuffle.partitions": "4",
        }
        builder = SparkSession.builder.master(self.url).appName("soundalike test")
        for name, value in (
            fixed | {f"spark.{key.replace('_', '.')}": value for key, value in settings.items()}
        ).items():
            builder = builder.config(name, str(value))
        self.spark = builder.getOrCreate()
        return self.spark

    def stop_session(self):
        """Ends the session, its executors and their Python processes."""
        if self.spark is not None:
            self.spark.stop()
            self.spark = None

    def _stop_driver(self):
        """Ends the driver's Java process, which would keep this cluster's folder for the next one."""
        gateway = SparkContext._gateway
        SparkContext._gateway = SparkContext._jvm = None
        if gateway is not None:
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait(30)

    def executors(self):
        """The session's executors, also those gone: id, worker, alive, tasks active and completed."""
        application = self.spark.sparkContext.applicationId
        store = self.spark.sparkContext._jsc.sc().statusStore()
        places = {}
        for worker in range(len(self.workers)):
            with contextlib.suppress(FileNotFoundError):
                places |= {
                    name: worker
                    for name in os.listdir(os.path.join(self.folder, f"worker-{worker}", application))
                }
        found, summaries = [], store.executorList(False)
        for at in range(summaries.size()):
            summary = summaries.apply(at)
            if summary.id() != "driver":
                found.append(
                    {
                        "id": summary.id(),
                        "worker": places.get(summary.id()),
                        "alive": summary.isActive(),
                        "active": summary.activeTasks(),
                        "completed": summary.completedTasks(),
                    }
                )
        return found

    def tasks(self):
        """Number of completed tasks by worker."""
        counts = {f"worker {worker}": 0 for worker in range(len(self.workers))}
        for executor in self.executors():
            counts[f"worker {executor['worker']}"] = (
                counts.get(f"worker {executor['worker']}", 0) + executor["completed"]
            )
        return counts

    def failed_tasks(self):
        """Number of tasks of the session that failed or were lost, in the last attempt of each stage."""
        tracker = self.spark.sparkContext.statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup()]
        stages = {stage for job in jobs if job for stage in job.stageIds}
        return sum(info.numFailedTasks for info in map(tracker.getStageInfo, stages) if info)

    def kill_worker(self, worker):
        """Ends a worker, its executors and their Python processes at once, as a loss of power would."""
        leader = self.workers[worker].pid
        killed = len(processes_of(leader))
        kill_session(leader)
        self.workers[worker].wait()
        self.workers[worker] = _Gone(leader)
        return killed


class _Gone:
    """A worker that was killed."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        return None

    def wait(self):
        return -signal.SIGKILL

"""MQTT to S3: how many images a second one process stores, and what each costs."""

import functools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from common.contract import topics
from dev.bench.figures.measure import QUICK, Sample, Series, cpu_seconds, number, paired
from dev.bench.figures.plot import bars
from dev.bench.figures.report import Report, Table, left_out
from dev.bench.peers import nodered
from dev.bench.rig import load, stores
from dev.bench.rig.stores import Store
from dev.harness.enrolment import Enrolment
from dev.harness.process import Process, StartError, free_port, start, wait_for
from dev.harness.services import start_cloud_broker, start_uploader

THREADS = 16  # of each peer, which has a fixed number; ours searches for the best one
SECONDS = 1.0 if QUICK else 2.0
WARM = 200  # objects that are not counted: connections are made, modules loaded
# Images in the queue: no more than the uploader holds of one edge (96 MB, with what a message takes besides its image).
# Who takes them all before the time is up is counted until then.
ENOUGH = {8: 4_000, 80: 1_000} if QUICK else {8: 5_000, 80: 1_100}
QUEUE_FULL = "Outgoing messages are being dropped"  # Mosquitto's log: then the rest of a run measures an empty queue
FOLDERFUL = 200  # images for those who read files
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One contender's surroundings for one run."""

    folder: Path
    store: Store
    kilobytes: int
    count: int

    def program(self, name: str, *arguments: str, **settings: str) -> Process:
        """Start one of dev/bench/peers."""
        command = [sys.executable, "-m", f"dev.bench.peers.{name}", *arguments]
        return start(name, command, self.folder / name, self.store.settings | settings)

    def files(self) -> Path:
        folder = self.folder / "files"
        folder.mkdir(exist_ok=True)
        for index, capture in enumerate(load.captures(self.kilobytes, FOLDERFUL)):
            (folder / f"{index:05}.png").write_bytes(capture.image)
        return folder

    @contextmanager
    def queue(self, client_id: str) -> Iterator[str]:
        """A cloud broker that holds the images for this client; gives its port."""
        port, outside_port = free_port(), free_port()
        edge = Enrolment(self.folder)
        edge.prepare()
        edge.enroll(load.EDGE, wait=False)
        broker = start_cloud_broker(self.folder / "cloud-broker", port=port, outside_port=outside_port)
        try:
            if client_id != "uploader":
                load.make_session(port, client_id, topics.EVERY_EDGES_IMAGES)
            load.queue(outside_port, edge.credentials(load.EDGE), self.kilobytes, self.count)
            if QUEUE_FULL in broker.log.read_text():
                raise StartError(f"the broker's queue is full before it has {self.count} images: put in fewer")
            yield str(port)
        finally:
            broker.kill()


Contender = Callable[[Trial], Sample]


def ours(trial: Trial) -> Sample:
    with trial.queue("uploader") as port:
        settings = trial.store.settings | {"CLOUD_BROKER_PORT": port}
        return _watched(trial, start_uploader(trial.folder / "uploader", **settings))


def naive_callback(trial: Trial) -> Sample:
    with trial.queue("naive-callback") as port:
        return _watched(trial, trial.program("naive_callback", CLOUD_BROKER_PORT=port))


def node_red(trial: Trial) -> Sample:
    with trial.queue("naive-callback") as port:
        settings = trial.store.settings | {"CLOUD_BROKER_PORT": port}
        return _watched(trial, nodered.start_nodered(trial.folder / "node-red", settings))


def rclone(trial: Trial) -> Sample:
    with trial.queue("naive-callback") as port:
        arguments = (str(trial.folder / "arrived"), str(THREADS))
        return _watched(trial, trial.program("rclone_folder", *arguments, CLOUD_BROKER_PORT=port))


def boto3_alone(trial: Trial) -> Sample:
    return _watched(trial, trial.program("boto3_alone", str(trial.files()), str(THREADS)))


def s5cmd(trial: Trial) -> Sample:
    files = trial.files()
    for index in range(trial.count // FOLDERFUL):
        (files / f"more{index}").mkdir()
        for file in files.glob("*.png"):
            (files / f"more{index}" / file.name).hardlink_to(file)
    command = ["s5cmd", "--log=error", f"--numworkers={THREADS}", f"--endpoint-url={trial.store.endpoint}"]
    command += ["cp", f"{files}/", f"s3://{trial.store.bucket}/"]
    return _watched(trial, start("s5cmd", command, trial.folder, trial.store.settings))


def raw(trial: Trial) -> Sample:
    return _watched(trial, trial.program("raw", str(trial.files()), str(THREADS), str(trial.count)))


def _watched(trial: Trial, process: Process) -> Sample:
    """Count for a while what the store is given, and what that costs the process."""
    try:
        began = _warm(trial, process)
        time_began, cpu_began = time.monotonic(), cpu_seconds(process.popen.pid)
        last, ended = began, time_began
        while ended - time_began < SECONDS and last < 0.95 * trial.count:
            time.sleep(0.05)
            last, ended = trial.store.stored(), time.monotonic()
        if last == began:
            raise TimeoutError(f"{process.name} stored nothing in {SECONDS:g} s: {process.tail(3)}")
        cpu = cpu_seconds(process.popen.pid) - cpu_began
        return {"images/s": (last - began) / (ended - time_began), "CPU µs": cpu * 1e6 / (last - began)}
    finally:
        process.kill()


def _warm(trial: Trial, process: Process) -> int:
    """Wait for the first objects, and return how many there are."""

    def decided() -> bool:
        return trial.store.stored() >= WARM or not process.alive()

    try:
        wait_for(decided, seconds=START_SECONDS, what=f"{process.name} to store {WARM} images")
    except TimeoutError as error:
        raise TimeoutError(f"{error}; its log ends: {process.tail(3)}") from error
    count = trial.store.stored()
    if count < WARM:
        raise StartError(f"{process.name} ended after {count} images: {process.tail(3)}")
    return count


ON_A_REAL_STORE: dict[str, Contender] = {
    "ours": ours,
    "a storing callback": naive_callback,
    "Node-RED": node_red,
    "a folder and rclone": rclone,
    "boto3 alone": boto3_alone,
    "s5cmd": s5cmd,
    "signed beforehand": raw,
}
ON_A_STORE_WITH_LATENCY = {name: ON_A_REAL_STORE[name] for name in ("ours", "a storing callback", "boto3 alone")}
LACKS = {  # what ours does for an image and this one does not
    "ours": "",
    "a storing callback": "checks, condition, metadata, retries: a PUT that fails ends it",
    "Node-RED": "checks, condition, metadata; the PUBACK comes before it is stored",
    "a folder and rclone": "checks, condition, metadata; the PUBACK comes before it is stored",
    "boto3 alone": "MQTT, checks, condition, receipts",
    "s5cmd": "MQTT, checks, condition, receipts",
    "signed beforehand": "all but sending: it is the store's own bound",
}
NEAR, FAR = "SeaweedFS", "a store that keeps nothing and answers after 20 ms"
STORES: dict[tuple[str, int], Callable[[Path], Store]] = {
    (NEAR, 8): stores.real,
    (NEAR, 80): stores.real,
    (FAR, 80): functools.partial(stores.with_latency, delay_seconds=0.02),
}


def run(folder: Path) -> Report:
    missing = absent()
    contenders = {name: contender for name, contender in ON_A_REAL_STORE.items() if name not in missing}
    notes = [f"{name} was left out: {why}." for name, why in missing.items()]
    results = {}
    for (store, kilobytes), make in STORES.items():
        print(f" {store}, {kilobytes} KB", flush=True)
        chosen = contenders if store == NEAR else ON_A_STORE_WITH_LATENCY
        results[store, kilobytes] = _compare(folder, make, kilobytes, chosen)
    return _report(results, notes)


def absent() -> dict[str, str]:
    """Say which peers this machine does not have, and why."""
    reasons = {} if nodered.install() else {"Node-RED": "npm did not install it here"}
    programs = {"a folder and rclone": "rclone", "s5cmd": "s5cmd"}
    return reasons | {name: "it is not installed here" for name, program in programs.items() if not which(program)}


def _compare(folder: Path, make: Callable[[Path], Store], kilobytes: int, contenders: dict[str, Contender]) -> Series:
    def trial(contender: Contender) -> Sample:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            store = make(Path(own) / "store")
            try:
                return contender(Trial(Path(own), store, kilobytes, ENOUGH[kilobytes]))
            finally:
                store.process.kill()

    return paired(
        {name: functools.partial(trial, contender) for name, contender in contenders.items()},
        peers=contenders.keys() - {"ours"},
    )


def _report(results: dict[tuple[str, int], Series], notes: list[str]) -> Report:
    tables = [_table(store, kilobytes, series) for (store, kilobytes), series in results.items()]
    plot = bars(
        "Images stored",
        "per second, one process",
        {
            f"{store}, {kilobytes} KB": {name: series.figure(name, "images/s") for name in series.samples}
            for (store, kilobytes), series in results.items()
        },
    )
    said = (*notes, *left_out(*results.values()))
    return Report("uploader", "MQTT to S3, one process", tuple(tables), said, {"uploader": plot})


def _table(store: str, kilobytes: int, series: Series) -> Table:
    rows = tuple(
        (
            name,
            str(series.figure(name, "images/s")),
            str(series.figure(name, "CPU µs")),
            str(series.ratio("ours", name, "images/s")) if name != "ours" else "",
            LACKS[name],
        )
        for name in series.samples
    )
    columns = ("", "images/s", "CPU per image, µs", "ours is so many times as fast", "it lacks")
    said = f"Into {store}, images of {kilobytes} KB; peers with threads have {number(THREADS)}, ours chooses:"
    return Table(said, columns, rows)

"""One world for one simulated week, and the promise that is checked in it."""

import contextlib
import dataclasses
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from camera.delivery.events import CaptureState
from camera.delivery.spool_folder import EXTENSIONS
from common.contract import topics
from common.contract.capture import CAPTURE_ID, Capture
from common.contract.receipt import Receipt
from common.runtime.files import UNFINISHED
from storage.capture import contract_names
from tests.simulator.bare_images import BareImages
from tests.simulator.engine.broker import Broker, Message
from tests.simulator.engine.bucket import Bucket, Object
from tests.simulator.engine.install import BAD, Paces, Revocations, installed, replacements
from tests.simulator.engine.simulation import Simulation
from tests.simulator.engine.threads import true_time
from tests.simulator.hosts import SPOOL, EdgeHost, UploaderHost, camera_settings, uploader_settings
from uploader.ingest.offences import Offence

DAY = 86_400.0
WEEK = 7 * DAY
HOUR = 3600.0
SETTLING_HOURS = 24
MOST_LOOKS = 250  # of the uploaders: each takes one of the duplicates that an outage brought, at the least
UNIQUE = "{edge}/{camera}/{captured_at:%Y/%m/%d}/{id}.png"
COLLIDING = "{edge}/{captured_at:%Y/%m}.png"
ROOMY, TINY = 100_000_000, 12_000
MEGABYTES = 1 << 20
NOTICED_SECONDS = 1.0  # so soon after its first request in vain an uploader knows that nothing can be stored
LATEST_PUT_SECONDS = 700.0  # so long after its sender's last try a PUT may arrive
LOOK_SECONDS = 4.0
CHECK_SECONDS = 60.0  # so soon an uploader looks whether its credentials are the right ones
LAST_TRY_SECONDS = 100.0  # so soon an uploader notices that an edge is revoked
LOOSE = Paces(held_bytes=256 * MEGABYTES, left_bytes=96 * MEGABYTES, waiting_qos_0=80, poll=21_600.0)
TIGHT = Paces(held_bytes=20_000, left_bytes=96 * MEGABYTES, waiting_qos_0=80, poll=7200.0)
TIGHT_AT_THE_BROKER = Paces(held_bytes=20_000, left_bytes=20_000, waiting_qos_0=2, poll=7200.0)
TIGHT_AT_THE_EDGE = dataclasses.replace(LOOSE, in_flight_bytes=3000)
PACES = (*2 * [TIGHT], *2 * [TIGHT_AT_THE_BROKER], LOOSE, TIGHT_AT_THE_EDGE)
LARGEST_BYTES = 5000  # of a capture here


@dataclasses.dataclass(slots=True)
class Promise:
    """A capture that reached a spool."""

    capture: Capture
    host: EdgeHost
    excused: str = ""  # why it need not be stored: dropped and counted, or a lying disk took it
    may_be_rejected: bool = False


class World:
    """Edges, one cloud, one bucket."""

    def __init__(self, seed: int) -> None:
        self.simulation = Simulation(seed)
        rng = self.simulation.rng
        self.revocations = Revocations(self.simulation)
        self.ever_revoked: set[str] = set()
        self.promises: dict[str, Promise] = {}
        self.bucket = Bucket(self.simulation)
        self.bucket.on_written = self._on_written
        self.bucket.on_expired = self._on_expired
        self._is_check_due = False
        uploaders, threads = rng.choice([1, 1, 2]), rng.choice([1, 2, 4])
        edges = ["porch", "attic"][: rng.choice([1, 1, 2])]
        self.is_tiny = rng.random() < 0.2
        self.spool_bytes = TINY if self.is_tiny else ROOMY
        self.paces = rng.choice(PACES)
        permanent = {edge: [f"usbcam/{edge}/receipts"] for edge in edges}
        if uploaders == 1:
            permanent["uploader"] = ["usbcam/+/images"]
        self.cloud = Broker(self.simulation, "cloud broker", permanent)
        receipts = "off" if rng.random() < 0.1 else "on"
        qos = 1 if receipts == "off" else rng.choice([1, 1, 1, 0])
        camera = camera_settings(rng.choice([1, 4, 64]), qos, self.spool_bytes, receipts=receipts)
        self.bare = BareImages(self.simulation)
        self.bucket.on_listed = self.bare.note_look
        self._accepted: set[bytes] = set()  # by an edge's broker
        self._may_be_dropped: Counter[str] = Counter()
        self.cloud.on_publish = self._on_cloud_message
        self.cloud.on_acknowledged = self._on_acknowledged
        self.hosts = [EdgeHost(self.simulation, edge, self.cloud, camera) for edge in edges]
        template = rng.choice([UNIQUE, UNIQUE, COLLIDING])
        self.is_colliding = template == COLLIDING
        settings = uploader_settings(uploaders, threads, template, rng.choice([None, 30]))
        self.uploaders = [UploaderHost(self.simulation, number, self.cloud, settings) for number in range(uploaders)]
        self._parts: list[EdgeHost | UploaderHost] = [*self.hosts, *self.uploaders]
        self.made: dict[str, Capture] = {}
        self._homes: dict[str, str] = {}  # of each capture: its key
        self._unexplained: dict[str, list[str]] = {edge: [] for edge in edges}
        for host in self.hosts:
            self._listen(host)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        names = replacements(
            self.simulation,
            self.paces,
            self.bucket,
            self.revocations,
            self._on_offence,
            lambda: self.simulation.process().broker,
        )
        disabled, collects = logging.root.manager.disable, gc.isenabled()
        logging.disable(logging.CRITICAL)
        gc.disable()  # a history has many small things, which live to its end
        try:
            with installed(names):
                yield
                for part in self._parts:
                    part.kill()
        finally:
            logging.disable(disabled)
            if collects:
                gc.enable()

    def start(self) -> None:
        for part in self._parts:
            part.start()

    def live(self, misfortune: Callable[["World"], object]) -> None:
        """A week with captures and misfortune, up to a calm day, and a look at the bucket."""
        self.start()
        self._schedule_captures()
        misfortune(self)
        self.simulation.run(WEEK)
        self._settle()
        self._check_settled()
        for host in self.hosts:
            for seconds in (0, 0.06, 1):
                self.simulation.at(seconds, host.capture)
        self._let_look_until(lambda: self._is_settled)
        self._check_settled()
        sessions = self.cloud.sessions
        self._let_look_until(lambda: not any(each.flying or each.waiting for each in sessions.values()))
        self._check_calm()

    def _let_look_until(self, condition: Callable[[], bool]) -> None:
        self.simulation.run(self.simulation.now + LOOK_SECONDS)
        for _ in range(MOST_LOOKS):
            if condition():
                return
            self.look()
            self.simulation.run(self.simulation.now + LOOK_SECONDS)

    def look(self) -> None:
        for uploader in self.uploaders:
            uploader.look()

    def _on_expired(self) -> None:
        if not self._is_check_due:
            self._is_check_due = True
            self.simulation.at(CHECK_SECONDS, self._check_bucket)

    def _check_bucket(self) -> None:
        self._is_check_due = False
        for uploader in self.uploaders:
            uploader.check_bucket()

    def is_stored(self, promise: Promise) -> bool:
        home = self._homes.get(promise.capture.id)
        return home is not None and self.bucket.objects[home].body == promise.capture.image

    def promised_by(self, capture_id: str) -> str:
        """The edge; empty for what is not in a spool yet."""
        promise = self.promises.get(capture_id)
        return promise.host.name if promise else ""

    def find_missing(self, host: EdgeHost, reason: str) -> None:
        """After a power cut: what was promised must be on the disk, unless the disk lied."""
        there = {name.rpartition("/")[2][:-4]: content for name, content in host.disk.files.items()}
        for promise in self.promises.values():
            content = there.get(promise.capture.id)
            is_whole = content is not None and content.data == promise.capture.image
            if promise.host is host and not promise.excused and not self.is_stored(promise) and not is_whole:
                if reason:
                    promise.excused = reason
                else:
                    self.simulation.report(f"a power cut took {promise.capture.id}, which had reached the spool")
                    promise.excused = "reported"

    def rot(self, host: EdgeHost) -> None:
        """Damage some of what waits on a disk; nobody can store it any more."""
        waiting = [promise for promise in self.promises.values() if promise.host is host and not promise.excused]
        for promise in waiting:
            capture = promise.capture
            if not self.is_stored(promise) and host.disk.rot(f"{SPOOL}/{capture.id}{capture.extension}"):
                promise.excused = "its disk lied"

    def _listen(self, host: EdgeHost) -> None:
        def promise(capture: Capture) -> None:
            ahead = (capture.metadata.captured_at - true_time()).total_seconds() > DAY / 2
            self.promises[capture.id] = Promise(capture, host, may_be_rejected=ahead or BAD in capture.image)

        def unlink(name: str) -> None:
            kept = self.promises.get(name[:-4])
            if kept is not None and not kept.excused and not self.is_stored(kept):
                if host.settings.receipts == "off" and kept.capture.image in self._accepted:
                    kept.excused = "accepted"
                    return
                self._on_dropped(host, kept, name)

        host.on_captured = lambda capture: self.made.__setitem__(capture.id, capture)
        host.on_promised = promise
        host.on_completed = self._on_completed
        host.disk.on_unlink = unlink
        host.disk.on_named = partial(self._check_bounds, host)
        host.broker.on_publish = partial(self._on_edge_message, host)

    def publish_bare(self, host: EdgeHost) -> None:
        self.bare.add(host.publish_bare().payload)

    def publish_bare_again(self, host: EdgeHost) -> None:
        if host.broker.up:
            host.broker.publish(Message("usbcam/images", self.bare.newest, 1))

    def _on_edge_message(self, host: EdgeHost, message: Message) -> None:
        if message.topic == topics.IMAGES:
            self._accepted.add(message.payload)
            self._check_bounds(host)

    def _on_cloud_message(self, message: Message) -> None:
        """No receipt names what is not stored, or not rejected, or was another edge's."""
        if not message.topic.endswith("/receipts") or self.bucket.lost_bodies:
            return
        receipt = Receipt.parse(message.payload)
        for stored in receipt.stored:
            kept = self.bucket.objects.get(stored.key)
            made = self.made.get(stored.id)
            if kept is None or (made is not None and kept.body != made.image):
                self.simulation.report(f"a receipt says that {stored.id} is stored as {stored.key}")
            if message.topic != topics.edge_receipts(contract_names(kept.metadata).get("edge", "") if kept else ""):
                self.simulation.report(f"the receipt for {stored.id} goes to {message.topic}")
        for rejected in receipt.rejected:
            if not self._homes.get(rejected.id, "").startswith("rejected/"):
                self.simulation.report(f"a receipt says that {rejected.id} is rejected, and nothing is kept of it")

    def _on_offence(self, edge: str, offence: Offence) -> None:
        if offence is not Offence.DROPPED:
            return
        self._may_be_dropped[edge] += 1
        if not all(host.settings.mqtt_qos for host in self.hosts):
            return  # what has QoS 0 the broker has forgotten already
        if self.paces.left_bytes > MEGABYTES:
            self.simulation.report(f"a message of {edge} was dropped, and there was room for it at the broker")
        if self.bucket.refused_seconds > NOTICED_SECONDS:
            self.simulation.report(f"a message of {edge} was dropped while nothing could be stored")

    def _on_dropped(self, host: EdgeHost, promise: Promise, name: str) -> None:
        promise.excused = "dropped"
        self._unexplained[host.name].append(name)
        if not self.is_tiny:
            self.simulation.report(f"{name} was deleted from the spool, and is not stored")
        oldest = min(each for each in host.disk.files if each.endswith(EXTENSIONS) and each.count("/") == 2)
        if sum(host.waiting().values()) + LARGEST_BYTES <= self.spool_bytes:
            self.simulation.report(f"{name} was deleted from the spool, and there was room")
        if not oldest.endswith(name):
            self.simulation.report(f"{name} was deleted from the spool, and is neither stored nor the oldest")

    def _on_completed(self, capture_id: str, state: CaptureState, _note: str) -> None:
        """A camera says what became of a capture."""
        if capture_id not in self.made or state is CaptureState.ACKNOWLEDGED:
            return  # somebody else's bare image; nothing is said of the bucket
        is_rejected = self._homes.get(capture_id, "rejected/").startswith("rejected/")
        if is_rejected != (state is CaptureState.REJECTED):
            self.simulation.report(f"a camera says of {capture_id}: {state}")

    def _on_acknowledged(self, message: Message) -> None:
        """The cloud broker forgets an image: by then it is stored, or its edge was revoked."""
        edge = topics.edge_of_images(message.topic)
        if edge in self.ever_revoked or not message.topic.endswith("/images"):
            return
        if message.payload in [stored.body for stored in self.bucket.objects.values()]:
            return
        if self._may_be_dropped[edge]:
            self._may_be_dropped[edge] -= 1
        else:
            self.simulation.report(f"an image of {edge} was acknowledged, and is not stored")

    def _on_written(self, key: str, created: Object, old: Object | None) -> None:
        if old is not None and old.body == created.body and not self.bucket.lost_bodies:
            self.simulation.report(f"{key} was written again")
        if created.body in self.bare:
            self._on_bare_written(key, created.body)
            return
        metadata = contract_names(created.metadata)
        found = next((each for each in self.made.values() if each.image == created.body), None)
        if key.startswith("rejected/") and not created.body and self.bucket.lost_bodies:
            return  # a rejected message is known by its bytes alone
        capture_id = metadata.get("id") or (found.id if found else "")
        if not CAPTURE_ID.fullmatch(capture_id) or capture_id not in self.made:
            self.simulation.report(f"{key} holds what no camera made")
            return
        if created.body and self.made[capture_id].image != created.body:
            self.simulation.report(f"{key} holds the bytes of another capture than its metadata says")
        latest = LATEST_PUT_SECONDS if self.bucket.was_late else LAST_TRY_SECONDS
        if self.revocations.seconds(self.promised_by(capture_id)) > latest:
            self.simulation.report(f"{capture_id} was stored, and its edge is revoked")
        home = self._homes.setdefault(capture_id, key)
        if home != key:
            self.simulation.report(f"{capture_id} is stored twice: {home} and {key}")
        others = [other for other, where in self._homes.items() if where == key and other != capture_id]
        if others:
            self.simulation.report(f"{key} held {others[0]} and was overwritten by {capture_id}")

    def _on_bare_written(self, key: str, image: bytes) -> None:
        """Once as well, where one uploader can know it: it has no id that says when it was made."""
        self.bare.note_kept(image, key)
        if len(self.uploaders) == 1 and not self.is_colliding and not self.bucket.was_late:
            self.bare.check(image, self.uploaders[0].running_seconds)

    def _schedule_captures(self) -> None:
        rng = self.simulation.rng
        for host in self.hosts:
            for _ in range(rng.randrange(3, 6)):
                burst_at = WEEK * rng.random()
                for _ in range(rng.choice([1, 1, 2, 4, 12])):
                    is_bad = rng.random() < 0.04
                    self.simulation.at(
                        burst_at + rng.choice([0.0, 1.0, 30.0]) * rng.random(),
                        partial(host.capture, is_bad=is_bad),
                    )

    def _check_bounds(self, host: EdgeHost) -> None:
        """Each time that a file gets its name in a spool, and that its broker gets a capture."""
        size = sum(host.waiting().values())
        if size > self.spool_bytes:
            self.simulation.report(f"the spool of {host.name} takes {size} bytes")
        if host.in_flight > host.settings.window:
            self.simulation.report(f"{host.in_flight} captures of {host.name} are in flight")

    def _settle(self) -> None:
        """A calm day, or less if all is where it belongs before."""
        for _ in range(SETTLING_HOURS):
            self.simulation.run(self.simulation.now + HOUR)
            if self._is_settled:
                return

    @property
    def _is_settled(self) -> bool:
        stored = all(promise.excused or self.is_stored(promise) for promise in self.promises.values())
        return stored and not any(host.in_flight or host.waiting((*EXTENSIONS, UNFINISHED)) for host in self.hosts)

    def _check_settled(self) -> None:
        for promise in self.promises.values():
            capture = promise.capture
            home = self._homes.get(capture.id, "")
            if not promise.excused and not self.is_stored(promise):
                self.simulation.report(f"{capture.id} of {promise.host.name} is not stored")
            if home.startswith("rejected/") and not promise.may_be_rejected:
                self.simulation.report(f"{capture.id} was rejected: {self.bucket.objects[home].metadata}")
        for host in self.hosts:
            self._check_host(host)

    def _check_calm(self) -> None:
        for part in self._parts:
            part.check_calm()
        for name, session in self.cloud.sessions.items():
            if session.flying or session.waiting:
                kept = len(session.flying) + len(session.waiting)
                self.simulation.report(f"the cloud broker still keeps {kept} messages for {name}")

    def _check_host(self, host: EdgeHost) -> None:
        left = list(host.waiting((*EXTENSIONS, UNFINISHED)))
        if left:
            self.simulation.report(f"the spool of {host.name} still holds {left[0]} and {len(left) - 1} others")
        dropped = sum(spool.dropped for spool in host.spools)
        if len(self._unexplained[host.name]) > dropped:
            self.simulation.report(f"{host.name} dropped {self._unexplained[host.name]} and counted {dropped}")
        if host.in_flight:
            self.simulation.report(f"{host.in_flight} captures of {host.name} are still in flight")

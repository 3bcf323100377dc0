"""What goes wrong in a week, when, and for how long; all of it ends before the week does."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from tests.simulator.engine.simulation import Simulation
from tests.simulator.hosts import EdgeHost, UploaderHost
from tests.simulator.world import DAY, HOUR, WEEK, World

Mishap = Callable[[World], Callable[[], object] | None]  # returns what ends it
LAST_BEGINNING = 0.9 * WEEK
LONGEST_SECONDS = 0.08 * WEEK
LONGEST_RETRYING_SECONDS = 900.0  # each retry is an event, and a day of them shows nothing new
OUTAGE_SECONDS = 300.0
BUSY_SECONDS = 120.0  # so soon there are captures to which a mishap can happen
MIN_MISHAPS, MAX_MISHAPS = 4, 24


def befall(world: World) -> None:
    """Schedule the week's mishaps. They may overlap."""
    rng = world.simulation.rng
    if rng.random() < 0.1:
        world.bucket.loses_bodies = True
        for host in world.hosts:
            world.simulation.at(100 + rng.random(), host.capture)
        world.simulation.at(
            200 + LONGEST_RETRYING_SECONDS * rng.random(), lambda: setattr(world.bucket, "loses_bodies", False)
        )
    for _ in range(rng.randrange(MIN_MISHAPS, MAX_MISHAPS)):
        mishap = rng.choice(MISHAPS)
        seconds = min(LONGEST_SECONDS, 10 ** (rng.random() * 4.8))
        world.simulation.at(LAST_BEGINNING * rng.random(), partial(begin, world, mishap, seconds))


def begin(world: World, mishap: Mishap, seconds: float) -> None:
    simulation = world.simulation
    name = mishap.__name__
    if name.startswith("store") or mishap is crash_cloud_broker_during_slow_uploads:
        seconds = min(seconds, LONGEST_RETRYING_SECONDS)
    simulation.trace(f"{name} for {seconds:.0f} s")
    simulation.counts["mishaps"] += 1
    end = mishap(world)
    work(world, seconds, 2 if name.startswith("store") else 1)
    if end is not None:
        simulation.at(seconds, in_turn(lambda: simulation.trace(f"{name} ends"), end))


def work(world: World, seconds: float, captures: int) -> None:
    """Give whatever goes wrong something to go wrong with."""
    rng = world.simulation.rng
    for _ in range(captures):
        world.simulation.at(min(seconds, BUSY_SECONDS) * rng.random(), a_host(world).capture)


def in_turn(*calls: Callable[[], object]) -> Callable[[], object]:
    def call_all() -> None:
        for call in calls:
            call()

    return call_all


def a_host(world: World) -> EdgeHost:
    return world.simulation.rng.choice(world.hosts)


def an_uploader(world: World) -> UploaderHost:
    return world.simulation.rng.choice(world.uploaders)


def switch(thing: Any, name: str, value: Any = True, usual: Any = False) -> Callable[[], object]:  # noqa: FBT002
    setattr(thing, name, value)
    return lambda: setattr(thing, name, usual)


def kill_camera(world: World) -> Callable[[], object]:
    host = a_host(world)
    host.kill()
    return host.start


def kill_camera_at_once_after_a_capture(world: World) -> Callable[[], object]:
    host = a_host(world)
    host.capture()
    world.simulation.at(0.03 * world.simulation.rng.random(), host.kill)
    return host.start


def restart_camera(world: World) -> Callable[[], object]:
    host = a_host(world)
    host.stop()
    return in_turn(host.kill, host.start)


def cut_power(world: World) -> Callable[[], object]:
    host = a_host(world)
    host.capture()
    world.simulation.at(0.03 * world.simulation.rng.random(), lambda: power_off(world, host, ""))
    return in_turn(host.broker.start, host.start)


def power_off(world: World, host: EdgeHost, excuse: str) -> None:
    world.simulation.trace(f"power of {host.name} is cut")
    host.kill()
    host.broker.crash(keeps=world.simulation.rng.random() < 0.5)
    host.disk.cut_power()
    world.find_missing(host, excuse or ("its disk lied" if host.disk.lies else ""))
    host.disk.lies = False


def disk_lies_until_the_power_is_cut(world: World) -> Callable[[], object]:
    host = a_host(world)
    host.disk.lies = True
    host.capture()

    def end() -> None:
        host.capture()
        power_off(world, host, "its disk lied")
        world.simulation.at(60, in_turn(host.broker.start, host.start))

    return end


def fill_disk(world: World) -> Callable[[], object]:
    return switch(a_host(world).disk, "full")


def break_disk(world: World) -> Callable[[], object]:
    return switch(a_host(world).disk, "broken")


def start_on_a_bad_disk(world: World) -> Callable[[], object]:
    """What waits in the spool is found later."""
    host = a_host(world)
    host.bridge.cut()
    host.capture()
    fault = world.simulation.rng.choice(["broken", "unreadable", "full"])
    world.simulation.at(1, in_turn(host.kill, partial(switch, host.disk, fault), host.start))
    return partial(setattr, host.disk, fault, False)  # noqa: FBT003


def rot_what_waits(world: World) -> Callable[[], object]:
    """The disk damages files that were written well: cut short, or with other bytes."""
    host = a_host(world)
    host.bridge.cut()
    host.capture()
    world.simulation.at(1, in_turn(host.kill, partial(world.rot, host)))
    return host.start


def fail_reads(world: World) -> Callable[[], object]:
    return switch(a_host(world).disk, "unreadable")


def jump_clock(world: World) -> Callable[[], object]:
    host = a_host(world)
    days = world.simulation.rng.choice([-365, -1, -0.1, 0.1, 365])
    return switch(host, "clock_error", timedelta(days=days), timedelta())


def set_clock_back_over_a_lost_message(world: World) -> None:
    """As when a host starts with a wrong clock, and finds the time a moment later."""
    host, simulation = a_host(world), world.simulation
    host.clock_error = timedelta(days=365)
    simulation.at(1, setattr, host.broker, "drops", True)  # noqa: FBT003
    simulation.at(2, host.capture)
    simulation.at(20, setattr, host.broker, "drops", False)  # noqa: FBT003
    simulation.at(25, setattr, host, "clock_error", timedelta())


def jump_clock_of_uploader(world: World) -> Callable[[], object]:
    """Ahead as far as it likes; behind only as far as captures may be ahead."""
    days = world.simulation.rng.choice([-0.9, -0.1, 0.1, 1, 365])
    return switch(an_uploader(world), "clock_error", timedelta(days=days), timedelta())


def stop_clock(world: World) -> Callable[[], object]:
    """Two captures get the same time."""
    host = a_host(world)
    host.stopped_at = host.now()
    host.capture()
    host.capture()
    return switch(host, "stopped_at", host.stopped_at, None)


def crash_edge_broker(world: World) -> Callable[[], object]:
    broker = a_host(world).broker
    broker.crash(keeps=world.simulation.rng.random() < 0.5)
    return broker.start


def crash_edge_broker_at_once_after_a_capture(world: World) -> Callable[[], object]:
    """It forgets what it has acknowledged, and acknowledges more without passing it on."""
    host, simulation = a_host(world), world.simulation
    host.capture()
    simulation.at(0.03 * simulation.rng.random(), partial(host.broker.crash, keeps=False))
    simulation.at(1, setattr, host.broker, "drops", True)  # noqa: FBT003
    simulation.at(30, setattr, host.broker, "drops", False)  # noqa: FBT003
    return host.broker.start


def restart_edge_broker(world: World) -> Callable[[], object]:
    broker = a_host(world).broker
    broker.stop()
    return broker.start


def crash_cloud_broker(world: World) -> Callable[[], object]:
    world.cloud.crash(keeps=world.simulation.rng.random() < 0.5)
    return world.cloud.start


def crash_cloud_broker_during_slow_uploads(world: World) -> Callable[[], object]:
    """A new session, the second or the sixth, counts its packets from 1 again while uploads are under way."""
    simulation, host = world.simulation, a_host(world)
    crashes = simulation.rng.choice([1, 5])
    for number in range(crashes):
        simulation.at(4 + 20 * number, partial(world.cloud.crash, keeps=False))
        simulation.at(5 + 20 * number, world.cloud.start)
    last = 20 * (crashes - 1)
    for _ in range(3):
        simulation.at(last, host.capture)
        simulation.at(last + 8 + simulation.rng.random(), host.capture)
    return switch(world.bucket, "late", 0.8, 0.0)


def restart_cloud_broker(world: World) -> Callable[[], object]:
    world.cloud.stop()
    return world.cloud.start


def brokers_save(world: World) -> None:
    world.cloud.save()
    for host in world.hosts:
        host.broker.save()


def any_broker(world: World) -> Any:
    return world.simulation.rng.choice([world.cloud, *(host.broker for host in world.hosts)])


def broker_drops_what_it_acknowledges(world: World) -> Callable[[], object]:
    return switch(any_broker(world), "drops")


def broker_refuses(world: World) -> Callable[[], object]:
    host = a_host(world)
    host.capture()
    return switch(host.broker, "refuses")


def broker_copies(world: World) -> Callable[[], object]:
    return switch(any_broker(world), "copies")


def broker_reorders(world: World) -> Callable[[], object]:
    return switch(any_broker(world), "mixes")


def camera_loses_its_broker(world: World) -> None:
    broker = a_host(world).broker
    for end in list(broker.links.values()):
        end("Keep alive timeout")
    broker.links.clear()


def cut_link(world: World) -> Callable[[], object]:
    bridge = a_host(world).bridge
    bridge.forbidden = True
    bridge.cut()
    return switch(bridge, "forbidden")


def link_swallows(world: World) -> Callable[[], object]:
    bridge = a_host(world).bridge
    return in_turn(switch(bridge, "swallows"), bridge.cut)


def link_swallows_for_a_moment(world: World) -> None:
    """The connection survives, and its acknowledgements are late: it breaks without notice."""
    bridge = a_host(world).bridge
    world.simulation.at(20, in_turn(switch(bridge, "swallows"), bridge.cut))


def lose_the_word_that_the_bridge_is_up(world: World) -> None:
    host, simulation = a_host(world), world.simulation
    host.bridge.cut()
    simulation.at(1, setattr, host.broker, "drops", True)  # noqa: FBT003
    simulation.at(40, setattr, host.broker, "drops", False)  # noqa: FBT003


def slow_link(world: World) -> Callable[[], object]:
    bridge = a_host(world).bridge
    return switch(bridge, "latency", 20 * world.simulation.rng.random(), bridge.latency)


def revoke(world: World) -> Callable[[], object]:
    host = a_host(world)
    world.ever_revoked.add(host.name)
    for _ in range(3):
        host.capture()
    world.simulation.at(0.1 * world.simulation.rng.random(), partial(world.revocations.revoke, host.name))
    world.simulation.at(1, host.bridge.cut)
    return in_turn(partial(world.revocations.renew, host.name), switch(host.bridge, "forbidden"))


def fill_spool_as_receipts_arrive(world: World) -> None:
    """The oldest is stored, or given up, or both at once."""
    host, rng = a_host(world), world.simulation.rng
    host.bridge.cut()
    for _ in range(6):
        host.capture()
    for _ in range(12 if world.is_tiny else 2):
        world.simulation.at(2 + 22 * rng.random(), host.capture)


def others_publish_bare_images(world: World) -> None:
    """Programs that know nothing of captures; one image arrives twice."""
    host, simulation = a_host(world), world.simulation
    for _ in range(simulation.rng.choice([1, 2, 6])):
        world.publish_bare(host)
    uploader = an_uploader(world)
    is_restarted, chance = simulation.rng.random() < 0.5, simulation.rng.random()
    if is_restarted:  # what it knew is gone, and the bucket tells, also on the next day
        simulation.at(5, uploader.kill)
        simulation.at(6, uploader.start)
    later = 1.5 * DAY * chance**3 if is_restarted else 10 ** (chance * 4)
    simulation.at(min(WEEK - HOUR - simulation.now, 10 + later), world.publish_bare_again, host)


def revoke_while_the_store_is_down(world: World) -> Callable[[], object]:
    """What was in hand by then is void, and nobody may store it later."""
    host, simulation = a_host(world), world.simulation
    world.ever_revoked.add(host.name)
    switch(world.bucket, simulation.rng.choice(["down", "denied"]))
    for _ in range(3):
        host.capture()
    simulation.at(10, in_turn(partial(world.revocations.revoke, host.name), host.bridge.cut))
    simulation.at(10, setattr, host.bridge, "forbidden", True)  # noqa: FBT003
    simulation.at(20, world.look)
    simulation.at(OUTAGE_SECONDS, world.bucket.recover)
    return lambda: simulation.at(OUTAGE_SECONDS, partial(restore, world, host))


def restore(world: World, host: EdgeHost) -> None:
    world.revocations.renew(host.name)
    host.bridge.forbidden = False


def flood_while_the_store_is_down(world: World) -> None:
    """More than an uploader holds, and than it leaves at the broker."""
    host, simulation = a_host(world), world.simulation
    world.bucket.down = True
    for _ in range(10):
        simulation.at(130 + 100 * simulation.rng.random(), host.capture)
    simulation.at(OUTAGE_SECONDS, world.bucket.recover)
    simulation.at(OUTAGE_SECONDS + 60, world.look)


def kill_uploader(world: World) -> Callable[[], object]:
    uploader = an_uploader(world)
    a_host(world).capture()
    world.simulation.at(0.3 * world.simulation.rng.random(), uploader.kill)
    return uploader.start


def restart_uploader(world: World) -> Callable[[], object]:
    uploader = an_uploader(world)
    a_host(world).capture()
    world.simulation.at(0.3 * world.simulation.rng.random(), uploader.stop)
    return in_turn(uploader.kill, uploader.start)


def uploader_loses_its_broker(world: World) -> None:
    a_host(world).capture()
    delay = 0.3 * world.simulation.rng.random()
    world.simulation.at(delay, lambda: drop_uploaders(world))


def drop_uploaders(world: World) -> None:
    for name in [name for name in world.cloud.links if name.startswith("uploader")]:
        world.cloud.links.pop(name)("Keep alive timeout")


def store_is_down(world: World) -> Callable[[], object]:
    return switch(world.bucket, "down")


def store_denies(world: World) -> Callable[[], object]:
    return switch(world.bucket, "denied")


def store_denies_tags(world: World) -> Callable[[], object]:
    return switch(world.bucket, "denies_tags")


def store_rotates_credentials(world: World) -> None:
    """What a client was made with is of no use any more."""
    world.bucket.credentials += 1


def store_throttles(world: World) -> Callable[[], object]:
    return switch(world.bucket, "throttled", 0.6, 0.0)


def store_fails(world: World) -> Callable[[], object]:
    return switch(world.bucket, "failing", 0.6, 0.0)


def store_conflicts(world: World) -> Callable[[], object]:
    return switch(world.bucket, "conflicting", 0.6, 0.0)


def store_has_an_impostor(world: World) -> Callable[[], object]:
    return switch(world.bucket, "impostor", 0.6, 0.0)


def store_is_late(world: World) -> Callable[[], object]:
    return switch(world.bucket, "late", 0.4, 0.0)


def store_repeats(world: World) -> Callable[[], object]:
    return switch(world.bucket, "doubled", 0.5, 0.0)


MISHAPS: tuple[Mishap, ...] = (
    kill_camera,
    kill_camera_at_once_after_a_capture,
    restart_camera,
    cut_power,
    cut_power,
    disk_lies_until_the_power_is_cut,
    fill_disk,
    break_disk,
    start_on_a_bad_disk,
    rot_what_waits,
    fail_reads,
    jump_clock,
    set_clock_back_over_a_lost_message,
    jump_clock_of_uploader,
    stop_clock,
    crash_edge_broker,
    crash_edge_broker_at_once_after_a_capture,
    crash_edge_broker_at_once_after_a_capture,
    restart_edge_broker,
    crash_cloud_broker,
    crash_cloud_broker_during_slow_uploads,
    restart_cloud_broker,
    brokers_save,
    brokers_save,
    broker_drops_what_it_acknowledges,
    broker_refuses,
    broker_copies,
    broker_reorders,
    camera_loses_its_broker,
    cut_link,
    link_swallows,
    link_swallows_for_a_moment,
    lose_the_word_that_the_bridge_is_up,
    slow_link,
    fill_spool_as_receipts_arrive,
    revoke,
    revoke_while_the_store_is_down,
    others_publish_bare_images,
    kill_uploader,
    kill_uploader,
    restart_uploader,
    uploader_loses_its_broker,
    uploader_loses_its_broker,
    store_is_down,
    flood_while_the_store_is_down,
    store_denies,
    store_denies_tags,
    store_rotates_credentials,
    store_throttles,
    store_fails,
    store_conflicts,
    store_is_late,
    store_has_an_impostor,
    store_repeats,
)


def simulate(seed: int, *, keep_trace: bool = False) -> Simulation:
    """Run one history; what it found is in `findings`."""
    world = World(seed)
    if keep_trace:
        world.simulation.lines = []
    with world.running():
        world.live(befall)
    return world.simulation

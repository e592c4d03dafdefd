"""Who is in a thread: over several nodes of one process, with time that stands still until it is told to move."""

import json
import random
from typing import Any

import pytest

from threadline.api.presence.presence import Presence
from threadline.api.presence.room import Seat
from threadline.api.presence.words import Here, whisper, whispers_of, word_of
from threadline.bus.contract import Whisper
from threadline.bus.memory import Exchange, MemoryBus
from threadline.clock import ManualClock
from threadline.ids import NodeId, ThreadId
from threadline.limits import PRESENCE_LOST_SECONDS, PRESENCE_STATUS_SECONDS, WHISPER_BYTES_MAX

THREAD = ThreadId("thr_1")
OTHER = ThreadId("thr_2")


class Device:
    """Somebody's socket in a thread: what it was told, and what follows from it."""

    def __init__(self, presence: Presence, person: str | None, thread_id: ThreadId = THREAD) -> None:
        self.presence = presence
        self.thread_id = thread_id
        self.told: list[dict[str, Any]] = []
        self.seat: Seat = presence.enter(thread_id, person, lambda _, payload: self.told.append(json.loads(payload)))

    def leave(self) -> None:
        """Close it."""
        self.presence.leave(self.thread_id, self.seat)

    @property
    def sees(self) -> dict[str, str]:
        """Return who is there, as a client works it out from what it was told."""
        seen: dict[str, str] = {}
        for said in self.told:
            if said["type"] == "presence.state":
                seen = {it["end_user_id"]: it["status"] for it in said["people"]}
            elif said["type"] == "presence" and said["status"] == "offline":
                del seen[said["end_user_id"]]
            elif said["type"] == "presence":
                seen[said["end_user_id"]] = said["status"]
        return seen


class World:
    """Nodes on one exchange."""

    def __init__(self, count: int) -> None:
        self.clock = ManualClock()
        self.exchange = Exchange()
        self.nodes = [self.node(number) for number in range(count)]

    def node(self, number: int) -> Presence:
        """Start a node."""
        bus = MemoryBus(self.exchange)
        presence = Presence(bus, self.clock, NodeId(f"node_{number}"))
        self.exchange.join(bus, lambda _: None, presence.hear)
        return presence

    def kill(self, number: int) -> None:
        """Let a node die: it says nothing more, not even goodbye."""
        bus = self.nodes.pop(number)._bus
        assert isinstance(bus, MemoryBus)
        self.exchange.leave(bus)
        bus._exchange = Exchange()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with the nodes looking around as they do."""
        for _ in range(round(seconds / PRESENCE_STATUS_SECONDS) + 1):
            self.clock.advance(PRESENCE_STATUS_SECONDS)
            for node in self.nodes:
                node.look_around()


def test_people_see_each_other_come_and_go_on_whatever_node() -> None:
    """Who comes sees who is there; who is there hears of who comes, goes away, comes back and leaves."""
    one, two = World(2).nodes
    ann = Device(one, "ann")
    assert ann.sees == {"ann": "online"}
    bob = Device(two, "bob")
    assert ann.sees == bob.sees == {"ann": "online", "bob": "online"}
    two.set_status(THREAD, bob.seat, "away")
    assert ann.sees == bob.sees == {"ann": "online", "bob": "away"}
    bob.leave()
    assert ann.sees == {"ann": "online"}
    assert Device(one, "cem", OTHER).sees == {"cem": "online"}
    assert ann.sees == {"ann": "online"}


def test_a_person_is_there_while_any_device_is() -> None:
    """Three devices on two nodes are one person, told of once; online wins over away."""
    one, two = World(2).nodes
    watcher = Device(one, "ann")
    phone, laptop, tablet = Device(one, "bob"), Device(two, "bob"), Device(two, "bob")
    assert [said["status"] for said in watcher.told if said["type"] == "presence"] == ["online"]
    for device in (phone, laptop):
        device.presence.set_status(THREAD, device.seat, "away")
        assert watcher.sees["bob"] == "online"
    tablet.leave()
    assert watcher.sees["bob"] == "away"
    phone.leave()
    assert watcher.sees["bob"] == "away"
    laptop.leave()
    assert "bob" not in watcher.sees


def test_a_key_sees_and_is_not_seen() -> None:
    """A seat without a person is in no list, and nobody hears of it."""
    one, two = World(2).nodes
    ann = Device(one, "ann")
    nobody = Device(two, None)
    assert nobody.sees == ann.sees == {"ann": "online"}
    nobody.leave()
    assert ann.sees == {"ann": "online"}


def test_a_node_that_dies_takes_its_people_with_it() -> None:
    """Nobody says goodbye for them; they are gone when their node has said nothing for long enough, and not before."""
    world = World(3)
    ann, _, cem = Device(world.nodes[0], "ann"), Device(world.nodes[1], "bob"), Device(world.nodes[2], "cem")
    world.pass_time(10 * PRESENCE_LOST_SECONDS)
    assert ann.sees == {"ann": "online", "bob": "online", "cem": "online"}
    world.kill(1)
    world.pass_time(PRESENCE_STATUS_SECONDS)
    assert "bob" in ann.sees
    world.pass_time(PRESENCE_LOST_SECONDS)
    assert ann.sees == cem.sees == {"ann": "online", "cem": "online"}
    back = Device(world.nodes[0], "bob")
    assert cem.sees == back.sees == {"ann": "online", "bob": "online", "cem": "online"}


def test_what_the_bus_loses_is_made_good() -> None:
    """Whispers that never arrived are said again, comings and goings alike."""
    world = World(2)
    one, two = world.nodes
    ann = Device(one, "ann")
    hear, two._bus.whisper = two._bus.whisper, lambda _: None  # type: ignore[method-assign]
    bob = Device(two, "bob")
    assert ann.sees == {"ann": "online"}
    two._bus.whisper = hear  # type: ignore[method-assign]
    world.pass_time(PRESENCE_STATUS_SECONDS)
    assert ann.sees == {"ann": "online", "bob": "online"}
    two._bus.whisper = lambda _: None  # type: ignore[method-assign]
    bob.leave()
    world.pass_time(PRESENCE_LOST_SECONDS)
    assert ann.sees == {"ann": "online"}


def test_typing_reaches_everybody_else_and_is_kept_nowhere() -> None:
    """Told to the others in the thread on all nodes, with for how long it holds; who comes later hears nothing of it."""
    one, two = World(2).nodes
    ann, bob, cem = Device(one, "ann"), Device(one, "bob"), Device(two, "cem")
    elsewhere = Device(two, "dee", OTHER)
    one.type(THREAD, ann.seat, True)
    for device, count in ((ann, 0), (bob, 1), (cem, 1), (elsewhere, 0), (Device(two, "eve"), 0)):
        heard = [said for said in device.told if said["type"] == "typing"]
        assert len(heard) == count
        assert all(said["end_user_id"] == "ann" and said["is_typing"] and said["seconds"] > 0 for said in heard)


def test_an_empty_thread_costs_nothing() -> None:
    """When the last seat is given up nothing is left of the thread, whatever is whispered about it."""
    one, two = World(2).nodes
    Device(one, "ann").leave()
    bob = Device(two, "bob")
    assert one._rooms == {}
    bob.leave()
    assert two._rooms == {}


@pytest.mark.parametrize("text", ["", "{", "null", '{"type": "gone"}', '{"type": "here"}', '{"type":"typed","x":1}'])
def test_what_is_no_word_is_passed_over(text: str) -> None:
    """Another version, or somebody else on the channel, changes nothing and breaks nothing."""
    one, _ = World(2).nodes
    ann = Device(one, "ann")
    one.hear([Whisper(THREAD, text), Whisper(OTHER, text)])
    assert ann.sees == {"ann": "online"}
    assert len(ann.told) == 1


def test_a_crowd_is_said_in_words_that_fit_the_bus() -> None:
    """However many people with however odd ids: every word is short enough, and together they are everybody."""
    source = random.Random(7)
    people = [("".join(source.choices('aä"\\\n😀', k=source.randint(1, 256))), "online") for _ in range(500)]
    heard: list[tuple[str, str | None]] = []
    for said in whispers_of(THREAD, "node_" + "Z" * 26, people):  # type: ignore[arg-type]
        assert len(said.text.encode()) <= WHISPER_BYTES_MAX
        word = word_of(said)
        assert isinstance(word, Here)
        heard += word.people
    assert heard == people


def test_everybody_agrees_whatever_happens() -> None:
    """A thousand random comings and goings on three nodes: after each, all devices see who is really there."""
    source = random.Random(11)
    world = World(3)
    devices: list[Device] = []
    for _ in range(1000):
        match source.choice(("come", "come", "go", "go", "status", "time")):
            # Few enough that somebody is often gone altogether.
            case "come" if len(devices) < 6:
                devices.append(Device(source.choice(world.nodes), source.choice(["ann", "bob", "cem", None])))
            case "go" if devices:
                devices.pop(source.randrange(len(devices))).leave()
            case "status" if devices:
                device = source.choice(devices)
                device.presence.set_status(THREAD, device.seat, source.choice(("online", "away")))
            case "time":
                world.pass_time(PRESENCE_STATUS_SECONDS)
        truth: dict[str, str] = {}
        for device in devices:
            if device.seat.person and truth.get(device.seat.person) != "online":
                truth[device.seat.person] = device.seat.status
        assert all(device.sees == truth for device in devices)


def test_a_word_survives_the_wire() -> None:
    """What is whispered is what is heard."""
    word = Here("node_1", [("ann", "online"), ("bob", None)])
    assert word_of(whisper(THREAD, word)) == word

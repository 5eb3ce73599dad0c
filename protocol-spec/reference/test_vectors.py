#!/usr/bin/env python3
"""Checks the codec of agent.py against every file of vectors/: python3 test_vectors.py"""
import ast, hashlib, hmac, io, os, re, sys, unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import agent
from agent import Box, Broken, Refused, Wire

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")
KEY = bytes(range(32))


def vectors(name):
    """Each vector as a list of (word, text)."""
    with open(os.path.join(FOLDER, name + ".txt")) as file:
        for part in file.read().split("\n\n"):
            lines = [line for line in part.split("\n") if line and not line.startswith("#")]
            if lines:
                yield [tuple((line + " ").split(":", 1)) for line in lines]


def tidy(vector):
    pairs = [(k, v.strip()) for k, v in vector]
    return pairs, dict(pairs)


def text(word):
    """A quoted value, escaped as in C."""
    return ast.literal_eval("b" + word)


def each(name):
    """Makes a test of a check of one vector."""
    def over_all(check):
        def test(self):
            for count, vector in enumerate(vectors(name)):
                pairs, d = tidy(vector)
                with self.subTest(file=name, name=d.get("name", count)):
                    check(self, pairs, d, bytes.fromhex(d.get("hex", "")))
        return test
    return over_all


class Vectors(unittest.TestCase):
    @each("boxes")
    def test_boxes(self, pairs, d, data):
        if "reject" in d:
            self.assertRaises(ValueError, agent.box_decode, data)
            return
        box = [(w.split(" ", 1)[0], text(w.split(" ", 1)[1])) for k, w in pairs if k == "pair"]
        self.assertEqual(agent.box_decode(data), box)
        self.assertEqual(agent.box_encode(box), data)

    @each("frames")
    def test_frames(self, pairs, d, data):
        key, sequence = bytes.fromhex(d.get("key", "")) or None, int(d.get("sequence", 0))
        if d.get("reject") == "more":
            self.assertIsNone(agent.frame_decode(data, key, sequence))
        elif "reject" in d:
            with self.assertRaisesRegex(Broken, d["reject"]):
                agent.frame_decode(data, key, sequence)
        else:
            want = re.fullmatch(r"type=(\d+) flags=(\d+) channel=(\d+) payload=(\w*)", d["frame"]).groups()
            frame = (*map(int, want[:3]), bytes.fromhex(want[3]))
            self.assertEqual(agent.frame_decode(data, key, sequence), (*frame, len(data)))
            self.assertEqual(agent.frame_encode(*frame, key, sequence), data)

    @each("paths")
    def test_paths(self, pairs, d, data):                # the agent is for Unix
        if d["unix"] == "yes":
            agent.check_path(data)
        else:
            with self.assertRaises(Refused) as caught:
                agent.check_path(data)
            self.assertEqual(caught.exception.code, "bad-path")

    @each("requests")
    def test_requests(self, pairs, d, data):
        box = agent.box_decode(data)
        if "digest" in d:
            self.assertEqual(agent.command_digest(box), d["digest"])
        if "reject" in d:
            with self.assertRaises(Refused) as caught:
                agent.check_request(box)
            self.assertEqual(caught.exception.code, d["reject"])
        else:
            agent.check_request(box)

    @each("journal")
    def test_journal(self, pairs, d, data):
        if "reject" in d:
            self.assertRaises(ValueError, agent.journal_decode, data)
            return
        want = [w.split(" ", 2) for k, w in pairs if k == "record"]
        records, end = agent.journal_decode(data)
        self.assertEqual(records, [(int(a), int(b), text(c)) for a, b, c in want])
        self.assertEqual(b"".join(agent.record_encode(*r) for r in records), data[:end])

    @each("trees")
    def test_trees(self, pairs, d, data):
        stream, listing = io.BytesIO(data), "listing" in d["name"]
        if "reject" in d:
            with self.assertRaises(Refused) as caught:
                agent.manifest_read(stream.read)
            self.assertEqual(caught.exception.code, d["reject"])
            return
        entries = agent.manifest_read(stream.read, listing)
        self.assertEqual(stream.read().hex(), d.get("rest", ""))
        agent.check_tree(entries)
        got = []
        for e in entries:
            words = f'{e.t} "{e.p.decode()}"'
            if e.t == "f":
                words += f' {"x" if e.x else "-"} {e.s} {e.h or "-"}'
            got.append(words + (f' "{e.l.decode()}"' if e.t == "l" else ""))
        self.assertEqual(got, [w for k, w in pairs if k == "entry"])
        if not listing and "unknown" not in d["name"]:
            self.assertEqual(b"".join(map(agent.entry_encode, entries)) + bytes(4),
                             data[:len(data) - len(d.get("rest", "")) // 2])

    @each("needs")
    def test_needs(self, pairs, d, data):
        if "reject" in d:
            with self.assertRaises(Refused) as caught:
                agent.needs_decode(data, int(d["files"]))
            self.assertEqual(caught.exception.code, d["reject"])
            return
        bits, have = agent.needs_decode(data, int(d["files"]))
        self.assertEqual(("".join("01"[b] for b in bits), have), (d["bits"], int(d["have"])))
        self.assertEqual(agent.needs_encode(bits, have), data)

    @each("connections")
    def test_connections(self, pairs, d, data):
        role = d["to"]
        mine, theirs = (b"\x22", b"\x11") if role == "master" else (b"\x11", b"\x22")
        wire = Wire(role, [KEY], Box().add(role=role, nonce=mine * 32))
        if d["stage"] == "ready":
            wire.state, wire.key_in, wire.highest = "ready", KEY, 1
            channel = agent.Channel(1, 0, 100)
            if role == "master":                     # of a channel it opened, it receives the up stream
                channel.in_open, channel.in_limit = True, 100
            wire.channels[1], frames, sequence, at = channel, b"", 0, 0
            while at < len(data):
                length = int.from_bytes(data[at:at + 4], "big")
                frame = data[at:at + 10 + length]
                frames += frame + agent.mac_of(KEY, sequence, frame)
                at, sequence = at + len(frame), sequence + 1
            data = frames
        if "closes" in d:
            with self.assertRaises(Broken):
                for _ in wire.feed(data):
                    pass
        else:
            for event in wire.feed(data):
                if event[0] == agent.REQ:            # its answer closes the channel it opened
                    with self.subTest(request=event[2]):
                        try:
                            agent.check_request(event[2])
                        except Refused:
                            pass

    def handshake(self, values, key):
        """Plays a recorded agent: what the master sent must be taken, what the agent sent come out."""
        up = [bytes.fromhex(v) for k, v in values if k == "up"]
        down = [bytes.fromhex(v) for k, v in values if k == "down"]
        d = dict(values)
        hello = agent.box_decode(up[1][10:])
        wire = Wire("agent", [key], hello)
        self.assertEqual(wire.to_send, up[0] + up[1])
        self.assertEqual(hello.first("nonce").hex(), d["agent_nonce"])
        events = []
        for frame in down[:2]:
            events += wire.feed(frame)
        self.assertEqual(wire.to_send, up[2])
        if "t1" in d:
            self.assertEqual(hashlib.sha256(b"".join(up[:2] + down[:2])).hexdigest(), d["t1"])
            self.assertEqual(wire.t.hex(), d["t2"])
        events += wire.feed(down[2])
        if "key_up" in d:
            self.assertEqual((wire.key_out.hex(), wire.key_in.hex()), (d["key_up"], d["key_down"]))
        for frame in down[3:]:
            for event in wire.feed(frame):
                events.append(event)
                if event[0] == agent.REQ:
                    event[1].out_at = len(bytes.fromhex(d["journal"]))
        for sequence, frame in enumerate(up[3:]):
            kind, flags, channel, payload, used = agent.frame_decode(frame, wire.key_out, sequence)
            self.assertEqual(agent.frame_encode(kind, flags, channel, payload, wire.key_out, sequence), frame)
        t3 = hashlib.sha256(hashlib.sha256(hashlib.sha256(b"".join(up[:2] + down[:2])).digest() + up[2]).digest()
                            + down[2]).digest()
        self.assertEqual(t3.hex(), d["t3"])
        return wire, events, up, t3

    def test_session(self):
        values = [tuple(p) for v in vectors("session") for p in tidy(v)[0]]
        d = dict(values)
        wire, events, up, _ = self.handshake(values, bytes.fromhex(d["key"]))
        self.assertEqual([e[0] for e in events], [agent.READY, agent.REQ, agent.ACK])
        self.assertEqual(agent.check_request(events[1][2]), "exec")
        journal = bytes.fromhex(d["journal"])
        self.assertEqual([r[0] for r in agent.journal_decode(journal)[0]], [4, 1, 9])
        self.assertIn(hashlib.sha256(journal).digest(), b"".join(up))

    def test_enrolment(self):
        whole = 0
        for vector in vectors("enrolment"):
            values, d = tidy(vector)
            with self.subTest(token=d["token"]):
                found = re.fullmatch(r"wlt1_([A-Za-z0-9.+-][A-Za-z0-9._+-]{0,63})_([0-9a-f]{64})", d["token"])
                if "reject" in d:
                    self.assertIsNone(found)
                    continue
                whole += 1
                self.assertEqual(found.groups(), (d["id"], d["secret"]))
                secret = bytes.fromhex(d["secret"])
                wire, events, up, t3 = self.handshake(values, secret)
                self.assertEqual(agent.box_decode(up[1][10:]).first("enroll").decode(), d["id"])
                key = hmac.new(secret, b"WNDLS/1 enrolled key\0" + t3, "sha256")
                self.assertEqual(key.hexdigest(), d["key"])
        self.assertEqual(whole, 1)


if __name__ == "__main__":
    unittest.main()

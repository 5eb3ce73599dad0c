#!/usr/bin/env python3
"""The reference agent of the Windlass agent protocol, version 1, for reading beside its text.

It is written from README.md alone, with the standard library, for Linux, and is not for production:
it is slow, keeps every journal whole until `forget`, and leaves out what the text calls optional
(`pty`, `tail`, `shutdown`, `upgrade`, enrolment). In the order of the text:

    codec        boxes, frames, paths, requests, manifests, need lists, journals   (sections 3, 6 to 8)
    Wire         one connection without input or output: what may come when        (sections 3 to 6)
    Connection   a Wire on two file descriptors: threads, credit, liveness         (sections 4 and 6)
    Command      what the agent knows of a command: a folder below --state         (section 7)
    Supervisor   the process beside each command: this script started again        (sections 7 and 11)
    Files        what lies below --root, never through a link                      (section 8)
    main         the flags of section 13

A command's folder holds `lock` (flock of the supervisor while it lives), `control` (FIFO, lines for the
supervisor), `journal`, `input` and `input.end` (down stream), `fed` (input given on), `meta`,
`generation`. `STATE/wake` is a FIFO of ids whose folder changed; `STATE/ready` is locked while a
connection is in READY, by which supervisors know whether a lease runs.
"""
import argparse, collections, contextlib, errno, fcntl, hashlib, hmac, os, platform, random, re
import selectors, shutil, signal, socket, stat, struct, subprocess, sys, threading, time

PREAMBLE = b"WNDLS/1\n"
HELLO, AUTH, READY, GOAWAY, BYE, PING, PONG, STATUS = 1, 2, 3, 4, 5, 6, 7, 8
REQ, RES, DATA, ACK, CANCEL, EVENT = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
END, ABORT = 1, 4
BEFORE_KEYS, AFTER_KEYS, DATA_MAX, OFFSET_MAX = 4096, 262144, 65536, 1 << 62
LOG_WINDOW, FILE_WINDOW, COMMANDS_MAX = 1 << 20, 16 << 20, 1024
VERSION = b"0.1.0-python"


class Broken(Exception):
    """An error of the connection: closes it."""


class Gone(Exception):
    """The channel or its connection ended while it was served."""


class Refused(Exception):
    """A failure: the answer to one request."""
    def __init__(self, code, text="", path=None, number=None):
        super().__init__(code, text)
        self.code, self.text, self.path, self.number = code, text, path, number


# ---- codec: boxes and frames (section 3) --------------------------------------------------------

KEY = re.compile(rb"!?[a-z0-9_.-]+\Z")
NAME = re.compile(rb"[A-Za-z0-9._+-]{1,64}\Z")
NUMBER = re.compile(rb"(0|[1-9][0-9]{0,19})\Z")


class Box(list):
    """Pairs of key (str) and value (bytes), in order."""
    def first(self, key, default=None):
        return next((v for k, v in self if k == key), default)

    def every(self, key):
        return [v for k, v in self if k == key]

    def number(self, key, default=None, low=0, high=(1 << 64) - 1):
        value = self.first(key)
        if value is None and default is not None:
            return default
        if value is None or not NUMBER.match(value) or not low <= int(value) <= high:
            raise Refused("bad-request", key + " is missing or no number that will do")
        return int(value)

    def flag(self, key):
        return self.choice(key, "0", "1") == "1"

    def choice(self, key, *words):
        value = self.first(key, words[0] and words[0].encode())
        if value not in [w.encode() for w in words if w]:
            raise Refused("bad-request", key + " is missing or no word that will do")
        return value.decode()

    def hex(self, key, digits):
        value = self.first(key, b"")
        if not re.match(rb"[0-9a-f]{%d}\Z" % digits, value):
            raise Refused("bad-request", key + " is missing or malformed")
        return value.decode()

    def add(self, **pairs):
        for key, value in pairs.items():
            if value is not None:
                self.append((key, value if isinstance(value, bytes) else str(value).encode()))
        return self


def box_encode(pairs):
    return b"".join(bytes([len(k)]) + k.encode() + struct.pack(">I", len(v)) + v for k, v in pairs)


def box_decode(data):
    box, at = Box(), 0
    while at < len(data):
        key_end = at + 1 + data[at]
        key, start = data[at + 1:key_end], key_end + 4
        if start > len(data) or not KEY.match(key) or len(key.lstrip(b"!")) > 64 or len(box) == 4096:
            raise ValueError("malformed box")
        at = start + int.from_bytes(data[key_end:start], "big")
        if at > len(data):
            raise ValueError("a value is cut off")
        box.append((key.decode(), bytes(data[start:at])))
    return box


def grease():
    return ("x-" + os.urandom(4).hex(), os.urandom(random.randrange(8)))


def mac_of(key, sequence, frame):
    return hmac.new(key, struct.pack(">Q", sequence) + frame, "sha256").digest()[:16]


def frame_encode(kind, flags, channel, payload, key=None, sequence=0):
    frame = struct.pack(">IBBI", len(payload), kind, flags, channel) + payload
    return frame + mac_of(key, sequence, frame) if key else frame


def frame_decode(data, key=None, sequence=0):
    """(kind, flags, channel, payload, bytes used), or None if bytes are missing."""
    if len(data) < 10:
        return None
    length, kind, flags, channel = struct.unpack_from(">IBBI", data)
    if length > (AFTER_KEYS if key else BEFORE_KEYS):
        raise Broken("frame-too-big")
    used = 10 + length + (16 if key else 0)
    if len(data) < used:
        return None
    frame = bytes(data[:10 + length])
    if key and not hmac.compare_digest(mac_of(key, sequence, frame), bytes(data[10 + length:used])):
        raise Broken("mac")
    return kind, flags, channel, frame[10:], used


def record_encode(kind, ms, data):
    return struct.pack(">II", kind << 24 | len(data), min(ms, 0xffffffff)) + data


def journal_decode(data, at=0):
    """Whole records as (kind, ms, bytes) and where they end."""
    records = []
    while len(data) - at >= 8:
        word, ms = struct.unpack_from(">II", data, at)
        length = word & 0xffffff
        if length > 65536:
            raise ValueError("a record is too long")
        if len(data) < at + 8 + length:
            break
        records.append((word >> 24, ms, bytes(data[at + 8:at + 8 + length])))
        at += 8 + length
        if word >> 24 == 9 and at < len(data):
            raise ValueError("something behind the exit")
    return records, at


# ---- codec: paths, requests, trees (sections 7 and 8) -------------------------------------------

def check_path(path, root=True):
    names = path.split(b"/") if path else []
    if len(path) > 4096 or b"\0" in path or any(n in (b"", b".", b"..") or len(n) > 255 for n in names):
        raise Refused("bad-path", path=path)
    if not names and not root:
        raise Refused("bad-path", "the root itself", path)
    return names


SIGNALS = ("TERM", "INT", "HUP", "QUIT", "KILL", "USR1", "USR2")


def command_digest(pairs):
    skip = ("op", "id", "generation", "digest", "lease_s", "from", "limit")
    kept = [p for p in pairs if p[0] not in skip and not p[0].startswith("x-")]
    return hashlib.sha256(box_encode(kept)).hexdigest()


def check_exec(box):
    bad = lambda text: Refused("bad-request", text)
    args, script = box.every("arg"), box.first("script")
    if bool(args) == (script is not None) or args and not args[0]:
        raise bad("one of arg and script, and a program")
    if any(b"\0" in v for k, v in box if k in ("arg", "script", "shell") or k.startswith("env.")):
        raise bad("NUL")
    if not NAME.match(box.first("shell", b"sh")):
        raise bad("shell")
    for key in ("env.set", "env.secret", "env.prepend", "tail"):
        if any(v.find(b"=") < 1 for v in box.every(key)):
            raise bad(key)
    if any(not v or b"=" in v for v in box.every("env.unset")):
        raise bad("env.unset")
    tails = [v.split(b"=", 1) for v in box.every("tail")]
    if len(tails) > 16 or len({t[0] for t in tails}) < len(tails):
        raise bad("tail")
    for path in [box.first("cwd", b"")]:
        check_path(path)
    for _, path in tails:
        check_path(path, False)
    output = box.choice("output", "merge", "split")
    if box.choice("stdin", "null", "data", "stream") == "data" and len(box.first("input", b"x" * 65537)) > 65536:
        raise bad("input")
    if box.flag("pty") and output == "split":
        raise bad("a terminal has one output")
    box.number("pty.rows", 24, 1, 65535), box.number("pty.columns", 80, 1, 65535)
    if not re.match(rb"[0-7]{3,4}\Z", box.first("umask", b"022")):
        raise bad("umask")
    box.number("nice", 0, 0, 19), box.flag("env.clean")
    for key in ("timeout_ms", "idle_ms", "max_bytes", "max_lines", "grace_ms", "spool_max", "lease_s"):
        box.number(key, 1)
    box.choice("term_signal", *SIGNALS), box.choice("leftovers", "kill", "keep")
    box.choice("on_full", "block", "kill", "drop")
    if box.hex("digest", 64) != command_digest(box):
        raise bad("digest")


#        paths (? = the root will do), numbers, flags, hashes; what is in brackets may be absent
FORMS = {
    "put": ("path", "size", "x replace parents", "sha256"),
    "get": ("path", "[max_bytes] [size] [mtime_ns]", "x unhashed", ""),
    "tree_put": ("path", "manifest_size", "", "manifest_sha256"),
    "tree_get": ("path?", "max_entries [max_bytes] [manifest_size]", "", "[manifest_sha256]"),
    "mkdir": ("path?", "", "parents", ""), "remove": ("path", "", "recursive missing_ok", ""),
    "rename": ("path to", "", "replace", ""), "copy": ("path to", "", "recursive replace", ""),
    "stat": ("path?", "", "", ""), "readdir": ("path?", "max_entries", "recursive", ""),
    "hash": ("path", "", "", ""), "df": ("path?", "", "", ""),
    "list": ("", "", "", ""), "info": ("", "", "", ""),
    "exec": ("", "generation", "", ""), "attach": ("", "generation", "", ""),
    "signal": ("", "generation", "", ""), "forget": ("", "generation", "", ""),
    "shutdown": ("", "", "", ""), "upgrade": ("", "size", "", "sha256"),
}


def check_request(box):
    """The name of the operation of a well-formed REQ."""
    op = box.first("op", b"").decode("latin-1")
    if any(k.startswith("!") for k, _ in box) or op and op not in FORMS:
        raise Refused("unsupported", "an operation or a key is not known")
    if not op:
        raise Refused("bad-request", "no op")
    paths, numbers, flags, hashes = (part.split() for part in FORMS[op])
    for key in numbers:
        box.number(key.strip("[]"), 0 if key[0] == "[" else None)
    for key in ("from", "limit"):
        box.number(key, 0, 0, OFFSET_MAX)
    for key in flags:
        box.flag(key)
    for key in hashes:
        if key[0] != "[" or box.first(key.strip("[]")) is not None:
            box.hex(key.strip("[]"), 64)
    for key in paths:
        if box.first(key.strip("?")) is None:
            raise Refused("bad-request", key + " is missing")
        check_path(box.first(key.strip("?")), "?" in key)
    if op in ("exec", "attach", "signal", "forget"):
        box.hex("id", 32)
    if op == "exec":
        check_exec(box)
    if op == "tree_put":
        box.choice("delete", "extra", "tracked", "none")
        for path in box.every("keep"):
            check_path(path, False)
    if op == "signal":
        if (box.first("mode") is None) == (box.first("signal") is None):
            raise Refused("bad-request", "one of mode and signal")
        box.choice(*(("mode", None, "term", "kill") if box.first("mode") else ("signal", None) + SIGNALS))
    if op == "shutdown":
        box.choice("mode", None, "drain", "now")
    if op == "upgrade" and not NAME.match(box.first("version", b"")):
        raise Refused("bad-request", "version")
    return op


Entry = collections.namedtuple("Entry", "t p s h x l", defaults=(0, None, False, None))


def entry_decode(data, listing=False):
    try:
        box = box_decode(data)
    except ValueError as why:
        raise Refused("bad-request", str(why)) from None
    if any(k.startswith("!") for k, _ in box):
        raise Refused("unsupported", "a marked key in an entry")
    kind = box.choice("t", None, "f", "d", "l", "o" if listing else None)
    if box.first("p") is None or kind == "l" and not box.first("l"):
        raise Refused("bad-request", "an entry without path or target")
    check_path(box.first("p"), False)
    size = box.number("s", high=OFFSET_MAX) if kind == "f" else 0
    digest = box.hex("h", 64) if kind == "f" and not listing else None
    return Entry(kind, box.first("p"), size, digest, kind == "f" and box.flag("x"), box.first("l"))


def entry_encode(entry, mtime=None):
    box = Box().add(t=entry.t, p=entry.p)
    if entry.t == "f":
        box.add(x=1 if entry.x else None, s=entry.s, h=entry.h)
    box.add(m=mtime, l=entry.l)
    data = box_encode(box)
    return struct.pack(">I", len(data)) + data


def manifest_read(read, listing=False):
    """Entries up to the end mark; `read(n)` gives n bytes."""
    entries = []
    while True:
        length = int.from_bytes(read(4), "big")
        if length == 0:
            return entries
        if length > 10240 or len(entries) == 2000000:
            raise Refused("too-large", "manifest")
        entries.append(entry_decode(read(length), listing))


def check_tree(entries):
    """No name twice, none below a file or link, folders before what is in them."""
    kinds, implied = {}, set()
    for e in entries:
        above = [e.p[:i] for i, c in enumerate(e.p) if c == 47]
        if e.p in kinds or e.p in implied or any(kinds.get(a, "d") != "d" for a in above):
            raise Refused("bad-request", "a contradictory tree", e.p)
        kinds[e.p] = e.t
        implied.update(above)


def needs_encode(bits, have):
    bits = "".join("1" if b else "0" for b in bits)
    size = (len(bits) + 7) // 8
    return int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big") + struct.pack(">Q", have)


def needs_decode(data, files):
    size = (files + 7) // 8
    text = "".join(f"{b:08b}" for b in data[:size])
    if len(data) != size + 8 or "1" in text[files:]:
        raise Refused("bad-request", "need list")
    bits, have = [b == "1" for b in text[:files]], int.from_bytes(data[size:], "big")
    if have and not any(bits):
        raise Refused("bad-request", "`have` of nothing")
    return bits, have


# ---- Wire: one connection without input or output (sections 3 to 6) -----------------------------

class Channel:
    """Both streams of one channel. `inn` is what we receive, `out` what we send."""
    def __init__(self, number, start=0, limit=0):
        self.number, self.over, self.request = number, False, None
        self.in_open, self.in_at, self.in_limit, self.in_ended = False, 0, 0, False
        self.out_at, self.out_limit, self.out_ended = start, max(start, limit), False
        self.inbox, self.command, self.cancel, self.on_data = collections.deque(), None, None, None


class Wire:
    """What may come when. `feed` bytes, get frames; raises Broken. The role is agent or master."""
    def __init__(self, role, keys, hello):
        self.role, self.keys, self.hello = role, keys, hello
        self.state, self.buffer, self.received = "preamble", bytearray(), 0
        self.channels, self.highest, self.key_in, self.key_out = {}, 0, None, None
        self.first = PREAMBLE + frame_encode(HELLO, 0, 0, box_encode(hello))
        self.to_send = self.first if role == "agent" else b""

    def feed(self, data):
        self.buffer += data
        if self.state == "preamble":
            head = bytes(self.buffer[:8])
            if not PREAMBLE.startswith(head):
                raise Broken("preamble")
            if len(head) < 8:
                return
            del self.buffer[:8]
            self.state = "hello"
        at = 0                                   # one slice for each frame, one deletion for all
        while True:
            frame = frame_decode(memoryview(self.buffer)[at:at + AFTER_KEYS + 26], self.key_in, self.received)
            if frame is None:
                break
            *frame, used = frame
            raw = bytes(self.buffer[at:at + used])
            at += used
            if self.state == "ready":
                event = self.frame(*frame)
                self.received += 1
                if event:
                    yield event
            else:
                yield from self.handshake(*frame, raw)
        del self.buffer[:at]

    def handshake(self, kind, flags, channel, payload, raw):
        order = {"hello": HELLO, "auth": AUTH, "keys": READY}
        if kind != order[self.state] or flags or channel:
            raise Broken("auth-failed" if kind == GOAWAY else "a frame that is not in its place")
        box = self.box(payload)
        if any(k.startswith("!") for k, _ in box):
            raise Broken("a marked key in the handshake")
        if self.state == "hello":
            self.check_hello(box)
            self.t = hashlib.sha256(self.first + PREAMBLE + raw if self.role == "agent" else
                                    PREAMBLE + raw + self.first).digest()
            self.state = "auth"
            if self.role == "agent":
                macs = [hmac.new(k, b"WNDLS/1 agent proof\0" + self.t, "sha256").digest() for k in self.keys]
                auth = frame_encode(AUTH, 0, 0, box_encode(("mac", m) for m in macs))
                self.t = hashlib.sha256(self.t + auth).digest()
                self.to_send = auth
            else:
                self.to_send = self.first
        elif self.state == "auth":
            label, macs = {"agent": b"master", "master": b"agent"}[self.role], box.every("mac")
            proof = lambda k: hmac.new(k, b"WNDLS/1 " + label + b" proof\0" + self.t, "sha256").digest()
            fits = [k for k in self.keys for m in macs if hmac.compare_digest(proof(k), m)]
            if not macs or len(macs) > 2 or any(len(m) != 32 for m in macs) or not fits:
                raise Broken("auth-failed")
            if self.role == "master":
                return                           # a whole master is not the matter of this program
            t3 = hashlib.sha256(self.t + raw).digest()
            self.key_out = hmac.new(fits[0], b"WNDLS/1 agent frames\0" + t3, "sha256").digest()
            self.key_in = hmac.new(fits[0], b"WNDLS/1 master frames\0" + t3, "sha256").digest()
            self.state = "keys"
        else:
            self.state, self.received = "ready", 1
            yield READY, None, box

    def check_hello(self, box):
        mine = self.role == "agent"
        names = "deployment version" if mine else "agent installation boot version os arch"
        nonce, caps = box.first("nonce", b""), box.every("cap")
        words = [box.first(k, b"") for k in names.split()] + caps + box.every("enroll")[:1]
        if (box.first("role") != (b"master" if mine else b"agent") or len(caps) > 32
                or not all(NAME.match(w) for w in words) or len(nonce) != 32 or not any(nonce)
                or nonce == self.hello.first("nonce") or box.first("confidential", b"0") not in (b"0", b"1")):
            raise Broken("HELLO")

    def box(self, payload):
        try:
            return box_decode(payload)
        except ValueError as why:
            raise Broken(str(why)) from None

    def frame(self, kind, flags, number, payload):
        """(kind, channel, content) of a frame after READY, or None for what is ignored."""
        agent = self.role == "agent"
        if kind not in (*range(1, 9), *range(0x10, 0x16)):
            return None
        if flags and kind != DATA or kind == DATA and flags not in ((0, END, ABORT) if agent else (0, END)):
            raise Broken("flags")
        if kind == EVENT:
            return None
        if (number == 0) != (kind < REQ) or kind <= READY or kind in ((STATUS, RES) if agent else (REQ, CANCEL)):
            raise Broken("a frame that is not in its place")
        if kind in (PING, PONG):
            if len(payload) != 8:
                raise Broken("PING")
            return kind, None, payload
        if kind < REQ:
            box = self.box(payload)
            if kind == BYE and box.first("seq") != b"%d" % self.received:
                raise Broken("BYE")
            return kind, None, box
        if kind == REQ:
            if number <= self.highest or len(self.channels) >= 256:
                raise Broken("REQ")
            box, self.highest = self.box(payload), number
            value = lambda k: int(v) if NUMBER.match(v := box.first(k, b"0")) else 0
            self.channels[number] = channel = Channel(number, min(value("from"), OFFSET_MAX), value("limit"))
            return kind, channel, box
        channel = self.channels.get(number)
        if channel is None or channel.over:
            if number > self.highest or not agent:
                raise Broken("a channel that is not open")
            return None
        if kind == RES:
            del self.channels[number]
            return kind, channel, self.box(payload)
        if kind == CANCEL:
            mode = self.box(payload).first("mode")
            if mode not in (b"term", b"kill"):
                raise Broken("CANCEL")
            return kind, channel, mode.decode()
        if kind == ACK:
            durable, limit = struct.unpack(">QQ", payload) if len(payload) == 16 else (OFFSET_MAX, 0)
            if durable > min(channel.out_at, limit) or limit > OFFSET_MAX:
                raise Broken("ACK")
            channel.out_limit = max(channel.out_limit, limit)
            return kind, channel, durable
        offset, rest = int.from_bytes(payload[:8], "big"), payload[8:]
        if flags == ABORT:
            if len(payload) < 8:
                raise Broken("ABORT")
            channel.in_ended = True
            return kind, channel, self.box(rest)
        if not channel.in_open or channel.in_ended or len(payload) < 8 or offset != channel.in_at:
            raise Broken("DATA that is not in its place")
        if flags == END:
            if len(rest) != 32:
                raise Broken("END")
            channel.in_ended = True
            return kind, channel, (None, rest)
        if not 1 <= len(rest) <= DATA_MAX or offset + len(rest) > channel.in_limit:
            raise Broken("DATA beyond its bounds")
        channel.in_at += len(rest)
        return kind, channel, (rest, None)


# ---- Connection: a Wire on two file descriptors -------------------------------------------------

class Connection:
    def __init__(self, agent, read_fd, write_fd, confidential):
        hello = Box().add(role="agent", agent=agent.name, installation=agent.installation, boot=agent.boot,
                          version=VERSION, os="linux", arch=platform.machine(), nonce=os.urandom(32))
        if confidential:
            hello.add(confidential=1)
        self.agent, self.confidential = agent, confidential
        self.wire = Wire("agent", agent.keys, hello + [grease()])
        self.wire.hello = hello
        self.read_fd, self.write_fd = read_fd, write_fd
        self.lock = threading.RLock()
        self.work = threading.Condition(self.lock)        # of the writer
        self.raw, self.urgent, self.small = collections.deque(), collections.deque(), collections.deque()
        self.data = collections.OrderedDict()             # one DATA for each channel, in turn
        self.pong, self.sent, self.closed, self.leaving, self.ready = None, 0, False, False, False
        self.born = self.heard = self.pinged = self.moved = time.monotonic()
        self.writing = False

    # -- the three threads: reader (run), writer, ticker

    def run(self):
        """Serves until the end; returns whether READY was reached."""
        ready = None
        self.raw.append(self.wire.to_send)
        for task in (self.writer, self.ticker):
            threading.Thread(target=task, daemon=True).start()
        try:
            while not self.closed:
                data = os.read(self.read_fd, 1 << 18)
                if not data:
                    break
                self.wire.to_send = b""
                for event in self.wire.feed(data):
                    self.heard = time.monotonic()
                    if event[0] == READY:
                        ready = self.agent.locked("ready")
                        self.enter_ready()
                    elif not self.handle(*event):
                        return self.ready
                if self.wire.to_send:
                    self.push(self.raw, self.wire.to_send)
        except Broken as why:
            log("connection broken:", why)
            if self.ready:
                self.push(self.urgent, (GOAWAY, 0, Box().add(code="protocol", text="")))
        except OSError as why:
            log("connection lost:", why)
        finally:
            self.close()
            if ready is not None:
                os.close(ready)
        return self.ready

    def enter_ready(self):
        cmds = [("cmd", c.word()) for c in self.agent.all_commands()]
        self.push(self.urgent, (READY, 0, Box(cmds)))
        self.ready = True                                # nothing with a mac goes before it
        self.push(self.urgent, (STATUS, 0, self.agent.status()))

    def writer(self):
        try:
            while True:
                with self.lock:
                    while not (self.raw or self.pong or self.urgent or self.small or self.data):
                        if self.closed:
                            return
                        self.work.wait()
                    if self.raw:
                        frame = self.raw.popleft()
                    else:
                        frame = self.seal(*self.next_frame())
                    self.writing, self.moved = True, time.monotonic()
                while frame:
                    frame = frame[os.write(self.write_fd, frame):]
                    self.moved = time.monotonic()
                self.writing = False
        except OSError:
            self.close()

    def next_frame(self):
        if self.pong is not None and self.ready:
            payload, self.pong = self.pong, None
            return PONG, 0, 0, payload
        if self.urgent or self.small:
            kind, number, content = (self.urgent or self.small).popleft()
            if kind == BYE:
                content = Box().add(seq=self.sent)
            if kind in (READY, RES):
                content = content + [grease()]
            return kind, 0, number, content if isinstance(content, bytes) else box_encode(content)
        channel, (flags, payload) = self.data.popitem(last=False)
        channel.cond.notify_all()
        return DATA, flags, channel.number, payload

    def seal(self, kind, flags, number, payload):
        self.sent += 1
        return frame_encode(kind, flags, number, payload, self.wire.key_out, self.sent - 1)

    def ticker(self):
        status_at = time.monotonic() + 30
        while not self.closed:
            time.sleep(0.5)
            now = time.monotonic()
            if (not self.ready and now - self.born > 10 or now - self.heard > 60
                    or self.writing and now - self.moved > 60):
                log("silence")
                self.close()
            elif self.ready and now - max(self.heard, self.pinged) > 20:
                self.pinged = now
                self.push(self.urgent, (PING, 0, os.urandom(8)))
            if self.ready and now > status_at:
                status_at = now + 30
                self.push(self.urgent, (STATUS, 0, self.agent.status()))

    def push(self, queue, item):
        with self.lock:
            queue.append(item)
            self.work.notify()

    def close(self):
        """Lets what is queued for the connection go, for a moment, then ends every channel."""
        until = time.monotonic() + 1
        while (self.urgent or self.raw or self.writing) and time.monotonic() < until:
            time.sleep(0.005)
        with self.lock:
            self.closed = True
            for channel in list(self.wire.channels.values()):
                channel.over = True
                if channel.request is not None:
                    channel.cond.notify_all()
            self.work.notify_all()
        self.agent.hang_up(self)

    def leave(self):
        self.leaving = True
        self.push(self.urgent, (GOAWAY, 0, Box().add(code="shutting-down", text="the agent was asked to stop")))
        self.push(self.urgent, (BYE, 0, None))
        self.close()

    # -- what comes

    def handle(self, kind, channel, content):
        if kind == BYE:
            return False
        if kind == PING:
            with self.lock:
                self.pong = content
                self.work.notify()
        elif kind == REQ:
            channel.request, channel.cond, channel.conn = content, threading.Condition(self.lock), self
            threading.Thread(target=self.serve, args=(channel,), daemon=True).start()
        elif kind == CANCEL:
            with self.lock:
                channel.cancel = content
                if channel.command:
                    channel.command.control("cancel " + content)
        elif kind == ACK:
            with self.lock:
                channel.cond.notify_all()
            if channel.command:
                channel.command.control("acked %d" % content)
        elif kind == DATA and isinstance(content, Box):
            self.respond(channel, Refused("cancelled"))
        elif kind == DATA:
            if channel.on_data:
                channel.on_data(*content)
            else:
                with self.lock:
                    channel.inbox.append(content)
                    channel.cond.notify_all()
        return True

    def serve(self, channel):
        try:
            op = check_request(channel.request)
            if self.leaving:
                raise Refused("shutting-down")
            answer = self.agent.operation(op)(channel, channel.request)
        except Gone:
            return
        except Refused as why:
            answer = why
        except OSError as why:
            answer = Refused(CODES.get(why.errno, "io"), str(why), number=why.errno)
        except Exception as why:
            log("internal:", repr(why))
            answer = Refused("internal", repr(why))
        self.respond(channel, answer)

    # -- what a served channel may do

    def respond(self, channel, answer):
        with self.lock:
            if isinstance(answer, Refused):
                self.data.pop(channel, None)
                box = Box().add(code=answer.code, text=answer.text.encode()[:4096], path=answer.path,
                                errno=answer.number)
            else:
                while channel in self.data and not channel.over:
                    channel.cond.wait()
                box = Box().add(ok=1) + (answer or [])
            if channel.over:
                return
            channel.over = True
            self.wire.channels.pop(channel.number, None)
            self.small.append((RES, channel.number, box))
            self.work.notify()
            channel.cond.notify_all()

    def put_data(self, channel, flags, payload):
        while channel in self.data and not channel.over:
            channel.cond.wait()
        if channel.over:
            raise Gone
        self.data[channel] = (flags, payload)
        self.work.notify()

    def send(self, channel, data):
        view = memoryview(data)
        while view:
            with self.lock:
                while channel.out_at >= channel.out_limit and not channel.over:
                    channel.cond.wait()
                if channel.over:
                    raise Gone
                part = view[:min(DATA_MAX, channel.out_limit - channel.out_at)]
                self.put_data(channel, 0, struct.pack(">Q", channel.out_at) + part)
                channel.out_at += len(part)
            view = view[len(part):]

    def end(self, channel, digest):
        with self.lock:
            self.put_data(channel, END, struct.pack(">Q", channel.out_at) + digest)

    def grant(self, channel, durable, limit, first=False):
        """ACK; the first one opens the down stream."""
        with self.lock:
            if channel.over:
                raise Gone
            if first:
                channel.in_open, channel.in_at = True, durable
            channel.in_limit = limit = max(channel.in_limit, min(limit, OFFSET_MAX))
            self.small.append((ACK, channel.number, struct.pack(">QQ", durable, limit)))
            self.work.notify()

    def receive(self, channel):
        """(bytes, None), or (None, hash) at END."""
        with self.lock:
            while not channel.inbox and not channel.over:
                channel.cond.wait()
            if channel.over:
                raise Gone
            return channel.inbox.popleft()


CODES = {errno.ENOENT: "not-found", errno.EEXIST: "exists", errno.ENOTDIR: "not-dir", errno.EISDIR: "is-dir",
         errno.ENOTEMPTY: "not-empty", errno.EACCES: "permission", errno.EPERM: "permission",
         errno.ENOSPC: "no-space", errno.EDQUOT: "no-space", errno.ENAMETOOLONG: "too-long",
         errno.ELOOP: "symlink-denied", errno.EINVAL: "bad-request", errno.EROFS: "permission"}


def log(*words):
    print("agent:", *words, file=sys.stderr, flush=True)


def write_file(path, data):
    """Whole or not at all."""
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


# ---- Command: what the agent knows of a command (section 7) -------------------------------------

class Command:
    def __init__(self, agent, id):
        self.agent, self.id, self.dir = agent, id, os.path.join(agent.state, "commands", id)
        with open(os.path.join(self.dir, "meta"), "rb") as file:
            meta = box_decode(file.read())
        self.digest, self.stream = meta.first("digest").decode(), meta.first("stdin") == b"stream"
        with open(os.path.join(self.dir, "generation")) as file:
            self.generation = int(file.read())
        self.changed = threading.Condition()
        self.whole, self.finished, self.acked, self.taker = 0, False, 0, None
        self.journal = os.open(os.path.join(self.dir, "journal"), os.O_RDWR)
        self.scan()
        self.check_lost()

    def word(self):
        self.scan()
        return b"%s %d %s %d" % (self.id.encode(), self.generation,
                                 b"finished" if self.finished else b"running", self.whole)

    def scan(self):
        """Learns what whole records the journal has by now."""
        with self.changed:
            size = os.fstat(self.journal).st_size
            while size - self.whole >= 8 and not self.finished:
                word, = struct.unpack(">I", os.pread(self.journal, 4, self.whole))
                if self.whole + 8 + (word & 0xffffff) > size:
                    break
                self.whole += 8 + (word & 0xffffff)
                self.finished = word >> 24 == 9

    def check_lost(self):
        """If nobody holds the lock of a command without its end, its end is `agent-lost`."""
        if self.finished:
            return
        lock = os.open(os.path.join(self.dir, "lock"), os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.scan()
            if not self.finished:
                log("lost:", self.id)
                while any([kill(pid, signal.SIGKILL) for pid in processes_marked(self.id)]):
                    time.sleep(0.02)
                os.ftruncate(self.journal, self.whole)
                end = box_encode(Box().add(reason="agent-lost", text="whoever watched the command died"))
                os.pwrite(self.journal, record_encode(9, 0, end), self.whole)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
        self.wake()

    def wake(self):
        with self.changed:
            self.changed.notify_all()

    def control(self, line):
        """Tells the supervisor, if there is one."""
        with contextlib.suppress(OSError):
            fifo = os.open(os.path.join(self.dir, "control"), os.O_WRONLY | os.O_NONBLOCK)
            try:
                for _ in range(200):
                    try:
                        os.write(fifo, line.encode() + b"\n")
                        break
                    except BlockingIOError:          # full: acknowledgements may get lost, orders may not
                        if line.startswith("acked"):
                            break
                        time.sleep(0.01)
            finally:
                os.close(fifo)

    def take_over(self, generation):
        with self.changed:
            if generation < self.generation:
                raise Refused("stale-generation")
            if generation > self.generation:
                write_file(os.path.join(self.dir, "generation"), b"%d" % generation)
                self.generation = generation

    # -- a channel of the command: the journal up, the input down

    def follow(self, channel, at):
        conn = channel.conn
        self.scan()
        if at > self.whole:
            raise Refused("bad-request", "`from` is beyond the journal's end")
        with conn.lock:
            channel.command = self
            if channel.cancel:
                self.control("cancel " + channel.cancel)
        self.control("acked %d" % at)
        if self.stream:
            self.take_input(channel)
        while True:
            with self.changed:
                self.scan()
                if self.whole == at and not self.finished:
                    if channel.over:
                        raise Gone
                    self.changed.wait(0.5)
            if self.stream:
                self.grant_input(channel)
            if at < self.whole:
                data = os.pread(self.journal, min(1 << 18, self.whole - at), at)
                conn.send(channel, data)
                at += len(data)
            elif self.finished:
                break
        digest = hashlib.sha256()
        for offset in range(0, at, 1 << 20):
            digest.update(os.pread(self.journal, min(1 << 20, at - offset), offset))
        conn.end(channel, digest.digest())

    def path(self, name):
        return os.path.join(self.dir, name)

    def input_limit(self):
        with open(self.path("fed"), "rb") as file:
            return min(int.from_bytes(file.read(8), "big") + LOG_WINDOW, OFFSET_MAX)

    def take_input(self, channel):
        """The newest channel's bytes are taken, those of older ones are dropped."""
        with self.changed:
            self.taker = channel
            channel.sum = hashlib.sha256()
            with open(self.path("input"), "rb") as file:
                while data := file.read(1 << 20):
                    channel.sum.update(data)
            size = os.path.getsize(self.path("input"))

            def on_data(data, digest):
                with self.changed:
                    if self.taker is not channel:
                        return
                    if data is not None:
                        with open(self.path("input"), "ab") as file:
                            file.write(data)
                        channel.sum.update(data)
                        channel.conn.grant(channel, channel.in_at, 0)
                    elif digest != channel.sum.digest():
                        channel.conn.respond(channel, Refused("checksum", "the input's END"))
                    else:
                        open(self.path("input.end"), "wb").close()
                self.control("input")

            channel.on_data = on_data
        channel.conn.grant(channel, size, max(size, self.input_limit()), first=True)

    def grant_input(self, channel):
        limit = self.input_limit()
        if not channel.in_ended and (limit >= channel.in_limit + LOG_WINDOW // 4 or limit == OFFSET_MAX > channel.in_limit):
            channel.conn.grant(channel, os.path.getsize(self.path("input")), limit)


def kill(pid, number):
    with contextlib.suppress(OSError):
        os.kill(pid, number)
        return True


def processes():
    """{pid: (parent, state)} of the machine."""
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
                table[int(name)] = int(fields[1]), fields[0]
    return table


def processes_marked(id):
    mark = b"WINDLASS_COMMAND=" + id.encode()
    for pid, (_, state) in processes().items():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            if state != b"Z" and mark in file.read().split(b"\0"):
                yield pid


# ---- Supervisor: the process beside each command (sections 7 and 11) ----------------------------

class Supervisor:
    """Owns the command's processes, deadlines and journal. It adopts what the command leaves behind."""

    def __init__(self, state, root, umask, box):
        self.state, self.root, self.umask, self.box = state, root, umask, box
        self.id = box.first("id").decode()
        self.start = time.monotonic()
        self.length = self.acked = self.bytes = self.lines = self.dropped = 0
        self.reason = self.killing_at = self.status = self.main = None
        self.fed, self.last_output, self.lease_seen, self.lease_look = 0, self.start, self.start, 0
        number = lambda key, other=0: box.number(key, other)
        self.timeout, self.idle = number("timeout_ms") / 1000, number("idle_ms") / 1000
        self.max_bytes, self.max_lines = number("max_bytes") or OFFSET_MAX, number("max_lines") or OFFSET_MAX
        self.grace, self.lease = number("grace_ms", 10000) / 1000, number("lease_s", 86400)
        self.spool, self.on_full = number("spool_max") or 64 << 20, box.choice("on_full", "block", "kill", "drop")
        self.term = getattr(signal, "SIG" + box.choice("term_signal", *SIGNALS))

    def prepare(self):
        """Makes the command's folder, which appears at once and locked; False if the id is there."""
        final = os.path.join(self.state, "commands", self.id)
        self.dir = os.path.join(self.state, "commands", f".{self.id}.{os.getpid()}")
        os.mkdir(self.dir, 0o700)
        os.chdir(self.dir)
        self.lock = os.open("lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        os.mkfifo("control", 0o600)
        self.control = os.open("control", os.O_RDWR | os.O_NONBLOCK)
        self.journal = os.open("journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.fed_file = os.open("fed", os.O_WRONLY | os.O_CREAT)
        stdin = self.box.choice("stdin", "null", "data", "stream")
        write_file("meta", box_encode(Box().add(digest=self.box.first("digest"), stdin=stdin)))
        write_file("generation", self.box.first("generation"))
        write_file("input", self.box.first("input") if stdin == "data" else b"")
        if stdin == "data":
            write_file("input.end", b"")
        self.input = os.open("input", os.O_RDONLY)
        try:
            os.rename(self.dir, final)
        except OSError:
            shutil.rmtree(self.dir)
            return False
        return True

    # -- the journal

    def record(self, kind, data):
        data = record_encode(kind, int((time.monotonic() - self.start) * 1000), data)
        while data:
            try:
                done = os.write(self.journal, data)
                data, self.length = data[done:], self.length + done
            except OSError:                              # a full disk is waited for
                time.sleep(0.5)
        self.wake_agent()

    def wake_agent(self):
        with contextlib.suppress(OSError):
            fifo = os.open(os.path.join(self.state, "wake"), os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(fifo, self.id.encode() + b"\n")
            finally:
                os.close(fifo)

    def output(self, kind, data):
        """Output as far as the limits let it be kept."""
        self.last_output = time.monotonic()
        if self.reason == "max-output":
            return
        keep, lines = len(data), data.count(b"\n")
        if self.bytes + keep > self.max_bytes:
            keep = self.max_bytes - self.bytes
        if self.lines + lines >= self.max_lines:         # what follows the last line allowed is more
            at = -1
            for _ in range(self.max_lines - self.lines):
                at = data.index(b"\n", at + 1)
            keep = min(keep, at + 1)
        room = self.spool - (self.length - self.acked) - 8
        if self.on_full != "block" and keep > room:
            room = max(room, 0)
            if self.on_full == "drop":
                self.dropped += keep - room
                data, keep = data[:room] + data[keep:], room
            else:
                keep = room
        if keep:
            self.record(kind, data[:keep])
            self.bytes, self.lines = self.bytes + keep, self.lines + data[:keep].count(b"\n")
        if keep < len(data):
            self.end("max-output")

    # -- the processes

    def family(self):
        """Every living process that came of the command."""
        table, found = processes(), {os.getpid(): None}  # parents first: none sees its child killed and goes on
        children = collections.defaultdict(list)
        for pid, (parent, _) in table.items():
            children[parent].append(pid)
        todo = [os.getpid()]
        while todo:
            fresh = [p for p in children[todo.pop()] if p not in found]
            found.update(dict.fromkeys(fresh))
            todo += fresh
        return [p for p in found if p != os.getpid() and table[p][1] != b"Z"]

    def end(self, reason, at_once=False):
        """Asks the command to end, or kills it; the first reason stays."""
        now = time.monotonic()
        if self.reason is None:
            if self.status is not None:
                return
            self.reason = reason
            if not at_once:
                self.killing_at = now + self.grace
                for pid in self.family():
                    kill(pid, self.term)
        if at_once:
            self.killing_at = now

    def reap(self):
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self.main:
                    self.status = found[1]

    def environment(self):
        env = {} if self.box.flag("env.clean") else dict(os.environb)
        for name in self.box.every("env.unset"):
            env.pop(name, None)
        env.update(v.split(b"=", 1) for k, v in self.box if k in ("env.set", "env.secret"))
        for name, value in (v.split(b"=", 1) for v in self.box.every("env.prepend")):
            env[name] = value + b":" + env[name] if name in env else value
        env[b"WINDLASS_COMMAND"] = self.id.encode()
        return env

    def spawn(self):
        box, pipe, null = self.box, subprocess.PIPE, subprocess.DEVNULL
        cwd = Root(self.root).folder(check_path(box.first("cwd", b"")))
        script = box.first("script")
        args = box.every("arg") or [box.first("shell", b"sh"), b"-c", script]
        signal.signal(signal.SIGCHLD, lambda *_: None)
        wake, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup)

        def before():
            os.fchdir(cwd)
            os.nice(box.number("nice", 0))

        process = subprocess.Popen(
            args, env=self.environment(), start_new_session=True, preexec_fn=before,
            umask=int(box.first("umask", b"%o" % self.umask), 8),
            stdin=null if box.choice("stdin", "null", "data", "stream") == "null" else pipe, stdout=pipe,
            stderr=pipe if box.choice("output", "merge", "split") == "split" else subprocess.STDOUT)
        self.main, self.process = process.pid, process
        os.close(cwd)
        self.pipes = {f.fileno(): kind for f, kind in ((process.stdout, 1), (process.stderr, 2)) if f}
        self.stdin = process.stdin.fileno() if process.stdin else None
        for fd in [*self.pipes, self.stdin]:
            if fd is not None:
                os.set_blocking(fd, False)
        return wake

    # -- the life of a command

    def run(self):
        try:
            wake = self.spawn()
        except (OSError, Refused, ValueError, subprocess.SubprocessError) as why:
            return self.record(9, box_encode(Box().add(reason="spawn-failed", text=str(why).encode()[:4096])))
        self.record(4, box_encode(Box().add(pid=self.main)))
        if self.stdin is None:
            self.feed_all()
        while self.status is None or self.reason and self.family():   # asked to end: the rest has its grace too
            self.check_deadlines()
            poll = selectors.DefaultSelector()
            poll.register(wake, selectors.EVENT_READ), poll.register(self.control, selectors.EVENT_READ)
            for fd in self.pipes if self.has_room() else ():
                poll.register(fd, selectors.EVENT_READ)
            if self.stdin is not None and self.more_input():
                poll.register(self.stdin, selectors.EVENT_WRITE)
            ready = {key.fd for key, _ in poll.select(self.patience())}
            poll.close()
            if wake in ready:
                os.read(wake, 4096)
            if self.control in ready:
                for line in os.read(self.control, 65536).decode().split("\n"):
                    self.obey(line.split())
            for fd in [fd for fd in self.pipes if fd in ready]:
                self.read(fd)
            if self.stdin in ready:
                self.feed()
            self.reap()
        self.finish()

    def has_room(self):
        return (self.on_full != "block" or self.reason == "max-output"
                or self.length - self.acked + 8 < self.spool)

    def read(self, fd, most=65536):
        """Reads output once; False when there is none now."""
        if self.on_full == "block" and most == 65536 and self.reason != "max-output":
            most = max(1, min(most, self.spool - (self.length - self.acked) - 8))
        try:
            data = os.read(fd, min(most, 65536))
        except BlockingIOError:
            return False
        if data:
            self.output(self.pipes[fd], data)
        else:
            del self.pipes[fd]
        return bool(data)

    def obey(self, words):
        if words[:1] == ["cancel"]:
            self.end("cancelled", at_once=words[1] == "kill")
        elif words[:1] == ["signal"]:
            for pid in self.family():
                kill(pid, getattr(signal, "SIG" + words[1]))
        elif words[:1] == ["acked"]:
            self.acked = max(self.acked, int(words[1]))

    def deadlines(self):
        """(moment, reason) of what may end the command."""
        if self.timeout:
            yield self.start + self.timeout, "timeout"
        if self.idle and self.has_room():
            yield self.last_output + self.idle, "idle"
        if self.lease:
            yield self.lease_seen + self.lease, "lease-expired"

    def check_deadlines(self):
        now = time.monotonic()
        if self.lease and now >= self.lease_look:
            self.lease_look = now + min(5, self.lease / 8)
            fd = os.open(os.path.join(self.state, "ready"), os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:                      # the agent holds it: it is in READY
                self.lease_seen = now
            os.close(fd)
        for moment, reason in self.deadlines():
            if now >= moment and self.reason is None:
                self.end(reason)
        if self.killing_at is not None and now >= self.killing_at:
            for pid in self.family():
                kill(pid, signal.SIGKILL)
            self.killing_at = now + 0.2                  # again, for what was being born

    def patience(self):
        moments = [m for m, _ in self.deadlines()] if self.reason is None else []
        moments += [self.lease_look] if self.lease else []
        moments += [self.killing_at] if self.killing_at is not None else []
        return max(0, min(moments, default=time.monotonic() + 60) - time.monotonic())

    def more_input(self):
        return os.path.getsize(self.input) > self.fed or os.path.exists(self.path("input.end"))

    def path(self, name):
        return os.path.join(self.state, "commands", self.id, name)

    def feed(self):
        data = os.pread(self.input, 65536, self.fed)
        try:
            if data:
                self.fed += os.write(self.stdin, data)
            elif os.path.exists(self.path("input.end")) and os.path.getsize(self.input) == self.fed:
                return self.feed_all()
        except BlockingIOError:
            return
        except OSError:
            return self.feed_all()
        os.pwrite(self.fed_file, struct.pack(">Q", self.fed), 0)
        self.wake_agent()

    def feed_all(self):
        """The input is at its end, or nobody reads it: what comes is thrown away."""
        if self.stdin is not None:
            self.process.stdin.close()
            self.stdin = None
        os.pwrite(self.fed_file, struct.pack(">Q", OFFSET_MAX), 0)
        self.wake_agent()

    def finish(self):
        left = self.family()
        keep = self.reason is None and self.box.choice("leftovers", "kill", "keep") == "keep"
        while not keep and any([kill(pid, signal.SIGKILL) for pid in self.family()]):
            time.sleep(0.005)
        self.reap()
        for fd in list(self.pipes):                      # without waiting: a kept child may hold it
            while fd in self.pipes and self.read(fd, 65535):
                pass
        usage = __import__("resource").getrusage(__import__("resource").RUSAGE_CHILDREN)
        code = os.waitstatus_to_exitcode(self.status)
        reason = self.reason or ("exited" if code >= 0 else "signalled")
        box = Box().add(reason=reason, exit=code if code >= 0 else None, signal=-code if code < 0 else None,
                        wall_ms=int((time.monotonic() - self.start) * 1000), user_ms=int(usage.ru_utime * 1000),
                        sys_ms=int(usage.ru_stime * 1000), max_rss=usage.ru_maxrss * 1024,
                        leftovers_killed=0 if keep else len(left), leftovers_left=len(left) if keep else 0,
                        bytes=self.bytes, lines=self.lines, dropped=self.dropped)
        self.record(9, box_encode(box))


def supervise():
    """`--supervise`: the request comes on standard input, a word about it goes to standard output."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    __import__("ctypes").CDLL(None).prctl(36, 1, 0, 0, 0)           # PR_SET_CHILD_SUBREAPER
    data = sys.stdin.buffer.read()
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 or len(data) != 4 + size:
        return                                                      # the agent died while it asked
    box = box_decode(data[4:])
    inner = Box((k[1:], v) for k, v in box if k.startswith("!"))
    box = Box((k, v) for k, v in box if not k.startswith("!"))
    self = Supervisor(os.fsdecode(inner.first("state")), os.fsdecode(inner.first("root")), inner.number("umask"), box)
    ok = self.prepare()
    os.write(1, b"started\n" if ok else b"known\n")
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0), os.dup2(null, 1)
    if ok:
        os.dup2(null, 2)
        os.chdir("/")
        self.run()


# ---- Root: the file system below --root, never through a link (section 8) -----------------------

class Root:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def folder(self, names, make=False, replace=False):
        """A descriptor of the folder; makes those that are missing; may replace what is in its place."""
        fd = os.dup(self.fd)
        try:
            for name in names:
                below = self.step(fd, name, make, replace)
                os.close(fd)
                fd = below
            return fd
        except BaseException:
            os.close(fd)
            raise

    def step(self, fd, name, make, replace):
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        try:
            return os.open(name, flags, dir_fd=fd)
        except FileNotFoundError:
            if not make:
                raise
        except OSError as why:
            if why.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            if replace:
                os.unlink(name, dir_fd=fd)
            else:
                link = stat.S_ISLNK(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)
                raise Refused("symlink-denied" if link else "not-dir", path=name) from None
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=fd)
        return os.open(name, flags, dir_fd=fd)

    @contextlib.contextmanager
    def at(self, names, make=False, replace=False):
        """(descriptor of the folder above, name); the root itself is `.` in itself."""
        fd = self.folder(names[:-1], make, replace)
        try:
            yield fd, names[-1] if names else b"."
        finally:
            os.close(fd)


def look(fd, name):
    """What stands there, itself, or None."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def kind_of(st):
    return {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l"}.get(stat.S_IFMT(st.st_mode), "o")


def open_file(fd, name):
    """A regular file, open for reading."""
    st = os.stat(name, dir_fd=fd, follow_symlinks=False)
    refusal = {"d": "is-dir", "l": "symlink-denied", "o": "bad-request"}.get(kind_of(st))
    if refusal:
        raise Refused(refusal, "no regular file")
    return open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fd), "rb", buffering=0)


def read_all(file, size=None):
    left = OFFSET_MAX if size is None else size
    while left and (data := file.read(min(1 << 18, left))):
        left -= len(data)
        yield data


def hash_of(file, size=None):
    digest = hashlib.sha256()
    for data in read_all(file, size):
        digest.update(data)
    return digest


def delete(fd, name):
    """Removes whatever stands there, with all below it."""
    st = look(fd, name)
    if st is None:
        return
    if kind_of(st) == "d":
        shutil.rmtree(os.fsdecode(name), dir_fd=fd)
    else:
        os.unlink(name, dir_fd=fd)


class Stream:
    """The down stream of a channel that takes files: opens it, reads it, gives credit."""
    def __init__(self, channel, start=0):
        self.channel, self.at, self.durable, self.granted = channel, start, start, start
        self.digest, self.buffer, self.ended = None, b"", False
        channel.conn.grant(channel, start, start + FILE_WINDOW, first=True)

    def some(self, most):
        """At least a byte and at most so many, or nothing at END."""
        if not self.buffer and not self.ended:
            data, self.digest = self.channel.conn.receive(self.channel)
            self.buffer, self.ended = data or b"", data is None
        data, self.buffer = self.buffer[:most], self.buffer[most:]
        self.at += len(data)
        return data

    def stored(self, durable):
        """Everything below is kept; asks for more in time."""
        self.durable = max(self.durable, durable)
        if self.at - self.granted >= FILE_WINDOW // 16:
            self.granted = self.at
            self.channel.conn.grant(self.channel, self.durable, self.at + FILE_WINDOW)

    def exactly(self, count):
        parts = []
        while count:
            data = self.some(count)
            if not data:
                raise Refused("bad-request", "the stream ends early")
            parts.append(data)
            count -= len(data)
            self.stored(0)
        return b"".join(parts)


def set_x(file, x, umask):
    os.fchmod(file.fileno(), (0o777 if x else 0o666) & ~umask)


def part_name(name, size, digest):
    short = lambda data: hashlib.sha256(data).hexdigest()[:16].encode()
    return b".windlass-%s-" % short(name), b"%s.part" % short(b"%d %s" % (size, digest.encode()))


class Files:
    """The operations of section 8."""
    def __init__(self, root, state, umask):
        self.root, self.state, self.umask = Root(root), state, umask
        self.busy, self.lock = [], threading.Lock()

    @contextlib.contextmanager
    def writing(self, *paths):
        """Refuses what overlaps with what another channel is writing to."""
        with self.lock:
            for mine in paths:
                if any(a[:len(b)] == b[:len(a)] for a in [mine] for b in self.busy):
                    raise Refused("busy", "another channel writes there")
            self.busy += paths
        try:
            yield
        finally:
            with self.lock:
                for mine in paths:
                    self.busy.remove(mine)

    # -- single files

    def op_put(self, channel, box):
        names, size, sha = check_path(box.first("path")), box.number("size"), box.hex("sha256", 64)
        start, end = part_name(names[-1], size, sha)

        def check(fd, name):
            st = look(fd, name)
            if st and kind_of(st) == "d":
                raise Refused("is-dir", path=name)
            if st and not box.flag("replace"):
                raise Refused("exists", path=name)

        with self.writing(names), self.root.at(names, box.flag("parents")) as (fd, name):
            check(fd, name)
            for other in os.listdir(fd):
                if os.fsencode(other).startswith(start) and os.fsencode(other) != start + end:
                    delete(fd, os.fsencode(other))
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            with open(os.open(start + end, flags, 0o600, dir_fd=fd), "r+b", buffering=0) as part:
                digest = hash_of(part)
                stream = Stream(channel, part.tell())
                while data := stream.some(1 << 18):
                    if stream.at <= size:
                        part.write(data)
                        digest.update(data)
                    stream.stored(stream.at)
                if stream.at != size or not digest.hexdigest() == sha == stream.digest.hex():
                    os.unlink(start + end, dir_fd=fd)
                    raise Refused("checksum")
                check(fd, name)
                set_x(part, box.flag("x"), self.umask)
            os.rename(start + end, name, src_dir_fd=fd, dst_dir_fd=fd)

    def op_get(self, channel, box):
        with self.root.at(check_path(box.first("path"))) as (fd, name), open_file(fd, name) as file:
            st = os.fstat(file.fileno())
            size, x, at = st.st_size, bool(st.st_mode & 0o100), box.number("from", 0)
            if box.first("size") is not None and box.first("mtime_ns") is not None and (
                    box.number("size"), box.number("mtime_ns"), box.flag("x")) != (size, st.st_mtime_ns, x):
                raise Refused("changed")
            if 0 < box.number("max_bytes", 0) < size:
                raise Refused("too-large")
            if at > size:
                raise Refused("bad-request", "`from` is beyond the end")
            digest = hash_of(file, at)
            for data in read_all(file, size - at):
                digest.update(data)
                channel.conn.send(channel, data)
            if channel.out_at != size:
                raise Refused("changed", "the file became shorter")
            channel.conn.end(channel, digest.digest())
            return Box().add(size=size, mtime_ns=st.st_mtime_ns, x=int(x))

    def op_mkdir(self, channel, box):
        names = check_path(box.first("path"))
        if box.flag("parents"):
            try:
                os.close(self.root.folder(names, make=True))
            except Refused as why:                       # what has the name itself, or what is above it
                with self.root.at(names) as (fd, name):
                    raise Refused("exists", path=why.path) from None
            return
        with self.writing(names) if names else contextlib.nullcontext(), self.root.at(names) as (fd, name):
            os.mkdir(name, dir_fd=fd)

    def op_remove(self, channel, box):
        names = check_path(box.first("path"))
        with self.writing(names):
            try:
                with self.root.at(names) as (fd, name):
                    st = os.stat(name, dir_fd=fd, follow_symlinks=False)
                    if kind_of(st) == "d" and not box.flag("recursive"):
                        os.rmdir(name, dir_fd=fd)
                    else:
                        delete(fd, name)
            except FileNotFoundError:
                if not box.flag("missing_ok"):
                    raise

    def op_rename(self, channel, box):
        names, to = check_path(box.first("path")), check_path(box.first("to"))
        if names != to and names == to[:len(names)]:
            raise Refused("bad-request", "a folder into itself")
        with self.writing(*{tuple(names): names, tuple(to): to}.values()):
            with self.root.at(names) as (fd, name), self.root.at(to) as (to_fd, to_name):
                os.stat(name, dir_fd=fd, follow_symlinks=False)
                if look(to_fd, to_name) and not box.flag("replace"):
                    raise Refused("exists", path=box.first("to"))
                os.rename(name, to_name, src_dir_fd=fd, dst_dir_fd=to_fd)

    def move(self, fd, name, to_fd, to_name):
        """Renames, also over a folder or by a folder."""
        try:
            os.rename(name, to_name, src_dir_fd=fd, dst_dir_fd=to_fd)
        except OSError as why:
            if why.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR):
                raise
            delete(to_fd, to_name)
            os.rename(name, to_name, src_dir_fd=fd, dst_dir_fd=to_fd)

    def op_copy(self, channel, box):
        names, to = check_path(box.first("path")), check_path(box.first("to"))
        with self.writing(to), self.root.at(names) as (fd, name), self.root.at(to) as (to_fd, to_name):
            st = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if kind_of(st) == "d" and not box.flag("recursive"):
                raise Refused("is-dir")
            if look(to_fd, to_name) and not box.flag("replace"):
                raise Refused("exists", path=box.first("to"))
            if names[:len(to)] == to or names == to[:len(names)]:
                raise Refused("bad-request", "one is within the other")
            part = b"".join(part_name(to_name, 0, "copy"))
            delete(to_fd, part)
            try:
                self.copy(fd, name, to_fd, part)
                self.move(to_fd, part, to_fd, to_name)
            finally:
                delete(to_fd, part)

    def copy(self, fd, name, to_fd, to_name):
        st = os.stat(name, dir_fd=fd, follow_symlinks=False)
        kind = kind_of(st)
        if kind == "l":
            os.symlink(os.readlink(name, dir_fd=fd), to_name, dir_fd=to_fd)
        elif kind == "f":
            with open_file(fd, name) as source, open(os.open(
                    to_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=to_fd), "wb") as target:
                shutil.copyfileobj(source, target, 1 << 18)
                set_x(target, st.st_mode & 0o100, self.umask)
        elif kind == "d":
            os.mkdir(to_name, dir_fd=to_fd)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            below, to_below = os.open(name, flags, dir_fd=fd), os.open(to_name, flags, dir_fd=to_fd)
            try:
                for child in os.listdir(below):
                    self.copy(below, child, to_below, child)
            finally:
                os.close(below), os.close(to_below)

    def op_stat(self, channel, box):
        with self.root.at(check_path(box.first("path"))) as (fd, name):
            st = os.stat(name, dir_fd=fd, follow_symlinks=False)
            kind = kind_of(st)
            return Box().add(t=kind, size=st.st_size if kind == "f" else 0, mtime_ns=st.st_mtime_ns,
                             x=int(kind == "f" and bool(st.st_mode & 0o100)),
                             l=os.fsencode(os.readlink(name, dir_fd=fd)) if kind == "l" else None)

    def op_hash(self, channel, box):
        with self.root.at(check_path(box.first("path"))) as (fd, name), open_file(fd, name) as file:
            digest = hash_of(file)
            return Box().add(size=file.tell(), sha256=digest.hexdigest())

    def op_df(self, channel, box):
        fd = self.root.folder(check_path(box.first("path")))
        try:
            st = os.fstatvfs(fd)
        finally:
            os.close(fd)
        return Box().add(disk_free=st.f_bavail * st.f_frsize, disk_total=st.f_blocks * st.f_frsize)

    # -- folders and trees

    def listing(self, names, recursive, most=2000000):
        """(path below, stat, target of a link) of what is there, sorted by the bytes of the path."""
        found, todo = [], [[]]
        while todo:
            below = todo.pop()
            fd = self.root.folder(names + below)
            try:
                for name in map(os.fsencode, os.listdir(fd)):
                    st = look(fd, name)
                    if st is None:
                        continue
                    if recursive and kind_of(st) == "d":
                        todo.append(below + [name])
                    target = os.fsencode(os.readlink(name, dir_fd=fd)) if kind_of(st) == "l" else None
                    found.append((b"/".join(below + [name]), st, target))
            finally:
                os.close(fd)
            if len(found) > most:
                raise Refused("too-large", "more entries than allowed")
        return sorted(found, key=lambda item: item[0])

    def op_readdir(self, channel, box):
        found = self.listing(check_path(box.first("path")), box.flag("recursive"), box.number("max_entries"))
        data = b"".join(entry_encode(Entry(kind_of(st), p, st.st_size, None, st.st_mode & 0o100, target),
                                     st.st_mtime_ns) for p, st, target in found) + bytes(4)
        self.send_from(channel, data, box.number("from", 0))
        channel.conn.end(channel, hashlib.sha256(data).digest())

    def send_from(self, channel, data, at):
        if at > len(data):
            raise Refused("bad-request", "`from` is beyond the end")
        channel.conn.send(channel, memoryview(data)[at:])

    def op_tree_get(self, channel, box):
        names, entries, total, conn = check_path(box.first("path")), [], 0, channel.conn
        found = [f for f in self.listing(names, True) if kind_of(f[1]) != "o"]
        if len(found) > box.number("max_entries"):
            raise Refused("too-large", "more entries than allowed")
        for p, st, target in found:
            kind = kind_of(st)
            total += st.st_size if kind == "f" else 0
            if 0 < box.number("max_bytes", 0) < total:
                raise Refused("too-large", "more content than allowed")
            digest = None
            if kind == "f":
                with self.root.at(names + p.split(b"/")) as (fd, name), open_file(fd, name) as file:
                    digest = hash_of(file, st.st_size).hexdigest()
            entries.append(Entry(kind, p, st.st_size, digest, st.st_mode & 0o100, target))
        manifest = b"".join(map(entry_encode, entries)) + bytes(4)
        sha = hashlib.sha256(manifest)
        if box.first("manifest_sha256") is not None and (
                box.hex("manifest_sha256", 64), box.number("manifest_size", 0)) != (sha.hexdigest(), len(manifest)):
            raise Refused("changed", "the folder is another by now")
        if box.number("from", 0) not in (0, len(manifest)) or box.number("from", 0) and box.first("manifest_sha256") is None:
            raise Refused("bad-request", "`from` is neither the beginning nor the manifest's end")
        stream = Stream(channel)
        self.send_from(channel, manifest, box.number("from", 0))
        files, parts = [e for e in entries if e.t == "f"], []
        limit = (len(files) + 7) // 8 + 8
        while data := stream.some(1 << 18):
            parts.append(data)
            stream.stored(0)
            if stream.at > limit:
                raise Refused("bad-request", "need list")
        needs = b"".join(parts)
        if hashlib.sha256(needs).digest() != stream.digest:
            raise Refused("checksum", "need list")
        bits, have = needs_decode(needs, len(files))
        for e in (e for e, bit in zip(files, bits) if bit):
            with self.root.at(names + e.p.split(b"/")) as (fd, name), open_file(fd, name) as file:
                if have > e.s:
                    raise Refused("bad-request", "`have` is more than there is")
                digest, left = hash_of(file, have), e.s - have
                have = 0
                for data in read_all(file, left):
                    digest.update(data)
                    conn.send(channel, data)
                if digest.hexdigest() != e.h or file.read(1):
                    raise Refused("changed", path=e.p)
        with conn.lock:
            conn.end(channel, sha.digest())
        sent = channel.out_at - len(manifest)
        return Box().add(files=len(files), bytes=sent)

    def op_tree_put(self, channel, box):
        names, conn, umask = check_path(box.first("path")), channel.conn, self.umask
        size, sha = box.number("manifest_size"), box.hex("manifest_sha256", 64)
        key = hashlib.sha256(b"/".join(names)).hexdigest()
        stored = os.path.join(self.state, "trees", f"{key}.{size}.{sha}")
        with self.writing(names):
            self.root_or_missing(names)
            known = os.path.exists(stored)
            stream = Stream(channel, size if known else 0)
            if known:
                with open(stored, "rb") as file:
                    manifest = file.read()
                entries = manifest_read(__import__("io").BytesIO(manifest).read)
            else:
                raw, parts = hashlib.sha256(), []

                def read(count):
                    parts.append(stream.exactly(count))
                    raw.update(parts[-1])
                    if stream.at > size:
                        raise Refused("bad-request", "the manifest is longer than announced")
                    return parts[-1]

                entries = manifest_read(read)
                if stream.at != size or raw.hexdigest() != sha:
                    raise Refused("checksum", "manifest")
                check_tree(entries)
                for other in os.listdir(os.path.join(self.state, "trees")):
                    if other.startswith(key) and not other.endswith(".tracked"):
                        os.unlink(os.path.join(self.state, "trees", other))
                write_file(stored, b"".join(parts))
            files = [e for e in entries if e.t == "f"]
            wanted = [e for e in files if not self.same(names + e.p.split(b"/"), e)]
            have = self.part_size(names + wanted[0].p.split(b"/"), wanted[0]) if wanted else 0
            missing = {e.p for e in wanted}
            needs = needs_encode([e.p in missing for e in files], have)
            conn.send(channel, needs)
            conn.end(channel, hashlib.sha256(needs).digest())
            begun, brought = max(size, stream.at), self.tracked(key) | named(entries)
            os.close(self.root.folder(names, make=True))
            write_file(os.path.join(self.state, "trees", key + ".tracked"), b"\0".join(sorted(brought)))
            stream.stored(size)
            for e in wanted:
                self.take_file(names + e.p.split(b"/"), e, stream, have)
                have = 0
            if stream.some(1):
                raise Refused("bad-request", "more content than asked for")
            if stream.digest.hex() != sha:
                raise Refused("checksum", "END")
            deleted = self.finish_tree(names, entries, missing, box, brought)
            if box.choice("delete", "extra", "tracked", "none") != "none":
                brought = named(entries)
            write_file(os.path.join(self.state, "trees", key + ".tracked"), b"\0".join(sorted(brought)))
            os.unlink(stored)
            return Box().add(files=len(files), bytes=stream.at - begun, reused=len(files) - len(wanted), deleted=deleted)

    def root_or_missing(self, names):
        """What stands in the way of the folder is refused before anything changes."""
        with contextlib.suppress(FileNotFoundError):
            os.close(self.root.folder(names))

    def tracked(self, key):
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.state, "trees", key + ".tracked"), "rb") as file:
            return set(file.read().split(b"\0")) - {b""}
        return set()

    def same(self, names, e):
        with contextlib.suppress(OSError, Refused), self.root.at(names) as (fd, name), open_file(fd, name) as file:
            return os.fstat(file.fileno()).st_size == e.s and hash_of(file).hexdigest() == e.h
        return False

    def part_size(self, names, e):
        with contextlib.suppress(OSError, Refused), self.root.at(names) as (fd, name):
            st = look(fd, b"".join(part_name(name, e.s, e.h)))
            return st.st_size if st and kind_of(st) == "f" and st.st_size <= e.s else 0
        return 0

    def take_file(self, names, e, stream, have):
        """One file of the contents; what came of a large one stays after a break."""
        with self.root.at(names, make=True, replace=True) as (fd, name):
            part = b"".join(part_name(name, e.s, e.h))
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if have else os.O_TRUNC)
            try:
                with open(os.open(part, flags, 0o600, dir_fd=fd), "r+b", buffering=0) as file:
                    digest, left = hash_of(file, have), e.s - have
                    while left:
                        data = stream.some(min(left, 1 << 18))
                        if not data:
                            raise Refused("bad-request", "the contents end early")
                        file.write(data)
                        digest.update(data)
                        left -= len(data)
                        stream.stored(stream.at if e.s >= 1 << 20 else 0)
                    set_x(file, e.x, self.umask)
                if digest.hexdigest() != e.h:
                    raise Refused("checksum", path=e.p)
                self.move(fd, part, fd, name)
                stream.stored(stream.at)
            except BaseException as why:
                if isinstance(why, Refused) or e.s < 1 << 20:
                    delete(fd, part)
                raise

    def finish_tree(self, names, entries, missing, box, brought):
        keep, wanted, deleted = box.every("keep"), named(entries), 0
        mode, kinds = box.choice("delete", "extra", "tracked", "none"), {e.p: e.t for e in entries}
        for p, st, _ in reversed(self.listing(names, True)):
            doomed = p not in wanted and (mode == "extra" or mode == "tracked" and p in brought)
            if doomed and mode == "extra":
                doomed = not any(p == k or p.startswith(k + b"/") for k in keep)
            if doomed:
                with self.root.at(names + p.split(b"/")) as (fd, name), contextlib.suppress(OSError):
                    (os.rmdir if kind_of(st) == "d" else os.unlink)(name, dir_fd=fd)
                    deleted += 1
        for e in entries:
            below = names + e.p.split(b"/")
            if e.t == "d":
                os.close(self.root.folder(below, make=True, replace=True))
            elif e.t == "f" and e.p not in missing:
                with self.root.at(below) as (fd, name), open_file(fd, name) as file:
                    if bool(os.fstat(file.fileno()).st_mode & 0o100) != e.x:
                        set_x(file, e.x, self.umask)
        for e in (e for e in entries if e.t == "l"):
            with self.root.at(names + e.p.split(b"/"), make=True, replace=True) as (fd, name):
                st = look(fd, name)
                if not (st and kind_of(st) == "l" and os.fsencode(os.readlink(name, dir_fd=fd)) == e.l):
                    delete(fd, name)
                    os.symlink(e.l, name, dir_fd=fd)
        return deleted


def named(entries):
    """Every path of a tree, the folders that are only implied among them."""
    return {p for e in entries for p in [e.p] + [e.p[:i] for i, c in enumerate(e.p) if c == 47]}


# ---- the agent (sections 7, 11 and 13) ----------------------------------------------------------

class Agent:
    def __init__(self, args):
        self.args, self.name, self.state = args, args.name, os.path.abspath(args.state)
        self.root_path, umask = os.path.abspath(args.root), os.umask(0)
        os.umask(umask)
        self.umask, self.keys = umask, [read_key(args.key_file)]
        for name in ("commands", "trees"):
            os.makedirs(os.path.join(self.state, name), 0o700, exist_ok=True)
        self.only = self.locked("agent")                 # one agent for each state
        path = os.path.join(self.state, "installation")
        if not os.path.exists(path):
            write_file(path, os.urandom(16).hex().encode())
        self.installation = open(path).read()
        self.boot = open("/proc/sys/kernel/random/boot_id").read().strip()
        self.files = Files(self.root_path, self.state, umask)
        self.commands, self.making, self.lock = {}, {}, threading.RLock()
        wake = os.path.join(self.state, "wake")
        if not os.path.exists(wake):
            os.mkfifo(wake, 0o600)
        self.wake = os.open(wake, os.O_RDWR)
        self.connection = None
        self.all_commands()
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=self.watch, daemon=True).start()

    def locked(self, name):
        """A lock of this process, told to others by the system when we are gone."""
        fd = os.open(os.path.join(self.state, name), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return fd

    # -- commands

    def find(self, id):
        with self.lock:
            if id not in self.commands and os.path.exists(os.path.join(self.state, "commands", id)):
                self.commands[id] = Command(self, id)
            return self.commands.get(id)

    def all_commands(self):
        for id in os.listdir(os.path.join(self.state, "commands")):
            if not id.startswith("."):
                self.find(id)
        with self.lock:
            return list(self.commands.values())

    def listen(self):
        rest = b""
        while True:
            *ids, rest = (rest + os.read(self.wake, 65536)).split(b"\n")
            for id in set(ids):
                command = self.commands.get(id.decode("latin-1"))
                if command:
                    command.wake()

    def watch(self):
        while True:
            time.sleep(0.5)
            for command in list(self.commands.values()):
                with contextlib.suppress(OSError):
                    if not command.finished:
                        command.check_lost()

    def known(self, box):
        command = self.find(box.first("id").decode())
        if command is None:
            raise Refused("unknown-id")
        command.take_over(box.number("generation"))
        return command

    def op_exec(self, channel, box):
        id = box.first("id").decode()
        with self.lock:
            making = self.making.setdefault(id, threading.Lock())
        with making:
            command = self.find(id)
            if command is None:
                self.start(channel, box)
                command = self.find(id)
        if command.digest != box.first("digest").decode():
            raise Refused("id-mismatch")
        command.take_over(box.number("generation"))
        command.follow(channel, box.number("from", 0))

    def start(self, channel, box):
        if box.flag("pty") or box.every("tail"):
            raise Refused("unsupported", "pty and tail")
        if box.every("env.secret") and not channel.conn.confidential:
            raise Refused("permission", "a secret on a transport that can be read")
        os.close(self.files.root.folder(check_path(box.first("cwd", b""))))
        if box.number("from", 0):
            raise Refused("bad-request", "`from` of a command that has no journal")
        if len(self.commands) >= COMMANDS_MAX:
            raise Refused("busy", "too many commands are remembered")
        inner = [("!state", os.fsencode(self.state)), ("!root", os.fsencode(self.root_path)), ("!umask", b"%d" % self.umask)]
        data = box_encode(inner + box)
        child = subprocess.Popen([sys.executable, "-S", "-E", os.path.abspath(__file__), "--supervise"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        threading.Thread(target=child.wait, daemon=True).start()
        with child.stdin as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(struct.pack(">I", len(data)) + data)
        with child.stdout as pipe:
            if pipe.readline() not in (b"started\n", b"known\n"):
                raise Refused("internal", "the command's supervisor did not start")

    def op_attach(self, channel, box):
        self.known(box).follow(channel, box.number("from", 0))

    def op_signal(self, channel, box):
        mode = box.first("mode")
        self.known(box).control("cancel " + mode.decode() if mode else "signal " + box.first("signal").decode())

    def op_forget(self, channel, box):
        with contextlib.suppress(Refused) if self.find(box.first("id").decode()) is None else contextlib.nullcontext():
            command = self.known(box)
            command.scan()
            if not command.finished:
                raise Refused("busy", "it runs")
            gone = os.path.join(self.state, "commands", ".gone." + command.id)
            with self.lock:
                os.rename(command.dir, gone)
                del self.commands[command.id]
            shutil.rmtree(gone, ignore_errors=True)

    def op_list(self, channel, box):
        return [("cmd", c.word()) for c in self.all_commands()]

    def op_info(self, channel, box):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Box().add(name=self.name, version=VERSION, os="linux", arch=platform.machine(), cpus=os.cpu_count(),
                         memory=memory, root=os.fsencode(self.root_path), case_sensitive=1, symlinks=1, path_max=4096, tls=0)

    def operation(self, op):
        found = getattr(self, "op_" + op, None) or getattr(self.files, "op_" + op, None)
        if not found:
            raise Refused("unsupported", op)
        return found

    def status(self):
        box, disk = Box(), os.statvfs(self.root_path)
        with open("/proc/meminfo") as file:
            memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
        return box.add(disk_free=disk.f_bavail * disk.f_frsize, disk_total=disk.f_blocks * disk.f_frsize,
                       mem_free=memory.get("MemAvailable"), mem_total=memory.get("MemTotal"),
                       load=int(os.getloadavg()[0] * 100), running=sum(not c.finished for c in self.commands.values()))

    # -- connections

    def hang_up(self, connection):
        if self.args.stdio:
            os._exit(0)
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=self.stop).start())
        if self.args.stdio:
            self.connection = Connection(self, 0, 1, True)
            self.connection.run()
            os._exit(0)
        least, most = self.args.reconnect_min_ms / 1000, self.args.reconnect_max_ms / 1000
        bound = least
        host, _, port = self.args.master.rpartition(":")
        while True:
            try:
                self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=30)
                self.socket.settimeout(None)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer = self.socket.getpeername()[0]
                fd = self.socket.fileno()
                self.connection = Connection(self, fd, fd, peer.startswith("127.") or peer == "::1")
                if self.connection.run():
                    bound = least
                self.socket.close()
            except OSError as why:
                log("cannot connect:", why)
            time.sleep(random.uniform(0, bound))
            bound = min(most, bound * 2)

    def stop(self):
        if self.connection and self.connection.ready:
            self.connection.leave()
        os._exit(0)


def read_key(path):
    if os.stat(path).st_mode & 0o077:
        sys.exit("the key file can be read by others")
    with open(path) as file:
        found = re.match(r"wlk1_([0-9a-f]{64})\n?\Z", file.read())
    if not found:
        sys.exit("the key file holds no key")
    return bytes.fromhex(found[1])


def main():
    if sys.argv[1:] == ["--supervise"]:
        return supervise()
    flags = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    way = flags.add_mutually_exclusive_group(required=True)
    way.add_argument("--stdio", action="store_true", help="one connection over standard input and output")
    way.add_argument("--master", metavar="HOST:PORT", help="dial, for ever")
    for name in ("name", "key-file", "root", "state"):
        flags.add_argument("--" + name, required=True)
    flags.add_argument("--reconnect-min-ms", type=int, default=1000, help="the runner gives it with --tcp")
    flags.add_argument("--reconnect-max-ms", type=int, default=60000, help="the runner gives it with --tcp")
    Agent(flags.parse_known_args()[0]).run()


if __name__ == "__main__":
    main()

//! Every limit and default of the protocol, with the reason beside it. The text's table of
//! limits is compared with this file by a test.

/// Payload bytes of one frame before READY: a HELLO of twelve short keys is under 1 KiB, and a
/// stranger may not make us hold more.
pub const FRAME_BEFORE_AUTH_MAX: usize = 4 * 1024;
/// Payload bytes of one frame after READY: room for a READY that lists every command and for an
/// `exec` with a large environment, small enough that one frame never blocks a channel for long.
pub const FRAME_MAX: usize = 256 * 1024;
/// Bytes of one DATA frame: a turn of the fair writer. 64 KiB is 0.5 ms on a 1 Gbit/s line.
pub const DATA_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the first DATA frame of a stream on a connection, from which they grow: what gets
/// through in a moment, and worth a header and a MAC.
pub const DATA_BYTES_FIRST: usize = 4 * 1024;
/// Pairs of one box: an environment of a few thousand variables, and a bound on parsing work.
pub const BOX_PAIRS_MAX: usize = 4096;
/// Bytes of one box key: names are words, not sentences.
pub const BOX_KEY_MAX: usize = 64;
/// Bytes of the MAC at the end of a frame: half of SHA-256, as TLS and SSH truncate it.
pub const MAC_BYTES: usize = 16;
/// Open channels of one connection: far above any number of slots, and it bounds every queue.
pub const CHANNELS_MAX: usize = 256;
/// Bytes one channel may have waiting to be written: four turns, so that a fast producer keeps
/// the writer busy without hoarding memory (64 MiB at the very most for 256 channels).
pub const SEND_QUEUE_MAX: usize = 256 * 1024;
/// Credit for a log: 1 MiB per round trip is 17 MB/s at 60 ms.
pub const LOG_WINDOW: u64 = 1024 * 1024;
/// Credit for files and trees: 16 MiB per round trip is 270 MB/s at 60 ms.
pub const FILE_WINDOW: u64 = 16 * 1024 * 1024;
/// Commands an agent remembers and lists in READY: 1024 lines of 80 bytes fit one frame.
pub const COMMANDS_MAX: usize = 1024;
/// Keys that may be valid for one agent at once: the new one and the old one during rotation.
pub const KEYS_MAX: usize = 2;
/// Capability names in a HELLO: more would only fill the frame.
pub const CAPABILITIES_MAX: usize = 32;
/// Bytes of a name (agent, deployment, installation, boot, capability).
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of the text of a refusal or a failure: enough for a sentence with a path in it.
pub const TEXT_BYTES_MAX: usize = 4096;
/// Milliseconds from the first byte to READY: three round trips on a bad line, and a key lookup.
pub const HANDSHAKE_MS: u64 = 10_000;
/// Milliseconds from an agent's HELLO to a refusal: the same for a wrong key and an unknown name,
/// and longer than any lookup takes.
pub const REFUSAL_MS: u64 = 1_000;
/// Milliseconds without a genuine frame before a PING: below every NAT timeout known to us.
pub const PING_MS: u64 = 20_000;
/// Milliseconds without a genuine frame before the connection counts as dead: three PINGs.
pub const DEAD_MS: u64 = 60_000;
/// Bytes of one journal record: what one read of a pipe gives at most.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the `input` of an exec: the request must fit a frame; longer input is streamed.
pub const INPUT_BYTES_MAX: usize = 64 * 1024;
/// Files followed beside one command: far more than any test suite writes logs of interest.
pub const TAILS_MAX: usize = 16;
/// Bytes of a path: PATH_MAX of Linux.
pub const PATH_BYTES_MAX: usize = 4096;
/// Bytes of one component of a path: NAME_MAX of every file system in use.
pub const COMPONENT_BYTES_MAX: usize = 255;
/// Bytes of one entry of a manifest: a path and a link target of full length, and the rest.
pub const ENTRY_BYTES_MAX: usize = 10 * 1024;
/// Entries of one tree or listing: ten times the largest source trees.
pub const ENTRIES_MAX: u64 = 2_000_000;
/// Sequence numbers end here (2^63): no counter ever wraps.
pub const SEQUENCE_MAX: u64 = 1 << 63;
/// Offsets of streams end here (2^62): sums of two never overflow.
pub const OFFSET_MAX: u64 = 1 << 62;

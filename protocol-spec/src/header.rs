//! The ten bytes in front of every payload, the frame types and the flags.

/// The first eight bytes each way: readable, with the version, and unlike HTTP, SSH and TLS.
pub const PREAMBLE: &[u8] = b"WNDLS/1\n";
/// Bytes of a frame header: `u32 length | u8 type | u8 flags | u32 channel`.
pub const HEADER_BYTES: usize = 10;
/// DATA flag: the stream ends here; the payload is the length and the SHA-256 of the whole.
pub const FLAG_END: u8 = 1;
/// DATA flag: the sender gives up; the payload is a box with `code` and `text`.
pub const FLAG_ABORT: u8 = 4;

macro_rules! frame_types {
    ($($name:ident $word:literal $tag:literal $doc:literal,)*) => {
        /// The type of a frame.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum FrameType { $(#[doc = $doc] $name,)* }
        impl FrameType {
            /// Every type, in the order of the text's table.
            pub const ALL: &[FrameType] = &[$(FrameType::$name,)*];
            /// The byte on the wire.
            pub fn tag(self) -> u8 { match self { $(FrameType::$name => $tag,)* } }
            /// The word in the text.
            pub fn name(self) -> &'static str { match self { $(FrameType::$name => $word,)* } }
            /// The type of a byte; `None` for one that version 1 does not know.
            pub fn parse(tag: u8) -> Option<Self> {
                match tag { $($tag => Some(FrameType::$name),)* _ => None }
            }
        }
    };
}

frame_types! {
    Hello "HELLO" 0x01 "Who I am; first frame of each side.",
    Auth "AUTH" 0x02 "Proof of the key.",
    Ready "READY" 0x03 "First frame with a MAC.",
    Goaway "GOAWAY" 0x04 "Open no more channels; or, before READY, refused.",
    Bye "BYE" 0x05 "The authenticated end.",
    Ping "PING" 0x06 "Are you there?",
    Pong "PONG" 0x07 "I am.",
    Status "STATUS" 0x08 "How the agent's machine is.",
    Req "REQ" 0x10 "Opens a channel.",
    Res "RES" 0x11 "Answers and closes it.",
    Data "DATA" 0x12 "Bytes of a stream, its end, or its abort.",
    Ack "ACK" 0x13 "What is durable, and how far the other side may send.",
    Cancel "CANCEL" 0x14 "End the command of this channel.",
    Event "EVENT" 0x15 "Reserved: ignored by version 1.",
}

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes of the payload; neither header nor MAC counts.
    pub length: u32,
    /// The type, raw: an unknown one is ignored after READY.
    pub tag: u8,
    /// Flags: 0 except on DATA.
    pub flags: u8,
    /// The channel; 0 is the connection.
    pub channel: u32,
}

impl Header {
    /// The ten bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.length.to_be_bytes());
        bytes[4] = self.tag;
        bytes[5] = self.flags;
        bytes[6..].copy_from_slice(&self.channel.to_be_bytes());
        bytes
    }

    /// Reads ten bytes; every value is well-formed here.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            length: word(0),
            tag: bytes[4],
            flags: bytes[5],
            channel: word(6),
        }
    }
}

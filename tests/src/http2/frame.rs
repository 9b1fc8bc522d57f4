use super::hpack::{self, Fields};

/// A frame (RFC 9113, 4.1), whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// The types of frames.
#[derive(Debug)]
pub struct Kind;

impl Kind {
    pub const DATA: u8 = 0x0;
    pub const HEADERS: u8 = 0x1;
    pub const PRIORITY: u8 = 0x2;
    pub const RST_STREAM: u8 = 0x3;
    pub const SETTINGS: u8 = 0x4;
    pub const PUSH_PROMISE: u8 = 0x5;
    pub const PING: u8 = 0x6;
    pub const GOAWAY: u8 = 0x7;
    pub const WINDOW_UPDATE: u8 = 0x8;
    pub const CONTINUATION: u8 = 0x9;
}

pub mod flag {
    pub const ACK: u8 = 0x1;
    pub const END_STREAM: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
}

impl Frame {
    pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    #[must_use]
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// The whole head of a request without a body.
    #[must_use]
    pub fn request(stream: u32, fields: &Fields) -> Self {
        Self::headers(flag::END_HEADERS | flag::END_STREAM, stream, fields)
    }

    /// The whole head of a request whose body follows.
    #[must_use]
    pub fn open(stream: u32, fields: &Fields) -> Self {
        Self::headers(flag::END_HEADERS, stream, fields)
    }

    #[must_use]
    pub fn headers(flags: u8, stream: u32, fields: &Fields) -> Self {
        Self::new(Kind::HEADERS, flags, stream, hpack::encode(fields))
    }

    #[must_use]
    pub fn data(flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::DATA, flags, stream, payload)
    }

    /// Settings by their numbers.
    #[must_use]
    pub fn settings(settings: &[(u16, u32)]) -> Self {
        let bytes =
            settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
        Self::new(Kind::SETTINGS, 0, 0, bytes.collect::<Vec<_>>())
    }

    #[must_use]
    pub fn ping() -> Self {
        Self::new(Kind::PING, 0, 0, *b"pingpong")
    }

    #[must_use]
    pub fn reset(stream: u32) -> Self {
        const CANCEL: u32 = 0x8;
        Self::new(Kind::RST_STREAM, 0, stream, CANCEL.to_be_bytes())
    }

    #[must_use]
    pub fn window_update(stream: u32, increment: u32) -> Self {
        Self::new(Kind::WINDOW_UPDATE, 0, stream, increment.to_be_bytes())
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let len =
            u32::try_from(self.payload.len()).expect("a test's frame has less than 16 MiB").to_be_bytes();
        let mut bytes = len[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// The number that some frames begin with: an error code, or the last stream.
    pub(super) fn number(&self, at: usize) -> u32 {
        let bytes = self.payload.get(at..at + 4).expect("the frame has a number there");
        u32::from_be_bytes(bytes.try_into().expect("four bytes are four bytes"))
    }
}

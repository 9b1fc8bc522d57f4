//! Where each request of a client's HTTP/1 stream begins and ends, and what of it RFC 9112 refuses although
//! hyper takes it: hyper drops the second of two framings, a fragment and the missing half of a line's end
//! before anybody else sees them. Pure: bytes in, verdicts out. What hyper refuses is left to hyper.

use memchr::memchr;

/// hyper means something else by lengths from here on.
const MAX_LENGTH: u64 = u64::MAX - 1;

/// Follows one connection's bytes.
#[derive(Debug)]
pub(crate) struct RequestBounds {
    place: Place,
    head: HeadSoFar,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// hyper gives a line up before it has this length.
    max_line: usize,
    awaits_answer: bool,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Line(Line),
    /// This much of a body with a length, or of a chunk, is still to come.
    Body(u64),
    Chunk(u64),
    /// hyper has refused what came, or is about to.
    Unreadable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Between two requests: empty lines may come first (RFC 9112, 2.2).
    Request,
    Field,
    ChunkSize,
    ChunkEnd,
    Trailer,
}

/// What matters of the lines of a head.
#[derive(Debug, Clone, Copy, Default)]
struct HeadSoFar {
    codings: usize,
    lengths: usize,
    length: u64,
    asks_for_protocol: bool,
}

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A line that ends in LF alone (RFC 9112, 2.2): another reader might not see its end.
    BareLf,
    /// A target with a fragment (RFC 9112, 3.2).
    Fragment,
    /// `Content-Length` beside `Transfer-Encoding`, or more than one of it (RFC 9112, 6.1 and 6.3).
    Framing,
}

/// How far a piece of the stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// What follows depends on the answer to what came: HTTP, or another protocol.
    Hold,
    RefuseHead(Fault),
    RefuseBody(Fault),
}

impl RequestBounds {
    pub(crate) fn new(max_line: usize) -> Self {
        Self {
            place: Place::Line(Line::Request),
            head: HeadSoFar::default(),
            partial: Vec::new(),
            max_line,
            awaits_answer: false,
        }
    }

    /// How many of these bytes go on, and what becomes of the rest.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (usize, Verdict) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            if self.awaits_answer {
                return (taken, Verdict::Hold);
            }
            match self.place {
                Place::Unreadable => return (bytes.len(), Verdict::Pass),
                Place::Body(left) => {
                    let count = up_to(left, rest.len());
                    taken += count;
                    match left - count as u64 {
                        0 => self.end(),
                        left => self.place = Place::Body(left),
                    }
                }
                Place::Chunk(left) => {
                    let count = up_to(left, rest.len());
                    taken += count;
                    self.place = match left - count as u64 {
                        0 => Place::Line(Line::ChunkEnd),
                        left => Place::Chunk(left),
                    };
                }
                Place::Line(line) => {
                    let Some(end) = memchr(b'\n', rest) else {
                        self.keep(rest);
                        return (bytes.len(), Verdict::Pass);
                    };
                    if let Err(fault) = self.take_line(line, &rest[..=end]) {
                        let verdict = match line {
                            Line::Request | Line::Field => Verdict::RefuseHead(fault),
                            Line::ChunkSize | Line::ChunkEnd | Line::Trailer => Verdict::RefuseBody(fault),
                        };
                        return (taken, verdict);
                    }
                    taken += end + 1;
                }
            }
        }
        (taken, Verdict::Pass)
    }

    /// The answer is given, and it is still HTTP.
    pub(crate) fn go_on(&mut self) {
        self.awaits_answer = false;
    }

    pub(crate) fn awaits_answer(&self) -> bool {
        self.awaits_answer
    }

    /// A head has begun and not ended.
    pub(crate) fn is_in_head(&self) -> bool {
        match self.place {
            Place::Line(Line::Field) => true,
            Place::Line(Line::Request) => !self.partial.is_empty(),
            Place::Line(_) | Place::Body(_) | Place::Chunk(_) | Place::Unreadable => false,
        }
    }

    /// All that came is whole requests.
    pub(crate) fn is_between(&self) -> bool {
        self.place == Place::Line(Line::Request) && self.partial.is_empty()
    }

    fn keep(&mut self, rest: &[u8]) {
        self.partial.extend_from_slice(rest);
        if self.partial.len() > self.max_line {
            self.partial = Vec::new();
            self.place = Place::Unreadable;
        }
    }

    fn take_line(&mut self, line: Line, end: &[u8]) -> Result<(), Fault> {
        if self.partial.is_empty() {
            return self.read_line(line, end);
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(end);
        self.read_line(line, &whole)
    }

    fn read_line(&mut self, line: Line, text: &[u8]) -> Result<(), Fault> {
        let text = text.strip_suffix(b"\r\n").ok_or(Fault::BareLf)?;
        match line {
            Line::Request if text.is_empty() => {}
            Line::Request => {
                if has_fragment(text) {
                    return Err(Fault::Fragment);
                }
                let asks_for_protocol = text.starts_with(b"CONNECT ");
                self.head = HeadSoFar { asks_for_protocol, ..HeadSoFar::default() };
                self.place = Place::Line(Line::Field);
            }
            Line::Field if text.is_empty() => {
                match (self.head.codings, self.head.lengths, self.head.length) {
                    (1.., 1.., _) | (_, 2.., _) | (_, _, MAX_LENGTH..) => return Err(Fault::Framing),
                    (1.., _, _) => self.place = Place::Line(Line::ChunkSize),
                    (_, _, length @ 1..) => self.place = Place::Body(length),
                    (_, _, 0) => self.end(),
                }
            }
            Line::Field => self.head.read(text),
            Line::ChunkSize => {
                self.place = match chunk_size(text) {
                    Some(0) => Place::Line(Line::Trailer),
                    Some(size) => Place::Chunk(size),
                    None => Place::Unreadable,
                };
            }
            Line::ChunkEnd if text.is_empty() => self.place = Place::Line(Line::ChunkSize),
            Line::ChunkEnd => self.place = Place::Unreadable,
            Line::Trailer if text.is_empty() => self.end(),
            Line::Trailer => {}
        }
        Ok(())
    }

    /// A request has come whole.
    fn end(&mut self) {
        self.place = Place::Line(Line::Request);
        self.awaits_answer = self.head.asks_for_protocol;
    }
}

impl HeadSoFar {
    fn read(&mut self, line: &[u8]) {
        // Nearly every line has another beginning: it costs one comparison.
        let (Some(b't' | b'T' | b'c' | b'C' | b'u' | b'U'), Some(colon)) = (line.first(), memchr(b':', line))
        else {
            return;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings += 1;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            self.length = number(value, 10).unwrap_or_default();
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.asks_for_protocol = true;
        }
    }
}

/// The target is all between the first space and the last; a method may have this character.
fn has_fragment(line: &[u8]) -> bool {
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let _method = words.next();
    words.next().is_some_and(|rest| memchr(b'#', rest).is_some())
}

/// Digits, then perhaps spaces, then perhaps an extension (RFC 9112, 7.1). hyper has looked at the rest.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    number(&line[..digits], 16)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let mut number = 0_u64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(radix)?;
        number = number.checked_mul(radix.into())?.checked_add(digit.into())?;
    }
    (!digits.is_empty()).then_some(number)
}

fn up_to(left: u64, available: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests;

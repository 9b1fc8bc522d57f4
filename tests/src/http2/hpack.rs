//! As little of HPACK (RFC 7541) as tests need: heads are written literally, and read without a dynamic table.

/// Names and values in the order in which they come, pseudo-fields among them.
pub type Fields = Vec<(String, String)>;

/// RFC 7541, appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// RFC 7541, appendix B, up to 15 bits, which is nearly all of ASCII: bytes in the order of their codes, which
/// count up from one length to the next.
const HUFFMAN: [(u32, &[u8]); 10] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\x00$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
];

/// Each field as a literal that no table keeps (RFC 7541, 6.2.2).
pub(super) fn encode(fields: &[(String, String)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        put_text(&mut block, name);
        put_text(&mut block, value);
    }
    block
}

fn put_text(block: &mut Vec<u8>, text: &str) {
    // A character of the test is one byte, so that it can say any.
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).expect("a test's field has bytes")).collect();
    let len = bytes.len();
    match u8::try_from(len).ok().filter(|len| *len < 127) {
        Some(len) => block.push(len),
        None => {
            block.push(127);
            let mut rest = len - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).expect("below 128") | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).expect("below 128"));
        }
    }
    block.extend(bytes);
}

/// # Panics
/// If it needs a dynamic table, or is no block.
pub(super) fn decode(block: &[u8]) -> Fields {
    let mut reader = Reader { bytes: block };
    let mut fields = Fields::new();
    while let Some(&first) = reader.bytes.first() {
        match first {
            0x80.. => {
                let (name, value) = STATIC[reader.number(7) - 1];
                fields.push((name.to_owned(), value.to_owned()));
            }
            0x20..0x40 => _ = reader.number(5),
            _ => {
                let index = reader.number(if first >= 0x40 { 6 } else { 4 });
                let name = if index == 0 { reader.text() } else { STATIC[index - 1].0.to_owned() };
                fields.push((name, reader.text()));
            }
        }
    }
    fields
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> usize {
        let (first, rest) = self.bytes.split_first().expect("the block goes on");
        self.bytes = rest;
        usize::from(*first)
    }

    /// RFC 7541, 5.1.
    fn number(&mut self, prefix: u32) -> usize {
        let most = (1 << prefix) - 1;
        let mut number = self.byte() & most;
        let mut shift = 0;
        while number >= most {
            let byte = self.byte();
            number += (byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                break;
            }
        }
        number
    }

    fn text(&mut self) -> String {
        let is_huffman = self.bytes.first().is_some_and(|first| *first >= 128);
        let len = self.number(7);
        let (text, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        if is_huffman { huffman(text) } else { String::from_utf8_lossy(text).into_owned() }
    }
}

fn huffman(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut code, mut len) = (0_u32, 0);
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        code = code << 1 | u32::from(bit);
        len += 1;
        assert!(len <= 15, "a character that tests do not use");
        if let Some(character) = character(code, len) {
            text.push(character);
            (code, len) = (0, 0);
        }
    }
    text
}

fn character(code: u32, len: u32) -> Option<char> {
    let mut first = 0;
    let mut before = 5;
    for (length, characters) in HUFFMAN {
        first <<= length - before;
        before = length;
        if length == len {
            let at = usize::try_from(code.checked_sub(first)?).ok()?;
            return characters.get(at).copied().map(char::from);
        }
        first += u32::try_from(characters.len()).expect("there are few");
    }
    None
}

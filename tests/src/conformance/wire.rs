//! Reads messages as RFC 9112 says, and takes nothing else: what a proxy sends must not need any leniency.

use std::io;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// One side's bytes, as they come.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    buffer: Vec<u8>,
}

/// A message without its body.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) start: String,
    /// Names in lower case.
    pub(super) fields: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) head: Head,
    pub(super) body: String,
    pub(super) trailers: Vec<(String, String)>,
    /// The body arrived to its end.
    pub(super) is_whole: bool,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// Why what came is no message.
pub(super) type Broken = String;

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// `None` at the end of the stream.
    pub(super) async fn head(&mut self) -> Result<Option<Head>, Broken> {
        let Some(start) = self.line().await? else { return Ok(None) };
        Ok(Some(Head { start, fields: self.fields().await? }))
    }

    pub(super) async fn request_body(&mut self, head: Head) -> Result<Message, Broken> {
        let framing = head.framing()?.unwrap_or(Framing::Length(0));
        self.body(head, framing).await
    }

    /// `method` is that of the request.
    pub(super) async fn response_body(&mut self, head: Head, method: &str) -> Result<Message, Broken> {
        let status = head.status()?;
        let has_none = method == "HEAD" || matches!(status, 100..=199 | 204 | 304);
        let framing =
            if has_none { Framing::Length(0) } else { head.framing()?.unwrap_or(Framing::UntilClose) };
        self.body(head, framing).await
    }

    /// All up to and with this text.
    pub(super) async fn until(&mut self, text: &str) -> Result<(), Broken> {
        while !String::from_utf8_lossy(&self.buffer).contains(text) {
            if !self.fill().await {
                return Err(format!("no {text:?} before the end"));
            }
        }
        let all = String::from_utf8_lossy(&self.buffer).into_owned();
        let end = all.find(text).unwrap_or_default() + text.len();
        self.buffer.drain(..end);
        Ok(())
    }

    /// Whether the other side closes, and sends nothing more before.
    pub(super) async fn is_closed_cleanly(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill().await
    }

    async fn body(&mut self, head: Head, framing: Framing) -> Result<Message, Broken> {
        let mut message = Message { head, body: String::new(), trailers: Vec::new(), is_whole: true };
        match framing {
            Framing::Length(length) => message.is_whole = self.take(length, &mut message.body).await,
            Framing::UntilClose => while self.take(1, &mut message.body).await {},
            Framing::Chunked => loop {
                let Some(size) = self.line().await? else {
                    message.is_whole = false;
                    break;
                };
                let size = usize::from_str_radix(&size, 16).map_err(|_| format!("chunk size {size:?}"))?;
                if size == 0 {
                    message.trailers = self.fields().await?;
                    break;
                }
                if !self.take(size, &mut message.body).await {
                    message.is_whole = false;
                    break;
                }
                match self.line().await? {
                    Some(end) if end.is_empty() => {}
                    Some(end) => return Err(format!("{end:?} after a chunk")),
                    None => message.is_whole = false,
                }
            },
        }
        Ok(message)
    }

    async fn fields(&mut self) -> Result<Vec<(String, String)>, Broken> {
        let mut fields = Vec::new();
        loop {
            let line = self.line().await?.ok_or("the end within fields")?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| format!("no colon in {line:?}"))?;
            if name.is_empty() || !name.bytes().all(is_token_byte) {
                return Err(format!("field name {name:?}"));
            }
            fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    /// Without its end; `None` if nothing came before the end of the stream.
    async fn line(&mut self) -> Result<Option<String>, Broken> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let text = line.strip_suffix(b"\r\n").ok_or("a bare LF")?;
                if text.iter().any(|byte| matches!(byte, b'\r' | 0)) {
                    return Err(format!("a bare CR or NUL in {:?}", String::from_utf8_lossy(text)));
                }
                return Ok(Some(String::from_utf8_lossy(text).into_owned()));
            }
            if !self.fill().await {
                let is_clean = self.buffer.is_empty();
                return if is_clean { Ok(None) } else { Err("the end within a line".to_owned()) };
            }
        }
    }

    /// Takes up to `length` bytes; `false` if the stream ended before.
    async fn take(&mut self, length: usize, into: &mut String) -> bool {
        let mut is_open = true;
        while self.buffer.len() < length && is_open {
            is_open = self.fill().await;
        }
        let count = length.min(self.buffer.len());
        into.push_str(&String::from_utf8_lossy(&self.buffer.drain(..count).collect::<Vec<_>>()));
        count == length
    }

    /// A reset is an end.
    async fn fill(&mut self) -> bool {
        let read: io::Result<usize> = self.stream.read_buf(&mut self.buffer).await;
        matches!(read, Ok(1..))
    }
}

impl Head {
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn status(&self) -> Result<u16, Broken> {
        let code = self.start.strip_prefix("HTTP/1.1 ").or(self.start.strip_prefix("HTTP/1.0 "));
        let code = code.and_then(|rest| rest.get(..3)).and_then(|digits| digits.parse().ok());
        code.ok_or_else(|| format!("status line {:?}", self.start))
    }

    /// Method and target of a request.
    pub(super) fn asked(&self) -> &str {
        self.start.rsplit_once(' ').map_or("", |(asked, _)| asked)
    }

    fn framing(&self) -> Result<Option<Framing>, Broken> {
        match (&self.all("transfer-encoding")[..], &self.all("content-length")[..]) {
            ([], []) => Ok(None),
            (["chunked"], []) => Ok(Some(Framing::Chunked)),
            ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map(|length| Some(Framing::Length(length))).map_err(|_| format!("{length:?}"))
            }
            (codings, lengths) => Err(format!("framed by {codings:?} and {lengths:?}")),
        }
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

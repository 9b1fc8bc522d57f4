use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::{Frame, Kind, flag};
use super::hpack::{self, Fields};
use crate::eventually::GENEROUS;
use crate::origin::Echo;

/// `SETTINGS_HEADER_TABLE_SIZE`: without a table each head can be read by itself.
const NO_TABLE: (u16, u32) = (0x1, 0);

/// A client that sends exactly the frames that it is given.
pub struct Http2Client {
    stream: Box<dyn Io>,
}

/// What it speaks over.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// How a stream, or its connection, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Whole,
    /// RST_STREAM, with its code.
    Reset(u32),
    /// GOAWAY, with its code; not the one that only says goodbye.
    GoAway(u32),
    /// The connection was closed without a word.
    Closed,
}

/// What came on one stream.
#[derive(Debug)]
pub struct Answer {
    pub status: Option<u16>,
    pub fields: Fields,
    pub body: Vec<u8>,
    pub trailers: Option<Fields>,
    pub outcome: Outcome,
}

impl Http2Client {
    /// Says the preface and settings.
    ///
    /// # Panics
    /// If the connection is refused.
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, &[]).await
    }

    /// With further settings.
    ///
    /// # Panics
    /// If the connection is refused.
    pub async fn connect_with(addr: SocketAddr, settings: &[(u16, u32)]) -> Self {
        Self::begin(Self::connect_silently(addr).await, settings).await
    }

    /// Over a stream on which HTTP/2 was agreed to.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self::begin(Self { stream: Box::new(stream) }, &[]).await
    }

    async fn begin(mut client: Self, settings: &[(u16, u32)]) -> Self {
        let settings = [&[NO_TABLE], settings].concat();
        client.send_bytes(Frame::PREFACE).await.expect("the server reads the preface");
        client.send(&[Frame::settings(&settings)]).await.expect("the server reads settings");
        client
    }

    /// Says nothing yet.
    ///
    /// # Panics
    /// If the connection is refused.
    pub async fn connect_silently(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("the server accepts a connection");
        stream.set_nodelay(true).expect("a TCP socket has the option");
        Self { stream: Box::new(stream) }
    }

    /// In one write.
    ///
    /// # Errors
    /// If the other side closed the connection, or does not read.
    pub async fn send(&mut self, frames: &[Frame]) -> io::Result<()> {
        self.send_bytes(&frames.iter().flat_map(Frame::to_bytes).collect::<Vec<_>>()).await
    }

    /// # Errors
    /// If the other side closed the connection, or does not read.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(GENEROUS, self.stream.write_all(bytes)).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// The next frame; `None` at the connection's end.
    ///
    /// # Panics
    /// If nothing comes.
    pub async fn frame(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let [high, middle, low, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
        };
        timeout(GENEROUS, read).await.unwrap_or_else(|_| panic!("no frame within {GENEROUS:?}"))
    }

    /// The next frame of this type.
    ///
    /// # Panics
    /// If the connection ends before.
    pub async fn frame_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame =
                self.frame().await.unwrap_or_else(|| panic!("the end, before a frame of type {kind}"));
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// What comes on one stream up to its end. Acknowledges settings on the way, and reads over other streams.
    ///
    /// # Panics
    /// If nothing comes, or what is no answer.
    pub async fn answer(&mut self, stream: u32) -> Answer {
        let mut answer = Answer {
            status: None,
            fields: Fields::new(),
            body: Vec::new(),
            trailers: None,
            outcome: Outcome::Whole,
        };
        loop {
            let Some(frame) = self.frame().await else {
                answer.outcome = Outcome::Closed;
                return answer;
            };
            match frame.kind {
                Kind::SETTINGS if frame.flags & flag::ACK == 0 => {
                    // A connection that was given up takes no more.
                    let _ = self.send(&[Frame::new(Kind::SETTINGS, flag::ACK, 0, [])]).await;
                }
                Kind::GOAWAY if frame.number(4) != 0 => {
                    answer.outcome = Outcome::GoAway(frame.number(4));
                    return answer;
                }
                Kind::RST_STREAM if frame.stream == stream => {
                    answer.outcome = Outcome::Reset(frame.number(0));
                    return answer;
                }
                Kind::HEADERS if frame.stream == stream => answer.add_head(&frame.payload),
                Kind::DATA if frame.stream == stream => answer.body.extend(&frame.payload),
                _ => continue,
            }
            let may_end = matches!(frame.kind, Kind::HEADERS | Kind::DATA) && frame.stream == stream;
            if may_end && frame.flags & flag::END_STREAM != 0 {
                return answer;
            }
        }
    }

    /// One request without a body, and its answer.
    ///
    /// # Panics
    /// If nothing comes.
    pub async fn ask(&mut self, stream: u32, fields: &Fields) -> Answer {
        // What ends the connection at once says more than that it cannot be written to.
        let _ = self.send(&[Frame::request(stream, fields)]).await;
        self.answer(stream).await
    }

    /// Reads until the connection ends. The code of the GOAWAY that said why.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn until_closed(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.frame().await {
            if frame.kind == Kind::GOAWAY {
                code = Some(frame.number(4));
            }
        }
        code
    }
}

impl fmt::Debug for Http2Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2Client").finish_non_exhaustive()
    }
}

impl Answer {
    fn add_head(&mut self, block: &[u8]) {
        let mut fields = hpack::decode(block);
        if self.status.is_some() {
            self.trailers = Some(fields);
            return;
        }
        let status = fields.iter().position(|(name, _)| name == ":status").expect("a response has a status");
        self.status = Some(fields.remove(status).1.parse().expect("a status is a number"));
        self.fields = fields;
    }

    /// The first value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// What the origin saw.
    ///
    /// # Panics
    /// If it is not an origin's echo.
    #[must_use]
    pub fn echo(&self) -> Echo {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not an echo ({error}): {self:?}"))
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

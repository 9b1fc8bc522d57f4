use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::eventually::GENEROUS;

/// A client that sends exactly the bytes that it is given.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    /// # Panics
    /// If the connection is refused.
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("the server accepts a connection");
        stream.set_nodelay(true).expect("a TCP socket has the option");
        Self { stream }
    }

    /// # Errors
    /// If the other side closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Reads up to and with `mark`, and returns all of it as text.
    ///
    /// # Panics
    /// If the connection ends or stands still before.
    pub async fn read_until(&mut self, mark: &str) -> String {
        let mut read = Vec::new();
        let work = async {
            while !read.windows(mark.len()).any(|window| window == mark.as_bytes()) {
                match self.stream.read_u8().await {
                    Ok(byte) => read.push(byte),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let outcome = timeout(GENEROUS, work).await;
        let text = String::from_utf8_lossy(&read).into_owned();
        match outcome {
            Ok(Ok(())) => text,
            Ok(Err(error)) => panic!("no {mark:?} before the end ({error}); read so far: {text:?}"),
            Err(_) => panic!("no {mark:?} within {GENEROUS:?}; read so far: {text:?}"),
        }
    }

    /// Reads for so long, and says how many bytes came.
    ///
    /// # Panics
    /// If the connection ends before.
    pub async fn read_for(&mut self, time: Duration) -> usize {
        let mut count = 0;
        let mut buffer = vec![0; 16 * 1024];
        let read = async {
            loop {
                count += match self.stream.read(&mut buffer).await {
                    Ok(read @ 1..) => read,
                    ended => panic!("the connection ended: {ended:?}"),
                };
            }
        };
        let _elapsed: Result<(), _> = timeout(time, read).await;
        count
    }

    /// Reads until the other side closes; a reset counts as a close.
    ///
    /// # Panics
    /// If it does not close.
    pub async fn read_to_end(&mut self) -> String {
        let mut read = Vec::new();
        match timeout(GENEROUS, self.stream.read_to_end(&mut read)).await {
            Ok(Ok(_) | Err(_)) => String::from_utf8_lossy(&read).into_owned(),
            Err(_) => {
                panic!("not closed within {GENEROUS:?}; read so far: {:?}", String::from_utf8_lossy(&read))
            }
        }
    }

    /// Sends no more; the other way stays open.
    ///
    /// # Panics
    /// If the connection is closed already.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.expect("the connection is open");
    }

    /// Ends the connection with a reset.
    ///
    /// # Panics
    /// If the system has no such thing.
    pub fn reset(self) {
        self.stream.set_zero_linger().expect("a TCP socket has the option");
    }

    /// Sends one request, and reads the whole answer of a connection that then closes.
    ///
    /// # Panics
    /// If the connection is refused or not closed.
    pub async fn exchange(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
        let mut client = Self::connect(addr).await;
        // What was refused early is answered although not all of it was taken.
        let _ = client.send(bytes).await;
        client.read_to_end().await
    }
}

/// What comes up to and with the empty line of a head; `None` if the connection ends before.
pub async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

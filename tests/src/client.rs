use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::body::{TestBody, empty};
use crate::origin::Echo;

/// One kept-alive connection of a client.
#[derive(Debug)]
pub struct Client {
    sender: http1::SendRequest<TestBody>,
    /// Drives the connection; it ends with the client.
    _driver: JoinSet<()>,
}

/// A response that arrived whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
}

/// A GET on a connection of its own.
///
/// # Panics
/// If no whole response arrives.
pub async fn get(addr: SocketAddr, path: &str) -> Reply {
    send(addr, request(Method::GET, path, empty())).await
}

/// A request on a connection of its own.
///
/// # Panics
/// If no whole response arrives.
pub async fn send(addr: SocketAddr, request: Request<TestBody>) -> Reply {
    let target = format!("{} {}", request.method(), request.uri());
    let mut client = Client::connect(addr).await.expect("the proxy accepts a connection");
    client.send(request).await.unwrap_or_else(|error| panic!("{target}: no whole response: {error}"))
}

/// A request for `proxy.test`, which a test can change before it is sent.
///
/// # Panics
/// If the target is not one.
pub fn request(method: Method, target: &str, body: TestBody) -> Request<TestBody> {
    let builder = Request::builder().method(method).uri(target).header(HOST, "proxy.test");
    builder.body(body).expect("the test's request is well-formed")
}

impl Client {
    /// # Errors
    /// If the connection is refused.
    pub async fn connect(addr: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Self::over(stream).await
    }

    /// Speaks HTTP over what is connected already.
    ///
    /// # Errors
    /// Never: the other side has nothing to say before.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> std::io::Result<Self> {
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // The sender sees the same error.
            let _ = connection.with_upgrades().await;
        });
        Ok(Self { sender, _driver: driver })
    }

    /// Sends, and reads the response to its end.
    ///
    /// # Errors
    /// If no whole response arrives.
    pub async fn send(&mut self, request: Request<TestBody>) -> Result<Reply, hyper::Error> {
        let response = self.start(request).await?;
        Reply::collect(response).await
    }

    /// Sends, and leaves the response's body to the caller.
    ///
    /// # Errors
    /// If no head of a response arrives.
    pub async fn start(&mut self, request: Request<TestBody>) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    /// As [`start`](Self::start), and gives back a request of which nothing was written.
    ///
    /// # Errors
    /// If no head of a response arrives.
    pub async fn try_start(&mut self, request: Request<TestBody>) -> Result<Response<Incoming>, NotAnswered> {
        match self.sender.ready().await {
            Ok(()) => {}
            Err(_) => return Err(NotAnswered::Unsent(Box::new(request))),
        }
        self.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(request) => NotAnswered::Unsent(Box::new(request)),
            None => NotAnswered::Lost(error.into_error()),
        })
    }

    /// A GET on this connection.
    ///
    /// # Panics
    /// If no whole response arrives.
    pub async fn get(&mut self, path: &str) -> Reply {
        let reply = self.send(request(Method::GET, path, empty())).await;
        reply.unwrap_or_else(|error| panic!("GET {path}: no whole response: {error}"))
    }

    /// Whether the other side closed the connection.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

/// Why there is no response.
#[derive(Debug)]
pub enum NotAnswered {
    /// The connection was closed before anything of it was written: any client sends it again.
    Unsent(Box<Request<TestBody>>),
    Lost(hyper::Error),
}

impl Reply {
    /// Reads a response to its end.
    ///
    /// # Errors
    /// If the body is cut off.
    pub async fn collect(response: Response<Incoming>) -> Result<Self, hyper::Error> {
        let (head, body) = response.into_parts();
        let collected = body.collect().await?;
        let trailers = collected.trailers().cloned();
        Ok(Self { status: head.status, headers: head.headers, body: collected.to_bytes(), trailers })
    }

    /// What the origin saw.
    ///
    /// # Panics
    /// If it is not an origin's echo.
    #[must_use]
    pub fn echo(&self) -> Echo {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not an echo ({error}): {} {}", self.status, self.text()))
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All values of a header, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(text).collect()
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(text)
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

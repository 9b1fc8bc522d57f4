use std::pin::pin;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Connection, Listener, PREFACE_BYTES, PREFACE_TIMEOUT};

/// Both ends of a connection.
async fn pair() -> (TcpStream, Connection) {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let connection = pin!(listener.incoming()).next().await.unwrap().unwrap();
    (client, connection)
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_ends_and_so_does_one_that_never_says_enough() {
    for said in [0, 1, PREFACE_BYTES - 1] {
        let (mut client, mut connection) = pair().await;
        let begin = Instant::now();
        client.write_all(&vec![b'x'; said]).await.unwrap();
        let mut read = Vec::new();
        let error = connection.read_to_end(&mut read).await.unwrap_err();
        assert_eq!((error.kind(), read.len()), (std::io::ErrorKind::TimedOut, said));
        assert!(begin.elapsed() <= PREFACE_TIMEOUT + PREFACE_TIMEOUT / 10, "{:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_begun_may_be_silent() {
    let (mut client, mut connection) = pair().await;
    client.write_all(&[b'x'; PREFACE_BYTES]).await.unwrap();
    connection.read_exact(&mut [0; PREFACE_BYTES]).await.unwrap();
    let waited = tokio::time::timeout(PREFACE_TIMEOUT * 10, connection.read_u8()).await;
    assert!(waited.is_err(), "{waited:?}");
}

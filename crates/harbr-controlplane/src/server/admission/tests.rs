use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{BEGIN_TIMEOUT, Connection, Listener, Security};
use crate::server::connection::PREFACE;
use crate::testing::PATIENCE;

async fn listener() -> (std::net::SocketAddr, Pin<Box<dyn Stream<Item = std::io::Result<Connection>>>>) {
    let addr = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(addr, Security::None, Arc::default()).unwrap();
    (listener.local_addr().unwrap(), Box::pin(listener.incoming()))
}

/// That the server closes the connection, and hands out none.
async fn is_closed(
    client: &mut TcpStream,
    incoming: impl Stream<Item = std::io::Result<Connection>> + Unpin,
) {
    let (mut incoming, mut byte) = (incoming, [0; 1]);
    tokio::select! {
        // Closed with bytes unread, it is reset.
        read = client.read(&mut byte) => assert!(!matches!(read, Ok(1..))),
        connection = incoming.next() => panic!("handed out: {connection:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_ends_and_so_does_one_that_never_says_enough() {
    for said in [0, 1, PREFACE.len() - 1] {
        let (addr, incoming) = listener().await;
        let mut client = TcpStream::connect(addr).await.unwrap();
        let begin = Instant::now();
        client.write_all(&PREFACE[..said]).await.unwrap();
        is_closed(&mut client, incoming).await;
        assert!(begin.elapsed() <= BEGIN_TIMEOUT + BEGIN_TIMEOUT / 10, "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn garbage_ends_at_its_first_byte() {
    for garbage in [&b"G"[..], b"PRI * HTTP/1.1\r\n\r\n", &[0x16, 0x03, 0x01], &[0; 64]] {
        let (addr, incoming) = listener().await;
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(garbage).await.unwrap();
        timeout(PATIENCE, is_closed(&mut client, incoming)).await.unwrap();
    }
}

#[tokio::test]
async fn what_has_begun_is_read_from_its_first_byte() {
    let (addr, mut incoming) = listener().await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    let sent = [PREFACE, b"more"].concat();
    for byte in &sent[..10] {
        client.write_all(&[*byte]).await.unwrap();
    }
    client.write_all(&sent[10..]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut connection = timeout(PATIENCE, incoming.next()).await.unwrap().unwrap().unwrap();
    let mut read = Vec::new();
    connection.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, sent);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_begun_may_be_silent() {
    let (addr, mut incoming) = listener().await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(PREFACE).await.unwrap();
    let mut connection = incoming.next().await.unwrap().unwrap();
    connection.read_exact(&mut [0; PREFACE.len()]).await.unwrap();
    let waited = timeout(BEGIN_TIMEOUT * 10, connection.read_u8()).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn who_has_not_begun_makes_room_the_oldest_first() {
    let addr = "127.0.0.1:0".parse().unwrap();
    let mut listener = Listener::bind(addr, Security::None, Arc::default()).unwrap();
    listener.permits = Arc::new(tokio::sync::Semaphore::new(2));
    let addr = listener.local_addr().unwrap();
    let mut incoming = pin!(listener.incoming());
    let mut silent = [TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap()];
    let mut third = TcpStream::connect(addr).await.unwrap();
    third.write_all(PREFACE).await.unwrap();
    let _begun = timeout(PATIENCE, incoming.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(silent[0].read(&mut [0; 1]).await.unwrap(), 0, "the oldest is closed");
    silent[1].write_all(PREFACE).await.unwrap();
    timeout(PATIENCE, incoming.next()).await.unwrap().unwrap().unwrap();
}

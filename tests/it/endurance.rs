//! What a thousand revisions leave behind: nothing. They are pushed by a scripted controller, as fast as the node takes them.

use harbr_proto::v1::node_message::Kind as FromNode;
use harbr_tests::{Node, Origin, RawClient, ScriptedController, get};

use crate::file::{File, to};
use crate::tunnels::{UPGRADE, answer_with_shouting};

const SOCKETS: usize = 200;
/// Before memory is looked at.
const WARM_UP: u64 = 200;
const REVISIONS: u64 = 1_000;

#[tokio::test]
async fn two_hundred_websockets_outlive_a_thousand_revisions_of_other_routes_in_the_same_memory() {
    let origin = Origin::start("a").await;
    answer_with_shouting(&origin);
    let file = |number: u64| {
        let other = format!("{}, timeout_ms: {}", to(&origin), 1_000 + number);
        File::new().route("/chat", &to(&origin)).route("/other", &other).text()
    };
    let controller = ScriptedController::start().await;
    let url = controller.url();
    let args = ["--controller", &url, "--listen", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"];
    let args = args.into_iter().chain(["--log-format", "json"]).map(str::to_owned);
    let mut node = Node::start(args.collect(), Vec::new()).await;
    let mut session = controller.session().await;
    assert!(matches!(session.offer(&file(1), 1).await, FromNode::Ack(_)));
    node.ready().await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut socket = RawClient::connect(node.addr()).await;
        socket.send(UPGRADE).await.unwrap();
        let head = socket.read_until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        sockets.push(socket);
    }
    for number in 2..=WARM_UP {
        assert!(matches!(session.offer(&file(number), number).await, FromNode::Ack(_)));
    }
    let before = node.process.resident_bytes();
    for number in WARM_UP + 1..=WARM_UP + REVISIONS {
        assert!(matches!(session.offer(&file(number), number).await, FromNode::Ack(_)));
    }
    let after = node.process.resident_bytes();
    assert!(after * 100 < before * 105, "memory grew from {before} to {after} bytes");
    assert_eq!(node.info().await.serving_revision, WARM_UP + REVISIONS);
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.send(&format!("still {number:03} here")).await.unwrap();
        assert_eq!(socket.read_until("HERE").await, format!("STILL {number:03} HERE"));
    }
    // The others are served as the newest says.
    assert_eq!(get(node.addr(), "/none").await.status, 404);
}

//! The gRPC server for nodes and operators, over TCP, TLS and pipes inside the process.

mod admission;
mod connection;
mod guard;
mod refusals;

use std::io;
use std::time::Duration;

use harbr_proto::v1::admin_service_server::AdminServiceServer;
use harbr_proto::v1::join_service_server::JoinServiceServer;
use harbr_proto::v1::node_service_server::NodeServiceServer;
use tokio::time::sleep;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

pub(crate) use self::admission::{Listener, Security};
pub(crate) use self::connection::Connection;
use self::guard::Guard;
pub(crate) use self::refusals::{Refusal, Refusals};
use crate::admin::Admin;
use crate::session::Sessions;

/// A peer that does not answer pings is gone, also where no packet says so.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// What a node says is small.
const MAX_FROM_NODE: usize = 256 * 1024;
/// One resource, or a batch of them.
const MAX_TO_NODE: usize = 16 * 1024 * 1024;
/// All routes of a large configuration in one answer.
const MAX_TO_OPERATOR: usize = 256 * 1024 * 1024;
/// Streams in one connection: a node needs one, `harbrctl` a few.
const MAX_STREAMS: u32 = 32;
/// How long connections may take to end once all sessions have: one that never said a word does not end itself.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// Serves what comes in until `stop`, then until the last stream has ended.
pub(crate) async fn serve(
    incoming: impl Stream<Item = io::Result<Connection>>,
    sessions: Sessions,
    admin: Admin,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let guard = Guard::new(sessions.refusals.clone());
    let nodes = NodeServiceServer::new(sessions.clone())
        .max_decoding_message_size(MAX_FROM_NODE)
        .max_encoding_message_size(MAX_TO_NODE);
    let join = JoinServiceServer::new(admin.join.clone()).max_decoding_message_size(MAX_FROM_NODE);
    let operators = AdminServiceServer::new(admin)
        .max_decoding_message_size(MAX_FROM_NODE)
        .max_encoding_message_size(MAX_TO_OPERATOR);
    let serve = Server::builder()
        .http2_keepalive_interval(Some(PING_INTERVAL))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS)
        .layer(guard)
        .add_service(nodes)
        .add_service(join)
        .add_service(operators)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
    tokio::select! {
        served = serve => served,
        () = async {
            sessions.ended().await;
            sleep(CLOSE_GRACE).await;
        } => Ok(()),
    }
}

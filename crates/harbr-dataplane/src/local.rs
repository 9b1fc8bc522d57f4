//! The node's own socket: what an operator on the machine can do while no controller answers.

use std::future::pending;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures_util::Stream;

use harbr_proto::v1;
use harbr_proto::v1::local_service_server::{LocalService, LocalServiceServer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::node::Node;

/// In the state folder, unless a flag says where.
pub(crate) const SOCKET: &str = "node.sock";
/// Commands on their way to the node; an operator is slower than that.
const MAX_COMMANDS: usize = 8;
const MAX_REASON_CHARS: usize = 512;
/// A wait after an accept that failed, as it does while descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the operator wants, with the way back for the answer.
#[derive(Debug)]
pub(crate) struct Command {
    pub wanted: Wanted,
    pub answer: oneshot::Sender<Result<v1::LocalStatus, String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Status,
    Pin { revision: u64, reason: String },
    Unpin,
}

/// A bound socket, which is removed with this.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}: {reason}", path.display())]
pub(crate) struct SocketError {
    path: PathBuf,
    reason: io::Error,
}

/// What comes in over the socket, on its way to the node.
#[derive(Debug)]
pub(crate) struct Console {
    node_id: String,
    commands: mpsc::Receiver<Command>,
}

/// Whether the node is in session with a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    There,
    Gone,
}

#[derive(Debug)]
struct Service(mpsc::Sender<Command>);

impl Console {
    /// The next command; never, where there is no socket.
    pub(crate) async fn next(&mut self) -> Command {
        match self.commands.recv().await {
            Some(command) => command,
            None => pending().await,
        }
    }

    pub(crate) async fn serve(&self, node: &mut Node, command: Command, controller: Controller) {
        let Command { wanted, answer } = command;
        let status = node.execute(wanted).await.map(|()| v1::LocalStatus {
            node_id: self.node_id.clone(),
            connected: controller == Controller::There,
            ..node.local_status()
        });
        // The operator may have lost patience.
        let _gone = answer.send(status);
    }

    /// Serves commands while something else is waited for.
    pub(crate) async fn attend<T>(&mut self, node: &mut Node, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                command = self.next() => self.serve(node, command, Controller::Gone).await,
            }
        }
    }
}

impl LocalSocket {
    /// What a process that is gone left there is replaced; a socket that somebody serves is not.
    ///
    /// # Errors
    /// If somebody serves it, or the system refuses: a path has at most about 100 bytes.
    pub(crate) fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |reason| SocketError { path: path.to_owned(), reason };
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(io::ErrorKind::AddrInUse.into()));
        }
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path).map_err(failed)?,
            // Whatever it is, it is not ours to remove.
            Ok(_) => return Err(failed(io::ErrorKind::AlreadyExists.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = bind_for_owner(path).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    async fn run(self, commands: mpsc::Sender<Command>, stop: CancellationToken) {
        let Self { listener, path } = self;
        let served = Server::builder().add_service(LocalServiceServer::new(Service(commands)));
        if let Err(error) = served.serve_with_incoming_shutdown(incoming(listener), stop.cancelled()).await {
            tracing::error!(%error, "the node's own socket is served no more");
        }
        // It may be gone with its folder.
        let _gone = std::fs::remove_file(path);
    }
}

/// Where commands come in, and the task that brings them until `stop`.
pub(crate) fn console(
    node_id: String,
    socket: Option<LocalSocket>,
    stop: CancellationToken,
) -> (Console, impl Future<Output = ()>) {
    let (sender, commands) = mpsc::channel(MAX_COMMANDS);
    let bring = async move {
        if let Some(socket) = socket {
            socket.run(sender, stop).await;
        }
    };
    (Console { node_id, commands }, bring)
}

fn incoming(listener: UnixListener) -> impl Stream<Item = io::Result<UnixStream>> {
    futures_util::stream::unfold(listener, |listener| async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((Ok(stream), listener)),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection on the node's own socket");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
}

/// Nobody else can open it at any time: on Linux the file has the rights that the socket had before it was bound.
fn bind_for_owner(path: &Path) -> io::Result<UnixListener> {
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    socket.listen(16)?;
    UnixListener::from_std(std::os::unix::net::UnixListener::from(socket))
}

impl Service {
    async fn ask(&self, wanted: Wanted) -> Result<Response<v1::LocalStatus>, Status> {
        let (answer, answered) = oneshot::channel();
        let ended = || Status::unavailable("the node ends");
        self.0.send(Command { wanted, answer }).await.map_err(|_| ended())?;
        let status = answered.await.map_err(|_| ended())?;
        status.map(Response::new).map_err(Status::failed_precondition)
    }
}

#[tonic::async_trait]
impl LocalService for Service {
    async fn get_local_status(
        &self,
        _request: Request<v1::GetLocalStatusRequest>,
    ) -> Result<Response<v1::LocalStatus>, Status> {
        self.ask(Wanted::Status).await
    }

    async fn pin(&self, request: Request<v1::PinRequest>) -> Result<Response<v1::LocalStatus>, Status> {
        let v1::PinRequest { revision, reason } = request.into_inner();
        let reason = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect();
        self.ask(Wanted::Pin { revision, reason }).await
    }

    async fn unpin(&self, _request: Request<v1::UnpinRequest>) -> Result<Response<v1::LocalStatus>, Status> {
        self.ask(Wanted::Unpin).await
    }
}

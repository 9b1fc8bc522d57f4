use std::net::SocketAddr;
use std::sync::Arc;

use crate::eventually::eventually;
use crate::process::{Process, Signal};
use crate::program::Program;

/// The process that watches the file.
#[derive(Debug)]
pub struct Controller {
    pub process: Arc<Process>,
    program: Program,
    args: Vec<String>,
    env: Vec<(String, String)>,
    grpc: SocketAddr,
    http: SocketAddr,
}

impl Controller {
    /// Starts one, and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub async fn start(program: Program, args: Vec<String>, env: Vec<(String, String)>) -> Self {
        let process = Arc::new(Process::start(program, &args, &env));
        Self::of(process, program, args, env).await
    }

    pub(super) async fn of(
        process: Arc<Process>,
        program: Program,
        args: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Self {
        let grpc = logged_addr(&process, "grpc_addr").await;
        let http = logged_addr(&process, "http_addr").await;
        Self { process, program, args, env, grpc, http }
    }

    /// For `--controller`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.args.iter().any(|arg| arg == "--tls-cert") { "https" } else { "http" };
        format!("{scheme}://{}", self.grpc)
    }

    /// Where nodes and operators connect.
    #[must_use]
    pub fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Its HTTP server: `/livez`, `/readyz`, `/metrics`, `/info`.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Ends it without a word: `kill -9`.
    ///
    /// # Panics
    /// If it is gone already.
    pub async fn kill(&self) {
        self.process.signal(Signal::Kill);
        self.process.ended().await;
    }

    /// Starts it again after its end, with the gRPC address that nodes know.
    ///
    /// # Panics
    /// If it does not listen.
    pub async fn restart(&mut self) {
        let mut args = self.args.clone();
        let at = args.iter().position(|arg| arg == "--grpc-addr").expect("a controller is told its address");
        args[at + 1] = self.grpc.to_string();
        *self = Self::start(self.program, args, self.env.clone()).await;
    }
}

pub(super) async fn logged_addr(process: &Process, field: &str) -> SocketAddr {
    eventually(&format!("`{field}` is in the log"), async || {
        let logged = process.logged(field);
        if logged.is_none() {
            process.must_run();
        }
        logged.map(|addr| addr.parse().expect("a bound address is ip:port"))
    })
    .await
}

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Deserialize;

use super::controller::logged_addr;
use crate::client::get;
use crate::eventually::eventually;
use crate::exposition::Exposition;
use crate::process::{Process, Signal};
use crate::program::Program;

/// A process that serves traffic.
#[derive(Debug)]
pub struct Node {
    pub process: Arc<Process>,
    program: Program,
    args: Vec<String>,
    env: Vec<(String, String)>,
    admin: SocketAddr,
    /// Of the first listener, once the node serves.
    addr: Option<SocketAddr>,
}

/// `GET /info` of a node.
#[derive(Debug, Deserialize)]
pub struct NodeInfo {
    pub component: String,
    pub version: String,
    pub node_id: String,
    pub listeners: Vec<ListenerInfo>,
    pub serving_revision: u64,
    pub serving_hash: String,
    pub workers: usize,
}

#[derive(Debug, Deserialize)]
pub struct ListenerInfo {
    pub name: String,
    pub addr: SocketAddr,
}

impl Node {
    /// Starts one, and waits until its admin server listens; it may not serve yet.
    ///
    /// # Panics
    /// If it does not listen.
    pub async fn start(args: Vec<String>, env: Vec<(String, String)>) -> Self {
        Self::start_program(Program::Dataplane, args, env).await
    }

    /// As [`start`](Self::start), another build of it.
    ///
    /// # Panics
    /// If it does not listen.
    pub async fn start_program(program: Program, args: Vec<String>, env: Vec<(String, String)>) -> Self {
        let process = Arc::new(Process::start(program, &args, &env));
        Self::of(process, program, args, env).await
    }

    pub(super) async fn of(
        process: Arc<Process>,
        program: Program,
        args: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Self {
        let admin = logged_addr(&process, "admin_addr").await;
        Self { process, program, args, env, admin, addr: None }
    }

    /// Waits until it is ready, and learns where it listens.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn ready(&mut self) {
        eventually("the node is ready", async || {
            self.process.must_run();
            (get(self.admin, "/readyz").await.status == 200).then_some(())
        })
        .await;
        self.addr = self.info().await.listeners.first().map(|listener| listener.addr);
    }

    /// Where it takes traffic.
    ///
    /// # Panics
    /// If it never was ready.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr.expect("a node that was waited for has a listener")
    }

    /// Its admin server.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// # Panics
    /// If the admin server does not answer.
    pub async fn info(&self) -> NodeInfo {
        let reply = get(self.admin, "/info").await;
        serde_json::from_slice(&reply.body)
            .unwrap_or_else(|error| panic!("/info: {error}: {} {}", reply.status, reply.text()))
    }

    /// # Panics
    /// If the admin server does not answer.
    pub async fn metrics(&self) -> Exposition {
        Exposition::scrape(self.admin).await
    }

    /// Ends it without a word: `kill -9`.
    ///
    /// # Panics
    /// If it is gone already.
    pub async fn kill(&self) {
        self.process.signal(Signal::Kill);
        self.process.ended().await;
    }

    /// Starts it again after its end, and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    pub async fn restart(&mut self) {
        let process = Arc::new(Process::start(self.program, &self.args, &self.env));
        *self = Self::of(process, self.program, self.args.clone(), self.env.clone()).await;
        self.ready().await;
    }
}

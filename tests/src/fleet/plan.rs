use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::{Controller, Fleet, Node};
use crate::config_file::ConfigFile;
use crate::pki::Pki;
use crate::process::Process;
use crate::program::Program;

/// How the planes are spread over processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A controller, and each node a process of its own.
    Split,
    /// One process.
    AllInOne,
}

/// What a fleet is to be.
#[derive(Debug)]
pub struct Plan {
    shape: Shape,
    nodes: usize,
    env: Vec<(String, String)>,
    args: Vec<String>,
    drain_timeout: String,
    listen: Listen,
    state: Option<TempDir>,
    pki: Option<Pki>,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listen {
    /// Each node on a port of its own, whatever the file says.
    FreePort,
    AsTheFileSays,
}

impl Plan {
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            nodes: 1,
            env: Vec::new(),
            args: Vec::new(),
            drain_timeout: "10s".to_owned(),
            listen: Listen::FreePort,
            state: None,
            pki: None,
            file: None,
        }
    }

    /// How many nodes; of the shape with one process there is always one.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// An environment variable of all processes.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A further argument of each process that serves traffic.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// For all processes.
    #[must_use]
    pub fn drain_timeout(mut self, duration: &str) -> Self {
        duration.clone_into(&mut self.drain_timeout);
        self
    }

    /// Each process has a state folder, which it finds again when it is restarted.
    ///
    /// # Panics
    /// If there is no room for one.
    #[must_use]
    pub fn with_state(mut self) -> Self {
        self.state = Some(tempfile::tempdir().expect("a temporary folder"));
        self
    }

    /// Every process has a certificate and has to prove who it is.
    ///
    /// # Panics
    /// If `harbrctl pki` fails.
    pub async fn with_tls(mut self) -> Self {
        self.pki = Some(Pki::new().await);
        self
    }

    /// The state folder of `controller`, `node-1`, …, or of `router` where all is one process.
    ///
    /// # Panics
    /// If the plan is one without state.
    #[must_use]
    pub fn state_folder(&self, name: &str) -> PathBuf {
        self.state.as_ref().expect("the plan keeps state").path().join(name)
    }

    /// Nodes listen where the file says. Without this each has a free port.
    #[must_use]
    pub fn listening_as_the_file_says(mut self) -> Self {
        self.listen = Listen::AsTheFileSays;
        self
    }

    /// The controller watches this path instead of a file of the fleet's own.
    #[must_use]
    pub fn watching(mut self, file: PathBuf) -> Self {
        self.file = Some(file);
        self
    }

    /// Starts all processes, and waits until each node serves.
    ///
    /// # Panics
    /// If one does not.
    pub async fn start(self, text: &str) -> Fleet {
        let file = ConfigFile::new(text);
        let path = self.file.clone().unwrap_or_else(|| file.path());
        let mut fleet = match self.shape {
            Shape::Split => self.start_split(file, &path).await,
            Shape::AllInOne => self.start_all_in_one(file, &path).await,
        };
        for node in &mut fleet.nodes {
            node.ready().await;
        }
        fleet
    }

    async fn start_split(self, file: ConfigFile, path: &Path) -> Fleet {
        let mut args =
            arguments(&["-c", text(path), "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        args.extend(self.state_args("controller"));
        args.extend(self.tls_args("controller", "controller").await);
        let controller = Controller::start(Program::Controlplane, args, self.env.clone()).await;
        let mut nodes = Vec::new();
        for number in 1..=self.nodes {
            let id = format!("node-{number}");
            let mut args = arguments(&["--controller", &controller.url(), "--node-id", &id]);
            args.extend(self.node_args(&id));
            args.extend(self.tls_args("node", &id).await);
            nodes.push(Node::start(args, self.env.clone()).await);
        }
        let operator = self.tls_args("operator", "operator").await;
        Fleet { file, controller, nodes, pki: self.pki, operator, _state: self.state }
    }

    async fn start_all_in_one(self, file: ConfigFile, path: &Path) -> Fleet {
        let mut args =
            arguments(&["-c", text(path), "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        args.extend(self.node_args("router"));
        args.extend(self.tls_args("controller", "controller").await);
        let process = Arc::new(Process::start(Program::Router, &args, &self.env));
        let controller =
            Controller::of(Arc::clone(&process), Program::Router, args.clone(), self.env.clone()).await;
        let node = Node::of(process, Program::Router, args, self.env.clone()).await;
        let operator = self.tls_args("operator", "operator").await;
        Fleet { file, controller, nodes: vec![node], pki: self.pki, operator, _state: self.state }
    }

    async fn tls_args(&self, role: &str, name: &str) -> Vec<String> {
        match &self.pki {
            Some(pki) => pki.issue(role, name).await.args().to_vec(),
            None => Vec::new(),
        }
    }

    fn node_args(&self, name: &str) -> Vec<String> {
        let mut args = arguments(&["--admin-addr", "127.0.0.1:0"]);
        if self.listen == Listen::FreePort {
            args.extend(arguments(&["--listen", "127.0.0.1:0"]));
        }
        args.extend(self.state_args(name));
        args.extend(self.args.iter().cloned());
        args
    }

    fn state_args(&self, name: &str) -> Vec<String> {
        let mut args = arguments(&["--log-format", "json", "--drain-timeout", &self.drain_timeout]);
        if let Some(state) = &self.state {
            args.extend(arguments(&["--state-dir", text(&state.path().join(name))]));
        }
        args
    }
}

fn arguments(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

//! The proxies that are measured: how each is found and started, one worker on the first core, in front of the
//! same origin. Their configurations are the templates in `xtask/bench/`.

mod config;
mod install;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::results;
use super::workload::{KEEP_ALIVE, Transport, Workload};
use crate::dist;
use crate::http;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{self, Programs};

pub(super) use install::Extra;

const START_LIMIT: Duration = Duration::from_secs(60);

/// A kind of proxy, with its program.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    program: PathBuf,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    HarbrRouter { workers: u32 },
    Nginx,
    Haproxy,
    Envoy,
    Traefik,
    Caddy,
    Pingora,
}

/// Ours once more, to see what workers cost each other.
const TWO_WORKERS: How = How::HarbrRouter { workers: 2 };

/// What a proxy is configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Setup {
    pub(super) routes: u32,
    pub(super) access_log: bool,
}

/// A proxy that runs.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) process: Process,
    addrs: Addrs,
}

#[derive(Debug, Clone, Copy)]
struct Addrs {
    http: SocketAddr,
    https: SocketAddr,
    h2c: SocketAddr,
}

/// What every proxy is started with.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) folder: &'a Path,
    pub(super) origin: SocketAddr,
    pub(super) interrupt: &'a Interrupt,
}

impl Setup {
    /// All that is on by default, and what an operator turns on besides.
    pub(super) const FULL: Self = Self { routes: 3, access_log: true };
    pub(super) const BARE: Self = Self { routes: 3, access_log: false };
}

/// The server behind the proxies: ours, so that it is there on every machine.
pub(super) fn start_origin(folder: &Path, interrupt: &Interrupt) -> Result<(Process, SocketAddr)> {
    let mut command = pinned("1", &std::env::current_exe()?);
    command.arg("bench-origin");
    let mut origin = Process::start("origin", folder, &mut command)?;
    let addr = origin.addr("addr", interrupt)?;
    Ok((origin, addr))
}

/// Ours, and of the others those that are installed or asked for; the missing ones are named.
pub(super) fn kinds(programs: &Programs, extras: &[Extra]) -> Result<Vec<Kind>> {
    let ours = |name, program| Kind { name, program, how: How::HarbrRouter { workers: 1 } };
    let mut kinds = vec![ours(results::OURS, programs.path("harbr-router"))];
    let dist = dist::folder()?.join("harbr-router");
    if dist.is_file() {
        kinds.push(ours("harbr-router (dist)", dist));
    } else {
        println!("the dist build is not there (cargo xtask dist) and is left out");
    }
    kinds.push(Kind { name: results::TWO_WORKERS, how: TWO_WORKERS, ..kinds[0].clone() });
    for (name, how) in [("nginx", How::Nginx), ("haproxy", How::Haproxy)] {
        match find(name) {
            Some(program) => kinds.push(Kind { name, program, how }),
            None => println!("{name} is not installed (apt-get install {name}) and is left out"),
        }
    }
    for extra in extras {
        match install::program(*extra) {
            Ok(program) => kinds.push(Kind { name: extra.name(), program, how: extra.how() }),
            Err(error) => println!("{} cannot be had and is left out: {error:#}", extra.name()),
        }
    }
    Ok(kinds)
}

impl Kind {
    /// Whether it can be set up so at all, in reasonable time and memory.
    pub(super) fn takes(&self, setup: Setup) -> bool {
        match self.how {
            How::HarbrRouter { workers: 1 } | How::Nginx | How::Haproxy => true,
            How::HarbrRouter { .. } => setup == Setup::FULL,
            How::Envoy | How::Traefik | How::Caddy => setup.routes <= 10_000,
            How::Pingora => setup.routes == Setup::FULL.routes,
        }
    }

    pub(super) fn speaks(&self, transport: Transport) -> bool {
        match (self.how, transport) {
            (How::Pingora, Transport::Https | Transport::H2 | Transport::H2c) => false,
            (_, Transport::Http | Transport::Https | Transport::H2 | Transport::H2c) => true,
        }
    }

    /// Whether it is measured with it: what two workers cost is told by one workload.
    pub(super) fn is_asked(&self, workload: &Workload) -> bool {
        self.speaks(workload.transport) && (self.how != TWO_WORKERS || workload.id == KEEP_ALIVE.id)
    }

    /// One worker against one, as the others.
    pub(super) fn is_compared(&self) -> bool {
        self.how != TWO_WORKERS
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.how, How::HarbrRouter { workers: 1 })
    }

    /// Whether its instructions can be counted: one process, no runtime that valgrind does not bear.
    pub(super) fn can_be_counted(&self) -> bool {
        matches!(self.how, How::HarbrRouter { workers: 1 } | How::Nginx | How::Haproxy)
    }

    /// The first line of what it says of itself.
    pub(super) fn version(&self) -> String {
        let flag = match self.how {
            How::HarbrRouter { .. } | How::Envoy => "--version",
            How::Nginx | How::Haproxy => "-v",
            How::Traefik | How::Caddy => "version",
            How::Pingora => return "Pingora 0.9".to_owned(),
        };
        let output = Command::new(&self.program).arg(flag).output();
        let said = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        String::from_utf8_lossy(&said).lines().next().unwrap_or(self.name).trim().to_owned()
    }
}

impl Stage<'_> {
    /// Starts a proxy and waits until it answers. `wrapper`: a program that runs it, such as valgrind.
    pub(super) fn start(&self, kind: &Kind, setup: Setup, wrapper: &[String]) -> Result<Peer> {
        let label =
            format!("{}-{}-{}", kind.name.replace([' ', ','], ""), setup.routes, u8::from(setup.access_log));
        let folder = self.folder.join(&label);
        std::fs::create_dir_all(&folder)?;
        let addrs = Addrs { http: free_addr()?, https: free_addr()?, h2c: free_addr()? };
        let config = config::write(&folder, self.folder, (self.origin, addrs), setup)?;
        let mut words: Vec<String> = wrapper.to_vec();
        words.push(kind.program.display().to_string());
        let mut command = pinned(kind.how.cores(), Path::new(&words[0]));
        command.args(&words[1..]);
        kind.how.arguments(&mut command, &config, &folder);
        let process = Process::start(&label, &folder, &mut command)?;
        let peer = Peer { kind: kind.clone(), process, addrs };
        let answers = self.interrupt.until(START_LIMIT, || {
            let status = http::get(addrs.http, "/route-1/1k")?.status;
            ensure!(status == 200, "it answers {status}");
            Ok(())
        });
        answers.with_context(|| format!("{label}: {}", peer.process.last_words()))?;
        Ok(peer)
    }

    /// All that take it.
    pub(super) fn start_all(&self, kinds: &[Kind], setups: &[Setup]) -> Result<HashMap<Setup, Vec<Peer>>> {
        let mut peers = HashMap::new();
        for setup in setups {
            let takers = kinds.iter().filter(|kind| kind.takes(*setup));
            peers.insert(*setup, takers.map(|kind| self.start(kind, *setup, &[])).collect::<Result<_>>()?);
        }
        Ok(peers)
    }
}

impl Peer {
    pub(super) fn addr(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Http => self.addrs.http,
            Transport::Https | Transport::H2 => self.addrs.https,
            Transport::H2c => self.addrs.h2c,
        }
    }
}

impl How {
    /// Two workers that shared a core would not get in each other's way.
    fn cores(self) -> &'static str {
        if self == TWO_WORKERS { "0,1" } else { "0" }
    }

    fn arguments(self, command: &mut Command, config: &Path, folder: &Path) {
        match self {
            Self::HarbrRouter { workers } => {
                let workers = workers.to_string();
                command.env("RUST_MIN_THREADS", &workers).env("RUST_MAX_THREADS", &workers);
                command.arg("-c").arg(config.join("harbr-router.yml"));
                command.args(["--log-format", "json", "--admin-addr", "127.0.0.1:0"]);
                command.args(["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
            }
            Self::Nginx => {
                command.arg("-c").arg(config.join("nginx.conf")).arg("-p").arg(folder).args(["-e", "stderr"]);
            }
            Self::Haproxy => {
                command.args(["-db", "-f"]).arg(config.join("haproxy.cfg"));
            }
            Self::Envoy => {
                command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c"]);
                command.arg(config.join("envoy.yaml"));
            }
            Self::Traefik => {
                command.env("GOMAXPROCS", "1").arg("--configfile").arg(config.join("traefik.yml"));
            }
            Self::Caddy => {
                command.env("GOMAXPROCS", "1").args(["run", "--adapter", "caddyfile", "--config"]);
                command.arg(config.join("Caddyfile"));
            }
            Self::Pingora => {
                command.arg(config.join("pingora.addrs"));
            }
        }
    }
}

/// What the measurement cannot do without.
pub(super) fn require_tools(tools: &[&str]) -> Result<()> {
    for tool in tools {
        let package = match *tool {
            "taskset" => "util-linux",
            "h2load" => "nghttp2-client",
            "callgrind_control" => "valgrind",
            same => same,
        };
        ensure!(find(tool).is_some(), "{tool} not found (apt-get install {package})");
    }
    let cores = std::thread::available_parallelism()?.get();
    ensure!(
        cores >= 2,
        "the measurement needs two cores: one for the proxy, one for the load and the origin"
    );
    Ok(())
}

/// In `PATH`, or where Debian puts daemons.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

pub(super) fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// Free a moment ago: the peers cannot say which port they were given.
fn free_addr() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Where templates are.
pub(super) fn templates() -> PathBuf {
    workspace::root().join("xtask/bench")
}

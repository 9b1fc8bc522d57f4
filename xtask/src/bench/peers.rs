//! The proxies that are measured, each with one worker on the first core, in front of the same origin.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::dist;
use crate::http;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{self, Programs};

const START_LIMIT: Duration = Duration::from_secs(15);
/// Bytes of the body that the origin answers with.
const BODY_BYTES: u32 = 1024;

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) addr: SocketAddr,
    pub(super) process: Process,
}

/// What every proxy is started with.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) folder: &'a Path,
    pub(super) origin: SocketAddr,
    pub(super) interrupt: &'a Interrupt,
}

/// The server behind the proxies: ours, so that it is there on every machine.
pub(super) fn start_origin(folder: &Path, interrupt: &Interrupt) -> Result<(Process, SocketAddr)> {
    let mut command = pinned("1", &std::env::current_exe()?);
    command.args(["sample-upstream", "--name", "origin", "--body-bytes", &BODY_BYTES.to_string()]);
    let mut origin = Process::start("origin", folder, &mut command)?;
    let addr = origin.addr("addr", interrupt)?;
    Ok((origin, addr))
}

impl Bench<'_> {
    /// Ours, and of the others those that are installed; the missing ones are named.
    pub(super) fn start_peers(&self, programs: &Programs) -> Result<Vec<Peer>> {
        let mut peers = vec![self.harbr_router("harbr-router", &programs.path("harbr-router"))?];
        let dist = dist::folder()?.join("harbr-router");
        if dist.is_file() {
            peers.push(self.harbr_router("harbr-router (dist)", &dist)?);
        } else {
            println!("the dist build is not there (cargo xtask dist) and is left out");
        }
        for (name, start) in
            [("nginx", Self::nginx as fn(&Self, &Path) -> Result<Peer>), ("haproxy", Self::haproxy)]
        {
            match find(name) {
                Some(program) => peers.push(start(self, &program)?),
                None => println!("{name} is not installed and is left out"),
            }
        }
        for peer in &peers {
            self.interrupt.until(START_LIMIT, || {
                let status = http::get(peer.addr, "/").with_context(|| peer.name)?.status;
                ensure!(status == 200, "{} answers {status}", peer.name);
                Ok(())
            })?;
        }
        Ok(peers)
    }

    fn harbr_router(&self, name: &'static str, program: &Path) -> Result<Peer> {
        let config = self.write_config("harbr-router.yml", None)?;
        let mut command = pinned("0", program);
        command.env("RUST_MIN_THREADS", "1").env("RUST_MAX_THREADS", "1").arg("-c").arg(config);
        command.args(["--log-format", "json", "--admin-addr", "127.0.0.1:0"]);
        command.args(["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        let mut process = Process::start(name, self.folder, &mut command)?;
        let admin_addr = process.addr("admin_addr", self.interrupt)?;
        let addr = self.interrupt.until(START_LIMIT, || http::listener_addr(admin_addr))?;
        Ok(Peer { name, addr, process })
    }

    fn nginx(&self, program: &Path) -> Result<Peer> {
        let (name, addr) = ("nginx", free_addr()?);
        let config = self.write_config("nginx.conf", Some(addr))?;
        let mut command = pinned("0", program);
        command.arg("-c").arg(config).arg("-p").arg(self.folder).args(["-e", "stderr"]);
        Ok(Peer { name, addr, process: Process::start(name, self.folder, &mut command)? })
    }

    fn haproxy(&self, program: &Path) -> Result<Peer> {
        let (name, addr) = ("haproxy", free_addr()?);
        let config = self.write_config("haproxy.cfg", Some(addr))?;
        let mut command = pinned("0", program);
        command.args(["-db", "-f"]).arg(config);
        Ok(Peer { name, addr, process: Process::start(name, self.folder, &mut command)? })
    }

    /// From the template of this name in `xtask/bench/`.
    fn write_config(&self, name: &str, listen: Option<SocketAddr>) -> Result<PathBuf> {
        let template = workspace::root().join("xtask/bench").join(name);
        let mut text = std::fs::read_to_string(&template)
            .with_context(|| format!("{} cannot be read", template.display()))?
            .replace("@ORIGIN@", &self.origin.to_string())
            .replace("@FOLDER@", &self.folder.display().to_string());
        if let Some(listen) = listen {
            text = text.replace("@LISTEN@", &listen.to_string());
        }
        let folder = self.folder.join("config");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(name);
        std::fs::write(&file, text)?;
        Ok(file)
    }
}

/// What the measurement cannot do without.
pub(super) fn require_tools() -> Result<()> {
    for (program, install) in [("wrk", "apt-get install wrk"), ("taskset", "apt-get install util-linux")] {
        ensure!(find(program).is_some(), "{program} not found ({install})");
    }
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("the measurement needs two cores: one for the proxy, one for the load and the origin");
    }
    Ok(())
}

/// In `PATH`, or where Debian puts daemons.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program).stdin(Stdio::null());
    command
}

/// Free a moment ago: the peers cannot say which port they were given.
fn free_addr() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

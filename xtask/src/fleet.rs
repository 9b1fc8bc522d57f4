//! One controller, a few proxies and two sample upstreams on loopback, in a folder of their own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::http;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{self, Programs};

/// How long a process has for a clean end.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// The names and zones of proxies.
const PLACES: [(&str, &str); 10] = [
    ("proxy-1", "a"),
    ("proxy-2", "b"),
    ("proxy-3", "c"),
    ("proxy-4", "a"),
    ("proxy-5", "b"),
    ("proxy-6", "c"),
    ("proxy-7", "a"),
    ("proxy-8", "b"),
    ("proxy-9", "c"),
    ("proxy-10", "a"),
];
/// Of its own: the controller watches the folder, and the logs beside it change all the time.
const CONFIG_FOLDER: &str = "config";

#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) blue: Upstream,
    pub(crate) green: Upstream,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) controller: Process,
    pub(crate) controller_addr: SocketAddr,
    pub(crate) controller_http_addr: SocketAddr,
    folder: TempDir,
    programs: Programs,
    interrupt: Interrupt,
}

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    pub(crate) process: Process,
}

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) id: &'static str,
    pub(crate) zone: &'static str,
    pub(crate) admin_addr: SocketAddr,
    /// Where it takes traffic.
    pub(crate) addr: SocketAddr,
    pub(crate) process: Process,
}

/// What a node says it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Serving {
    pub(crate) revision: u64,
    pub(crate) hash: String,
}

impl Fleet {
    /// Starts all of it, with so many proxies, ten at most, and comes back when each is ready. `config` writes the first file from the
    /// addresses of `blue` and `green`.
    pub(crate) fn start(
        programs: Programs,
        interrupt: Interrupt,
        proxies: usize,
        config: impl FnOnce(SocketAddr, SocketAddr) -> String,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("harbr-fleet-").tempdir_in(workspace::target_dir()?)?;
        let blue = Upstream::start("blue", folder.path(), &interrupt)?;
        let green = Upstream::start("green", folder.path(), &interrupt)?;
        let file = config_file(folder.path());
        std::fs::create_dir(folder.path().join(CONFIG_FOLDER))?;
        std::fs::write(&file, config(blue.addr, green.addr))?;

        let mut controller = Command::new(programs.path("harbr-controlplane"));
        controller.arg("-c").arg(&file).args(["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        controller.args(["--log-format", "json", "--state-dir"]).arg(folder.path().join("controlplane"));
        let mut controller = Process::start("controlplane", folder.path(), &mut controller)?;
        let controller_addr = controller.addr("grpc_addr", &interrupt)?;
        let controller_http_addr = controller.addr("http_addr", &interrupt)?;

        let places = PLACES.iter().take(proxies);
        let mut proxies = Vec::new();
        for &(id, zone) in places {
            let mut command = Command::new(programs.path("harbr-dataplane"));
            command.args(["--controller", &format!("http://{controller_addr}"), "--node-id", id]);
            command.args(["--label", &format!("zone={zone}"), "--admin-addr", "127.0.0.1:0"]);
            command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
            command.arg("--state-dir").arg(folder.path().join(id));
            let mut process = Process::start(id, folder.path(), &mut command)?;
            let admin_addr = process.addr("admin_addr", &interrupt)?;
            let addr = interrupt.until(Duration::from_secs(15), || http::listener_addr(admin_addr))?;
            proxies.push(Proxy { id, zone, admin_addr, addr, process });
        }
        let fleet = Self {
            blue,
            green,
            proxies,
            controller,
            controller_addr,
            controller_http_addr,
            folder,
            programs,
            interrupt,
        };
        fleet.wait_until_ready()?;
        Ok(fleet)
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        config_file(self.folder())
    }

    /// As a careful editor does: a new file, put in the old one's place.
    pub(crate) fn save(&self, text: &str) -> Result<()> {
        let file = self.config_file();
        let draft = file.with_extension("new");
        std::fs::write(&draft, text)?;
        std::fs::rename(&draft, file)?;
        Ok(())
    }

    /// The command line that asks this fleet's controller.
    pub(crate) fn harbrctl_line(&self, arguments: &str) -> String {
        let program = self.programs.path("harbrctl");
        format!("{} --controller http://{} {arguments}", program.display(), self.controller_addr)
    }

    /// `harbrctl ARGUMENTS -o json`.
    pub(crate) fn harbrctl(&self, arguments: &[&str]) -> Result<Value> {
        let output = Command::new(self.programs.path("harbrctl"))
            .args(["--controller", &format!("http://{}", self.controller_addr)])
            .args(arguments)
            .args(["-o", "json"])
            .output()
            .context("harbrctl does not start")?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "harbrctl {}: {}", arguments.join(" "), stderr.trim());
        serde_json::from_slice(&output.stdout).context("harbrctl's answer is not JSON")
    }

    /// `harbrctl ARGUMENTS`, for what it does.
    pub(crate) fn order(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(self.programs.path("harbrctl"))
            .args(["--controller", &format!("http://{}", self.controller_addr)])
            .args(arguments)
            .output()
            .context("harbrctl does not start")?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "harbrctl {}: {}", arguments.join(" "), stderr.trim());
        Ok(())
    }

    /// Ends all, the proxies first: they say goodbye to a controller that still listens. What has not ended
    /// in time is killed, and is an error.
    pub(crate) fn stop(self) -> Result<()> {
        self.proxies.iter().for_each(|proxy| proxy.process.terminate());
        let deadline = Instant::now() + STOP_LIMIT;
        let mut failures = Vec::new();
        for proxy in self.proxies {
            failures.extend(end(proxy.process, deadline));
        }
        failures.extend(end(self.controller, Instant::now() + STOP_LIMIT));
        ensure!(failures.is_empty(), "{}", failures.join(", "));
        Ok(())
    }

    fn wait_until_ready(&self) -> Result<()> {
        for proxy in &self.proxies {
            self.interrupt.until(Duration::from_secs(15), || {
                let status = http::get(proxy.admin_addr, "/readyz")?.status;
                ensure!(status == 200, "{} is not ready: /readyz answers {status}", proxy.id);
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Proxy {
    pub(crate) fn serving(&self) -> Result<Serving> {
        let info = http::get_json(self.admin_addr, "/info")?;
        let revision = info["serving_revision"].as_u64().context("/info has no serving_revision")?;
        let hash = info["serving_hash"].as_str().context("/info has no serving_hash")?.to_owned();
        Ok(Serving { revision, hash })
    }

    /// The body of a 200.
    pub(crate) fn get(&self, path: &str) -> Result<String> {
        let response = http::get(self.addr, path).with_context(|| format!("{} {path}", self.id))?;
        ensure!(response.status == 200, "{} {path} answered {}", self.id, response.status);
        Ok(response.body)
    }
}

impl Upstream {
    fn start(name: &str, folder: &Path, interrupt: &Interrupt) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["sample-upstream", "--name", name]);
        let mut process = Process::start(name, folder, &mut command)?;
        let addr = process.addr("addr", interrupt)?;
        Ok(Self { addr, process })
    }
}

/// Why it was no clean end, if it was none.
fn end(process: Process, deadline: Instant) -> Option<String> {
    let name = process.name().to_owned();
    match process.stop(deadline.saturating_duration_since(Instant::now())) {
        // No code: killed on purpose, before.
        Ok(status) if status.success() || status.code().is_none() => None,
        Ok(status) => Some(format!("{name} ended with {status}")),
        Err(_) => Some(format!("{name} was still running {STOP_LIMIT:?} after SIGTERM")),
    }
}

fn config_file(folder: &Path) -> PathBuf {
    folder.join(CONFIG_FOLDER).join("config.yml")
}

//! Holds proxies against the cases of HTTP/1.1 in bytes, ours and others: `cargo xtask conformance`.
#![allow(clippy::print_stdout, reason = "a command-line tool talks to its user")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use harbr_tests::conformance::{Bench, Exactness, SUBJECTS, ScriptedOrigin, cases_of};
use harbr_tests::{Fleet, Shape, eventually};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

const PEERS: [&str; 3] = ["harbr-router", "nginx", "haproxy"];

/// The proxies to run, all without any; 0 if ours has held.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|name| !PEERS.contains(&name.as_str())) {
        println!("{unknown} is none of {}", PEERS.join(", "));
        return ExitCode::from(2);
    }
    let mut outcome = ExitCode::SUCCESS;
    for name in PEERS.into_iter().filter(|name| asked.is_empty() || asked.iter().any(|asked| asked == name)) {
        let failed = match name {
            "harbr-router" => run_ours().await,
            other => run_peer(other).await,
        };
        if name == "harbr-router" && failed != 0 {
            outcome = ExitCode::FAILURE;
        }
    }
    outcome
}

async fn run_ours() -> usize {
    let origin = ScriptedOrigin::start().await;
    let text = format!(
        "listen_addr: \"127.0.0.1:0\"\nglobal_timeout_ms: 5000\nmax_connections: 1000\naccess_log: off\n\
         routes:\n  \"/\": {{ upstream: \"{}\" }}\n",
        origin.url()
    );
    let fleet = Fleet::start(Shape::AllInOne, &text).await;
    run("harbr-router", &Bench { proxy: fleet.addr(), origin: &origin, exactness: Exactness::Ours }).await
}

async fn run_peer(name: &str) -> usize {
    let Some(program) = find(name) else {
        println!("{name} is not installed and is left out");
        return 0;
    };
    let origin = ScriptedOrigin::start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let proxy = free_addr().await;
    let _process = start(name, &program, &folder, (proxy, origin.addr()));
    eventually(&format!("{name} listens"), async || TcpStream::connect(proxy).await.ok()).await;
    run(name, &Bench { proxy, origin: &origin, exactness: Exactness::AnyProxy }).await
}

/// How many cases did not hold.
async fn run(name: &str, bench: &Bench<'_>) -> usize {
    println!("── {name}");
    let (mut held, mut failed) = (0, 0);
    for subject in SUBJECTS {
        for case in cases_of(subject) {
            match bench.run(&case).await {
                Ok(()) => held += 1,
                Err(error) => {
                    failed += 1;
                    println!("   {subject}: {} ({}): {error}", case.name, case.rule);
                }
            }
        }
    }
    println!("── {name}: {held} of {} cases hold\n", held + failed);
    failed
}

/// Ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(name: &str, program: &Path, folder: &TempDir, (proxy, origin): (SocketAddr, SocketAddr)) -> Running {
    let file = if name == "nginx" { "nginx.conf" } else { "haproxy.cfg" };
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(file);
    let text = fs::read_to_string(&template)
        .expect("the peer's configuration is in the repository")
        .replace("@LISTEN@", &proxy.to_string())
        .replace("@ORIGIN@", &origin.to_string())
        .replace("@FOLDER@", &folder.path().display().to_string());
    let config = folder.path().join(file);
    fs::write(&config, text).expect("the folder is writable");
    let mut command = Command::new(program);
    match name {
        "nginx" => command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(config),
        _ => command.args(["-db", "-q", "-f"]).arg(config),
    };
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Running(child.expect("the peer starts"))
}

/// In `PATH`, or where Debian puts daemons.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Free a moment ago: the peers cannot say which port they were given.
async fn free_addr() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
    listener.local_addr().expect("a bound listener has an address")
}

//! Mixed traffic for the build that counts: what a proxy meets, in bounded numbers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::certificate::Certificate;
use crate::http::{self, Connection};
use crate::interrupt::Interrupt;
use crate::process::Process;

const KEPT: u32 = 20_000;
const CONNECTIONS: u32 = 2_000;
const UPLOADS: u32 = 1_000;
const UPLOAD_BYTES: usize = 24 * 1024;
/// Bytes of an answer; not those of the bench.
const ANSWER_BYTES: &str = "3000";
const TIME_OUT: Duration = Duration::from_secs(10);
const START_LIMIT: Duration = Duration::from_secs(15);
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// Runs the program, which writes its counts when it ends.
pub(super) fn run(program: &Path, folder: &Path, interrupt: &Interrupt) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["sample-upstream", "--name", "origin", "--body-bytes", ANSWER_BYTES]);
    let mut origin = Process::start("origin", folder, &mut command)?;
    let upstream = origin.addr("addr", interrupt)?;

    let config = folder.join("config.yml");
    std::fs::write(&config, configuration(upstream, &Certificate::in_folder(folder)?))?;
    let mut command = Command::new(program);
    command.arg("-c").arg(config).args(["--log-format", "json", "--admin-addr", "127.0.0.1:0"]);
    command.args(["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
    let mut router = Process::start("harbr-router", folder, &mut command)?;
    let admin_addr = router.addr("admin_addr", interrupt)?;
    let plain = interrupt.until(START_LIMIT, || http::listener(admin_addr, "plain"))?;
    let secure = http::listener(admin_addr, "secure")?;

    send(plain, interrupt)?;
    send_together(plain, secure, folder, interrupt)?;
    http::get(admin_addr, "/metrics")?;
    let ended = router.stop(STOP_LIMIT)?;
    ensure!(ended.success(), "harbr-router ended with {ended}");
    Ok(())
}

fn configuration(upstream: SocketAddr, certificate: &Certificate) -> String {
    format!(
        "listeners:\n\
         \x20 - {{ name: plain, addr: \"127.0.0.1:0\" }}\n\
         \x20 - {{ name: secure, addr: \"127.0.0.1:0\", tls: {{ certificates: [{{ cert: \"{cert}\", key: \"{key}\" }}] }} }}\n\
         global_timeout_ms: 5000\n\
         max_connections: 1000\n\
         routes:\n\
         \x20 \"/api\": {{ upstream: pool, retry_count: 2, strip_prefix: true }}\n\
         \x20 \"shop.test/\": {{ upstream: pool, headers: {{ response: {{ set: {{ X-Shop: \"1\" }} }} }} }}\n\
         \x20 \"/\": {{ upstream: \"http://{upstream}\", health_check_path: /health }}\n\
         upstreams:\n\
         \x20 pool: {{ endpoints: [\"http://{upstream}\", \"http://{upstream}/second\"] }}\n",
        cert = certificate.chain.display(),
        key = certificate.key.display()
    )
}

fn send(addr: SocketAddr, interrupt: &Interrupt) -> Result<()> {
    let mut kept = Connection::open(addr, TIME_OUT)?;
    for number in 0..KEPT {
        let path = match number % 4 {
            0 => format!("/api/users/{number}?fields=name,mail&page={}", number % 7),
            1 => format!("/static/{number}/app.js"),
            2 => "/".to_owned(),
            _ => format!("/api/./orders/%7E{number}"),
        };
        expect(kept.get(&path)?.status, 200)?;
        interrupt.pause(Duration::ZERO)?;
    }
    for number in 0..CONNECTIONS {
        expect(http::get(addr, &format!("/page/{number}"))?.status, 200)?;
        interrupt.pause(Duration::ZERO)?;
    }
    for _ in 0..UPLOADS {
        upload(addr)?;
        interrupt.pause(Duration::ZERO)?;
    }
    Ok(())
}

/// Many at once, as traffic comes; over TLS and HTTP/2 too.
fn send_together(plain: SocketAddr, secure: SocketAddr, folder: &Path, interrupt: &Interrupt) -> Result<()> {
    let body = folder.join("body");
    std::fs::write(&body, vec![b'x'; UPLOAD_BYTES])?;
    let body = body.display().to_string();
    for (requests, arguments, url) in [
        ("20000", &["--h1", "-c24"][..], format!("http://{plain}/api/users/7?fields=name&page=2")),
        ("6000", &["--h1", "-c12"], format!("https://{secure}/static/app.js")),
        ("1500", &["--h1", "-c8", "-d", &body], format!("http://{plain}/api/files")),
        ("6000", &["-c6", "-m5"], format!("https://{secure}/api/users/7?fields=name&page=2")),
        ("4000", &["-c4", "-m6"], format!("http://{plain}/static/app.js")),
        ("500", &["-c4", "-m3", "-d", &body], format!("https://{secure}/api/files")),
    ] {
        let mut command = Command::new("h2load");
        command
            .args(["-t1", "-n", requests, "-H", "Cookie: session=0123456789abcdef"])
            .args(arguments)
            .arg(&url);
        let output = command.output().context("h2load does not start (apt-get install nghttp2-client)")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let expected = format!("{requests} succeeded");
        ensure!(said.contains(&expected), "h2load {url}: {said}");
        interrupt.pause(Duration::ZERO)?;
    }
    Ok(())
}

fn upload(addr: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&addr, TIME_OUT)?;
    stream.set_read_timeout(Some(TIME_OUT))?;
    stream.set_write_timeout(Some(TIME_OUT))?;
    let head = format!(
        "POST /api/files HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {UPLOAD_BYTES}\r\nAccept: */*\r\n\
         Cookie: session=0123456789abcdef\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&vec![b'x'; UPLOAD_BYTES])?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("the answer to an upload")?;
    ensure!(answer.starts_with(b"HTTP/1.1 200 "), "an upload was not answered with 200");
    Ok(())
}

fn expect(status: u16, expected: u16) -> Result<()> {
    ensure!(status == expected, "answered {status}, not {expected}");
    Ok(())
}

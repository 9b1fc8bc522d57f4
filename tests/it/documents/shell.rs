//! A folder with a shell.

use std::net::SocketAddr;
use std::process::Command;

use harbr_tests::{Ended, NodeInfo, Process, Signal, eventually, get};
use serde_json::Value;
use tempfile::TempDir;

use super::page::Line;

/// What does not end by itself.
const DAEMONS: [&str; 3] = ["harbr-router ", "harbr-controlplane ", "harbr-dataplane "];

/// What is looked at until Ctrl-C.
const LIVE: [&str; 1] = ["harbrctl events --watch"];

/// What is typed, where, and what a test has in the place of the page's addresses, names and numbers.
pub(super) struct Shell {
    folder: TempDir,
    instead: Vec<(String, String)>,
    env: Vec<(String, String)>,
}

/// What became of a line.
pub(super) enum Typed {
    Ended(Ended),
    GoesOn(Running),
    /// It needs a program that is not here.
    Skipped,
}

/// A program that was started by a line.
pub(super) struct Running {
    process: Process,
}

impl Shell {
    pub(super) fn new() -> Self {
        let env = [
            ("HARBR_LOG_FORMAT", "json"),
            ("HARBR_GRPC_ADDR", "127.0.0.1:0"),
            ("HARBR_HTTP_ADDR", "127.0.0.1:0"),
            ("HARBR_ADMIN_ADDR", "127.0.0.1:0"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder: tempfile::tempdir().unwrap(), instead: Vec::new(), env }
    }

    /// Writes a file of the page.
    pub(super) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), self.put(text)).unwrap();
    }

    /// From now on `text` of the page stands for `here`.
    pub(super) fn instead_of(&mut self, text: &str, here: impl ToString) {
        self.instead.retain(|(found, _)| found != text);
        self.instead.push((text.to_owned(), here.to_string()));
    }

    /// As [`instead_of`](Self::instead_of), if nothing stands for it yet.
    pub(super) fn once_instead_of(&mut self, text: &str, here: impl ToString) {
        if !self.instead.iter().any(|(found, _)| found == text) {
            self.instead_of(text, here);
        }
    }

    pub(super) fn set(&mut self, variable: &str, value: impl ToString) {
        self.unset(variable);
        self.env.push((variable.to_owned(), value.to_string()));
    }

    pub(super) fn unset(&mut self, variable: &str) {
        self.env.retain(|(found, _)| found != variable);
    }

    /// Types a line of a page, and holds it to its end.
    pub(super) async fn type_line(&self, line: &Line) -> Typed {
        let text = self.put(&line.text);
        if let Some(at) = DAEMONS.iter().find_map(|daemon| text.find(daemon)) {
            let (before, command) = text.split_at(at);
            let process = Process::shell(self.folder.path(), &format!("{before}exec {command}"), &self.env);
            return Typed::GoesOn(Running { process });
        }
        if text.starts_with("curl ") && !has_curl() {
            println!("skipped: curl not found (apt-get install curl)");
            return Typed::Skipped;
        }
        if LIVE.iter().any(|command| text.starts_with(command)) {
            return Typed::Ended(self.look_and_leave(&text).await);
        }
        let ended = Process::shell(self.folder.path(), &text, &self.env).ended().await;
        assert_eq!(ended.code, Some(line.exits), "{text}\n{}\n{}", ended.stdout, ended.stderr);
        Typed::Ended(ended)
    }

    /// Types a line of the test's own, which has to end well.
    pub(super) async fn line(&self, text: &str) -> String {
        match self.type_line(&Line { text: text.to_owned(), exits: 0 }).await {
            Typed::Ended(ended) => ended.stdout,
            Typed::GoesOn(_) | Typed::Skipped => panic!("`{text}` does not end by itself"),
        }
    }

    /// As [`line`](Self::line), of what prints JSON.
    pub(super) async fn json(&self, text: &str) -> Value {
        serde_json::from_str(&self.line(text).await).unwrap()
    }

    /// Waits for its first line, then for its end by Ctrl-C.
    async fn look_and_leave(&self, text: &str) -> Ended {
        let process = Process::shell(self.folder.path(), &format!("exec {text}"), &self.env);
        eventually(&format!("`{text}` shows something"), async || {
            process.must_run();
            (!process.stdout_lines().is_empty()).then_some(())
        })
        .await;
        process.signal(Signal::Interrupt);
        process.ended().await
    }

    fn put(&self, text: &str) -> String {
        self.instead.iter().fold(text.to_owned(), |text, (page, here)| text.replace(page, here))
    }
}

impl Running {
    /// An address that it has logged.
    pub(super) async fn addr(&self, field: &str) -> SocketAddr {
        eventually(&format!("`{field}` is in the log"), async || {
            self.process.must_run();
            self.process.logged(field)
        })
        .await
        .parse()
        .unwrap()
    }

    /// Waits until it serves, and says where.
    pub(super) async fn serves(&self) -> SocketAddr {
        let admin = self.addr("admin_addr").await;
        eventually("it is ready", async || {
            self.process.must_run();
            (get(admin, "/readyz").await.status == 200).then_some(())
        })
        .await;
        let info: NodeInfo = serde_json::from_slice(&get(admin, "/info").await.body).unwrap();
        info.listeners[0].addr
    }

    /// Ctrl-C, and a clean end.
    pub(super) async fn interrupt(self) {
        self.process.signal(Signal::Interrupt);
        let ended = self.process.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

fn has_curl() -> bool {
    let is_there = Command::new("curl").arg("--version").output().is_ok();
    let required = std::env::var_os("HARBR_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(is_there || !required, "curl is missing");
    is_there
}

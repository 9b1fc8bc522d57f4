//! A program of ours, started with its logs in a file, and ended for certain.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::interrupt::Interrupt;

/// How long a program may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(15);

const LAST_LINES: usize = 10;

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Both outputs go to `FOLDER/NAME.log`. The child is in a process group of its own, so that Ctrl-C
    /// reaches only us, and we end the processes in order.
    pub(crate) fn start(name: &str, folder: &Path, command: &mut Command) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote last, to say why it does not do what it should.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(LAST_LINES).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The address that the program says in its (JSON) log under this key.
    pub(crate) fn addr(&mut self, key: &str, interrupt: &Interrupt) -> Result<SocketAddr> {
        let addr = interrupt.until(START_LIMIT, || {
            // Asked before its log is read, so that its last words are in there.
            let ended = self.child.try_wait()?;
            let log = std::fs::read_to_string(&self.log)?;
            match (log.lines().find_map(|line| field(line, key)), ended) {
                (Some(addr), _) => Ok(Ok(addr)),
                (None, Some(status)) => Ok(Err(anyhow!("{} ended ({status}): {log}", self.name))),
                (None, None) => bail!("{} has not logged its {key}, see {}", self.name, self.log.display()),
            }
        })??;
        addr.parse().with_context(|| format!("{key} is {addr}"))
    }

    /// The number under this key in the last line of its (JSON) log that has it.
    pub(crate) fn last_number(&self, key: &str) -> Option<f64> {
        let log = std::fs::read_to_string(&self.log).ok()?;
        log.lines().rev().find_map(|line| value(line, key)?.as_f64())
    }

    /// At once and without a chance to clean up.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and does not wait.
    pub(crate) fn terminate(&self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // A failure means that it is gone already.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Asks it to end and waits; when the time is over it is killed, which is an error.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        self.terminate();
        // The wait is not to be cut short: it is the clean-up after an interruption.
        let patient = Interrupt::default();
        patient.until(limit, || self.child.try_wait()?.context("still running"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; there is nobody left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn field(line: &str, key: &str) -> Option<String> {
    value(line, key)?.as_str().map(str::to_owned)
}

/// `key` of a JSON log line, at the top or among `fields`.
fn value(line: &str, key: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line).ok()?;
    line.get(key).or_else(|| line.get("fields")?.get(key)).cloned()
}

#[cfg(test)]
mod tests;

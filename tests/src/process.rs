use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, kill_process, prlimit};
use serde_json::Value;

use crate::eventually::eventually;
use crate::program::Program;

const MAX_LINES: usize = 1_000_000;

/// A running binary. It is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Mutex<Child>,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// `None`: by a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, Clone, Copy)]
pub enum Signal {
    Terminate,
    Interrupt,
    Hangup,
    Kill,
    /// The process stands still, its connections open.
    Stop,
    Continue,
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Terminate => Self::TERM,
            Signal::Interrupt => Self::INT,
            Signal::Hangup => Self::HUP,
            Signal::Kill => Self::KILL,
            Signal::Stop => Self::STOP,
            Signal::Continue => Self::CONT,
        }
    }
}

impl Process {
    /// # Panics
    /// If it cannot be started at all.
    #[must_use]
    pub fn start(program: Program, args: &[String], env: &[(String, String)]) -> Self {
        let mut command = Command::new(program.path());
        command.args(args).stdin(Stdio::null());
        Self::spawn(program.name(), command, env)
    }

    /// A line that `bash` runs in `folder`, with the programs in its `PATH`.
    ///
    /// # Panics
    /// If there is no `bash`.
    #[must_use]
    pub fn shell(folder: &Path, line: &str, env: &[(String, String)]) -> Self {
        let programs = Program::Harbrctl.path().parent().expect("a program is in a folder").to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(programs).chain(std::env::split_paths(&others));
        let mut command = Command::new("bash");
        command.args(["-c", line]).current_dir(folder).stdin(Stdio::null());
        command.env("PATH", std::env::join_paths(path).expect("the folder has a plain name"));
        Self::spawn(line, command, env)
    }

    fn spawn(name: &str, mut command: Command, env: &[(String, String)]) -> Self {
        command.envs(env.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let stdout = Lines::collect(child.stdout.take().expect("standard output is piped"));
        let stderr = Lines::collect(child.stderr.take().expect("standard error is piped"));
        Self { name: name.to_owned(), child: Mutex::new(child), stdout, stderr }
    }

    /// Runs a program to its end.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn run(program: Program, args: &[&str]) -> Ended {
        Self::run_with(program, args, &[], "").await
    }

    /// As [`run`](Self::run), with environment variables and text on its standard input.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn run_with(program: Program, args: &[&str], env: &[(&str, &str)], stdin: &str) -> Ended {
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut command = Command::new(program.path());
        command.args(args).stdin(Stdio::piped());
        let process = Self::spawn(program.name(), command, &env);
        let pipe = process.lock().stdin.take();
        if let Some(mut pipe) = pipe {
            // A program that does not read its input may be gone by now.
            let _ = pipe.write_all(stdin.as_bytes());
        }
        process.ended().await
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn ended(&self) -> Ended {
        let what = format!("{} ended", self.name);
        let status =
            eventually(&what, async || self.lock().try_wait().expect("a child can be waited for")).await;
        eventually("its output is read", async || {
            (self.stdout.is_complete() && self.stderr.is_complete()).then_some(())
        })
        .await;
        Ended { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.lock().try_wait(), Ok(None))
    }

    /// # Panics
    /// If the process has ended and is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.lock()), signal.into()).expect("the process can be signalled");
    }

    /// Its files may not grow beyond this; `None`: as large as they like. As on a full disk, writes fail.
    ///
    /// # Panics
    /// If the process has ended and is gone.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_child(&self.lock());
        let limit = getrlimit(Resource::Fsize);
        prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: limit.maximum })
            .expect("the process can be limited");
    }

    /// The first value of a field in its JSON log, wherever the line keeps its fields.
    #[must_use]
    pub fn logged(&self, field: &str) -> Option<String> {
        self.stderr.find(|line| {
            let line = serde_json::from_str::<Value>(line).ok()?;
            let value = line.get(field).or_else(|| line.get("fields")?.get(field))?;
            value.as_str().map(str::to_owned)
        })
    }

    /// Lines on its standard output so far.
    #[must_use]
    pub fn stdout_lines(&self) -> Vec<String> {
        self.stdout.all()
    }

    /// Leaves its standard output unread from now on, as a log collector that hangs does.
    pub fn stop_reading_stdout(&self) {
        self.stdout.set_reading(Reading::Paused);
    }

    /// Lines on its standard error so far.
    #[must_use]
    pub fn stderr_lines(&self) -> Vec<String> {
        self.stderr.all()
    }

    /// Memory that it has in use now, in bytes.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.lock().id()))
            .expect("a running process has a status");
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse::<u64>().ok());
        kilobytes.expect("a running process has memory") * 1024
    }

    /// # Panics
    /// If it has ended, with what it said.
    pub fn must_run(&self) {
        assert!(self.is_running(), "{} ended:\n{}", self.name, self.stderr.text());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.lock();
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
        drop(child);
        self.stdout.set_reading(Reading::On);
        if std::thread::panicking() {
            self.stderr.show(&self.name);
        }
    }
}

/// The last lines of a pipe; a thread reads it, so that the process never waits for us.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<Collected>,
    resumed: Condvar,
}

#[derive(Debug, Default)]
struct Collected {
    lines: VecDeque<String>,
    complete: bool,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Reading {
    #[default]
    On,
    Paused,
}

impl Lines {
    fn collect(pipe: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let writer = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let paused = |state: &mut Collected| state.reading == Reading::Paused;
                let state = writer.resumed.wait_while(writer.lock(), paused);
                let mut state = state.unwrap_or_else(PoisonError::into_inner);
                if state.lines.len() == MAX_LINES {
                    state.lines.pop_front();
                }
                state.lines.push_back(String::from_utf8_lossy(&line).into_owned());
            }
            writer.lock().complete = true;
        });
        lines
    }

    fn set_reading(&self, reading: Reading) {
        self.lock().reading = reading;
        self.resumed.notify_all();
    }

    fn find<T>(&self, accept: impl FnMut(&String) -> Option<T>) -> Option<T> {
        self.lock().lines.iter().find_map(accept)
    }

    fn all(&self) -> Vec<String> {
        self.lock().lines.iter().cloned().collect()
    }

    fn text(&self) -> String {
        self.lock().lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn is_complete(&self) -> bool {
        self.lock().complete
    }

    /// The end of it, where the test harness shows it only for a test that failed.
    #[expect(clippy::print_stdout, reason = "captured by the test harness")]
    fn show(&self, name: &str) {
        const SHOWN: usize = 40;
        let lines = self.all();
        println!("--- the last lines of {name}:");
        for line in lines.iter().skip(lines.len().saturating_sub(SHOWN)) {
            println!("{line}");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Collected> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use crate::eventually::eventually;
use crate::process::Signal;
use crate::program::Program;

mod picture;

const ROWS: u16 = 24;
const COLUMNS: u16 = 110;

/// A program in a terminal of its own, and what a person sees there. It is killed when it is dropped.
pub struct Terminal {
    child: Mutex<Child>,
    pty: Arc<Pty>,
    screen: Arc<Mutex<vt100::Parser>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// # Panics
    /// If it cannot be started at all.
    #[must_use]
    pub fn start(program: Program, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_in(Path::new("."), program, args, env)
    }

    /// As [`start`](Self::start), in this folder.
    ///
    /// # Panics
    /// If it cannot be started at all.
    #[must_use]
    pub fn start_in(folder: &Path, program: Program, args: &[&str], env: &[(&str, &str)]) -> Self {
        let (pty, its_end) = open().expect("the system has terminals");
        pty.resize(Size::new(ROWS, COLUMNS)).expect("a terminal has a size");
        let command =
            Command::new(program.path()).current_dir(folder).args(args).env("TERM", "xterm-256color");
        let command = command.env_remove("NO_COLOR").envs(env.iter().copied());
        let child = command.spawn(its_end).unwrap_or_else(|error| panic!("{}: {error}", program.name()));
        let pty = Arc::new(pty);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(ROWS), size(COLUMNS), 0)));
        let (its_output, parser) = (Arc::clone(&pty), Arc::clone(&screen));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end is an error on Linux.
            while let Ok(count @ 1..) = (&*its_output).read(&mut bytes) {
                parser.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
            }
        });
        Self { child: Mutex::new(child), pty, screen, reader }
    }

    /// As keys are sent: `\r` is Enter, `\x1b` Esc, `\x03` Ctrl-C.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("the terminal is there");
    }

    /// # Panics
    /// If the terminal is gone.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.screen().screen_mut().set_size(size(rows), size(columns));
        self.pty.resize(Size::new(rows, columns)).expect("the terminal is there");
    }

    /// # Panics
    /// If the process has ended and is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child()), signal.into()).expect("the process can be signalled");
    }

    /// What is on the screen, line by line.
    #[must_use]
    pub fn contents(&self) -> String {
        self.screen().screen().contents()
    }

    /// What is on the screen, as an SVG picture under the command that put it there.
    #[must_use]
    pub fn picture(&self, command: &str) -> String {
        picture::svg(self.screen().screen(), command)
    }

    /// Waits until the screen is as it should be, and returns what is on it.
    ///
    /// # Panics
    /// If it does not become so.
    pub async fn shows(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        eventually(what, async || Some(self.contents()).filter(|contents| is_so(contents))).await
    }

    /// Waits until this is on the screen.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn shows_text(&self, text: &str) -> String {
        self.shows(&format!("{text:?} is on the screen"), |contents| contents.contains(text)).await
    }

    /// Cells with a colour of their own.
    #[must_use]
    pub fn coloured_cells(&self) -> usize {
        let screen = self.screen();
        let (rows, columns) = screen.screen().size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        let is_coloured = |(row, column): &(u16, u16)| {
            let cell = screen.screen().cell(*row, *column);
            cell.is_some_and(|cell| [cell.fgcolor(), cell.bgcolor()] != [vt100::Color::Default; 2])
        };
        cells.filter(is_coloured).count()
    }

    /// Waits for the program's end, and returns its exit code: `None`: by a signal.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn ended(&self) -> Option<i32> {
        let ended = async || self.child().try_wait().expect("a child can be waited for");
        let status = eventually("the program has ended", ended).await;
        eventually("its output is read", async || self.reader.is_finished().then_some(())).await;
        status.code()
    }

    /// Waits until the terminal is as a shell wants it: its own screen, its cursor, lines and echo.
    ///
    /// # Panics
    /// If it does not become so.
    pub async fn is_given_back(&self) {
        eventually("the terminal is given back", async || {
            let modes = tcgetattr(&*self.pty).ok()?.local_modes;
            let screen = self.screen();
            let is_so = modes.contains(LocalModes::ICANON | LocalModes::ECHO)
                && !screen.screen().alternate_screen()
                && !screen.screen().hide_cursor();
            is_so.then_some(())
        })
        .await;
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn screen(&self) -> std::sync::MutexGuard<'_, vt100::Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("contents", &self.contents()).finish_non_exhaustive()
    }
}

impl Drop for Terminal {
    #[expect(clippy::print_stdout, reason = "captured by the test harness")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the screen:\n{}", self.contents());
        }
        let mut child = self.child();
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn size(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has room")
}

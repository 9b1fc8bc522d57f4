//! What the fleet answers now, live.
//!
//! [`look()`] asks the controller; [`state`] is what is shown of it and what keys do; [`draw`] puts a state on a screen;
//! the loop here is all that waits. Both of the middle are pure.

use std::io::{self, IsTerminal as _};
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use crossterm::event::EventStream;
use futures_util::StreamExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use self::column::Column;
use self::look::{Look, Wanted, look, obey};
use self::screen::Screen;
use self::state::{Reaction, State};
use crate::cli::{Format, Kind};
use crate::controller::Controller;
use crate::output::{print, print_document};
use crate::paint::Paint;

mod column;
mod document;
mod draw;
mod look;
mod row;
mod screen;
mod state;
#[cfg(test)]
mod testing;

/// Between two looks, if they are quick.
const PAUSE: Duration = Duration::from_secs(1);
/// Of a look that takes long, so many times its length: one who looks costs the controller a fifth of a core at most.
const PAUSE_FACTOR: u32 = 4;

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// What to show first
    #[arg(value_enum, default_value = "nodes")]
    view: Kind,
    /// Print one frame as plain text, and end
    #[arg(long)]
    once: bool,
    /// The column to sort by: names rise, numbers fall
    #[arg(long, value_enum, default_value = "rate")]
    sort: Column,
    /// Show only names with this in them
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
}

pub(crate) async fn run(controller: &Controller, args: TopArgs, format: Format) -> anyhow::Result<()> {
    let TopArgs { view, once, sort, filter } = args;
    if matches!(format, Format::Json | Format::Yaml) {
        let traffic = controller.traffic(0).await?;
        return print_document(&document::TrafficDocument::from(traffic), format);
    }
    if !once && !io::stdout().is_terminal() {
        bail!("standard output is no terminal; --once prints one frame, -o json what is in it");
    }
    let mut state = State::new(view, sort, filter);
    // Before the screen is taken, so that it is left alone if nobody answers.
    state.take(Ok(look(controller, &state.wanted()).await?));
    if once {
        return print(&draw::whole(&state));
    }
    live(controller, state).await
}

async fn live(controller: &Controller, mut state: State) -> anyhow::Result<()> {
    let paint = Paint::for_stdout();
    let mut ends = Ends::new()?;
    let mut screen = Screen::enter()?;
    let mut keys = EventStream::new();
    let mut looking = pin!(look_after(controller, PAUSE, state.wanted()));
    let mut ordered: Option<Pin<Box<dyn Future<Output = anyhow::Result<String>> + '_>>> = None;
    loop {
        screen.draw(&mut state, paint)?;
        let reaction = tokio::select! {
            event = keys.next() => {
                let event = event.context("the terminal is gone")?.context("cannot read keys")?;
                event.as_key_press_event().map_or(Reaction::None, |key| state.press(key))
            }
            (outcome, took) = &mut looking => {
                state.take(outcome);
                looking.set(look_after(controller, PAUSE.max(took * PAUSE_FACTOR), state.wanted()));
                Reaction::None
            }
            outcome = done(&mut ordered) => {
                ordered = None;
                state.tell(outcome);
                Reaction::Look
            }
            () = ends.any() => Reaction::Quit,
        };
        match reaction {
            Reaction::None => {}
            Reaction::Look => looking.set(look_after(controller, Duration::ZERO, state.wanted())),
            Reaction::Obey(order) => ordered = Some(Box::pin(obey(controller, order))),
            Reaction::Quit => return Ok(()),
        }
    }
}

/// And how long it took.
async fn look_after(
    controller: &Controller,
    pause: Duration,
    wanted: Wanted,
) -> (anyhow::Result<Look>, Duration) {
    sleep(pause).await;
    let began = Instant::now();
    (look(controller, &wanted).await, began.elapsed())
}

/// Of what was ordered; never, if nothing was.
async fn done(
    ordered: &mut Option<impl Future<Output = anyhow::Result<String>> + Unpin>,
) -> anyhow::Result<String> {
    match ordered {
        Some(ordered) => ordered.await,
        None => std::future::pending().await,
    }
}

/// What ends a process; here it ends the loop, so that the terminal is left as it was.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot wait for signals");
        Ok(Self([on(SignalKind::terminate())?, on(SignalKind::interrupt())?, on(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let Self([terminate, interrupt, hangup]) = self;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

//! Rollouts: how they go, for people, and what leads them.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use harbr_proto::document::{RolloutDocument, WaveDocument};
use harbr_proto::v1;

use crate::cli::{Format, Patience, RolloutCommand};
use crate::controller::Controller;
use crate::output::{print, print_document};
use crate::paint::Paint;
use crate::wait;
use crate::why::Why;

const BAR: usize = 24;

pub(crate) async fn run(
    controller: &Controller,
    command: RolloutCommand,
    format: Format,
) -> anyhow::Result<()> {
    use v1::RolloutCommand as Wanted;

    match command {
        RolloutCommand::Status { revision, watch, wait, patience } => {
            show(controller, revision.unwrap_or(0), Looking { watch, wait, patience }, format).await
        }
        RolloutCommand::Pause(why) => control(controller, Wanted::Pause, why).await,
        RolloutCommand::Resume(why) => control(controller, Wanted::Resume, why).await,
        RolloutCommand::Abort(why) => control(controller, Wanted::Abort, why).await,
        RolloutCommand::Promote { allow_shrink, why } => {
            let command = Wanted::Promote.into();
            let request = v1::ControlRolloutRequest { command, allow_shrink, actor: Some(why.actor()) };
            print(&format!("{}\n", controller.control(request).await?.message))
        }
    }
}

pub(crate) async fn roll_back(
    controller: &Controller,
    revision: Option<u64>,
    why: Why,
) -> anyhow::Result<()> {
    let request = v1::RollBackRequest { revision: revision.unwrap_or(0), actor: Some(why.actor()) };
    print(&format!("{}\n", controller.roll_back(request).await?.message))
}

pub(crate) async fn freeze(controller: &Controller, why: Why) -> anyhow::Result<()> {
    control(controller, v1::RolloutCommand::Freeze, why).await
}

pub(crate) async fn thaw(controller: &Controller, why: Why) -> anyhow::Result<()> {
    control(controller, v1::RolloutCommand::Thaw, why).await
}

async fn control(controller: &Controller, command: v1::RolloutCommand, why: Why) -> anyhow::Result<()> {
    let (command, actor) = (command.into(), Some(why.actor()));
    let request = v1::ControlRolloutRequest { command, allow_shrink: false, actor };
    print(&format!("{}\n", controller.control(request).await?.message))
}

/// How a rollout is looked at.
#[derive(Debug, Clone, Copy)]
struct Looking {
    watch: bool,
    wait: bool,
    patience: Patience,
}

async fn show(
    controller: &Controller,
    revision: u64,
    looking: Looking,
    format: Format,
) -> anyhow::Result<()> {
    let mut screen = Screen::new(format);
    let Looking { watch, wait, patience } = looking;
    if !watch && !wait {
        return screen.show(&controller.rollout(revision).await?.into());
    }
    let (document, ended) =
        wait::until_ended(
            controller,
            revision,
            patience,
            |document| {
                if watch { screen.show(document) } else { Ok(()) }
            },
        )
        .await?;
    if !watch {
        screen.show(&document)?;
    }
    if wait { ended } else { Ok(()) }
}

/// Where a rollout is shown again and again.
#[derive(Debug)]
struct Screen {
    format: Format,
    is_terminal: bool,
    /// Lines of what is shown, to be overwritten.
    lines: usize,
    last: Option<RolloutDocument>,
}

impl Screen {
    fn new(format: Format) -> Self {
        Self { format, is_terminal: io::stdout().is_terminal(), lines: 0, last: None }
    }

    fn show(&mut self, document: &RolloutDocument) -> anyhow::Result<()> {
        // Where nothing can be overwritten, only what is news is worth a line.
        let is_news = self.last.as_ref().is_none_or(|last| news(last) != news(document));
        if !self.is_terminal && !is_news {
            return Ok(());
        }
        self.last = Some(document.clone());
        if matches!(self.format, Format::Json | Format::Yaml) {
            return print_document(document, self.format);
        }
        let text = text(document, Paint::for_stdout());
        let up = match self.lines {
            lines if self.is_terminal && lines > 0 => format!("\x1b[{lines}A\x1b[J"),
            _ => String::new(),
        };
        self.lines = text.lines().count();
        print(&format!("{up}{text}"))
    }
}

/// What a person would want to see a new line for.
fn news(document: &RolloutDocument) -> (u64, &'static str, Option<&str>, u32, u32) {
    let serving = document.waves.get(document.wave as usize).map_or(0, |wave| wave.serving);
    (document.revision, document.state, document.reason.as_deref(), document.wave, serving)
}

pub(crate) fn text(document: &RolloutDocument, paint: Paint) -> String {
    let state = match document.state {
        "proven" => paint.good(document.state),
        "rejected" | "rolled_back" => paint.bad(document.state),
        state => paint.uncertain(state),
    };
    let paused = if document.paused { ", paused" } else { "" };
    let mut text = format!("revision {}: {state}{paused}\n", document.revision);
    for (index, wave) in document.waves.iter().enumerate() {
        text.push_str(&wave_line(document, index, wave));
    }
    if let Some(evidence) = &document.evidence {
        text.push_str(&format!("  traffic: {evidence}\n"));
    }
    for (what, ids) in [("waits for", &document.waiting), ("cannot take it", &document.unavailable)] {
        if !ids.is_empty() {
            text.push_str(&format!("  {what}: {}\n", ids.join(", ")));
        }
    }
    if let Some(reason) = &document.reason {
        text.push_str(&format!("  {reason}\n"));
    }
    text
}

fn wave_line(document: &RolloutDocument, index: usize, wave: &WaveDocument) -> String {
    let current = document.wave as usize;
    let is_last = index + 1 == document.waves.len();
    let name =
        if is_last { "whole fleet".to_owned() } else { format!("wave {} ({})", index + 1, wave.nodes) };
    let filled = match wave.members {
        0 => 0,
        members => BAR * wave.serving.min(members) as usize / members as usize,
    };
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled));
    let note = match index {
        index if index < current => "  passed".to_owned(),
        index if index > current => String::new(),
        _ if document.state == "rolling" => String::new(),
        _ => {
            let seconds = |millis| Duration::from_millis(millis).as_secs_f64();
            let what = if document.state == "proving" { "on trial" } else { "bakes" };
            format!("  {what} {:.1} s of {:.1} s", seconds(document.elapsed_ms), seconds(document.needed_ms))
        }
    };
    format!("  {name:<24} {bar} {}/{}{note}\n", wave.serving, wave.members)
}

#[cfg(test)]
mod tests;

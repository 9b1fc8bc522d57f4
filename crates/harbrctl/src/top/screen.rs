use std::io;

use anyhow::Context as _;
use ratatui::DefaultTerminal;

use super::draw;
use super::state::State;
use crate::paint::Paint;

/// The terminal, as long as it is ours. It is given back however that ends: ratatui's hook does it on a panic, before
/// the message is printed.
#[derive(Debug)]
pub(crate) struct Screen(DefaultTerminal);

impl Screen {
    pub(crate) fn enter() -> anyhow::Result<Self> {
        ratatui::try_init().map(Self).context("cannot take the terminal").inspect_err(|_| give_back())
    }

    pub(crate) fn draw(&mut self, state: &mut State, paint: Paint) -> anyhow::Result<()> {
        let drawn = self.0.draw(|frame| {
            let area = frame.area();
            state.fit(draw::page(area));
            draw::draw(state, paint, area, frame.buffer_mut());
        });
        drawn.map(drop).context("cannot draw")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Where that fails the terminal is gone, and nobody is there to be told.
fn give_back() {
    let _: io::Result<()> = ratatui::try_restore();
}

#[cfg(test)]
mod tests;

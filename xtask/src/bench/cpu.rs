//! CPU time of a process, from `/proc/PID/stat`.

use std::time::Duration;

use anyhow::{Context, Result};

/// Linux tells user space about CPU time in hundredths of a second, on every architecture of today.
const TICK: Duration = Duration::from_millis(10);

/// User and system time so far, of all threads.
pub(super) fn time_of(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse(&stat).with_context(|| format!("/proc/{pid}/stat: {stat}"))
}

fn parse(stat: &str) -> Option<Duration> {
    // The second field is the program's name in brackets, and may hold spaces and brackets itself.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

#[cfg(test)]
mod tests;

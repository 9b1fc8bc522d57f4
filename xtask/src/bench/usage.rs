//! What a process uses, from `/proc`.

use std::time::Duration;

use anyhow::{Context, Result};

/// Linux tells user space about CPU time in hundredths of a second, on every architecture of today.
const TICK: Duration = Duration::from_millis(10);

/// User and system time so far, of all threads.
pub(super) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_stat(&stat).with_context(|| format!("/proc/{pid}/stat: {stat}"))
}

/// Proportional set size: memory that is shared counts in parts.
pub(super) fn memory_bytes(pid: u32) -> Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    parse_pss(&rollup).with_context(|| format!("/proc/{pid}/smaps_rollup: {rollup}"))
}

fn parse_stat(stat: &str) -> Option<Duration> {
    // The second field is the program's name in brackets, and may hold spaces and brackets itself.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

fn parse_pss(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests;

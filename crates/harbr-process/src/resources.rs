use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MIN_THREADS: &str = "RUST_MIN_THREADS";
const MAX_THREADS: &str = "RUST_MAX_THREADS";
/// Far above the cores of any machine; a slip of the finger starts no hundred thousand threads.
const MOST: usize = 1_024;

/// Why the bounds of worker threads in the environment cannot hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidThreads {
    #[error("{name} is `{value}`, which is not a number of threads: a whole number from 1 to {MOST}")]
    NotANumber { name: &'static str, value: String },
    #[error("{MIN_THREADS} is {min}, above {MAX_THREADS}, which is {max}")]
    MinAboveMax { min: usize, max: usize },
}

/// Raises the soft limit of open descriptors to the hard one, and gives it; `u64::MAX` stands for no limit.
///
/// # Errors
/// If the system refuses.
pub fn raise_descriptor_limit() -> std::io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Keeps the kernel from backing the heap with pages of 2 MiB, of which each of a few threads touches a corner of
/// its own: at rest they take 24 MiB instead of 10, and a request costs the same (1.001, measured side by side).
/// To be called before anything is allocated in earnest.
pub fn refuse_huge_pages() {
    // A kernel that knows nothing of it has none to refuse.
    let _refused = rustix::thread::disable_transparent_huge_pages(true);
}

/// The cores that this process may use, held between `RUST_MIN_THREADS` (1 if unset) and `RUST_MAX_THREADS`.
///
/// # Errors
/// If one of them is not a number from 1 to 1,024, or they contradict each other.
pub fn worker_threads() -> Result<usize, InvalidThreads> {
    let available = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    clamp_threads(available, variable(MIN_THREADS), variable(MAX_THREADS))
}

fn clamp_threads(
    available: usize,
    min: Option<String>,
    max: Option<String>,
) -> Result<usize, InvalidThreads> {
    let min = parse_threads(MIN_THREADS, min)?.unwrap_or(1);
    let max = parse_threads(MAX_THREADS, max)?.unwrap_or(usize::MAX);
    if min > max {
        return Err(InvalidThreads::MinAboveMax { min, max });
    }
    Ok(available.clamp(min, max))
}

fn parse_threads(name: &'static str, value: Option<String>) -> Result<Option<usize>, InvalidThreads> {
    let Some(value) = value else { return Ok(None) };
    match value.parse() {
        Ok(threads @ 1..=MOST) => Ok(Some(threads)),
        Ok(_) | Err(_) => Err(InvalidThreads::NotANumber { name, value }),
    }
}

#[cfg(test)]
mod tests;

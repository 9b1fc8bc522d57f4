use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics of this process so far, of whatever thread and whether they were caught or not. 0 before
/// `count_panics`.
#[must_use]
pub fn panics() -> u64 {
    PANICS.load(Relaxed)
}

/// From now on panics are counted, beside what was done about them before.
pub(crate) fn count_panics() {
    static HOOK: Once = Once::new();

    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Relaxed);
            before(panic);
        }));
    });
}

//! The bounds of a snapshot. Both planes hold them: the controller before it sends, the node before it builds.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Routes in one snapshot.
pub const MAX_ROUTES: usize = 1_000_000;
/// Listeners in one snapshot.
pub const MAX_LISTENERS: usize = 64;
/// Certificates in one snapshot: the controller reads their files again every few seconds.
pub const MAX_CERTIFICATES: usize = 1_000;
/// Targets of `CONNECT` on one listener: each is looked at for each tunnel.
pub const MAX_CONNECT_TARGETS: usize = 1_000;
/// Endpoints of one upstream.
pub const MAX_ENDPOINTS: usize = 10_000;
/// Bytes in a name: a route key, an upstream, a listener.
pub const MAX_NAME_BYTES: usize = 1_024;
/// `retry_count` at most.
pub const MAX_RETRIES: u32 = 10;
/// Of an upstream's active requests on a node, at most one in so many is a retry …
pub const RETRY_BUDGET_SHARE: u32 = 5;
/// … but always so many.
pub const RETRY_BUDGET_FLOOR: u32 = 3;
/// Blocks of trusted addresses: each is looked at for each new connection.
pub const MAX_TRUSTED_PROXIES: usize = 1_000;
/// The longest duration of any setting.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// Waves of a rollout, before the rest of the fleet.
pub const MAX_WAVES: usize = 16;
/// Bytes of a window of HTTP/2: from what each connection starts with (RFC 9113, 6.9.2).
pub const HTTP2_WINDOWS: RangeInclusive<u32> = 65_535..=16 * 1024 * 1024;
/// Requests that a node remembers of its traffic.
pub const MAX_SAMPLE_SIZE: u32 = 100_000;
/// Of so many requests it remembers one at least.
pub const MAX_SAMPLE_STRIDE: u32 = 1_000_000;

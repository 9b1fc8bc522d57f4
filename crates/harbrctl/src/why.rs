use clap::Args;
use harbr_proto::v1;

/// For those who read later what was changed.
#[derive(Debug, Clone, Args)]
pub(crate) struct Why {
    /// Why, for those who read the audit
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

impl Why {
    /// Who asks, by this machine's word; a certificate counts for more.
    pub(crate) fn actor(self) -> v1::Actor {
        let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = format!("{}@{}", user.as_deref().unwrap_or("unknown"), host.trim());
        v1::Actor { name, reason: self.reason }
    }
}

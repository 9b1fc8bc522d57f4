use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// One of the product's binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    Router,
    Controlplane,
    Dataplane,
    Harbrctl,
    /// A node that dies of a snapshot with the route `/abort-two-seconds-after`, two seconds after it took it.
    FaultyDataplane,
}

impl Program {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Router => "harbr-router",
            Self::Controlplane => "harbr-controlplane",
            Self::Dataplane => "harbr-dataplane",
            Self::Harbrctl => "harbrctl",
            Self::FaultyDataplane => "harbr-dataplane-faulty",
        }
    }

    /// Where it is: in `HARBR_BIN_DIR`, or where one `cargo build` of this test run put it.
    ///
    /// # Panics
    /// If it does not build.
    #[must_use]
    pub fn path(self) -> PathBuf {
        if let Some(folder) = std::env::var_os("HARBR_BIN_DIR") {
            return Path::new(&folder).join(self.name());
        }
        static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
        static FAULTY: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
        let built = match self {
            // Asked for by itself and for the whole workspace, it compiles but its own crate anew, and takes no other
            // program's place.
            Self::FaultyDataplane => FAULTY.get_or_init(|| {
                build(&["--bin", self.name(), "--features", "harbr-dataplane/fault-injection"])
            }),
            Self::Router | Self::Controlplane | Self::Dataplane | Self::Harbrctl => {
                BUILT.get_or_init(|| build(&["--bins"]))
            }
        };
        built
            .get(self.name())
            .cloned()
            .unwrap_or_else(|| panic!("the workspace has no binary {}", self.name()))
    }
}

/// Builds binaries, and asks cargo where they are.
fn build(which: &[&str]) -> HashMap<String, PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--workspace", "--message-format=json-render-diagnostics"]).args(which);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "the binaries do not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}

//! What `explain` and `plan` look at: a configuration, from a file or from a controller.

use anyhow::Context as _;
use harbr_config::Config;
use harbr_model::Route;
use harbr_proto::table;

pub(crate) use harbr_explain::{Documents, Subject};

/// What a file says. Of the health of its endpoints nothing is known.
pub(crate) fn of_file(name: &str, config: &Config) -> anyhow::Result<Subject> {
    let source = |route: &Route| match config.routes.get(&route.name) {
        Some(position) => format!("{name}:{}", position.line),
        None => name.to_owned(),
    };
    Subject::of_table(name.to_owned(), table(&config.snapshot, &source)).with_context(|| name.to_owned())
}

//! What `explain` and `plan` look at: a configuration as it answers requests, from a file or from a controller.

use std::collections::BTreeMap;

use anyhow::Context as _;
use harbr_config::Config;
use harbr_model::{Route, Settings};
use harbr_proto::document::{ListenerDocument, RouteDocument, SettingsDocument, UpstreamDocument};
use harbr_proto::{table, v1};
use harbr_routing::RouteTable;

#[derive(Debug)]
pub(crate) struct Subject {
    /// A file's name, or `revision 7`.
    pub(crate) name: String,
    pub(crate) settings: Settings,
    /// By their place in `documents`, in the order in which those of one host and path are tried.
    pub(crate) routes: Vec<Route>,
    pub(crate) documents: Documents,
}

/// The same as programs are told it.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) settings: SettingsDocument,
    pub(crate) listeners: Vec<ListenerDocument>,
    pub(crate) routes: Vec<RouteDocument>,
    pub(crate) upstreams: BTreeMap<String, UpstreamDocument>,
}

impl Subject {
    /// What a file says. Of the health of its endpoints nothing is known.
    pub(crate) fn of_file(name: &str, config: &Config) -> anyhow::Result<Self> {
        let source = |route: &Route| match config.routes.get(&route.name) {
            Some(position) => format!("{name}:{}", position.line),
            None => name.to_owned(),
        };
        Self::of_table(name.to_owned(), table(&config.snapshot, &source))
    }

    pub(crate) fn of_revision(table: v1::Table) -> anyhow::Result<Self> {
        Self::of_table(format!("revision {}", table.revision), table)
    }

    fn of_table(name: String, table: v1::Table) -> anyhow::Result<Self> {
        let v1::Table { settings, listeners, routes, upstreams, .. } = table;
        let settings = settings.context("the controller's answer has no settings")?;
        let documents = Documents {
            settings: SettingsDocument::from(&settings),
            listeners: listeners.into_iter().map(ListenerDocument::from).collect(),
            routes: routes.iter().cloned().map(RouteDocument::from).collect(),
            upstreams: upstreams
                .into_iter()
                .map(UpstreamDocument::from)
                .map(|upstream| (upstream.name.clone(), upstream))
                .collect(),
        };
        let routes: Result<Vec<Route>, _> = routes.into_iter().map(Route::try_from).collect();
        let settings = Settings::try_from(settings).context("the settings cannot be read")?;
        Ok(Self { name, settings, routes: routes.context("a route cannot be read")?, documents })
    }

    /// The proxies' own table; it answers with places in `routes`.
    pub(crate) fn table(&self) -> RouteTable<usize> {
        RouteTable::new(self.routes.iter().map(|route| route.matches.clone()).zip(0..))
    }
}

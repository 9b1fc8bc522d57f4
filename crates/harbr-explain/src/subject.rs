use std::collections::BTreeMap;

use harbr_model::{Route, Settings};
use harbr_proto::document::{ListenerDocument, RouteDocument, SettingsDocument, UpstreamDocument};
use harbr_proto::v1;
use harbr_routing::RouteTable;

/// What is looked at: a configuration as it answers requests, from a file or from a controller.
#[derive(Debug)]
pub struct Subject {
    /// A file's name, or `revision 7`.
    pub name: String,
    pub settings: Settings,
    /// By their place in `documents`, in the order in which those of one host and path are tried.
    pub routes: Vec<Route>,
    pub documents: Documents,
}

/// The same as programs are told it.
#[derive(Debug)]
pub struct Documents {
    pub settings: SettingsDocument,
    pub listeners: Vec<ListenerDocument>,
    pub routes: Vec<RouteDocument>,
    pub upstreams: BTreeMap<String, UpstreamDocument>,
}

/// What a controller says is no configuration that this build can read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTable {
    #[error("the controller's answer has no settings")]
    NoSettings,
    #[error("a setting or a route cannot be read: {0}")]
    Resource(#[from] harbr_proto::InvalidResource),
}

impl Subject {
    /// # Errors
    /// If a newer program has made it.
    pub fn of_revision(table: v1::Table) -> Result<Self, InvalidTable> {
        Self::of_table(format!("revision {}", table.revision), table)
    }

    /// # Errors
    /// If a newer program has made it.
    pub fn of_table(name: String, table: v1::Table) -> Result<Self, InvalidTable> {
        let v1::Table { settings, listeners, routes, upstreams, .. } = table;
        let settings = settings.ok_or(InvalidTable::NoSettings)?;
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
        Ok(Self { name, settings: Settings::try_from(settings)?, routes: routes?, documents })
    }

    /// The proxies' own table; it answers with places in `routes`.
    pub fn table(&self) -> RouteTable<usize> {
        RouteTable::new(self.routes.iter().map(|route| route.matches.clone()).zip(0..))
    }
}

use std::net::SocketAddr;
use std::path::PathBuf;

/// The flags of a node, the same in every program that has one.
#[derive(Debug, Clone, clap::Args)]
pub struct NodeArgs {
    /// The node's name; if none is given the one in its certificate, or its host's
    #[arg(long, env = "HARBR_NODE_ID", value_name = "ID")]
    pub node_id: Option<String>,
    /// A label of the node, may be repeated
    #[arg(
        long = "label",
        env = "HARBR_LABELS",
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        value_parser = parse_label
    )]
    pub labels: Vec<(String, String)>,
    /// Where /livez, /readyz, /metrics and /info are served
    #[arg(long, env = "HARBR_ADMIN_ADDR", value_name = "ADDR", default_value = "127.0.0.1:7402")]
    pub admin_addr: SocketAddr,
    /// Listen here, whatever the configuration says; NAME is the listener's, `default` if none is given
    #[arg(
        long,
        env = "HARBR_LISTEN",
        value_name = "[NAME=]ADDR",
        value_delimiter = ',',
        value_parser = parse_listen
    )]
    pub listen: Vec<ListenOverride>,
    /// The node's own socket, for `harbrctl --node-socket`; node.sock in the state folder if none is given
    #[arg(long, env = "HARBR_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// An address in place of the one that a snapshot gives a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenOverride {
    pub name: String,
    pub addr: SocketAddr,
}

impl NodeArgs {
    pub(crate) fn node_id(&self) -> String {
        match &self.node_id {
            Some(id) => id.clone(),
            None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        }
    }
}

fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("a label is NAME=VALUE".to_owned()),
    }
}

fn parse_listen(text: &str) -> Result<ListenOverride, String> {
    let (name, addr) = text.split_once('=').unwrap_or(("default", text));
    let addr = addr.parse().map_err(|_| format!("`{addr}` is not IP:PORT"))?;
    Ok(ListenOverride { name: name.to_owned(), addr })
}

use std::sync::Arc;

use harbr_model::{ConnectTarget, Listener, ProxyPeers, Snapshot};
use harbr_tls::InvalidTls;

use crate::tls::ServerTls;

/// How the clients of a listener are received.
#[derive(Debug)]
pub(crate) struct LiveListener {
    pub name: Arc<str>,
    /// `None`: nobody sends PROXY headers.
    pub proxy_peers: Option<ProxyPeers>,
    /// `None`: in the clear.
    pub tls: Option<ServerTls>,
    /// The port to which all requests are redirected.
    pub redirect_https: Option<u16>,
    /// Where a `CONNECT` may go.
    pub connect: Vec<ConnectTarget>,
}

impl LiveListener {
    pub(crate) fn build(
        listener: &Listener,
        snapshot: &Snapshot,
        before: Option<&Self>,
    ) -> Result<Arc<Self>, InvalidTls> {
        let known = before.and_then(|before| before.tls.as_ref());
        let tls = listener.tls.as_ref().map(|tls| ServerTls::build(tls, snapshot, known)).transpose()?;
        Ok(Arc::new(Self {
            name: listener.name.as_str().into(),
            proxy_peers: listener.proxy_peers.clone(),
            tls,
            redirect_https: listener.redirect_https,
            connect: listener.connect.clone(),
        }))
    }
}

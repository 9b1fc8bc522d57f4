use std::sync::Arc;

use harbr_model::{Listener, Snapshot};

use crate::tls::{InvalidTls, ServerTls};

/// How the clients of a listener are received.
#[derive(Debug)]
pub(crate) struct LiveListener {
    pub name: Arc<str>,
    /// `None`: in the clear.
    pub tls: Option<ServerTls>,
}

impl LiveListener {
    pub(crate) fn build(
        listener: &Listener,
        snapshot: &Snapshot,
        before: Option<&Self>,
    ) -> Result<Arc<Self>, InvalidTls> {
        let known = before.and_then(|before| before.tls.as_ref());
        let tls = listener.tls.as_ref().map(|tls| ServerTls::build(tls, snapshot, known)).transpose()?;
        Ok(Arc::new(Self { name: listener.name.as_str().into(), tls }))
    }
}

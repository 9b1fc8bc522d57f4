use harbr_tests::Origin;

/// A configuration file in the making.
#[derive(Clone)]
pub(crate) struct File {
    listen: String,
    global_timeout_ms: u32,
    max_connections: u32,
    settings: String,
    routes: String,
    upstreams: String,
}

impl File {
    pub(crate) fn new() -> Self {
        Self {
            listen: "listen_addr: \"127.0.0.1:0\"".to_owned(),
            global_timeout_ms: 10_000,
            max_connections: 1_000,
            settings: String::new(),
            routes: String::new(),
            upstreams: String::new(),
        }
    }

    /// A file whose only route, `/`, goes to `origin`.
    pub(crate) fn all_to(origin: &Origin) -> Self {
        Self::new().route("/", &to(origin))
    }

    /// `settings` is the inside of a YAML flow mapping.
    pub(crate) fn route(mut self, key: &str, settings: &str) -> Self {
        self.routes.push_str(&format!("  \"{key}\": {{ {settings} }}\n"));
        self
    }

    /// Each of `routes` is the inside of a YAML flow mapping.
    pub(crate) fn routes(mut self, key: &str, routes: &[&str]) -> Self {
        self.routes.push_str(&format!("  \"{key}\":\n"));
        for settings in routes {
            self.routes.push_str(&format!("    - {{ {settings} }}\n"));
        }
        self
    }

    /// `settings` follows the list of endpoints in a YAML flow mapping.
    pub(crate) fn upstream(mut self, name: &str, urls: &[String], settings: &str) -> Self {
        let urls: Vec<_> = urls.iter().map(|url| format!("\"{url}\"")).collect();
        let urls = urls.join(", ");
        let comma = if settings.is_empty() { "" } else { ", " };
        self.upstreams.push_str(&format!("  {name}: {{ endpoints: [{urls}]{comma}{settings} }}\n"));
        self
    }

    /// A line of its own at the top.
    pub(crate) fn set(mut self, line: &str) -> Self {
        self.settings.push_str(line);
        self.settings.push('\n');
        self
    }

    pub(crate) fn listen_addr(mut self, addr: &str) -> Self {
        self.listen = format!("listen_addr: \"{addr}\"");
        self
    }

    /// The line about listeners itself.
    pub(crate) fn listeners(mut self, listeners: &str) -> Self {
        self.listen = listeners.to_owned();
        self
    }

    /// One listener, `default`, with these settings: the inside of a YAML flow mapping.
    pub(crate) fn listener(mut self, settings: &str) -> Self {
        self.listen = format!("listeners: [{{ name: default, addr: \"127.0.0.1:0\", {settings} }}]");
        self
    }

    pub(crate) fn global_timeout_ms(mut self, millis: u32) -> Self {
        self.global_timeout_ms = millis;
        self
    }

    pub(crate) fn max_connections(mut self, count: u32) -> Self {
        self.max_connections = count;
        self
    }

    pub(crate) fn text(&self) -> String {
        let Self { listen, global_timeout_ms, max_connections, settings, routes, upstreams } = self;
        let mut text = format!(
            "{listen}\nglobal_timeout_ms: {global_timeout_ms}\n\
             max_connections: {max_connections}\n{settings}routes:\n{routes}"
        );
        if !upstreams.is_empty() {
            text.push_str(&format!("upstreams:\n{upstreams}"));
        }
        text
    }
}

/// The setting that sends a route to `origin`.
pub(crate) fn to(origin: &Origin) -> String {
    format!("upstream: \"{}\"", origin.url())
}

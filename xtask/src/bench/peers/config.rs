//! From the templates in `xtask/bench/` to the files that proxies read. `@NAME@` stands for a value, and a line that
//! begins with `@EACH_ROUTE@` for as many lines as there are routes.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Addrs, Setup, templates};
use crate::certificate::Certificate;

const EACH_ROUTE: &str = "@EACH_ROUTE@";
const FILES: [&str; 8] = [
    "harbr-router.yml",
    "nginx.conf",
    "haproxy.cfg",
    "haproxy.map",
    "envoy.yaml",
    "traefik.yml",
    "traefik-routes.yml",
    "Caddyfile",
];

/// Writes all of them for one proxy to a folder below `folder`, and returns that.
pub(super) fn write(
    folder: &Path,
    shared_folder: &Path,
    (origin, addrs): (SocketAddr, Addrs),
    setup: Setup,
) -> Result<PathBuf> {
    let config = folder.join("config");
    std::fs::create_dir_all(&config)?;
    let certificate = Certificate::in_folder(shared_folder)?;
    let show = |path: &Path| path.display().to_string();
    let mut values = vec![
        ("@ORIGIN@", origin.to_string()),
        ("@ORIGIN_PORT@", origin.port().to_string()),
        ("@HTTP@", addrs.http.to_string()),
        ("@HTTP_PORT@", addrs.http.port().to_string()),
        ("@HTTPS@", addrs.https.to_string()),
        ("@HTTPS_PORT@", addrs.https.port().to_string()),
        ("@H2C@", addrs.h2c.to_string()),
        ("@H2C_PORT@", addrs.h2c.port().to_string()),
        ("@FOLDER@", show(folder)),
        ("@CONFIG@", show(&config)),
        ("@CERT@", show(&certificate.chain)),
        ("@KEY@", show(&certificate.key)),
        ("@PEM@", show(&certificate.both)),
    ];
    values.extend(access_logs(setup.access_log, folder));
    for name in FILES {
        let template = templates().join(name);
        let text = std::fs::read_to_string(&template)
            .with_context(|| format!("{} cannot be read", template.display()))?;
        std::fs::write(config.join(name), render(&text, &values, setup.routes))?;
    }
    std::fs::write(config.join("pingora.addrs"), format!("{} {} {origin}", addrs.http, addrs.h2c))?;
    Ok(config)
}

/// How each is told to write its access log, or not to.
fn access_logs(on: bool, folder: &Path) -> Vec<(&'static str, String)> {
    let folder = folder.display();
    let when = |text: String, off: &str| if on { text } else { off.to_owned() };
    vec![
        ("@HARBR_LOG@", when("json".to_owned(), "off")),
        ("@NGINX_LOG@", when(format!("{folder}/access.log requests buffer=64k flush=1s"), "off")),
        ("@HAPROXY_LOG@", when("log global\n    option httplog".to_owned(), "no log")),
        ("@ENVOY_LOG@", when(envoy_log(&format!("{folder}/access.log")), "")),
        (
            "@TRAEFIK_LOG@",
            when(
                format!(
                    "accessLog: {{ filePath: \"{folder}/access.log\", format: json, bufferingSize: 1000 }}"
                ),
                "",
            ),
        ),
        ("@CADDY_LOG@", when(format!("log {{\n\t\toutput file {folder}/access.log\n\t}}"), "")),
    ]
}

fn envoy_log(path: &str) -> String {
    let kind = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
    format!(
        "access_log: [{{ name: envoy.access_loggers.file, typed_config: {{ \"@type\": {kind}, path: \"{path}\" }} }}]"
    )
}

fn render(template: &str, values: &[(&str, String)], routes: u32) -> String {
    let mut text = String::new();
    for line in template.lines() {
        match line.split_once(EACH_ROUTE) {
            // The route that takes the rest is one of them.
            Some((indent, line)) => {
                for number in 0..routes - 1 {
                    let _written = writeln!(text, "{indent}{}", line.replace("@N@", &number.to_string()));
                }
            }
            None => {
                let line =
                    values.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value));
                text += &line;
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;

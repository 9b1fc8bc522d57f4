//! `listen_addr` or `listeners`: the addresses to accept connections on.

use std::collections::HashMap;
use std::net::SocketAddr;

use harbr_model::{ConnectTarget, Listener, MAX_CONNECT_TARGETS, MAX_LISTENERS, OtherPeers, ProxyPeers};

use super::credentials::Credentials;
use super::tls::listener_tls;
use super::value::{check_name, choice, networks, required};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::position::Span;
use crate::raw::{RawConfig, RawListener, RawProxyPeers};
use crate::read::{Field, Spanned};

/// The name of the listener that `listen_addr` is short for.
const DEFAULT_NAME: &str = "default";
const HTTPS_PORT: u16 = 443;
const OTHERS: [(&str, OtherPeers); 2] = [("refuse", OtherPeers::Refused), ("serve", OtherPeers::Served)];

pub(super) fn listeners(
    raw: &RawConfig,
    top: Span,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<Vec<Listener>> {
    match (&raw.listen_addr, &raw.listeners) {
        (Field::Missing, Field::Missing) => {
            let hint = "add `listen_addr: \"0.0.0.0:8080\"`";
            findings.push(Diagnostic::new(Code::MissingKey, top, "`listen_addr` is missing").with_hint(hint));
            None
        }
        (Field::Given(addr), Field::Missing) => {
            let addr = address("listen_addr", addr, findings)?;
            Some(vec![Listener::plain(DEFAULT_NAME, addr)])
        }
        (Field::Missing, Field::Given(list)) => several(list, credentials, findings),
        (Field::Given(addr), Field::Given(list)) => {
            findings.push(
                Diagnostic::new(
                    Code::ExclusiveKeys,
                    list.span,
                    "a file has either `listen_addr` or `listeners`",
                )
                .with_related(addr.span, "`listen_addr` is here")
                .with_hint("keep `listeners`, and give this address a name there"),
            );
            address("listen_addr", addr, findings);
            several(list, credentials, findings)
        }
        (Field::Refused, _) | (_, Field::Refused) => None,
    }
}

fn several(
    list: &Spanned<Vec<Field<RawListener>>>,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<Vec<Listener>> {
    let count = list.value.len();
    if count == 0 || count > MAX_LISTENERS {
        let message = format!("`listeners` must have from 1 to {MAX_LISTENERS} items, not {count}");
        findings.push(Diagnostic::new(Code::WrongCount, list.span, message));
        return None;
    }
    let mut names = HashMap::new();
    let mut addresses = HashMap::new();
    let mut listeners = Vec::new();
    for item in list.value.iter().filter_map(Field::given) {
        let Some(Spanned { value: listener, span }) = one(item, credentials, findings) else { continue };
        if let Some(first) = names.insert(listener.name.clone(), span) {
            let message = format!("two listeners are named `{}`", listener.name);
            findings.push(
                Diagnostic::new(Code::DuplicateListener, span, message)
                    .with_related(first, "first defined here"),
            );
        }
        // Port 0 is another port each time.
        if listener.addr.port() != 0
            && let Some(first) = addresses.insert(listener.addr, span)
        {
            let message = format!("two listeners have the address {}", listener.addr);
            findings.push(
                Diagnostic::new(Code::DuplicateAddress, span, message).with_related(first, "first used here"),
            );
        }
        listeners.push(listener);
    }
    Some(listeners)
}

fn one(
    item: &Spanned<RawListener>,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<Spanned<Listener>> {
    let RawListener { name, addr, tls, proxy_protocol, redirect_https, connect } = &item.value;
    let name = required(name, item.span, "the listener has no `name`", "name: public", findings);
    let addr = required(addr, item.span, "the listener has no `addr`", "addr: \"0.0.0.0:8080\"", findings)
        .and_then(|addr| address("addr", addr, findings));
    let tls = match tls {
        Field::Missing => Some(None),
        Field::Refused => None,
        Field::Given(tls) => listener_tls(tls, credentials, findings).map(Some),
    };
    let proxy_peers = match proxy_protocol {
        Field::Missing => Some(None),
        Field::Refused => None,
        Field::Given(raw) => proxy_peers(raw, findings).map(Some),
    };
    let redirect_https = redirect_https.given().and_then(|text| redirect(text, item, findings));
    let connect = connect_targets(connect, findings);
    let name = name?;
    check_name("a listener", name, findings)?;
    let listener = Listener {
        name: name.value.clone(),
        addr: addr?,
        tls: tls?,
        proxy_peers: proxy_peers?,
        redirect_https,
        connect,
    };
    Some(Spanned { value: listener, span: name.span })
}

fn proxy_peers(raw: &Spanned<RawProxyPeers>, findings: &mut Findings) -> Option<ProxyPeers> {
    let RawProxyPeers { from, others } = &raw.value;
    let missing = "`proxy_protocol` does not say from whom";
    let from = required(from, raw.span, missing, "from: [\"10.0.0.0/8\"]", findings)
        .map(|list| networks("from", list, findings));
    let others = choice("others", others, &OTHERS, findings).unwrap_or(OtherPeers::Refused);
    Some(ProxyPeers { from: from?, others })
}

fn connect_targets(field: &Field<Vec<Field<String>>>, findings: &mut Findings) -> Vec<ConnectTarget> {
    let Some(list) = field.given() else { return Vec::new() };
    if list.value.len() > MAX_CONNECT_TARGETS {
        let message = format!("`connect` has more than {MAX_CONNECT_TARGETS} items");
        findings.push(Diagnostic::new(Code::WrongCount, list.span, message));
    }
    let target = |text: &Spanned<String>| match text.value.parse() {
        Ok(target) => Some(target),
        Err(error) => {
            let message = format!("`{}` is {error}", text.value);
            findings.push(Diagnostic::new(Code::InvalidConnectTarget, text.span, message));
            None
        }
    };
    list.value.iter().filter_map(Field::given).filter_map(target).collect()
}

/// The port.
fn redirect(text: &Spanned<String>, item: &Spanned<RawListener>, findings: &mut Findings) -> Option<u16> {
    let Spanned { value, span } = text;
    let port = match value.as_str() {
        "false" => return None,
        "true" => Some(HTTPS_PORT),
        port => port.parse().ok().filter(|port| *port != 0),
    };
    if port.is_none() {
        let message = format!("`redirect_https` must be `true` or a port, not `{value}`");
        findings.push(Diagnostic::new(Code::InvalidRedirect, *span, message));
    }
    if let Some(tls) = item.value.tls.given() {
        let message = "a listener has either `tls` or `redirect_https`";
        findings.push(
            Diagnostic::new(Code::ExclusiveKeys, *span, message)
                .with_related(tls.span, "`tls` is here")
                .with_hint("redirect from a listener of its own, on port 80"),
        );
    }
    port
}

fn address(key: &str, text: &Spanned<String>, findings: &mut Findings) -> Option<SocketAddr> {
    let Spanned { value, span } = text;
    let Ok(address) = value.parse() else {
        let message = format!("`{key}` must be an IP address and a port, not `{value}`");
        findings.push(Diagnostic::new(Code::InvalidAddress, *span, message).with_hint(address_hint(value)));
        return None;
    };
    Some(address)
}

fn address_hint(text: &str) -> String {
    if let Some((host, port)) = text.rsplit_once(':')
        && format!("{host}:0").parse::<SocketAddr>().is_ok()
    {
        return format!("a port is a number from 0 to 65535, unlike `{port}`");
    }
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, port),
        _ if is_port(text) => ("", text),
        _ => (text, "8080"),
    };
    match host {
        "" | "*" => format!("write `0.0.0.0:{port}` to listen on all addresses"),
        "localhost" => format!("write `127.0.0.1:{port}`"),
        _ if format!("{host}:{port}").parse::<SocketAddr>().is_ok() => format!("write `{host}:{port}`"),
        _ if format!("[{host}]:{port}").parse::<SocketAddr>().is_ok() => format!("write `[{host}]:{port}`"),
        _ => "an address is written `0.0.0.0:8080` or `[::]:8080`; names are not looked up".to_owned(),
    }
}

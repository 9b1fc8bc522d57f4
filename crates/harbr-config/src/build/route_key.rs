//! A route's key: `[host]/path-prefix`.

use harbr_model::{HostPattern, PathPrefix};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::read::Spanned;

#[derive(Debug)]
pub(super) struct RouteKey {
    pub(super) host: HostPattern,
    pub(super) path: PathPrefix,
    /// The key in its normal form: `/api/` is `/api`. Also the route's name.
    pub(super) name: String,
}

pub(super) fn route_key(text: &Spanned<String>, findings: &mut Findings) -> Option<RouteKey> {
    let Spanned { value, span } = text;
    match parse(value) {
        Ok(key) => Some(key),
        Err((message, hint)) => {
            let mut diagnostic = Diagnostic::new(Code::InvalidRouteKey, *span, message);
            diagnostic.hint = hint;
            findings.push(diagnostic);
            None
        }
    }
}

fn parse(text: &str) -> Result<RouteKey, (String, Option<String>)> {
    if let Some((_, rest)) = text.split_once("://") {
        let hint = format!("a route is for any scheme: write `{rest}`");
        return Err((format!("the route key `{text}` has a scheme"), Some(hint)));
    }
    let Some(slash) = text.find('/') else {
        let hint = if HostPattern::parse(text).is_ok() && text.contains('.') {
            format!("write `{text}/` for all paths of this host")
        } else {
            format!("write `/{text}`, or `{text}/` if it is a host")
        };
        return Err((format!("the route key `{text}` has no path"), Some(hint)));
    };
    let (host, path) = text.split_at(slash);
    let host = match host {
        "" => HostPattern::Any,
        host => HostPattern::parse(host).map_err(|invalid| {
            let without_port = host.rsplit_once(':').map(|(name, _)| name);
            let hint = without_port
                .filter(|name| HostPattern::parse(name).is_ok())
                .map(|name| format!("a route is for any port: write `{name}{path}`"));
            (format!("the host of the route key `{text}` is wrong: {invalid}"), hint)
        })?,
    };
    let path = PathPrefix::parse(path)
        .map_err(|invalid| (format!("the path of the route key `{text}` is wrong: {invalid}"), None))?;
    if let Some((start, _)) = path.as_str().rsplit_once('/').filter(|(_, last)| *last == "*") {
        let hint = format!(
            "a path is for all paths below it: write `{host}{}`",
            if start.is_empty() { "/" } else { start }
        );
        return Err((format!("the route key `{text}` has a wildcard in its path"), Some(hint)));
    }
    let name = format!("{host}{path}");
    Ok(RouteKey { host, path, name })
}

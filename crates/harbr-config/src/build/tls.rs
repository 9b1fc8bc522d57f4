//! `tls` of a listener and of an upstream.

use harbr_model::{ClientAuth, ClientAuthMode, ListenerTls, TlsVersion, UpstreamTls, Verification};
use rustls::pki_types::ServerName;

use super::credentials::Credentials;
use super::value::{choice, required};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Findings};
use crate::raw::{RawClientAuth, RawListenerTls, RawUpstreamTls};
use crate::read::{Field, Spanned};

const VERSIONS: [(&str, TlsVersion); 2] = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];
const MODES: [(&str, ClientAuthMode); 2] =
    [("required", ClientAuthMode::Required), ("optional", ClientAuthMode::Optional)];

pub(super) fn listener_tls(
    raw: &Spanned<RawListenerTls>,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<ListenerTls> {
    let RawListenerTls { certificates, min_version, client_auth: auth } = &raw.value;
    let example = "certificates: [{cert: site.pem, key: site.key}]";
    let certificates = required(certificates, raw.span, "`tls` has no `certificates`", example, findings)
        .and_then(|list| credentials.certificates(list, findings));
    let min_version = choice("min_version", min_version, &VERSIONS, findings).unwrap_or(TlsVersion::V1_2);
    let client_auth = match auth {
        Field::Missing => Some(None),
        Field::Refused => None,
        Field::Given(raw) => client_auth(raw, credentials, findings).map(Some),
    };
    Some(ListenerTls { certificates: certificates?, min_version, client_auth: client_auth? })
}

fn client_auth(
    raw: &Spanned<RawClientAuth>,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<ClientAuth> {
    let RawClientAuth { ca, mode } = &raw.value;
    let authority = required(ca, raw.span, "`client_auth` has no `ca`", "ca: clients.pem", findings)
        .and_then(|path| credentials.authority(path, findings));
    let mode = choice("mode", mode, &MODES, findings).unwrap_or(ClientAuthMode::Required);
    Some(ClientAuth { authority: authority?, mode })
}

pub(super) fn upstream_tls(
    raw: &Spanned<RawUpstreamTls>,
    credentials: &mut Credentials<'_>,
    findings: &mut Findings,
) -> Option<UpstreamTls> {
    let RawUpstreamTls { ca, server_name: name, cert, key, verify } = &raw.value;
    let authority = ca.given().map(|path| credentials.authority(path, findings));
    let certificate = match (cert, key) {
        (Field::Given(cert), Field::Given(key)) => Some(credentials.certificate(cert, key, findings)),
        (Field::Given(cert), Field::Missing) => Some(alone(cert, "cert", "key", findings)),
        (Field::Missing, Field::Given(key)) => Some(alone(key, "key", "cert", findings)),
        (Field::Missing, Field::Missing) | (Field::Refused, _) | (_, Field::Refused) => None,
    };
    let verification = match verify.given() {
        Some(Spanned { value: false, .. }) => Verification::Off,
        Some(Spanned { value: true, .. }) | None => Verification::Full,
    };
    let server_name = name.given().map(|name| server_name(name, findings));
    Some(UpstreamTls {
        authority: whole(authority)?,
        server_name: whole(server_name)?,
        certificate: whole(certificate)?,
        verification,
    })
}

/// What was given must be good; what was not is no fault.
fn whole<T>(given: Option<Option<T>>) -> Option<Option<T>> {
    given.map_or(Some(None), |good| good.map(Some))
}

fn alone(given: &Spanned<String>, key: &str, other: &str, findings: &mut Findings) -> Option<String> {
    let message = format!("`{key}` is here and `{other}` is not: a certificate has both");
    findings.push(Diagnostic::new(Code::MissingKey, given.span, message));
    None
}

fn server_name(name: &Spanned<String>, findings: &mut Findings) -> Option<String> {
    if ServerName::try_from(name.value.as_str()).is_ok() {
        return Some(name.value.clone());
    }
    let message = format!("`{}` is not the name of a host", name.value);
    findings.push(Diagnostic::new(Code::InvalidServerName, name.span, message));
    None
}

//! `tls` of a listener.

use harbr_model::ListenerTls;

use super::certificates::Certificates;
use super::value::required;
use crate::diagnostic::Findings;
use crate::raw::RawListenerTls;
use crate::read::Spanned;

pub(super) fn listener_tls(
    raw: &Spanned<RawListenerTls>,
    certificates: &mut Certificates<'_>,
    findings: &mut Findings,
) -> Option<ListenerTls> {
    let RawListenerTls { certificates: list } = &raw.value;
    let example = "certificates: [{cert: site.pem, key: site.key}]";
    let list = required(list, raw.span, "`tls` has no `certificates`", example, findings)?;
    Some(ListenerTls { certificates: certificates.add_all(list, findings)? })
}

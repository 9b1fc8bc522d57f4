use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Authority, AuthorityError};
use crate::{Certificate, Identity, Role};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn authority() -> Authority {
    let pair = Authority::create("test", DAY).unwrap();
    Authority::from_pem(&pair.certificate, &pair.key).unwrap()
}

fn read(pem: &str) -> Certificate {
    Certificate::read(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_certificate_says_who_and_where_and_until_when() {
    let identity = Identity::new(Role::Controller, "controlplane").unwrap();
    let hosts = ["controlplane", "127.0.0.1", "::1"].map(str::to_owned);
    let pair = authority().issue(&identity, &hosts, DAY / 2).unwrap();
    let read = read(&pair.certificate);
    assert_eq!((read.identity, read.hosts), (Some(identity), hosts.to_vec()));
    let left = read.not_after.duration_since(SystemTime::now()).unwrap();
    assert!(left <= DAY / 2 && left > DAY / 2 - Duration::from_secs(60), "{left:?}");
}

#[test]
fn no_certificate_outlives_its_authority() {
    let identity = Identity::new(Role::Node, "a").unwrap();
    let pair = authority().issue(&identity, &[], 100 * DAY).unwrap();
    assert!(read(&pair.certificate).not_after <= SystemTime::now() + DAY);
}

#[test]
fn of_a_request_only_the_key_counts() {
    let (authority, key) = (authority(), KeyPair::generate().unwrap());
    let wanted = CertificateParams::new(vec!["controller.test".to_owned()]).unwrap();
    let request = wanted.serialize_request(&key).unwrap();
    let identity = Identity::new(Role::Node, "a").unwrap();
    let signed = read(&authority.sign(request.der(), &identity, DAY).unwrap());
    assert_eq!((signed.identity, signed.hosts), (Some(identity.clone()), Vec::new()));

    let mut forged = request.der().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert!(matches!(authority.sign(&forged, &identity, DAY), Err(AuthorityError::Request(_))));
    for cut in 0..request.der().len() {
        assert!(authority.sign(&request.der()[..cut], &identity, DAY).is_err());
    }
}

#[test]
fn a_key_of_another_authority_is_noticed() {
    let (a, b) = (Authority::create("a", DAY).unwrap(), Authority::create("b", DAY).unwrap());
    assert!(matches!(Authority::from_pem(&a.certificate, &b.key), Err(AuthorityError::Mismatch)));
}

#[test]
fn a_host_that_is_none_is_refused() {
    let identity = Identity::new(Role::Controller, "c").unwrap();
    for host in ["", "a b", "http://a", "a/b", "ä"] {
        let refused = authority().issue(&identity, &[host.to_owned()], DAY);
        assert!(matches!(refused, Err(AuthorityError::Host(_))), "{host}: {refused:?}");
    }
}

use std::sync::Arc;

use harbr_tls::provider;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use super::Certificates;

fn certificate(names: &[&str]) -> Arc<CertifiedKey> {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Arc::new(CertifiedKey::from_der(vec![certificate.der().clone()], key, &provider()).unwrap())
}

#[test]
fn a_name_has_the_certificate_that_is_for_it() {
    let listed = [
        certificate(&["first.test"]),
        certificate(&["*.Example.test"]),
        certificate(&["www.example.test", "example.test"]),
        certificate(&["*.deep.example.test", "192.0.2.1"]),
        certificate(&["www.example.test"]),
    ];
    let certificates = Certificates::new(listed.to_vec()).unwrap();
    for (name, expected) in [
        ("first.test", Some(0)),
        ("a.example.test", Some(1)),
        ("www.example.test", Some(2)),
        ("example.test", Some(2)),
        // A wildcard stands for one label.
        ("a.b.example.test", None),
        ("a.deep.example.test", Some(3)),
        ("deep.example.test", Some(1)),
        ("*.example.test", Some(1)),
        ("192.0.2.1", None),
        ("other.test", None),
        ("test", None),
        ("", None),
    ] {
        let found = certificates.of_name(name).and_then(<[_]>::first);
        let index = found.and_then(|found| listed.iter().position(|one| Arc::ptr_eq(one, found)));
        assert_eq!(index, expected, "{name}");
    }
    assert!(Arc::ptr_eq(&certificates.default, &listed[0]));
    assert!(Certificates::new(Vec::new()).is_none());
}

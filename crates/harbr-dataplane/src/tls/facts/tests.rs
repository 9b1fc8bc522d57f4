use harbr_model::{Certificate, PrivateKey};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use super::{describe, expires_at};

fn der(subject: &str) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.not_after = date_time_ymd(2031, 1, 2);
    params.distinguished_name.push(DnType::CommonName, subject);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn a_client_is_described_by_its_certificate() {
    let described = |subject| describe(&der(subject)).unwrap().to_str().unwrap().to_owned();
    let text = described("service \"a\"");
    let (hash, subject) = text.split_once(';').unwrap();
    assert_eq!(hash.len(), "Hash=".len() + 64);
    assert!(subject.starts_with("Subject=\"") && subject.contains(r#"CN=service \"a\""#), "{subject}");
    // What no header can carry is not told.
    assert!(!described("ein Dienst aus Köln").contains("Subject"));
}

#[test]
fn a_certificate_says_when_it_ends() {
    let certificate = |der: Vec<u8>| Certificate {
        name: "a".into(),
        chain: vec![der.into()],
        key: PrivateKey::from_der(&[]),
    };
    assert_eq!(expires_at(&certificate(der("a"))), Some(1_925_078_400));
    assert_eq!(expires_at(&certificate(b"none".to_vec())), None);
}

use super::{Certificate, PrivateKey};

#[test]
fn a_key_is_not_shown() {
    let key = PrivateKey::from_der(b"secret");
    let certificate = Certificate { name: "a.pem".into(), chain: vec![(*b"public").into()], key };
    let shown = format!("{certificate:?}");
    assert!(shown.contains("a.pem") && !shown.contains("115"), "{shown}");
    assert_eq!(certificate.key.expose(), b"secret");
}

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::KeyPair;
use rustls::pki_types::ServerName;
use tokio::io::AsyncReadExt;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Anonymous, Credentials, InvalidCredentials};
use crate::{Authority, Identity, Pair, Role};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Pki {
    authority: Authority,
    ca: String,
}

impl Pki {
    fn new() -> Self {
        let ca = Authority::create("test", DAY).unwrap();
        Self { authority: Authority::from_pem(&ca.certificate, &ca.key).unwrap(), ca: ca.certificate }
    }

    fn pair(&self, role: Role, name: &str) -> Pair {
        let hosts = ["controller.test".to_owned()];
        self.authority.issue(&Identity::new(role, name).unwrap(), &hosts, DAY).unwrap()
    }

    fn credentials(&self, pair: &Pair) -> Credentials {
        Credentials::from_pem(self.ca.as_bytes(), pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap()
    }

    fn of(&self, role: Role, name: &str) -> Credentials {
        self.credentials(&self.pair(role, name))
    }
}

/// What each side makes of the other: the server's error, or who called; the client's error, or nothing.
async fn handshake(
    server: &Credentials,
    client: &Credentials,
) -> (Result<Identity, String>, Result<(), String>) {
    let acceptor = TlsAcceptor::from(Arc::new(server.server_config(Anonymous::Refused).unwrap()));
    let connector = TlsConnector::from(Arc::new(client.client_config().unwrap()));
    let (near, far) = tokio::io::duplex(64 * 1024);
    let told = |error: std::io::Error| crate::cause(&error);
    let accept = async {
        let mut stream = acceptor.accept(far).await.map_err(told)?;
        let chain = stream.get_ref().1.peer_certificates().unwrap();
        let who = crate::Certificate::read(&chain[0]).unwrap().identity.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"x").await.unwrap();
        Ok(who)
    };
    let connect = async {
        let name = ServerName::try_from("controller.test").unwrap();
        let mut stream = connector.connect(name, near).await.map_err(told)?;
        // In TLS 1.3 the client is done before its certificate is looked at.
        stream.read_u8().await.map(drop).map_err(told)
    };
    tokio::join!(accept, connect)
}

#[tokio::test]
async fn both_sides_know_who_the_other_is() {
    let pki = Pki::new();
    let (server, client) = (pki.of(Role::Controller, "c"), pki.of(Role::Node, "proxy-1"));
    let (seen, connected) = handshake(&server, &client).await;
    assert_eq!(seen.unwrap().to_string(), "harbr://node/proxy-1");
    assert_eq!(connected, Ok(()));
    assert_eq!(client.certificate().identity.as_ref().unwrap().node_id(), Some("proxy-1"));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_on_both_sides() {
    let (ours, theirs) = (Pki::new(), Pki::new());
    let server = ours.of(Role::Controller, "c");
    let stranger = theirs.of(Role::Node, "proxy-1");
    let (_, connected) = handshake(&server, &stranger).await;
    assert!(connected.unwrap_err().contains("not from the authority"));
    let pair = theirs.pair(Role::Node, "proxy-1");
    let believes_us =
        Credentials::from_pem(ours.ca.as_bytes(), pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap();
    let (seen, connected) = handshake(&server, &believes_us).await;
    assert!(seen.unwrap_err().contains("not from the authority"));
    assert!(connected.unwrap_err().contains("does not know the authority"));
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let pki = Pki::new();
    let key = KeyPair::generate().unwrap();
    let identity = Identity::new(Role::Node, "proxy-1").unwrap();
    let past = SystemTime::now() - Duration::from_secs(10);
    let certificate = pki.authority.certify(&identity, &[], past, &key).unwrap();
    let expired = pki.credentials(&Pair { certificate, key: key.serialize_pem() });
    let (seen, connected) = handshake(&pki.of(Role::Controller, "c"), &expired).await;
    assert!(seen.unwrap_err().contains("its certificate has expired"));
    assert!(connected.unwrap_err().contains("in --tls-cert has expired"));
}

#[tokio::test]
async fn a_node_is_not_taken_for_the_controller_nor_the_controller_for_a_node() {
    let pki = Pki::new();
    let (_, connected) = handshake(&pki.of(Role::Node, "controller.test"), &pki.of(Role::Node, "a")).await;
    assert!(connected.is_err(), "{connected:?}");
    let (seen, _) = handshake(&pki.of(Role::Controller, "c"), &pki.of(Role::Controller, "c")).await;
    assert!(seen.is_err(), "{seen:?}");
}

#[test]
fn halves_of_two_pairs_do_not_belong_together() {
    let pki = Pki::new();
    let (a, b) = (pki.pair(Role::Node, "a"), pki.pair(Role::Node, "b"));
    let read = |ca: &str, cert: &str, key: &str| {
        Credentials::from_pem(ca.as_bytes(), cert.as_bytes(), key.as_bytes()).map(drop)
    };
    use InvalidCredentials as Invalid;
    assert!(matches!(read(&pki.ca, &a.certificate, &b.key), Err(Invalid::Mismatch)));
    assert!(matches!(read("", &a.certificate, &a.key), Err(Invalid::Authority(_))));
    assert!(matches!(read(&pki.ca, "", &a.key), Err(Invalid::NoCertificate)));
    assert!(matches!(read(&pki.ca, &a.certificate, ""), Err(Invalid::KeyPem)));
    let half = &a.certificate[..a.certificate.len() / 2];
    assert!(read(&pki.ca, half, &a.key).is_err());
    for cut in 0..a.key.len() - 1 {
        // The last line's end may be missing, nothing else.
        assert!(read(&pki.ca, &a.certificate, &a.key[..cut]).is_err(), "{cut}");
    }
}

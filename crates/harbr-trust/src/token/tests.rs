use rustls::pki_types::CertificateDer;

use super::{JoinToken, pin_of};

fn authority() -> CertificateDer<'static> {
    CertificateDer::from(vec![1, 2, 3])
}

#[test]
fn a_token_is_text_and_back_and_no_two_are_alike() {
    let (a, b) = (JoinToken::create(&authority()).unwrap(), JoinToken::create(&authority()).unwrap());
    assert_eq!(a.to_string().parse::<JoinToken>().unwrap(), a);
    assert_eq!(format!(" {a}\n").parse::<JoinToken>().unwrap(), a);
    assert_ne!(a.digest(), b.digest());
    assert_eq!(a.pin(), pin_of(&authority()));
}

#[test]
fn neither_the_log_nor_what_is_kept_has_the_secret() {
    let token = JoinToken::create(&authority()).unwrap();
    let text = token.to_string();
    let secret = text.split('.').nth(2).unwrap();
    assert!(!format!("{token:?}").contains(secret) && !token.digest().contains(secret));
}

#[test]
fn what_is_cut_or_changed_in_form_is_no_token() {
    let text = JoinToken::create(&authority()).unwrap().to_string();
    for cut in 0..text.len() {
        assert!(text[..cut].parse::<JoinToken>().is_err(), "{cut}");
    }
    for other in
        [text.replace("join", "jion"), format!("{text}.00"), text.replace('.', ":"), format!("{text}ä")]
    {
        assert!(other.parse::<JoinToken>().is_err(), "{other}");
    }
}

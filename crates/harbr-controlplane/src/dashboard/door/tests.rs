use super::*;

const TOKEN: &str = "0123456789abcdef";
const HERE: (&str, &str) = ("host", "localhost");

fn admit(access: Door, headers: &[(&'static str, &str)]) -> Result<Caller, u16> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::try_from(*value).unwrap());
    }
    access.admit(&map).map_err(|refusal| refusal.into_response().status().as_u16())
}

fn open(addr: [u8; 4], text: Option<&str>) -> Result<Door, InvalidToken> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text.unwrap_or_default()).unwrap();
    Door::new((addr, 7401).into(), text.map(|_| file.path()))
}

fn holder(name: &str) -> Caller {
    Caller::TokenHolder { name: name.to_owned() }
}

#[test]
fn on_loopback_every_name_of_this_machine_may_look_and_no_other() {
    let access = open([127, 0, 0, 1], None).unwrap();
    for host in ["localhost", "localhost:7401", "127.0.0.1:7401", "127.0.0.1", "[::1]:7401", "[::1]"] {
        assert_eq!(admit(access, &[("host", host)]), Ok(Caller::Onlooker), "{host}");
    }
    for host in ["evil.test", "evil.test:7401", "localhost.evil.test", ""] {
        assert_eq!(admit(access, &[("host", host)]), Err(421), "{host}");
    }
    assert_eq!(admit(access, &[HERE, ("authorization", "Bearer anything")]), Ok(Caller::Onlooker));
}

#[test]
fn beyond_loopback_nobody_is_answered_without_a_token() {
    let access = open([0, 0, 0, 0], None).unwrap();
    assert_eq!(admit(access, &[HERE]), Err(403));
    let access = open([0, 0, 0, 0], Some(TOKEN)).unwrap();
    assert_eq!(admit(access, &[HERE]), Err(401));
}

#[test]
fn a_token_is_shown_as_bearer_or_as_a_password_and_who_shows_a_wrong_one_is_not_let_in() {
    let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    for addr in [[0, 0, 0, 0], [127, 0, 0, 1]] {
        let access = open(addr, Some(&format!("{TOKEN}\n"))).unwrap();
        let show = |text: &str| admit(access, &[HERE, ("authorization", text)]);
        assert_eq!(show(&format!("Bearer {TOKEN}")), Ok(holder("")));
        assert_eq!(show(&format!("bearer {TOKEN}")), Ok(holder("")));
        assert_eq!(show(&basic(&format!("alice:{TOKEN}"))), Ok(holder("alice")));
        for wrong in ["Bearer x".to_owned(), basic("alice:x")] {
            assert_eq!(show(&wrong), Err(401), "{wrong}");
        }
    }
    // Nothing that could be a token.
    let access = open([0, 0, 0, 0], Some(TOKEN)).unwrap();
    for nothing in [TOKEN.to_owned(), basic(TOKEN), "Basic ///".to_owned()] {
        assert_eq!(admit(access, &[HERE, ("authorization", &nothing)]), Err(401), "{nothing}");
    }
    let access = open([127, 0, 0, 1], Some(TOKEN)).unwrap();
    assert_eq!(admit(access, &[HERE]), Ok(Caller::Onlooker));
}

#[test]
fn a_token_that_is_easy_to_guess_or_not_there_is_an_error() {
    assert!(matches!(open([127, 0, 0, 1], Some("secret")), Err(InvalidToken::Short)));
    let missing = Door::new(([127, 0, 0, 1], 7401).into(), Some(Path::new("/nonexistent/token")));
    assert!(matches!(missing, Err(InvalidToken::Unreadable(_))));
}

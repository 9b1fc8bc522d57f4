use super::*;

const TOKEN: &str = "0123456789abcdef";

fn status(access: Access, headers: &[(&'static str, &str)]) -> u16 {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::try_from(*value).unwrap());
    }
    access.refusal(&map).map_or(200, |refusal| refusal.status().as_u16())
}

fn with_token(text: &str) -> Result<Access, InvalidToken> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    Access::new(([0, 0, 0, 0], 7401).into(), Some(file.path()))
}

#[test]
fn on_loopback_every_name_of_this_machine_is_answered_and_no_other() {
    let access = Access::new(([127, 0, 0, 1], 7401).into(), None).unwrap();
    for host in ["localhost", "localhost:7401", "127.0.0.1:7401", "127.0.0.1", "[::1]:7401", "[::1]"] {
        assert_eq!(status(access, &[("host", host)]), 200, "{host}");
    }
    for host in ["evil.test", "evil.test:7401", "localhost.evil.test", ""] {
        assert_eq!(status(access, &[("host", host)]), 421, "{host}");
    }
}

#[test]
fn beyond_loopback_nobody_is_answered_without_a_token() {
    let access = Access::new(([0, 0, 0, 0], 7401).into(), None).unwrap();
    assert_eq!(status(access, &[("host", "127.0.0.1:7401")]), 403);
}

#[test]
fn a_token_is_shown_as_bearer_or_as_a_password() {
    let access = with_token(&format!("{TOKEN}\n")).unwrap();
    let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    for right in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), basic(&format!("anybody:{TOKEN}"))] {
        assert_eq!(status(access, &[("authorization", &right)]), 200, "{right}");
    }
    for wrong in ["Bearer x".to_owned(), TOKEN.to_owned(), basic(TOKEN), "Basic ///".to_owned()] {
        assert_eq!(status(access, &[("authorization", &wrong)]), 401, "{wrong}");
    }
    assert_eq!(status(access, &[]), 401);
}

#[test]
fn a_token_that_is_easy_to_guess_or_not_there_is_an_error() {
    assert!(matches!(with_token("secret"), Err(InvalidToken::Short)));
    let missing = Access::new(([127, 0, 0, 1], 7401).into(), Some(Path::new("/nonexistent/token")));
    assert!(matches!(missing, Err(InvalidToken::Unreadable(_))));
}

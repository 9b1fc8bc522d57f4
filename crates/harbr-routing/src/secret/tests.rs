use super::may_be_secret;

#[test]
fn names_of_headers_that_may_hold_secrets_are_known() {
    for name in ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-csrf-token"]
    {
        assert!(may_be_secret(name), "{name}");
    }
    for name in ["accept", "x-version", "x-tenant", "user-agent"] {
        assert!(!may_be_secret(name), "{name}");
    }
}

use super::{Identity, InvalidIdentity, Role};

#[test]
fn an_identity_is_a_uri_and_back() {
    for uri in
        ["harbr://node/proxy-1", "harbr://operator/alice@example.com", "harbr://viewer/x", "harbr://node/a-*"]
    {
        assert_eq!(uri.parse::<Identity>().unwrap().to_string(), uri);
    }
}

#[test]
fn what_is_no_identity_is_refused() {
    let long = format!("harbr://node/{}", "x".repeat(254));
    for uri in [
        "",
        "node/a",
        "harbr:node/a",
        "spiffe://node/a",
        "harbr://node",
        "harbr://node/",
        "harbr://root/a",
        "harbr://Node/a",
        "harbr://node/a/b",
        "harbr://node/a b",
        "harbr://node/a%20b",
        "harbr://node/*",
        "harbr://node/a*b",
        "harbr://operator/a*",
        "harbr://node/ä",
        &long,
    ] {
        assert!(uri.parse::<Identity>().is_err(), "{uri}");
    }
    assert_eq!(Identity::new(Role::Viewer, "a*"), Err(InvalidIdentity::Wildcard));
}

#[test]
fn a_node_is_what_its_certificate_names_and_nothing_else() {
    let one = Identity::new(Role::Node, "proxy-1").unwrap();
    assert!(one.is_node("proxy-1"));
    assert!(!one.is_node("proxy-10") && !one.is_node("proxy-") && !one.is_node(""));
    assert_eq!(one.node_id(), Some("proxy-1"));
    let group = Identity::new(Role::Node, "proxy-*").unwrap();
    assert!(group.is_node("proxy-1") && group.is_node("proxy-"));
    assert!(!group.is_node("other-1") && !group.is_node("proxy"));
    assert_eq!(group.node_id(), None);
    let operator = Identity::new(Role::Operator, "proxy-1").unwrap();
    assert!(!operator.is_node("proxy-1"));
}

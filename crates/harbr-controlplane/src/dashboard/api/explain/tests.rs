use super::*;

fn question(url: &str, headers: &str) -> Question {
    Question {
        method: "PUT".to_owned(),
        url: url.to_owned(),
        headers: headers.to_owned(),
        from: default_from(),
        revision: 0,
        node: String::new(),
    }
}

#[test]
fn a_question_has_what_harbrctl_takes() {
    let request = question("http://a.test/x?y=1", "x-a: 1\n\nx-a: 2\n").request().unwrap();
    assert_eq!((request.method.as_str(), request.host(), request.uri.path()), ("PUT", "a.test", "/x"));
    assert_eq!(request.headers.get_all("x-a").iter().count(), 2);
}

#[test]
fn what_is_wrong_with_a_question_is_said() {
    assert_eq!(question("/", "x").request().unwrap_err(), "a header is written `name: value`");
    assert!(question("http://a b/", "").request().is_err());
}

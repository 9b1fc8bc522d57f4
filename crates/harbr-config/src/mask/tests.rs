use super::mask_user_info;

#[test]
fn users_and_passwords_are_starred_out_character_by_character() {
    for (text, masked) in [
        ("http://user:pw@a", "http://*******@a"),
        (
            "  /a: {upstream: \"https://ü:ö@a:1/x\"} # http://b",
            "  /a: {upstream: \"https://***@a:1/x\"} # http://b",
        ),
        ("`http://token@a` is not", "`http://*****@a` is not"),
        ("user:pw@a:80", "*******@a:80"),
        ("http://u:p@ss/w@a http://v:w@b", "http://********@a http://***@b"),
    ] {
        assert_eq!(mask_user_info(text), masked);
    }
}

#[test]
fn what_is_no_secret_is_left() {
    for text in ["", "http://a/b?c", "mail: \"me@example.com\"", "/@me: {upstream: a}", "a @ b"] {
        assert_eq!(mask_user_info(text), text);
    }
}

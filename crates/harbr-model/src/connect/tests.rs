use super::ConnectTarget;

fn covers(target: &str, host: &str, port: u16) -> bool {
    target.parse::<ConnectTarget>().unwrap().covers(host, port)
}

#[test]
fn a_target_is_one_port_of_a_host_or_of_all_below_one() {
    assert!(covers("db.test:5432", "DB.test", 5432) && covers("DB.test:5432", "db.test", 5432));
    assert!(!covers("db.test:5432", "db.test", 5433) && !covers("db.test:5432", "x.db.test", 5432));
    assert!(covers("*.test:443", "a.test", 443) && covers("*.test:443", "a.b.TEST", 443));
    for host in ["test", ".test", "atest", "a.test.evil", ""] {
        assert!(!covers("*.test:443", host, 443), "{host}");
    }
    assert!(covers("[::1]:22", "[::1]", 22) && covers("192.0.2.1:22", "192.0.2.1", 22));
}

#[test]
fn what_is_no_host_and_port_is_refused() {
    for text in [
        "",
        "a.test",
        "a.test:",
        "a.test:0",
        "a.test:65536",
        "a.test:+1",
        ":443",
        "*:443",
        "a.*:443",
        "a b:1",
        "::1:22",
    ] {
        assert!(text.parse::<ConnectTarget>().is_err(), "{text}");
    }
    for text in ["a.test:443", "*.a.test:1", "[::1]:65535"] {
        assert_eq!(text.parse::<ConnectTarget>().unwrap().to_string(), text);
    }
}

use std::borrow::Cow;

use harbr_model::{OddPaths, PathPrefix, PathRewrite};
use proptest::prelude::*;

use super::{InvalidPath, forwarded_path};

fn normal_form(path: &str) -> Result<Cow<'_, str>, InvalidPath> {
    super::normal_form(path, OddPaths::default())
}

#[test]
fn a_path_has_one_normal_form() {
    for (path, expected) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a//b", "/a//b"),
        ("/%61/%7Eb", "/a/~b"),
        ("/a%2fb", "/a%2Fb"),
        ("/é/%c3%a9", "/%C3%A9/%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/..", "/"),
        ("/a/b/.", "/a/b/"),
        ("/a//../b", "/a/b"),
        ("/a/...", "/a/..."),
        ("/.well-known", "/.well-known"),
        ("/a%2f..%2fb", "/a%2F..%2Fb"),
    ] {
        assert_eq!(normal_form(path).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn a_path_that_is_normal_is_not_copied() {
    assert!(matches!(normal_form("/a/b.c/d"), Ok(Cow::Borrowed(_))));
}

#[test]
fn a_path_that_readers_could_understand_differently_is_refused() {
    for (path, expected) in [
        ("", InvalidPath::NoSlash),
        ("a", InvalidPath::NoSlash),
        ("/%", InvalidPath::PercentEncoding),
        ("/%4", InvalidPath::PercentEncoding),
        ("/%+1", InvalidPath::PercentEncoding),
        ("/%zz", InvalidPath::PercentEncoding),
        ("/%é", InvalidPath::PercentEncoding),
        ("/%00", InvalidPath::Nul),
        ("/a\\b", InvalidPath::Backslash),
        ("/a%5cb", InvalidPath::Backslash),
        ("/..", InvalidPath::AboveRoot),
        ("/a/../../b", InvalidPath::AboveRoot),
        ("/%2e%2e/b", InvalidPath::AboveRoot),
    ] {
        assert_eq!(normal_form(path), Err(expected), "{path}");
    }
}

#[test]
fn each_odd_path_goes_on_where_it_is_said_to() {
    let none = OddPaths::default();
    for (path, odd, expected, refused) in [
        ("/%00", OddPaths { nul: true, ..none }, "/%00", InvalidPath::Nul),
        ("/a\\b%5c/..", OddPaths { backslash: true, ..none }, "/", InvalidPath::Backslash),
        ("/a\\b%5c", OddPaths { backslash: true, ..none }, "/a\\b%5C", InvalidPath::Backslash),
        ("/../a/%2e%2e/../b", OddPaths { above_root: true, ..none }, "/b", InvalidPath::AboveRoot),
        ("/..", OddPaths { above_root: true, ..none }, "/", InvalidPath::AboveRoot),
    ] {
        assert_eq!(super::normal_form(path, odd).as_deref(), Ok(expected), "{path}");
        let all_others = OddPaths { nul: !odd.nul, backslash: !odd.backslash, above_root: !odd.above_root };
        assert_eq!(super::normal_form(path, all_others), Err(refused), "{path}");
    }
}

#[test]
fn what_is_forwarded_keeps_strips_or_replaces_the_prefix() {
    let keep = || PathRewrite::Keep;
    let to = |text: &str| PathRewrite::ReplacePrefix(PathPrefix::parse(text).unwrap());
    for (path, prefix, rewrite, base, expected) in [
        ("/api/x", "/api", keep(), "", "/api/x"),
        ("/api/x", "/api", keep(), "/base", "/base/api/x"),
        ("/", "/", keep(), "/base", "/base/"),
        ("/api", "/api", to("/"), "", "/"),
        ("/api/", "/api/", to("/"), "", "/"),
        ("/api/x/", "/api", to("/"), "", "/x/"),
        ("/api", "/api", to("/"), "/base", "/base"),
        ("/api/x", "/api", to("/new"), "/base", "/base/new/x"),
        ("/api", "/api", to("/new"), "", "/new"),
        ("/x", "/", to("/new"), "", "/new/x"),
        ("/api//x", "/api", to("/"), "", "//x"),
    ] {
        let prefix = PathPrefix::parse(prefix).unwrap();
        assert_eq!(
            forwarded_path(path, &prefix, &rewrite, base),
            expected,
            "{path} {prefix} {rewrite:?} {base}"
        );
    }
}

proptest! {
    #[test]
    fn the_normal_form_is_its_own(
        path in "/[a-c./%02eEfF5\\\\]{0,24}",
        (nul, backslash, above_root) in any::<(bool, bool, bool)>(),
    ) {
        let odd = OddPaths { nul, backslash, above_root };
        if let Ok(normal) = super::normal_form(&path, odd) {
            prop_assert_eq!(super::normal_form(&normal, odd), Ok(normal.clone()));
        }
    }

    #[test]
    fn no_path_panics(path in ".{0,40}") {
        let _ = normal_form(&path);
    }
}

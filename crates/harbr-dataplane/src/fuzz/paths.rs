use fastrand::Rng;
use harbr_model::{OddPaths, PathPrefix, PathRewrite};
use harbr_routing::{forwarded_path, normal_form};

use super::input::{damage, words};

const WORDS: &[&str] = &[
    "/",
    "//",
    ".",
    "..",
    "a",
    "Z~",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%61",
    "%7E",
    "%25",
    "%",
    "%zz",
    "%é",
    "é",
    ";",
    "?",
    "+",
    "%0d%0a",
    ".well-known",
    "...",
];

#[test]
fn a_path_has_one_normal_form_that_nothing_changes_again() {
    super::run(|rng| check(&path(rng), odd(rng)));
}

fn path(rng: &mut Rng) -> String {
    let mut text = b"/".to_vec();
    text.extend(words(rng, WORDS, 12));
    damage(rng, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn odd(rng: &mut Rng) -> OddPaths {
    OddPaths { nul: rng.bool(), backslash: rng.bool(), above_root: rng.bool() }
}

fn check(path: &str, odd: OddPaths) {
    let Ok(normal) = normal_form(path, odd) else { return };
    assert_eq!(normal_form(&normal, odd).as_deref(), Ok(&*normal), "of {path:?}: once more is another");
    assert!(normal.starts_with('/'), "{path:?} became {normal:?}");
    let has_dots = normal.split('/').any(|segment| matches!(segment, "." | ".."));
    assert!(!has_dots, "{path:?} became {normal:?}");
    assert!(odd.nul || !normal.contains("%00"), "{path:?} became {normal:?}");
    let has_backslash = normal.contains('\\') || normal.contains("%5C");
    assert!(odd.backslash || !has_backslash, "{path:?} became {normal:?}");
    let root = PathPrefix::parse("/").expect("the root is a prefix");
    let forwarded = forwarded_path(&normal, &root, &PathRewrite::Keep, "");
    assert_eq!(forwarded, normal, "what is matched is what is forwarded");
    // To decode what is left, as a careless reader does, never brings a letter that had a shorter form.
    for escape in normal.match_indices('%').filter_map(|(at, _)| normal.get(at + 1..at + 3)) {
        let byte = u8::from_str_radix(escape, 16).expect("each percent sign begins an escape");
        assert!(!byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte), "{path:?} became {normal:?}");
        assert!(!escape.bytes().any(|digit| digit.is_ascii_lowercase()), "{path:?} became {normal:?}");
    }
}

use serde::Deserialize;

use super::*;
use crate::tree;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sample {
    number: Field<i128>,
    truth: Field<bool>,
    text: Field<String>,
    list: Field<Vec<Field<i128>>>,
    inner: Field<Inner>,
    free: Field<Entries<i128>>,
    either: Field<Either>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Inner {
    depth: Field<i128>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Either {
    Text(String),
    List(Vec<Field<String>>),
}

fn sample(text: &str) -> (Option<Sample>, String) {
    let mut findings = Findings::default();
    let root = tree::parse(text, &mut findings).expect("the text is YAML").expect("it is not empty");
    let sample = read(text, &root, &mut findings);
    let errors =
        findings.into_result(Some(()), "s", text).map_or_else(|errors| errors.to_string(), |_| String::new());
    (sample, errors)
}

fn value<T>(field: &Field<T>) -> &T {
    &field.given().expect("the field is given").value
}

#[test]
fn reads_each_kind_with_its_place() {
    let (sample, errors) = sample(
        "number: -7\ntruth: true\ntext: no\nlist: [1, 0x10]\ninner: {depth: 2}\nfree: {b: 1, a: 2}\neither: [x]\n",
    );
    let sample = sample.expect("it is read");
    assert_eq!(errors, "");
    assert_eq!((*value(&sample.number), *value(&sample.truth)), (-7, true));
    assert_eq!(value(&sample.text), "no");
    assert_eq!(value(&sample.list).iter().map(value).collect::<Vec<_>>(), [&1, &16]);
    assert_eq!(*value(&value(&sample.inner).depth), 2);
    let free: Vec<_> =
        value(&sample.free).0.iter().map(|entry| (entry.key.value.as_str(), *value(&entry.value))).collect();
    assert_eq!(free, [("b", 1), ("a", 2)]);
    assert!(matches!(value(&sample.either), Either::List(items) if value(&items[0]) == "x"));
    let depth = value(&sample.inner).depth.given().expect("it is given").span.start;
    assert_eq!(depth, Position { line: 5, column: 16 });
}

#[test]
fn a_value_of_several_kinds_is_read_as_the_one_it_has() {
    let (sample, errors) = sample("either: 12\n");
    assert_eq!(errors, "");
    assert!(matches!(value(&sample.expect("it is read").either), Either::Text(text) if text == "12"));
}

#[test]
fn what_is_not_there_is_missing_and_what_is_wrong_is_refused() {
    let (sample, errors) = sample("number: x\n");
    let sample = sample.expect("it is read");
    assert!(sample.text.is_missing() && sample.text.given().is_none());
    assert!(!sample.number.is_missing() && sample.number.given().is_none());
    assert_eq!(errors, "s:1:9: error[HR0102]: `number` must be a whole number, not `x`");
}

#[test]
fn goes_on_behind_each_error() {
    let (sample, errors) = sample(
        "number: [1, {a: b}]\nunheard: {of: [it]}\ntruth: maybe\nlist: [1, two, 3]\ntext: {a: b}\n\
         inner: [x]\nfree: {b: x, a: 2}\neither: {a: b}\n",
    );
    let sample = sample.expect("it is read");
    let expected = [
        "s:1:9: error[HR0102]: `number` must be a whole number, not a list",
        "s:2:1: error[HR0101]: unknown key `unheard`",
        "s:3:8: error[HR0102]: `truth` must be `true` or `false`, not `maybe`",
        "s:4:11: error[HR0102]: an item of `list` must be a whole number, not `two`",
        "s:5:7: error[HR0102]: `text` must be text, not a mapping",
        "s:6:8: error[HR0102]: `inner` must be a mapping of keys to values, not a list",
        "s:7:11: error[HR0102]: `b` must be a whole number, not `x`",
        "s:8:9: error[HR0102]: `either` must be text or a list, not a mapping",
    ];
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
    let list: Vec<_> = value(&sample.list).iter().filter_map(Field::given).map(|item| item.value).collect();
    assert_eq!(list, [1, 3]);
    assert_eq!(value(&sample.free).0.len(), 2);
}

#[test]
fn a_mistyped_key_is_read_as_the_one_that_was_meant() {
    let (sample, errors) = sample("nubmer: 3\n");
    assert_eq!(*value(&sample.expect("it is read").number), 3);
    assert_eq!(errors, "s:1:1: error[HR0101]: unknown key `nubmer`");
}

#[test]
fn a_mistyped_key_does_not_displace_the_right_one() {
    for text in ["nubmer: 3\nnumber: 4\n", "number: 4\nnubmer: 3\nnumbre: 5\n"] {
        let (sample, _) = sample(text);
        assert_eq!(*value(&sample.expect("it is read").number), 4, "{text}");
    }
}

#[test]
fn the_first_of_two_keys_is_read() {
    let (sample, errors) = sample("number: 1\nnumber: 2\ntruth: true\n");
    let sample = sample.expect("it is read");
    assert_eq!((*value(&sample.number), *value(&sample.truth)), (1, true));
    assert_eq!(errors, "s:2:1: error[HR0016]: the key `number` is there twice");
}

#[test]
fn what_aliases_repeat_is_read_each_time() {
    let (sample, errors) = sample("list: [&n 5, *n]\nnumber: *n\n");
    let sample = sample.expect("it is read");
    assert_eq!(errors, "");
    assert_eq!((*value(&sample.number), value(&sample.list).len()), (5, 2));
}

#[test]
fn where_the_parsers_disagree_the_text_is_refused_at_that_place() {
    // A plain key to one of them; the indicator of a key to the other.
    let (sample, errors) = sample("truth: yes\nfree: {a: 1,?b: 2}\n");
    assert!(sample.is_none());
    assert_eq!(
        errors,
        "s:1:8: error[HR0102]: `truth` must be `true` or `false`, not `yes`\n\
         s:2:13: error[HR0007]: one reader of YAML understands this differently than another"
    );
}

#[test]
fn a_tree_of_another_text_is_a_disagreement_and_no_panic() {
    let texts = [
        "number: 1",
        "number: [1]",
        "number: {a: 1}",
        "number: {}",
        "list: []",
        "list: [1, 2]",
        "list: [[1], 2]",
        "text: |\n  a",
        "{}",
        "inner: {depth: []}",
        "free: {a: 1}",
        "either: x",
        "x: 1\nnumber: 2",
    ];
    for of_the_tree in texts {
        for of_the_reader in texts {
            let mut findings = Findings::default();
            let root = tree::parse(of_the_tree, &mut findings).expect("it is YAML").expect("it is not empty");
            let read: Option<Sample> = read(of_the_reader, &root, &mut findings);
            if of_the_tree != of_the_reader {
                assert!(read.is_none() || findings.has_errors(), "{of_the_tree} and {of_the_reader}");
            }
        }
    }
}

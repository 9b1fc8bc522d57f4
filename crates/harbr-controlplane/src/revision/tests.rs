use harbr_proto::{Assembly, EncodedSnapshot, Fence, v1};

use super::{Compiled, HealthIndex, Revision, compile, resource_bytes};
use crate::testing::{compiled, compiled_text, config, content};

const FENCE: Fence = Fence { epoch: 2, generation: 3 };

fn revision(number: u64, compiled: Compiled, before: Option<&Revision>) -> Revision {
    Revision::new(number, compiled, before)
}

fn routes(count: usize, last: &str) -> Compiled {
    let names: Vec<String> = (0..count).map(|number| format!("/{number}")).collect();
    let mut routes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "http://a")).collect();
    routes.last_mut().unwrap().1 = last;
    compiled(&routes)
}

fn assemble(chunks: Vec<v1::SnapshotChunk>, base: Option<&EncodedSnapshot>) -> EncodedSnapshot {
    let mut assembly = Assembly::default();
    let mut whole = None;
    for chunk in chunks {
        assert_eq!(chunk.fence.map(Fence::from), Some(FENCE));
        whole = assembly.add(chunk, base).unwrap();
    }
    whole.unwrap()
}

#[test]
fn a_node_with_the_one_before_gets_the_change_under_the_fence_of_now() {
    let first = revision(1, routes(50, "http://a"), None);
    let second = revision(2, routes(50, "http://b"), Some(&first));
    let chunks = second.chunks(FENCE, Some(&first.encoded));
    assert!(resource_bytes(&chunks) * 10 < second.encoded.encoded_len());
    assert_eq!(assemble(chunks, Some(&first.encoded)).hash(), second.hash());
}

#[test]
fn a_node_with_an_older_one_gets_a_change_too() {
    let first = revision(1, routes(50, "http://a"), None);
    let second = revision(2, routes(50, "http://b"), Some(&first));
    let third = revision(3, routes(50, "http://c"), Some(&second));
    let chunks = third.chunks(FENCE, Some(&first.encoded));
    assert!(resource_bytes(&chunks) * 10 < third.encoded.encoded_len());
    assert_eq!(assemble(chunks, Some(&first.encoded)).hash(), third.hash());
}

#[test]
fn all_is_sent_where_a_change_would_be_no_smaller() {
    let first = revision(1, compiled(&[("/a", "http://a"), ("/b", "http://a")]), None);
    let settings = config(&[("/x", "http://x")], "").replace("max_connections: 100", "max_connections: 9");
    let other = settings.replace("127.0.0.1:0", "127.0.0.1:1");
    let second = revision(2, compiled_text(&other), Some(&first));
    let chunks = second.chunks(FENCE, Some(&first.encoded));
    assert!(chunks.iter().all(|chunk| chunk.base_hash.is_empty()));
    assert_eq!(assemble(chunks, None).hash(), second.hash());
}

#[test]
fn an_error_has_the_place_of_the_first_thing_that_is_wrong() {
    for (text, line, column) in
        [(&b"a: 1\nb: \xff"[..], 2, 4), (&b"\xff"[..], 1, 1), (&b"\xc3\xa4: \xff"[..], 1, 4)]
    {
        let error = compile("test.yml", content(text)).unwrap_err();
        let position = error.position().unwrap();
        assert_eq!((position.line, position.column), (line, column), "{}", error.message);
        assert!(error.message.contains("test.yml"), "{}", error.message);
    }
}

#[test]
fn the_health_of_new_endpoints_is_what_the_one_before_did_not_have() {
    let index = |routes: &[(&str, &str)]| {
        let text = config(routes, "{path: /health}");
        HealthIndex::of(&compiled_text(&text).snapshot)
    };
    let first = index(&[("/a", "http://a"), ("/b", "http://b")]);
    let second = index(&[("/a", "http://a"), ("/c", "http://b"), ("/d", "http://d")]);
    assert_eq!(second.without(&first), index(&[("/c", "http://b"), ("/d", "http://d")]));
    assert_eq!(first.without(&first), HealthIndex::default());
}

use std::collections::BTreeSet;

use futures_util::StreamExt as _;

use super::*;

const REQUESTS: usize = 3;

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// What a node answers that was asked this.
fn chunk(request: &v1::SampleRequest, last: bool) -> v1::SampleChunk {
    let requests = vec![v1::SampledRequest { path: "/".into(), ..Default::default() }; REQUESTS];
    v1::SampleChunk { id: request.id, requests, covered: None, last }
}

/// What this node is asked, when it is.
async fn asked(inquiries: &Inquiries, node: &str) -> v1::Directives {
    let mut wanted = inquiries.wanted();
    let is_asked = |wanted: &Arc<Wanted>| wanted.sample.is_some() || !wanted.taps.is_empty();
    wanted.wait_for(is_asked).await.unwrap().directives(node, v1::Directives::default())
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_what_all_nodes_have_told() {
    let inquiries = Inquiries::default();
    let nodes = async {
        let request = asked(&inquiries, "a").await.sample.unwrap();
        assert_eq!(request.most, 50_000);
        inquiries.note_sample("a", chunk(&request, false));
        inquiries.note_sample("b", chunk(&request, true));
        inquiries.note_sample("a", chunk(&request, true));
    };
    let (sample, ()) = tokio::join!(inquiries.sample(ids(&["a", "b"])), nodes);
    let told: Vec<_> = sample.nodes.iter().map(|node| (node.node.as_str(), node.requests.len())).collect();
    assert_eq!((told, sample.silent.len()), (vec![("a", 2 * REQUESTS), ("b", REQUESTS)], 0));
    assert_eq!(inquiries.wanted().borrow().sample, None, "nobody is asked any more");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_says_nothing_is_named_and_one_that_says_too_much_is_not_believed() {
    let inquiries = Inquiries::default();
    let all: Vec<String> = (0..50_000).map(|number| format!("n{number}")).collect();
    let nodes = async {
        let request = asked(&inquiries, "n0").await.sample.unwrap();
        assert_eq!(request.most, 10);
        (0..10).for_each(|_| inquiries.note_sample("n0", chunk(&request, false)));
        inquiries.note_sample("n0", chunk(&request, true));
        inquiries.note_sample("n1", chunk(&request, true));
        inquiries.note_sample("a-stranger", chunk(&request, true));
        inquiries.note_sample("n2", v1::SampleChunk { id: 99, ..chunk(&request, true) });
    };
    let (sample, ()) = tokio::join!(inquiries.sample(all.into_iter().collect()), nodes);
    assert!(sample.silent.contains(&"n0".to_owned()) && sample.silent.contains(&"n2".to_owned()));
    assert_eq!(sample.silent.len(), 49_999);
    let told: Vec<_> = sample.nodes.iter().map(|node| (node.node.as_str(), node.requests.len())).collect();
    assert_eq!(told, [("n0", 9), ("n1", REQUESTS)]);
}

#[tokio::test(start_paused = true)]
async fn two_who_ask_at_once_are_told_the_same() {
    let inquiries = Inquiries::default();
    let nodes = async {
        let request = asked(&inquiries, "a").await.sample.unwrap();
        inquiries.note_sample("a", chunk(&request, true));
    };
    let (one, other, ()) = tokio::join!(inquiries.sample(ids(&["a"])), inquiries.sample(ids(&["a"])), nodes);
    assert!(Arc::ptr_eq(&one, &other));
}

fn tap_request(nodes: &[&str]) -> v1::TapRequest {
    let tap = v1::Tap { per_second: 5, path: "/api".into(), ..v1::Tap::default() };
    v1::TapRequest { nodes: nodes.iter().map(ToString::to_string).collect(), tap: Some(tap) }
}

fn tapped(tap: u64, left_out: u64) -> v1::Tapped {
    v1::Tapped { tap, requests: vec![v1::TappedRequest::default()], left_out }
}

#[tokio::test(start_paused = true)]
async fn a_tap_is_told_to_its_nodes_and_what_they_say_to_who_looks() {
    let inquiries = Arc::new(Inquiries::default());
    let mut told = inquiries.tap(tap_request(&["a"]), std::future::pending()).unwrap();
    let taps = asked(&inquiries, "a").await.taps;
    assert_eq!((taps.len(), taps[0].per_second, taps[0].path.as_str()), (1, 5, "/api"));
    assert!(asked(&inquiries, "b").await.taps.is_empty());
    inquiries.note_tapped("a", tapped(taps[0].id, 7));
    inquiries.note_tapped("a", tapped(99, 7));
    let message = told.next().await.unwrap().unwrap();
    assert_eq!((message.node.as_str(), message.requests.len(), message.left_out), ("a", 1, 7));
    drop(told);
    assert!(inquiries.wanted().borrow().taps.is_empty(), "who looked has left");
}

#[tokio::test(start_paused = true)]
async fn one_who_does_not_read_is_told_how_much_it_missed() {
    let inquiries = Arc::new(Inquiries::default());
    let mut told = inquiries.tap(tap_request(&[]), std::future::pending()).unwrap();
    let id = asked(&inquiries, "a").await.taps[0].id;
    (0..400).for_each(|_| inquiries.note_tapped("a", tapped(id, 1)));
    let first = told.next().await.unwrap().unwrap();
    assert_eq!((first.requests.len(), first.left_out), (1, 1));
    // There is room again.
    inquiries.note_tapped("a", tapped(id, 0));
    let (mut seen, mut missed) = (1, 1);
    while seen + missed < 2 * 400 + 1 {
        let message = told.next().await.unwrap().unwrap();
        (seen, missed) = (seen + message.requests.len(), missed + message.left_out as usize);
    }
    assert_eq!((seen, missed), (256 + 1, 400 + 144));
}

#[tokio::test(start_paused = true)]
async fn a_tap_ends_when_its_time_is_over_and_there_are_so_many() {
    let inquiries = Arc::new(Inquiries::default());
    let mut request = tap_request(&[]);
    request.tap.as_mut().unwrap().ttl = std::time::Duration::from_secs(5).try_into().ok();
    let mut told = inquiries.tap(request, std::future::pending()).unwrap();
    assert!(told.next().await.is_none());
    drop(told);
    let open: Vec<_> =
        (0..16).map(|_| inquiries.tap(tap_request(&[]), std::future::pending()).unwrap()).collect();
    assert!(inquiries.tap(tap_request(&[]), std::future::pending()).is_err());
    drop(open);
    assert!(inquiries.tap(tap_request(&[]), std::future::pending()).is_ok());
}

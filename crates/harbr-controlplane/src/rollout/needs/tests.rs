use harbr_proto::v1;

use super::Needs;
use crate::fleet::Greeting;

fn node(hello: v1::Hello) -> Greeting {
    let (node_id, build) = ("a".to_owned(), "0.0.9".to_owned());
    Greeting::try_from(v1::Hello { node_id, build, ..hello }).unwrap()
}

fn needs() -> Needs {
    Needs { schema_version: 1, features: ["client_auth"].into(), routes: 7, endpoints: 5, bytes: 100 }
}

#[test]
fn a_node_that_can_is_asked_for_nothing_more() {
    let features = vec!["client_auth".to_owned(), "of_the_future".to_owned()];
    let limits = Some(v1::Limits { max_routes: 7, max_endpoints: 5, max_snapshot_bytes: 100 });
    assert_eq!(
        needs().beyond(&node(v1::Hello { features: features.clone(), limits, ..Default::default() })),
        None
    );
    assert_eq!(needs().beyond(&node(v1::Hello { features, ..Default::default() })), None, "no limits");
}

#[test]
fn what_a_node_lacks_is_named_with_its_build() {
    let without = node(v1::Hello::default());
    let reason = needs().beyond(&without).unwrap();
    assert_eq!(reason, "node a (build 0.0.9) does not know `client_auth`, which this needs");
    let newer = Needs { schema_version: 2, ..Needs::default() };
    let reason = newer.beyond(&without).unwrap();
    assert_eq!(reason, "node a (build 0.0.9) speaks schema version 1, and this needs 2");
    let limits = Some(v1::Limits { max_routes: 6, ..Default::default() });
    let plain = Needs { features: Default::default(), ..needs() };
    let reason = plain.beyond(&node(v1::Hello { limits, ..Default::default() })).unwrap();
    assert_eq!(reason, "node a takes at most 6 routes, and this has 7");
}

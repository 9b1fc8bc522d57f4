use harbr_model::Health;
use harbr_proto::{health_to_wire, v1};

use super::HealthRecord;
use crate::live::LiveTable;
use crate::testing::{build, route, soil, upstream};

fn found(url: &str, check: &str, health: Health) -> v1::EndpointHealth {
    let health = health_to_wire(health).into();
    v1::EndpointHealth { upstream: "u".into(), url: url.into(), check: check.into(), health }
}

fn table() -> LiveTable {
    build(
        &LiveTable::empty(),
        &soil(),
        vec![upstream("u", &[(1, 1), (2, 1)], "/h")],
        vec![route("/", "u", 0)],
    )
}

#[test]
fn what_was_said_before_the_snapshot_holds_in_it() {
    let table = table();
    let [first, second] = &table.upstreams["u"].endpoints[..] else { panic!("two endpoints") };
    let check = table.upstreams["u"].check.clone().unwrap();
    let mut record = HealthRecord::default();
    record.note(found(&first.name, &check, Health::Unhealthy));
    record.note(found(&second.name, "another check", Health::Unhealthy));
    record.apply_to(&table);
    assert_eq!(first.health(), Health::Unhealthy);
    assert_eq!(second.health(), Health::Unknown);

    // Another check has found nothing yet, though the endpoint is the same.
    let rechecked = vec![upstream("u", &[(1, 1), (2, 1)], "/other")];
    let rechecked = build(&table, &soil(), rechecked, vec![route("/", "u", 0)]);
    record.apply_to(&rechecked);
    assert_eq!(rechecked.upstreams["u"].endpoints[0].id, first.id);
    assert_eq!(first.health(), Health::Unknown);
}

#[test]
fn what_no_table_has_is_forgotten() {
    let table = table();
    let mut record = HealthRecord::default();
    let known = table.upstreams["u"].endpoints[0].name.clone();
    record.note(found(&known, "c", Health::Healthy));
    record.note(found("http://gone", "c", Health::Healthy));
    record.keep_only(&table);
    assert_eq!(record.count, 1);
}

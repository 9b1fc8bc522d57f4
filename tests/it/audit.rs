//! Whoever changed something is in the audit, by the certificate.

use harbr_tests::{Fleet, Origin, Plan, Shape};
use serde_json::Value;

use crate::file::File;

async fn entries(fleet: &Fleet) -> Vec<Value> {
    fleet.json(&["audit", "--limit", "0"]).await.as_array().unwrap().clone()
}

/// The newest entry that says this.
async fn entry(fleet: &Fleet, what: &str) -> Value {
    let entries = entries(fleet).await;
    let found = entries.iter().find(|entry| entry["what"].as_str().unwrap().contains(what));
    found.unwrap_or_else(|| panic!("nothing says {what:?}: {entries:#?}")).clone()
}

#[tokio::test]
async fn each_change_is_recorded_with_the_certificates_name_the_time_and_the_reason() {
    let (a, b) = (Origin::start("a").await, Origin::start("b").await);
    let quick = "rollout: {proving_time: 500ms}";
    let plan = Plan::new(Shape::Split).nodes(2).with_state().with_tls().await;
    let mut fleet = plan.start(&File::all_to(&a).set(quick).text()).await;
    let done = async |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["--reason", "because of the test"]);
        let ended = fleet.harbrctl(&all).await;
        assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    };
    let proven = async || {
        let waited = fleet.harbrctl(&["rollout", "status", "--wait", "--timeout", "60s"]).await;
        assert_eq!(waited.code, Some(0), "{waited:?}");
    };
    proven().await;
    done(&["freeze"]).await;
    done(&["thaw"]).await;
    fleet.apply(&File::all_to(&b).set(quick).text()).await;
    proven().await;
    done(&["rollback"]).await;
    done(&["rollout", "pause"]).await;
    done(&["rollout", "resume"]).await;
    done(&["rollout", "abort"]).await;
    done(&["drain", "node-2"]).await;
    done(&["undrain", "node-2"]).await;
    let url = b.url();
    done(&["drain", "endpoint", &url, "--keep", "0"]).await;
    done(&["undrain", "endpoint", &url]).await;
    for what in [
        "frozen",
        "thawed",
        "rollback to revision",
        "pauses",
        "goes on",
        "aborted",
        "node node-2 is drained",
        "node node-2 is not drained any more",
        "is not drained any more",
    ] {
        let entry = entry(&fleet, what).await;
        assert_eq!(entry["actor"], "operator operator", "{entry}");
        assert_eq!(entry["reason"], "because of the test", "{entry}");
        assert!(entry["at"].as_str().unwrap().starts_with("20"), "{entry}");
    }
    assert!(entry(&fleet, "endpoint ").await["what"].as_str().unwrap().contains(&url));
    assert_eq!(entry(&fleet, "comes of the file").await["actor"], "the controller");
    // What a viewer was refused is not there; what is there outlives the controller, and viewers may read it.
    let viewer = fleet.pki().issue("viewer", "eve").await;
    let refused = fleet.harbrctl_as(&viewer, &["freeze", "--reason", "mischief"]).await;
    assert_eq!(refused.code, Some(1));
    let before = entries(&fleet).await;
    assert!(before.iter().all(|entry| entry["reason"] != "mischief"), "{before:#?}");
    fleet.controller.kill().await;
    fleet.controller.restart().await;
    let after = entries(&fleet).await;
    assert_eq!(after[after.len() - before.len()..], before);
    let seen = fleet.harbrctl_as(&viewer, &["audit"]).await;
    assert!(seen.code == Some(0) && seen.stdout.contains("operator operator"), "{seen:?}");
}

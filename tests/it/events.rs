//! `harbrctl events`: what happened, one line each, with its reason.

use harbr_tests::{Origin, Plan, Process, Program, Shape, eventually};
use serde_json::Value;

use crate::file::{File, to};

#[tokio::test]
async fn what_happens_is_told_as_it_does_and_remembered() {
    let origin = Origin::start("a").await;
    let file = File::new().route("/a", &to(&origin));
    let fleet = Plan::new(Shape::Split).nodes(2).start(&file.text()).await;
    let controller = format!("http://{}", fleet.controller.grpc());
    let args = ["--controller", &controller, "events", "--watch"].map(str::to_owned);
    let watch = Process::start(Program::Harbrctl, &args, &[]);
    let told = async |text: &str| {
        eventually(&format!("an event says {text:?}"), async || {
            let lines = watch.stdout_lines();
            lines.iter().any(|line| line.contains(text)).then_some(lines)
        })
        .await
    };
    told("node-1 joined").await;
    told("revision 1: ").await;

    fleet.apply(&file.route("/b", &to(&origin)).text()).await;
    told("revision 2: ").await;
    // It is said which wave it came to, and what its traffic was like.
    told("revision 2: the whole fleet: 2 nodes, no_evidence").await;
    fleet.file.save_by_rename("routes: {");
    let lines = told("the file is rejected: error[HR").await;
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(["node", "revision", "rollout"].iter().all(|kind| kinds.contains(kind)), "{lines:#?}");

    let remembered = fleet.json(&["events"]).await;
    let texts: Vec<&str> =
        remembered.as_array().unwrap().iter().filter_map(|event| event["text"].as_str()).collect();
    // The last line may have come after the question.
    let shown: Vec<String> = lines.iter().filter_map(|line| Some(line.get(32..)?.to_owned())).collect();
    assert!(shown.iter().all(|line| texts.contains(&line.as_str())), "{shown:#?}\n{texts:#?}");
    assert_eq!(fleet.json(&["events", "--limit", "2"]).await.as_array().map(Vec::len), Some(2));
    assert_eq!(remembered[0]["missed"], Value::from(0));

    fleet.controller.process.signal(harbr_tests::Signal::Terminate);
    let ended = watch.ended().await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("the controller shuts down"), "{}", ended.stderr);
}

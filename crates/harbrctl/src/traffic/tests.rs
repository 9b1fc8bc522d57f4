use super::*;

fn sampled(path: &str, weight: f64) -> v1::SampledRequest {
    v1::SampledRequest {
        method: "GET".into(),
        host: "a.test".into(),
        path: path.into(),
        headers: vec![v1::Header { name: "x-version".into(), value: b"2".to_vec() }],
        weight,
        age: Duration::from_millis(1_500).try_into().ok(),
    }
}

fn told() -> Traffic {
    let node = |node: &str, seconds, requests| v1::NodeSample {
        node: node.into(),
        covered: Duration::from_secs(seconds).try_into().ok(),
        requests,
    };
    let nodes = vec![
        node("a", 600, vec![sampled("/x", 10.0), sampled("/y", 20.0)]),
        node("b", 60, vec![sampled("/x", 6.0)]),
        node("just-started", 0, Vec::new()),
    ];
    Traffic::told(v1::GetSampleResponse { nodes, silent: vec!["c".into()] }).unwrap()
}

fn written(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn what_is_written_is_read_again() {
    let traffic = told();
    assert_eq!(traffic.nodes, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    let text = lines(&traffic.requests).unwrap();
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        r#"{"node":"a","method":"GET","host":"a.test","path":"/x","headers":[{"name":"x-version","value":"2"}],"weight":10.0,"over_seconds":600.0,"age_seconds":1.5}"#
    );
    let (_folder, file) = written("sample.jsonl", &text);
    let read = Traffic::read(&file).unwrap();
    assert_eq!((read.requests, read.window, read.nodes), (traffic.requests, traffic.window, traffic.nodes));
}

#[test]
fn rates_are_over_the_time_that_each_node_remembers() {
    let text = table(&told());
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<_> = text.lines().skip(1).map(words).collect();
    assert_eq!(rows, [["0.12/s", "GET", "a.test", "/x"], ["0.03/s", "GET", "a.test", "/y"]]);
}

#[test]
fn none_that_remembers_anything_is_no_traffic() {
    let silent = vec!["c".to_owned()];
    assert!(Traffic::told(v1::GetSampleResponse { nodes: Vec::new(), silent }).is_none());
}

#[test]
fn an_access_log_is_a_sample_too() {
    let line =
        r#"{"time":"2026-11-24T15:06:27.123Z","method":"GET","host":"a.test:8080","path":"/x","status":200}"#;
    let (_folder, file) = written("access.log", &format!("{line}\n\n{line}\n"));
    let read = Traffic::read(&file).unwrap();
    assert_eq!((read.requests.len(), read.requests[0].weight), (2, 1.0));
    assert_eq!(read.window, Duration::from_secs(600));
}

#[test]
fn what_is_no_request_is_said_with_its_line() {
    let (_folder, file) =
        written("sample.jsonl", "{\"method\":\"GET\",\"host\":\"a\",\"path\":\"/\"}\nnonsense\n");
    let error = Traffic::read(&file).unwrap_err().to_string();
    assert!(error.ends_with("sample.jsonl:2: is no request"), "{error}");
}

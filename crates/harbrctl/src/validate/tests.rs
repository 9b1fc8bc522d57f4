use std::path::Path;

use serde_json::{Map, Value};

use super::*;
use crate::testing::{check_golden, pretty};

const WRONG: &str = "listen_addr: x\nlisten_addr: y\nmax_conections: 1\n";
const WARNED: &str = "listen_addr: 127.0.0.1:0\nglobal_timeout_ms: 1\nmax_connections: 1\n\
                      routes: {/: {upstream: \"http://a\", timeout_ms: 2}}\n";

fn file(text: &str) -> CheckedFile {
    crate::testing::file("a folder/x.yml", text)
}

#[test]
fn all_that_is_wrong_is_in_the_json() {
    check_golden("validate_wrong.json", &pretty(&document(&file(WRONG))));
    check_golden("validate_warned.json", &pretty(&document(&file(WARNED))));
}

#[test]
fn each_is_one_workflow_command() {
    check_golden("validate_wrong.github.txt", &github::commands(&file(WRONG)));
    assert_eq!(github::commands(&file(WARNED)).matches("::warning ").count(), 1);
    let gone = CheckedFile::read(Path::new("/nowhere/100%.yml"));
    let command = github::commands(&gone);
    assert!(command.starts_with("::error::/nowhere/100%25.yml: cannot be read: "), "{command}");
}

fn object<'v>(value: &'v Value, required: &[&str]) -> &'v Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for name in required {
        assert!(object.contains_key(*name), "no `{name}` in {value}");
    }
    object
}

fn text(value: &Value) {
    assert!(object(value, &["text"])["text"].is_string());
}

/// What the schema of SARIF 2.1.0 requires of each object that is written.
fn check_sarif(log: &Value) {
    let log = object(log, &["version", "runs"]);
    assert_eq!(log["version"], "2.1.0");
    for run in log["runs"].as_array().unwrap() {
        let run = object(run, &["tool", "results"]);
        let driver = object(&object(&run["tool"], &["driver"])["driver"], &["name", "rules"]);
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            let rule = object(rule, &["id"]);
            text(&rule["shortDescription"]);
            text(&rule["fullDescription"]);
        }
        for invocation in run["invocations"].as_array().unwrap() {
            let invocation = object(invocation, &["executionSuccessful"]);
            for notification in invocation["toolExecutionNotifications"].as_array().unwrap() {
                text(&object(notification, &["message"])["message"]);
            }
        }
        for result in run["results"].as_array().unwrap() {
            let result = object(result, &["message", "ruleId", "ruleIndex", "level", "locations"]);
            text(&result["message"]);
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            let related = result["relatedLocations"].as_array().unwrap();
            for location in result["locations"].as_array().unwrap().iter().chain(related) {
                let place = object(&location["physicalLocation"], &["artifactLocation", "region"]);
                assert_eq!(place["artifactLocation"]["uri"], "a%20folder/x.yml");
                let region = object(&place["region"], &["startLine", "startColumn", "endLine", "endColumn"]);
                assert!(region.values().all(|number| number.as_u64().unwrap() >= 1));
            }
        }
    }
}

#[test]
fn the_sarif_log_has_what_its_schema_requires() {
    for (text, results) in [(WRONG, 5), (WARNED, 1)] {
        let log = sarif::log(&file(text));
        check_sarif(&log);
        assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), results, "{log:#}");
    }
    let gone = sarif::log(&CheckedFile::read(Path::new("/nowhere.yml")));
    check_sarif(&gone);
    assert_eq!(gone["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

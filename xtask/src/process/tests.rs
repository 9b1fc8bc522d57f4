use std::process::Command;
use std::time::Duration;

use super::{Process, field};
use crate::interrupt::Interrupt;

#[test]
fn an_address_is_found_at_the_top_or_among_the_fields() {
    assert_eq!(field(r#"{"admin_addr":"127.0.0.1:1"}"#, "admin_addr").as_deref(), Some("127.0.0.1:1"));
    assert_eq!(field(r#"{"fields":{"admin_addr":"[::1]:1"}}"#, "admin_addr").as_deref(), Some("[::1]:1"));
    assert_eq!(field(r#"{"fields":{"message":"admin_addr"}}"#, "admin_addr"), None);
    assert_eq!(field("not JSON", "admin_addr"), None);
}

#[test]
fn a_program_that_ends_at_once_is_reported_with_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut process =
        Process::start("failing", folder.path(), Command::new("sh").args(["-c", "echo no luck >&2; exit 1"]))
            .unwrap();
    let error = process.addr("admin_addr", &Interrupt::default()).unwrap_err();
    assert!(error.to_string().contains("no luck"), "{error}");
}

#[test]
fn a_program_that_ignores_the_request_to_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"trap '' TERM; echo '{"addr":"127.0.0.1:1"}'; read -r _"#;
    let mut process =
        Process::start("stubborn", folder.path(), Command::new("sh").args(["-c", script])).unwrap();
    process.addr("addr", &Interrupt::default()).unwrap();
    let id = process.id();
    assert!(process.stop(Duration::from_millis(50)).is_err());
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
}

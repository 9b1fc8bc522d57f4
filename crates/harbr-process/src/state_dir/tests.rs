use std::os::unix::fs::PermissionsExt;

use super::{StateDir, StateDirError};

#[test]
fn what_is_written_is_read_back_by_the_next_owner() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("a/b");
    let state = StateDir::open(&path).unwrap();
    assert_eq!(state.read("snapshot").unwrap(), None);
    state.write("snapshot", b"one").unwrap();
    state.write("snapshot", b"two").unwrap();
    drop(state);
    let state = StateDir::open(&path).unwrap();
    assert_eq!(state.read("snapshot").unwrap().as_deref(), Some(&b"two"[..]));
}

#[test]
fn a_second_owner_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let _first = StateDir::open(folder.path()).unwrap();
    let second = StateDir::open(folder.path()).unwrap_err();
    assert!(matches!(second, StateDirError::InUse { .. }));
    let expected = format!("state directory {} is in use by another process", folder.path().display());
    assert_eq!(second.to_string(), expected);
}

#[test]
fn only_the_owner_may_read_the_folder_and_its_files() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("state");
    let state = StateDir::open(&path).unwrap();
    state.write("snapshot", b"secret").unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("snapshot")), 0o600);
}

#[test]
fn what_a_crash_left_half_written_is_not_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    state.write("snapshot", b"good").unwrap();
    std::fs::write(folder.path().join("snapshot.tmp"), b"hal").unwrap();
    assert_eq!(state.read("snapshot").unwrap().as_deref(), Some(&b"good"[..]));
    state.write("snapshot", b"new").unwrap();
    assert_eq!(state.read("snapshot").unwrap().as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"").unwrap();
    let error = StateDir::open(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot use state directory {}: ", path.display())), "{error}");
}

#[test]
fn files_are_renamed_exchanged_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let content = |name| state.read(name).unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
    state.write("a", b"first").unwrap();
    assert!(state.exchange("a", "b").is_err());
    state.write("b", b"second").unwrap();
    state.exchange("a", "b").unwrap();
    assert_eq!((content("a").as_deref(), content("b").as_deref()), (Some("second"), Some("first")));
    state.rename("a", "b").unwrap();
    assert_eq!((content("a"), content("b").as_deref()), (None, Some("second")));
    state.remove("b").unwrap();
    state.remove("b").unwrap();
    assert_eq!(content("b"), None);
}

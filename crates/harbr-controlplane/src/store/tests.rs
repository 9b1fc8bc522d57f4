use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use harbr_process::StateDir;
use harbr_proto::EncodedSnapshot;

use super::{
    AuditRecord, Batch, Cause, Embedded, Fate, InMemory, Kept, Origin, RevisionRecord, RevisionStore,
};
use crate::revision::compile;
use crate::rollout::{Placement, Release, State};
use crate::testing::compiled;
use crate::watch::Content;

const FILE: &str = "revisions.redb";

fn open(folder: &Path) -> (Embedded, Origin) {
    Embedded::open(StateDir::open(folder).unwrap()).unwrap()
}

fn snapshot(host: &str) -> EncodedSnapshot {
    compiled(&[("/", &format!("http://{host}"))]).encoded
}

fn record(number: u64, snapshot: &EncodedSnapshot) -> RevisionRecord {
    RevisionRecord {
        number,
        hash: snapshot.hash(),
        made: 1,
        cause: Cause::TakenBack { from: 7 },
        actor: "me@here".to_owned(),
        reason: "because".to_owned(),
        summary: "1 route".to_owned(),
        source: number,
        fate: Fate::Rolling,
        story: vec!["it began".to_owned()],
    }
}

/// The first revision of a host.
fn batch(host: &str) -> Batch {
    let snapshot = snapshot(host);
    let release = Release { number: 1, hash: snapshot.hash() };
    let base = Some(Placement { release, generation: 3 });
    Batch {
        state: State { base, generation: 3, number: 1, ..State::new() },
        records: vec![record(1, &snapshot)],
        source: Some((1, format!("file of {host}").into())),
        snapshots: vec![snapshot],
        dead: Vec::new(),
        forgotten: Vec::new(),
        audit: Some(AuditRecord { at: 1, actor: "a".into(), reason: "r".into(), what: host.to_owned() }),
    }
}

fn check_what_is_kept(store: &mut dyn RevisionStore) {
    assert!(store.load().unwrap().is_none());
    assert!(store.audit(10).unwrap().is_empty());
    let first = batch("a");
    store.commit(&first).unwrap();
    let Kept { state, records } = store.load().unwrap().unwrap();
    assert_eq!((&state, &records), (&first.state, &first.records));
    assert_eq!(store.source(1).unwrap().unwrap(), "file of a");
    assert_eq!(store.source(2).unwrap(), None);
    let hash = first.snapshots[0].hash();
    assert_eq!(store.snapshot(hash).unwrap().unwrap().hash(), hash);
    let second =
        Batch { dead: vec![hash], forgotten: vec![1], records: Vec::new(), source: None, ..batch("b") };
    store.commit(&second).unwrap();
    assert!(store.snapshot(hash).unwrap().is_none());
    assert!(store.load().unwrap().unwrap().records.is_empty());
    assert_eq!(store.source(1).unwrap(), None);
    let said: Vec<String> = store.audit(10).unwrap().into_iter().map(|record| record.what).collect();
    assert_eq!(said, ["b", "a"]);
    assert_eq!(store.audit(1).unwrap().len(), 1);
}

#[test]
fn both_stores_keep_what_they_are_given() {
    check_what_is_kept(&mut InMemory::default());
    let folder = tempfile::tempdir().unwrap();
    check_what_is_kept(&mut open(folder.path()).0);
}

#[test]
fn a_restart_finds_all_of_it_and_nobody_else_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, origin) = open(folder.path());
    assert_eq!(origin, Origin::Created);
    let kept = batch("a");
    store.commit(&kept).unwrap();
    drop(store);
    let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (mut store, origin) = open(folder.path());
    assert_eq!(origin, Origin::Loaded);
    assert_eq!(store.load().unwrap().unwrap().state, kept.state);
    assert_eq!(store.audit(10).unwrap().len(), 1);
}

#[test]
fn a_file_that_is_damaged_anywhere_is_put_aside_or_read_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).0.commit(&batch("a")).unwrap();
    let good = fs::read(folder.path().join(FILE)).unwrap();
    let try_with = |content: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), content).unwrap();
        let (mut store, origin) = open(folder.path());
        match origin {
            // What it then holds may be older, never half of something.
            Origin::Loaded => drop(store.load().unwrap()),
            Origin::Unreadable(_) => assert!(folder.path().join("revisions.redb.broken").exists()),
            Origin::Created => panic!("the file was there"),
        }
        store.commit(&batch("b")).unwrap();
        assert!(store.load().unwrap().is_some());
    };
    try_with(b"");
    try_with(b"nonsense");
    for length in (0..good.len()).step_by(good.len() / 61) {
        try_with(&good[..length]);
    }
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..200 {
        let mut changed = good.clone();
        // Most of the file is empty pages; what is written is near the beginnings of pages.
        let at = random.usize(..good.len());
        changed[at] ^= 1 << random.u8(..8);
        try_with(&changed);
    }
}

/// A snapshot with a certificate, and the secret bytes of its key.
fn with_a_key() -> (EncodedSnapshot, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let text = "listeners: [{ name: a, addr: 127.0.0.1:0, tls: { certificates: [{ cert: c, key: k }] } }]\n\
                global_timeout_ms: 5000\nmax_connections: 100\nroutes: { /: { upstream: \"http://a\" } }\n";
    let files = [("c", cert), ("k", key)].map(|(name, pem)| (name.to_owned(), Ok(pem.into_bytes())));
    let content = Content { text: text.into(), files: files.into_iter().collect() };
    let secret = made.signing_key.serialize_der()[36..68].to_vec();
    (compile("test.yml", content).unwrap().encoded, secret)
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn the_keys_of_certificates_are_nowhere_in_the_store_and_the_snapshot_is_whole_after_a_restart() {
    let (snapshot, secret) = with_a_key();
    assert!(has(&snapshot.to_bytes(), &secret), "the test looks for the right bytes");
    let hash = snapshot.hash();
    let folder = tempfile::tempdir().unwrap();
    let kept = Batch { snapshots: vec![snapshot], ..batch("a") };
    open(folder.path()).0.commit(&kept).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert!(!has(&fs::read(&path).unwrap(), &secret), "{}", path.display());
    }
    let mode = fs::metadata(folder.path().join("revisions.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let found = open(folder.path()).0.snapshot(hash).unwrap().unwrap();
    assert_eq!(found.hash(), hash);
    assert!(has(&found.to_bytes(), &secret));
}

#[test]
fn without_its_key_a_sealed_snapshot_is_lost_and_all_else_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let kept = batch("a");
    let hash = kept.snapshots[0].hash();
    open(folder.path()).0.commit(&kept).unwrap();
    for (content, aside) in [(None, false), (Some("nonsense"), true), (Some(""), true)] {
        let key = folder.path().join("revisions.key");
        match content {
            None => fs::remove_file(&key).unwrap(),
            Some(content) => fs::write(&key, content).unwrap(),
        }
        let (mut store, origin) = open(folder.path());
        assert_eq!(origin, Origin::Loaded);
        assert_eq!(folder.path().join("revisions.key.broken").exists(), aside);
        assert!(store.snapshot(hash).unwrap_err().to_string().contains("a key that is lost"));
        assert_eq!(store.load().unwrap().unwrap().state, kept.state);
    }
}

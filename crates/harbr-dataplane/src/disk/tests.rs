use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use harbr_process::{StateDir, StateDirError};
use harbr_proto::{EncodedSnapshot, Fence};

use super::{Disk, MAX_QUARANTINED, Quarantined, Slot};
use crate::node::Serving;
use crate::testing::{self, route, upstream};

fn snapshot(revision: u64) -> (Serving, EncodedSnapshot) {
    let routes = vec![route(&format!("/{revision}"), "u", 0)];
    let snapshot = testing::snapshot(vec![upstream("u", &[(1, 1)], "/h")], routes);
    let snapshot = EncodedSnapshot::encode(&snapshot);
    let fence = Fence { epoch: 1, generation: revision };
    (Serving { fence, revision, hash: snapshot.hash() }, snapshot)
}

/// The state folder as the next process opens it, once the last one has let go of it.
pub(crate) async fn open(folder: &Path) -> Disk {
    loop {
        match StateDir::open(folder) {
            Ok(dir) => return Disk::open(Some(dir)).unwrap(),
            Err(StateDirError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Time that nobody waits for: a paused clock runs on while the disk's own thread is waited for.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn keep(disk: &mut Disk, slot: Slot, revision: u64) {
    let (serving, snapshot) = snapshot(revision);
    disk.keep(slot, serving, &snapshot).await;
    assert_eq!(disk.unwritten(), None);
}

fn revisions(disk: &Disk) -> (Option<u64>, Option<u64>) {
    let revision = |slot| disk.slots().of(slot).map(|serving| serving.revision);
    (revision(Slot::Proven), revision(Slot::Candidate))
}

#[tokio::test]
async fn a_candidate_never_overwrites_what_is_proven_and_takes_its_place_when_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = open(folder.path()).await;
    for (slot, revision, expected) in [
        (Slot::Candidate, 1, (None, Some(1))),
        (Slot::Proven, 1, (Some(1), None)),
        (Slot::Candidate, 2, (Some(1), Some(2))),
        (Slot::Candidate, 3, (Some(1), Some(3))),
        // The one before stays, to fall back to.
        (Slot::Proven, 3, (Some(3), Some(1))),
        (Slot::Proven, 4, (Some(4), Some(3))),
        (Slot::Candidate, 5, (Some(4), Some(5))),
        // Taken back: the candidate is gone.
        (Slot::Proven, 4, (Some(4), None)),
    ] {
        keep(&mut disk, slot, revision).await;
        assert_eq!(revisions(&disk), expected, "{slot:?} {revision}");
        drop(disk);
        disk = open(folder.path()).await;
        assert_eq!(revisions(&disk), expected, "{slot:?} {revision}, read again");
    }
}

#[tokio::test]
async fn only_the_owner_may_read_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = open(folder.path()).await;
    keep(&mut disk, Slot::Proven, 1).await;
    keep(&mut disk, Slot::Candidate, 2).await;
    disk.mark(snapshot(2).0, 0).await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn what_a_process_died_of_is_in_quarantine_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = open(folder.path()).await;
    keep(&mut disk, Slot::Proven, 1).await;
    disk.mark(snapshot(2).0, 0).await;
    keep(&mut disk, Slot::Candidate, 2).await;
    drop(disk);

    let mut disk = open(folder.path()).await;
    assert!(disk.ended_uncleanly());
    assert_eq!(disk.begin().await, [Slot::Proven, Slot::Candidate]);
    assert_eq!(disk.quarantined()[0].revision, 2);
    assert_eq!(disk.floor(), Fence { epoch: 1, generation: 2 });
    disk.writer().unwrap().leave().await;
    drop(disk);

    let mut disk = open(folder.path()).await;
    assert!(!disk.ended_uncleanly());
    assert_eq!(disk.begin().await, [Slot::Proven, Slot::Candidate]);
    let (serving, _) = snapshot(2);
    assert!(disk.quarantine_of(serving.hash).is_some());
    disk.release(serving.hash).await;
    drop(disk);
    assert_eq!(open(folder.path()).await.quarantined(), []);
}

#[tokio::test]
async fn a_mark_that_has_settled_blames_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = open(folder.path()).await;
    keep(&mut disk, Slot::Proven, 1).await;
    keep(&mut disk, Slot::Candidate, 2).await;
    disk.mark(snapshot(2).0, 0).await;
    pass(super::SETTLE).await;
    while !disk.tasks.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(disk);
    let mut disk = open(folder.path()).await;
    assert!(disk.ended_uncleanly());
    assert_eq!(disk.begin().await, [Slot::Candidate, Slot::Proven]);
    assert_eq!(disk.quarantined(), []);
}

#[tokio::test]
async fn the_quarantine_forgets_the_oldest_beyond_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = open(folder.path()).await;
    for revision in 1..=MAX_QUARANTINED as u64 + 3 {
        let (hash, reason) = (snapshot(revision).0.hash, String::new());
        disk.quarantine(Quarantined { hash, revision, reason }).await;
    }
    drop(disk);
    let disk = open(folder.path()).await;
    let revisions: Vec<_> = disk.quarantined().iter().map(|quarantined| quarantined.revision).collect();
    assert_eq!(revisions, (4..=MAX_QUARANTINED as u64 + 3).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_cut_short_or_flipped_at_any_byte_counts_as_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = open(folder.path()).await;
    keep(&mut disk, Slot::Proven, 1).await;
    disk.mark(snapshot(3).0, 0).await;
    keep(&mut disk, Slot::Candidate, 2).await;
    drop(disk);
    let names = ["proven", "candidate", "mark"];
    for name in names {
        let path = folder.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x04;
            for damaged in [&whole[..at], &flipped] {
                std::fs::write(&path, damaged).unwrap();
                let disk = open(folder.path()).await;
                assert_eq!(disk.slots().proven.is_some(), name != "proven", "{name} at {at}");
                assert_eq!(disk.slots().candidate.is_some(), name != "candidate", "{name} at {at}");
                assert_eq!(disk.ended_uncleanly(), name != "mark", "{name} at {at}");
            }
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_said_and_due_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut disk = open(&state).await;
    std::fs::remove_dir_all(&state).unwrap();
    let (serving, snapshot) = snapshot(1);
    disk.mark(serving, 0).await;
    disk.keep(Slot::Candidate, serving, &snapshot).await;
    assert!(disk.unwritten().is_some_and(|reason| reason.contains("disk")), "{:?}", disk.unwritten());
    assert!(!disk.is_due());
    pass(super::RETRY).await;
    assert!(disk.is_due());
    std::fs::create_dir(&state).unwrap();
    disk.keep(Slot::Candidate, serving, &snapshot).await;
    assert_eq!((disk.unwritten(), disk.is_due()), (None, false));
}

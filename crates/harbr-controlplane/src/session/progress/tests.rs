use std::time::Duration;

use harbr_proto::{Fence, SnapshotHash};
use tokio::time::Instant;

use super::{ANSWER_TIMEOUT, Asked, Instruction, MAX_RESEND, Progress, RESEND, Refusal};

fn hash(byte: u8) -> SnapshotHash {
    SnapshotHash::from_slice(&[byte; 32]).unwrap()
}

fn fence(generation: u64) -> Fence {
    Fence { epoch: 1, generation }
}

fn whole(base: u8) -> Option<Instruction> {
    Some(Instruction::Snapshot { base: (base != 0).then(|| hash(base)) })
}

/// As if the revision with this number, and this byte in its hash, was sent.
fn asked(number: u8) -> Asked {
    let generation = u64::from(number);
    Asked { fence: fence(generation), revision: generation, hash: hash(number), since: Instant::now() }
}

#[test]
fn a_node_that_serves_what_it_should_is_told_so_once() {
    let mut progress = Progress::new(Some(hash(1)));
    assert_eq!(progress.next(fence(1), hash(1)), Some(Instruction::UpToDate));
    progress.confirmed(fence(1), hash(1));
    assert_eq!(progress.next(fence(1), hash(1)), None);
    // The old content under a new number is an instruction of its own.
    assert_eq!(progress.next(fence(2), hash(1)), Some(Instruction::UpToDate));
}

#[test]
fn one_snapshot_at_a_time_and_the_next_is_against_what_was_acknowledged() {
    let mut progress = Progress::new(None);
    assert_eq!(progress.next(fence(1), hash(1)), whole(0));
    progress.sent(asked(1));
    assert_eq!(progress.next(fence(2), hash(2)), None);
    assert_eq!(progress.acked(fence(7), hash(1)), None);
    assert_eq!(progress.acked(fence(1), hash(7)), None);
    assert_eq!(progress.acked(fence(1), hash(1)).map(|asked| asked.revision), Some(1));
    assert_eq!(progress.next(fence(3), hash(3)), whole(1));
}

#[test]
fn an_invalid_snapshot_is_not_repeated_until_there_is_a_new_one() {
    let mut progress = Progress::new(Some(hash(1)));
    progress.sent(asked(2));
    let now = Instant::now();
    assert!(progress.nacked(fence(9), Refusal::Invalid, now).is_none());
    assert!(progress.nacked(fence(2), Refusal::Invalid, now).is_some());
    progress.reported(Some(hash(1)), now);
    assert_eq!(progress.deadline(), None);
    assert_eq!(progress.next(fence(2), hash(2)), None);
    assert_eq!(progress.next(fence(3), hash(3)), whole(1));
}

#[test]
fn a_node_that_cannot_take_it_now_is_told_again_later_and_later() {
    let mut progress = Progress::new(Some(hash(1)));
    let mut now = Instant::now();
    for pause in [RESEND, RESEND * 2, RESEND * 4, RESEND * 8, MAX_RESEND, MAX_RESEND] {
        assert_eq!(progress.next(fence(2), hash(2)), whole(1));
        progress.sent(asked(2));
        assert!(progress.nacked(fence(2), Refusal::Local, now).is_some());
        progress.reported(Some(hash(1)), now);
        assert_eq!(progress.next(fence(2), hash(2)), None);
        assert_eq!(progress.deadline(), Some(now + pause));
        now += pause;
        progress.expire(now);
    }
    // Something new does not wait.
    progress.sent(asked(2));
    progress.nacked(fence(2), Refusal::Local, now);
    assert_eq!(progress.next(fence(3), hash(3)), whole(1));
}

#[test]
fn what_was_recalled_halfway_is_replaced() {
    let mut progress = Progress::new(Some(hash(1)));
    progress.sent(asked(2));
    progress.recalled();
    assert_eq!(progress.next(fence(3), hash(3)), whole(1));
}

#[test]
fn a_node_that_does_not_answer_gets_the_next_one_whole() {
    let mut progress = Progress::new(Some(hash(1)));
    let sent = asked(2);
    progress.sent(sent);
    assert_eq!(progress.expire(sent.since), None);
    assert_eq!(progress.expire(sent.since + ANSWER_TIMEOUT), Some(sent));
    assert_eq!(progress.next(fence(2), hash(2)), None);
    assert_eq!(progress.next(fence(3), hash(3)), whole(0));
}

#[test]
fn a_node_that_serves_something_else_than_it_said_is_told_again_later_and_later() {
    let mut progress = Progress::new(Some(hash(1)));
    progress.confirmed(fence(1), hash(1));
    let mut now = Instant::now();
    progress.reported(Some(hash(1)), now);
    assert_eq!(progress.deadline(), None);
    for pause in [RESEND, RESEND * 2, RESEND * 4] {
        progress.reported(Some(hash(9)), now);
        // More of the same does not put it off.
        progress.reported(Some(hash(9)), now + Duration::from_secs(1));
        assert_eq!(progress.deadline(), Some(now + pause));
        now += pause;
        assert_eq!(progress.expire(now), None);
        assert_eq!(progress.next(fence(1), hash(1)), whole(9));
        progress.sent(asked(1));
        assert!(progress.acked(fence(1), hash(1)).is_some());
    }
    progress.reported(Some(hash(1)), now);
    assert_eq!(progress.deadline(), None);
}

#[test]
fn a_report_that_crossed_a_snapshot_means_nothing() {
    let mut progress = Progress::new(Some(hash(1)));
    progress.sent(asked(2));
    let answer_due = progress.deadline();
    progress.reported(Some(hash(1)), Instant::now());
    assert_eq!(progress.deadline(), answer_due);
    progress.acked(fence(2), hash(2));
    assert_eq!(progress.deadline(), None);
}

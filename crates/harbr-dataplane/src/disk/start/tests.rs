use harbr_proto::{Fence, SnapshotHash};

use super::{Known, Mark, Slots, Start, start_from};
use crate::disk::Slot;
use crate::node::Serving;

fn hash(number: u64) -> SnapshotHash {
    SnapshotHash::from_slice(&[u8::try_from(number).unwrap(); 32]).unwrap()
}

/// Revision `number`, with a content of its own.
fn revision(number: u64) -> Serving {
    Serving { fence: Fence { epoch: 1, generation: number }, revision: number, hash: hash(number) }
}

fn slots(proven: Option<u64>, candidate: Option<u64>) -> Slots {
    Slots { proven: proven.map(revision), candidate: candidate.map(revision) }
}

fn mark(number: u64, strikes: u32, settled: bool) -> Option<Mark> {
    Some(Mark { serving: revision(number), strikes, settled })
}

fn start(slots: Slots, mark: Option<Mark>, quarantined: &[u64]) -> Start {
    let quarantined: Vec<_> = quarantined.iter().copied().map(hash).collect();
    start_from(&slots, mark.as_ref(), Known { quarantined: &quarantined, pinned: None })
}

use Slot::{Candidate, Proven};

/// Slots, mark, what is in quarantine → what is served first, what goes into quarantine, strikes.
#[test]
fn the_slot_to_start_from() {
    let settled = true;
    for (what, slots, mark, quarantined, expected) in [
        ("nothing is there", slots(None, None), None, &[][..], (None, None, 0)),
        ("nothing but a mark", slots(None, None), mark(2, 0, false), &[], (None, None, 0)),
        ("a clean end: the newest", slots(Some(1), Some(2)), None, &[], (Some(Candidate), None, 0)),
        ("an end long after", slots(Some(1), Some(2)), mark(2, 0, settled), &[], (Some(Candidate), None, 0)),
        ("died of a candidate", slots(Some(1), Some(2)), mark(2, 0, false), &[], (Some(Proven), Some(2), 0)),
        (
            "… that is not on disk yet",
            slots(Some(1), None),
            mark(2, 0, false),
            &[],
            (Some(Proven), Some(2), 0),
        ),
        ("… with one before", slots(Some(1), Some(2)), mark(3, 0, false), &[], (Some(Candidate), Some(3), 0)),
        ("… an only slot", slots(None, Some(2)), mark(2, 0, false), &[], (Some(Candidate), None, 1)),
        ("… and again", slots(None, Some(2)), mark(2, 7, false), &[], (Some(Candidate), None, 8)),
        ("a candidate in quarantine", slots(Some(1), Some(2)), None, &[2], (Some(Proven), None, 0)),
        ("an only one in quarantine", slots(None, Some(2)), None, &[2], (Some(Candidate), None, 0)),
        ("both in quarantine", slots(Some(1), Some(2)), None, &[1, 2], (Some(Proven), None, 0)),
        ("proven: first strike", slots(Some(1), Some(2)), mark(1, 0, false), &[2], (Some(Proven), None, 1)),
        ("proven: second", slots(Some(2), Some(1)), mark(2, 1, false), &[], (Some(Proven), None, 2)),
        ("proven: third", slots(Some(2), Some(1)), mark(2, 2, false), &[], (Some(Candidate), Some(2), 0)),
        ("proven: third, alone", slots(Some(2), None), mark(2, 2, false), &[], (Some(Proven), None, 3)),
        (
            "proven: the other is refused",
            slots(Some(1), Some(2)),
            mark(1, 2, false),
            &[2],
            (Some(Proven), None, 3),
        ),
        ("the one before the proven", slots(Some(2), Some(1)), None, &[], (Some(Proven), None, 0)),
    ] {
        let found = start(slots, mark, quarantined);
        let quarantine = found.quarantine.map(|serving| serving.revision);
        assert_eq!((found.order.first().copied(), quarantine, found.strikes), expected, "{what}");
        let there = usize::from(slots.proven.is_some()) + usize::from(slots.candidate.is_some());
        assert_eq!(found.order.len(), there, "{what}: the other slot is left for want of a better one");
    }
}

#[test]
fn what_an_operator_has_pinned_comes_first() {
    let pinned = |number| {
        let known = Known { quarantined: &[hash(2)], pinned: Some(hash(number)) };
        start_from(&slots(Some(1), Some(2)), mark(2, 0, false).as_ref(), known).order[0]
    };
    assert_eq!((pinned(1), pinned(2), pinned(9)), (Proven, Candidate, Proven));
}

use harbr_proto::SnapshotHash;

use super::*;
use crate::store::Cause;

fn record(number: u64, fate: Fate, story: &[&str]) -> RevisionRecord {
    RevisionRecord {
        number,
        hash: SnapshotHash::from_slice(&[1; 32]).unwrap(),
        made: 1_000 + number,
        cause: Cause::File,
        actor: String::new(),
        reason: String::new(),
        summary: "1 route changed".to_owned(),
        source: number,
        fate,
        story: story.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn texts(news: &[News]) -> Vec<&str> {
    news.iter().map(|news| news.text.as_str()).collect()
}

#[test]
fn a_rollout_is_told_line_by_line_and_its_end_with_its_reason() {
    let mut seen = SeenRevisions::new(1_000);
    let told = seen.look(None, &[record(7, Fate::Rolling, &[])]);
    assert_eq!(texts(&told), ["revision 7: 1 route changed (file)"]);
    let told = seen.look(None, &[record(7, Fate::Rolling, &["wave 1: 1 nodes"])]);
    assert_eq!(texts(&told), ["revision 7: wave 1: 1 nodes"]);
    let told = seen
        .look(None, &[record(7, Fate::Rejected, &["wave 1: 1 nodes", "wave 2: 2 nodes", "5 of 9 failed"])]);
    assert_eq!(texts(&told), ["revision 7: wave 2: 2 nodes", "revision 7 is taken back: 5 of 9 failed"]);
    assert_eq!((told[1].severity, told[1].kind), (Severity::Bad, EventKind::Revision));
    let again = [record(7, Fate::Rejected, &["wave 1: 1 nodes", "wave 2: 2 nodes", "5 of 9 failed"])];
    assert!(seen.look(None, &again).is_empty());
}

#[test]
fn what_was_before_the_controller_began_is_not_told_again() {
    let mut seen = SeenRevisions::new(1_005);
    assert!(seen.look(None, &[record(4, Fate::Rolling, &["wave 1: 1 nodes"])]).is_empty());
    let told = seen.look(None, &[record(4, Fate::Proven, &["wave 1: 1 nodes"])]);
    assert_eq!(texts(&told), ["revision 4 is proven"]);
}

#[test]
fn the_file_is_told_of_when_it_turns_bad_and_when_it_is_good_again() {
    let mut seen = SeenRevisions::new(0);
    assert_eq!(
        texts(&seen.look(Some("error[HR0101]: no\nmore"), &[])),
        ["the file is rejected: error[HR0101]: no"]
    );
    assert!(seen.look(Some("error[HR0101]: no\nless"), &[]).is_empty());
    assert_eq!(texts(&seen.look(None, &[])), ["the file is valid again"]);
}

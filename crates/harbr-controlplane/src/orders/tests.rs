use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::{FILE, OrderError, Orders};
use crate::drains::Drained;

fn drain(orders: &Orders, id: &str) -> Result<(), OrderError<Infallible>> {
    orders.change(|book| {
        let order =
            Drained { grace: Duration::from_secs(1), actor: "a".to_owned(), reason: String::new(), since: 1 };
        book.drains.nodes.insert(id.to_owned(), order);
        Ok(())
    })
}

#[test]
fn orders_outlive_the_process_and_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let orders = Orders::open(Some(folder.path())).unwrap();
    let mut drains = orders.drains();
    drain(&orders, "node-1").unwrap();
    assert!(drains.has_changed().unwrap() && drains.borrow_and_update().nodes.contains_key("node-1"));
    let again = Orders::open(Some(folder.path())).unwrap();
    assert_eq!(again.book(), orders.book());
    assert!(again.drains().borrow().nodes.contains_key("node-1"));
    let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_refused_or_cannot_be_kept_has_not_happened() {
    let folder = tempfile::tempdir().unwrap();
    let orders = Orders::open(Some(folder.path())).unwrap();
    drain(&orders, "node-1").unwrap();
    let before = orders.book();
    let refused = orders.change(|book| {
        book.drains.nodes.clear();
        Err::<(), _>("no")
    });
    assert!(matches!(refused, Err(OrderError::Refused("no"))));
    assert_eq!(orders.book(), before);
    // Nothing can be written where a folder is in the way.
    std::fs::create_dir(folder.path().join(format!("{FILE}.tmp"))).unwrap();
    assert!(matches!(drain(&orders, "node-2"), Err(OrderError::Unwritable(_))));
    assert_eq!(orders.book(), before);
}

#[test]
fn a_file_that_makes_no_sense_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "{\"drains\": 7").unwrap();
    let orders = Orders::open(Some(folder.path())).unwrap();
    assert_eq!(orders.book(), super::Book::default());
    assert!(folder.path().join("orders.json.broken").exists());
    drain(&orders, "node-1").unwrap();
}

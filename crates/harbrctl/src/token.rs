//! Tokens by which nodes get certificates.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use harbr_proto::document::TokenDocument;
use harbr_proto::v1;

use crate::cli::Format;
use crate::controller::Controller;
use crate::output::{print, print_document};
use crate::table;
use crate::why::Why;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make one, and print it: it is not shown again
    Create {
        /// What it lets in
        #[arg(long, value_enum, default_value_t = JoinRole::Node)]
        role: JoinRole,
        /// How long it is good for
        #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
        ttl: Duration,
        /// Only for a node of this name; else for any name that no connected node has
        #[arg(long, value_name = "ID")]
        node: Option<String>,
        /// How many nodes it lets in
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        uses: u32,
        #[command(flatten)]
        why: Why,
    },
    /// List those that are good for something
    List,
    /// Make one good for nothing
    Revoke {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        why: Why,
    },
}

/// People get their certificates from `harbrctl pki`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum JoinRole {
    Node,
}

pub(crate) async fn run(
    controller: &Controller,
    command: TokenCommand,
    format: Format,
) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { role: JoinRole::Node, ttl, node, uses, why } => {
            let (ttl, node_id) = (ttl.try_into().ok(), node.unwrap_or_default());
            let request = v1::CreateTokenRequest { ttl, node_id, uses, actor: Some(why.actor()) };
            let v1::CreateTokenResponse { token, described } = controller.create_token(request).await?;
            match format {
                Format::Table | Format::Wide => print(&format!("{token}\n")),
                Format::Json | Format::Yaml => {
                    let document = TokenDocument::created(token, described.unwrap_or_default());
                    print_document(&document, format)
                }
            }
        }
        TokenCommand::List => {
            let tokens: Vec<TokenDocument> =
                controller.tokens().await?.into_iter().map(TokenDocument::from).collect();
            match format {
                Format::Json | Format::Yaml => print_document(&tokens, format),
                Format::Table | Format::Wide => print(&list(&tokens)),
            }
        }
        TokenCommand::Revoke { id, why } => {
            controller.revoke_token(v1::RevokeTokenRequest { id, actor: Some(why.actor()) }).await
        }
    }
}

fn list(tokens: &[TokenDocument]) -> String {
    let rows = tokens.iter().map(|token| {
        let expires = token.expires.map(|time| time.to_string()).unwrap_or_default();
        let node = token.node_id.clone().unwrap_or_default();
        [token.id.clone(), node, token.uses_left.to_string(), expires, token.actor.clone()]
    });
    table::render(["ID", "NODE", "USES LEFT", "EXPIRES", "MADE BY"], rows)
}

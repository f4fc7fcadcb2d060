//! Which stack is meant, and who is asking: flags, or the environment.

use crate::credential::Credential;
use crate::failure::{Exit, Failure};
use clap::Args;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fs, sync::Arc};
use ureq::config::ConfigBuilder;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;
use valet_client::{Api, Settings, Token};

/// What every command needs to reach a stack.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Base URL of the API, as the stack's outputs name it
    #[arg(long, global = true, env = "VALET_API", value_name = "URL")]
    pub(crate) api: Option<String>,
    /// Bearer token. Other users of this machine may see a command line: better the variable, or a file
    #[arg(long, global = true, env = "VALET_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// File that holds the bearer token, read before every request, so that it can be renewed meanwhile
    #[arg(long, global = true, env = "VALET_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the built-in ones
    #[arg(long, global = true, env = "VALET_CA_BUNDLE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

impl Connection {
    /// The API's base URL, without a slash at the end.
    pub(crate) fn base_url(&self) -> Result<String, Failure> {
        let usage = |text: &str| Failure::new(Exit::Usage, text);
        let given = self.api.as_deref().ok_or_else(|| usage("no API is given; use --api or VALET_API"))?;
        let uri: Uri = given.parse().map_err(|_| usage("--api is no URL"))?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(given) => {}
            Some("http") => {
                return Err(usage("--api must be https://, or the token would travel in the open"));
            }
            _ => return Err(usage("--api must be a URL such as https://api.example.com")),
        }
        if uri.query().is_some() {
            return Err(usage("--api must be a base URL, without ?"));
        }
        Ok(given.trim_end_matches('/').into())
    }

    /// The API, spoken to as whoever is asking.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let token = match self.credential()? {
            Credential::Text(text) => Token::Text(text),
            Credential::File(path) => Token::File(path),
        };
        let mut settings = Settings::new(self.base_url()?, token);
        settings.ca_bundle.clone_from(&self.ca_file);
        settings.user_agent = concat!("valet/", env!("CARGO_PKG_VERSION")).into();
        Ok(Api::new(settings)?)
    }

    /// Who is asking.
    pub(crate) fn credential(&self) -> Result<Credential, Failure> {
        Credential::of(self.token.clone(), self.token_file.clone()).ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "no token is given; use VALET_TOKEN, VALET_TOKEN_FILE, --token or --token-file",
            )
        })
    }
}

/// Whether a URL leads to this very machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<Uri>().ok();
    uri.as_ref().and_then(Uri::host).is_some_and(|host| {
        let host = host.trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

/// How to connect: with the certificates of a file, or the built-in ones.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<ConfigBuilder<AgentScope>, Failure> {
    let builder = ureq::Agent::config_builder();
    let Some(path) = ca_file else { return Ok(builder) };
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let pem = fs::read(path).map_err(|error| usage(format!("cannot read {}: {error}", path.display())))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(usage(format!("{} holds no certificate (PEM)", path.display())));
    }
    Ok(builder
        .tls_config(TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(certificates))).build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base_url(api: &str) -> Result<String, Exit> {
        let connection = Connection { api: Some(api.into()), token: None, token_file: None, ca_file: None };
        connection.base_url().map_err(|failure| failure.exit)
    }

    #[test]
    fn a_token_travels_encrypted_or_not_beyond_this_machine() {
        for good in
            ["https://api.example.com/", "http://127.0.0.1:4567", "http://[::1]:4567", "http://localhost:1/"]
        {
            assert_eq!(base_url(good).as_deref(), Ok(good.trim_end_matches('/')));
        }
        for bad in [
            "http://api.example.com",
            "http://localhost.example",
            "ftp://x",
            "api.example.com",
            "",
            "https://x/?a",
        ] {
            assert_eq!(base_url(bad), Err(Exit::Usage), "{bad}");
        }
    }
}

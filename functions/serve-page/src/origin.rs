//! An origin, as a browser tells them apart. It must never hold what a policy could be made to say more with.

use std::fmt;

/// Scheme, host and port of an address, such as `https://example.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// The origin of an http or https address.
    pub(crate) fn of(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
        let is_host =
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        if ["http", "https"].contains(&scheme) && is_host && port.parse::<u16>().is_ok() {
            return Ok(Self(format!("{scheme}://{authority}")));
        }
        Err(format!("`{url}` is not an address such as https://example.com"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, origin) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com/a/b?c#d", "https://example.com"),
            ("http://127.0.0.1:4567/", "http://127.0.0.1:4567"),
        ] {
            assert_eq!(Origin::of(url).unwrap().to_string(), origin);
        }
    }

    #[test]
    fn what_is_none_or_would_say_more_in_a_policy_is_refused() {
        let hostile = [
            "https://a.example; script-src *",
            "https://a.example https://b.example",
            "https://*",
            "https://'self'",
        ];
        for url in ["", "example.com", "https://", "ftp://example.com", "https://a:b", "data:x"]
            .into_iter()
            .chain(hostile)
        {
            assert!(Origin::of(url).is_err(), "{url}");
        }
    }
}

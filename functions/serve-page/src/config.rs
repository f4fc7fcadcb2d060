//! What the template tells this function. Read once, at the start; every mistake is reported by name.

use crate::origin::Origin;
use valet_lambda::{ConfigError, Settings};

pub(crate) struct Config {
    /// The name its metrics are recorded under: the stack's.
    pub(crate) service: String,
    /// The API's address, without a trailing slash.
    pub(crate) api_url: String,
    /// The issuer of the tokens, as its tokens spell it.
    pub(crate) issuer: String,
    /// What the page signs in as. Without it the page asks for a token.
    pub(crate) client_id: Option<String>,
    /// The audience to ask for, where the issuer wants to be told.
    pub(crate) audience: Option<String>,
    /// The scope that every route of the API asks for.
    pub(crate) scope: String,
    /// Whom the page may talk to: the API, the issuer, its login, the bucket.
    pub(crate) talks_to: Vec<Origin>,
    /// Where thumbnails lie.
    pub(crate) pictures: Origin,
}

impl Config {
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(&lookup);
        let service = settings.text("SERVICE");
        let api_url = settings.text("API_BASE_URL");
        let api = settings.parse("API_BASE_URL", Origin::of);
        let issuer = settings.text("ISSUER");
        let issuer_origin = settings.parse("ISSUER", Origin::of);
        let client_id = settings.optional("CLIENT_ID");
        let audience = settings.optional("AUDIENCE");
        let scope = settings.text("SCOPE");
        // A pool's login is at another address than its issuer.
        let login = settings.optional("LOGIN_URL").and_then(|_| settings.parse("LOGIN_URL", Origin::of));
        let pictures = settings.parse("CDN_URL", Origin::of);
        let bucket =
            settings.parse("BUCKET_URL", |url| Origin::of(&s3_endpoint(&lookup).unwrap_or(url.to_owned())));
        settings.finish(|| {
            Some(Self {
                service: service?,
                api_url: api_url?,
                issuer: issuer?,
                client_id,
                audience,
                scope: scope?,
                talks_to: [api?, issuer_origin?, bucket?].into_iter().chain(login).collect(),
                pictures: pictures?,
            })
        })
    }
}

/// Another endpoint than S3's own, where whoever signs URLs has one: then they lead there and not to the bucket's name.
fn s3_endpoint(lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        .into_iter()
        .find_map(|name| lookup(name).filter(|url| !url.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changed: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            let changed = changed.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
            let value = changed.or(match name {
                "SERVICE" => Some("valet"),
                "API_BASE_URL" => Some("https://api.example.com/base"),
                "ISSUER" => Some("https://issuer.example.com/realm"),
                "SCOPE" => Some("valet/files"),
                "CDN_URL" => Some("https://files.example.com"),
                "BUCKET_URL" => Some("https://bucket.s3.eu-central-1.amazonaws.com"),
                _ => None,
            });
            value.map(str::to_owned)
        })
    }

    fn talks_to(changed: &[(&str, &str)]) -> Vec<String> {
        read(changed).unwrap().talks_to.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_page_talks_to_the_origins_of_what_it_is_told() {
        let bucket = "https://bucket.s3.eu-central-1.amazonaws.com";
        assert_eq!(talks_to(&[]), ["https://api.example.com", "https://issuer.example.com", bucket]);
        let login = ("LOGIN_URL", "https://login.example.com");
        assert_eq!(talks_to(&[login])[3], "https://login.example.com");
    }

    #[test]
    fn another_endpoint_than_s3s_own_stands_for_the_bucket() {
        let aws = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
        assert_eq!(talks_to(&[aws])[2], "http://127.0.0.1:4566");
        let s3 = ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:8333");
        assert_eq!(talks_to(&[aws, s3])[2], "http://127.0.0.1:8333");
    }

    #[test]
    fn what_is_no_address_is_reported_by_name() {
        let error = read(&[("API_BASE_URL", "api.example.com"), ("LOGIN_URL", "https://a;b"), ("SCOPE", "")])
            .err()
            .unwrap();
        let [api, scope, login] = error.0.as_slice() else { panic!("{error}") };
        assert!(api.starts_with("API_BASE_URL: `api.example.com`"), "{api}");
        assert_eq!(scope, "SCOPE is not set");
        assert!(login.starts_with("LOGIN_URL: "), "{login}");
    }
}

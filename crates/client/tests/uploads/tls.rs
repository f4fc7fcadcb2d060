//! Over TLS, with certificates made for the test.

use crate::fake::Request;
use crate::{TestFile, options};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::{fs, thread};
use valet_client::{Api, Error, Settings, Stop, Token, upload};

/// A server for one single PUT, behind a certificate of an authority of its own.
struct Secure {
    base_url: String,
    authority: PathBuf,
    stored: Arc<Mutex<Vec<u8>>>,
}

impl Secure {
    fn start(name: &str) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let certificate = authority.self_signed(&authority_key).unwrap();
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}.pem", std::process::id()));
        fs::write(&path, certificate.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.into()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let secure = Self { base_url: base_url.clone(), authority: path, stored: Arc::default() };
        let stored = Arc::clone(&secure.stored);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = StreamOwned::new(connection, stream.unwrap());
                let (base_url, stored) = (base_url.clone(), Arc::clone(&stored));
                thread::spawn(move || serve(stream, &base_url, &stored));
            }
        });
        secure
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.authority);
    }
}

fn serve(stream: impl Read + Write, base_url: &str, stored: &Mutex<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader) {
        let mut body = vec![0; request.length];
        reader.read_exact(&mut body).unwrap();
        let mut view = json!({"id": "u1", "status": "pending", "filename": "f", "contentType": "video/mp4", "size": 1,
            "fileUrl": "https://cdn.example/f", "createdAt": "2001-01-01T00:00:00Z", "expiresAt": "2099-01-01T00:00:00Z"});
        match request.path.rsplit('/').next() {
            Some("put") => *stored.lock().unwrap() = body,
            Some("uploads") => {
                let url = format!("{base_url}/put");
                view["request"] =
                    json!({"method": "PUT", "url": url, "headers": {}, "expiresAt": "2099-01-01T00:00:00Z"});
            }
            _ => {}
        }
        let view = view.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{view}", view.len());
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}

#[test]
fn a_file_arrives_through_an_authority_of_ones_own() {
    let (secure, file) = (Secure::start("own"), TestFile::new(3 << 20));
    let mut settings = Settings::new(secure.base_url.as_str(), Token::Text("t0ken".into()));
    settings.ca_bundle = Some(secure.authority.clone());
    let api = Api::new(settings).unwrap();
    upload(&api, &file.source(), "video/mp4", &options(), &(), &Stop::new()).unwrap();
    assert!(*secure.stored.lock().unwrap() == file.bytes);
}

#[test]
fn a_server_of_another_authority_is_not_trusted_and_not_tried_again() {
    let secure = Secure::start("other");
    let settings = Settings::new(secure.base_url.as_str(), Token::Text("t0ken".into()));
    let refused = Api::new(settings).unwrap().upload("u1");
    assert!(matches!(refused, Err(Error::Untrusted(_))), "{refused:?}");
}

#[test]
fn a_bundle_that_is_none_is_named() {
    let file = TestFile::new(100);
    let mut settings = Settings::new("https://api.example", Token::Text("t0ken".into()));
    settings.ca_bundle = Some(file.path.clone());
    assert!(matches!(Api::new(settings), Err(Error::Settings(why)) if why.contains("CA bundle")));
}

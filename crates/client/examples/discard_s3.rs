//! An S3 server that reads what it is sent and throws it away, so that an upload client can be measured and not a disk.
//!
//! It knows one object from another by what it was told of them: sizes, headers, the first bytes, the checksum of the whole.
//! It must never be taken for a test of anything: it checks no signature, no checksum and no order.
//!
//! Listens on a free port of 127.0.0.1, prints the port, and serves until its standard input ends. Given the path of a PEM file with
//! a key and its chain it speaks TLS.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, thread};

/// What is read at once. Larger reads are fewer calls and no faster.
const BUFFER: usize = 256 << 10;
/// As many as a reader needs to tell a file's type.
const FIRST_BYTES: usize = 512;
/// As many parts as S3 lists at once.
const LISTED: usize = 1000;
const VERSION: &str = "096fKKXTRTtl3on89fVO.nfljtsv6qko";
const MODIFIED: &str = "Sat, 21 Nov 2026 23:05:04 GMT";
/// What a client says when it creates an object, and is told again when it reads it.
const KEPT: [&str; 3] = ["content-type", "cache-control", "x-amz-checksum-crc64nvme"];

fn main() -> Result<(), Box<dyn Error>> {
    let tls = env::args().nth(1).map(|path| tls(&path)).transpose()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let store = Arc::new(Store::default());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let store = Arc::clone(&store);
            let tls = tls.clone();
            // A client that goes away in the middle of a request ends its connection and nothing else.
            thread::spawn(move || -> Result<(), Box<dyn Error + Send + Sync>> {
                stream.set_nodelay(true)?;
                match tls {
                    Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls)?, stream), &store)?,
                    None => serve(stream, &store)?,
                }
                Ok(())
            });
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn tls(path: &str) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(path)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_no_client_auth().with_single_cert(chain, key)?))
}

/// What is remembered of all buckets; the key is the path.
#[derive(Default)]
struct Store {
    objects: Mutex<HashMap<String, Object>>,
    uploads: Mutex<HashMap<String, Pending>>,
    created: AtomicU64,
}

#[derive(Default)]
struct Object {
    size: u64,
    first_bytes: Vec<u8>,
    headers: Headers,
}

#[derive(Default)]
struct Pending {
    headers: Headers,
    /// Sizes by part number.
    parts: BTreeMap<u32, u64>,
    first_bytes: Vec<u8>,
}

type Headers = Vec<(String, String)>;

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: Headers,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn kept(&self) -> Headers {
        self.headers.iter().filter(|(name, _)| KEPT.contains(&name.as_str())).cloned().collect()
    }
}

struct Reply {
    status: &'static str,
    headers: Headers,
    body: Vec<u8>,
}

fn serve(stream: impl Read + Write, store: &Store) -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, stream);
    while let Some(request) = read_head(&mut input)? {
        if request.header("expect").is_some() {
            send(input.get_mut(), b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = read_body(&request, &mut input)?;
        let reply = answer(&request, &body, store);
        let mut head = format!("HTTP/1.1 {}\r\nx-amz-request-id: 4QQ5QDJ8ANS8L5Q2\r\n", reply.status);
        if request.method != "HEAD" {
            put(&mut head, "Content-Length", &reply.body.len().to_string());
        }
        for (name, value) in &reply.headers {
            put(&mut head, name, value);
        }
        head.push_str("\r\n");
        let mut whole = head.into_bytes();
        if request.method != "HEAD" {
            whole.extend_from_slice(&reply.body);
        }
        send(input.get_mut(), &whole)?;
    }
    Ok(())
}

fn send(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

fn put(head: &mut String, name: &str, value: &str) {
    let _ = write!(head, "{name}: {value}\r\n");
}

fn read_head(input: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(line) = read_line(input)? else { return Ok(None) };
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers: Headers::new(),
    };
    loop {
        let line = read_line(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(Some(request)) };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// A line without its end; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    line.truncate(line.trim_end().len());
    Ok(Some(line))
}

/// What is kept of a body.
#[derive(Default)]
struct Body {
    size: u64,
    first_bytes: Vec<u8>,
}

impl Body {
    /// Throws `length` bytes away, all but the first ones of the body.
    fn take(&mut self, input: &mut impl BufRead, mut length: u64) -> io::Result<()> {
        while length > 0 {
            let found = input.fill_buf()?;
            if found.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let taken = found.len().min(usize::try_from(length).unwrap_or(usize::MAX));
            let wanted = taken.min(FIRST_BYTES - self.first_bytes.len());
            self.first_bytes.extend_from_slice(&found[..wanted]);
            input.consume(taken);
            let taken = u64::try_from(taken).unwrap_or_default();
            self.size += taken;
            length -= taken;
        }
        Ok(())
    }

    /// Reads chunks, HTTP's own or AWS's within them, up to the last. Both begin with a size in hexadecimal digits.
    fn take_chunks(&mut self, input: &mut impl BufRead) -> io::Result<()> {
        loop {
            let line = read_line(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let digits = line.split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            if size == 0 {
                // Trailers, and the empty line that ends them.
                while !read_line(input)?.unwrap_or_default().is_empty() {}
                return Ok(());
            }
            self.take(input, size)?;
            read_line(input)?;
        }
    }
}

fn read_body(request: &Request, input: &mut impl BufRead) -> io::Result<Body> {
    let mut body = Body::default();
    let is_aws_chunked =
        request.header("content-encoding").is_some_and(|value| value.contains("aws-chunked"));
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    match (request.header("transfer-encoding"), length) {
        (Some(_), _) if is_aws_chunked => {
            let mut inner = BufReader::with_capacity(BUFFER, Unchunked::new(input));
            body.take_chunks(&mut inner)?;
            // HTTP's last chunk comes after AWS's: left unread it would be taken for a request.
            io::copy(&mut inner, &mut io::sink())?;
        }
        (Some(_), _) => body.take_chunks(input)?,
        (None, Some(length)) if is_aws_chunked => {
            let mut inner = input.take(length);
            body.take_chunks(&mut inner)?;
            io::copy(&mut inner, &mut io::sink())?;
        }
        (None, length) => body.take(input, length.unwrap_or_default())?,
    }
    Ok(body)
}

/// The bytes that HTTP's chunks carry.
struct Unchunked<'a, T> {
    input: &'a mut T,
    left: u64,
    is_over: bool,
}

impl<'a, T: BufRead> Unchunked<'a, T> {
    fn new(input: &'a mut T) -> Self {
        Self { input, left: 0, is_over: false }
    }
}

impl<T: BufRead> Read for Unchunked<'_, T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.is_over {
            let line = read_line(self.input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.left = u64::from_str_radix(&line, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            if self.left == 0 {
                while !read_line(self.input)?.unwrap_or_default().is_empty() {}
                self.is_over = true;
            }
        }
        if self.is_over {
            return Ok(0);
        }
        let taken = self.input.by_ref().take(self.left).read(into)?;
        if taken == 0 && !into.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= u64::try_from(taken).unwrap_or_default();
        if self.left == 0 {
            read_line(self.input)?;
        }
        Ok(taken)
    }
}

fn answer(request: &Request, body: &Body, store: &Store) -> Reply {
    let has = |name: &str| request.query.contains_key(name);
    let upload = request.query.get("uploadId");
    match (request.method.as_str(), upload) {
        ("PUT", Some(upload)) => put_part(request, body, upload, store),
        ("GET", Some(upload)) => list_parts(request, upload, store),
        ("POST", Some(upload)) => complete(request, upload, store),
        ("DELETE", Some(upload)) => match lock(&store.uploads).remove(upload) {
            Some(_) => reply("204 No Content", &[], ""),
            None => no_such_upload(),
        },
        ("POST", None) if has("uploads") => create(request, store),
        ("PUT", None) if has("tagging") => reply("200 OK", &[("x-amz-version-id", VERSION)], ""),
        ("PUT", None) => {
            let object =
                Object { size: body.size, first_bytes: body.first_bytes.clone(), headers: request.kept() };
            lock(&store.objects).insert(request.path.clone(), object);
            reply("200 OK", &[("ETag", &etag(0)), ("x-amz-version-id", VERSION)], "")
        }
        ("GET" | "HEAD", None) => read(request, store),
        ("DELETE", None) => {
            lock(&store.objects).remove(&request.path);
            reply("204 No Content", &[], "")
        }
        _ => reply("501 Not Implemented", &[], ""),
    }
}

fn create(request: &Request, store: &Store) -> Reply {
    let id = format!("upload-{}", store.created.fetch_add(1, Ordering::Relaxed));
    lock(&store.uploads).insert(id.clone(), Pending { headers: request.kept(), ..Pending::default() });
    let body = format!(
        "<InitiateMultipartUploadResult>{}<UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
        named(&request.path)
    );
    reply("200 OK", &[], &body)
}

fn put_part(request: &Request, body: &Body, upload: &str, store: &Store) -> Reply {
    let number = request.query.get("partNumber").and_then(|number| number.parse().ok());
    let mut uploads = lock(&store.uploads);
    let (Some(number), Some(pending)) = (number, uploads.get_mut(upload)) else { return no_such_upload() };
    if number == 1 {
        pending.first_bytes.clone_from(&body.first_bytes);
    }
    pending.parts.insert(number, body.size);
    reply("200 OK", &[("ETag", &etag(number))], "")
}

fn list_parts(request: &Request, upload: &str, store: &Store) -> Reply {
    let asked = |name: &str| request.query.get(name).and_then(|number| number.parse().ok());
    let (after, most) = (asked("part-number-marker").unwrap_or(0), asked("max-parts").unwrap_or(1000));
    let most = usize::try_from(most).unwrap_or(LISTED).min(LISTED);
    let uploads = lock(&store.uploads);
    let Some(pending) = uploads.get(upload) else { return no_such_upload() };
    let mut rest = pending.parts.range(after + 1..).peekable();
    let mut body = format!("<ListPartsResult>{}<UploadId>{upload}</UploadId>", named(&request.path));
    let mut last = after;
    for (number, size) in rest.by_ref().take(most) {
        last = *number;
        let _ = write!(
            body,
            "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag><Size>{size}</Size></Part>",
            etag(*number)
        );
    }
    let is_truncated = rest.peek().is_some();
    let _ = write!(
        body,
        "<NextPartNumberMarker>{last}</NextPartNumberMarker><IsTruncated>{is_truncated}</IsTruncated></ListPartsResult>"
    );
    reply("200 OK", &[], &body)
}

fn complete(request: &Request, upload: &str, store: &Store) -> Reply {
    let Some(pending) = lock(&store.uploads).remove(upload) else { return no_such_upload() };
    let mut headers = pending.headers;
    headers.extend(request.kept().into_iter().filter(|(name, _)| name.starts_with("x-amz-checksum")));
    let size = pending.parts.values().sum();
    let object = Object { size, first_bytes: pending.first_bytes, headers };
    lock(&store.objects).insert(request.path.clone(), object);
    let checksum = request.header("x-amz-checksum-crc64nvme").map(|crc| {
        format!("<ChecksumCRC64NVME>{crc}</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>")
    });
    let body = format!(
        "<CompleteMultipartUploadResult>{}<ETag>{}</ETag>{}</CompleteMultipartUploadResult>",
        named(&request.path),
        etag(0),
        checksum.unwrap_or_default()
    );
    reply("200 OK", &[("x-amz-version-id", VERSION)], &body)
}

fn read(request: &Request, store: &Store) -> Reply {
    let objects = lock(&store.objects);
    // The path of a bucket: there is every bucket one could ask for.
    if request.path.trim_matches('/').split('/').count() < 2 {
        return reply("200 OK", &[], "");
    }
    let Some(object) = objects.get(&request.path) else {
        return reply(
            "404 Not Found",
            &[],
            "<Error><Code>NoSuchKey</Code><Message>No such key.</Message></Error>",
        );
    };
    let mut headers = vec![
        ("ETag", etag(0)),
        ("x-amz-version-id", VERSION.to_owned()),
        ("Last-Modified", MODIFIED.to_owned()),
    ];
    headers.extend(object.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let length = object.first_bytes.len();
    if request.method == "HEAD" {
        headers.push(("Content-Length", object.size.to_string()));
    } else {
        headers.push(("Content-Range", format!("bytes 0-{}/{}", length.saturating_sub(1), object.size)));
    }
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let status = if request.method == "HEAD" { "200 OK" } else { "206 Partial Content" };
    Reply { body: object.first_bytes.clone(), ..reply(status, &headers, "") }
}

fn no_such_upload() -> Reply {
    reply("404 Not Found", &[], "<Error><Code>NoSuchUpload</Code><Message>No such upload.</Message></Error>")
}

fn reply(status: &'static str, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = if body.is_empty() {
        Vec::new()
    } else {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}").into_bytes()
    };
    Reply { status, headers, body }
}

fn named(path: &str) -> String {
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    format!("<Bucket>{bucket}</Bucket><Key>{key}</Key>")
}

fn etag(number: u32) -> String {
    format!("\"{number:032x}\"")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

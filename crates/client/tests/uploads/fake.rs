//! A Valet and its storage in one, in this process: exact lengths, signatures that end, bytes that are kept, faults by script.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crc_fast::{CrcAlgorithm, checksum};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use valet_client::{Api, Settings, Token};

/// What happens to one request.
pub(crate) enum Fault {
    /// The connection is cut after so many bytes of the body.
    Reset(usize),
    /// The body is read, and refused.
    Status(u16, &'static str),
    /// No byte is read of the body, until the client hangs up.
    Stall,
    /// It is stored, and the connection cut instead of answered.
    LoseAnswer,
    /// It is stored, and another checksum answered.
    WrongCrc,
    /// Other bytes are stored, and their checksum answered.
    Corrupt,
    /// Something happens first.
    First(Box<dyn FnOnce(&mut State) + Send>),
    /// The API answers so.
    Answer(u16, &'static str, Value),
}

/// An answer that there is no room for a grant at the moment.
pub(crate) fn full(code: &'static str, headers: &'static str) -> Fault {
    Fault::Answer(429, headers, json!({"code": code, "detail": "as many as there may be", "retryable": true}))
}

pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) version: u64,
}

pub(crate) struct Upload {
    pub(crate) size: u64,
    pub(crate) status: &'static str,
    pub(crate) part_size: Option<u64>,
    pub(crate) stored: BTreeMap<u64, Stored>,
    pub(crate) file: Vec<u8>,
}

pub(crate) struct State {
    address: String,
    pub(crate) part_size: u64,
    pub(crate) checksums: bool,
    pub(crate) date: &'static str,
    pub(crate) expires_at: &'static str,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// By request: `PUT 3`, `confirm`, `issue`, `parts`, `url`, `read`.
    pub(crate) faults: HashMap<String, VecDeque<Fault>>,
    pub(crate) log: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) confirmations: Vec<Value>,
    /// Bytes of PUT bodies that were read.
    pub(crate) received: u64,
    version: u64,
    stalled: Vec<TcpStream>,
    /// URLs of before are refused.
    pub(crate) era: u64,
}

#[derive(Clone)]
pub(crate) struct Fake(Arc<Mutex<State>>);

pub(crate) fn crc(bytes: &[u8]) -> String {
    STANDARD.encode(checksum(CrcAlgorithm::Crc64Nvme, bytes).to_be_bytes())
}

impl Fake {
    pub(crate) fn start(part_size: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Self(Arc::new(Mutex::new(State {
            address: listener.local_addr().unwrap().to_string(),
            part_size,
            checksums: true,
            // Not this machine's year: the client must go by the server's clock.
            date: "Mon, 01 Jan 2001 00:00:00 GMT",
            expires_at: "2001-01-01T00:15:00Z",
            uploads: BTreeMap::new(),
            faults: HashMap::new(),
            log: Vec::new(),
            keys: Vec::new(),
            tokens: Vec::new(),
            confirmations: Vec::new(),
            received: 0,
            version: 0,
            stalled: Vec::new(),
            era: 0,
        })));
        let serving = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let fake = serving.clone();
                thread::spawn(move || fake.serve(&stream.unwrap()));
            }
        });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn fault(&self, request: &str, fault: Fault) {
        self.state().faults.entry(request.into()).or_default().push_back(fault);
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::new(format!("http://{}", self.state().address), Token::Text("t0ken".into()))
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(self.settings()).unwrap()
    }

    /// The bytes of the one file there is.
    pub(crate) fn file(&self) -> Option<Vec<u8>> {
        let state = self.state();
        let upload = state.uploads.values().next()?;
        (upload.status == "ready").then(|| upload.file.clone())
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        self.state().log.iter().filter(|line| *line == request).count()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader) {
            let answered = if request.method == "PUT" {
                self.put(&request, &mut reader, stream)
            } else {
                let mut body = vec![0; request.length];
                if reader.read_exact(&mut body).is_err() {
                    return;
                }
                self.api_call(&request, &body, stream)
            };
            if answered.is_none() {
                _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn put(&self, request: &Request, reader: &mut BufReader<&TcpStream>, stream: &TcpStream) -> Option<()> {
        // /storage/{id}/{number}?era={era}&sig=s3cret
        let (path, query) = request.path.split_once('?')?;
        let mut words = path.split('/').skip(2);
        let (id, number) = (words.next()?.to_owned(), words.next()?.parse::<u64>().ok()?);
        let name = format!("PUT {number}");
        let fault = {
            let mut state = self.state();
            state.log.push(name.clone());
            match state.next_fault(&name) {
                Some(Fault::First(first)) => {
                    first(&mut state);
                    None
                }
                fault => fault,
            }
        };
        if let Some(Fault::Stall) = fault {
            // Held open; the client's hanging up is not even looked for.
            self.state().stalled.push(stream.try_clone().unwrap());
            thread::park();
            return None;
        }
        let most =
            if let Some(Fault::Reset(bytes)) = fault { bytes.min(request.length) } else { request.length };
        let mut body = vec![0; most];
        let read = read_fully(reader, &mut body);
        self.state().received += read as u64;
        if read < request.length {
            return None;
        }
        let mut state = self.state();
        let refuse = |state: &State, status, code: &str| {
            state.reply(stream, status, "", &format!("<Error><Code>{code}</Code></Error>"))
        };
        if let Some(Fault::Status(status, code)) = fault {
            return refuse(&state, status, code);
        }
        let era = format!("era={}&sig=s3cret", state.era);
        let Some(upload) = state.uploads.get(&id).filter(|upload| upload.status == "pending") else {
            return refuse(&state, 404, "NoSuchUpload");
        };
        let wanted = upload.length(number);
        if query != era
            || request.headers.get("x-signed").map(String::as_str) != Some("yes")
            || wanted != request.length as u64
        {
            return refuse(&state, 403, "AccessDenied");
        }
        if upload.part_size.is_none() && !upload.stored.is_empty() {
            return refuse(&state, 412, "PreconditionFailed");
        }
        if let Some(Fault::Corrupt) = fault {
            body[0] ^= 1;
        }
        let answered = if let Some(Fault::WrongCrc) = fault { crc(b"other") } else { crc(&body) };
        state.version += 1;
        let version = state.version;
        state.uploads.get_mut(&id).unwrap().stored.insert(number, Stored { bytes: body, version });
        if let Some(Fault::LoseAnswer) = fault {
            return None;
        }
        let crc_header =
            if state.checksums { format!("x-amz-checksum-crc64nvme: {answered}\r\n") } else { String::new() };
        state.reply(stream, 200, &format!("etag: \"v{version}\"\r\n{crc_header}"), "")
    }

    fn api_call(&self, request: &Request, body: &[u8], stream: &TcpStream) -> Option<()> {
        let mut state = self.state();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let words: Vec<_> = path.split('/').skip(2).collect();
        let name = match (request.method.as_str(), words.as_slice()) {
            ("POST", ["uploads"]) => "issue",
            ("GET", ["uploads", _]) => "read",
            ("DELETE", ["uploads", _]) => "cancel",
            (_, ["uploads", _, last]) => last,
            (_, [first, ..]) => first,
            _ => "",
        };
        state.log.push(name.into());
        state.keys.extend(request.headers.get("idempotency-key").cloned());
        state.tokens.extend(request.headers.get("authorization").cloned());
        match state.next_fault(name) {
            Some(Fault::Answer(status, headers, body)) => {
                return state.reply(stream, status, headers, &body.to_string());
            }
            Some(Fault::LoseAnswer) => {
                state.answer(name, &words, query, &body);
                return None;
            }
            Some(Fault::First(first)) => first(&mut state),
            _ => {}
        }
        let (status, answer) = state.answer(name, &words, query, &body);
        state.reply(stream, status, "", &answer.to_string())
    }
}

impl Upload {
    fn length(&self, number: u64) -> u64 {
        let part_size = self.part_size.unwrap_or(self.size);
        part_size.min(self.size.saturating_sub((number - 1) * part_size))
    }
}

impl State {
    fn next_fault(&mut self, request: &str) -> Option<Fault> {
        self.faults.get_mut(request)?.pop_front()
    }

    fn reply(&self, mut stream: &TcpStream, status: u16, headers: &str, body: &str) -> Option<()> {
        let date = self.date;
        let text = format!(
            "HTTP/1.1 {status} X\r\ndate: {date}\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).ok()
    }

    fn answer(&mut self, name: &str, words: &[&str], query: &str, body: &Value) -> (u16, Value) {
        let problem = |status: u16, code: &str| {
            let retryable = code == "not_uploaded";
            (status, json!({"status": status, "code": code, "detail": code, "retryable": retryable}))
        };
        if name == "issue" {
            let id = format!("u{}", self.uploads.len() + 1);
            let size = body["size"].as_u64().unwrap();
            let part_size = body["partSize"].as_u64().unwrap_or(self.part_size);
            let upload = Upload {
                size,
                status: "pending",
                part_size: (size > part_size).then_some(part_size),
                stored: BTreeMap::new(),
                file: Vec::new(),
            };
            self.uploads.insert(id.clone(), upload);
            let mut view = self.view(&id);
            if size > part_size {
                let numbers = 1..=size.div_ceil(part_size).min(20);
                view["multipart"]["parts"] = numbers.map(|number| self.signed(&id, number)).collect();
            } else {
                view["request"] = self.signed(&id, 1);
            }
            return (201, view);
        }
        let id = words.get(1).copied().unwrap_or_default().to_owned();
        let Some(upload) = self.uploads.get_mut(&id) else { return problem(404, "not_found") };
        match name {
            "read" => {
                let mut view = self.view(&id);
                if query.contains("include=parts") && view.get("multipart").is_some() {
                    let after = query.split("after=").nth(1).map_or(0, |after| after.parse().unwrap());
                    let mut stored = self.uploads[&id].stored.iter().filter(|(number, _)| **number > after);
                    let page: Vec<_> = stored.by_ref().take(3).map(|(number, part)| {
                        let mut view = json!({"partNumber": number, "size": part.bytes.len(), "etag": format!("\"v{}\"", part.version)});
                        if self.checksums {
                            view["checksum"] = json!({"crc64nvme": crc(&part.bytes)});
                        }
                        view
                    }).collect();
                    if stored.next().is_some() {
                        view["multipart"]["next"] = page[2]["partNumber"].clone();
                    }
                    view["multipart"]["stored"] = page.into();
                }
                (200, view)
            }
            "cancel" => {
                upload.status = "cancelled";
                (204, Value::Null)
            }
            _ if upload.status == "ready" && name == "confirm" => (200, self.view_of_file(&id)),
            _ if upload.status != "pending" => problem(409, "invalid_state"),
            "url" => {
                let mut view = self.view(&id);
                view["request"] = self.signed(&id, 1);
                (200, view)
            }
            "parts" => {
                let parts: Vec<_> = body["parts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| self.signed(&id, part["partNumber"].as_u64().unwrap()))
                    .collect();
                (200, json!({"id": id, "parts": parts}))
            }
            "confirm" => {
                self.confirmations.push(body.clone());
                let count = upload.size.div_ceil(upload.part_size.unwrap_or(upload.size));
                if (1..=count).any(|number| {
                    upload
                        .stored
                        .get(&number)
                        .is_none_or(|part| part.bytes.len() as u64 != upload.length(number))
                }) {
                    return problem(409, "not_uploaded");
                }
                let whole: Vec<u8> = upload.stored.values().flat_map(|part| &part.bytes).copied().collect();
                if let Some(wanted) = body["checksum"]["crc64nvme"].as_str()
                    && wanted != crc(&whole)
                {
                    return problem(409, "parts_mismatch");
                }
                for part in body["parts"].as_array().into_iter().flatten() {
                    let stored = &upload.stored[&part["partNumber"].as_u64().unwrap()];
                    if part["etag"].as_str() != Some(&format!("\"v{}\"", stored.version)) {
                        return problem(409, "parts_mismatch");
                    }
                }
                upload.status = "ready";
                upload.file = whole;
                (200, self.view_of_file(&id))
            }
            _ => problem(404, "not_found"),
        }
    }

    fn signed(&self, id: &str, number: u64) -> Value {
        let url = format!("http://{}/storage/{id}/{number}?era={}&sig=s3cret", self.address, self.era);
        json!({"partNumber": number, "size": self.uploads[id].length(number), "method": "PUT", "url": url,
            "headers": {"x-signed": "yes"}, "expiresAt": self.expires_at, "unknown": 1})
    }

    fn view(&self, id: &str) -> Value {
        let upload = &self.uploads[id];
        let mut view = json!({"id": id, "status": upload.status, "filename": "f", "contentType": "video/mp4", "size": upload.size,
            "createdAt": "2001-01-01T00:00:00Z", "expiresAt": "2001-01-04T00:00:00Z", "unknown": {"a": 1}});
        if let Some(part_size) = upload.part_size.filter(|_| upload.status == "pending") {
            view["multipart"] = json!({"partSize": part_size, "partCount": upload.size.div_ceil(part_size)});
        }
        if upload.status == "ready" {
            view["file"] = self.view_of_file(id);
        }
        view
    }

    fn view_of_file(&self, id: &str) -> Value {
        let upload = &self.uploads[id];
        json!({"id": id, "status": "ready", "filename": "f", "contentType": "video/mp4", "size": upload.size,
            "fileUrl": "https://cdn.example/f", "createdAt": "2001-01-01T00:00:00Z", "confirmedAt": "2001-01-01T00:00:01Z",
            "checksum": {"crc64nvme": crc(&upload.file)}})
    }
}

pub(crate) struct Request {
    method: String,
    pub(crate) path: String,
    headers: HashMap<String, String>,
    pub(crate) length: usize,
}

impl Request {
    pub(crate) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split(' ').map(ToOwned::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(Some(0), |text| text.parse().ok())?;
        Some(Self { method, path, headers, length })
    }
}

fn read_fully(reader: &mut impl Read, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(read) if read > 0 => filled += read,
            _ => break,
        }
    }
    filled
}

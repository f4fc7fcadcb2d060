//! A Valet and a storage in one that drop every byte: what `examples/send.rs` is measured against. It verifies nothing.
//!
//! `cargo run --release -p valet-client --example discard -- 127.0.0.1:4600 [part size]`

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

fn main() {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:4600".into());
    let part_size = arguments.next().map_or(16 << 20, |text| text.parse().expect("a part size in bytes"));
    let listener = TcpListener::bind(&address).expect("the address is free");
    for stream in listener.incoming() {
        let address = address.clone();
        thread::spawn(move || serve(&stream.expect("a connection"), &address, part_size));
    }
}

/// Answers requests until the other side closes.
fn serve(stream: &TcpStream, address: &str, part_size: u64) {
    stream.set_nodelay(true).expect("TCP");
    let mut reader = BufReader::with_capacity(256 << 10, stream);
    let mut scratch = vec![0; 256 << 10];
    while let Some((method, path, length)) = head(&mut reader) {
        if method == "PUT" {
            let mut left = length;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(scratch.len());
                match reader.read(&mut scratch[..most]) {
                    Ok(read) if read > 0 => left -= read as u64,
                    _ => return,
                }
            }
            reply(stream, 200, "");
            continue;
        }
        let mut body = vec![0; usize::try_from(length).expect("short")];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let signed = |number: u64, size: u64| {
            let length = part_size.min(size - (number - 1) * part_size);
            json!({"partNumber": number, "size": length, "method": "PUT", "url": format!("http://{address}/{size}/{number}"),
                "headers": {}, "expiresAt": "2099-01-01T00:00:00Z"})
        };
        let upload = |size: u64| {
            json!({"id": size.to_string(), "status": "pending", "filename": "f", "contentType": "video/mp4", "size": size,
                "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2099-01-01T00:00:00Z"})
        };
        let id = path.split('/').nth(3).and_then(|id| id.parse().ok()).unwrap_or(0);
        let answer = match path.rsplit('/').next() {
            Some("uploads") => {
                let size = body["size"].as_u64().expect("a size");
                let mut answer = upload(size);
                let count = size.div_ceil(part_size);
                let parts: Vec<_> = (1..=count.min(20)).map(|number| signed(number, size)).collect();
                answer["multipart"] = json!({"partSize": part_size, "partCount": count, "parts": parts});
                answer
            }
            Some("parts") => {
                let numbers = body["parts"].as_array().expect("parts").iter();
                let parts: Vec<_> =
                    numbers.map(|part| signed(part["partNumber"].as_u64().expect("a number"), id)).collect();
                json!({"id": id.to_string(), "parts": parts})
            }
            _ => {
                let mut answer = upload(id);
                answer["status"] = "ready".into();
                answer["fileUrl"] = "http://localhost/".into();
                answer
            }
        };
        reply(stream, 200, &answer.to_string());
    }
}

fn head(reader: &mut impl BufRead) -> Option<(String, String, u64)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(ToOwned::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            return Some((method, path, length));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}

fn reply(mut stream: &TcpStream, status: u16, body: &str) {
    let text = format!(
        "HTTP/1.1 {status} OK\r\ndate: Sun, 22 Nov 2026 08:00:00 GMT\r\netag: \"e\"\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    _ = stream.write_all(text.as_bytes());
}

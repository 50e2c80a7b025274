//! A server whose answers a test writes itself.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The first line's second word.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The first byte of `Range: bytes=N-`.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// It runs until the process ends.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers every request by `answer`, which is told how many came before.
    pub fn start(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (requests, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    let Some(request) = read(&stream) else { return };
                    let before = {
                        let mut all = requests.lock().unwrap();
                        all.push(request.clone());
                        all.len() - 1
                    };
                    answer(before, &request, &mut stream);
                });
            }
        });
        Self { url, seen }
    }

    /// Always gives these bytes, or the part of them that is asked for.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self::start(move |_, request, stream| part(stream, request, &bytes))
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let target = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    for line in lines {
        match line.ok()?.split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    Some(Request { target, headers })
}

/// Status line and headers. What the other side no longer wants to hear is no error here.
pub fn head(stream: &mut TcpStream, status: u16, headers: &[(&str, String)]) {
    let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    let _ = stream.write_all(format!("{text}\r\n").as_bytes());
}

/// An answer with its length.
pub fn whole(stream: &mut TcpStream, status: u16, bytes: &[u8]) {
    head(stream, status, &[("Content-Length", bytes.len().to_string())]);
    let _ = stream.write_all(bytes);
}

/// What is asked for, as servers that know ranges do it.
pub fn part(stream: &mut TcpStream, request: &Request, bytes: &[u8]) {
    match request.from() {
        Some(from) if from >= bytes.len() => whole(stream, 416, b""),
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            let length = (bytes.len() - from).to_string();
            head(stream, 206, &[("Content-Range", range), ("Content-Length", length)]);
            let _ = stream.write_all(&bytes[from..]);
        }
        None => whole(stream, 200, bytes),
    }
}

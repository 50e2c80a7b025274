//! Loading that fails: nothing that could be taken for the model is left, and the message says what to do.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ferrotype_hub::{Accept, Error, ErrorKind, Event, Hub};

use super::place::{NAME, Place, bytes, pull};
use super::server::{Request, Server, head, whole};

/// The error of a pull from a server that always answers so, and how often it was asked.
fn failed(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> (Place, Error, usize) {
    let server = Server::start(answer);
    let place = Place::of(&server.url);
    let error = pull(&place.hub()).0.unwrap_err();
    place.assert_no_file();
    let message = error.to_string();
    assert!(message.contains("`small`") && message.contains("ferrotype models add small FILE"), "{message}");
    (place, error, server.requests().len())
}

fn assert_says(error: &Error, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[test]
fn another_file_of_the_same_length_is_refused() {
    let (place, error, asked) = failed(|_, _, stream| {
        let mut bytes = bytes();
        bytes[99_999] ^= 1;
        whole(stream, 200, &bytes);
    });
    assert_says(&error, ErrorKind::Hash, &["sha256", "it is another file, and was not kept"]);
    assert!(!place.part().exists());
    assert_eq!(asked, 1);
}

#[test]
fn a_longer_file_is_refused_before_it_comes() {
    let (place, error, asked) = failed(|_, _, stream| whole(stream, 200, &[bytes(), vec![0]].concat()));
    assert_says(&error, ErrorKind::Size, &["offers 100001 bytes instead of 100000"]);
    assert!(!place.part().exists());
    assert_eq!(asked, 1);
}

#[test]
fn a_file_without_end_is_cut_at_its_size() {
    let server = Server::start(|_, _, stream| {
        head(stream, 200, &[]);
        while stream.write_all(&[0; 4096]).is_ok() {}
    });
    let place = Place::of(&server.url);
    let most = Cell::new(0);
    let listen = &mut |event: &Event<'_>| {
        if let Event::Bytes { done, .. } = event {
            most.set(*done);
        }
        ControlFlow::Continue(())
    };
    let error = place.hub().pull(NAME, &Accept::Remembered, listen).unwrap_err();
    assert_says(&error, ErrorKind::Size, &["more than the 100000 bytes"]);
    assert!((1..=100_000).contains(&most.get()), "{most:?} bytes were taken");
    assert!(!place.part().exists());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_shorter_file_is_refused() {
    let (_, error, asked) = failed(|_, _, stream| whole(stream, 200, &bytes()[..99_999]));
    assert_says(&error, ErrorKind::Size, &["offers 99999 bytes", "sign-in"]);
    assert_eq!(asked, 1);
    // Without a word of its length it looks like a line that broke.
    let (place, error, asked) = failed(|_, _, stream| {
        head(stream, 200, &[]);
        let _ = stream.write_all(&bytes()[..99_999]);
    });
    assert_says(&error, ErrorKind::Network, &["after 4 tries", "broke off after 99999 of 100000 bytes"]);
    assert_eq!(asked, 5);
    assert_eq!(fs::metadata(place.part()).unwrap().len(), 99_999);
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    for (status, words) in
        [(404, "not there"), (403, "does not allow"), (401, "name and password"), (204, "answers 204")]
    {
        let (place, error, asked) = failed(move |_, _, stream| whole(stream, status, b""));
        assert_says(&error, ErrorKind::Status, &[words, "/small.onnx"]);
        assert_eq!(asked, 1);
        assert!(!place.part().exists());
    }
}

#[test]
fn trouble_that_does_not_pass_is_an_error() {
    let (_, error, asked) = failed(|_, _, stream| whole(stream, 502, b"<html>"));
    assert_says(&error, ErrorKind::Status, &["after 4 tries", "answers 502", "trouble of its own"]);
    assert_eq!(asked, 4);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    for speaks in [true, false] {
        let server = Server::start(move |_, _, stream| {
            if speaks {
                head(stream, 200, &[("Content-Length", "100000".into())]);
                let _ = stream.write_all(&bytes()[..10_000]);
            }
            sleep(Duration::from_secs(20));
        });
        let place = Place::of(&server.url);
        let mut options = place.options();
        options.timeouts.silence = Duration::from_millis(150);
        options.tries = 2;
        let start = Instant::now();
        let error = pull(&Hub::with_options(options).unwrap()).0.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_says(&error, ErrorKind::Network, &["after 2 tries"]);
        place.assert_no_file();
    }
}

#[test]
fn garbage_is_no_answer() {
    for text in ["hello\r\n\r\n", "", "HTTP/1.1 200 X\r\nContent-Length: many\r\n\r\nabc", "HTTP/9.9 999\r\n\r\n"] {
        let server = Server::start(move |_, _, stream| {
            let _ = stream.write_all(text.as_bytes());
        });
        let place = Place::of(&server.url);
        let error = pull(&place.hub()).0.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Network | ErrorKind::Status), "{text:?}: {error}");
        place.assert_no_file();
    }
}

#[test]
fn headers_without_end_are_not_read_without_end() {
    let server = Server::start(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 X\r\n");
        while stream.write_all(format!("A: {}\r\n", "x".repeat(1000)).as_bytes()).is_ok() {}
    });
    let place = Place::of(&server.url);
    let error = pull(&place.hub()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
}

#[test]
fn what_each_address_said_is_told() {
    let (first, second) =
        (Server::start(|_, _, stream| whole(stream, 404, b"")), Server::start(|_, _, stream| whole(stream, 200, b"x")));
    let place = Place::new(&[&format!("{}/a", first.url), &format!("{}/b", second.url)]);
    let error = pull(&place.hub()).0.unwrap_err();
    assert_says(&error, ErrorKind::Size, &["/a answers 404", "; then: ", "/b offers 1 bytes"]);
}

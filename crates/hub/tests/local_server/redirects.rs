//! Redirects: five at most, and only to the web.

use std::fs;
use std::net::TcpStream;

use ferrotype_hub::ErrorKind;

use super::place::{Place, bytes, pull};
use super::server::{Server, head, part};

fn to(stream: &mut TcpStream, location: &str) {
    head(stream, 302, &[("Location", location.to_owned()), ("Content-Length", "0".into())]);
}

/// Counts down from the number at the end of the path, then gives the file.
fn countdown() -> Server {
    Server::start(|_, request, stream| match request.target.trim_start_matches('/').parse::<u32>() {
        Ok(0) => part(stream, request, &bytes()),
        Ok(n) => to(stream, &format!("/{}", n - 1)),
        Err(_) => head(stream, 404, &[]),
    })
}

#[test]
fn five_are_followed_and_no_more() {
    let server = countdown();
    let place = Place::new(&[&format!("{}/5", server.url)]);
    place.leave(&bytes()[..10]);
    assert_eq!(fs::read(pull(&place.hub()).0.unwrap()).unwrap(), bytes());
    assert!(server.requests().iter().all(|r| r.from() == Some(10)));
    let place = Place::new(&[&format!("{}/6", server.url)]);
    let error = pull(&place.hub()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
}

#[test]
fn a_circle_ends() {
    let server = Server::start(|_, request, stream| to(stream, if request.target == "/a" { "/b" } else { "a" }));
    let place = Place::new(&[&format!("{}/a", server.url)]);
    let error = pull(&place.hub()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(server.requests().len(), 6);
    place.assert_no_file();
}

#[test]
fn nothing_but_the_web_is_followed() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(&secret, bytes()).unwrap();
    for location in
        [format!("file://{}", secret.path().display()), "ftp://a/b".into(), "data:,x".into(), "javascript:x".into()]
    {
        let target = location.clone();
        let server = Server::start(move |_, _, stream| to(stream, &target));
        let place = Place::of(&server.url);
        let error = pull(&place.hub()).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{location}");
        assert!(error.to_string().contains("no address of the web"), "{error}");
        place.assert_no_file();
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_redirect_needs_a_target() {
    let server = Server::start(|_, _, stream| head(stream, 302, &[("Content-Length", "0".into())]));
    let error = pull(&Place::of(&server.url).hub()).0.unwrap_err();
    assert!(error.kind() == ErrorKind::Redirect && error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn keys_in_addresses_are_shown_to_nobody() {
    let server = Server::start(|_, request, stream| match request.target.as_str() {
        "/small.onnx" => to(stream, "/signed?key=topsecret"),
        _ => head(stream, 403, &[]),
    });
    let (result, told) = pull(&Place::of(&server.url).hub());
    let message = result.unwrap_err().to_string();
    assert!(!message.contains("topsecret") && !told.concat().contains("topsecret"), "{message} {told:?}");
    assert_eq!(server.requests()[1].target, "/signed?key=topsecret");
}

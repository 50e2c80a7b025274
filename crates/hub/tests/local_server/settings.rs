//! Without a network, through a mirror, through a proxy.

use std::fs;
use std::net::TcpListener;

use ferrotype_hub::{ErrorKind, Hub, Options, Proxies};

use super::place::{NAME, Place, bytes, entry, pull};
use super::server::{Server, part, whole};

fn hub(place: &Place, change: impl FnOnce(&mut Options)) -> Hub {
    let mut options = place.options();
    change(&mut options);
    Hub::with_options(options).unwrap()
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn without_a_network_nobody_is_asked() {
    let server = Server::of(bytes());
    let place = Place::of(&server.url);
    let offline = hub(&place, |o| o.offline = true);
    let error = pull(&offline).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Offline);
    let (message, file) = (error.to_string(), place.file().display().to_string());
    let sha256 = entry(&[]).sha256;
    for part in [
        &file,
        "FERROTYPE_OFFLINE or --offline",
        &server.url,
        "100000 bytes",
        &sha256,
        "ferrotype models add small FILE",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(server.requests().is_empty());
    // What is in the cache is there without a network.
    pull(&place.hub()).0.unwrap();
    assert_eq!(offline.path_of(NAME).unwrap(), place.file());
}

#[test]
fn a_model_without_an_address_says_where_it_came_from() {
    let place = Place::new(&[]);
    let error = pull(&place.hub()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSource);
    let message = error.to_string();
    assert!(message.contains("Origin: o.") && message.contains("models add small FILE"), "{message}");
    assert!(message.contains("FERROTYPE_MIRROR"), "{message}");
    let offline = pull(&hub(&place, |o| o.offline = true)).0.unwrap_err();
    assert!(offline.to_string().contains("no public address"), "{offline}");
}

#[test]
fn a_mirror_is_asked_instead() {
    let (public, mirror) = (Server::of(bytes()), Server::of(bytes()));
    let place = Place::of(&public.url);
    let options =
        place.options().with_mirror(&format!("{}/models/", mirror.url.replace("//", "//me:a%20word@"))).unwrap();
    let (result, told) = pull(&Hub::with_options(options).unwrap());
    assert_eq!(fs::read(result.unwrap()).unwrap(), bytes());
    assert_eq!(mirror.requests()[0].target, "/models/small/small.onnx");
    // base64 of `me:a word`.
    assert_eq!(mirror.requests()[0].header("authorization"), Some("Basic bWU6YSB3b3Jk"));
    assert!(public.requests().is_empty());
    assert!(!told.concat().contains("word"), "{told:?}");
}

#[test]
fn a_mirror_that_lacks_the_file_is_not_passed_by() {
    let (public, mirror) = (Server::of(bytes()), Server::start(|_, _, stream| whole(stream, 404, b"")));
    let place = Place::of(&public.url);
    let url = mirror.url.replace("//", "//me:secret@");
    let error = pull(&hub(&place, |o| o.mirror = Some(url))).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert!(error.to_string().contains("/small/small.onnx") && !error.to_string().contains("secret"), "{error}");
    assert!(public.requests().is_empty());
}

#[test]
fn a_mirror_may_give_another_file_no_more_than_others() {
    let mirror = Server::of(vec![0; 100_000]);
    let place = Place::new(&[]);
    let error = pull(&hub(&place, |o| o.mirror = Some(mirror.url.clone()))).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hash, "{error}");
    place.assert_no_file();
}

#[test]
fn a_connection_that_fails_is_not_tried_again() {
    let place = Place::of(&nobody());
    let error = pull(&place.hub()).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(!error.to_string().contains("tries"), "{error}");
}

#[test]
fn a_proxy_that_fails_is_named() {
    // Never asked directly: the name does not exist.
    let place = Place::new(&["https://models.invalid/small.onnx"]);
    let proxy = nobody().replace("//", "//user:secret@");
    let through = Proxies { https: Some(("HTTPS_PROXY".into(), proxy)), ..Proxies::default() };
    let error = pull(&hub(&place, |o| o.proxies = through)).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let message = error.to_string();
    for part in ["through the proxy of HTTPS_PROXY (http://127.0.0.1:", "NO_PROXY", "FERROTYPE_MIRROR"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("secret"), "{message}");
    let direct = pull(&place.hub()).0.unwrap_err();
    assert!(direct.kind() == ErrorKind::Network && direct.to_string().contains("no proxy is set"), "{direct}");
    let wrong = Proxies { https: Some(("https_proxy".into(), "quic://x".into())), ..Proxies::default() };
    let error = pull(&hub(&place, |o| o.proxies = wrong)).0.unwrap_err();
    assert!(error.to_string().contains("https_proxy is `quic://x`"), "{error}");
}

#[test]
fn a_proxy_is_used_but_not_for_this_machine() {
    // Serves as a proxy too: whatever is asked for, it gives the file; a tunnel is opened before.
    let proxy = Server::start(|_, request, stream| {
        use std::io::{BufRead, BufReader, Write};
        if !request.target.contains('/') {
            let _ = stream.write_all(b"HTTP/1.1 200 X\r\n\r\n");
            let lines = BufReader::new(&*stream).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
        }
        part(stream, request, &bytes());
    });
    let through = || Proxies { http: Some(("http_proxy".into(), proxy.url.clone())), ..Proxies::default() };
    let place = Place::new(&[]);
    let options = place.options().with_mirror("http://mirror.invalid").unwrap();
    let result = pull(&Hub::with_options(Options { proxies: through(), ..options }).unwrap()).0;
    assert_eq!(fs::read(result.unwrap()).unwrap(), bytes());
    let asked = &proxy.requests()[0];
    assert!(asked.target.contains("mirror.invalid"), "{asked:?}");
    let here = Server::of(bytes());
    let place = Place::of(&here.url);
    pull(&hub(&place, |o| o.proxies = through())).0.unwrap();
    assert_eq!((here.requests().len(), proxy.requests().len()), (1, 1));
}

#[test]
fn certificates_are_read_or_it_is_said_why_not() {
    let place = Place::of("http://127.0.0.1:1");
    let missing = pull(&hub(&place, |o| o.certificates = Some("/no/such.pem".into()))).0.unwrap_err();
    assert!(missing.to_string().contains("SSL_CERT_FILE: cannot read /no/such.pem"), "{missing}");
    let file = place.home().join("a.pem");
    fs::write(&file, "no certificate").unwrap();
    let empty = pull(&hub(&place, |o| o.certificates = Some(file))).0.unwrap_err();
    assert!(empty.to_string().contains("holds no certificate"), "{empty}");
}

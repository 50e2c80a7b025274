//! https: whom a connection trusts, and that a redirect never leaves it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ferrotype_hub::{Error, ErrorKind, Hub};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::place::{Place, bytes, pull};
use super::server::Server;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/local_server/tls").join(name)
}

/// A server whose certificate nobody but a test knows; every request has the same answer.
fn start(answer: Vec<u8>) -> String {
    let certificate = CertificateDer::from_pem_file(file("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("localhost.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut asked = Vec::new();
            let mut piece = [0; 1024];
            while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(n) if n > 0 => asked.extend_from_slice(&piece[..n]),
                    _ => break,
                }
            }
            let _ = stream.write_all(&answer).and_then(|()| stream.flush());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    url
}

fn answer(status: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    [head.as_bytes(), bytes].concat()
}

/// What comes of a pull that trusts the server's certificate, or does not.
fn pulled(url: &str, is_trusted: bool) -> (Place, Result<PathBuf, Error>) {
    let place = Place::of(url);
    let mut options = place.options();
    options.certificates = is_trusted.then(|| file("localhost.pem"));
    let result = pull(&Hub::with_options(options).unwrap()).0;
    (place, result)
}

#[test]
fn a_certificate_must_be_trusted() {
    let url = start(answer("200 X", &bytes()));
    let (place, refused) = pulled(&url, false);
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("SSL_CERT_FILE") && !error.to_string().contains("tries"), "{error}");
    place.assert_no_file();
    let (_place, path) = pulled(&url, true);
    assert_eq!(fs::read(path.unwrap()).unwrap(), bytes());
    // The certificate of one host is not that of another one.
    let (_place, other) = pulled(&url.replace("127.0.0.1", "127.0.0.2"), true);
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Network);
}

#[test]
fn nothing_leads_from_https_to_http() {
    let plain = Server::of(bytes());
    let url = start(answer(&format!("302 X\r\nLocation: {}/small.onnx", plain.url), b""));
    let (place, result) = pulled(&url, true);
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert!(error.to_string().contains("from https to"), "{error}");
    assert!(plain.requests().is_empty());
    place.assert_no_file();
}

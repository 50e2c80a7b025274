use ferrotype_serve::{Limits, Options, Server};

use super::client::{get, png, raw, request};
use super::mock::MockModels;
use super::mock_runs::MockRuns;
use super::{Running, TOKEN};

fn status(server: &Running, path: &str, headers: &[(&str, &str)]) -> u16 {
    raw(server.address, &request("GET", path, headers, &[])).status
}

#[test]
fn names_that_lead_here_by_a_trick_are_refused() {
    let server = Running::start();
    for host in ["evil.example", "evil.example:7777", "127.0.0.1.evil.example", ""] {
        let answer = raw(server.address, &request("GET", "/v1/models", &[("Host", host)], &[]));
        assert_eq!((answer.status, answer.problem().as_str()), (403, "stranger"), "{host}");
    }
    for host in ["localhost:1", "127.0.0.1", "[::1]:8"] {
        assert_eq!(status(&server, "/v1/models", &[("Host", host)]), 200, "{host}");
    }
    let two = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address, two).status, 400);
}

#[test]
fn pages_of_other_origins_are_refused() {
    let server = Running::start();
    let picture = png(20, 20);
    let send = |headers: &[(&str, &str)]| {
        let all = [headers, &[("Content-Type", "image/png"), ("Host", "localhost:7")]].concat();
        raw(server.address, &request("POST", "/v1/predict", &all, &picture)).status
    };
    assert_eq!(send(&[("Origin", "http://localhost:7")]), 200);
    for origin in ["https://evil.example", "null", "http://localhost:8", "http://localhost:7.evil.example"] {
        assert_eq!(send(&[("Origin", origin)]), 403, "{origin}");
    }
    assert_eq!(send(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(send(&[("Sec-Fetch-Site", "same-origin")]), 200);
    // A link to the page may stand anywhere.
    assert_eq!(status(&server, "/", &[("Sec-Fetch-Site", "cross-site")]), 200);
}

#[test]
fn with_a_token_only_the_page_and_health_are_open() {
    let server = Running::with_token();
    for path in ["/", "/assets/main.js", "/health"] {
        assert_eq!(get(server.address, path).status, 200, "{path}");
    }
    for path in ["/v1/models", "/metrics", "/v1/runs", "/v1/runs/x/events", "/v1/openapi.json", "/v1/nothing"] {
        let answer = get(server.address, path);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("bearer")), "{path}");
        assert_eq!(answer.problem(), "token");
    }
    let shown = |text: &str| status(&server, "/v1/models", &[("Authorization", text)]);
    assert_eq!(shown(&format!("Bearer {TOKEN}")), 200);
    assert_eq!(shown(&format!("bearer {TOKEN}")), 200);
    for wrong in
        ["", "Bearer", "Bearer ", "Basic abc", "Bearer a-token-for-the-testz", &format!("Bearer {TOKEN}x"), TOKEN]
    {
        assert_eq!(shown(wrong), 401, "{wrong}");
    }
    assert!(server.link.ends_with(&format!("/#token={TOKEN}")));
}

#[test]
fn beyond_loopback_a_token_is_needed() {
    let options = Options { host: [0, 0, 0, 0].into(), port: 0, token: None, keep: None, limits: Limits::default() };
    let server =
        Server::bind(options, std::sync::Arc::new(MockModels::default()), std::sync::Arc::new(MockRuns::new()));
    assert!(server.err().unwrap().to_string().contains("a token is needed"));
}

#[test]
fn no_name_of_a_request_becomes_a_path() {
    let server = Running::start();
    for name in [
        "..%2Fsecret.txt",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "fer-vgg13%2F..%2Fsecret.txt",
        "%2Fetc%2Fpasswd",
        "a%00b",
        ".",
    ] {
        for path in [
            format!("/v1/runs/{name}"),
            format!("/v1/runs/{name}/report"),
            format!("/v1/sweeps/{name}"),
            format!("/assets/{name}"),
        ] {
            let answer = get(server.address, &path);
            assert!(answer.status == 404 || answer.status == 400, "{path}: {}", answer.status);
            assert!(!answer.text().contains("business") && !answer.text().contains("root:"), "{path}");
        }
    }
    assert_eq!(get(server.address, "/v1/analyze/..%2f..%2fx/files/results.json").status, 404);
}

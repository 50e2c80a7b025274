use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::Running;
use super::client::{FORM, connect, form, get, png, png_head, post, raw, request};
use super::mock::PANICS;

fn is_alive(server: &Running) {
    assert_eq!(post(server.address, "/v1/predict", "image/png", &png(64, 64)).status, 200);
}

#[test]
fn bodies_of_the_wrong_kind_are_named() {
    let server = Running::start();
    let picture = png(20, 20);
    let huge = form(&[("model", None, &[b'a'; 5000]), ("picture", Some("a.png"), &picture)]);
    let crowd = form(&vec![("picture", Some("a.png"), &picture[..]); 17]);
    let cases: [(&str, &[u8], u16, &str); 12] = [
        ("text/plain", b"hello", 415, "media-type"),
        ("", &picture, 415, "media-type"),
        ("application/json", b"{}", 415, "media-type"),
        ("image/png", b"", 422, "unusable"),
        ("image/png", b"not a picture", 422, "unusable"),
        ("image/png", &picture[..picture.len() - 30], 422, "unusable"),
        ("multipart/form-data", b"x", 400, "bad-request"),
        (FORM, b"no form at all", 400, "bad-request"),
        (FORM, &form(&[("model", None, b"mood")]), 400, "bad-request"),
        (FORM, &form(&[("model", None, b"\xff\xfe"), ("picture", Some("a"), &picture)]), 400, "bad-request"),
        (FORM, &huge, 413, "too-large"),
        (FORM, &crowd, 413, "too-large"),
    ];
    for (kind, body, status, problem) in cases {
        let answer = post(server.address, "/v1/predict", kind, body);
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{kind}: {}", answer.text());
    }
    let zipped =
        request("POST", "/v1/predict", &[("Content-Type", "image/png"), ("Content-Encoding", "gzip")], &picture);
    assert_eq!(raw(server.address, &zipped).status, 415);
    is_alive(&server);
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded() {
    let server = Running::start();
    for side in [10_000, 60_000, u32::MAX] {
        let began = Instant::now();
        let answer = post(server.address, "/v1/predict", "image/png", &png_head(side, side));
        assert!((answer.status == 413 || answer.status == 422) && began.elapsed() < Duration::from_secs(2), "{side}");
    }
    let answer = post(server.address, "/v1/predict", "image/png", &png_head(10_000, 10_000));
    assert!(answer.status == 413 && answer.text().contains("10000 x 10000"), "{}", answer.text());
    // None of them was looked at.
    assert_eq!(server.models.looked.load(std::sync::atomic::Ordering::SeqCst), 0);
    is_alive(&server);
}

#[test]
fn too_many_bytes_are_refused_whether_they_are_announced_or_not() {
    let server = Running::with(|options| options.limits.body = 10_000);
    let answer = post(server.address, "/v1/predict", "image/png", &[0; 20_000]);
    assert_eq!((answer.status, answer.problem().as_str()), (413, "too-large"));
    let mut chunked = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        chunked.extend_from_slice(b"3e8\r\n");
        chunked.extend_from_slice(&[7; 1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(raw(server.address, &chunked).status, 413);
    let lie = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(raw(server.address, lie).status, 413);
    is_alive(&server);
}

#[test]
fn cut_and_slow_requests_end() {
    let server = Running::with(|options| {
        options.limits.head_time = Duration::from_millis(400);
        options.limits.pause = Duration::from_millis(400);
        options.limits.body_time = Duration::from_millis(1500);
    });
    let picture = png(64, 64);
    let whole = request("POST", "/v1/predict", &[("Content-Type", "image/png")], &picture);
    let form_body = form(&[("picture", Some("a.png"), &picture)]);
    let whole_form = request("POST", "/v1/predict", &[("Content-Type", FORM)], &form_body);
    for bytes in [&whole, &whole_form] {
        // The client goes away within the body.
        drop(connect(server.address).write_all(&bytes[..bytes.len() - 40]));
        // It stays, and sends no more.
        let answer = raw(server.address, &bytes[..bytes.len() - 40]);
        assert_eq!((answer.status, answer.problem().as_str()), (408, "slow"));
    }
    // It sends a byte now and then, for ever.
    let mut drip = connect(server.address);
    drip.write_all(&whole[..whole.len() - 40]).unwrap();
    let mut writer = drip.try_clone().unwrap();
    std::thread::spawn(move || {
        for byte in whole[whole.len() - 40..].iter() {
            if writer.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let mut answer = Vec::new();
    let _ = drip.read_to_end(&mut answer);
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    // A head that never ends, and one that never begins.
    for head in [&b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "[..], b""] {
        let mut stream = connect(server.address);
        stream.write_all(head).unwrap();
        let began = Instant::now();
        let _ = stream.read_to_end(&mut Vec::new());
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    is_alive(&server);
}

#[test]
fn heads_that_are_none_are_refused() {
    let server = Running::start();
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(200_000));
    let many: String = (0..200).map(|i| format!("X-{i}: 1\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    let smuggled =
        "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde";
    for bytes in [
        long.as_bytes(),
        many.as_bytes(),
        smuggled.as_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GARBAGE\r\n\r\n",
    ] {
        let answer = raw(server.address, bytes);
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    is_alive(&server);
}

#[test]
fn a_model_that_panics_fails_one_request() {
    let server = Running::start();
    let answer = post(server.address, "/v1/predict", "image/png", &png(PANICS, 20));
    assert_eq!((answer.status, answer.problem().as_str()), (500, "internal"));
    // What failed inside stays inside.
    assert!(!answer.text().contains("columns"));
    is_alive(&server);
    assert_eq!(
        get(server.address, "/metrics").text().lines().filter(|l| *l == "ferrotype_queue_pictures 0").count(),
        1
    );
}

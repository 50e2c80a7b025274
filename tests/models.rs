//! Published models by name through the binary: listed, pulled from a mirror, verified, removed; and in the place of files.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use common::Place;
use sha2::{Digest, Sha256};

const FILE: &[u8] = b"not a network, but a file";

/// A server of static files that answers every request for the file; gives its address.
fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let n = stream.read(&mut request).unwrap_or(0);
            let is_ours = String::from_utf8_lossy(&request[..n]).starts_with("GET /tiny/tiny.onnx ");
            let (status, body) = if is_ours { ("200 OK", FILE) } else { ("404 Not Found", &b""[..]) };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    address
}

/// A place with an entry of its own, `tiny`.
fn place() -> Place {
    let place = Place::new();
    let sum: String = Sha256::digest(FILE).iter().map(|byte| format!("{byte:02x}")).collect();
    let yunet = include_str!("../crates/hub/models/yunet.yaml");
    let mut entry = String::new();
    for line in yunet.lines() {
        let (key, _) = line.split_once(':').unwrap_or((line, ""));
        match key {
            "name" => entry += "name: tiny\n",
            "file" => entry += "file: tiny.onnx\n",
            "sha256" => entry += &format!("sha256: {sum}\n"),
            "size" => entry += &format!("size: {}\n", FILE.len()),
            _ => entry += &format!("{line}\n"),
        }
    }
    place.write("home/entries/tiny.yaml", entry);
    place
}

fn run(place: &Place, words: &str, mirror: Option<&str>) -> Output {
    let mut command = place.command(words.split_whitespace());
    command.env("FERROTYPE_HOME", place.at("home"));
    match mirror {
        Some(address) => command.env("FERROTYPE_MIRROR", address),
        None => command.env("FERROTYPE_OFFLINE", "1"),
    };
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_model_is_pulled_used_verified_and_removed() {
    let (place, mirror) = (place(), mirror());
    let listed = text(&run(&place, "models list --hub", None));
    assert!(listed.contains("yunet") && listed.contains("pfld68") && listed.contains("tiny"), "{listed}");
    let pulled = run(&place, "models pull tiny", Some(&mirror));
    assert!(pulled.status.success(), "{}", text(&pulled));
    let path = String::from_utf8(pulled.stdout).unwrap().trim().to_owned();
    assert_eq!(fs::read(&path).unwrap(), FILE);
    // It is in the cache now: no network is asked.
    assert!(run(&place, "models pull tiny", None).status.success());
    assert!(text(&run(&place, "models verify", None)).contains("right"));
    // In a file's place its file is read, which is no detector.
    place.write("video.mp4", "no video");
    let used = text(&run(&place, "analyze video.mp4 --detector hub:tiny", None));
    assert!(used.contains("tiny.onnx") && used.contains("face detector"), "{used}");
    let imported = text(&run(&place, "import --model mini_xception --from tiny --out imported", None));
    assert!(imported.contains("tiny.onnx") && !place.at("imported").exists(), "{imported}");
    fs::write(&path, b"something else of another len").unwrap();
    let verified = run(&place, "models verify tiny", None);
    assert!(!verified.status.success() && text(&verified).contains("damaged"), "{}", text(&verified));
    assert!(run(&place, "models remove tiny", None).status.success());
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn what_cannot_be_had_says_what_to_do() {
    let (place, mirror) = (place(), mirror());
    place.write("other.onnx", "another file");
    place.write("video.mp4", "no video");
    for (words, says) in [
        ("models pull yunt", "yunet"),
        ("models pull tiny", "models add tiny"),
        ("models add tiny other.onnx", "not the file of"),
        ("analyze video.mp4 --detector yunett", "yunet"),
        ("analyze video.mp4 --detector tiny", "models add tiny"),
    ] {
        let told = run(&place, words, None);
        assert!(!told.status.success() && text(&told).contains(says), "{words}: {}", text(&told));
        assert!(!text(&told).contains("panicked"), "{words}");
    }
    // The mirror has no such file.
    let told = run(&place, "models pull yunet", Some(&mirror));
    assert!(!told.status.success() && text(&told).contains("404"), "{}", text(&told));
    // A path that is not there stays a path.
    let told = text(&run(&place, "analyze video.mp4 --detector models/yunet.onnx", None));
    assert!(told.contains("models/yunet.onnx"), "{told}");
}

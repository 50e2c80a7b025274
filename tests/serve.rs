//! The binary as a server: a trained run answers as `predict` does, and Ctrl-C ends it.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Place;
use ferrotype_needs::needs;
use serde_json::Value;

/// A server, ended with its value.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(place: &Place, words: &str) -> Self {
        let words = format!("serve --port 0 {words}");
        let mut child = place.command(words.split_whitespace()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        Self { address: address.unwrap_or_else(|| panic!("{line}")).to_owned(), child }
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
        (status, answer[at + 4..].to_vec())
    }

    fn json(&self, method: &str, path: &str, body: &[u8]) -> Value {
        let (status, body) = self.ask(method, path, body);
        assert!(status < 300, "{path}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }
}

impl Drop for Served {
    /// Asks it to end, since who is killed cannot remove temporary files.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let began = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A grey picture with a pattern, of the size of the small experiment's.
fn picture(place: &Place, name: &str) -> PathBuf {
    let at = |x: u32, y: u32| image::Luma([(40 + 7 * x + 3 * y) as u8]);
    let path = place.at(name);
    image::GrayImage::from_fn(24, 24, at).save(&path).unwrap();
    path
}

#[test]
fn a_run_answers_as_predict_does() {
    let place = Place::new();
    let run = place.train("runs", "--set train.epochs=1");
    let path = picture(&place, "face.png");
    place.ok(&format!("predict --run {} face.png --csv out.csv", run.display()));
    let mut table = csv::Reader::from_path(place.at("out.csv")).unwrap();
    let (names, row) = (table.headers().unwrap().clone(), table.records().next().unwrap().unwrap());
    let served = Served::start(&place, &format!("--run mood={}", run.display()));
    let models = served.json("GET", "/v1/models", b"");
    assert_eq!((&models["models"][0]["name"], &models["finds_faces"]), (&"mood".into(), &false.into()));
    assert!(models["models"][0]["notes"][0].as_str().unwrap().contains("drawn faces"));
    let said = served.json("POST", "/v1/predict?heat_map=true", &std::fs::read(&path).unwrap());
    let face = &said["pictures"][0]["faces"][0];
    let classes = face["heads"]["mood"].as_object().unwrap();
    assert_eq!(face["box"], serde_json::json!([0.0, 0.0, 24.0, 24.0]));
    for (class, share) in classes {
        let column = names.iter().position(|name| name == class).unwrap();
        let expected: f64 = row[column].parse().unwrap();
        assert!((share.as_f64().unwrap() - expected).abs() < 1e-9, "{class}: {share} {expected}");
    }
    let map = &face["heat_maps"]["mood"];
    assert_eq!(
        (&map["width"], &map["of"]),
        (&24.into(), &row[names.iter().position(|n| n == "prediction").unwrap()].into())
    );
    // Videos need a detector.
    assert_eq!(served.ask("POST", "/v1/analyze", b"\0\0\0\x18ftypmp42").0, 501);
    assert_eq!(served.ask("POST", "/v1/predict", b"no picture").0, 422);
    // The run itself.
    let name = run.file_name().unwrap().to_string_lossy().into_owned();
    let list = served.json("GET", "/v1/runs", b"");
    assert_eq!((&list["runs"][0]["name"], &list["runs"][0]["state"]), (&name.as_str().into(), &"finished".into()));
    let detail = served.json("GET", &format!("/v1/runs/{name}"), b"");
    assert_eq!(detail["history"]["epochs"].as_array().unwrap().len(), 1);
    assert!(
        detail["scores"]["test"]["accuracy"]["low"].is_number()
            && detail["config"].as_str().unwrap().contains("tiny_xception")
    );
    assert!(served.ask("GET", &format!("/v1/runs/{name}/report"), b"").1.starts_with(b"<!"));
}

#[test]
fn what_cannot_be_served_is_named() {
    let place = Place::new();
    for (words, said) in [
        ("serve --run runs/none", "there is no run folder"),
        ("serve --token short", "at least 16"),
        ("serve --max-seconds 0", "max-seconds"),
        ("serve --detector none.onnx", "none.onnx"),
        ("serve --host 0.0.0.0 --token not-long-enough", "at least 16"),
    ] {
        let error = place.refused(words);
        assert!(error.contains(said), "{words}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_in_order() {
    let place = Place::new();
    let mut served = Served::start(&place, "");
    assert_eq!(served.json("GET", "/health", b"")["status"], "ok");
    let pid = served.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let began = Instant::now();
    loop {
        if let Some(ended) = served.child.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[needs(data, ffmpeg)]
#[test]
fn photographs_and_videos_are_answered() {
    let place = Place::new();
    let run = place.train("runs", "--set train.epochs=1");
    let data = |name: &str| Path::new(&std::env::var("FERROTYPE_DATA").unwrap()).join(name);
    let words = format!(
        "--run mood={} --detector {} --landmarks {} --max-seconds 30",
        run.display(),
        data("onnx/yunet.onnx").display(),
        data("onnx/pfld_68.onnx").display()
    );
    let served = Served::start(&place, &words);
    let photograph = std::fs::read(data("london/001_smiling.jpg")).unwrap();
    let said = served.json("POST", "/v1/predict", &photograph);
    let face = &said["pictures"][0]["faces"][0];
    assert!(face["score"].as_f64().unwrap() > 0.6 && face["points"].as_array().unwrap().len() == 68);
    let mut cut = Command::new("ffmpeg");
    cut.args(["-loglevel", "error", "-t", "1", "-i"]).arg(data("videos/one_face_emotions.mp4"));
    assert!(cut.args(["-c", "copy"]).arg(place.at("second.mp4")).status().unwrap().success());
    let begun =
        served.json("POST", "/v1/analyze?every=12&annotated=true", &std::fs::read(place.at("second.mp4")).unwrap());
    let began = Instant::now();
    let state = loop {
        let state = served.json("GET", begun["address"].as_str().unwrap(), b"");
        if !["waiting", "running"].contains(&state["state"].as_str().unwrap()) {
            break state;
        }
        assert!(began.elapsed() < Duration::from_secs(300), "{state}");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(state["state"], "done", "{state}");
    let (_, results) = served.ask("GET", state["files"]["results.json"].as_str().unwrap(), b"");
    let text = String::from_utf8(results).unwrap();
    let results: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&results["video"]["path"], !results["frames"].as_array().unwrap().is_empty()), (&"video".into(), true));
    let (status, film) = served.ask("GET", state["files"]["annotated.mp4"].as_str().unwrap(), b"");
    assert!(status == 200 && film[4..8] == *b"ftyp", "{status}");
    // Where files are on this machine is nobody's business.
    assert!(!text.contains("/tmp") && !text.contains(&data("").display().to_string()), "{}", &text[..2000]);
}

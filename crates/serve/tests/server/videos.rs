use std::time::{Duration, Instant};

use serde_json::Value;

use super::Running;
use super::client::{Answer, BROKEN, FORM, VIDEO, form, get, post, raw, request};

fn finished(server: &Running, address: &str) -> Value {
    let began = Instant::now();
    loop {
        let state = get(server.address, address).json();
        if !["waiting", "running"].contains(&state["state"].as_str().unwrap()) {
            return state;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{state}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn delete(server: &Running, address: &str) -> Answer {
    raw(server.address, &request("DELETE", address, &[], &[]))
}

#[test]
fn a_video_becomes_results_and_is_forgotten() {
    let server = Running::start();
    let body = form(&[("every", None, b"10"), ("annotated", None, b"true"), ("video", Some("talk.mp4"), VIDEO)]);
    let begun = post(server.address, "/v1/analyze", FORM, &body);
    assert_eq!(begun.status, 202, "{}", begun.text());
    let address = begun.header("location").unwrap().to_owned();
    let state = finished(&server, &address);
    assert_eq!((&state["state"], &state["name"], &state["every"]), (&"done".into(), &"talk.mp4".into(), &10.into()));
    assert_eq!(state["annotated"], true);
    let results = get(server.address, state["files"]["results.json"].as_str().unwrap());
    assert_eq!(results.header("content-type"), Some("application/json"));
    assert_eq!(results.json()["frames"].as_array().unwrap().len(), 12);
    let report = get(server.address, state["files"]["report.html"].as_str().unwrap());
    assert!(report.header("content-security-policy").unwrap().starts_with("sandbox"));
    for name in ["video", "..%2Fvideo", "none"] {
        assert_eq!(get(server.address, &format!("{address}/files/{name}")).status, 404, "{name}");
    }
    assert_eq!(delete(&server, &address).status, 204);
    assert_eq!((get(server.address, &address).status, delete(&server, &address).status), (404, 404));
}

#[test]
fn a_video_that_cannot_be_read_says_so() {
    let server = Running::start();
    let begun = post(server.address, "/v1/analyze", "video/mp4", BROKEN).json();
    let state = finished(&server, begun["address"].as_str().unwrap());
    assert_eq!((&state["state"], &state["problem"]["status"]), (&"failed".into(), &422.into()));
    let file = get(server.address, &format!("{}/files/results.json", begun["address"].as_str().unwrap()));
    assert_eq!((file.status, file.problem().as_str()), (409, "not-finished"));
}

#[test]
fn too_many_videos_wait_elsewhere_and_one_can_be_stopped() {
    let server = Running::with(|options| options.limits.analyses = 1);
    server.models.close();
    let send = || post(server.address, "/v1/analyze", "video/mp4", VIDEO);
    let first = send().json();
    // The first is taken up, the second waits.
    let began = Instant::now();
    while get(server.address, first["address"].as_str().unwrap()).json()["state"] != "running" {
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    let second = send().json();
    let third = send();
    assert_eq!((third.status, third.problem().as_str(), third.header("retry-after")), (429, "busy", Some("30")));
    assert_eq!(delete(&server, second["address"].as_str().unwrap()).status, 204);
    server.models.open();
    assert_eq!(finished(&server, first["address"].as_str().unwrap())["state"], "done");
}

#[test]
fn what_is_too_large_or_wrong_leaves_nothing() {
    let server = Running::with(|options| options.limits.video_body = 1000);
    let list = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    let cases: [(&str, &str, &[u8], u16); 7] = [
        // A play list would make the decoder open what it names.
        ("/v1/analyze", "video/mp4", list, 422),
        ("/v1/analyze", "video/mp4", b"", 422),
        ("/v1/analyze", "video/mp4", &[0; 2000], 413),
        ("/v1/analyze", "image/png", b"x", 415),
        ("/v1/analyze?every=0", "video/mp4", b"x", 400),
        ("/v1/analyze?evry=1", "video/mp4", b"x", 400),
        ("/v1/analyze", FORM, &form(&[("every", None, b"1")]), 400),
    ];
    for (path, kind, body, status) in cases {
        assert_eq!(post(server.address, path, kind, body).status, status, "{path} {kind}");
    }
    assert!(get(server.address, "/metrics").text().contains("ferrotype_analyses 0\n"));
}

#[test]
fn results_are_forgotten_after_their_time() {
    let server = Running::with(|options| options.limits.results_time = Duration::from_millis(200));
    let begun = post(server.address, "/v1/analyze?every=60", "video/mp4", VIDEO).json();
    let address = begun["address"].as_str().unwrap();
    assert_eq!(finished(&server, address)["state"], "done");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(get(server.address, address).status, 404);
}

#[test]
fn of_too_many_results_the_oldest_are_forgotten() {
    let server = Running::with(|options| options.limits.results = 2);
    let addresses: Vec<String> = (0..3)
        .map(|_| {
            let begun = post(server.address, "/v1/analyze?every=60", "video/mp4", VIDEO).json();
            let address = begun["address"].as_str().unwrap().to_owned();
            assert_eq!(finished(&server, &address)["state"], "done");
            address
        })
        .collect();
    let there: Vec<u16> = addresses.iter().map(|address| get(server.address, address).status).collect();
    assert_eq!(there, [404, 200, 200]);
}

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Running;
use super::client::{VIDEO, connect, get, post, request};

/// A stream of events, line by line.
struct Watched(BufReader<TcpStream>);

impl Watched {
    fn open(server: &Running, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = connect(server.address);
        stream.write_all(&request("GET", path, headers, &[])).unwrap();
        Self(BufReader::new(stream))
    }

    /// The lines up to one that has these words; the stream ends without.
    fn until(&mut self, words: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        while self.0.read_line(&mut line).unwrap_or(0) > 0 {
            lines.push(line.trim().to_owned());
            if line.contains(words) {
                return lines;
            }
            line.clear();
        }
        panic!("no `{words}` in {lines:?}");
    }
}

#[test]
fn a_run_is_watched_from_where_its_history_was_read() {
    let server = Running::start();
    let next = get(server.address, "/v1/runs/live").json()["history"]["next"].as_u64().unwrap();
    let mut watched = Watched::open(&server, &format!("/v1/runs/live/events?from={next}"), &[]);
    assert!(watched.until("text/event-stream").iter().any(|line| line.contains("200")));
    server.runs.go_on(4);
    let lines = watched.until("\"event\":\"epoch\"");
    assert!(
        lines.iter().all(|line| !line.contains("\"epoch\":3,")) && lines.last().unwrap().contains("\"epoch\":4"),
        "{lines:?}"
    );
    server.runs.begin_anew();
    watched.until("event: restart");
    watched.until("\"epoch\":1");
    server.runs.live_is_over.store(true, Ordering::SeqCst);
    watched.until("event: end");
}

#[test]
fn a_client_that_comes_again_goes_on_behind_what_it_has() {
    let server = Running::start();
    server.runs.live_is_over.store(true, Ordering::SeqCst);
    let mut all = Watched::open(&server, "/v1/runs/live/events", &[]);
    let ids: Vec<String> =
        all.until("event: end").iter().filter_map(|line| line.strip_prefix("id: ").map(str::to_owned)).collect();
    assert_eq!(ids.len(), 33);
    let mut rest = Watched::open(&server, "/v1/runs/live/events", &[("Last-Event-ID", &ids[30])]);
    assert_eq!(rest.until("event: end").iter().filter(|line| line.starts_with("id: ")).count(), 2);
}

#[test]
fn streams_are_counted_and_one_that_is_left_makes_room() {
    let server = Running::with(|options| options.limits.streams = 2);
    let mut held: Vec<Watched> = (0..2).map(|_| Watched::open(&server, "/v1/runs/live/events", &[])).collect();
    held.iter_mut().for_each(|watched| drop(watched.until("text/event-stream")));
    let refused = get(server.address, "/v1/runs/live/events");
    assert_eq!((refused.status, refused.problem().as_str()), (429, "busy"));
    drop(held);
    server.runs.live_is_over.store(true, Ordering::SeqCst);
    let began = Instant::now();
    while get(server.address, "/v1/runs/live/events").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_analysis_is_watched_to_its_end() {
    let server = Running::start();
    let begun = post(server.address, "/v1/analyze?every=2", "video/mp4", VIDEO).json();
    let mut watched = Watched::open(&server, begun["events"].as_str().unwrap(), &[]);
    watched.until("\"state\":\"running\"");
    watched.until("event: end");
    watched.until("results.json");
}

#[test]
fn streams_end_with_the_server() {
    let mut server = Running::start();
    let mut watched = Watched::open(&server, "/v1/runs/live/events", &[]);
    watched.until("text/event-stream");
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let mut rest = String::new();
    while watched.0.read_line(&mut rest).unwrap_or(0) > 0 {}
}

//! `/metrics`: counts and times in Prometheus's text form.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ferrotype_base::process::resident_memory;

/// Upper ends of the times' ranges in seconds.
const ENDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is counted.
pub struct Metrics {
    began: Instant,
    models: Vec<String>,
    /// By method, route and status.
    requests: Mutex<BTreeMap<(String, String, u16), Times>>,
    looks: Mutex<Times>,
    faces: AtomicU64,
    told: Vec<Mutex<Times>>,
    told_faces: Vec<AtomicU64>,
    pub refused: AtomicU64,
    pub connections: AtomicU64,
}

/// What is measured when it is asked for.
pub struct Gauges {
    pub queue: usize,
    pub analyses: usize,
}

#[derive(Clone, Debug, Default)]
struct Times {
    counts: [u64; ENDS.len()],
    count: u64,
    sum: f64,
}

impl Times {
    fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        // Each range holds those below it, too.
        ENDS.iter().zip(&mut self.counts).filter(|(end, _)| seconds <= **end).for_each(|(_, n)| *n += 1);
        self.count += 1;
        self.sum += seconds;
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let comma = if labels.is_empty() { "" } else { "," };
        for (end, n) in ENDS.iter().zip(&self.counts) {
            line(out, format_args!("{name}_bucket{{{labels}{comma}le=\"{end}\"}} {n}"));
        }
        line(out, format_args!("{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", self.count));
        line(out, format_args!("{name}_sum{{{labels}}} {}", self.sum));
        line(out, format_args!("{name}_count{{{labels}}} {}", self.count));
    }
}

impl Metrics {
    pub fn new(models: Vec<String>) -> Self {
        Self {
            began: Instant::now(),
            requests: Mutex::default(),
            looks: Mutex::default(),
            faces: AtomicU64::new(0),
            told: models.iter().map(|_| Mutex::default()).collect(),
            told_faces: models.iter().map(|_| AtomicU64::new(0)).collect(),
            refused: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            models,
        }
    }

    /// Seconds since the server began.
    pub fn uptime(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub fn answered(&self, method: &str, route: &str, status: u16, time: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.entry((method.into(), route.into(), status)).or_default().add(time);
    }

    pub fn looked(&self, time: Duration, faces: usize) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).add(time);
        self.faces.fetch_add(faces as u64, Ordering::Relaxed);
    }

    pub fn told(&self, model: usize, time: Duration, faces: usize) {
        self.told[model].lock().unwrap_or_else(PoisonError::into_inner).add(time);
        self.told_faces[model].fetch_add(faces as u64, Ordering::Relaxed);
    }

    /// Seconds after which so many pictures should have been worked on.
    pub fn wait(&self, pictures: usize) -> u64 {
        let mean = |times: &Mutex<Times>| {
            let times = times.lock().unwrap_or_else(PoisonError::into_inner);
            if times.count == 0 { 0.0 } else { times.sum / times.count as f64 }
        };
        let each = self.told.iter().map(mean).sum::<f64>() + mean(&self.looks);
        (each * pictures as f64).ceil().clamp(1.0, 60.0) as u64
    }

    /// All of it as text.
    pub fn text(&self, gauges: &Gauges) -> String {
        let mut out = String::new();
        let o = &mut out;
        head(o, "ferrotype_requests_seconds", "histogram", "Time from a request's head to its answer's.");
        for ((method, route, status), times) in self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = format!("method=\"{method}\",route=\"{}\",status=\"{status}\"", escaped(route));
            times.write(o, "ferrotype_requests_seconds", &labels);
        }
        head(o, "ferrotype_looks_seconds", "histogram", "Time in which a picture was decoded and its faces found.");
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).write(o, "ferrotype_looks_seconds", "");
        head(o, "ferrotype_faces_total", "counter", "Faces that were found in pictures.");
        line(o, format_args!("ferrotype_faces_total {}", self.faces.load(Ordering::Relaxed)));
        head(o, "ferrotype_batches_seconds", "histogram", "Time in which a model answered a batch of faces.");
        for (name, times) in self.models.iter().zip(&self.told) {
            let labels = format!("model=\"{}\"", escaped(name));
            times.lock().unwrap_or_else(PoisonError::into_inner).write(o, "ferrotype_batches_seconds", &labels);
        }
        head(o, "ferrotype_batched_faces_total", "counter", "Faces in those batches.");
        for (name, faces) in self.models.iter().zip(&self.told_faces) {
            let faces = faces.load(Ordering::Relaxed);
            line(o, format_args!("ferrotype_batched_faces_total{{model=\"{}\"}} {faces}", escaped(name)));
        }
        head(o, "ferrotype_refused_total", "counter", "Requests that were answered by 429.");
        line(o, format_args!("ferrotype_refused_total {}", self.refused.load(Ordering::Relaxed)));
        head(o, "ferrotype_queue_pictures", "gauge", "Pictures that are worked on or wait.");
        line(o, format_args!("ferrotype_queue_pictures {}", gauges.queue));
        head(o, "ferrotype_analyses", "gauge", "Videos that are looked at or wait.");
        line(o, format_args!("ferrotype_analyses {}", gauges.analyses));
        head(o, "ferrotype_connections", "gauge", "Open connections.");
        line(o, format_args!("ferrotype_connections {}", self.connections.load(Ordering::Relaxed)));
        head(o, "ferrotype_uptime_seconds", "gauge", "Time since the server began.");
        line(o, format_args!("ferrotype_uptime_seconds {}", self.uptime()));
        if let Some(bytes) = resident_memory() {
            head(o, "process_resident_memory_bytes", "gauge", "Memory of the process.");
            line(o, format_args!("process_resident_memory_bytes {bytes}"));
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    line(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_in_all_ranges_above_them() {
        let metrics = Metrics::new(vec!["a\"b".into()]);
        metrics.answered("POST", "/v1/predict", 200, Duration::from_millis(30));
        metrics.answered("POST", "/v1/predict", 200, Duration::from_secs(20));
        metrics.told(0, Duration::from_millis(100), 4);
        let text = metrics.text(&Gauges { queue: 3, analyses: 0 });
        let labels = "method=\"POST\",route=\"/v1/predict\",status=\"200\"";
        for expected in [
            format!("ferrotype_requests_seconds_bucket{{{labels},le=\"0.025\"}} 0"),
            format!("ferrotype_requests_seconds_bucket{{{labels},le=\"0.05\"}} 1"),
            format!("ferrotype_requests_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
            "ferrotype_batched_faces_total{model=\"a\\\"b\"} 4".into(),
            "ferrotype_queue_pictures 3".into(),
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn the_wait_follows_the_pace() {
        let metrics = Metrics::new(vec!["a".into()]);
        assert_eq!(metrics.wait(100), 1);
        metrics.told(0, Duration::from_millis(200), 1);
        metrics.looked(Duration::from_millis(50), 1);
        assert_eq!((metrics.wait(10), metrics.wait(100_000)), (3, 60));
    }
}

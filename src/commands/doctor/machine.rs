//! What of this machine and this program makes training slow or impossible.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use ferrotype_data::shards::available_bytes;
use ferrotype_kernels::Isa;
use ferrotype_run::process::{available_memory, load};
use ferrotype_vision::video;

/// What was looked at.
pub struct Finding {
    /// Its name, in one word.
    pub name: &'static str,
    /// What there is.
    pub there: String,
    /// What is slow or does not work for it, and what to do.
    pub hint: Option<String>,
}

impl Finding {
    fn new(name: &'static str, there: impl Into<String>, hint: Option<String>) -> Self {
        Self { name, there: there.into(), hint }
    }
}

/// Below this a disk holds training up.
const SLOW_MIB_PER_SECOND: f64 = 50.0;
/// Below so much a prepared dataset or a checkpoint may not fit.
const LITTLE_GIB: f64 = 5.0;
const PROBE_MIB: usize = 32;

/// Looks at program, processor, memory, ffmpeg and the disk of `folder`.
pub fn findings(folder: &Path) -> Vec<Finding> {
    let mut all = vec![build(cfg!(debug_assertions)), kernels(&Isa::available())];
    all.push(threads(std::thread::available_parallelism().map_or(1, usize::from), load()));
    all.extend(available_memory().map(memory_of));
    all.push(disk(folder));
    all.push(ffmpeg());
    all
}

fn build(is_debug: bool) -> Finding {
    let hint = "this program was built without optimisation and trains many times slower: cargo build --release";
    match is_debug {
        true => Finding::new("build", "debug", Some(hint.into())),
        false => Finding::new("build", "release", None),
    }
}

fn kernels(sets: &[Isa]) -> Finding {
    let names: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let hint = match sets.first() {
        Some(Isa::Avx512) => None,
        Some(Isa::Avx2) => Some("no AVX-512: kernels compute with AVX2, on half as many numbers at a time"),
        _ if cfg!(target_arch = "x86_64") => {
            Some("no AVX2 with FMA: kernels compute several times slower in plain Rust")
        }
        _ => Some("kernels are written for x86-64; here they compute in plain Rust, with what the compiler vectorises"),
    };
    Finding::new("kernels", format!("{} (the first is used)", names.join(", ")), hint.map(String::from))
}

fn threads(count: usize, load: Option<f64>) -> Finding {
    // Half a thread may be another program's without harm.
    let busy = load.filter(|load| *load > count as f64 / 2.0 + 0.5);
    let hint = match (busy, count) {
        (Some(load), _) => Some(format!(
            "other programs keep the processor busy (a load of {load:.1} on {count} threads): figures of speed will be low"
        )),
        (None, 1 | 2) => Some(format!("{count} threads: training takes nearly twice as long as on twice as many")),
        _ => None,
    };
    Finding::new("threads", count.to_string(), hint)
}

fn memory_of(bytes: u64) -> Finding {
    let gib = bytes as f64 / f64::from(1 << 30);
    let hint = "little memory: prepare large datasets in pieces (--shard-mb 256) and train with small batches";
    Finding::new("memory", format!("{gib:.1} GiB free"), (gib < 2.0).then(|| hint.into()))
}

fn disk(folder: &Path) -> Finding {
    let free = available_bytes(folder).map(|bytes| bytes as f64 / f64::from(1 << 30));
    let speed = match writing(folder) {
        Ok(speed) => speed,
        Err(e) => {
            let hint = format!("runs are written below {}, which does not work: {e}", folder.display());
            return Finding::new("disk", "cannot be written to", Some(hint));
        }
    };
    let there =
        format!("{}{speed:.0} MiB/s", free.map_or(String::new(), |gib| format!("{gib:.1} GiB free, written at ")));
    let hint = match free {
        Some(gib) if gib < LITTLE_GIB => Some(format!("{gib:.1} GiB free: prepared datasets and runs may not fit")),
        _ if speed < SLOW_MIB_PER_SECOND => {
            Some("a slow disk: checkpoints hold training up (train.checkpoint.minutes makes them rarer)".to_owned())
        }
        _ => None,
    };
    Finding::new("disk", there, hint)
}

/// MiB per second that reach the disk of a folder.
fn writing(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join(format!(".ferrotype-doctor-{}", std::process::id()));
    let probe = || {
        let mut file = File::create_new(&path)?;
        let block = vec![0x5a; 1 << 20];
        let began = Instant::now();
        for _ in 0..PROBE_MIB {
            file.write_all(&block)?;
        }
        file.sync_all()?;
        Ok(PROBE_MIB as f64 / began.elapsed().as_secs_f64())
    };
    let speed = probe();
    // Not there where it could not be made.
    let _ = std::fs::remove_file(&path);
    speed
}

fn ffmpeg() -> Finding {
    match video::available() {
        Ok(()) => Finding::new("ffmpeg", "found", None),
        Err(e) => Finding::new("ffmpeg", "not found", Some(format!("{e:#}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slow_is_said_with_its_reason() {
        assert!(build(true).hint.unwrap().contains("--release") && build(false).hint.is_none());
        assert!(kernels(&[Isa::Avx512, Isa::Avx2, Isa::Portable]).hint.is_none());
        assert!(kernels(&[Isa::Avx2, Isa::Portable]).hint.unwrap().contains("no AVX-512"));
        assert!(kernels(&[Isa::Portable]).hint.is_some());
        assert!(threads(16, Some(0.3)).hint.is_none());
        assert!(threads(2, Some(0.3)).hint.unwrap().contains("2 threads"));
        assert!(threads(16, Some(12.0)).hint.unwrap().contains("a load of 12.0"));
        assert!(memory_of(1 << 30).hint.is_some() && memory_of(8 << 30).hint.is_none());
    }

    #[test]
    fn the_disk_is_measured_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(writing(folder.path()).unwrap() > 0.0);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        let none = disk(&folder.path().join("none"));
        assert!(none.hint.unwrap().contains("none"));
    }
}

//! Notes the commit that the binary is built from, for provenance. Without git it is left unknown.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    let run = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if let Some(commit) = run(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo:rustc-env=FERROTYPE_COMMIT={commit}");
    }
}

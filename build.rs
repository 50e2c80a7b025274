//! Notes the commit that the binary is built from, for provenance; without git it is left unknown. Lists the shipped configs, which
//! `ferrotype init` writes.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    note_the_commit();
    list_the_configs();
}

/// A table of all configs: path below `configs`, with `/`, and text.
fn list_the_configs() {
    println!("cargo:rerun-if-changed=configs");
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("configs");
    let mut files = Vec::new();
    below(&root, &mut files);
    files.sort();
    let mut table =
        "/// Every shipped config: its path below `configs`, and its text.\nconst SHIPPED: &[(&str, &str)] = &[\n"
            .to_owned();
    for path in files {
        let parts: Vec<_> = path.strip_prefix(&root).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
        writeln!(table, "    ({:?}, include_str!({path:?})),", parts.join("/")).unwrap();
    }
    table += "];\n";
    fs::write(Path::new(&std::env::var("OUT_DIR").unwrap()).join("shipped_configs.rs"), table).unwrap();
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            below(&entry, files);
        } else if entry.extension().is_some_and(|ending| ending == "yaml") {
            files.push(entry);
        }
    }
}

fn note_the_commit() {
    let run = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // Where git keeps them: in a worktree that is not `.git`, and a file that is not there would be a change at every build.
    for name in ["HEAD", "logs/HEAD"] {
        let path = run(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists());
        path.into_iter().for_each(|path| println!("cargo:rerun-if-changed={path}"));
    }
    if let Some(commit) = run(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo:rustc-env=FERROTYPE_COMMIT={commit}");
    }
}

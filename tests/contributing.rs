//! The steps of CONTRIBUTING.md name the files that they touch, and no other file knows the thing that is added.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A thing that is there: its section, the words that its name and its plural are in paths, and how code names it.
struct Added {
    section: &'static str,
    names: [&'static str; 2],
    idents: &'static [&'static str],
}

const ADDED: [Added; 6] = [
    Added {
        section: "## Add a model",
        names: ["mobilenet_v2", ""],
        idents: &["MobilenetV2", "mobilenet_v2::", "mod mobilenet_v2"],
    },
    Added {
        section: "## Add a dataset",
        names: ["affectnet", ""],
        idents: &["Affectnet", "AffectnetOptions", "affectnet::", "mod affectnet"],
    },
    Added {
        section: "## Add a dataset",
        names: ["ck_plus", ""],
        idents: &["CkPlus", "CkPlusOptions", "ck_plus::", "mod ck_plus"],
    },
    Added { section: "## Add a metric", names: ["kappa", ""], idents: &["Kappa", "kappa::", "mod kappa"] },
    Added { section: "## Add a system", names: ["anomaly", "anomalies"], idents: &["AnomalyExperiment"] },
    Added { section: "## Add a system", names: ["baselines", "baselines"], idents: &["BaselineExperiment"] },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of code below a folder that are no tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "target" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "build.rs" {
            found.push(path);
        }
    }
}

/// Whether code names it, as a whole word; what follows the tests of a file is not looked at.
fn names(text: &str, ident: &str) -> bool {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(ident).any(|(at, _)| {
        let (before, after) = (code[..at].chars().next_back(), code[at + ident.len()..].chars().next());
        !is_part(before) && (ident.ends_with(':') || !is_part(after))
    })
}

/// The paths of code in a section, with the names put in.
fn listed(section: &str, names: [&str; 2]) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, rest) = text.split_once(&format!("{section}\n")).unwrap();
    let steps = rest.split("\n## ").next().unwrap();
    let quoted = steps.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|q| q.starts_with("crates/") || q.starts_with("src/"));
    paths.map(|p| p.replace("NAMES", names[1]).replace("NAME", names[0])).collect()
}

/// The pattern of default members leaves out what begins as `python` does.
#[test]
fn all_crates_but_the_python_module_are_tested_by_default() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains(r#"default-members = [".", "crates/[!p]*"]"#));
    let names = fs::read_dir(root().join("crates")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let left_out: Vec<String> = names.filter(|name| name.starts_with('p')).collect();
    assert_eq!(left_out, ["python"], "name it otherwise, or change the pattern in Cargo.toml");
}

#[test]
fn the_steps_list_the_files_that_know_what_is_added() {
    let mut files = Vec::new();
    for folder in ["crates", "src"] {
        sources(&root().join(folder), &mut files);
    }
    for Added { section, names: words, idents } in ADDED {
        let listed = listed(section, words);
        assert!(listed.len() >= 2, "{section}: {listed:?}");
        for path in &listed {
            assert!(root().join(path).exists(), "{section}: there is no {path}");
        }
        let covers = |path: &str, file: &str| {
            file == path || file.strip_prefix(path.trim_end_matches(".rs")).is_some_and(|rest| rest.starts_with('/'))
        };
        let mut seen = BTreeSet::new();
        for file in &files {
            let text = fs::read_to_string(file).unwrap();
            if !idents.iter().any(|ident| names(&text, ident)) {
                continue;
            }
            let file = file.strip_prefix(root()).unwrap().display().to_string();
            let covering: Vec<&String> = listed.iter().filter(|path| covers(path, &file)).collect();
            assert!(!covering.is_empty(), "{section}: {file} knows {}, and no step lists it", words[0]);
            seen.extend(covering);
        }
        // A file of its own may name itself nowhere; all others must know it, or the step is old.
        for path in
            listed.iter().filter(|path| !path.contains(words[0]) && (words[1].is_empty() || !path.contains(words[1])))
        {
            assert!(seen.contains(path), "{section}: {path} does not know {}, but a step lists it", words[0]);
        }
    }
}

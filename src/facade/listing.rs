//! The list of the library's interface in `docs/library.md` is that of the code.
//!
//! `FERROTYPE_WRITE_DOCS=1 cargo test --release --lib the_page_lists_the_interface` writes it.

use std::fmt::Write;
use std::path::Path;

const PAGE: &str = "docs/library.md";
const FILES: [&str; 8] = ["../lib", "experiment", "run", "predictor", "picture", "dataset", "analysis", "error"];
const BEGIN: &str = "<!-- interface -->\n```rust\n";
const END: &str = "```\n<!-- end -->\n";

/// The public items of a file: types and functions with their signatures, fields and variants; re-exports up to the hidden ones.
fn interface(source: &str) -> String {
    let mut text = String::new();
    let shown = source.split("// The parts, for the binary").next().unwrap_or_default();
    let mut lines = shown.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let is_variant = indent == 4 && code.ends_with(" {") && code.starts_with(char::is_uppercase);
        let is_impl = indent == 0 && code.starts_with("impl ") && !code.contains(" for ") && code != "impl Error {";
        let is_item = code.starts_with("pub ") && !code.starts_with("pub mod");
        if !(is_item || is_variant || is_impl) {
            continue;
        }
        let mut whole = line.to_owned();
        while !whole.ends_with(['{', ';', ',']) || whole.matches('(').count() > whole.matches(')').count() {
            let Some(next) = lines.next() else { break };
            write!(whole, " {}", next.trim()).unwrap();
        }
        if whole.trim_start().starts_with("pub use") {
            while !whole.ends_with(';') {
                write!(whole, " {}", lines.next().unwrap_or(";").trim()).unwrap();
            }
        }
        let shown = whole.trim_end_matches(['{', ';', ',']).trim_end().replace("( ", "(").replace(", )", ")");
        if !shown.contains("use facade::") {
            text += &(shown + "\n");
        }
    }
    text
}

#[test]
fn the_page_lists_the_interface() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &&str| std::fs::read_to_string(root.join("src/facade").join(format!("{name}.rs"))).unwrap();
    let list: Vec<String> = FILES.iter().map(|name| interface(&read(name))).collect();
    let list = list.join("\n");
    let page = std::fs::read_to_string(root.join(PAGE)).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (there, after) = rest.split_once(END).unwrap();
    if std::env::var_os("FERROTYPE_WRITE_DOCS").is_some() {
        std::fs::write(root.join(PAGE), format!("{before}{BEGIN}{list}{END}{after}")).unwrap();
        return;
    }
    assert!(there == list, "{PAGE} is old: FERROTYPE_WRITE_DOCS=1 cargo test --release --lib the_page_lists\n{list}");
}

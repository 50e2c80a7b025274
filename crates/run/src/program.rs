//! The words that start this program again: runs in processes of their own and tasks of a cluster are started with them.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Names the words where the program is started by others, such as an interpreter or a container: a JSON list.
///
/// `["/usr/bin/python3", "-m", "ferrotype"]`, say. The Python package sets it; without it the program's own file is meant.
pub const VARIABLE: &str = "FERROTYPE_PROGRAM";

/// The words before the arguments, the program to be started first.
///
/// # Errors
/// When [`VARIABLE`] is no JSON list of words, or without it the program's own file cannot be found.
pub fn words() -> Result<Vec<String>> {
    match std::env::var(VARIABLE) {
        Ok(text) => of_text(&text),
        Err(_) => {
            let own = std::env::current_exe().context("cannot find this program's own file")?;
            Ok(vec![own.display().to_string()])
        }
    }
}

fn of_text(text: &str) -> Result<Vec<String>> {
    let words: Vec<String> = serde_json::from_str(text)
        .with_context(|| format!("{VARIABLE} is `{text}`, and must be a JSON list such as [\"/opt/ferrotype\"]"))?;
    ensure!(!words.is_empty(), "{VARIABLE} is an empty list: its first word is the program to be started");
    Ok(words)
}

/// The arguments of this process as a shell takes them, `ferrotype` first.
pub fn command_line() -> String {
    let started_by = std::env::var(VARIABLE).ok().and_then(|text| of_text(&text).ok()).unwrap_or_default();
    line(std::env::args_os().collect(), &started_by)
}

/// The line of these words, of which the first are `started_by`, or the one of the program itself.
fn line(words: Vec<OsString>, started_by: &[String]) -> String {
    let is_started_so = !started_by.is_empty()
        && words.len() >= started_by.len()
        && words.iter().zip(started_by).skip(1).all(|(word, expected)| word == expected.as_str());
    let own = if is_started_so { started_by.len() } else { 1 };
    let name = words.first().map(|w| Path::new(w).file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    if name.starts_with("python") && !is_started_so {
        // A script's or a notebook's words say nothing about what was asked of the library.
        return "ferrotype (Python's module)".into();
    }
    let arguments = words.iter().skip(own).map(|word| match word.to_string_lossy() {
        word if word.contains([' ', '\'', '"']) => format!("'{}'", word.replace('\'', "'\\''")),
        word => word.into_owned(),
    });
    std::iter::once("ferrotype".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split('|').map(OsString::from).collect()
    }

    #[test]
    fn what_starts_the_program_is_no_part_of_its_line() {
        let python = ["/usr/bin/python3", "-m", "ferrotype"].map(String::from);
        assert_eq!(line(words("/opt/ferrotype|train|--out|my runs"), &[]), "ferrotype train --out 'my runs'");
        assert_eq!(line(words("python3|-m|ferrotype|train|-q"), &python), "ferrotype train -q");
        let script = ["/usr/bin/python3", "/venv/bin/ferrotype"].map(String::from);
        assert_eq!(line(words("/usr/bin/python3|/venv/bin/ferrotype|runs"), &script), "ferrotype runs");
        assert_eq!(line(words("/usr/bin/python3|-m|ipykernel"), &python), "ferrotype (Python's module)");
        assert_eq!(line(words("/usr/bin/python3.11|train.py"), &[]), "ferrotype (Python's module)");
    }

    #[test]
    fn the_variable_is_a_list_of_words() {
        assert_eq!(of_text(r#"["a b", "-m", "c"]"#).unwrap(), ["a b", "-m", "c"]);
        assert!(of_text("python -m ferrotype").unwrap_err().to_string().contains("JSON list"));
        assert!(of_text("[]").unwrap_err().to_string().contains("empty list"));
    }
}

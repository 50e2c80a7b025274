//! The pages of commands in `docs/commands` are those of the command line.
//!
//! `FERROTYPE_WRITE_DOCS=1 cargo test --release --lib the_commands_in_the_documentation` writes them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

const FOLDER: &str = "docs/commands";
const MARK: &str =
    "<!-- Written from the program by the test `the_commands_in_the_documentation_are_up_to_date`. -->\n\n";

/// Pages, beside `docs/commands`, that say what a command does and why.
fn pages_about(command: &str) -> &'static [&'static str] {
    match command {
        "ablate" => &["microx.md"],
        "analyze" => &["how-to/analyse-a-video.md", "analyze.md"],
        "attack" => &["robustness.md"],
        "bench" => &["benchmarks.md"],
        "compare" => &["how-to/compare-runs.md", "reproduction.md"],
        "config" => &["configuration.md"],
        "data" => &["how-to/own-data.md", "data-format.md", "clips.md", "synthetic.md"],
        "eval" => &["import.md", "targets.md"],
        "explain" => &["saliency.md"],
        "export" => &["how-to/onnx-in-python.md", "onnx.md"],
        "init" => &["how-to/own-data.md", "python.md"],
        "import" => &["import.md"],
        "models" => &["models.md", "models_by_name.md"],
        "predict" => &["prediction.md"],
        "reproduce" => &["reproduction.md"],
        "serve" => &["how-to/show-a-model.md", "serve.md"],
        "sweep" => &["how-to/sweep-on-a-cluster.md", "sweeps.md"],
        "train" => &["configuration.md", "transfer.md", "distillation.md"],
        _ => &[],
    }
}

/// Text of the help as Markdown: what would be markup outside of backticks is escaped, and a full stop ends it.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (n, part) in text.trim().split('`').enumerate() {
        let is_code = n % 2 == 1;
        let part = part.replace('|', "\\|");
        out += &if is_code { format!("`{part}`") } else { part.replace('<', "&lt;").replace('*', "\\*") };
    }
    let ended = [".", ".)", ":", "?"].iter().any(|end| out.ends_with(end));
    out.replace("\n\n", "<br>").replace('\n', " ") + if ended || out.is_empty() { "" } else { "." }
}

/// How an option is written: `-q, --quiet`, `--config <YAML>`.
fn written(argument: &Arg) -> String {
    match argument.get_short().filter(|_| argument.get_long().is_some()) {
        Some(short) => format!("-{short}, {argument}"),
        None => argument.to_string(),
    }
}

/// What an option means, with its default and the values that it can have.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = prose(&help);
    if !argument.get_action().takes_values() {
        return text;
    }
    let values: Vec<_> = argument.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect();
    if values.iter().any(|value| value.get_help().is_some()) {
        for value in &values {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            write!(text, "<br>`{}`: {}", value.get_name(), prose(&help)).unwrap();
        }
    } else if !values.is_empty() {
        let names: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        write!(text, " One of {}.", names.join(", ")).unwrap();
    }
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() {
        let space = if text.contains("<br>`") { "<br>" } else { " " };
        write!(text, "{space}Default: `{}`.", defaults.join(" ")).unwrap();
    }
    if argument.is_required_set() && !argument.is_positional() {
        text += " Required.";
    }
    text
}

fn table(title: &str, arguments: &[&Arg]) -> String {
    let mut text = String::new();
    if !arguments.is_empty() {
        write!(text, "| {title} | |\n|---|---|\n").unwrap();
        for argument in arguments {
            writeln!(text, "| `{}` | {} |", written(argument).replace('|', "\\|"), meaning(argument)).unwrap();
        }
        text += "\n";
    }
    text
}

/// The examples of a command's help as a block of code.
fn examples(command: &Command) -> String {
    let Some(help) = command.get_after_long_help().or(command.get_after_help()) else { return String::new() };
    let help = help.to_string();
    let (before, lines) = help.split_once(':').unwrap_or(("", &help));
    let lines: Vec<&str> =
        lines.trim_matches('\n').lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    format!("{before}:\n\n```text\n{}\n```\n\n", lines.join("\n").trim())
}

/// A command and those below it, each with a heading.
fn section(command: &mut Command, level: usize) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let mut text = format!("{} {name}\n\n{}\n\n```text\n{usage}\n```\n\n", "#".repeat(level), prose(&about));
    let (positional, options): (Vec<_>, Vec<_>) = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str()))
        .partition(|argument| argument.is_positional());
    text += &table("argument", &positional);
    text += &table("option", &options);
    text += &examples(command);
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help" && !below.is_hide_set()) {
        text += &section(below, (level + 1).min(4));
    }
    text
}

/// The text of each page by its file name.
fn pages() -> BTreeMap<String, String> {
    let mut cli = Cli::command().name("ferrotype").bin_name("ferrotype");
    cli.build();
    let mut index = format!(
        "{MARK}# Commands\n\nWhat `ferrotype --help` and `ferrotype COMMAND --help` say, a page for each command.\n\n\
         | command | |\n|---|---|\n"
    );
    let mut pages = BTreeMap::new();
    for command in cli.get_subcommands_mut().filter(|command| command.get_name() != "help" && !command.is_hide_set()) {
        let name = command.get_name().to_owned();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(index, "| [`{name}`]({name}.md) | {} |", prose(&about)).unwrap();
        let mut page = format!("{MARK}{}", section(command, 1));
        let links: Vec<String> = pages_about(&name).iter().map(|page| format!("[{page}](../{page})")).collect();
        if !links.is_empty() {
            writeln!(page, "More: {}.", links.join(", ")).unwrap();
        }
        pages.insert(format!("{name}.md"), page.trim_end().to_owned() + "\n");
    }
    index += "\nEvery command has `--help`, and `ferrotype --version` says which one it is.\n";
    pages.insert("README.md".to_owned(), index);
    pages
}

#[test]
fn the_commands_in_the_documentation_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let wanted = pages();
    if std::env::var_os("FERROTYPE_WRITE_DOCS").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        wanted.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
        return;
    }
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeMap<String, String> =
        files.map(|name| (name.clone(), std::fs::read_to_string(folder.join(name)).unwrap())).collect();
    let old: Vec<&String> =
        wanted.keys().chain(there.keys()).filter(|name| wanted.get(*name) != there.get(*name)).collect();
    assert!(
        old.is_empty(),
        "{FOLDER} is behind the command line in {old:?}: \
         FERROTYPE_WRITE_DOCS=1 cargo test --release --lib the_commands_in_the_documentation"
    );
}

#[test]
fn every_page_that_commands_point_to_is_there() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for command in Cli::command().get_subcommands() {
        for page in pages_about(command.get_name()) {
            assert!(docs.join(page).is_file(), "{}: docs/{page}", command.get_name());
        }
    }
}

#[test]
fn text_of_the_help_is_no_markup() {
    assert_eq!(prose("One *.mp4 of <PATH>, a|b"), "One \\*.mp4 of &lt;PATH>, a\\|b.");
    assert_eq!(prose("How right is it?"), "How right is it?");
    assert_eq!(prose("Number of people (subjects)"), "Number of people (subjects).");
    assert_eq!(prose("Keys such as `a <b>`\n\nand more."), "Keys such as `a <b>`<br>and more.");
}

/// A value of an option that all subcommands have would be taken for that of another of the same name, which ends in a panic.
#[test]
fn no_option_of_all_subcommands_is_called_like_one_of_theirs() {
    fn check(command: &Command, above: &[String]) {
        let own = command.get_arguments().map(|arg| arg.get_id().to_string());
        let twice: Vec<String> = own.filter(|id| above.contains(id)).collect();
        assert!(twice.is_empty(), "{} has {twice:?}, and so has a command above it", command.get_name());
        let all = command.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().to_string());
        let above: Vec<String> = above.iter().cloned().chain(all).collect();
        command.get_subcommands().for_each(|command| check(command, &above));
    }
    check(&Cli::command(), &[]);
}

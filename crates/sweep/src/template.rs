//! How workers are begun elsewhere: a template makes a file of it, a job script or a manifest, and says by which command the
//! file is handed over. Schedulers differ by their template alone.
//!
//! Templates are Jinja's (the crate `minijinja`). What a template is told:
//!
//! | | |
//! |---|---|
//! | `name` | of the sweep or experiment |
//! | `kind` | `sweep`: any number of workers share the trials; `group`: each task trains the member of its number |
//! | `tasks` | how many tasks there are to be, numbered from 0 |
//! | `jobs` | how many trials or runs a task is to train at a time, as the command line says |
//! | `folder`, `directory` | the folder of the study or group, and the working directory: absolute |
//! | `program`, `arguments` | what each task runs, in words; `command` is both as one line for a shell |
//! | `options` | the section of the launcher's name |
//!
//! What it says by `{% set ... %}`: `file`, the name of the file in the folder; `submit`, the words of the command that hands it
//! over, empty where the user does that; `keep`, the name of a file that keeps the first line which that command prints; `then`,
//! a line for the user. Filters: `word` and `words` quote for a shell, `json` writes JSON (and so YAML), `dns` makes a name of
//! lower-case letters, digits and hyphens. `fail("...")` refuses.
//!
//! A task knows its number by `FERROTYPE_TASK`, `SLURM_ARRAY_TASK_ID` or `JOB_COMPLETION_INDEX`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::slurm::quote;

/// A template by the name that messages give it.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    source: String,
}

/// The templates that are built in.
const BUILT_IN: [(&str, &str); 4] = [
    ("background", include_str!("../templates/background.sh.j2")),
    ("slurm", include_str!("../templates/slurm.sh.j2")),
    ("kubernetes", include_str!("../templates/kubernetes.yaml.j2")),
    ("ssh", include_str!("../templates/ssh.sh.j2")),
];

/// What is to be begun.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The sweep's or experiment's name.
    pub name: &'a str,
    /// Whether each task trains the member of a group that has its number.
    pub is_group: bool,
    /// How many tasks.
    pub tasks: usize,
    /// Trials or runs at a time in each.
    pub jobs: usize,
    /// The study's or group's folder, absolute.
    pub folder: &'a Path,
    /// The working directory, absolute: paths of data are relative to it.
    pub directory: &'a Path,
    /// The words that start the program.
    pub program: &'a [String],
    /// Its arguments, the same for every task.
    pub arguments: &'a [String],
    /// The section of the launcher's name.
    pub options: &'a serde_json::Value,
}

/// What came of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The name of the file in the folder.
    pub file: String,
    /// What is in it.
    pub text: String,
    /// The words of the command that hands it over; none where the user does that.
    pub submit: Vec<String>,
    /// The name of a file in the folder that keeps the first line of what that command prints.
    pub keep: Option<String>,
    /// A line for the user.
    pub then: Option<String>,
}

impl Template {
    /// One that is built in.
    ///
    /// # Errors
    /// For a name that is none, with those that there are.
    pub fn built_in(name: &str) -> Result<Self> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (name, source) = found.with_context(|| format!("no launcher {name}: there are {}", names().join(", ")))?;
        Ok(Self { name: (*name).to_owned(), source: (*source).to_owned() })
    }

    /// One of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let source = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { name: path.display().to_string(), source })
    }

    /// Its text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Fills it in.
    ///
    /// # Errors
    /// When it is no template, asks for what there is not, refuses, or does not say what it must.
    pub fn render(&self, plan: &Plan<'_>) -> Result<Rendered> {
        let environment = environment();
        let template = environment.template_from_named_str(&self.name, &self.source).map_err(|e| self.told(&e))?;
        let done = template.render_captured(given(plan)).map_err(|e| self.told(&e))?;
        let said = |name: &str| done.state().lookup(name).filter(|v| !v.is_undefined() && !v.is_none());
        let text = |name: &str| said(name).map(|v| v.to_string());
        let file = text("file")
            .with_context(|| format!("{} does not say `file`: add {{% set file = \"...\" %}}", self.name))?;
        let is_name = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
        ensure!(is_name(&file), "{}: `file` is `{file}`, which names no file in the folder", self.name);
        let keep = text("keep");
        ensure!(keep.as_deref().is_none_or(is_name), "{}: `keep` names no file in the folder", self.name);
        let submit = match said("submit") {
            None => Vec::new(),
            Some(list) if list.kind() == ValueKind::Seq => {
                list.try_iter().map_err(|e| self.told(&e))?.map(|word| word.to_string()).collect()
            }
            Some(_) => bail!("{}: `submit` must be a list of words: [\"sbatch\", folder ~ \"/\" ~ file]", self.name),
        };
        let then = text("then");
        Ok(Rendered { file, text: done.into_output(), submit, keep, then })
    }

    /// An error of the template in one line: where, and what.
    fn told(&self, error: &Error) -> anyhow::Error {
        let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        if error.kind() == ErrorKind::InvalidOperation && what.starts_with(REFUSED) {
            return anyhow!("{}", &what[REFUSED.len()..]);
        }
        let line = error.line().map_or_else(String::new, |line| format!(", line {line}"));
        anyhow!("the launcher template {}{line}: {what} ({})", self.name, error.kind())
    }
}

/// The names of the templates that are built in.
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

/// Marks a refusal of the template itself among its errors.
const REFUSED: &str = "refused: ";

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // Lines that hold only a tag leave no empty lines behind.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.add_filter("word", |word: String| quote(&word));
    environment.add_filter("words", |words: Vec<String>| words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(" "));
    environment.add_filter("json", |value: Value| match value.kind() {
        ValueKind::String => Ok(serde_json::Value::from(value.to_string()).to_string()),
        ValueKind::Number | ValueKind::Bool => Ok(value.to_string()),
        kind => {
            Err(Error::new(ErrorKind::InvalidOperation, format!("json takes text, numbers, true and false, no {kind}")))
        }
    });
    environment.add_filter("dns", |name: String| dns(&name));
    environment.add_function("fail", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, format!("{REFUSED}{message}")))
    });
    environment
}

fn given(plan: &Plan<'_>) -> Value {
    let words: Vec<String> = plan.program.iter().chain(plan.arguments).map(|w| quote(w)).collect();
    let list = |words: &[String]| words.iter().map(Value::from).collect::<Vec<_>>();
    let values: [(&str, Value); 10] = [
        ("name", plan.name.into()),
        ("kind", if plan.is_group { "group" } else { "sweep" }.into()),
        ("tasks", plan.tasks.into()),
        ("jobs", plan.jobs.into()),
        ("folder", plan.folder.display().to_string().into()),
        ("directory", plan.directory.display().to_string().into()),
        ("program", list(plan.program).into()),
        ("arguments", list(plan.arguments).into()),
        ("command", words.join(" ").into()),
        ("options", value_of(plan.options)),
    ];
    BTreeMap::from(values).into()
}

/// The engine's own values (it reads serde's only with a feature that nothing else here needs).
fn value_of(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => ().into(),
        Json::Bool(b) => (*b).into(),
        Json::Number(n) => n.as_i64().map_or_else(|| n.as_f64().unwrap_or(f64::NAN).into(), Value::from),
        Json::String(text) => text.into(),
        Json::Array(items) => items.iter().map(value_of).collect::<Vec<_>>().into(),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), value_of(value)));
            fields.collect::<BTreeMap<String, Value>>().into()
        }
    }
}

/// A name of lower-case letters, digits and hyphens, at most 40, as Kubernetes wants them (RFC 1123).
fn dns(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let kept = kept.trim_matches('-');
    let kept = kept.get(..kept.len().min(40)).unwrap_or(kept).trim_end_matches('-');
    if kept.is_empty() { "ferrotype".into() } else { kept.to_owned() }
}

#[cfg(test)]
mod tests;

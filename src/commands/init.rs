//! `ferrotype init`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::say;
use crate::systems::registry;
use ferrotype_run::files::{explain, write_atomic};

include!(concat!(env!("OUT_DIR"), "/shipped_configs.rs"));

/// The config of every starter folder.
const FIRST: &str = "quickstart.yaml";

/// What a version control should not keep.
const IGNORED: &str = "/runs\n/sweeps\n/results\n/pictures\n/datasets\n*.tmp\n";

/// Begin a folder for experiments: a config to start from, one for your own pictures, a README, .gitignore, and the schema by which
/// editors complete configs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype init my-experiments
  ferrotype init . --list                                    (the configs that come with Ferrotype)
  ferrotype init . --config fer2013/mini_xception            (adds one, with those that it builds on)")]
pub struct InitCommand {
    /// The folder; what is in it already stays as it is.
    folder: PathBuf,
    /// Also write this config of those that come with Ferrotype; may be given several times.
    #[arg(long = "config", value_name = "NAME")]
    configs: Vec<String>,
    /// Write nothing; list the configs that come with Ferrotype.
    #[arg(long, conflicts_with = "configs")]
    list: bool,
}

impl InitCommand {
    /// Writes the folder.
    ///
    /// # Errors
    /// When a config is unknown, or a file cannot be written.
    pub fn run(self) -> Result<()> {
        if self.list {
            return SHIPPED.iter().filter(|(name, _)| !is_base(name)).try_for_each(|(name, text)| {
                say(format_args!("{:<56} {}", name.trim_end_matches(".yaml"), purpose(text)))
            });
        }
        let mut written = 0;
        for (path, text) in self.files()? {
            let path = self.folder.join(path);
            // Another run of the command adds what is missing; what somebody changed is theirs.
            if path.exists() {
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| explain(parent, &e))?;
            }
            write_atomic(&path, text.as_bytes())?;
            say(format_args!("written {}", path.display()))?;
            written += 1;
        }
        if written == 0 {
            return say(format_args!("{} has everything already", self.folder.display()));
        }
        let enter =
            if self.folder == Path::new(".") { String::new() } else { format!("\n  cd {}", self.folder.display()) };
        say(format_args!("\nGo on with{enter}\n  ferrotype train --config configs/{FIRST}"))
    }

    /// All files of the folder, with what is in them.
    fn files(&self) -> Result<BTreeMap<PathBuf, String>> {
        let mut configs =
            BTreeMap::from([("own_pictures.yaml".to_owned(), include_str!("init/own_pictures.yaml").to_owned())]);
        add(FIRST, &mut configs)?;
        for name in &self.configs {
            add(&file_of(name)?, &mut configs)?;
        }
        let mut files = BTreeMap::from([
            (PathBuf::from("README.md"), include_str!("init/README.md").to_owned()),
            (PathBuf::from(".gitignore"), IGNORED.to_owned()),
        ]);
        for (name, text) in &configs {
            let text = match system_of(name, &configs) {
                Some(system) => {
                    let schema =
                        format!("{}.schema.json", if system == registry::WORDS[0] { "experiment" } else { system });
                    let contents =
                        registry::schema(system).with_context(|| format!("there is no system `{system}`"))?;
                    files.insert(PathBuf::from(&schema), format!("{contents:#}\n"));
                    let up = "../".repeat(1 + name.matches('/').count());
                    format!("# yaml-language-server: $schema={up}{schema}\n{text}")
                }
                None => text.clone(),
            };
            files.insert(Path::new("configs").join(name), text);
        }
        Ok(files)
    }
}

/// Adds a shipped config and those that it builds on.
fn add(name: &str, configs: &mut BTreeMap<String, String>) -> Result<()> {
    let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) else {
        bail!("no config {name} comes with Ferrotype")
    };
    configs.insert(name.to_owned(), text.replace("cargo run --release -- ", "ferrotype "));
    // What it builds on, or searches over.
    ["base", "experiment"]
        .into_iter()
        .filter_map(|key| value_of(text, key))
        .try_for_each(|other| add(&beside(name, other), configs))
}

/// The file of a shipped config by its name, with or without folder and ending: `fer2013/mini_xception`.
fn file_of(name: &str) -> Result<String> {
    let bare = name.trim_start_matches("configs/").trim_end_matches(".yaml");
    let names = SHIPPED.iter().map(|(name, _)| name.trim_end_matches(".yaml")).filter(|name| !is_base(name));
    if names.clone().any(|known| known == bare) {
        return Ok(format!("{bare}.yaml"));
    }
    let near = names.max_by(|a, b| strsim::jaro_winkler(a, bare).total_cmp(&strsim::jaro_winkler(b, bare)));
    ensure!(!bare.is_empty(), "--config needs the name of a config; `ferrotype init . --list` names them");
    bail!(
        "no config `{name}` comes with Ferrotype; did you mean `{}`? `ferrotype init . --list` names them all",
        near.unwrap_or_default()
    )
}

/// A path beside that of a file: `../_base.yaml` beside `a/b.yaml` is `_base.yaml`.
fn beside(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The value of a key of the top level that stands on a line of its own.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(rest.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']))
}

/// The system of an experiment file, which its base may say; none of files of another kind: a sweep's, or an analysis's.
fn system_of(name: &str, configs: &BTreeMap<String, String>) -> Option<&'static str> {
    let text = configs.get(name)?;
    if ["experiment", "parts"].into_iter().any(|key| value_of(text, key).is_some()) {
        return None;
    }
    match (value_of(text, "system"), value_of(text, "base")) {
        (Some(system), _) => registry::WORDS.iter().find(|word| **word == system).copied(),
        (None, Some(base)) => system_of(&beside(name, base), configs),
        (None, None) => Some(registry::WORDS[0]),
    }
}

fn is_base(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|file| file.starts_with('_'))
}

/// The first line of a config's comment, which says its purpose.
fn purpose(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default().trim_start_matches("# ");
    first.trim_start_matches("Purpose:").trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn init(folder: &Path, configs: &[&str]) {
        let configs = configs.iter().map(ToString::to_string).collect();
        InitCommand { folder: folder.to_path_buf(), configs, list: false }.run().unwrap();
    }

    #[test]
    fn the_folder_can_be_trained_in() {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path(), &["fer2013/mini_xception_adversarial", "configs/real_fake/lstm.yaml"]);
        for name in ["quickstart", "own_pictures", "fer2013/mini_xception_adversarial", "real_fake/lstm"] {
            let path = folder.path().join(format!("configs/{name}.yaml"));
            let loaded = config::load_any(&path, &[]).unwrap();
            assert!(loaded.warnings.is_empty());
            let text = std::fs::read_to_string(&path).unwrap();
            let schema = text.lines().next().unwrap().rsplit('=').next().unwrap().to_owned();
            let schema = std::fs::read_to_string(path.parent().unwrap().join(schema)).unwrap();
            assert!(schema.contains("\"properties\"") && !text.contains("cargo run"), "{name}");
        }
        let quickstart = std::fs::read_to_string(folder.path().join("configs/quickstart.yaml")).unwrap();
        assert!(quickstart.ends_with(include_str!("../../configs/quickstart.yaml").split_once("name:").unwrap().1));
        assert!(folder.path().join(".gitignore").is_file() && folder.path().join("README.md").is_file());
    }

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("README.md"), "mine").unwrap();
        init(folder.path(), &[]);
        init(folder.path(), &["au/synthetic"]);
        assert_eq!(std::fs::read_to_string(folder.path().join("README.md")).unwrap(), "mine");
        assert!(folder.path().join("configs/au/synthetic.yaml").is_file());
    }

    #[test]
    fn every_shipped_config_has_a_purpose_and_its_bases() {
        assert!(SHIPPED.len() > 80);
        for (name, text) in SHIPPED.iter().filter(|(name, _)| !is_base(name)) {
            assert!(!purpose(text).is_empty(), "{name}");
            let mut configs = BTreeMap::new();
            add(name, &mut configs).unwrap();
            if let Some(system) = system_of(name, &configs) {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
                assert_eq!(config::load_any(&path, &[]).unwrap().experiment.system(), system, "{name}");
            }
        }
        assert!(file_of("fer2013/mini_xceptoin").unwrap_err().to_string().contains("`fer2013/mini_xception`"));
    }
}

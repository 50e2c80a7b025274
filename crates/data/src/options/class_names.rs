//! Names for the classes that a source finds.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the source's labels or class folders are to be called: `{HAPPINESS: happiness, "1": surprise}`. Labels with the
/// same new name become one class; an empty name leaves its pictures out; labels that are not listed keep their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ClassNames(pub BTreeMap<String, String>);

impl ClassNames {
    /// Whether no label is renamed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `--class OLD=NEW`, as often as needed.
impl Args for ClassNames {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new("class")
                .long("class")
                .value_name("OLD=NEW")
                .action(ArgAction::Append)
                .value_parser(renaming)
                .help(
                    "Call a label or class folder so (repeatable): the same new name merges classes, an empty one \
                     leaves their pictures out",
                ),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ClassNames {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut names = BTreeMap::new();
        for (old, new) in matches.get_many::<(String, String)>("class").into_iter().flatten() {
            if names.insert(old.clone(), new.clone()).is_some_and(|earlier| earlier != *new) {
                let message = format!("--class gives \"{old}\" two names\n");
                return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message));
            }
        }
        Ok(Self(names))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.trim().is_empty() => Ok((old.trim().into(), new.trim().into())),
        _ => Err("expected OLD=NEW, such as 1=surprise".into()),
    }
}

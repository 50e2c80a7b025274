//! Columns of a table that hold typed targets.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use ferrotype_base::targets::TargetKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Groups of targets by name: `{au: {kind: labels, columns: [AU01, AU12]}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TargetColumns(pub BTreeMap<String, TargetGroupOptions>);

/// A group of targets of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetGroupOptions {
    /// What the columns hold.
    pub kind: TargetKindName,
    /// The columns. An empty cell is a missing value.
    pub columns: Vec<String>,
    /// Of continuous values: what they are measured in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub units: String,
    /// Of continuous values: the smallest and the largest that there can be. Needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f32; 2]>,
}

/// What columns hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKindName {
    /// Labels that are there (1) or not (0).
    Labels,
    /// Numbers within a range.
    Continuous,
    /// Shares of classes that sum to 1 in each row.
    Distribution,
}

impl TargetColumns {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TargetGroupOptions {
    /// The kind with its range and units, or what is wrong with them.
    pub fn target_kind(&self) -> Result<TargetKind, &'static str> {
        match (self.kind, self.range) {
            (TargetKindName::Continuous, Some([low, high])) if low < high && low.is_finite() && high.is_finite() => {
                Ok(TargetKind::Continuous { units: self.units.clone(), range: [low, high] })
            }
            (TargetKindName::Continuous, _) => {
                Err("continuous values need a range, the smallest before the largest, such as [0, 5]")
            }
            (_, Some(_)) => Err("a range is for continuous values"),
            _ if !self.units.is_empty() => Err("units are for continuous values"),
            (TargetKindName::Labels, None) => Ok(TargetKind::Labels),
            (TargetKindName::Distribution, None) => Ok(TargetKind::Distribution),
        }
    }
}

/// `--target NAME=KIND:COLUMN,COLUMN[:LOW..HIGH[:UNITS]]`, as often as needed.
impl Args for TargetColumns {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new("target")
                .long("target")
                .value_name("NAME=KIND:COLUMNS[:LOW..HIGH[:UNITS]]")
                .action(ArgAction::Append)
                .value_parser(parse)
                .help(
                    "Take columns as targets (repeatable): au=labels:AU01,AU12 or va=continuous:valence,arousal:-1..1 or \
                     votes=distribution:sad,happy. An empty cell is a missing value",
                ),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for TargetColumns {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut groups = BTreeMap::new();
        for (name, group) in matches.get_many::<(String, TargetGroupOptions)>("target").into_iter().flatten() {
            if groups.insert(name.clone(), group.clone()).is_some() {
                let message = format!("--target names \"{name}\" twice\n");
                return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message));
            }
        }
        Ok(Self(groups))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn parse(text: &str) -> Result<(String, TargetGroupOptions), String> {
    let (name, rest) = text.split_once('=').ok_or("expected NAME=KIND:COLUMNS")?;
    let mut parts = rest.splitn(4, ':');
    let kind = match parts.next().unwrap_or_default() {
        "labels" => TargetKindName::Labels,
        "continuous" => TargetKindName::Continuous,
        "distribution" => TargetKindName::Distribution,
        other => return Err(format!("unknown kind \"{other}\"; expected labels, continuous or distribution")),
    };
    let columns = parts.next().unwrap_or_default();
    let columns: Vec<String> = columns.split(',').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect();
    if name.is_empty() || columns.is_empty() {
        return Err("expected a name and at least one column: NAME=KIND:COLUMN,COLUMN".into());
    }
    let range = parts.next().map(range).transpose()?;
    let group = TargetGroupOptions { kind, columns, units: parts.next().unwrap_or_default().to_owned(), range };
    group.target_kind()?;
    Ok((name.to_owned(), group))
}

fn range(text: &str) -> Result<[f32; 2], String> {
    let ends = text.split_once("..").and_then(|(low, high)| Some([low.parse().ok()?, high.parse().ok()?]));
    ends.ok_or_else(|| format!("\"{text}\" is no range; expected LOW..HIGH, such as 0..5"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_what_a_file_says() {
        let from_yaml: TargetGroupOptions = serde_json::from_value(serde_json::json!({
            "kind": "continuous", "columns": ["valence", "arousal"], "range": [-1, 1], "units": "none",
        }))
        .unwrap();
        assert_eq!(parse("va=continuous:valence,arousal:-1..1:none").unwrap(), ("va".to_owned(), from_yaml));
        assert_eq!(parse("au=labels:AU01").unwrap().1.target_kind(), Ok(TargetKind::Labels));
        for (text, said) in [
            ("au", "NAME=KIND"),
            ("au=flags:AU01", "unknown kind"),
            ("au=labels:", "at least one column"),
            ("au=labels:AU01:0..1", "range is for continuous"),
            ("va=continuous:valence", "need a range"),
            ("va=continuous:valence:1..0", "need a range"),
            ("va=continuous:valence:x", "no range"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}

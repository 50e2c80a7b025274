//! Which published form a file is of, and its values as a network's.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_base::text::listed;

use super::Foreign;
use super::apply::{Applied, Index, apply, foreign_shape};
use ferrotype_data::options::{Colour, Preprocess, Scale};
use ferrotype_model::published::{Entry, Made, Origin, own_names};
use ferrotype_model::{Graph, ModelOptions, StateTensor};

/// So many names are listed.
const LISTED: usize = 4;
/// Sides of pictures that a file's shapes are held against.
const SMALLEST: usize = 16;
const LARGEST: usize = 320;

/// Where the classifier's values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Head {
    /// The file's.
    #[default]
    File,
    /// New ones, for other classes or a file without a classifier: to be trained.
    New,
}

/// A form to be tried, with what the user changed of it.
#[derive(Clone)]
pub struct ExpectedForm {
    /// The form.
    pub origin: Origin,
    /// The network's options.
    pub model: ModelOptions,
    /// What is done to pictures.
    pub preprocess: Preprocess,
}

/// A file's values as a network's.
pub struct Matched {
    /// The form.
    pub expected: ExpectedForm,
    /// Class names in the order of the outputs.
    pub classes: Vec<String>,
    /// The network.
    pub graph: Graph,
    /// Values by name; those of a new classifier are not among them.
    pub state: Vec<StateTensor>,
    /// Names of the values that keep their initial ones.
    pub reinit: Vec<String>,
}

/// The form that the file is of, among several; `classes` names the outputs otherwise than the form does.
///
/// # Errors
/// When none fits, with what is missing, misshapen and unused in the nearest; or when the classes do not.
pub fn match_form(
    foreign: &Foreign,
    forms: Vec<ExpectedForm>,
    head: Head,
    classes: Option<&[String]>,
) -> Result<Matched> {
    let index = Index::of(foreign);
    let mut best: Option<(usize, Tried, ExpectedForm)> = None;
    for expected in forms {
        foreign.declared.check(&expected.preprocess, head)?;
        let tried = attempt(foreign, &index, &expected, head, classes)?;
        let faults = tried.applied.faults();
        if faults == 0 {
            best = Some((faults, tried, expected));
            break;
        }
        if best.as_ref().is_none_or(|(least, ..)| faults < *least) {
            best = Some((faults, tried, expected));
        }
    }
    let (faults, tried, expected) = best.context("no published form of this network is known")?;
    if faults > 0 {
        return Err(no_match(foreign, &index, &tried, &expected, head));
    }
    check_colours(&expected)?;
    let classes = names_of_classes(foreign, &tried, &expected, head, classes)?;
    let prefix = expected.model.architecture().classifier();
    let reinit = match head {
        Head::File => Vec::new(),
        Head::New => tried.graph.parameters.iter().map(|p| p.name.clone()).filter(|n| n.starts_with(prefix)).collect(),
    };
    Ok(Matched { expected, classes, graph: tried.graph, state: tried.applied.state, reinit })
}

struct Tried {
    graph: Graph,
    applied: Applied,
}

/// Lays one form over the file.
fn attempt(
    foreign: &Foreign,
    index: &Index,
    expected: &ExpectedForm,
    head: Head,
    classes: Option<&[String]>,
) -> Result<Tried> {
    let p = &expected.preprocess;
    let input = [p.colour.channels(), p.size, p.size];
    let build = |n: usize| expected.model.build(input, n);
    let named = classes.map_or(expected.origin.classes.len(), <[String]>::len);
    let outputs = match head {
        Head::New => classes
            .map(<[String]>::len)
            .context("--head new makes a classifier that is still to be trained: name its classes with --classes")?,
        // The file says how many classes it has; names for another number are an error later on.
        Head::File => {
            let graph = build(named.max(1))?;
            outputs(index, &entries(expected, &graph), &graph).unwrap_or(named.max(1))
        }
    };
    let graph = build(outputs)?;
    let prefix = expected.model.architecture().classifier();
    let is_reinit = |name: &str| head == Head::New && name.starts_with(prefix);
    let mut applied = apply(foreign, index, &graph, &entries(expected, &graph), is_reinit);
    if head == Head::New {
        // Where the new classifier has other layers than the file's, nothing asks for those.
        let published = expected.origin.model.build(input, outputs)?;
        let known: Vec<Entry> =
            (expected.origin.names)(&published).into_iter().filter(|e| e.ours.starts_with(prefix)).collect();
        let of_head = |name: &String| {
            known.iter().any(|e| matches!(&e.made, Made::Of(n) if index.find(n).is_some_and(|t| t.name == *name)))
        };
        applied.unused.retain(|name| !of_head(name));
    }
    Ok(Tried { graph, applied })
}

fn entries(expected: &ExpectedForm, graph: &Graph) -> Vec<Entry> {
    (expected.origin.names)(graph)
}

/// The number of outputs of the file's classifier: the length of the last parameter, its bias.
fn outputs(index: &Index, entries: &[Entry], graph: &Graph) -> Option<usize> {
    let last = &graph.parameters.last()?.name;
    let entry = entries.iter().find(|e| e.ours == *last)?;
    let Made::Of(named) = &entry.made else { return None };
    index.find(named)?.shape.first().copied().filter(|&n| n > 0)
}

fn no_match(foreign: &Foreign, index: &Index, tried: &Tried, expected: &ExpectedForm, head: Head) -> anyhow::Error {
    let Applied { missing, misshapen, unused, .. } = &tried.applied;
    let model = expected.model.name();
    let prefix = expected.model.architecture().classifier();
    let mut faults = Vec::new();
    for (what, names) in
        [("missing", missing), ("misshapen", misshapen), ("in the file, but not in the network", unused)]
    {
        if !names.is_empty() {
            faults.push(format!("{what}: {}", listed(names, LISTED)));
        }
    }
    let headless = head == Head::File
        && !missing.is_empty()
        && misshapen.is_empty()
        && unused.is_empty()
        && missing.iter().all(|name| name.starts_with(prefix));
    let pictures =
        if missing.is_empty() && unused.is_empty() { pictures(foreign, index, tried, expected) } else { None };
    let hint = match headless {
        _ if pictures.is_some() => pictures.unwrap_or_default(),
        true => "the file has no classifier: --head new --classes A,B,... makes one to be trained".to_owned(),
        false => format!(
            "it may be of another network (`ferrotype models`), of another size or width (--set model.{model}...=...), or \
             of a form that is not known"
        ),
    };
    anyhow!("these are not the weights of {model} as in {} ({}); {hint}", expected.origin.source, faults.join("; "))
}

/// Which pictures the file's network takes, where its shapes say that it is not those of `expected`: its first kernel has
/// their channels, and its first dense layer has one input for each value of the maps before it.
fn pictures(foreign: &Foreign, index: &Index, tried: &Tried, expected: &ExpectedForm) -> Option<String> {
    let colours = |p: &Preprocess| p.colour.channels();
    let fits = |p: &Preprocess| {
        let graph = expected.model.build([colours(p), p.size, p.size], tried.graph.classes).ok()?;
        fits(index, &entries(expected, &graph), &graph).then_some(())
    };
    let own = &expected.preprocess;
    for colour in [own.colour, if colours(own) == 1 { Colour::Rgb } else { Colour::Grey }] {
        let at = |size: usize| Preprocess { size, colour, ..own.clone() };
        let sizes: Vec<usize> = match foreign.declared.size {
            Some([side, _]) => vec![side],
            None => (SMALLEST..=LARGEST).collect(),
        };
        let found: Vec<usize> = if fits(&at(own.size)).is_some() {
            vec![own.size]
        } else {
            sizes.into_iter().filter(|&s| fits(&at(s)).is_some()).collect()
        };
        let (Some(&first), Some(&last)) = (found.first(), found.last()) else { continue };
        let range = if first == last { format!("{first}") } else { format!("{first} to {last}") };
        let mut sets = String::new();
        if !found.contains(&own.size) {
            // The largest: strides round up, and people choose sizes that they divide.
            sets.push_str(&format!(" --set data.preprocess.size={last}"));
        }
        if colour != own.colour {
            sets.push_str(if colour == Colour::Grey {
                " --set data.preprocess.colour=grey"
            } else {
                " --set data.preprocess.colour=rgb"
            });
        }
        return Some(format!(
            "its shapes are those of a network for {} pictures of {range} pixels per side: set what it was trained with, such \
             as{sets}",
            if colour == Colour::Grey { "grey" } else { "RGB" }
        ));
    }
    None
}

/// Whether every tensor of the file that is a value of the network has its shape.
fn fits(index: &Index, entries: &[Entry], graph: &Graph) -> bool {
    let shapes: HashMap<&str, &[usize]> =
        graph.parameters.iter().map(|p| (p.name.as_str(), p.shape.as_slice())).collect();
    entries.iter().all(|entry| {
        let (Made::Of(named), Some(shape)) = (&entry.made, shapes.get(entry.ours.as_str())) else { return true };
        index.find(named).is_some_and(|tensor| tensor.shape == foreign_shape(named.layout, shape))
    })
}

/// Grey pictures can take the place of three colours only where all are scaled alike.
fn check_colours(expected: &ExpectedForm) -> Result<()> {
    let per_channel =
        matches!(&expected.origin.preprocess.scale, Scale::MeanStd(m) if m.mean.len() > 1 || m.std.len() > 1);
    ensure!(
        !(per_channel
            && expected.origin.preprocess.colour == Colour::Rgb
            && expected.preprocess.colour == Colour::Grey),
        "{} scales each colour otherwise, so a first layer for grey pictures would not compute the same: leave \
         data.preprocess.colour at rgb (grey pictures are replicated)",
        expected.origin.source
    );
    Ok(())
}

fn names_of_classes(
    foreign: &Foreign,
    tried: &Tried,
    expected: &ExpectedForm,
    head: Head,
    classes: Option<&[String]>,
) -> Result<Vec<String>> {
    let outputs = tried.graph.classes;
    if head == Head::File
        && let Some(named) = foreign.declared.classes(outputs, classes)?
    {
        return Ok(named.to_vec());
    }
    let known = expected.origin.classes;
    match classes {
        Some(given) if given.len() == outputs => Ok(given.to_vec()),
        Some(given) => bail!(
            "--classes names {} classes, but the file's classifier has {outputs} outputs: name all of them in their order, \
             or have a new classifier (--head new)",
            given.len()
        ),
        None if known.len() == outputs && head == Head::File => Ok(known.iter().map(|&c| c.into()).collect()),
        None if known.is_empty() => Ok((0..outputs).map(|i| format!("class_{i:04}")).collect()),
        None => bail!(
            "the file's classifier has {outputs} outputs, but {} has {} classes ({}): name the file's classes in their \
             order with --classes",
            expected.origin.source,
            known.len(),
            known.join(", ")
        ),
    }
}

/// The form of files with our own names, in an origin's place.
pub fn own_form(model: ModelOptions, preprocess: Preprocess) -> Origin {
    Origin {
        name: "ferrotype",
        source: "Ferrotype's own names",
        model,
        preprocess,
        classes: &[],
        labels: ferrotype_data::options::LabelMode::Original,
        data: "",
        names: own_names,
    }
}

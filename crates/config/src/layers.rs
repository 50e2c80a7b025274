//! Inheritance and overrides: a file over its bases, `--set` flags over both.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Place, quoted, unknown};
use super::shape::{Kind, Shape};
use super::tree::{Entry, Node, Source, Value, parse};
use super::{home, renamed};

/// The key that names the file to inherit from.
pub const BASE: &str = "base";

/// No experiment file comes near it; what does is another file.
const MAX_BYTES: u64 = 1 << 20;

/// A file laid over its bases.
pub struct Chain {
    /// All of it as one tree.
    pub root: Node,
    /// The files read, the given one first.
    pub sources: Vec<PathBuf>,
    /// What is to be told: old names that were used.
    pub warnings: Vec<String>,
}

/// Reads a file and its chain of bases, and lays them over each other, as far as `shape` says how.
///
/// # Errors
/// For a file that cannot be read or is no YAML, and for bases that go round in a circle.
pub fn read_chain(
    path: &Path,
    shape: impl Fn(&Node) -> Result<&'static Shape, Box<Diagnostic>>,
) -> Result<Chain, Box<Diagnostic>> {
    let mut layers = Vec::new();
    let mut warnings = Vec::new();
    let mut sources: Vec<PathBuf> = Vec::new();
    let mut visited: Vec<PathBuf> = Vec::new();
    let mut next = Some((path.to_path_buf(), None));
    while let Some((path, asked_at)) = next {
        let blame = |error: Box<Diagnostic>| match &asked_at {
            Some(place) => error.or_at(place, BASE),
            None => error,
        };
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if visited.contains(&real) {
            sources.push(path);
            let names: Vec<String> = sources.iter().map(|path| path.display().to_string()).collect();
            return Err(blame(Diagnostic::new(format!("the bases go round in a circle: {}", names.join(" -> ")))));
        }
        let source = read_source(&path).map_err(blame)?;
        let mut root = parse(&source)?;
        let base = take_base(&mut root, &source)?;
        warnings.extend(renamed::update(&mut root));
        layers.push(root);
        visited.push(real);
        next =
            base.map(|(name, place)| (path.parent().unwrap_or(Path::new("")).join(&*home::expand(&name)), Some(place)));
        sources.push(path);
    }
    // Which keys there are may depend on a key of any layer; that one is a plain word, which merges without a shape.
    let plain = layers.iter().rev().cloned().reduce(|below, above| merge(below, above, None));
    let shape = shape(&plain.ok_or_else(|| Diagnostic::new("no file was given"))?)?;
    let merged = layers.into_iter().rev().reduce(|below, above| merge(below, above, Some(shape)));
    let root = merged.ok_or_else(|| Diagnostic::new("no file was given"))?;
    Ok(Chain { root, sources, warnings })
}

/// A file's text, with an error that says what the file is instead.
fn read_source(path: &Path) -> Result<Arc<Source>, Box<Diagnostic>> {
    let name = path.display().to_string();
    let refuse = |why: String| Diagnostic::new(format!("cannot read {}: {why}", quoted(&name)));
    if path.is_dir() {
        return Err(refuse("it is a folder, not a file".into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| refuse(os_message(&error)))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| refuse(os_message(&error)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse("it is larger than 1 MiB, so no experiment file".into()));
    }
    String::from_utf8(bytes).map(|text| Source::file(&name, &text)).map_err(|error| {
        let before = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let bad = error.as_bytes()[before.len()];
        let place = Place { source: Source::file(&name, ""), line, column, width: 1 };
        Diagnostic::new(format!("not UTF-8: a byte 0x{bad:02x}")).or_at(&place, "")
    })
}

/// The operating system's words without Rust's `(os error 2)`.
fn os_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

/// Removes and returns a file's `base:`, after checking that the file is a map at all.
fn take_base(root: &mut Node, source: &Arc<Source>) -> Result<Option<(String, Place)>, Box<Diagnostic>> {
    let entries = match &mut root.value {
        Value::Map(entries) => entries,
        Value::Null => return Err(Diagnostic::new("the file is empty").or_at(&source.start(), "")),
        _ => {
            let message = format!("an experiment file is a map of keys to values, found {}", root.describe());
            return Err(Diagnostic::new(message).or_at(&root.place, ""));
        }
    };
    let Some(at) = entries.iter().position(|entry| entry.key == BASE) else { return Ok(None) };
    let Entry { node, .. } = entries.remove(at);
    match node.value {
        Value::Plain(name) | Value::Quoted(name) if !name.is_empty() => Ok(Some((name, node.place))),
        _ => {
            let message = format!("expected the path of another experiment file, found {}", node.describe());
            Err(Diagnostic::new(message).or_at(&node.place, BASE))
        }
    }
}

/// Lays one value over another. Maps merge key by key and a variant merges with the same variant; anything else, and
/// another variant, replaces.
fn merge(below: Node, above: Node, shape: Option<&Shape>) -> Node {
    if shape.is_some_and(Shape::has_options) {
        return merge_variants(below, above, shape);
    }
    match (below.value, above.value) {
        (Value::Map(old), Value::Map(new)) => {
            let place = nearer_file(below.place, above.place);
            Node { value: Value::Map(merge_entries(old, new, shape)), place }
        }
        (_, value) => Node { value, place: above.place },
    }
}

fn merge_entries(mut old: Vec<Entry>, new: Vec<Entry>, shape: Option<&Shape>) -> Vec<Entry> {
    for entry in new {
        let Some(at) = old.iter().position(|known| known.key == entry.key) else {
            old.push(entry);
            continue;
        };
        let known = &mut old[at];
        let below = std::mem::replace(&mut known.node, Node::empty_map(&entry.key_place));
        known.key_place = nearer_file(known.key_place.clone(), entry.key_place);
        known.node = merge(below, entry.node, shape.and_then(|shape| shape.child(&entry.key)));
    }
    old
}

/// `name` is the same as `name: {}`, so it keeps the options that a base gave the same variant.
fn merge_variants(below: Node, above: Node, shape: Option<&Shape>) -> Node {
    let (Some(old), Some(new)) = (variant_entry(&below), variant_entry(&above)) else { return above };
    if old.key != new.key {
        return above;
    }
    let place = nearer_file(below.place, above.place);
    Node { value: Value::Map(merge_entries(vec![old], vec![new], shape)), place }
}

/// The chosen variant as an entry, if exactly one is chosen.
fn variant_entry(node: &Node) -> Option<Entry> {
    let mut entry = match &node.value {
        Value::Plain(name) | Value::Quoted(name) => {
            Entry { key: name.clone(), key_place: node.place.clone(), node: Node::empty_map(&node.place) }
        }
        Value::Map(entries) if entries.len() == 1 => entries[0].clone(),
        _ => return None,
    };
    if matches!(entry.node.value, Value::Null) {
        entry.node = Node::empty_map(&entry.key_place);
    }
    Some(entry)
}

/// Where a merged map stands for messages such as "missing key": in the upper file; but a flag adds a key to a map,
/// it is not the map.
fn nearer_file(below: Place, above: Place) -> Place {
    if above.source.is_flag { below } else { above }
}

/// Lays one `--set key.path=value` over the tree.
///
/// # Errors
/// For a path that leads nowhere, or a value that is no YAML.
pub fn apply_set(root: Node, set: &str, shape: &Shape, warnings: &mut Vec<String>) -> Result<Node, Box<Diagnostic>> {
    let shown: String = set.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let whole = Source::flag(&format!("--set {shown}"), "");
    let place = whole.start();
    let Some((path, value)) = set.split_once('=') else {
        let message = "expected `key.path=value`, such as `train.lr=0.01`";
        return Err(Diagnostic::new(message).or_at(&place, ""));
    };
    let of_today = renamed::path(path.trim());
    if let Some(new) = &of_today {
        warnings.push(format!("{}: the key is called `{new}` now", whole.name));
    }
    let keys: Vec<&str> = of_today.as_deref().unwrap_or(path.trim()).split('.').collect();
    check_path(&keys, shape).map_err(|(known, error)| error.or_at(&place, &known))?;
    let mut node = parse(&Source::flag(&whole.name, value)).map_err(|error| error.or_at(&place, path))?;
    for key in keys.into_iter().rev() {
        let entry = Entry { key: key.to_string(), key_place: place.clone(), node };
        node = Node { value: Value::Map(vec![entry]), place: place.clone() };
    }
    warnings.extend(renamed::update(&mut node));
    Ok(merge(root, node, Some(shape)))
}

/// Whether a path leads to something that can be set; if not, the path as far as the wrong key.
pub fn check_path(keys: &[&str], shape: &Shape) -> Result<(), (String, Box<Diagnostic>)> {
    let mut here = shape;
    for (i, key) in keys.iter().enumerate() {
        let so_far = keys[..=i].join(".");
        let kind = if matches!(here.kind, Kind::Variants(_)) { "name" } else { "key" };
        let names = here.names();
        if names.is_empty() && matches!(here.kind, Kind::List(_) | Kind::Scalar(_)) {
            let above = keys[..i].join(".");
            return Err((above, Diagnostic::new(format!("has no keys, so no `{key}`; set it as a whole"))));
        }
        if !names.contains(key) && !matches!(here.kind, Kind::Named(_)) {
            return Err((so_far, unknown(kind, key, &names)));
        }
        match here.child(key) {
            Some(child) => here = child,
            None if i + 1 == keys.len() => {}
            None => {
                return Err((
                    so_far,
                    Diagnostic::new(format!("`{key}` takes no options; write `{}={key}`", keys[..i].join("."))),
                ));
            }
        }
    }
    Ok(())
}

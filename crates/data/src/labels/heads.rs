//! From a row's typed targets to what the heads of a model are trained on.

use anyhow::{Result, bail, ensure};
use ferrotype_base::targets::{Head, TargetKind, width};

use super::{Role, apply};
use crate::options::LabelMode;
use crate::targets::CLASSES;
use crate::{FaceSet, Labelled};

/// A head as an experiment asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRequest {
    /// The head's name.
    pub name: String,
    /// The group of targets that it learns; `classes` for the rows' classes.
    pub target: String,
    /// Which columns of the group, in this order; all where there is none.
    pub columns: Option<Vec<String>>,
}

/// Where a head's targets are found in a row.
enum Place {
    /// The classes by the label rule: of each row of the face set its example there.
    Classes { labelled: Labelled, examples: Vec<Option<usize>> },
    /// Columns of the typed targets.
    Columns(Vec<usize>),
}

/// The heads of all requests side by side, and each row's targets; rows without any known target are left out.
///
/// # Errors
/// When a target is not there, a column is not in its group, or no row is left.
pub fn apply_heads(faces: &FaceSet, requests: &[HeadRequest], mode: LabelMode, role: Role) -> Result<Labelled> {
    let mut out = Labelled::default();
    let mut places = Vec::new();
    for request in requests {
        let (kind, columns, place) = resolve(faces, request, mode, role)?;
        if let Place::Classes { labelled, .. } = &place {
            ensure!(out.classes.is_empty(), "two heads learn the target `{CLASSES}`: one is enough");
            out.classes.clone_from(&labelled.classes);
            out.drawn = labelled.drawn;
        }
        out.heads.push(Head { name: request.name.clone(), kind, columns, start: width(&out.heads) });
        places.push(place);
    }
    for row in 0..faces.len() {
        let (mut values, mut known) = (Vec::new(), Vec::new());
        for (head, place) in out.heads.iter().zip(&places) {
            fill(faces, row, head, place, &mut values, &mut known);
        }
        if known.contains(&true) {
            out.rows.push(row as u32);
            out.targets.extend(values);
            out.known.extend(known);
        }
    }
    if !out.known.contains(&false) {
        out.known.clear();
    }
    ensure!(!out.rows.is_empty(), "no row has a known target of the heads {}", names(requests));
    Ok(out)
}

fn names(requests: &[HeadRequest]) -> String {
    requests.iter().map(|request| request.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn fill(faces: &FaceSet, row: usize, head: &Head, place: &Place, values: &mut Vec<f32>, known: &mut Vec<bool>) {
    match place {
        Place::Classes { labelled, examples } => {
            let example = examples[row];
            match example {
                Some(example) => values.extend(labelled.target(example)),
                None => values.extend(vec![0.0; head.columns.len()]),
            }
            known.extend(vec![example.is_some(); head.columns.len()]);
        }
        Place::Columns(columns) => {
            let Some(targets) = &faces.targets else { return };
            let start = row * targets.width();
            values.extend(columns.iter().map(|c| targets.values[start + c]));
            known.extend(columns.iter().map(|c| targets.known[start + c]));
        }
    }
}

fn resolve(
    faces: &FaceSet,
    request: &HeadRequest,
    mode: LabelMode,
    role: Role,
) -> Result<(TargetKind, Vec<String>, Place)> {
    let HeadRequest { name, target, columns: wanted } = request;
    if target == CLASSES {
        ensure!(wanted.is_none(), "heads.{name}.columns: the target `{CLASSES}` has no columns to choose from");
        let labelled = apply(faces, mode, role)?;
        let mut examples = vec![None; faces.len()];
        labelled.rows.iter().enumerate().for_each(|(example, &row)| examples[row as usize] = Some(example));
        let columns = labelled.classes.clone();
        return Ok((TargetKind::Classes, columns, Place::Classes { labelled, examples }));
    }
    let Some((group, start)) = faces.targets.as_ref().and_then(|targets| targets.group(target)) else {
        let there = faces.targets.iter().flat_map(|t| &t.groups).map(|g| g.name.as_str());
        let there: Vec<&str> = there.chain((!faces.classes.is_empty()).then_some(CLASSES)).collect();
        bail!(
            "heads.{name}: the prepared file ({}) has no target `{target}`; it has {}. Set heads.{name}.target to one of \
             them, or prepare the file with its columns",
            faces.provenance.source,
            if there.is_empty() { "none".to_owned() } else { there.join(", ") }
        );
    };
    let columns = wanted.as_ref().unwrap_or(&group.columns);
    let mut places = Vec::new();
    for column in columns {
        let Some(place) = group.columns.iter().position(|c| c == column) else {
            bail!("heads.{name}.columns: `{target}` has no column `{column}`; it has {}", group.columns.join(", "));
        };
        places.push(start + place);
    }
    let partly = group.kind == TargetKind::Distribution && columns.len() < group.columns.len();
    ensure!(!partly, "heads.{name}.columns: a distribution is learnt whole; name all columns of `{target}` or none");
    Ok((group.kind.clone(), columns.clone(), Place::Columns(places)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::{TargetGroup, Targets};
    use crate::{NO_LABEL, Split};

    /// Four rows: of the second no class is known, of the third no label, of the last nothing.
    fn faces() -> FaceSet {
        let group = |name: &str, kind, columns: &[&str]| TargetGroup {
            name: name.into(),
            kind,
            columns: columns.iter().map(ToString::to_string).collect(),
        };
        let va = TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] };
        let groups = vec![group("au", TargetKind::Labels, &["AU01", "AU12"]), group("va", va, &["valence"])];
        let mut targets = Targets { groups, ..Targets::default() };
        let cells = [[Some(1.0), Some(0.0), Some(0.5)], [Some(0.0), None, None], [None, None, Some(-1.0)], [None; 3]];
        cells.as_flattened().iter().for_each(|&cell| targets.push(cell));
        FaceSet {
            labels: vec![1, NO_LABEL, 0, NO_LABEL],
            classes: vec!["sad".into(), "happy".into()],
            targets: Some(targets),
            splits: vec![Split::Train; 4],
            ..FaceSet::default()
        }
    }

    fn request(name: &str, target: &str, columns: Option<&[&str]>) -> HeadRequest {
        let columns = columns.map(|c| c.iter().map(ToString::to_string).collect());
        HeadRequest { name: name.into(), target: target.into(), columns }
    }

    fn apply_to(faces: &FaceSet, requests: &[HeadRequest]) -> Result<Labelled> {
        apply_heads(faces, requests, LabelMode::Original, Role::Train)
    }

    #[test]
    fn heads_stand_side_by_side_and_rows_without_any_target_are_left_out() {
        let requests =
            [request("va", "va", None), request("emotion", CLASSES, None), request("smile", "au", Some(&["AU12"]))];
        let labelled = apply_to(&faces(), &requests).unwrap();
        assert_eq!((labelled.rows.as_slice(), labelled.width()), ([0, 2].as_slice(), 4));
        assert_eq!(labelled.target(0), [0.5, 0.0, 1.0, 0.0]);
        assert_eq!(labelled.known_of(1), [true, true, true, false]);
        assert_eq!((labelled.class(0), labelled.class(1), labelled.classes.len()), (1, 0, 2));
        assert_eq!(
            (labelled.heads[2].start, labelled.heads[2].columns.as_slice()),
            (3, ["AU12".to_owned()].as_slice())
        );
        let units = apply_to(&faces(), &[request("au", "au", None), request("emotion", CLASSES, None)]).unwrap();
        assert_eq!(units.rows, [0, 1, 2]);
        assert_eq!(units.class(1), 2, "a class that is not known is none of them");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_there_is() {
        let said = |request| format!("{:#}", apply_to(&faces(), &[request]).unwrap_err());
        assert!(said(request("x", "intensity", None)).contains("no target `intensity`; it has au, va, classes"));
        assert!(said(request("x", "au", Some(&["AU99"]))).contains("no column `AU99`; it has AU01, AU12"));
        assert!(said(request("x", CLASSES, Some(&["sad"]))).contains("no columns to choose from"));
        let twice = [request("a", CLASSES, None), request("b", CLASSES, None)];
        assert!(apply_to(&faces(), &twice).unwrap_err().to_string().contains("two heads"));
        let none = FaceSet { targets: None, classes: Vec::new(), ..faces() };
        assert!(format!("{:#}", apply_to(&none, &[request("x", "au", None)]).unwrap_err()).contains("it has none"));
    }
}

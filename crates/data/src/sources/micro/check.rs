//! Whether coded clips can be used: their classes, the order of their frames, and whether the frames are there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::classes::{Classes, Meaning};
use super::folders::{Subjects, frames_in};
use super::{Bad, Coded, Form, MicroClip, MicroPlan};
use crate::options::{MicroOptions, MicroTask};

/// Adds the clips that can be used to the plan.
pub(super) fn rows(
    form: &Form,
    options: &MicroOptions,
    rows: Vec<Coded>,
    subjects: &Subjects,
    classes: &Classes,
    plan: &mut MicroPlan,
    bad: &mut Bad,
) {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut left_out: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut unknown = 0;
    for mut coded in rows {
        let name = format!("{}/{}/{}", form.name, coded.subject, (form.clip_name)(&coded));
        if let Some(first) = seen.insert(name.to_lowercase(), coded.place.clone()) {
            bad.add(&coded.place, format!("{name} stands there twice, first at {first}"));
            continue;
        }
        let label = match classes.meaning(&coded.emotion) {
            Meaning::Class(label) => label,
            Meaning::LeftOut(emotion) => {
                *left_out.entry(emotion).or_default() += 1;
                continue;
            }
            Meaning::Unknown => {
                bad.add(
                    &coded.place,
                    format!("\"{}\" is no emotion of {}: {} are", coded.emotion, form.title, classes.known()),
                );
                continue;
            }
        };
        if let Some(note) = order(&mut coded, options.mend_apex) {
            match note {
                Order::Mended(note) => plan.notes.push(format!("warning: {}: {note}", coded.place)),
                Order::Bad(reason) => {
                    bad.add(&coded.place, reason);
                    continue;
                }
            }
        }
        match frames(form, &coded, subjects) {
            Ok(frames) => {
                unknown += usize::from(coded.apex.is_none());
                plan.clips.push(MicroClip {
                    name,
                    subject: coded.subject,
                    label,
                    place: coded.place,
                    row: coded.row,
                    frames,
                    onset: coded.onset,
                    apex: coded.apex,
                });
            }
            Err(e) => bad.add(&coded.place, format!("{e:#}")),
        }
    }
    if !left_out.is_empty() {
        let listed: Vec<String> = left_out.iter().map(|(emotion, n)| format!("{n} of {emotion}")).collect();
        plan.notes.push(format!("clips that are in none of the task's classes: {}", listed.join(", ")));
    }
    if unknown > 0 {
        plan.notes.push(format!("of {unknown} clips the apex is not known"));
    }
}

/// What is odd about the order of frames.
enum Order {
    Mended(String),
    Bad(String),
}

fn order(coded: &mut Coded, mend: bool) -> Option<Order> {
    let Coded { onset, offset, apex, .. } = *coded;
    if offset < onset {
        return Some(Order::Bad(format!("the offset {offset} is before the onset {onset}")));
    }
    if offset == onset {
        return Some(Order::Bad(format!(
            "onset and offset are both frame {onset}: nothing moves in a clip of one frame"
        )));
    }
    let apex = apex?;
    if (onset + 1..=offset).contains(&apex) {
        return None;
    }
    let place = match apex {
        _ if apex == onset => "is the onset itself".to_owned(),
        _ if apex < onset => format!("is before the onset {onset}"),
        _ => format!("is after the offset {offset}"),
    };
    if mend {
        coded.apex = None;
        return Some(Order::Mended(format!("the apex {apex} {place}, and counts as unknown")));
    }
    Some(Order::Bad(format!("the apex {apex} {place}")))
}

/// The clip's frames from onset to offset.
fn frames(form: &Form, coded: &Coded, subjects: &Subjects) -> Result<BTreeMap<u32, PathBuf>> {
    let folder = subjects.clip(form, coded)?;
    let all = frames_in(&folder)?;
    let shown = folder.display();
    let (Some(first), Some(last)) = (all.keys().next(), all.keys().next_back()) else { bail!("{shown} has no frames") };
    let wanted = [("onset", Some(coded.onset)), ("apex", coded.apex), ("offset", Some(coded.offset))];
    for (name, number) in wanted.into_iter().filter_map(|(name, number)| Some((name, number?))) {
        ensure!(
            all.contains_key(&number),
            "the {name}, frame {number}, is not in {shown}, which has the frames {first} to {last}{}",
            if (*first..=*last).contains(&number) { " with gaps" } else { "" }
        );
    }
    Ok(all.range(coded.onset..=coded.offset).map(|(n, path)| (*n, path.clone())).collect())
}

/// Whether clips, people and classes are as many as in the challenge; other releases have other numbers.
pub(super) fn counts(form: &Form, options: &MicroOptions, plan: &MicroPlan) -> Option<String> {
    let (clips, people, per_class) = form.challenge?;
    if options.task != MicroTask::Composite {
        return None;
    }
    let found: HashSet<&str> = plan.clips.iter().map(|c| c.subject.as_str()).collect();
    let of = |class: i16| plan.clips.iter().filter(|c| c.label == class).count();
    let classes = [of(0), of(1), of(2)];
    let same = (plan.clips.len(), found.len(), classes) == (clips, people, per_class);
    (!same).then(|| {
        format!(
            "{} clips of {} people (negative, positive, surprise: {classes:?}); MEGC 2019's composite has {clips} of {people} \
             ({per_class:?}) from {}",
            plan.clips.len(),
            found.len(),
            form.title
        )
    })
}

//! What is in a file of clips.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Clip, ClipSet};
use crate::info::{place, provenance, table};

/// Skipped clips that are listed one by one.
const LISTED: usize = 40;

/// A page about prepared clips. Pictures are not needed: see [`super::store::summary`].
pub fn describe(set: &ClipSet) -> String {
    let kind = if set.provenance.synthetic { "SYNTHETIC clips" } else { "clips" };
    let parts: Vec<&str> = set.parts.iter().map(|p| p.component.name()).collect();
    let mut page = format!(
        "{} {kind} of {} subjects, {} frames; parts of {} x {} pixels, RGB: {}\n\n",
        set.clips.len(),
        subjects(&set.clips).len(),
        set.frames.len(),
        set.size,
        set.size,
        parts.join(", ")
    );
    page.extend(set.pieces.as_ref().map(|pieces| place(&pieces.shards)));
    page += &class_table(set);
    page += &format!("\n{}", figures(set));
    for f in &set.features {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "features {}: {} columns", f.name, f.columns.len());
    }
    page += &skipped(set);
    page += &provenance(&set.provenance);
    page
}

fn subjects(clips: &[Clip]) -> BTreeSet<&str> {
    clips.iter().map(|c| c.subject.as_str()).filter(|s| !s.is_empty()).collect()
}

fn class_table(set: &ClipSet) -> String {
    let row = |name: &str, clips: Vec<&Clip>| {
        let who: BTreeSet<&str> = clips.iter().map(|c| c.subject.as_str()).collect();
        let frames: usize = clips.iter().map(|c| c.count).sum();
        vec![name.to_owned(), clips.len().to_string(), who.len().to_string(), frames.to_string()]
    };
    let of = |label: i16| set.clips.iter().filter(|c| c.label == label).collect::<Vec<_>>();
    let mut rows: Vec<_> = set.classes.iter().zip(0i16..).map(|(name, label)| row(name, of(label))).collect();
    let none = of(crate::NO_LABEL);
    if !none.is_empty() {
        rows.push(row("(no label)", none));
    }
    rows.push(row("all", set.clips.iter().collect()));
    table(&["class", "clips", "subjects", "frames"], &rows)
}

fn figures(set: &ClipSet) -> String {
    let lengths: Vec<usize> = set.clips.iter().map(|c| c.count).collect();
    let sum = |of: fn(&Clip) -> u32| set.clips.iter().map(|c| of(c) as usize).sum::<usize>();
    let copied = set.frames.copied.iter().filter(|c| **c).count();
    let damaged = set.clips.iter().filter(|c| c.errors > 0).count();
    let mut text = format!(
        "frames per clip {} to {}; {} decoded, {} with the person's face, {copied} copied from the frame before\n",
        lengths.iter().min().unwrap_or(&0),
        lengths.iter().max().unwrap_or(&0),
        sum(|c| c.decoded),
        sum(|c| c.with_face),
    );
    if damaged > 0 {
        text += &format!("the decoder reports {} errors in {damaged} clips\n", sum(|c| c.errors));
    }
    for clip in set.clips.iter().filter(|c| !c.note.is_empty()).take(LISTED) {
        text += &format!("note     {}: {}\n", clip.name, clip.note);
    }
    text
}

/// Skipped clips: one by one, and when there are many by their reasons.
fn skipped(set: &ClipSet) -> String {
    if set.skipped.is_empty() {
        return String::new();
    }
    let mut text = format!("{} clips were skipped:\n", set.skipped.len());
    if set.skipped.len() <= LISTED {
        set.skipped.iter().for_each(|s| text += &format!("  {}: {}\n", s.clip, s.reason));
        return text;
    }
    let mut reasons = BTreeMap::<&str, Vec<&str>>::new();
    set.skipped.iter().for_each(|s| reasons.entry(s.reason.as_str()).or_default().push(&s.clip));
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, clips)| std::cmp::Reverse(clips.len()));
    for (reason, clips) in reasons.iter().take(LISTED) {
        let more = if clips.len() > 3 { ", ..." } else { "" };
        text += &format!("  {} x {reason} ({}{more})\n", clips.len(), clips[..clips.len().min(3)].join(", "));
    }
    text
}

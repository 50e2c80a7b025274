//! The valid name that was meant where letters alone do not tell: other programs' words, other forms of a word, a word
//! among others.

use ferrotype_base::problems::nearest;

/// Keys and names as PyTorch, Keras and their users have them, and what they may be called here: the first that is valid.
const SYNONYMS: [(&str, &[&str]); 35] = [
    ("learning_rate", &["lr"]),
    ("bs", &["batch_size"]),
    ("num_epochs", &["epochs"]),
    ("max_epochs", &["epochs"]),
    ("n_epochs", &["epochs"]),
    ("iterations", &["epochs"]),
    ("lr_scheduler", &["schedule"]),
    ("lr_schedule", &["schedule"]),
    ("optim", &["optimizer"]),
    ("solver", &["optimizer"]),
    ("criterion", &["objective"]),
    ("loss", &["objective"]),
    ("l2", &["weight_decay"]),
    ("wd", &["weight_decay"]),
    ("grad_clip", &["clip_norm"]),
    ("gradient_clip_val", &["clip_norm"]),
    ("clip_grad_value", &["clip_value"]),
    ("max_grad_norm", &["clip_norm"]),
    ("accumulate_grad_batches", &["accumulate"]),
    ("gradient_accumulation_steps", &["accumulate"]),
    ("patience", &["early_stopping"]),
    ("pretrained", &["init"]),
    ("weights", &["init"]),
    ("backbone", &["model"]),
    ("arch", &["model"]),
    ("network", &["model"]),
    ("num_workers", &["workers"]),
    ("dataset", &["data", "source"]),
    ("transforms", &["augment", "preprocess"]),
    ("image_size", &["size"]),
    ("img_size", &["size"]),
    ("degrees", &["rotate"]),
    ("translate", &["shift"]),
    ("width_shift_range", &["shift"]),
    ("cutout", &["erase"]),
];

/// The valid name that was probably meant: by its letters, else by its meaning, else by a word or stem in common.
pub(super) fn meant<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    nearest(found, names.iter().copied()).or_else(|| synonym(found, names)).or_else(|| related(found, names))
}

fn words(name: &str) -> Vec<String> {
    name.split(['_', '-', ' ', '.']).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

fn synonym<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    let found = words(found).join("_");
    let here = SYNONYMS.iter().find(|(word, _)| *word == found)?.1;
    here.iter().find_map(|wanted| names.iter().find(|name| *name == wanted)).copied()
}

/// A name one of whose words is, or has the stem of, one of the words found; the longest stem counts. Words of three
/// letters and stems of fewer than four say too little.
fn related<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    let found = words(found);
    let shared = |name: &str| {
        let of_name = words(name);
        let pairs = found.iter().flat_map(|f| of_name.iter().map(move |n| stem(f, n)));
        pairs.max().unwrap_or(0)
    };
    let best = names.iter().map(|name| (shared(name), *name)).filter(|(stem, _)| *stem >= 4);
    // Of equals the shortest: `flip`, not `flip_average`.
    best.max_by_key(|(stem, name)| (*stem, usize::MAX - name.len())).map(|(_, name)| name)
}

/// Letters that two words begin with, if they are most of the shorter one; 0 otherwise.
fn stem(a: &str, b: &str) -> usize {
    let same = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let shorter = a.chars().count().min(b.chars().count());
    if same * 3 >= shorter * 2 { same } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_programs_and_other_forms_are_understood() {
        let augment = ["flip", "rotate", "shift", "scale", "zoom", "brightness", "contrast", "erase", "mixup", "fill"];
        let train = ["epochs", "batch_size", "lr", "optimizer", "schedule", "weight_decay", "clip_norm", "accumulate"];
        for (found, names, wanted) in [
            ("rotation", &augment[..], Some("rotate")),
            ("rotation_range", &augment, Some("rotate")),
            ("RandomRotation", &augment, None),
            ("random_rotation", &augment, Some("rotate")),
            ("horizontal_flip", &augment, Some("flip")),
            ("random_erasing", &augment, Some("erase")),
            ("brightness_range", &augment, Some("brightness")),
            ("degrees", &augment, Some("rotate")),
            ("learning_rate", &train, Some("lr")),
            ("learning-rate", &train, Some("lr")),
            ("num_epochs", &train, Some("epochs")),
            ("lr_scheduler", &train, Some("schedule")),
            ("batchsize", &train, Some("batch_size")),
            ("max_grad_norm", &train, Some("clip_norm")),
            ("banana", &train, None),
        ] {
            assert_eq!(meant(found, names), wanted, "{found}");
        }
    }
}

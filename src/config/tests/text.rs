//! What is written reads back to an equal value.

use super::write::yaml;
use super::*;

const WORDS: [&str; 34] = [
    "",
    " ",
    "no",
    "No",
    "y",
    "true",
    "null",
    "~",
    "1e3",
    "007",
    "-",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "'",
    "\"",
    "\\",
    "\t",
    "\n",
    "a\nb\n",
    "é",
    "😀",
    "\u{85}",
    "\u{2028}",
    "\u{feff}x",
    "\u{7f}\u{0}",
    "*a",
    "&a",
    "!a",
    "%a",
    "[",
    "{}",
    "@a",
];

/// A plain sequence of numbers for the tests: a linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % below as u64).unwrap()
    }

    fn text(&mut self) -> String {
        (0..self.next(4)).map(|_| WORDS[self.next(WORDS.len())]).collect()
    }

    fn double(&mut self) -> f64 {
        let digits = self.next(1 << 30) as f64 / 7.0;
        [0.0, 1.0, digits, digits * 1e-300, -digits * 1e290][self.next(5)]
    }

    fn float(&mut self) -> f32 {
        f32::from_bits(u32::try_from(self.next(1 << 31)).unwrap().min(0x7f7f_ffff))
    }
}

#[test]
fn a_resolved_file_reads_back_equal() {
    let mut numbers = Numbers(7);
    let good = read_one(GOOD).unwrap();
    for i in 0..500 {
        let mut trial = good.clone();
        trial.name = numbers.text();
        trial.description = WORDS.get(i).map_or_else(|| numbers.text(), |word| (*word).to_string());
        trial.seed = if i % 2 == 0 { u64::MAX - i as u64 } else { i as u64 };
        trial.data.path = PathBuf::from(numbers.text());
        trial.train.lr = numbers.double();
        trial.train.ema = (i % 3 == 0).then(|| numbers.double());
        trial.data.augment.flip = (i % 3 == 1).then(|| numbers.float());
        let weights = (0..i % 4).map(|_| numbers.float()).collect();
        trial.objective = ObjectiveOptions::CrossEntropy(ferrotype_model::objective::CrossEntropyOptions {
            label_smoothing: numbers.float(),
            class_weights: ferrotype_model::objective::ClassWeights::Given(weights),
        });
        trial.model = TrialModel::Plain(PlainOptions { dropout: numbers.float(), act: numbers.text() });
        let text = yaml(&trial);
        let root = tree::parse(&Source::file("written", &text)).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let back: Trial = from_tree(&root).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(back, trial, "\n{text}");
        assert_eq!(yaml(&back), text);
    }
}

#[test]
fn a_resolved_file_is_pleasant_to_read() {
    let text = yaml(&read_one(GOOD).unwrap());
    assert!(
        text.starts_with("name: good\ndescription: \"\"\nseed: 0\ndata:\n  path: a.h5\n  source: null\n"),
        "{text}"
    );
    assert!(text.contains("  optimizer:\n    adam:\n      beta1: 0.9\n"), "{text}");
}

#[test]
fn lists_of_maps_can_be_written() {
    let value = serde_json::json!([{"a": [1, 2], "b": {}}, [[1], []], "x"]);
    let root = tree::parse(&Source::file("written", &yaml(&value))).unwrap();
    let back: serde_json::Value = read_tree(&root).unwrap();
    assert_eq!(back, value);
}

#[test]
fn a_file_may_name_the_system_of_expressions() {
    let text = |head: &str| {
        format!(
            "{head}name: x\ndata: {{path: x.h5, preprocess: {{size: 48}}}}\nmodel: mini_xception\ntrain: {{epochs: 1, lr: 0.1}}\n"
        )
    };
    let plain = from_yaml_str("x", &text("")).unwrap();
    let named = from_yaml_str("x", &text("system: expressions\n")).unwrap();
    assert_eq!(named, plain);
    assert_eq!((to_yaml(&named), digest(&named)), (to_yaml(&plain), digest(&plain)));
    let other = from_yaml_str("x", &text("system: moods\n")).unwrap_err().to_string();
    assert!(other.contains("expected `expressions`, `anomalies`, `real_fake` or `baselines`"), "{other}");
}

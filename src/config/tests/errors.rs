//! Every class of error, with its exact text.

use super::*;

const HEAD: &str = "name: x\ndata:\n  path: a.h5\n  preprocess: {size: 48}\nmodel: plain\n";

#[test]
fn bad_files_are_refused_with_place_path_and_remedy() {
    for case in include_str!("errors.txt").split("=====\n").filter(|case| !case.is_empty()) {
        let (input, expected) = case.split_once("-----\n").expect("a case is a file, a line of dashes and the error");
        let text = input.replace("HEAD\n", HEAD).replace("TAB", "\t");
        let error = read_one(&text).expect_err(input);
        assert_eq!(error.trim_end(), expected.trim_end(), "for the file\n{input}");
    }
}

#[test]
fn bad_flags_are_refused_with_the_flag() {
    let cases = [
        ("train.lr", "--set train.lr: expected `key.path=value`, such as `train.lr=0.01`"),
        ("train.lr=many", "--set train.lr=many: train.lr: expected a number, found `many`"),
        ("train.lr=0", "--set train.lr=0: train.lr: 0.0 is impossible; expected a number above 0"),
        (
            "train.epoch=3",
            "--set train.epoch=3: train.epoch: unknown key; did you mean `epochs`?\n valid keys here: accumulate, adversarial, batch_size, checkpoint, clip_norm, clip_value, decay_skips_norms, early_stopping, ema, epochs, feature_cache, freeze, head_lr, init, layer_decay, lr, optimizer, reinit, schedule, stop_at, swa, unfreeze_at, weight_decay",
        ),
        (
            "train.optimizer.sdg.momentum=.5",
            "--set train.optimizer.sdg.momentum=.5: train.optimizer.sdg: unknown name `sdg`; did you mean `sgd`?\n valid names here: adam, adamw, rmsprop, sgd",
        ),
        ("train.lr.x=1", "--set train.lr.x=1: train.lr: has no keys, so no `x`; set it as a whole"),
        (
            "data.split.own.x=1",
            "--set data.split.own.x=1: data.split.own: `own` takes no options; write `data.split=own`",
        ),
        ("train.lr=[1", "--set train.lr=[1: not YAML: unclosed bracket '['"),
        (
            "=1",
            "--set =1: unknown key\n valid keys here: data, description, evaluate, expect, model, name, objective, seed, train",
        ),
        (
            "train.schedule.step={every: 1}",
            "--set train.schedule.step={every: 1}: train.schedule.step: the key `factor` is missing",
        ),
        (
            "data=3",
            "--set data=3: data: expected a map of options, found the number 3\n valid keys here: augment, clips, drop_leaks, fold, labels, limit, path, preprocess, sampler, source, split, storage, validation_set, workers",
        ),
        ("train.lr=*a", "--set train.lr=*a: not YAML: while parsing node, found unknown anchor"),
    ];
    for (flag, expected) in cases {
        let error = read(&[("x.yaml", GOOD)], &[flag]).expect_err(flag);
        assert_eq!(error, expected, "--set {flag}");
    }
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let folder = folder(&[
        ("base.yaml", "base: nowhere.yaml\n"),
        ("self.yaml", "base: ./self.yaml"),
        ("tail.yaml", "base: [a]"),
    ]);
    fs::write(folder.path().join("latin.yaml"), b"name: x\ndescription: caf\xe9\n").unwrap();
    fs::write(folder.path().join("large.yaml"), "#".repeat((1 << 20) + 1)).unwrap();
    fs::write(folder.path().join("a.yaml"), "base: b.yaml\n").unwrap();
    fs::write(folder.path().join("b.yaml"), "name: b\nbase: a.yaml\n").unwrap();
    let cases = [
        ("none.yaml", "cannot read `none.yaml`: No such file or directory"),
        ("", "cannot read ``: it is a folder, not a file"),
        ("latin.yaml", "latin.yaml:2:17: not UTF-8: a byte 0xe9"),
        ("large.yaml", "cannot read `large.yaml`: it is larger than 1 MiB, so no experiment file"),
        (
            "base.yaml",
            "base.yaml:1:7: base: cannot read `nowhere.yaml`: No such file or directory\n    1 | base: nowhere.yaml\n      |       ^^^^^^^^^^^^",
        ),
        (
            "self.yaml",
            "self.yaml:1:7: base: the bases go round in a circle: self.yaml -> ./self.yaml\n    1 | base: ./self.yaml\n      |       ^^^^^^^^^^^",
        ),
        (
            "a.yaml",
            "b.yaml:2:7: base: the bases go round in a circle: a.yaml -> b.yaml -> a.yaml\n    2 | base: a.yaml\n      |       ^^^^^^",
        ),
        (
            "tail.yaml",
            "tail.yaml:1:7: base: expected the path of another experiment file, found a list\n    1 | base: [a]\n      |       ^",
        ),
    ];
    let prefix = format!("{}/", folder.path().display());
    for (name, expected) in cases {
        let error = trial(&folder.path().join(name), &[]).unwrap_err().to_string().replace(&prefix, "");
        assert_eq!(error, expected);
    }
}

#[test]
fn an_error_in_a_base_stands_in_the_base() {
    let base = GOOD.replace("epochs: 10", "epochs: ten");
    let error = read(&[("x.yaml", "base: base.yaml\nname: x\n"), ("base.yaml", &base)], &[]).unwrap_err();
    assert_eq!(
        error,
        "base.yaml:8:11: train.epochs: expected a whole number, found `ten`\n    8 |   epochs: ten\n      |           ^^^"
    );
}

#[test]
fn all_impossible_values_are_reported_at_once() {
    let text = GOOD.replace("epochs: 10", "epochs: 0\n  batch_size: 0").replace("size: 48", "size: 4");
    let error = read_one(&text).unwrap_err();
    assert_eq!(
        error,
        "\
x.yaml:5:11: data.preprocess.size: 4 is impossible; expected 16 to 512
    5 |     size: 4
      |           ^
error: x.yaml:8:11: train.epochs: 0 is impossible; expected at least 1
    8 |   epochs: 0
      |           ^
error: x.yaml:9:15: train.batch_size: 0 is impossible; expected 1 to 65536
    9 |   batch_size: 0
      |               ^"
    );
}

#[test]
fn mangled_files_are_read_or_refused_without_a_panic() {
    let text = GOOD
        .replace("plain", "{sized: &a {width: 3, sides: [1, 2]}}")
        .replace("lr: 1e-3", "<<: {lr: 1.5}\n  ema: \"0.5\"");
    let read = |text: &str| {
        let root = tree::parse(&Source::file("x", text)).map_err(|error| error.to_string().len());
        root.and_then(|root| from_tree::<Trial>(&root).map_err(|error| error.to_string().len()))
    };
    for (at, _) in text.char_indices() {
        let (before, after) = text.split_at(at);
        let _ = read(before);
        let _ = read(&format!("{before}{}", &after[1..]));
        for extra in [
            "\t", "\n", "\r\n", ":", "- ", "[", "}", "'", "\"", "&a ", "*a", "!!", "%", "\u{0}", "\u{feff}", "é",
            "|\n", "? ", "---\n", "#",
        ] {
            let _ = read(&format!("{before}{extra}{after}"));
        }
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_matter() {
    let plain = read_one(GOOD).unwrap();
    assert_eq!(read_one(&GOOD.replace('\n', "\r\n")).unwrap(), plain);
    assert_eq!(read_one(&format!("\u{feff}{GOOD}")).unwrap(), plain);
    assert_eq!(read_one(GOOD.trim_end()).unwrap(), plain);
}

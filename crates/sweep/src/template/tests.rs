use super::*;
use crate::options::{Kubernetes, Slurm, Ssh};
use serde_json::json;

/// What is rendered for a study in `/shared/my sweeps/lr`.
fn rendered(template: &Template, options: serde_json::Value, is_group: bool) -> Result<Rendered> {
    let arguments = match is_group {
        true => ["train", "--member-of", "/shared/my sweeps/lr"].map(String::from).to_vec(),
        false => ["sweep", "worker", "/shared/my sweeps/lr"].map(String::from).to_vec(),
    };
    template.render(&Plan {
        name: "LR_search",
        is_group,
        tasks: 4,
        jobs: 2,
        folder: Path::new("/shared/my sweeps/lr"),
        directory: Path::new("/shared/work"),
        program: &["/opt/ferrotype".to_owned()],
        arguments: &arguments,
        options: &options,
    })
}

fn slurm() -> serde_json::Value {
    serde_json::to_value(Slurm {
        workers: 4,
        partition: Some("gpu".into()),
        time: Some("02:00:00".into()),
        gres: Some("gpu:1".into()),
        cpus: Some(8),
        sbatch: vec!["--qos=low".into()],
        setup: vec!["module load gcc".into()],
        ..Slurm::default()
    })
    .unwrap()
}

fn kubernetes() -> serde_json::Value {
    serde_json::to_value(Kubernetes {
        workers: 4,
        jobs: 2,
        image: Some("registry.example/ferrotype:0.1".into()),
        claim: Some("shared".into()),
        mount: Some("/shared".into()),
        namespace: Some("faces".into()),
        cpus: Some("8".into()),
        memory: Some("16Gi".into()),
        gpus: 2,
        node_selector: [("gpu".to_owned(), "a100".to_owned())].into(),
        env: [("RUST_LOG".to_owned(), "yes".to_owned())].into(),
        ..Kubernetes::default()
    })
    .unwrap()
}

#[test]
fn slurm_is_asked_for_what_is_given_only() {
    let expected = "#!/bin/bash
#SBATCH --job-name=LR_search
#SBATCH --array=0-3
#SBATCH --output=/shared/my sweeps/lr/slurm-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
#SBATCH --ntasks=1
#SBATCH --partition=gpu
#SBATCH --time=02:00:00
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --qos=low
module load gcc
exec /opt/ferrotype sweep worker '/shared/my sweeps/lr' --requeue --notice 60
";
    let template = Template::built_in("slurm").unwrap();
    let done = rendered(&template, slurm(), false).unwrap();
    assert_eq!(done.text, expected);
    assert_eq!(done.file, "slurm.sh");
    assert_eq!(done.submit, ["sbatch", "--parsable", "/shared/my sweeps/lr/slurm.sh"]);
    assert_eq!(done.keep.as_deref(), Some("slurm_jobs.txt"));
    let group = rendered(&template, slurm(), true).unwrap().text;
    assert!(group.ends_with("exec /opt/ferrotype train --member-of '/shared/my sweeps/lr'\n"), "{group}");
}

#[test]
fn the_manifest_of_kubernetes_is_as_it_was_validated() {
    // `scripts/check_kubernetes.py` holds the same manifest against the API's schema.
    let template = Template::built_in("kubernetes").unwrap();
    let done = rendered(&template, kubernetes(), false).unwrap();
    assert_eq!(done.text, include_str!("tests/kubernetes.yaml"));
    assert_eq!(done.submit[..3], ["kubectl", "create", "-f"]);
    let bare = json!({"image": "i", "claim": "c", "mount": "/", "jobs": 1, "retries": 3, "notice": 60, "program": "f",
        "namespace": null, "cpus": null, "memory": null, "gpus": 0, "node_selector": {}, "env": {}});
    let bare = rendered(&template, bare, true).unwrap().text;
    for absent in ["namespace", "limits", "nodeSelector", "env:", "--notice", "--jobs"] {
        assert!(!bare.contains(absent), "{absent}: {bare}");
    }
}

#[test]
fn a_program_of_several_words_is_begun_with_all_of_them() {
    let python = ["/usr/bin/python3", "-m", "ferrotype"].map(String::from);
    let arguments = ["train", "--member-of", "/s/g"].map(String::from);
    let text = |name: &str, options: serde_json::Value| {
        let (folder, directory) = (Path::new("/s/g"), Path::new("/s"));
        let plan = Plan {
            name: "n",
            is_group: true,
            tasks: 1,
            jobs: 1,
            folder,
            directory,
            program: &python,
            arguments: &arguments,
            options: &options,
        };
        Template::built_in(name).unwrap().render(&plan).unwrap().text
    };
    let background = text("background", json!({}));
    assert!(background.contains("nohup /usr/bin/python3 -m ferrotype train --resume /s/g"), "{background}");
    // A program that is named takes the place of all of them.
    let ssh =
        |program: &str| text("ssh", json!({"hosts": ["a"], "jobs": 1, "program": program, "ssh": [], "setup": []}));
    assert!(ssh("").contains("/usr/bin/python3 -m ferrotype train --member-of /s/g;"), "{}", ssh(""));
    assert!(ssh("/opt/f").contains("/opt/f train --member-of /s/g;"), "{}", ssh("/opt/f"));
    let mut options = kubernetes();
    options["mount"] = json!("/s");
    assert!(!text("kubernetes", options).contains("\"-m\""));
}

#[test]
fn what_pods_could_not_see_is_refused() {
    let template = Template::built_in("kubernetes").unwrap();
    for (key, value, said) in [
        ("image", json!(null), "kubernetes.image is not given"),
        ("claim", json!(null), "kubernetes.claim is not given"),
        ("mount", json!(null), "kubernetes.mount is not given"),
        ("mount", json!("/data"), "/shared/my sweeps/lr is not below kubernetes.mount (/data)"),
        ("mount", json!("/shared/my sweeps"), "/shared/work, is not below kubernetes.mount"),
    ] {
        let mut options = kubernetes();
        options[key] = value;
        let message = rendered(&template, options, false).unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_template_of_ones_own_sees_all_that_there_is() {
    let pbs = "{% set file = \"job.pbs\" %}
{% set submit = [\"qsub\", folder ~ \"/\" ~ file] %}
#PBS -N {{ name|dns }}
#PBS -J 0-{{ tasks - 1 }}
#PBS -q {{ options.queue }}
cd {{ directory|word }}
FERROTYPE_TASK=$PBS_ARRAY_INDEX {{ command }}
";
    let template = Template { name: "pbs.j2".into(), source: pbs.into() };
    let done = rendered(&template, json!({"queue": "long"}), true).unwrap();
    let expected = "#PBS -N lr-search
#PBS -J 0-3
#PBS -q long
cd /shared/work
FERROTYPE_TASK=$PBS_ARRAY_INDEX /opt/ferrotype train --member-of '/shared/my sweeps/lr'
";
    assert_eq!(done.text, expected);
    assert_eq!(done.submit, ["qsub", "/shared/my sweeps/lr/job.pbs"]);
    let message = rendered(&template, json!({}), true).unwrap_err().to_string();
    assert!(message.contains("pbs.j2, line 5"), "{message}");
}

#[test]
fn templates_that_are_none_are_refused() {
    for (source, said) in [
        ("text", "does not say `file`"),
        ("{% set file = \"../x\" %}", "no file in the folder"),
        ("{% set file = \"x\" %}{% set submit = \"sbatch x\" %}", "a list of words"),
        ("{% if %}", "line 1"),
        ("{% set file = \"x\" %}\n{{ wrong }}", "line 2"),
        ("{% set file = \"x\" %}{{ fail(\"not here\") }}", "not here"),
    ] {
        let template = Template { name: "own.j2".into(), source: source.into() };
        let message = rendered(&template, json!({}), false).unwrap_err().to_string();
        assert!(message.contains(said), "{source}: {message}");
    }
    let message = Template::built_in("pbs").unwrap_err().to_string();
    assert!(message.contains("background, slurm, kubernetes, ssh"), "{message}");
}

#[test]
fn names_for_kubernetes_are_such() {
    for (name, is) in [("LR_search", "lr-search"), ("--", "ferrotype"), ("_a.b_", "a-b"), ("größe", "gr--e")] {
        assert_eq!(dns(name), is);
    }
    assert_eq!(dns(&"x".repeat(60)).len(), 40);
}

/// Scripts are run, with other programs in the place of ssh and ferrotype.
#[cfg(unix)]
mod scripts {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::time::{Duration, Instant};

    fn program(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs what a template makes, in a folder where `ssh` runs its command here and `ferrotype` writes down what it is
    /// asked; gives what is written once that are so many lines.
    fn asked(template: &str, options: serde_json::Value, is_group: bool, lines: usize) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir(at("a study")).unwrap();
        let out = at("asked");
        program(&at("ssh"), "#!/bin/sh\nfor word; do [ \"$word\" = lost ] && exit 255; done\nexec bash -s\n");
        let task = "${FERROTYPE_TASK:+ task $FERROTYPE_TASK}";
        let ends = "[ \"$FERROTYPE_TASK\" = 3 ] && exit 75\nexit 0\n";
        program(&at("ferrotype"), &format!("#!/bin/sh\necho \"$*{task}\" >>'{}'\n{ends}", out.display()));
        let study = at("a study");
        let verb = if is_group { ["train", "--member-of"] } else { ["sweep", "worker"] };
        let arguments: Vec<String> = verb.map(String::from).into_iter().chain([study.display().to_string()]).collect();
        let done = Template::built_in(template)
            .unwrap()
            .render(&Plan {
                name: "n",
                is_group,
                tasks: 7,
                jobs: 2,
                folder: &study,
                directory: place.path(),
                program: &[at("ferrotype").display().to_string()],
                arguments: &arguments,
                options: &options,
            })
            .unwrap();
        fs::write(study.join(&done.file), &done.text).unwrap();
        let path = format!("{}:{}", place.path().display(), std::env::var("PATH").unwrap());
        let ended = Command::new(&done.submit[0]).args(&done.submit[1..]).env("PATH", path).output().unwrap();
        let lost = done.text.contains("start lost");
        assert_eq!(ended.status.code(), Some(i32::from(lost)), "{}", String::from_utf8_lossy(&ended.stderr));
        let deadline = Instant::now() + Duration::from_secs(20);
        let read = || fs::read_to_string(&out).unwrap_or_default().replace(&study.display().to_string(), "STUDY");
        while read().lines().count() < lines && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut all: Vec<String> = read().lines().map(str::to_owned).collect();
        all.sort();
        all
    }

    fn hosts(hosts: &[&str]) -> serde_json::Value {
        let hosts = hosts.iter().map(|h| (*h).to_owned()).collect();
        serde_json::to_value(Ssh { hosts, jobs: 3, ssh: vec!["-p".into(), "2222".into()], ..Ssh::default() }).unwrap()
    }

    #[test]
    fn a_worker_is_begun_on_each_machine_that_answers() {
        assert_eq!(asked("ssh", hosts(&["a", "me@b"]), false, 2), ["sweep worker STUDY --jobs 3"; 2]);
        assert_eq!(asked("ssh", hosts(&["lost", "b"]), false, 1), ["sweep worker STUDY --jobs 3"]);
    }

    #[test]
    fn members_are_dealt_out_to_the_machines_until_one_is_told_to_end() {
        // The one of task 3 is told to end: its machine trains no other.
        let of = |task: usize| format!("train --member-of STUDY task {task}");
        assert_eq!(asked("ssh", hosts(&["a", "b"]), true, 6), [of(0), of(1), of(2), of(3), of(4), of(6)]);
    }

    #[test]
    fn a_worker_in_the_background_has_the_jobs() {
        assert_eq!(asked("background", json!({}), false, 1), ["sweep worker STUDY --jobs 2"]);
        assert_eq!(asked("background", json!({}), true, 1), ["train --resume STUDY --jobs 2"]);
    }
}

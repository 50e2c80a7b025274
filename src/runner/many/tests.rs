//! What fake trainers see.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use ferrotype_training::interrupt::Interrupt;

/// Trains runs on a device with a fake trainer, four at a time on four named GPUs; it writes down what it sees, waits until
/// four have, and is done. What they saw, in order.
fn seen(device: &str, runs: usize, devices: Option<&str>) -> Result<Vec<String>> {
    let place = tempfile::tempdir()?;
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("seen"))?;
    let script = format!(
        "#!/bin/sh
case \"$*\" in *'--threads 5'*) ;; *) exit 3;; esac
for run; do :; done
echo \"${{CUDA_VISIBLE_DEVICES-all}}\" > {0}/$$
for i in $(seq 400); do [ $(ls {0} | wc -l) -ge 4 ] && break; sleep 0.05; done
echo '{{}}' > \"$run/metrics.json\"
",
        at("seen").display()
    );
    fs::write(at("trainer"), script)?;
    fs::set_permissions(at("trainer"), fs::Permissions::from_mode(0o755))?;
    let text = format!(
        "name: e\ndevice: {device}\ndata: {{path: '{}', source: {{synthetic: {{count: 40, seed: 1, size: 24}}}}, split: own, \
         preprocess: {{size: 24}}}}\nmodel: tiny_xception\ntrain: {{epochs: 1, batch_size: 8, lr: 1e-3}}\n",
        at("faces.h5").display()
    );
    let experiment = crate::config::read_any("e.yaml", &text)?;
    let planned: Vec<Planned> = (0..runs)
        .map(|n| Planned {
            label: format!("seed {n}"),
            folder: at(&format!("seed-{n}")),
            experiment: experiment.clone(),
        })
        .collect();
    let devices = devices.map(|list| list.split(',').map(str::to_owned).collect());
    let runner = Runner {
        jobs: Jobs { jobs: 4, devices },
        program: Some(at("trainer")),
        threads: Some(5),
        ..Runner::new(Interrupt::default(), Style::Quiet)
    };
    runner.all(&planned, "go on")?;
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read_to_string(entry?.path());
    let mut all = fs::read_dir(at("seen"))?.map(|e| Ok(read(e)?.trim().to_owned())).collect::<Result<Vec<_>>>()?;
    all.sort();
    Ok(all)
}

#[test]
fn four_folds_at_a_time_see_four_gpus() {
    assert_eq!(seen("cuda", 4, Some("0,1,2,3")).unwrap(), ["0", "1", "2", "3"]);
    // Those that come later have the GPUs of those that are done.
    let six = seen("cuda", 6, Some("0,1,2,3")).unwrap();
    assert!(six.len() == 6 && ["0", "1", "2", "3"].iter().all(|gpu| six.contains(&(*gpu).to_owned())), "{six:?}");
    assert_eq!(seen("cuda", 4, Some("6,7")).unwrap(), ["6", "6", "7", "7"]);
}

#[test]
fn runs_on_the_cpu_are_given_no_gpu() {
    assert!(seen("flex", 4, None).unwrap().iter().all(|gpu| gpu == "all"));
    let message = seen("flex", 4, Some("0,1")).unwrap_err().to_string();
    assert!(message.contains("device: flex"), "{message}");
}

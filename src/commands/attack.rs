//! `ferrotype attack`

mod files;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::files::Written;
use super::explain::class_of;
use super::inputs::Inputs;
use super::say;
use super::scored_set::ScoredSet;
use crate::runner::bar::bar;
use crate::systems::expressions::exposure::Exposure;
use crate::systems::expressions::report_run;
use crate::systems::loaded;
use ferrotype_data::preprocess::Views;
use ferrotype_data::task::{Subset, limited};
use ferrotype_evaluation::{Scores, score};
use ferrotype_report::{AttackPoint, AttackView};
use ferrotype_training::attack::{AttackResult, AttackTarget, FgsmOptions, Method, Norm, PgdOptions, RobustnessTest};
use ferrotype_training::scoring;

/// Random choice of rows for --limit: independent of those of training.
const LIMIT_SALT: u64 = 77;

/// Attack a run's network: how right is it on pictures changed so that it errs?
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype attack --run runs/vgg13-20260101-120000 --method fgsm
  ferrotype attack --run runs/vgg13-20260101-120000 --method pgd --eps 0,1,2,4,8 --steps 20 --restarts 2
  ferrotype attack --run runs/vgg13-20260101-120000 --method pgd --norm l2 --eps 0,100,200 --targeted happiness --limit 500")]
pub struct AttackCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    set: ScoredSet,
    /// The attack.
    #[arg(long, value_name = "METHOD")]
    method: MethodName,
    /// Largest changes, in grey levels of 0..255 at the network's input size, separated by commas [default: 0,1,2,4,8 for
    /// linf, 0,50,100,200,400 for l2].
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    eps: Option<String>,
    /// How the size of a change is measured.
    #[arg(long, value_name = "NORM", default_value = "linf")]
    norm: Norm,
    /// Steps of PGD [default: 10].
    #[arg(long)]
    steps: Option<usize>,
    /// Length of a step of PGD, in grey levels [default: 2.5 * eps / steps].
    #[arg(long, value_name = "LEVELS", allow_negative_numbers = true)]
    step_size: Option<f32>,
    /// How often PGD begins anew; the worst example counts [default: 1].
    #[arg(long)]
    restarts: Option<usize>,
    /// Whether PGD begins at a random point of the ball [default: true].
    #[arg(long, value_name = "BOOL")]
    random_start: Option<bool>,
    /// Push every row to this class, instead of away from its own. Rows of the class are left out.
    #[arg(long, value_name = "CLASS")]
    targeted: Option<String>,
    /// Attack only so many rows (a seeded choice).
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Fixes random starts and the choice of rows.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Keep the pictures of so many rows in examples.npz.
    #[arg(long, value_name = "N", default_value_t = 64)]
    examples: usize,
    /// Write to this folder [default: attack-METHOD in the run's].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Compute on another device than the experiment's.
    #[arg(long)]
    device: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum MethodName {
    /// One step along the sign of the gradient (Goodfellow et al., arXiv:1412.6572).
    Fgsm,
    /// Projected steps from a random start (Madry et al., arXiv:1706.06083).
    Pgd,
}

impl AttackCommand {
    /// Attacks, prints a line per strength, writes the files and, where the run is finished, its report anew.
    ///
    /// # Errors
    /// When an option is impossible, or run or data cannot be read.
    pub fn run(self) -> Result<()> {
        let method = self.attack()?;
        let eps = self.strengths()?;
        if let Some(folder) = &self.out {
            let inputs = Inputs::new().run(&self.run).paths("--data", &self.set.data);
            files::NAMES.iter().try_for_each(|name| inputs.spare_file("--out", &folder.join(name)))?;
        }
        let loaded = loaded::open(&self.run, self.device.as_deref())?;
        let _lock = loaded.run.lock()?;
        let target = self.targeted.as_deref().map(|name| class_of(name, &loaded.meta.classes)).transpose()?;
        let chosen = self.set.load(&loaded)?;
        chosen.notes.iter().try_for_each(say)?;
        // What is to be known of the rows stands with the figures, too.
        let title = [vec![chosen.title], chosen.notes].concat().join("; ");
        let subset = self.attacked(chosen.subset, target)?;
        let exposure = chosen.may_be_seen.then(|| Exposure::of(&loaded.run, &subset));
        let seen = exposure.as_ref().and_then(Exposure::share);
        let evaluate = &loaded.experiment.evaluate;
        let target_network =
            AttackTarget { network: &loaded.network, pipeline: subset.pipeline(), views: evaluate.views() };
        let restarts = self.restarts.unwrap_or(1);
        let test_plan =
            RobustnessTest { method, norm: self.norm, eps, restarts, target, seed: self.seed, keep: self.examples };
        let base = scoring::without_logits(&subset);
        let bar = bar("pictures attacked", subset.len() * test_plan.eps.len());
        let found = test_plan.run(&target_network, &subset, &base, evaluate.batch_size, |n| bar.inc(n as u64))?;
        bar.finish_and_clear();

        let view = AttackView {
            method: test_plan.method.as_str().into(),
            norm: test_plan.norm.as_str().into(),
            settings: self.settings(title, &target_network, &test_plan, &subset),
            seen,
            points: points(&found, target, exposure.as_ref())?,
            examples: None,
        };
        let folder = self.out.clone().unwrap_or_else(|| loaded.run.path().join(self.folder_name(&test_plan)));
        let shape = target_network.pipeline.shape();
        Written { view: &view, found: &found, test_plan: &test_plan, shape }.write(&folder)?;
        exposure.iter().flat_map(Exposure::warnings).try_for_each(say)?;
        for point in &view.points {
            say(line(point))?;
        }
        say(format_args!("written to {}", folder.display()))?;
        if self.out.is_none() && loaded.run.is_finished() {
            report_run(&loaded.run)?;
            say(format_args!("report  {}", loaded.run.report().display()))?;
        }
        Ok(())
    }

    fn attack(&self) -> Result<Method> {
        if self.method == MethodName::Fgsm {
            let given = [
                ("--steps", self.steps.is_some()),
                ("--step-size", self.step_size.is_some()),
                ("--restarts", self.restarts.is_some()),
                ("--random-start", self.random_start.is_some()),
            ];
            if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
                bail!("{name} is an option of pgd: fgsm takes one step of eps from the picture itself");
            }
            return Ok(Method::Fgsm(FgsmOptions::default()));
        }
        ensure!(self.restarts != Some(0), "--restarts is 0: the attack is begun at least once");
        let random_start = self.random_start.unwrap_or(true);
        ensure!(
            random_start || self.restarts.unwrap_or(1) == 1,
            "--restarts without a random start would do the same again: leave one of them out"
        );
        let steps = self.steps.unwrap_or(10);
        ensure!((1..=100_000).contains(&steps), "--steps is {steps}: it must be from 1 to 100000");
        if let Some(size) = self.step_size {
            ensure!(size.is_finite() && size > 0.0, "--step-size is {size}: it must be above 0, in grey levels");
        }
        Ok(Method::Pgd(PgdOptions { steps, step_size: self.step_size, random_start }))
    }

    /// The list of --eps, from small to large, each once.
    fn strengths(&self) -> Result<Vec<f32>> {
        let default = if self.norm == Norm::Linf { "0,1,2,4,8" } else { "0,50,100,200,400" };
        let text = self.eps.as_deref().unwrap_or(default);
        let mut all = Vec::new();
        for word in text.split(',').map(str::trim) {
            let value: f32 = word.parse().map_err(|_| {
                anyhow::anyhow!(
                    "--eps {text}: `{word}` is not a number; give numbers separated by commas, as 0,1,2,4,8"
                )
            })?;
            ensure!(
                value.is_finite() && value >= 0.0,
                "--eps {text}: {word} is impossible; a change is at least 0 grey levels (of 0..255)"
            );
            ensure!(
                self.norm == Norm::L2 || value <= 255.0,
                "--eps {text}: {word} is more than the 255 grey levels from black to white"
            );
            all.push(value);
        }
        all.sort_by(f32::total_cmp);
        all.dedup();
        Ok(all)
    }

    /// The rows that are attacked.
    fn attacked(&self, mut subset: Subset, target: Option<usize>) -> Result<Subset> {
        if let Some(target) = target {
            let labelled = subset.labelled.clone();
            subset.indices.retain(|&i| labelled.class(i) != target);
        }
        ensure!(self.limit != Some(0), "--limit is 0: there would be nothing to attack");
        subset.indices = limited(std::mem::take(&mut subset.indices), self.limit, self.seed, LIMIT_SALT);
        ensure!(
            !subset.is_empty(),
            "there are no rows to attack: all of them are of the class they would be pushed to"
        );
        Ok(subset)
    }

    /// What a reader must know of the attack.
    fn settings(
        &self,
        title: String,
        target_network: &AttackTarget,
        test_plan: &RobustnessTest,
        rows: &Subset,
    ) -> Vec<(String, String)> {
        let mut all = vec![
            ("data", title),
            (
                "rows attacked",
                format!("{}{}", rows.len(), if self.limit.is_some() { " (a seeded choice)" } else { "" }),
            ),
            ("eps", {
                let [channels, height, width] = target_network.pipeline.shape();
                let what = match test_plan.norm {
                    Norm::Linf => "largest change of a value",
                    Norm::L2 => "root of the sum of squared changes over all values of a picture",
                };
                format!(
                    "{what}, in grey levels of 0..255, at the input size {channels}x{height}x{width}, after resizing"
                )
            }),
        ];
        if let Method::Pgd(pgd) = &test_plan.method {
            let size = pgd.step_size.map_or("2.5 * eps / steps".into(), |s| s.to_string());
            let start = if pgd.random_start { "random" } else { "the picture" };
            all.push(("steps", format!("{} of {size}; start: {start}; restarts: {}", pgd.steps, test_plan.restarts)));
        }
        if let Some(class) = &self.targeted {
            all.push(("target", format!("{class} (its own rows are left out)")));
        }
        let gradient = match target_network.is_differentiable() {
            true => "exact, through network and scale",
            false => {
                "straight-through (BPDA, arXiv:1802.00420): the ferplus chain has no useful derivative and counts as the \
                 identity on the way back; scores use the true chain. A better attack may find more"
            }
        };
        all.push(("gradient", gradient.into()));
        if target_network.views == Views::TenCrop {
            let text = "the square in the middle alone: the run's own scores are the mean over ten (evaluate.ten_crop)";
            all.push(("view", text.into()));
        }
        if target_network.is_flip_averaged() {
            all.push(("logits", "averaged over picture and mirror image, as in scoring; so are the gradients".into()));
        }
        all.push(("seed", self.seed.to_string()));
        all.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
    }

    fn folder_name(&self, test_plan: &RobustnessTest) -> String {
        let mut name = format!("attack-{}", test_plan.method.as_str());
        if test_plan.norm != Norm::Linf {
            name += &format!("-{}", test_plan.norm.as_str());
        }
        if let Some(target) = test_plan.target {
            name += &format!("-to-class{target}");
        }
        name
    }
}

fn points(found: &AttackResult, target: Option<usize>, exposure: Option<&Exposure>) -> Result<Vec<AttackPoint>> {
    let point = |s: &ferrotype_training::attack::Strength| {
        let p = &s.predictions;
        let scores: Scores = score(p).with_context(|| format!("cannot score the attack of eps {}", s.eps))?;
        let accuracy = scores.get("accuracy")?;
        let reached = |t| (0..p.len()).filter(|&i| p.predicted(i) == t).count() as f64 / p.len() as f64;
        Ok(AttackPoint {
            eps: s.eps,
            n: p.len() as u64,
            accuracy: accuracy.value,
            accuracy_unseen: exposure
                .map(|e| e.unseen(p))
                .transpose()?
                .flatten()
                .and_then(|scores| Some(scores.metrics.get("accuracy")?.value)),
            interval: accuracy.interval.context("accuracy has no interval")?,
            uar: scores.get("uar")?.value,
            reached: target.map(reached),
            mean_linf: s.mean_linf,
            mean_l2: s.mean_l2,
        })
    };
    found.strengths.iter().map(point).collect()
}

/// A point for the terminal.
fn line(p: &AttackPoint) -> String {
    let [low, high] = p.interval.map(|v| 100.0 * v);
    let reached = p.reached.map(|r| format!("   target reached {:.2} %", 100.0 * r)).unwrap_or_default();
    let unseen = p.accuracy_unseen.map(|a| format!("   of rows not seen {:.2} %", 100.0 * a)).unwrap_or_default();
    format!(
        "eps {:<6} accuracy {:6.2} % (95 % interval {low:.2} to {high:.2}){unseen}   UAR {:6.2} %{reached}   mean change {:.2} \
         (largest), {:.1} (l2)",
        p.eps,
        100.0 * p.accuracy,
        100.0 * p.uar,
        p.mean_linf,
        p.mean_l2
    )
}

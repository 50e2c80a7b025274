//! A linear support vector machine on published descriptors of whole clips, one for each emotion: the last stage of the
//! relaxed spatio-temporal features of Ozkan and Akar (savasozkan/real-fake-emotions).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use ferrotype_classic::bilinear::signed_square_root;
use ferrotype_classic::model;
use ferrotype_classic::svm::libsvm::LibsvmModel;
use ferrotype_classic::svm::{Plane, Svm, SvmOptions as Fit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs;
use crate::clip::{Clip, ClipSet};
use crate::method::{Fitted, Method, Work};
use ferrotype_ops::Compute;
use ferrotype_run::files::write_atomic;

/// Options of the support vector machine on descriptors. The defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SvmOptions {
    /// Cost of a margin violated.
    pub c: f64,
    /// Take the square root of descriptors, with their sign.
    pub signed_root: bool,
    /// A machine for each emotion; otherwise one for all clips.
    pub per_emotion: bool,
    /// A folder with machines that were fitted elsewhere, `<emotion>.svm` in libsvm's text form (label 1 is real), or
    /// `all.svm` where one machine is for all. Then nothing is fitted.
    pub models: Option<PathBuf>,
}

impl Default for SvmOptions {
    fn default() -> Self {
        Self { c: 1.0, signed_root: true, per_emotion: true, models: None }
    }
}

const FILE: &str = "svm.json";
/// The name of the machine for all emotions.
const ALL: &str = "all";

/// Fitted machines: what the file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Machines {
    /// One for each machine; none where one is for all.
    emotions: Vec<String>,
    signed_root: bool,
    machines: Vec<Plane>,
    /// The same with their support vectors as libsvm's text, which a fit writes beside for other programs.
    #[serde(skip)]
    texts: Vec<String>,
}

impl model::Fitted for Machines {
    const KIND: &'static str = "real_fake_svm";

    fn check(&self) -> Result<()> {
        ensure!(
            self.machines.len() == self.emotions.len().max(1),
            "it has {} machines for {} emotions",
            self.machines.len(),
            self.emotions.len()
        );
        let width = self.machines[0].weights.len();
        ensure!(self.machines.iter().all(|plane| plane.weights.len() == width), "its machines differ in size");
        Ok(())
    }
}

impl SvmOptions {
    fn fit_clips(&self, set: &ClipSet, training: &[usize]) -> Result<Machines> {
        let emotions = if self.per_emotion { set.emotions.clone() } else { Vec::new() };
        ensure!(
            !(self.per_emotion && emotions.is_empty()),
            "the clips do not say which emotion they show, and there is to be a machine for each: set `per_emotion: false`"
        );
        let mut machines = Machines { signed_root: self.signed_root, emotions, machines: vec![], texts: vec![] };
        for at in 0..machines.emotions.len().max(1) {
            let name = machines.emotions.get(at).map_or(ALL, String::as_str);
            let (plane, text) = match &self.models {
                Some(folder) => read(folder, name, width(set)?)?,
                None => self.fit_one(set, &machines.members(set, training, at)?).with_context(|| match name {
                    ALL => "the machine for all emotions".to_owned(),
                    name => format!("the machine for {name}"),
                })?,
            };
            machines.machines.push(plane);
            machines.texts.push(text);
        }
        Ok(machines)
    }

    fn fit_one(&self, set: &ClipSet, clips: &[usize]) -> Result<(Plane, String)> {
        let genuine = inputs::truths(set, clips)?;
        let rows = inputs::rows(set, clips, |clip| descriptor(clip, self.signed_root))?;
        let svm = Svm::fit(&rows, &genuine, &Fit { c: self.c, ..Fit::default() })?;
        let text = LibsvmModel::of(&svm, &rows).text();
        Ok((svm.plane, text))
    }
}

/// Length of the clips' descriptors.
fn width(set: &ClipSet) -> Result<usize> {
    set.clips.iter().find_map(|clip| clip.descriptor.as_ref().map(Vec::len)).context("no clip has a descriptor")
}

/// A machine that was fitted elsewhere. Emotions have several names: SASE-FE's files say contentment for contempt.
fn read(folder: &Path, name: &str, width: usize) -> Result<(Plane, String)> {
    let other = if name == "contempt" { "contentment" } else { name };
    let path = [name, other].map(|name| folder.join(format!("{name}.svm"))).into_iter().find(|path| path.exists());
    let path = path.with_context(|| format!("the folder {} has no file {name}.svm", folder.display()))?;
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let plane = LibsvmModel::parse(&text).and_then(|model| model.plane(1, width));
    Ok((plane.with_context(|| format!("cannot use {}", path.display()))?, text))
}

impl Method for SvmOptions {
    fn problems(&self) -> Vec<(String, String)> {
        inputs::above_zero("c", self.c).into_iter().collect()
    }

    fn fit(&self, set: &ClipSet, training: &[usize], _: &[usize], _: &mut Work) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_clips(set, training)?))
    }

    fn load(&self, set: &ClipSet, folder: &Path, _: &Device, _: Compute) -> Result<Box<dyn Fitted>> {
        let fitted: Machines = model::read(&folder.join(FILE))?;
        if !fitted.emotions.is_empty() {
            inputs::same_emotions(&fitted.emotions, set)?;
        }
        Ok(Box::new(fitted))
    }
}

impl Machines {
    fn names(&self) -> Vec<String> {
        if self.emotions.is_empty() { vec![ALL.to_owned()] } else { self.emotions.clone() }
    }

    /// Which machine decides about a clip.
    fn machine(&self, clip: &Clip) -> Result<usize> {
        if self.emotions.is_empty() { Ok(0) } else { inputs::emotion(clip) }
    }

    /// Those of the clips that a machine decides about.
    fn members(&self, set: &ClipSet, clips: &[usize], machine: usize) -> Result<Vec<usize>> {
        let mut members = Vec::new();
        for &i in clips {
            let decides = self.machine(&set.clips[i]).with_context(|| format!("clip {}", set.clips[i].name))?;
            if decides == machine {
                members.push(i);
            }
        }
        ensure!(
            !members.is_empty(),
            "no training clip shows {}",
            self.emotions.get(machine).map_or(ALL, String::as_str)
        );
        Ok(members)
    }
}

impl Fitted for Machines {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        if !self.emotions.is_empty() {
            inputs::same_emotions(&self.emotions, set)?;
        }
        let score = |&i: &usize| {
            let clip = &set.clips[i];
            let machine = &self.machines[self.machine(clip)?];
            machine.decision(&descriptor(clip, self.signed_root)?)
        };
        let named = |i: &usize| score(i).with_context(|| format!("clip {}", set.clips[*i].name));
        clips.iter().map(named).collect()
    }

    fn save(&self, folder: &Path) -> Result<()> {
        model::write(&folder.join(FILE), self)?;
        let files = self.names().into_iter().zip(&self.texts);
        files.into_iter().try_for_each(|(name, text)| write_atomic(folder.join(format!("{name}.svm")), text.as_bytes()))
    }

    fn parameters(&self) -> usize {
        self.machines.iter().map(|plane| plane.weights.len() + 1).sum()
    }
}

fn descriptor(clip: &Clip, signed_root: bool) -> Result<Vec<f64>> {
    let descriptor = clip.descriptor.as_ref().context(
        "it has no descriptor, and this method works on published ones: take a source of descriptors, or the method that \
         makes them",
    )?;
    let mut values: Vec<f64> = descriptor.iter().copied().map(f64::from).collect();
    if signed_root {
        signed_square_root(&mut values);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::super::inputs::drawn::{accuracy, clips};
    use super::*;

    /// Descriptors of eight numbers, the classes apart along another axis for each emotion.
    fn set() -> ClipSet {
        let mut set = clips(12, 0.0, 6);
        for (at, clip) in set.clips.iter_mut().enumerate() {
            let sign = if clip.real == Some(true) { 1.0 } else { -1.0 };
            let noise = |k: usize| (1.3 * (at * 8 + k) as f32).sin();
            let apart = |k: usize| if Some(k) == clip.emotion { 0.8 * sign } else { 0.0 };
            clip.descriptor = Some((0..8).map(|k| noise(k) * 0.9 + apart(k)).collect());
        }
        set
    }

    #[test]
    fn each_emotion_has_its_machine_and_files_hold_them() {
        let set = set();
        let all: Vec<usize> = (0..set.clips.len()).collect();
        let (training, test) = all.split_at(24);
        let fitted = SvmOptions::default().fit_clips(&set, training).unwrap();
        assert_eq!((fitted.machines.len(), fitted.parameters()), (2, 18));
        let scores = fitted.scores(&set, test).unwrap();
        assert!(accuracy(&set, test, &scores) > 0.8, "{scores:?}");
        let folder = tempfile::tempdir().unwrap();
        fitted.save(folder.path()).unwrap();
        let device = Device::default();
        let load = |set: &ClipSet| SvmOptions::default().load(set, folder.path(), &device, Compute::default());
        assert_eq!(load(&set).unwrap().scores(&set, test).unwrap(), scores);
        let mut other = set.clone();
        other.emotions.swap(0, 1);
        assert!(load(&other).err().unwrap().to_string().contains("sadness, happiness"));
        // The text files are machines of their own.
        let elsewhere = SvmOptions { models: Some(folder.path().into()), ..SvmOptions::default() };
        let read = elsewhere.fit_clips(&set, &[]).unwrap();
        read.scores(&set, test).unwrap().iter().zip(&scores).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
        let one = SvmOptions { per_emotion: false, ..SvmOptions::default() }.fit_clips(&set, training).unwrap();
        assert_eq!(one.names(), ["all"]);
        assert!(accuracy(&set, test, &one.scores(&set, test).unwrap()) > 0.6);
    }

    #[test]
    fn what_is_missing_is_said() {
        let set = set();
        let all: Vec<usize> = (0..set.clips.len()).collect();
        let said = |change: &dyn Fn(&mut ClipSet), options: SvmOptions| {
            let mut set = set.clone();
            change(&mut set);
            format!("{:#}", options.fit_clips(&set, &all).unwrap_err())
        };
        let plain = SvmOptions::default;
        assert!(said(&|s| s.clips[2].descriptor = None, plain()).contains("clip 0/1fake: it has no descriptor"));
        assert!(said(&|s| s.clips[2].emotion = None, plain()).contains("clip 0/1fake: nobody says which emotion"));
        assert!(said(&|s| s.emotions.clear(), plain()).contains("per_emotion: false"));
        let sad =
            |s: &mut ClipSet| s.clips.iter_mut().filter(|c| c.emotion == Some(1)).for_each(|c| c.real = Some(true));
        assert!(said(&sad, plain()).contains("the machine for sadness: all 24 training clips are real"));
        let none = |s: &mut ClipSet| s.clips.iter_mut().for_each(|c| c.emotion = Some(0));
        assert!(said(&none, plain()).contains("no training clip shows sadness"));
        assert!(said(&|_| (), SvmOptions { c: -1.0, ..plain() }).contains("above 0"));
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = || SvmOptions { models: Some(folder.path().into()), ..plain() };
        assert!(said(&|_| (), elsewhere()).contains("has no file happiness.svm"));
        std::fs::write(folder.path().join("happiness.svm"), "svm_type nu_svc\n").unwrap();
        assert!(said(&|_| (), elsewhere()).contains("happiness.svm: line 1: a machine of type `nu_svc`"));
    }
}

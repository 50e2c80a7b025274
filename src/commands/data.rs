//! `ferrotype data`: prepares datasets and says what is in them.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};

use super::faces::FacesCommand;
use super::inputs::{HDF5, Inputs, JSON};
use super::models::hub::of_option;
use ferrotype_anomaly::generated::film;
use ferrotype_anomaly::options::GeneratedOptions;
use ferrotype_data::audit::audit;
use ferrotype_data::options::{SourceOptions, StorageOptions, SyntheticClipsOptions, SyntheticMicroOptions};
use ferrotype_data::{FaceSet, clips as data_clips, info, sources, store};
use ferrotype_real_fake::sources::generated::GeneratedClipsOptions;
use ferrotype_real_fake::synthesise as real_fake;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::lock::OutLock;
use ferrotype_run::program::command_line;
use ferrotype_vision::clips::{self, synthesise};
use ferrotype_vision::micro;

/// Prepare datasets, and look at what is in them.
#[derive(Debug, Args)]
pub struct DataCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read a dataset in its original form and write one HDF5 file.
    #[command(after_help = "Example: ferrotype data prepare ferplus --csv fer2013.csv --votes fer2013new.csv \
                            --out datasets/ferplus.h5")]
    Prepare(Prepare),
    /// Write a set of synthetic clips in the form of a dataset that needs a licence.
    #[command(after_help = "Example: ferrotype data synthesise baum --out baum/ --subjects 6")]
    Synthesise {
        #[command(subcommand)]
        what: Synthesise,
    },
    /// Print counts per part and class, the sizes of every label mode, and where the data come from.
    #[command(after_help = "Example: ferrotype data info datasets/ferplus.h5")]
    Info {
        /// A file made by `ferrotype data prepare`.
        file: PathBuf,
    },
    /// Look for duplicates, leaks, contradicting labels, blank pictures and imbalance.
    #[command(after_help = "Example: ferrotype data audit datasets/ferplus.h5 --json audit.json")]
    Audit {
        /// A file made by `ferrotype data prepare`.
        file: PathBuf,
        /// Also write everything found, with all rows, to this file.
        #[arg(long, value_name = "OUT")]
        json: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum Synthesise {
    /// BAUM-1: folders, H.264 files, annotations as CSV, and OpenFace's tables with the true landmarks.
    Baum {
        /// The folder to write.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// In the form of BAUM-1a (acted) rather than BAUM-1s.
        #[arg(long)]
        acted: bool,
        #[command(flatten)]
        options: SyntheticClipsOptions,
    },
    /// SASE-FE: subjects' folders of H.264 files with genuine and posed expressions, validation and test clips without
    /// subjects, and OpenFace's tables of them. SASE-FE has 100 frames per second: --rate 100.
    #[command(name = "sase_fe")]
    SaseFe {
        /// The folder to write.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Pixels per side.
        #[arg(long, default_value_t = 200)]
        size: usize,
        /// Write the tables alone, no videos.
        #[arg(long)]
        tables_only: bool,
        #[command(flatten)]
        options: GeneratedClipsOptions,
    },
    /// Micro-expressions in the form of CASME II: frames, aligned crops, and the coding sheet as CSV.
    Micro {
        /// The folder to write.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        options: SyntheticMicroOptions,
    },
    /// One synthetic face that talks and rests, with injected anomalies: `face.mp4`, and `features.csv` with what is true.
    Face {
        /// The folder to write.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Length in seconds.
        #[arg(long, default_value_t = 60.0)]
        seconds: f64,
        /// Frames per second.
        #[arg(long, default_value_t = 25.0)]
        rate: f64,
        /// Injected anomalies.
        #[arg(long, default_value_t = 6)]
        anomalies: usize,
        /// Pixels per side.
        #[arg(long, default_value_t = 240)]
        size: usize,
        /// Chooses the person and what happens.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

/// What is prepared.
#[derive(Debug, Subcommand)]
enum Prepared {
    #[command(flatten)]
    Dataset(SourceOptions),
    /// Find the faces of a video, tell the persons apart, and write their features frame by frame.
    #[command(after_help = "Example: ferrotype data prepare faces --video talk.mp4 --detector yunet.onnx \
                            --embedder mobilefacenet.onnx --emotions runs/my-run --out talk/faces.h5")]
    Faces(FacesCommand),
}

#[derive(Debug, Args)]
struct Prepare {
    #[command(subcommand)]
    source: Prepared,
    /// The file to write [default: datasets/<SOURCE>.h5]
    #[arg(long, global = true)]
    out: Option<PathBuf>,
    #[command(flatten)]
    storage: StorageOptions,
}

impl DataCommand {
    /// Runs the verb.
    ///
    /// # Errors
    /// Whatever the verb meets, in words for the user.
    pub fn run(self) -> Result<()> {
        match self.verb {
            Verb::Prepare(prepare) => prepare.run(),
            Verb::Synthesise { what: Synthesise::Baum { out, acted, options } } => {
                let done = synthesise::baum(&options, acted, &out)?;
                let form = if acted { "baum1a" } else { "baum1s" };
                show(&format!(
                    "{0}: {1} synthetic clips, {2} frames\nPrepare them with: ferrotype data prepare {form} --root {0} --openface \
                     {0}/openface\n",
                    out.display(),
                    done.clips,
                    done.frames
                ))
            }
            Verb::Synthesise { what: Synthesise::SaseFe { out, size, tables_only, options } } => {
                let done = real_fake::sase_fe(&options, (!tables_only).then_some(size), &out)?;
                show(&format!(
                    "{0}: {1} synthetic clips, {2} frames\nUse them in an experiment with: data.source: {{sase_fe: {{root: {0}, \
                     tables: {0}/openface, labels: {0}/validation_labels.csv}}}}\n",
                    out.display(),
                    done.clips,
                    done.frames
                ))
            }
            Verb::Synthesise { what: Synthesise::Micro { out, options } } => {
                let done = micro::synthesise::casme2(&options, &out)?;
                show(&format!(
                    "{0}: {1} synthetic micro-expressions, {2} frames\nPrepare them with: ferrotype data prepare casme2 --root {0} \
                     --cropped --out {0}/flow.h5\n",
                    out.display(),
                    done.clips,
                    done.frames
                ))
            }
            Verb::Synthesise { what: Synthesise::Face { out, seconds, rate, anomalies, size, seed } } => {
                let options = GeneratedOptions { seconds, rate, anomalies, ..GeneratedOptions::default() };
                let frames = film::write(&options, seed, size, &out)?;
                show(&format!(
                    "{0}: face.mp4 of {frames} frames with {anomalies} injected anomalies, and features.csv\nFind the face in it \
                     with: ferrotype data prepare faces --video {0}/face.mp4 --truth {0}/features.csv --synthetic --detector ONNX \
                     --embedder ONNX --out {0}/faces.h5\n",
                    out.display()
                ))
            }
            Verb::Info { file } => show(&describe(&file)?),
            Verb::Audit { file, json } => run_audit(&file, json.as_deref()),
        }
    }
}

impl Prepare {
    fn run(self) -> Result<()> {
        let source = match self.source {
            Prepared::Dataset(mut source) => {
                if let Some(detector) = sources::detector_mut(&mut source) {
                    of_option("--detector", detector)?;
                }
                source
            }
            Prepared::Faces(mut command) => {
                command.resolve()?;
                let is_default = self.storage.is_default();
                ensure!(
                    is_default,
                    "--store, --shard-mb and --jpeg-quality are for sets of pictures, not for a video's faces"
                );
                let out = self.out.unwrap_or_else(|| "datasets/faces.h5".into());
                command.inputs().spare(&[("--out", Some(&out), HDF5)])?;
                check_kind(&out)?;
                check_place(&out)?;
                let _lock = OutLock::acquire(&out)?;
                return show(&command.prepare(&out)?);
            }
        };
        let out = self.out.unwrap_or_else(|| format!("datasets/{}.h5", sources::name(&source)).into());
        check_storage(&self.storage)?;
        clips::check_storage(&source, &self.storage)?;
        Inputs::new().source(&source).spare(&[("--out", Some(&out), HDF5)])?;
        check_kind(&out)?;
        // A read-only or missing folder should not be found out after the work.
        check_place(&out)?;
        // What is kept until the file is there, finished clips and shards, lies beside it and goes by its name: one lock is for
        // all of it.
        let _lock = OutLock::acquire(&out)?;
        if clips::is_clips(&source) {
            let set = clips::prepare(&source, &out, &command_line(), &self.storage)?;
            return show(&format!("{}\n{}", out.display(), data_clips::describe(&set)));
        }
        let faces = clips::prepare_pictures(&source, &out, &command_line(), Some(&self.storage))?;
        store::write(&faces, &out)?;
        show(&wrote(&faces, &out))
    }
}

/// Refuses to replace a file that was not prepared: Keras' weights have the same extension.
fn check_kind(out: &Path) -> Result<()> {
    let filled = std::fs::metadata(out).is_ok_and(|m| m.is_file() && m.len() > 0);
    ensure!(
        !filled || store::format_of(out).is_some(),
        "--out {} is there already and is no file that `ferrotype data prepare` wrote: choose another name, or remove it \
         first",
        out.display()
    );
    Ok(())
}

/// Refuses what an experiment file would refuse under `data.storage`.
fn check_storage(storage: &StorageOptions) -> Result<()> {
    ensure!(storage.shard_mb != Some(0), "--shard-mb is 0; 1 or more is expected");
    let quality = storage.jpeg_quality;
    ensure!((1..=100).contains(&quality), "--jpeg-quality is {quality}; 1 to 100 is expected");
    Ok(())
}

/// What is in a prepared file of either kind.
fn describe(file: &Path) -> Result<String> {
    if store::format_of(file).is_some_and(|format| format == data_clips::store::FORMAT) {
        return Ok(data_clips::describe(&data_clips::store::summary(file)?));
    }
    Ok(info::describe(&store::summary(file)?))
}

fn run_audit(file: &Path, json: Option<&Path>) -> Result<()> {
    Inputs::new().path("the prepared file", file).spare(&[("--json", json, JSON)])?;
    let report = audit(&store::read(file)?)?;
    let mut text = report.to_string();
    if let Some(path) = json {
        write_atomic(path, serde_json::to_string_pretty(&report)?.as_bytes())?;
        text += &format!("\nAll rows are in {}\n", path.display());
    }
    show(&text)
}

/// Prints a text. A reader who has seen enough (`| head`) is no error.
fn show(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e).context("cannot write to the terminal"),
        _ => Ok(()),
    }
}

/// Makes the folder of `out` and checks that files can be made in it.
fn check_place(out: &Path) -> Result<()> {
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut probe = out.as_os_str().to_owned();
    probe.push(format!(".probe-{}", std::process::id()));
    std::fs::File::create(&probe).map_err(|e| explain(out, &e))?;
    std::fs::remove_file(&probe).with_context(|| format!("cannot remove {}", Path::new(&probe).display()))
}

fn wrote(faces: &FaceSet, out: &Path) -> String {
    let images = &faces.images;
    let mut text = format!(
        "{}: {} {}faces of {} x {} pixels, {}\n",
        out.display(),
        faces.len(),
        if faces.provenance.synthetic { "synthetic " } else { "" },
        images.width,
        images.height,
        if images.channels == 1 { "grey" } else { "RGB" }
    );
    text.extend(info::shards(faces));
    for note in &faces.provenance.notes {
        let kind = if note.starts_with("warning: ") { "" } else { "note: " };
        text += &format!("{kind}{note}\n");
    }
    text + &format!("Look at it with: ferrotype data info {}\n", out.display())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        data: DataCommand,
    }

    fn run(words: &[&str]) -> Result<()> {
        Line::try_parse_from(std::iter::once("ferrotype").chain(words.iter().copied()))?.data.run()
    }

    #[test]
    fn prepares_describes_and_audits() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::create_dir_all(dir.path().join("faces/sad")).unwrap();
        image::GrayImage::new(8, 8).save(at("faces/sad/1.png")).unwrap();
        let out = at("new/faces.h5");
        run(&["prepare", "folder", "--root", &at("faces"), "--out", &out]).unwrap();
        run(&["info", &out]).unwrap();
        run(&["audit", &out, "--json", &at("audit.json")]).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(at("audit.json")).unwrap()).unwrap();
        assert_eq!(json["blank"], serde_json::json!([0]));
        let names: Vec<_> =
            std::fs::read_dir(dir.path().join("new")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["faces.h5"]);
    }

    #[test]
    fn failures_leave_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out/x.h5").display().to_string();
        assert!(run(&["prepare", "fer2013", "--csv", "no.csv", "--out", &out]).is_err());
        assert_eq!(std::fs::read_dir(dir.path().join("out")).unwrap().count(), 0);
        assert!(run(&["info", &out]).unwrap_err().to_string().contains("does not exist"));
    }

    #[test]
    fn a_file_that_somebody_makes_is_not_made_a_second_time() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("x.h5");
        let _other = OutLock::acquire(&out).unwrap();
        let said = |words: &[&str]| {
            let words: Vec<&str> = words.iter().copied().chain(["--out", out.to_str().unwrap()]).collect();
            run(&words).unwrap_err().to_string()
        };
        for source in [&["prepare", "synthetic", "--count", "3"][..], &["prepare", "synthetic_clips"]] {
            let said = said(source);
            assert!(said.contains("x.h5 is being made by process") && said.contains("wait for it"), "{said}");
        }
        // Nothing but its lock is there.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_command_line_is_checked() {
        use clap::CommandFactory;
        Line::command().debug_assert();
        for words in [
            &["prepare", "ferplus", "--csv", "a.csv"][..],
            &["prepare", "ferplus"],
            &["prepare", "ferplus", "--images", "a", "--csv", "b", "--votes", "c"],
            &["prepare", "fer2014"],
        ] {
            assert!(
                Line::try_parse_from(std::iter::once("ferrotype").chain(words.iter().copied())).is_err(),
                "{words:?}"
            );
        }
    }
}
